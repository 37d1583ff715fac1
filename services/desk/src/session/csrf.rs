//! Proof that a change was asked for by one of our own pages: the browser says where the request
//! comes from, and the form carries a token that only our pages know (OWASP ASVS 5.0, 3.5).

use super::cookie;
use crate::{app::App, limits::MAX_BODY, problem::Fault};
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
};
use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};
use subtle::ConstantTimeEq;

/// The form's field with the token.
pub(crate) const FIELD: &str = "csrf";

/// The header with it, where a script sends the request.
pub(crate) const HEADER: &str = "x-csrf-token";

/// A session's token for forms: derived from the session's own, so there is nothing to store.
#[derive(Clone)]
pub(crate) struct Token(Arc<str>);

impl Token {
    /// The one of the session with this token.
    pub(crate) fn of(session: &cookie::Token) -> Self {
        let digest = Sha256::new()
            .chain_update("oss csrf 1 ")
            .chain_update(session.expose());
        Self(hex::encode(digest.finalize()).into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn is(&self, sent: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(sent).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

fn from_elsewhere() -> Fault {
    Fault::new(
        StatusCode::FORBIDDEN,
        "from_elsewhere",
        "This did not come from a page of ours",
        "Nothing was changed. Go back, load the page again, and send it once more.",
    )
}

/// Sees to it that a request does not come from a page of others.
///
/// # Errors
///
/// 403 where it does.
pub(crate) fn same_origin(headers: &HeaderMap) -> Result<(), Fault> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_ours = match (text("sec-fetch-site"), text("origin")) {
        // No page can set it: it is the browser's own word.
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let host = text("host").unwrap_or_default();
            let named = origin.split_once("://").map_or("", |(_, host)| host);
            !host.is_empty() && named.eq_ignore_ascii_case(host)
        }
        // No browser of today leaves both out: a program, which nobody can trick with a page.
        (None, None) => true,
    };
    if is_ours {
        Ok(())
    } else {
        Err(from_elsewhere())
    }
}

/// Sees to it that the session's token is in the header.
///
/// # Errors
///
/// 403 where it is not.
pub(super) fn in_header(headers: &HeaderMap, token: &Token) -> Result<(), Fault> {
    let sent = headers.get(HEADER).map(header::HeaderValue::as_bytes);
    if token.is(sent.unwrap_or_default()) {
        Ok(())
    } else {
        Err(from_elsewhere())
    }
}

/// The request again, if the session's token is in its header or its form.
///
/// # Errors
///
/// 403 where it is not; 413 where the form is too large; 408 where it does not arrive.
pub(super) async fn with_token(
    app: &App,
    request: Request,
    token: &Token,
) -> Result<Request, Fault> {
    if request.headers().contains_key(HEADER) {
        in_header(request.headers(), token)?;
        return Ok(request);
    }
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let is_form = content_type.is_some_and(|it| {
        it.as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    });
    if !is_form {
        return Err(from_elsewhere());
    }
    let (parts, body) = request.into_parts();
    let body = tokio::time::timeout(app.limits.body, to_bytes(body, MAX_BODY))
        .await
        .map_err(|_| Fault::of_status(StatusCode::REQUEST_TIMEOUT))?
        .map_err(|_| Fault::of_status(StatusCode::PAYLOAD_TOO_LARGE))?;
    let mut sent = form_urlencoded::parse(&body).filter(|(name, _)| name == FIELD);
    let is_ours = sent
        .next()
        .is_some_and(|(_, value)| token.is(value.as_bytes()));
    if !is_ours {
        return Err(from_elsewhere());
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    #[test]
    fn only_our_own_pages_ask_for_changes() {
        let ours = |pairs: &[(&'static str, &str)]| {
            let headers = pairs.iter();
            let headers: HeaderMap = headers
                .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
                .collect();
            same_origin(&headers).is_ok()
        };
        let host = ("host", "desk.example:8080");
        assert!(ours(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(ours(&[host, ("origin", "https://desk.example:8080")]));
        for site in ["cross-site", "same-site", "none", ""] {
            let as_if = ("origin", "https://desk.example:8080");
            assert!(!ours(&[host, as_if, ("sec-fetch-site", site)]), "{site}");
        }
        for origin in [
            "null",
            "",
            "https://evil.example",
            "https://desk.example",
            "desk.example:8080",
        ] {
            assert!(!ours(&[host, ("origin", origin)]), "{origin}");
        }
        assert!(ours(&[host]), "a program: the token decides");
        assert!(!ours(&[("origin", "https://"), ("host", "")]));
    }
}
