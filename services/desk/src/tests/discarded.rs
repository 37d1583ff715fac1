//! A draft that a colleague discards while others write on: nobody's answer is lost, and none comes
//! back alone.

use super::{
    acting::{fill, hidden},
    browser::Browser,
    drafts::Shown,
    intake::{WHEN, saved, says, social_worker, start},
    support::{Desk, a_referral},
};
use axum::http::StatusCode;
use chrono::TimeDelta;
use oss_domain::{Clock, role::Role};
use oss_storage::drafts::{Answers, Editor, How};
use oss_testkit::{DERBY, wait};
use std::{convert::Infallible, time::Duration};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn what_is_sent_to_a_draft_that_a_colleague_discarded_is_kept_and_may_begin_it_anew() {
    let desk = Desk::new().await;
    let mut sam = social_worker(&desk).await;
    let (mut casey, _) = Browser::signed_in(&desk, "casey", &[Role::Commissioner]).await;
    start(&mut sam, "N-1").await;
    saved(&mut sam, "N-1", "when", WHEN).await;
    let path = "/drafts/N-1/task/story";
    let open = Shown::of(&mut sam, path).await;
    let discard = "/drafts/N-1/discard";
    let discarded = fill(&mut casey, discard, discard, &[]).await.0;
    discarded.leads_to("/drafts");

    let typed = [("title", "By the river"), ("step", "save")];
    let gone = open.sent(&mut sam, &typed).await;
    assert_eq!(gone.status, StatusCode::CONFLICT);
    says(
        &gone,
        "Name of casey discarded it on 23 November 2026, 9:00am.",
    );
    says(&gone, "A short title By the river");
    let read = sam.get("/drafts/N-1").await;
    assert_eq!(read.status, StatusCode::NOT_FOUND);
    says(&read, "Name of casey discarded it on");

    let shown = Shown {
        path,
        hidden: hidden(&gone, path),
    };
    let anew = shown.sent(&mut sam, &[("step", "anew")]).await;
    anew.leads_to("/drafts/N-1");
    let check = sam.get("/drafts/N-1/check").await;
    says(&check, "By the river");
    assert!(!check.text.contains("1 February 2027"), "{}", check.text);
    // What another has answered anew meanwhile is not written over.
    saved(&mut casey, "N-1", "story", &[("title", "By the sea")]).await;
    let stale = shown.sent(&mut sam, &[("step", "anew")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    says(&stale, "A short title By the river");
    says(&sam.get("/drafts/N-1/check").await, "By the sea");
}

#[tokio::test]
async fn an_answer_over_a_discarded_change_is_not_saved_as_if_it_were_the_only_one() {
    let desk = Desk::new().await;
    desk.post("/referrals", &a_referral("R1", 1)).await.ok(202);
    let mut sam = social_worker(&desk).await;
    let (mut casey, _) = Browser::signed_in(&desk, "casey", &[Role::Commissioner]).await;
    let wishes = [("wishes_and_feelings", "To keep the cat")];
    saved(&mut sam, "R1", "wishes", &wishes).await;
    let story = Shown::of(&mut sam, "/drafts/R1/task/story").await;
    let check = Shown::of(&mut sam, "/drafts/R1/check").await;
    let discard = "/drafts/R1/discard";
    let discarded = fill(&mut casey, discard, discard, &[]).await.0;
    discarded.leads_to("/drafts");

    let late = story.sent(&mut sam, &[("title", "By the river")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    says(&late, "A short title By the river");
    let unsent = check.sent(&mut sam, &[("reason", "x")]).await;
    assert_eq!(unsent.status, StatusCode::CONFLICT);
    for told in [late, unsent] {
        says(&told, "Name of casey discarded it on 23 November 2026");
    }
    says(&sam.get("/drafts").await, "There are no drafts.");
    // From the page as it is now it may be saved, as the first answer of another change.
    desk.clock.advance(TimeDelta::seconds(1));
    saved(&mut sam, "R1", "story", &[("title", "By the river")]).await;
}

#[tokio::test]
async fn a_draft_that_is_discarded_while_an_answer_is_saved_does_not_come_back_with_it() {
    let desk = Desk::new().await;
    desk.post("/referrals", &a_referral("R1", 1)).await.ok(202);
    let mut sam = social_worker(&desk).await;
    let casey = Browser::signed_in(&desk, "casey", &[Role::Commissioner]);
    let casey = casey.await.1.user_id.to_string();
    start(&mut sam, "N-1").await;
    start(&mut sam, "N-2").await;
    let wishes = [("wishes_and_feelings", "To keep the cat")];
    saved(&mut sam, "R1", "wishes", &wishes).await;
    for (id, path, is_begun_anew) in [
        ("N-1", "/drafts/N-1/task/story", false),
        ("R1", "/drafts/R1/task/story", false),
        ("N-2", "/drafts/N-2/task/story", true),
    ] {
        let open = Shown::of(&mut sam, path).await;
        // The answer waits between the reading of the draft and its saving.
        let turns = desk.app.turns.available_permits();
        let turns = desk.app.turns.acquire_many(u32::try_from(turns).unwrap());
        let turns = turns.await.unwrap();
        let discarded = async {
            wait::until(SOON, async || desk.app.readings.n_waiting() == 1).await;
            let (council, id) = (DERBY.parse().unwrap(), id.parse().unwrap());
            let draft = desk.store.draft(council, &id).await.unwrap().unwrap();
            let by = Editor {
                user_id: &casey,
                user_name: "Name of casey",
                now: desk.clock.now(),
            };
            let end = desk
                .store
                .end_draft(council, &id, draft.head.changed_at, by, How::Discarded);
            assert!(end.await.unwrap());
            if is_begun_anew {
                let now = by.now + TimeDelta::seconds(1);
                let anew = (Editor { now, ..by }, "N-2: begun".to_owned());
                let begun = desk.store.change_draft(council, &id, anew.0, anew.1, |_| {
                    Ok::<_, Infallible>(Answers::new())
                });
                let Ok(()) = begun.await.unwrap();
            }
            drop(turns);
        };
        let typed = [("title", "By the river")];
        let (late, ()) = tokio::join!(open.sent(&mut sam, &typed), discarded);
        assert_eq!(late.status, StatusCode::CONFLICT, "{id}");
        says(&late, "Name of casey discarded it on 23 November 2026");
        says(&late, "A short title By the river");
    }
    // All that is left is what a colleague began anew, without what was meant for the one before.
    let left = sam.get("/drafts").await;
    assert_eq!(
        left.text.matches("href=\"/drafts/").count(),
        1,
        "{}",
        left.text
    );
    let anew = sam.get("/drafts/N-2/task/story").await;
    assert!(!anew.text.contains("By the river"), "{}", anew.text);
}
