//! Drafts: sealed, merged, audited, and each council's own.

use crate::support::*;
use chrono::{DateTime, Utc};
use oss_storage::drafts::{DraftHead, Editor};
use serde_json::json;
use std::slice;

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
        let change = store.change_draft(derby(), &id, by(who), thing.to_owned(), |content| {
            content.insert(key.to_owned(), json!("CANARY"));
            true
        });
        assert!(change.await.unwrap());
    }
    let thing = "N-1: in vain".to_owned();
    let in_vain = store.change_draft(derby(), &id, by("max"), thing, |content| {
        content.clear();
        false
    });
    assert!(!in_vain.await.unwrap());
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
    let ended = |at| store.end_draft(derby(), &id, at, by("sam"), "draft.sent");
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
    let begin = theirs.change_draft(nottingham(), &id, by("n"), thing, |_| true);
    assert!(begin.await.unwrap());
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
    let ended = store.end_draft(nottingham(), &id, at, by("d"), "draft.discarded");
    assert!(!ended.await.unwrap());
}

#[tokio::test]
async fn however_many_drafts_there_are_each_is_listed_once() {
    let database = Database::new().await;
    let store = database.store();
    let ids = (0..7).map(|number| format!("N-{number}"));
    for name in ids.clone() {
        let id = name.parse().unwrap();
        let begin = store.change_draft(derby(), &id, by("sam"), name, |_| true);
        assert!(begin.await.unwrap());
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
