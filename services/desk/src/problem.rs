//! Refusals, as problem details (RFC 9457): the one form of every answer that is not a success.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use oss_contract::Problem;
use oss_domain::FieldError;
use serde_json::{Map, Value};
use std::time::Duration;

/// An answer that is not a success. How it is written, [`crate::answer`] sees to.
#[derive(Clone, Debug)]
pub(crate) struct Fault(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    problem: Problem,
    /// Members besides the usual ones (RFC 9457, 3.2).
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    instead: Option<String>,
    is_momentary: bool,
}

impl Fault {
    /// A problem with a status, a stable code, a title and what is wrong this time.
    pub(crate) fn new(
        status: StatusCode,
        code: &str,
        title: &str,
        detail: impl Into<String>,
    ) -> Self {
        Problem::new(status.as_u16(), code, title, detail).into()
    }

    /// 400: the request is not understood.
    pub(crate) fn not_understood(code: &str, detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            code,
            "The request is not understood",
            detail,
        )
    }

    /// 401: nobody we know asks.
    pub(crate) fn unauthorised() -> Self {
        Self::of_status(StatusCode::UNAUTHORIZED).with(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"oss\""),
        )
    }

    /// 403: whoever asks may not.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "You may not do this",
            detail,
        )
    }

    /// 404: `what` does not exist, or is not the asker's to see.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "Not found",
            format!("{what} does not exist."),
        )
    }

    /// 409: clashes with what is stored.
    pub(crate) fn conflict(code: &str, title: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, title, detail)
    }

    /// 412: somebody changed it meanwhile.
    pub(crate) fn changed_meanwhile() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "changed_meanwhile",
            "It has changed meanwhile",
            "What is stored is not what If-Match or If-None-Match asks for; read it again.",
        )
    }

    /// 422: fields are missing or wrong.
    pub(crate) fn invalid(errors: &[FieldError]) -> Self {
        Problem::invalid(errors).into()
    }

    /// 422: the field at `pointer` is wrong.
    pub(crate) fn invalid_field(pointer: &str, code: &'static str, detail: &str) -> Self {
        Self::invalid(&[FieldError::new(pointer, code, detail)])
    }

    /// 429: too many requests; may be sent again after `wait`.
    pub(crate) fn too_many(wait: Duration) -> Self {
        Self::of_status(StatusCode::TOO_MANY_REQUESTS).retry_after(wait)
    }

    /// 503: the same may work after `wait`.
    pub(crate) fn unavailable(wait: Duration) -> Self {
        Self::of_status(StatusCode::SERVICE_UNAVAILABLE).retry_after(wait)
    }

    /// 500: a fault of ours. Says nothing but that.
    pub(crate) fn internal() -> Self {
        Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The plain problem of a status, for answers that come without words of their own.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (code, title, detail) = match status {
            StatusCode::UNAUTHORIZED => (
                "unauthorised",
                "Authentication is needed",
                "Send a valid bearer token in the Authorization header.",
            ),
            StatusCode::NOT_FOUND => (
                "not_found",
                "Not found",
                "There is nothing at this address.",
            ),
            StatusCode::METHOD_NOT_ALLOWED => (
                "method_not_allowed",
                "The method is not allowed here",
                "The Allow header lists the methods that are.",
            ),
            StatusCode::REQUEST_TIMEOUT => (
                "request_timeout",
                "The request took too long to arrive",
                "Send the whole body within ten seconds.",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => (
                "too_large",
                "The body is too large",
                "A body may have at most 256 KiB.",
            ),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => (
                "unsupported_media_type",
                "The content type is not supported",
                "Send JSON with Content-Type: application/json.",
            ),
            StatusCode::TOO_MANY_REQUESTS => (
                "too_many_requests",
                "Too many requests",
                "Wait as long as the Retry-After header says.",
            ),
            StatusCode::SERVICE_UNAVAILABLE => (
                "unavailable",
                "Not available at the moment",
                "Nothing was changed that was not confirmed. Try again after the time in the Retry-After header.",
            ),
            status if status.is_client_error() => (
                "not_understood",
                "The request is not understood",
                "The request is not understood.",
            ),
            _ => (
                "internal",
                "Something went wrong here",
                "It is our fault, and it was recorded; tell us the incident's id.",
            ),
        };
        Self::new(status, code, title, detail)
    }

    /// The same with a header.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The same, with when to come back.
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        // In whole seconds, rounded up: too early would be in vain.
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.with(header::RETRY_AFTER, seconds.into())
    }

    /// The same with a member besides the usual ones.
    pub(crate) fn member(mut self, name: &str, value: Value) -> Self {
        self.0.members.insert(name.to_owned(), value);
        self
    }

    /// The same, with other words for what is wrong this time.
    pub(crate) fn detailed(mut self, detail: impl Into<String>) -> Self {
        self.0.problem.detail = detail.into();
        self
    }

    /// The same, telling how things are at this moment: who asks again is told anew, by whatever key.
    pub(crate) fn momentary(mut self) -> Self {
        self.0.is_momentary = true;
        self
    }

    /// The same, with the page where people are told instead, since theirs cannot be shown.
    pub(crate) fn instead(mut self, page: String) -> Self {
        self.0.instead = Some(page);
        self
    }

    /// Whether it is of the kind `code`.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code() == code
    }

    /// Its kind.
    pub(crate) fn code(&self) -> &str {
        let kind = &*self.0.problem.r#type;
        kind.strip_prefix("urn:oss:problem:").unwrap_or(kind)
    }

    /// What is told of it.
    pub(crate) fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self(Box::new(Inner {
            problem,
            members: Map::new(),
            headers: Vec::new(),
            instead: None,
            is_momentary: false,
        }))
    }
}

/// A problem on its way to [`crate::answer`], which writes the body.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) problem: Problem,
    pub(crate) members: Map<String, Value>,
    /// Where a person is led who came for a page.
    pub(crate) instead: Option<String>,
    /// Whether it is no answer to the same request sent again.
    pub(crate) is_momentary: bool,
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = self.status();
        let Inner {
            problem,
            members,
            headers,
            instead,
            is_momentary,
        } = *self.0;
        let mut response = status.into_response();
        response.headers_mut().extend(headers);
        response.extensions_mut().insert(Told {
            problem,
            members,
            instead,
            is_momentary,
        });
        response
    }
}
