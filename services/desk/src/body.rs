//! Reading a request's body, of a bounded size, within a bounded time: JSON, or a form's text.

use crate::{
    app::App,
    limits::{HEARD_OUT, MAX_BODY},
    problem::Fault,
};
use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use serde_json::Value;
use std::{future::poll_fn, pin::Pin};

/// A body of JSON.
#[derive(Debug)]
pub(crate) struct Json(pub(crate) Value);

/// A body of JSON that may be left out, for which `{}` stands then.
#[derive(Debug)]
pub(crate) struct JsonOrNothing(pub(crate) Value);

impl FromRequest<App> for Json {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &App) -> Result<Self, Fault> {
        if !is_json(request.headers()) {
            return Err(Fault::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let bytes = read(app, request.into_body(), MAX_BODY).await?;
        parse(&bytes).map(Self)
    }
}

impl FromRequest<App> for JsonOrNothing {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &App) -> Result<Self, Fault> {
        let is_json = is_json(request.headers());
        let bytes = read(app, request.into_body(), MAX_BODY).await?;
        if bytes.is_empty() {
            return Ok(Self(Value::Object(serde_json::Map::new())));
        }
        if !is_json {
            return Err(Fault::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        parse(&bytes).map(Self)
    }
}

/// Reads the whole body, of at most `most` bytes.
///
/// # Errors
///
/// 413 where it is too large, 408 where it does not arrive in time, 400 where it breaks off.
pub(crate) async fn read(app: &App, body: Body, most: usize) -> Result<Bytes, Fault> {
    match tokio::time::timeout(app.limits.body, collect(body, most)).await {
        Ok(read) => read,
        Err(_) => Err(Fault::of_status(StatusCode::REQUEST_TIMEOUT)),
    }
}

async fn collect(mut body: Body, most: usize) -> Result<Bytes, Fault> {
    let mut bytes = Vec::new();
    let mut n_seen = 0;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame =
            frame.map_err(|_| Fault::not_understood("broken_off", "The body broke off."))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        n_seen += data.len();
        if n_seen > most + HEARD_OUT {
            break;
        }
        if n_seen <= most {
            bytes.extend_from_slice(&data);
        }
    }
    if n_seen > most {
        return Err(Fault::of_status(StatusCode::PAYLOAD_TOO_LARGE));
    }
    Ok(bytes.into())
}

/// The text with each line end as one character: browsers send two.
pub(crate) fn normal_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    serde_json::from_slice(bytes).map_err(|error| {
        // Where, but not what: the text may tell of a child.
        let (line, column) = (error.line(), error.column());
        Fault::not_understood(
            "not_json",
            format!("The body is not JSON: see line {line}, column {column}."),
        )
    })
}

/// Whether the body says that it is JSON: `application/json` or `application/…+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(content_type)) = headers.get(header::CONTENT_TYPE).map(|it| it.to_str()) else {
        return false;
    };
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_json_by_its_content_type() {
        let is = |text: &'static str| {
            let headers = [(
                header::CONTENT_TYPE,
                axum::http::HeaderValue::from_static(text),
            )];
            is_json(&headers.into_iter().collect())
        };
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/vnd.oss+json",
        ] {
            assert!(is(good), "{good}");
        }
        for bad in [
            "",
            "text/json",
            "application/jsonx",
            "application/xml",
            "json",
        ] {
            assert!(!is(bad), "{bad}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
