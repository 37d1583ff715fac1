//! The desk on a port, as others reach it.

use super::support::{Desk, EVERYTHING, a_referral};
use crate::{Limits, run};
use axum::http::header;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn serves_until_it_is_told_to_stop() {
    let (deps, _) = Desk::deps(Desk::database().await, Limits::default()).await;
    let api = format!("http://{}/api/v1", deps.listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let desk = tokio::spawn(run(deps, shutdown.clone()));
    let client = reqwest::Client::new();
    let post = client
        .post(format!("{api}/referrals"))
        .bearer_auth(EVERYTHING);
    let answer = post.json(&a_referral("R1", 1)).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    assert_eq!(answer.headers()[header::LOCATION], "/api/v1/referrals/R1");

    // Far too large, it is heard out and told so.
    let post = client
        .post(format!("{api}/referrals"))
        .bearer_auth(EVERYTHING);
    let post = post
        .header(header::CONTENT_TYPE, "application/json")
        .body(vec![b' '; 1_000_000]);
    assert_eq!(post.send().await.unwrap().status(), 413);

    shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), desk).await;
    ended.expect("it stops").unwrap().unwrap();
    assert!(
        client
            .get(format!("{api}/openapi.json"))
            .send()
            .await
            .is_err()
    );
}
