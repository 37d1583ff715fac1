//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the same request twice is done
//! once, and answered the same.

use crate::{
    answer::{Trace, as_problem},
    app::App,
    body,
    caller::Caller,
    limits::{MAX_BODY, MAX_IDEMPOTENCY_KEY},
    problem::{Fault, Told},
};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use oss_storage::idempotency::{Known, Request as Claim};
use oss_telemetry::ErrorChain;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::Duration;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What is kept of an answer besides its status.
#[derive(Debug, Deserialize, Serialize)]
struct Kept {
    headers: Vec<(String, String)>,
    body: String,
}

/// The headers that belong to what was done; the others are made anew.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// Answers a request that has a key as it was answered before; else answers it and keeps that.
pub(crate) async fn once(
    State(app): State<App>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let Some(key) = key(request.headers())? else {
        return Ok(next.run(request).await);
    };
    let no_council = || Fault::forbidden("You work for no council.");
    let authority = *caller
        .principal
        .authorities
        .first()
        .ok_or_else(no_council)?;
    let (parts, body) = request.into_parts();
    let bytes = body::read(&app, body, MAX_BODY).await?;
    let trace = parts
        .extensions
        .get::<Trace>()
        .cloned()
        .ok_or_else(Fault::internal)?;
    let claim = Claim {
        authority,
        actor: &caller.principal.id,
        key: &key,
        route: &format!("{} {}", parts.method, parts.uri),
        body_hash: Sha256::digest(&bytes).into(),
    };
    match app.store.claim_request(claim, app.clock.now()).await? {
        Known::New => {}
        Known::Answered { status, response } => return replayed(status, &response),
        Known::InProgress => {
            let detail =
                "The first request with this key is being answered; ask again in a moment.";
            return Err(Fault::conflict("in_progress", "In progress", detail)
                .retry_after(Duration::from_secs(1)));
        }
        Known::OtherRequest => {
            return Err(Fault::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "The key was used for another request",
                "Use a new Idempotency-Key for each request, and the same one only to repeat it.",
            ));
        }
    }
    let response = next
        .run(Request::from_parts(parts, Body::from(bytes)))
        .await;
    let told = response.extensions().get::<Told>();
    if told.is_some_and(|told| told.is_momentary) {
        app.store.release_request(claim).await?;
        return Ok(response);
    }
    keep(&app, claim, as_problem(response, &trace)).await
}

/// Keeps an answer, unless the same request may be answered otherwise later.
async fn keep(app: &App, claim: Claim<'_>, response: Response) -> Result<Response, Fault> {
    let status = response.status();
    let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    if status.is_server_error() || passing.contains(&status) {
        app.store.release_request(claim).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX)
        .await
        .map_err(|_| Fault::internal())?;
    let text = |name: &HeaderName| parts.headers.get(name)?.to_str().ok();
    let headers = KEPT_HEADERS
        .iter()
        .filter_map(|name| Some((name.to_string(), text(name)?.to_owned())))
        .collect();
    let kept = Kept {
        headers,
        body: String::from_utf8_lossy(&bytes).into_owned(),
    };
    let kept = serde_json::to_vec(&kept).map_err(|_| Fault::internal())?;
    // Where this fails, what was done is done; the same request again meets it there.
    if let Err(error) = app
        .store
        .answer_request(claim, status.as_u16(), &kept)
        .await
    {
        tracing::warn!(error = %ErrorChain(&error), "an answer could not be kept for its Idempotency-Key");
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn replayed(status: u16, kept: &[u8]) -> Result<Response, Fault> {
    let kept: Kept = serde_json::from_slice(kept).map_err(|_| Fault::internal())?;
    let mut response = Response::new(Body::from(kept.body));
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| Fault::internal())?;
    for (name, value) in kept.headers {
        let name = HeaderName::try_from(name).map_err(|_| Fault::internal())?;
        let value = HeaderValue::try_from(value).map_err(|_| Fault::internal())?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// Deletes, once an hour, answers that have been kept for long enough, and sessions that are over.
/// Never ends.
pub(crate) async fn forget_old_answers(app: &App) {
    let mut hourly = tokio::time::interval(Duration::from_hours(1));
    hourly.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        hourly.tick().await;
        // Where it fails now, the next hour makes up for it.
        if let Err(error) = app.store.purge_requests(app.clock.now()).await {
            tracing::warn!(error = %ErrorChain(&error), "old answers were not deleted");
        }
        let (limits, now) = (app.sign_in.limits(), app.clock.now());
        if let Err(error) = app.store.purge_sessions(limits, now).await {
            tracing::warn!(error = %ErrorChain(&error), "sessions that are over were not deleted");
        }
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let mut values = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let (first, second) = (values.next(), values.next());
    let Some(value) = first else { return Ok(None) };
    let key = value.to_str().unwrap_or_default().trim();
    if second.is_some() || key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY {
        return Err(Fault::not_understood(
            "bad_idempotency_key",
            format!("Idempotency-Key must be one text of 1 to {MAX_IDEMPOTENCY_KEY} characters."),
        ));
    }
    Ok(Some(key.to_owned()))
}
