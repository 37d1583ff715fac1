//! What managers are told: what is late, and figures.

use super::{
    acts::{bought, ranked},
    browser::Browser,
    intake::says,
    support::{NOTTINGHAM, a_referral},
};
use axum::http::StatusCode;
use chrono::TimeDelta;
use oss_domain::{Clock as _, role::Role};
use oss_testkit::DERBY;

#[tokio::test]
async fn what_is_late_is_told_and_led_on_to_and_nothing_else() {
    let (desk, _) = ranked(&[bought("F1")]).await;
    let (mut manager, _) = Browser::signed_in(&desk, "max", &[Role::Manager]).await;
    let reports = manager.get("/reports").await;
    assert!(
        reports.text.contains("No referral is late"),
        "{}",
        reports.text
    );
    assert!(!manager.get("/?late=yes").await.text.contains("R1"));
    // An urgent referral has 72 hours.
    desk.clock.advance(TimeDelta::hours(73));
    let (mut manager, _) = Browser::signed_in(&desk, "max", &[Role::Manager]).await;
    let reports = manager.get("/reports").await;
    assert!(
        !reports.text.contains("No referral is late"),
        "{}",
        reports.text
    );
    let late = manager.get("/?late=yes&sort=time").await;
    assert!(late.text.contains("/referrals/R1"), "{}", late.text);
    let approvals = manager.get("/approvals?late=yes").await;
    assert_eq!(approvals.status, StatusCode::OK);
    assert!(approvals.text.contains("No approval is late"));
}

#[tokio::test]
async fn how_much_time_is_left_is_told_wherever_homes_are_sought() {
    let (desk, _) = ranked(&[bought("F1")]).await;
    for (id, urgency) in [("R2", "emergency"), ("R3", "planned")] {
        let mut referral = a_referral(id, 1);
        referral["urgency"] = urgency.into();
        desk.post("/referrals", &referral).await.ok(202);
    }
    let (mut casey, _) = Browser::signed_in(&desk, "casey", &[Role::Commissioner]).await;
    let queue = casey.get("/").await;
    for (id, left, by) in [
        ("R1", "3 days left", "by 26 November 2026, 9:00am"),
        ("R2", "15 hours left", "by the end of 23 November 2026"),
        ("R3", "7 days left", "by 1 December 2026"),
    ] {
        says(&queue, &format!("{left} {by}"));
        let referral = casey.get(&format!("/referrals/{id}")).await;
        says(&referral, &format!("{left} , {by}."));
    }
    let left = "3 days left , by 26 November 2026, 9:00am.";
    says(&casey.get("/referrals/R1/options").await, left);
    let ask = casey.get("/referrals/R1/approach?setting=F1").await;
    says(&ask, left);
    says(
        &ask,
        "Who is asked now has until 23 November 2026, 5:00pm to answer.",
    );
}

#[tokio::test]
async fn figures_are_the_councils_own_and_of_the_time_that_is_asked_for() {
    let (desk, _) = ranked(&[bought("F1")]).await;
    let (mut manager, _) = Browser::signed_in(&desk, "max", &[Role::Manager]).await;
    let file = manager.get("/reports.csv?days=7").await;
    assert!(file.text.contains("Referrals received,1\r\n"));
    assert!(file.text.contains("Homes asked for each referral,none\r\n"));
    desk.clock.advance(TimeDelta::days(8));
    let (mut manager, _) = Browser::signed_in(&desk, "max", &[Role::Manager]).await;
    let file = manager.get("/reports.csv?days=7").await;
    assert!(file.text.contains("Referrals received,0\r\n"));
    assert!(
        file.text
            .contains("Placements in which children live,0\r\n")
    );
    let unknown = manager.get("/reports?days=0").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn two_councils_in_one_desk_never_see_each_others_figures() {
    let (desk, _) = ranked(&[bought("F1")]).await;
    let [derby, nottingham] = [DERBY, NOTTINGHAM].map(|code| code.parse().unwrap());
    let now = desk.clock.now();
    for (council, received) in [(derby, 1), (nottingham, 0), (derby, 1)] {
        let recent = &desk.app.recent_figures;
        let figures = recent.figures(&desk.store, council, 30, now);
        let (done, _) = figures.await.unwrap();
        assert_eq!(done.figures.received, received, "{council}");
    }
}

#[tokio::test]
async fn figures_say_of_when_they_are_and_are_at_most_a_minute_old() {
    let (desk, _) = ranked(&[bought("F1")]).await;
    let (mut manager, _) = Browser::signed_in(&desk, "max", &[Role::Manager]).await;
    let first = manager.get("/reports.csv").await.text;
    assert!(first.contains("Counted at,2026-"), "{first}");
    assert!(first.contains("Referrals received,1\r\n"), "{first}");
    assert!(
        manager
            .get("/reports")
            .await
            .text
            .contains("Figures as of ")
    );
    desk.post("/referrals", &a_referral("R2", 1)).await.ok(202);
    desk.clock.advance(TimeDelta::seconds(59));
    assert_eq!(manager.get("/reports.csv").await.text, first);
    desk.clock.advance(TimeDelta::seconds(1));
    let again = manager.get("/reports.csv").await.text;
    assert!(again.contains("Referrals received,2\r\n"), "{again}");
}
