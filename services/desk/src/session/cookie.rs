//! The two cookies: the session's, and the one of a browser that is away at the identity provider.
//!
//! Both bear the `__Host-` prefix, so no other host and no plain connection can have set them.
//! Browsers take and send them on `http://127.0.0.1` and `http://localhost` too, which they trust.

use crate::app::App;
use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};
use sha2::{Digest, Sha256};
use std::fmt;

/// The session's cookie.
pub(crate) const SESSION: &str = "__Host-oss";

/// Binds what comes back from the identity provider to the browser that was sent there.
pub(crate) const ATTEMPT: &str = "__Host-oss-sign-in";

/// 256 random bits, of which only the hash is stored.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    /// A new one.
    pub(crate) fn draw(app: &App) -> Self {
        let mut bytes = [0; 32];
        app.with_chance(|rng| rng.fill_bytes(&mut bytes));
        Self(hex::encode(bytes))
    }

    /// What is stored of it.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// The token itself: for the cookie, and for what is derived from it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// The token itself, where it is no session's: what an identity provider hands back.
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The token in the cookie `name`, if it has the form of one.
pub(crate) fn token(headers: &HeaderMap, name: &str) -> Option<Token> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let mut found = cookies
        .filter_map(|header| header.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .filter(|cookie| cookie.name() == name);
    let value = found.next()?.value().to_owned();
    // The same cookie twice: somebody tries something.
    let is_one = found.next().is_none();
    let fits = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_one && fits).then_some(Token(value))
}

/// A cookie that goes with the browser's session.
pub(crate) fn set(name: &'static str, token: &Token) -> HeaderValue {
    written(Cookie::build((name, token.expose())))
}

/// Takes the cookie away.
pub(crate) fn clear(name: &'static str) -> HeaderValue {
    written(Cookie::build((name, "")).max_age(cookie::time::Duration::ZERO))
}

fn written(cookie: cookie::CookieBuilder<'_>) -> HeaderValue {
    let cookie = cookie
        .path("/")
        .secure(true)
        .http_only(true)
        // Lax, not Strict: people come from links in their case system, and from the provider.
        .same_site(SameSite::Lax)
        .build();
    HeaderValue::from_str(&cookie.to_string()).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> HeaderMap {
        [(header::COOKIE, text.parse().unwrap())]
            .into_iter()
            .collect()
    }

    #[test]
    fn cookies_are_as_strict_as_browsers_know_how() {
        let token = Token("ab".repeat(32));
        let set = set(SESSION, &token);
        let expected = format!(
            "__Host-oss={}; HttpOnly; SameSite=Lax; Secure; Path=/",
            "ab".repeat(32)
        );
        assert_eq!(set, expected.as_str());
        let cleared = clear(SESSION);
        assert!(cleared.to_str().unwrap().contains("Max-Age=0"));
        assert_eq!(
            super::token(&sent(&format!("a=b; {SESSION}={}", token.0)), SESSION),
            Some(token)
        );
    }

    #[test]
    fn what_is_no_token_is_none() {
        let long = "a".repeat(10_000);
        let twice = format!("{SESSION}={0}; {SESSION}={0}", "ab".repeat(32));
        for odd in [
            "",
            "__Host-oss=",
            "__Host-oss=abc",
            "oss=x",
            "=;;=",
            &long,
            &twice,
        ] {
            assert_eq!(token(&sent(odd), SESSION), None, "{odd}");
        }
        assert_eq!(token(&HeaderMap::new(), SESSION), None);
        assert!(!format!("{:?}", Token("secret".to_owned())).contains("secret"));
    }
}
