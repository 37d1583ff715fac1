//! The same request twice is done once.

use super::support::{Answer, Desk, ELSEWHERE, a_referral, request};
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
