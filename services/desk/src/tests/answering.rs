//! Providers answer by the API what they were asked, and see nothing of anybody else's.

use super::{
    acts::{bought, ranked},
    support::{Answer, Desk, request, token_of},
};
use axum::{body::Body, http::header};
use oss_domain::role::Role;
use serde_json::{Value, json};

/// A call by the token of the provider IFA1.
async fn call(desk: &Desk, method: &str, path: &str, body: &Value) -> Answer {
    let request = request(method, path, &token_of(Role::Provider))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    desk.send(request).await
}

#[tokio::test]
async fn a_provider_lists_and_answers_its_own_offers_and_no_others() {
    let mut theirs = bought("F2");
    theirs["provider"]["provider_id"] = json!("IFA2");
    let (desk, offers) = ranked(&[bought("F1"), theirs]).await;
    let list = call(&desk, "GET", "/provider/offers", &json!({}))
        .await
        .ok(200);
    assert_eq!(list.body["items"], json!([]), "nobody was asked");
    for offer in &offers {
        let path = format!("/offers/{offer}/approach");
        desk.post(&path, &json!({})).await.ok(202);
    }
    let list = call(&desk, "GET", "/provider/offers", &json!({}))
        .await
        .ok(200);
    let items = list.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{}", list.body);
    assert_eq!(items[0]["setting_id"], "F1");
    assert_eq!(items[0]["state"], "approached");
    assert!(!list.body.to_string().contains("R1"), "{}", list.body);

    let mine = items[0]["offer_id"].as_str().unwrap();
    let other = offers.iter().find(|offer| *offer != mine).unwrap();
    let path = |offer: &str| format!("/provider/offers/{offer}/answer");
    let yes = json!({ "answer": "accepted", "weekly_cost_pence": 90_000, "provider_id": "IFA2" });
    call(&desk, "POST", &path(other), &yes)
        .await
        .problem(404, "not_found");
    let wrong = json!({ "answer": "maybe" });
    let wrong = call(&desk, "POST", &path(mine), &wrong).await;
    assert_eq!(wrong.status, 422, "{}", wrong.body);
    let answered = call(&desk, "POST", &path(mine), &yes).await.ok(200);
    assert_eq!(answered.body["answer"], "accepted");
    let list = call(&desk, "GET", "/provider/offers", &json!({}))
        .await
        .ok(200);
    assert_eq!(list.body["items"][0]["state"], "accepted");
}
