//! Registers over HTTP.

use super::support::{Desk, a_setting};
use axum::http::header;
use oss_domain::version::MAX;
use serde_json::json;

#[tokio::test]
async fn a_setting_is_written_and_read_back_whole() {
    let desk = Desk::new().await;
    let setting = a_setting("F1", 1);
    let created = desk.put("/settings/F1", &setting).await.ok(201);
    assert_eq!(created.header("location"), "/api/v1/settings/F1");
    let read = desk.get("/settings/F1").await.ok(200);
    assert_eq!(read.body, created.body);
    assert_eq!(read.header("etag"), "\"1.1\"");
    for field in [
        "setting_id",
        "provider",
        "kind",
        "postcode",
        "weekly_cost_pence",
        "approval",
    ] {
        assert_eq!(read.body[field], setting[field], "{field}");
    }
    // What is answered can be sent again.
    desk.put("/settings/F1", &read.body).await.ok(200);
    let mut next = read.body.clone();
    next["version"] = json!(2);
    next["weekly_cost_pence"] = json!(60_000);
    let changed = desk.put("/settings/F1", &next).await.ok(200);
    assert_eq!(changed.body["weekly_cost_pence"], 60_000);
}

#[tokio::test]
async fn a_version_that_is_not_higher_is_a_conflict() {
    let desk = Desk::new().await;
    desk.put("/settings/F1", &a_setting("F1", 5)).await.ok(201);
    let mut other = a_setting("F1", 5);
    other["weekly_cost_pence"] = json!(1);
    let conflict = desk
        .put("/settings/F1", &other)
        .await
        .problem(409, "version_conflict");
    assert_eq!(conflict.header("etag"), "\"5.1\"");
    other["version"] = json!(4);
    desk.put("/settings/F1", &other)
        .await
        .problem(409, "version_conflict");
    assert_eq!(
        desk.get("/settings/F1").await.ok(200).body["weekly_cost_pence"],
        52_000
    );
}

#[tokio::test]
async fn newer_occupancy_outlives_an_older_whole() {
    let desk = Desk::new().await;
    let mut setting = a_setting("F1", 1);
    setting["occupancy_version"] = json!(9);
    setting["blocked_places"] = json!(1);
    desk.put("/settings/F1", &setting).await.ok(201);
    let whole = a_setting("F1", 2);
    let stored = desk.put("/settings/F1", &whole).await.ok(200);
    assert_eq!(
        (
            &stored.body["occupancy_version"],
            &stored.body["blocked_places"]
        ),
        (&json!(9), &json!(1))
    );
    desk.put("/settings/F1", &whole).await.ok(200);
}

#[tokio::test]
async fn a_change_may_be_tied_to_what_was_seen() {
    let desk = Desk::new().await;
    let put = |version: u64, name, value| {
        let (desk, body) = (&desk, a_setting("F1", version));
        async move {
            desk.write("PUT", "/settings/F1", &body, &[(name, value)])
                .await
        }
    };
    put(1, header::IF_MATCH, "*")
        .await
        .problem(412, "changed_meanwhile");
    put(1, header::IF_NONE_MATCH, "*").await.ok(201);
    put(2, header::IF_MATCH, "\"1.1\"").await.ok(200);
    put(3, header::IF_MATCH, "\"1.1\"")
        .await
        .problem(412, "changed_meanwhile");
}

#[tokio::test]
async fn the_highest_version_there_may_be_is_carried_and_tied_to_exactly() {
    let desk = Desk::new().await;
    let put = async |version: u64, name, value: &str| {
        let body = a_setting("F1", version);
        desk.write("PUT", "/settings/F1", &body, &[(name, value)])
            .await
    };
    let before = put(MAX - 1, header::IF_NONE_MATCH, "*").await.ok(201);
    assert_eq!(before.header("etag"), format!("\"{}.1\"", MAX - 1));
    // One less is not the same.
    let less = format!("\"{}.1\"", MAX - 2);
    put(MAX, header::IF_MATCH, &less)
        .await
        .problem(412, "changed_meanwhile");
    put(MAX, header::IF_MATCH, before.header("etag"))
        .await
        .ok(200);
    let stored = desk.get("/settings/F1").await.ok(200);
    assert_eq!(stored.body["version"], MAX);
    assert_eq!(stored.header("etag"), format!("\"{MAX}.1\""));
    put(MAX + 1, header::IF_MATCH, "*")
        .await
        .problem(422, "invalid_data");
}

#[tokio::test]
async fn the_register_is_listed_page_by_page() {
    let desk = Desk::new().await;
    for n in 0..5 {
        desk.put(&format!("/settings/F{n}"), &a_setting(&format!("F{n}"), 1))
            .await
            .ok(201);
    }
    let first = desk.get("/settings?limit=3").await.ok(200);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = desk
        .get(&format!("/settings?limit=3&cursor={cursor}"))
        .await
        .ok(200);
    assert_eq!(second.body["next_cursor"], json!(null));
    let ids: Vec<_> = [&first, &second]
        .iter()
        .flat_map(|page| page.body["items"].as_array().unwrap())
        .map(|item| item["setting_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["F0", "F1", "F2", "F3", "F4"]);
}
