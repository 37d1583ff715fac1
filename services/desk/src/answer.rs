//! The outermost layer: every answer gets its id, its headers, its place in the metrics, and, where
//! it is not a success, the form of a problem. Nothing that follows can leave that out.

use crate::{
    app::App,
    problem::{Fault, Told},
};
use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use oss_contract::{Problem, problem::PROBLEM_CONTENT_TYPE};
use oss_telemetry::trace::{self, TraceParent};
use serde_json::{Map, Value};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tracing::Instrument;

/// Names a request: in the log, in its answer, in an incident, and in what it leads to.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    /// The trace's id: 32 hexadecimal digits.
    pub(crate) id: Arc<str>,
    /// The W3C trace context.
    pub(crate) parent: Arc<str>,
    /// The path that was asked for.
    pub(crate) path: Arc<str>,
}

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// On every answer, whatever it is (OWASP ASVS 5.0, 3.4).
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::STRICT_TRANSPORT_SECURITY,
        "max-age=63072000; includeSubDomains",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// What an answer may load that is no page: nothing.
const NO_CONTENT: &str = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// What a page may load: scripts and styles from us, in files, or not at all; forms go to us, or
/// to sign in.
const PAGE_CONTENT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; \
    form-action 'self' https://login.microsoftonline.com; base-uri 'none'; \
    frame-ancestors 'none'; object-src 'none'; manifest-src 'self'";

/// Answers a request by way of the rest.
pub(crate) async fn answer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let sent = request
        .headers()
        .get(trace::HEADER)
        .and_then(|header| header.to_str().ok());
    let parent = app.with_chance(|rng| TraceParent::continued(sent, rng));
    let trace = Trace {
        id: parent.trace_id().into(),
        parent: parent.to_string().into(),
        path: request.uri().path().into(),
    };
    request.extensions_mut().insert(trace.clone());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| Arc::from("none"), |path| Arc::<str>::from(path.as_str()));
    let method = method_label(request.method());
    let span = tracing::info_span!(
        "http.request",
        http.route = &*route,
        http.method = method,
        trace_id = &*trace.id,
    );

    let answered = limited(&app, request, next).instrument(span.clone()).await;
    let mut response = as_problem(answered, &trace);
    let content = if is_page(&response) {
        PAGE_CONTENT
    } else {
        NO_CONTENT
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS
        .into_iter()
        .chain([(header::CONTENT_SECURITY_POLICY, content)])
    {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(&trace.id) {
        headers.insert(REQUEST_ID.clone(), id);
    }
    let (status, took) = (response.status().as_u16(), started.elapsed());
    app.metrics.answered(&route, method, status, took);
    span.in_scope(|| {
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if status >= 500 {
            tracing::warn!(
                http.status = status,
                duration_ms,
                "answered {method} {route}: {status}"
            );
        } else {
            tracing::debug!(
                http.status = status,
                duration_ms,
                "answered {method} {route}: {status}"
            );
        }
    });
    response
}

/// Hands the request on, unless there are too many, for as long as it may take.
async fn limited(app: &App, request: Request, next: Next) -> Response {
    let Ok(_permit) = app.room.try_acquire() else {
        return Fault::unavailable(Duration::from_secs(1)).into_response();
    };
    app.metrics.in_flight.inc();
    let _in_flight = InFlight(app);
    // A unit of work that is dropped on the way has changed nothing.
    match tokio::time::timeout(app.limits.handler, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Fault::unavailable(Duration::from_secs(1)).into_response(),
    }
}

/// Counts down also where the caller goes away before it is answered.
struct InFlight<'a>(&'a App);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.metrics.in_flight.dec();
    }
}

/// A handler panicked: the caller learns the incident's id, the log the rest.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Fault::internal().into_response()
}

/// Writes an answer that is not a success as a problem, also those of axum's own making.
pub(crate) fn as_problem(mut response: Response, trace: &Trace) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let told = match response.extensions_mut().remove::<Told>() {
        Some(told) => told,
        None if is_problem(&response) || is_page(&response) => return response,
        None => match Fault::of_status(status)
            .into_response()
            .extensions_mut()
            .remove::<Told>()
        {
            Some(told) => told,
            None => return response,
        },
    };
    // An incident is looked for in the log by its id; anything else happened where it was asked for.
    let instance = if status == StatusCode::INTERNAL_SERVER_ERROR {
        format!("urn:oss:incident:{}", trace.id)
    } else {
        trace.path.to_string()
    };
    let problem = told.problem.at(instance);
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(PROBLEM_CONTENT_TYPE),
    );
    Response::from_parts(parts, Body::from(written(&problem, told.members)))
}

fn written(problem: &Problem, members: Map<String, Value>) -> Vec<u8> {
    let mut body = serde_json::to_value(problem).unwrap_or_default();
    if let Some(body) = body.as_object_mut() {
        body.extend(members);
    }
    body.to_string().into_bytes()
}

fn is_problem(response: &Response) -> bool {
    is_of(response, PROBLEM_CONTENT_TYPE)
}

/// Whether it is written for people.
fn is_page(response: &Response) -> bool {
    is_of(response, "text/html")
}

fn is_of(response: &Response, content_type: &str) -> bool {
    let written = response.headers().get(header::CONTENT_TYPE);
    written.is_some_and(|it| it.as_bytes().starts_with(content_type.as_bytes()))
}

/// The method, as long as it is one that HTTP names: callers must not make up series.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
