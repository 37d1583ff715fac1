//! What holds of every answer, and what happens when something breaks.

use super::support::{Desk, EVERYTHING, a_referral, a_setting, request};
use crate::{Limits, answer};
use axum::{
    Router,
    body::{Body, Bytes},
    http::header,
    middleware::from_fn_with_state,
    routing::get,
};
use futures::future::join_all;
use std::{num::NonZeroU32, time::Duration};
use tower_http::catch_panic::CatchPanicLayer;

#[tokio::test]
async fn every_answer_has_its_id_and_headers() {
    let desk = Desk::new().await;
    let nobody = axum::http::Request::get("/api/v1/referrals")
        .body(Body::empty())
        .unwrap();
    let answers = [
        desk.get("/referrals").await.ok(200),
        desk.get("/openapi.json").await.ok(200),
        desk.get("/nothing").await.problem(404, "not_found"),
        desk.send(nobody).await.problem(401, "unauthorised"),
    ];
    let mut ids = Vec::new();
    for answer in answers {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value);
        }
        assert!(
            answer
                .header("strict-transport-security")
                .starts_with("max-age=63072000")
        );
        assert!(
            answer
                .header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
        ids.push(answer.header("x-request-id").to_owned());
    }
    assert!(ids.iter().all(|id| id.len() == 32));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn outside_the_api_nothing_is_found() {
    let desk = Desk::new().await;
    let outside = axum::http::Request::get("/nothing")
        .body(Body::empty())
        .unwrap();
    desk.send(outside).await.problem(404, "not_found");
}

#[tokio::test]
async fn requests_are_counted_by_template_and_class() {
    let desk = Desk::new().await;
    desk.get("/referrals/CANARY")
        .await
        .problem(404, "not_found");
    desk.get("/referrals").await.ok(200);
    let text = desk.metrics.render().unwrap();
    for line in [
        r#"oss_http_request_duration_seconds_count{method="GET",route="/api/v1/referrals/{id}",status_class="4xx"} 1"#,
        r#"oss_http_request_duration_seconds_count{method="GET",route="/api/v1/referrals",status_class="2xx"} 1"#,
        r#"oss_authn_total{outcome="ok"} 2"#,
        "oss_http_requests_in_flight 0",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("CANARY"));
}

#[tokio::test]
async fn without_a_database_the_answer_is_503_and_when_to_come_back() {
    let desk = Desk::without_database().await;
    let (referral, setting) = (a_referral("R1", 1), a_setting("F1", 1));
    let run = "/match-runs/run_018bcfe56800715b9d39b5bf90ae8891";
    let reads = [
        "/referrals",
        "/referrals/R1",
        "/settings/F1",
        run,
        "/dead-letters",
    ];
    let reads = join_all(reads.map(|path| desk.get(path)));
    let (mut answers, submitted, written) = tokio::join!(
        reads,
        desk.post("/referrals", &referral),
        desk.put("/settings/F1", &setting),
    );
    answers.extend([submitted, written]);
    for answer in answers {
        let answer = answer.problem(503, "unavailable");
        assert_eq!(answer.header("retry-after"), "2");
    }
    desk.post("/referrals", &serde_json::json!({}))
        .await
        .problem(422, "invalid_data");
}

#[tokio::test]
async fn a_panic_tells_an_incident_and_nothing_else() {
    let desk = Desk::new().await;
    let panics = async || -> &'static str { panic!("CANARY of a child") };
    let router = Router::new()
        .route("/panics", get(panics))
        .layer(CatchPanicLayer::custom(answer::panicked))
        .layer(from_fn_with_state(desk.app.clone(), answer::answer));
    let desk = Desk { router, ..desk };
    let request = axum::http::Request::get("/panics")
        .body(Body::empty())
        .unwrap();
    let answer = desk.send(request).await.problem(500, "internal");
    let incident = format!("urn:oss:incident:{}", answer.header("x-request-id"));
    assert_eq!(answer.body["instance"], incident);
    assert!(!answer.body.to_string().contains("CANARY"));
}

#[tokio::test]
async fn who_asks_too_much_is_told_when_to_come_back() {
    let few = NonZeroU32::new(3).unwrap();
    let limits = Limits {
        requests_per_second: NonZeroU32::MIN,
        burst: few,
        ..Limits::default()
    };
    let desk = Desk::with(limits).await;
    for _ in 0..3 {
        desk.get("/openapi.json").await.ok(200);
    }
    let answer = desk
        .get("/openapi.json")
        .await
        .problem(429, "too_many_requests");
    assert_eq!(answer.header("retry-after"), "1");
    // Another's share is untouched.
    let other = request("GET", "/openapi.json", super::support::ELSEWHERE).body(Body::empty());
    desk.send(other.unwrap()).await.ok(200);
}

#[tokio::test]
async fn nobody_guesses_tokens_without_end() {
    let few = NonZeroU32::new(3).unwrap();
    let limits = Limits {
        requests_per_second: NonZeroU32::MIN,
        burst: few,
        ..Limits::default()
    };
    let desk = Desk::with(limits).await;
    let guess = |n: u32| {
        request("GET", "/openapi.json", &n.to_string())
            .body(Body::empty())
            .unwrap()
    };
    for n in 0..3 {
        desk.send(guess(n)).await.problem(401, "unauthorised");
    }
    desk.send(guess(3)).await.problem(429, "too_many_requests");
    desk.get("/openapi.json").await.ok(200);
}

#[tokio::test]
async fn more_than_there_is_room_for_is_turned_away() {
    let desk = Desk::with(Limits {
        concurrent_requests: 0,
        ..Limits::default()
    })
    .await;
    let answer = desk.get("/openapi.json").await.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn a_body_that_never_ends_is_not_waited_for() {
    let desk = Desk::with(Limits {
        body: Duration::from_millis(20),
        ..Limits::default()
    })
    .await;
    let (_open, never) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let request = request("POST", "/referrals", EVERYTHING)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from_stream(Stream(never)))
        .unwrap();
    desk.send(request).await.problem(408, "request_timeout");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_not_waited_for() {
    let never = Limits {
        handler: Duration::from_millis(20),
        ..Limits::default()
    };
    let desk = Desk::with(never).await;
    let router = Router::new()
        .route("/hangs", get(std::future::pending::<&'static str>))
        .layer(from_fn_with_state(desk.app.clone(), answer::answer));
    let desk = Desk { router, ..desk };
    let request = axum::http::Request::get("/hangs")
        .body(Body::empty())
        .unwrap();
    desk.send(request).await.problem(503, "unavailable");
}

/// A body in pieces that arrive as they are sent.
struct Stream(tokio::sync::mpsc::Receiver<Result<Bytes, std::io::Error>>);

impl futures::Stream for Stream {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
