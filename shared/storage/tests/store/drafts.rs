//! Drafts: sealed, merged, audited, and each council's own.

use crate::support::*;
use chrono::{DateTime, Utc};
use oss_domain::{Clock, Ids, Role, SessionId, UserId};
use oss_storage::{
    PgStore,
    drafts::{Answers, Begun, DraftHead, Editor, How},
    people::{Identity, SignIn},
};
use serde_json::json;
use std::{convert::Infallible, slice};

/// Keeps all as it is: a draft that is not there begins.
#[expect(clippy::unnecessary_wraps, reason = "a change may refuse")]
fn keep(begun: Option<Begun>) -> Result<Answers, Infallible> {
    Ok(begun.map(|(_, it)| it).unwrap_or_default())
}

fn by(name: &'static str) -> Editor<'static> {
    let now: DateTime<Utc> = "2026-11-23T09:00:00Z".parse().unwrap();
    Editor {
        user_id: name,
        user_name: name,
        now,
    }
}

#[tokio::test]
async fn a_draft_keeps_what_each_of_the_team_wrote_and_is_unreadable_in_the_database() {
    let database = Database::new().await;
    let store = database.store();
    let id = "N-1".parse().unwrap();
    for (who, key, thing) in [("sam", "one", "N-1: one"), ("casey", "two", "N-1: two")] {
        let change = store.change_draft(derby(), &id, by(who), thing.to_owned(), |begun| {
            let mut content = begun.map(|(_, it)| it).unwrap_or_default();
            content.insert(key.to_owned(), json!("CANARY"));
            Ok::<_, Infallible>(content)
        });
        let Ok(()) = change.await.unwrap();
    }
    let thing = "N-1: in vain".to_owned();
    let in_vain = store.change_draft(derby(), &id, by("max"), thing, |begun| Err(begun.is_some()));
    assert_eq!(in_vain.await.unwrap(), Err(true), "it saw what is there");
    let draft = store.draft(derby(), &id).await.unwrap().unwrap();
    assert_eq!(
        json!(draft.content),
        json!({"one": "CANARY", "two": "CANARY"})
    );
    assert_eq!(
        (&*draft.head.user_name, &*draft.head.changed_by),
        ("sam", "casey")
    );
    let listed = store.list_drafts(derby(), None, None, 10).await.unwrap();
    assert_eq!(listed, slice::from_ref(&draft.head));

    let mut owner = database.owner().await;
    let content: Vec<u8> = sqlx::query_scalar("SELECT content FROM draft")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert!(!content.windows(6).any(|part| part == b"CANARY"));
    let ended = |at| store.end_draft(derby(), &id, at, by("sam"), How::Sent);
    let seen = draft.head.changed_at;
    let before = by("casey").now;
    assert!(before < seen, "each change is later than the one before");
    assert!(!ended(before).await.unwrap(), "it was changed since");
    assert!(ended(seen).await.unwrap());
    assert!(!ended(seen).await.unwrap(), "once");
    let lines: Vec<(String, String, String)> =
        sqlx::query_as("SELECT actor, act, thing FROM audit ORDER BY seq")
            .fetch_all(&mut owner)
            .await
            .unwrap();
    let line = |actor: &str, act: &str, thing: &str| (actor.into(), act.into(), thing.into());
    assert_eq!(
        lines,
        [
            line("sam", "draft.changed", "N-1: one"),
            line("casey", "draft.changed", "N-1: two"),
            line("sam", "draft.sent", "N-1"),
        ]
    );
}

#[tokio::test]
async fn a_draft_of_another_council_is_not_seen() {
    let database = Database::new().await;
    let id = "N-1".parse().unwrap();
    let theirs = database.store_for(&[nottingham()]);
    let thing = "N-1: begun".to_owned();
    let begin = theirs.change_draft(nottingham(), &id, by("n"), thing, keep);
    let Ok(()) = begin.await.unwrap();
    let store = database.store();
    assert_eq!(store.draft(nottingham(), &id).await.unwrap(), None);
    assert_eq!(
        store
            .list_drafts(nottingham(), None, None, 10)
            .await
            .unwrap(),
        []
    );
    let draft = theirs.draft(nottingham(), &id).await.unwrap().unwrap();
    let at = draft.head.changed_at;
    let ended = store.end_draft(nottingham(), &id, at, by("d"), How::Discarded);
    assert!(!ended.await.unwrap());
}

#[tokio::test]
async fn however_many_drafts_there_are_each_is_listed_once() {
    let database = Database::new().await;
    let store = database.store();
    let ids = (0..7).map(|number| format!("N-{number}"));
    for name in ids.clone() {
        let id = name.parse().unwrap();
        let begin = store.change_draft(derby(), &id, by("sam"), name, keep);
        let Ok(()) = begin.await.unwrap();
    }
    let mut listed = Vec::new();
    let mut after: Option<DraftHead> = None;
    loop {
        let behind = after.as_ref().map(|it| (it.changed_at, &it.referral_id));
        let page = store.list_drafts(derby(), None, behind, 3).await.unwrap();
        listed.extend(page.iter().map(|it| it.referral_id.to_string()));
        after = page.into_iter().next_back();
        if after.is_none() {
            break;
        }
    }
    listed.sort_unstable();
    assert_eq!(listed, ids.collect::<Vec<_>>());
}

/// Somebody called Casey signs in.
async fn signed_in(store: &PgStore) -> UserId {
    let (clock, mut rng) = (clock(), rng());
    let mut ids = Ids::new(&clock, &mut rng);
    let sign_in = SignIn {
        identity: Identity {
            issuer: "https://id.example".to_owned(),
            subject: "casey".to_owned(),
            name: "Casey".to_owned(),
            authority: derby(),
            provider: None,
            roles: [Role::Commissioner].into(),
        },
        new_user_id: UserId::generate(&mut ids),
        session_id: SessionId::generate(&mut ids),
        token_sha256: [1; 32],
        replaces: None,
    };
    let person = store.sign_in(&sign_in, clock.now()).await.unwrap();
    person.unwrap().user_id
}

#[tokio::test]
async fn how_a_draft_ended_is_found_however_much_was_done_since() {
    let database = Database::new().await;
    let store = database.store();
    let id = "N-1".parse().unwrap();
    assert_eq!(store.draft_end(derby(), &id).await.unwrap(), None);
    let casey = signed_in(&store).await;
    let by = Editor {
        user_id: &casey.to_string(),
        ..by("casey")
    };
    for how in [How::Sent, How::Discarded] {
        let begin = store.change_draft(derby(), &id, by, "N-1: begun".to_owned(), keep);
        let Ok(()) = begin.await.unwrap();
        let at = store.draft(derby(), &id).await.unwrap().unwrap();
        let ended = store.end_draft(derby(), &id, at.head.changed_at, by, how);
        assert!(ended.await.unwrap());
        // Years of lines later.
        sqlx::query("UPDATE audit_chain SET seq = seq + 1000000")
            .execute(&mut database.owner().await)
            .await
            .unwrap();
        let end = store.draft_end(derby(), &id).await.unwrap().unwrap();
        assert_eq!((end.how, &*end.by, end.at), (how, "Casey", by.now));
    }
}
