//! The same request twice is done once.

use super::{
    acts::{bought, ranked, submit},
    support::{Answer, Desk, ELSEWHERE, a_referral, request},
};
use axum::{
    body::Body,
    http::{HeaderName, header},
};
use serde_json::{Value, json};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

async fn post(desk: &Desk, key: &str, path: &str, body: &Value) -> Answer {
    desk.write("POST", path, body, &[(KEY, key)]).await
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer() {
    let desk = Desk::new().await;
    let referral = a_referral("R1", 1);
    let first = post(&desk, "k1", "/referrals", &referral).await.ok(202);
    // Were it carried out again, the answer would tell of the withdrawal.
    desk.post("/referrals/R1/withdraw", &json!({ "reason": "x" }))
        .await
        .ok(202);
    let second = post(&desk, "k1", "/referrals", &referral).await.ok(202);
    assert_eq!(second.body, first.body);
    for name in ["location", "etag", "content-type"] {
        assert_eq!(second.header(name), first.header(name), "{name}");
    }
    assert_ne!(second.header("x-request-id"), first.header("x-request-id"));
}

#[tokio::test]
async fn a_refusal_is_repeated_too() {
    let desk = Desk::new().await;
    let reason = json!({ "reason": "x" });
    let path = "/referrals/R1/withdraw";
    let first = post(&desk, "k1", path, &reason)
        .await
        .problem(404, "not_found");
    desk.post("/referrals", &a_referral("R1", 1)).await.ok(202);
    let second = post(&desk, "k1", path, &reason)
        .await
        .problem(404, "not_found");
    assert_eq!(second.body, first.body);
    post(&desk, "k2", path, &reason).await.ok(202);
}

#[tokio::test]
async fn the_homes_that_are_left_are_told_afresh_each_time_after_a_line_in_the_audit() {
    let settings = [bought("F1"), bought("F2")];
    let (desk, of_r1) = ranked(&settings).await;
    let of_r2 = submit(&desk, "R2", &settings).await;
    let path = format!("/offers/{}/hold", of_r1[0]);
    let held = desk.post(&path, &json!({})).await.ok(201);
    let hold_id = held.body["hold_id"].clone();
    let path = format!("/offers/{}/hold", of_r2[0]);
    for _ in 0..2 {
        let lines = desk.last_line("R2").await.seq;
        let gone = post(&desk, "k1", &path, &json!({})).await;
        let gone = gone.problem(409, "place_gone");
        assert_eq!(gone.body["offers"].as_array().unwrap().len(), 1);
        let line = desk.last_line("R2").await;
        assert_eq!((&*line.act, line.seq), ("options.read", lines + 1));
    }
    let release = format!("/holds/{}", hold_id.as_str().unwrap());
    desk.write("DELETE", &release, &json!({}), &[])
        .await
        .ok(204);
    post(&desk, "k1", &path, &json!({})).await.ok(201);
}

#[tokio::test]
async fn another_request_with_the_same_key_is_refused() {
    let desk = Desk::new().await;
    post(&desk, "k1", "/referrals", &a_referral("R1", 1))
        .await
        .ok(202);
    let other = post(&desk, "k1", "/referrals", &a_referral("R2", 1)).await;
    other.problem(422, "idempotency_key_reused");
    let path = "/referrals/R1/withdraw";
    let other = post(&desk, "k1", path, &json!({ "reason": "x" })).await;
    other.problem(422, "idempotency_key_reused");
    desk.get("/referrals/R2").await.problem(404, "not_found");
}

#[tokio::test]
async fn keys_of_different_people_are_apart() {
    let desk = Desk::new().await;
    post(&desk, "k1", "/referrals", &a_referral("R1", 1))
        .await
        .ok(202);
    let mut theirs = a_referral("R1", 1);
    theirs["authority"] = json!(super::support::NOTTINGHAM);
    let request = request("POST", "/referrals", ELSEWHERE)
        .header(KEY, "k1")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(theirs.to_string()))
        .unwrap();
    desk.send(request).await.ok(202);
}

#[tokio::test]
async fn of_many_at_once_one_is_carried_out() {
    let desk = Desk::new().await;
    let referral = a_referral("R1", 1);
    let at_once = (0..20).map(|_| post(&desk, "k1", "/referrals", &referral));
    let answers = futures::future::join_all(at_once).await;
    let n_done = answers.iter().filter(|answer| answer.status == 202).count();
    assert!(n_done >= 1);
    for answer in answers {
        if answer.status != 202 {
            let answer = answer.problem(409, "in_progress");
            assert_eq!(answer.header("retry-after"), "1");
        }
    }
}

#[tokio::test]
async fn a_key_lasts_a_day_and_has_a_form() {
    let desk = Desk::new().await;
    post(&desk, "k1", "/referrals", &a_referral("R1", 1))
        .await
        .ok(202);
    desk.clock.advance(chrono::TimeDelta::hours(25));
    post(&desk, "k1", "/referrals", &a_referral("R2", 1))
        .await
        .ok(202);
    for key in ["", " ", &"k".repeat(256)] {
        let answer = post(&desk, key, "/referrals", &a_referral("R3", 1)).await;
        answer.problem(400, "bad_idempotency_key");
    }
}
