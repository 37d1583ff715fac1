//! Referrals over HTTP, as a case system and a commissioner use them.

use super::support::{Desk, a_referral};
use axum::http::header;
use oss_domain::version::MAX;
use oss_testkit::DERBY;
use oss_workflow::{Store, Wanted};
use serde_json::json;

#[tokio::test]
async fn a_referral_is_accepted_and_read_back_whole() {
    let desk = Desk::new().await;
    let referral = a_referral("R1", 1);
    let accepted = desk.post("/referrals", &referral).await.ok(202);
    assert_eq!(accepted.header("location"), "/api/v1/referrals/R1");
    assert_eq!(accepted.header("etag"), "\"1\"");
    assert_eq!(accepted.body["state"], "received");

    let read = desk.get("/referrals/R1").await.ok(200);
    assert_eq!(read.header("etag"), "\"1\"");
    for (field, value) in referral.as_object().unwrap() {
        assert_eq!(&read.body[field], value, "{field}");
    }
    assert_eq!(read.body["state"], "received");
    assert_eq!(read.body["received_at"], "2026-11-23T09:00:00Z");
    assert_eq!(read.body["run_id"], json!(null));
}

#[tokio::test]
async fn the_same_again_is_accepted_and_another_content_is_a_conflict() {
    let desk = Desk::new().await;
    desk.post("/referrals", &a_referral("R1", 3)).await.ok(202);
    desk.post("/referrals", &a_referral("R1", 3)).await.ok(202);
    desk.put("/referrals/R1", &a_referral("R1", 3))
        .await
        .ok(202);
    // Written otherwise, it says the same.
    let mut same = a_referral("R1", 3);
    same["locations"]["home"] = json!(" de12fs ");
    desk.post("/referrals", &same).await.ok(202);

    let mut other = a_referral("R1", 3);
    other["urgency"] = json!("emergency");
    desk.post("/referrals", &other)
        .await
        .problem(409, "revision_conflict");
    desk.put("/referrals/R1", &other)
        .await
        .problem(409, "revision_conflict");
    other["revision"] = json!(2);
    let older = desk
        .put("/referrals/R1", &other)
        .await
        .problem(409, "revision_conflict");
    assert_eq!(older.header("etag"), "\"3\"");

    other["revision"] = json!(7);
    desk.put("/referrals/R1", &other).await.ok(202);
    let read = desk.get("/referrals/R1").await.ok(200);
    assert_eq!(
        (&read.body["revision"], &read.body["urgency"]),
        (&json!(7), &json!("emergency"))
    );
}

#[tokio::test]
async fn an_amendment_may_come_first() {
    let desk = Desk::new().await;
    desk.put("/referrals/R1", &a_referral("R1", 2))
        .await
        .ok(202);
    desk.get("/referrals/R1").await.ok(200);
}

#[tokio::test]
async fn a_change_may_be_tied_to_what_was_seen() {
    let desk = Desk::new().await;
    let put = |revision: u64, name, value| {
        let (desk, body) = (&desk, a_referral("R1", revision));
        async move {
            desk.write("PUT", "/referrals/R1", &body, &[(name, value)])
                .await
        }
    };
    put(1, header::IF_MATCH, "\"1\"")
        .await
        .problem(412, "changed_meanwhile");
    put(1, header::IF_NONE_MATCH, "*").await.ok(202);
    put(2, header::IF_NONE_MATCH, "*")
        .await
        .problem(412, "changed_meanwhile");
    put(2, header::IF_MATCH, "\"1\"").await.ok(202);
    put(3, header::IF_MATCH, "\"1\"")
        .await
        .problem(412, "changed_meanwhile");
    put(3, header::IF_MATCH, "*").await.ok(202);
    let withdraw = |tag| {
        let (desk, body) = (&desk, json!({ "reason": "x" }));
        let headers = [(header::IF_MATCH, tag)];
        async move {
            desk.write("POST", "/referrals/R1/withdraw", &body, &headers)
                .await
        }
    };
    withdraw("\"2\"").await.problem(412, "changed_meanwhile");
    withdraw("\"3\"").await.ok(202);
}

#[tokio::test]
async fn the_highest_revision_there_may_be_is_carried_and_tied_to_exactly() {
    let desk = Desk::new().await;
    let put = async |revision: u64, name, value: &str| {
        let body = a_referral("R1", revision);
        desk.write("PUT", "/referrals/R1", &body, &[(name, value)])
            .await
    };
    let before = put(MAX - 1, header::IF_NONE_MATCH, "*").await.ok(202);
    assert_eq!(before.header("etag"), format!("\"{}\"", MAX - 1));
    // One less is not the same.
    let less = format!("\"{}\"", MAX - 2);
    put(MAX, header::IF_MATCH, &less)
        .await
        .problem(412, "changed_meanwhile");
    put(MAX, header::IF_MATCH, before.header("etag"))
        .await
        .ok(202);
    let stored = desk.get("/referrals/R1").await.ok(200);
    assert_eq!(stored.body["revision"], MAX);
    assert_eq!(stored.header("etag"), format!("\"{MAX}\""));
    put(MAX + 1, header::IF_MATCH, "*")
        .await
        .problem(422, "invalid_data");
}

#[tokio::test]
async fn a_withdrawal_is_final() {
    let desk = Desk::new().await;
    desk.post("/referrals", &a_referral("R1", 1)).await.ok(202);
    let reason = json!({ "reason": "The child stays at home." });
    let withdrawn = desk.post("/referrals/R1/withdraw", &reason).await.ok(202);
    assert_eq!(withdrawn.body["state"], "withdrawn");
    desk.post("/referrals/R1/withdraw", &reason).await.ok(202);
    desk.put("/referrals/R1", &a_referral("R1", 2))
        .await
        .problem(409, "withdrawn");
    desk.post("/referrals", &a_referral("R1", 1)).await.ok(202);
    assert_eq!(
        desk.get("/referrals/R1").await.ok(200).body["state"],
        "withdrawn"
    );
}

#[tokio::test]
async fn lists_are_paged_and_filtered_and_tell_nothing_of_a_child() {
    let desk = Desk::new().await;
    for n in 0..7 {
        let mut referral = a_referral(&format!("R{n}"), 1);
        referral["urgency"] = json!(if n % 2 == 0 { "planned" } else { "emergency" });
        desk.post("/referrals", &referral).await.ok(202);
        desk.clock.advance(chrono::TimeDelta::seconds(1));
    }
    desk.post("/referrals/R0/withdraw", &json!({ "reason": "x" }))
        .await
        .ok(202);
    let mut seen = Vec::new();
    let mut path = "/referrals?limit=3".to_owned();
    loop {
        let page = desk.get(&path).await.ok(200);
        let items = page.body["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        assert!(!page.body.to_string().contains("-C1"), "{}", page.body);
        seen.extend(
            items
                .iter()
                .map(|item| item["referral_id"].as_str().unwrap().to_owned()),
        );
        match page.body["next_cursor"].as_str() {
            Some(cursor) => path = format!("/referrals?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(
        seen,
        ["R0", "R1", "R2", "R3", "R4", "R5", "R6"],
        "each once"
    );

    let ids = async |query: &str| {
        let page = desk.get(&format!("/referrals?{query}")).await.ok(200);
        let items = page.body["items"].as_array().unwrap();
        let ids = items
            .iter()
            .map(|item| item["referral_id"].as_str().unwrap().to_owned());
        ids.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids("state=withdrawn").await.len(), 1);
    assert_eq!(ids("state=&urgency=").await.len(), 7);
    assert_eq!(ids("urgency=emergency").await.len(), 3);
    assert_eq!(ids("urgency=planned&state=received").await.len(), 3);
    assert_eq!(ids("state=placed").await.len(), 0);
}

#[tokio::test]
async fn a_reading_that_cannot_be_recorded_is_refused() {
    let desk = Desk::new().await;
    desk.post("/referrals", &a_referral("R1", 1)).await.ok(202);
    // Whoever has the referral locked keeps its chain of the audit from being added to.
    let at = (DERBY.parse().unwrap(), "R1".parse().unwrap());
    let wanted = Wanted {
        referrals: [at].into(),
        ..Wanted::default()
    };
    let locked = desk.store.open(&wanted).await.unwrap();
    let refused = desk.get("/referrals/R1").await.problem(503, "unavailable");
    assert!(!refused.body.to_string().contains("R1-C1"));
    // What tells nothing of the child is not held up.
    desk.get("/referrals").await.ok(200);
    drop(locked);
    let read = desk.get("/referrals/R1").await.ok(200);
    assert_eq!(read.body["children"][0]["child_id"], "R1-C1");
    let faults = desk.store.check_audit_chains().await.unwrap();
    assert!(faults.is_empty(), "{faults:?}");
}
