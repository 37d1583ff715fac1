//! Proof that a change was asked for by one of our own pages: the browser says where the request
//! comes from, and the form carries a token that only our pages know (OWASP ASVS 5.0, 3.5).

use super::cookie;
use crate::{
    app::App,
    body::{self, normal_lines},
    limits::{FILES_BUSY, MAX_BODY, MAX_FILE, MAX_UPLOAD},
    problem::Fault,
};
use axum::{
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
};
use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};
use subtle::ConstantTimeEq;

/// The form's field with the token.
pub(crate) const FIELD: &str = "csrf";

/// The header with it, where a script sends the request.
pub(crate) const HEADER: &str = "x-csrf-token";

/// The content type of a form without a file.
const TYPED: &str = "application/x-www-form-urlencoded";

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

/// What the forms of some pages may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forms {
    /// What is typed and chosen.
    Typed,
    /// A file besides.
    WithFile,
}

/// The refusal of a file while as many as may be are being taken in.
pub(crate) fn too_many_files() -> Fault {
    Fault::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too_many_files",
        "Other files are being taken in",
        "Nothing was changed. Go back, and send it again in a minute.",
    )
    .retry_after(FILES_BUSY)
}

/// The request again, if the session's token is in its header or its form. A form with a file goes
/// on as if the file's text had been typed.
///
/// # Errors
///
/// 403 where it is not; 413 where the form is too large; 408 where it does not arrive.
pub(super) async fn with_token(
    app: &App,
    request: Request,
    token: &Token,
    forms: Forms,
) -> Result<Request, Fault> {
    if request.headers().contains_key(HEADER) {
        in_header(request.headers(), token)?;
        return Ok(request);
    }
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let is = |what: &str| content_type.is_some_and(|it| it.as_bytes().starts_with(what.as_bytes()));
    let is_typed = is(TYPED);
    let has_file = forms == Forms::WithFile && is("multipart/form-data");
    if !is_typed && !has_file {
        return Err(from_elsewhere());
    }
    let (mut parts, body) = request.into_parts();
    let body = if is_typed {
        body::read(app, body, MAX_BODY).await?
    } else {
        let body = body::read(app, body, MAX_UPLOAD).await.map_err(of_file)?;
        let form = typed(&parts, body).await?;
        parts
            .headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(TYPED));
        parts.headers.remove(header::CONTENT_LENGTH);
        form
    };
    let mut sent = form_urlencoded::parse(&body).filter(|(name, _)| name == FIELD);
    let is_ours = sent
        .next()
        .is_some_and(|(_, value)| token.is(value.as_bytes()));
    if !is_ours {
        return Err(from_elsewhere());
    }
    let mut request = Request::from_parts(parts, Body::from(body));
    // Measured already.
    DefaultBodyLimit::disable().apply(&mut request);
    Ok(request)
}

/// A form with a file as one without. Each field is measured as it is meant: where a page sends a
/// file back that it was asked about, the browser writes every line end as two characters.
async fn typed(parts: &Parts, body: Bytes) -> Result<Bytes, Fault> {
    let broken = || Fault::not_understood("bad_form", "The form is not understood.");
    let mut request = Request::from_parts(parts.clone(), Body::from(body));
    DefaultBodyLimit::disable().apply(&mut request);
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|_| broken())?;
    let mut typed = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|_| broken())? {
        let name = field.name().ok_or_else(broken)?.to_owned();
        let text = normal_lines(&field.text().await.map_err(|_| broken())?);
        if text.len() > MAX_FILE {
            return Err(file_too_large());
        }
        typed.push((name, text));
    }
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(typed)
        .finish();
    Ok(form.into())
}

fn of_file(fault: Fault) -> Fault {
    if fault.status() == StatusCode::PAYLOAD_TOO_LARGE {
        file_too_large()
    } else {
        fault
    }
}

fn file_too_large() -> Fault {
    Fault::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "The file is too large",
        format!(
            "It may have at most {} MiB. Nothing was changed.",
            MAX_FILE / (1024 * 1024)
        ),
    )
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
