//! What people do with offers and placements, and what is refused of it.

use super::{
    matching::rank,
    support::{Answer, Desk, a_referral, a_setting, request, token_of},
};
use axum::body::Body;
use oss_domain::role::Role;
use serde_json::{Value, json};

/// A desk with a referral that is ranked over these settings, and its offers.
pub(super) async fn ranked(settings: &[Value]) -> (Desk, Vec<String>) {
    let desk = Desk::new().await;
    for setting in settings {
        let path = format!("/settings/{}", setting["setting_id"].as_str().unwrap());
        desk.put(&path, setting).await.ok(201);
    }
    let offers = submit(&desk, "R1", settings).await;
    (desk, offers)
}

pub(super) async fn submit(desk: &Desk, id: &str, settings: &[Value]) -> Vec<String> {
    let referral = a_referral(id, 1);
    desk.post("/referrals", &referral).await.ok(202);
    rank(desk, &referral, settings).await;
    let proposal = desk
        .get(&format!("/referrals/{id}/offers"))
        .await
        .ok(200)
        .body;
    let offers = proposal["offers"].as_array().unwrap().iter();
    offers
        .map(|offer| offer["offer_id"].as_str().unwrap().to_owned())
        .collect()
}

/// One place, run by a company.
pub(super) fn bought(id: &str) -> Value {
    let mut setting = a_setting(id, 1);
    setting["provider"] = json!({ "provider_id": "IFA1", "name": "A company" });
    setting["sourcing"] = json!("spot");
    setting["approval"]["places"] = json!(1);
    setting
}

async fn delete(desk: &Desk, path: &str) -> Answer {
    let token = token_of(Role::Commissioner);
    desk.send(request("DELETE", path, &token).body(Body::empty()).unwrap())
        .await
}

#[tokio::test]
async fn acts_on_what_is_not_there_or_with_wrong_bodies_are_refused() {
    let (desk, offers) = ranked(&[bought("F1")]).await;
    let none = "off_00000000000000000000000000000000";
    for (path, body, status) in [
        (format!("/offers/{none}/approach"), json!({}), 404),
        (format!("/offers/{none}/hold"), json!({}), 404),
        (
            format!("/offers/{none}/select"),
            json!({ "reason": "x" }),
            404,
        ),
        ("/offers/1/hold".to_owned(), json!({}), 404),
        (
            "/approvals/1/record".to_owned(),
            json!({ "granted": true, "note": "x" }),
            404,
        ),
        ("/placements/1/start".to_owned(), json!({}), 404),
        (format!("/offers/{}/select", offers[0]), json!({}), 422),
        (
            format!("/offers/{}/answer", offers[0]),
            json!({ "answer": "maybe" }),
            422,
        ),
        (
            format!("/offers/{}/approach", offers[0]),
            json!({ "respond_by": "soon" }),
            422,
        ),
        (
            format!("/offers/{}/approach", offers[0]),
            json!({ "respond_by": "2020-01-01T00:00:00Z" }),
            422,
        ),
        (format!("/offers/{}/hold", offers[0]), json!([]), 422),
        ("/placements/1/end".to_owned(), json!({}), 422),
    ] {
        let answer = desk.post(&path, &body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{path}"
        );
    }
    let answer = json!({ "authority": "E06000015", "provider_id": "IFA1", "answer": "accepted" });
    let path = format!("/offers/{}/answer", offers[0]);
    desk.post(&path, &answer)
        .await
        .problem(409, "not_approached");
    delete(&desk, "/holds/1").await.problem(404, "not_found");
}

/// What is typed to see to what keeps a home out.
pub(super) fn seeing_to<'a>(act: &'a str, task: &'a str) -> [(&'static str, &'a str); 5] {
    [
        ("act", act),
        ("task", task),
        ("due_on", "30"),
        ("due_on/month", "11"),
        ("due_on/year", "2026"),
    ]
}
