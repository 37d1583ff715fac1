//! Signing in and out: by the council's identity provider, and, in development, by password.
//!
//! Invariants
//! - A session starts only here, with a new token; the one the browser had before ends.
//! - What comes back from the identity provider counts once, and only in the browser that was sent.
//! - Without the feature `dev-login` there is no password, no form for one, and no route for it.

#[cfg(feature = "dev-login")]
mod local;
mod openid;
mod page;

#[cfg(feature = "dev-login")]
pub use local::{LocalUser, LocalUserError};
pub use openid::{OpenId, OpenIdError};

use crate::{
    app::App,
    problem::Fault,
    session::{
        NOT_SENT, TIMED_OUT, Viewer,
        cookie::{self, ATTEMPT, SESSION, Token},
    },
};
use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use oss_domain::{Ids, SessionId, UserId};
use oss_storage::people::{Attempt, Identity, SessionLimits, SignIn as Record};
use oss_telemetry::ErrorChain;
use serde::Deserialize;

/// Says on the page of signing in that somebody has signed out.
const SIGNED_OUT: &str = "signed-out";

/// How people sign in.
#[derive(Debug, Default)]
pub struct SignIn {
    openid: Option<OpenId>,
    limits: SessionLimits,
    #[cfg(feature = "dev-login")]
    local: local::LocalUsers,
}

impl SignIn {
    /// By the council's identity provider; without one, nobody does.
    #[must_use]
    pub fn by(openid: Option<OpenId>) -> Self {
        Self {
            openid,
            ..Self::default()
        }
    }

    /// And by password, in development.
    #[cfg(feature = "dev-login")]
    #[must_use]
    pub fn and_local(mut self, users: Vec<LocalUser>) -> Self {
        self.local = local::LocalUsers::new(users);
        self
    }

    /// How long sessions last.
    pub(crate) const fn limits(&self) -> SessionLimits {
        self.limits
    }

    #[cfg(feature = "dev-login")]
    fn has_local(&self) -> bool {
        !self.local.is_empty()
    }

    #[cfg(not(feature = "dev-login"))]
    #[expect(clippy::unused_self, reason = "with the feature there may be some")]
    const fn has_local(&self) -> bool {
        false
    }
}

/// The pages of signing in and out; to be put under [`crate::session::protected`].
pub(crate) fn router() -> Router<App> {
    let page = get(show);
    #[cfg(feature = "dev-login")]
    let page = page.post(local::sign_in);
    Router::new()
        .route("/sign-in", page)
        .route("/sign-in/start", get(start))
        .route("/sign-in/callback", get(come_back))
        .route("/sign-out", post(sign_out))
        .route("/sign-out/everywhere", post(sign_out_everywhere))
}

/// What the page of signing in is asked for with.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    return_to: String,
    #[serde(default)]
    notice: String,
}

async fn show(
    State(app): State<App>,
    viewer: Option<Viewer>,
    Query(asked): Query<Asked>,
) -> Response {
    if viewer.is_some() && asked.notice != SIGNED_OUT {
        return Redirect::to(&within(&asked.return_to)).into_response();
    }
    let notice = match &*asked.notice {
        SIGNED_OUT => "You are signed out.",
        TIMED_OUT => {
            "You were signed out: that happens when nothing is done for half an hour, and at the \
             end of a long day. Sign in, and you are back on the page where you were."
        }
        NOT_SENT => {
            "You had been signed out before this was sent, so nothing was done. Sign in, and you \
             are back on the page to do it again."
        }
        _ => "",
    };
    let page = page::Page::new(&app, viewer.as_ref(), &asked.return_to);
    page.with_notice(notice).answer(StatusCode::OK)
}

/// The page again, with what went wrong.
fn refused(app: &App, status: StatusCode, return_to: &str, why: &str) -> Response {
    let answer = page::Page::new(app, None, return_to)
        .with_problem(why)
        .answer(status);
    (
        AppendHeaders([(header::SET_COOKIE, cookie::clear(ATTEMPT))]),
        answer,
    )
        .into_response()
}

/// Sends the browser to the identity provider.
async fn start(State(app): State<App>, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    app.buckets.take(&app.nobody).map_err(Fault::too_many)?;
    let Some(openid) = &app.sign_in.openid else {
        return Err(Fault::of_status(StatusCode::NOT_FOUND));
    };
    let [browser, state, nonce, verifier] = [(); 4].map(|()| Token::draw(&app));
    let attempt = Attempt {
        state: state.into_text(),
        nonce: nonce.into_text(),
        verifier: verifier.into_text(),
        return_to: within(&asked.return_to),
    };
    let url = match openid.authorisation_url(&attempt, app.clock.now()).await {
        Ok(url) => url,
        Err(error) => {
            tracing::error!(error = %ErrorChain(&error), "the identity provider cannot be used");
            app.metrics.authenticated("provider_away");
            let why = error.told();
            return Ok(refused(
                &app,
                StatusCode::SERVICE_UNAVAILABLE,
                &asked.return_to,
                why,
            ));
        }
    };
    app.store
        .put_attempt(&browser.sha256(), &attempt, app.clock.now())
        .await?;
    let cookie = AppendHeaders([(header::SET_COOKIE, cookie::set(ATTEMPT, &browser))]);
    Ok((cookie, Redirect::to(&url)).into_response())
}

/// What the identity provider sends the browser back with (RFC 6749, 4.1.2; RFC 9207).
#[derive(Debug, Deserialize)]
struct Back {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// The browser comes back.
async fn come_back(
    State(app): State<App>,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Result<Response, Fault> {
    app.buckets.take(&app.nobody).map_err(Fault::too_many)?;
    let Some(openid) = &app.sign_in.openid else {
        return Err(Fault::of_status(StatusCode::NOT_FOUND));
    };
    let now = app.clock.now();
    // Taken away before anything is looked at: it counts once, also where it fails.
    let attempt = match cookie::token(&headers, ATTEMPT) {
        Some(browser) => app.store.take_attempt(&browser.sha256(), now).await?,
        None => None,
    };
    let Some(attempt) = attempt else {
        app.metrics.authenticated("no_attempt");
        let why = "Signing in took too long, or was started in another browser. Start again.";
        return Ok(refused(&app, StatusCode::BAD_REQUEST, "/", why));
    };
    let identity = openid.identity(&attempt, &back.into(), now).await;
    match identity {
        Ok(identity) => begin(&app, &headers, identity, &attempt.return_to).await,
        Err(error) => {
            let outcome = error.outcome();
            app.metrics.authenticated(outcome);
            tracing::warn!(outcome, error = %ErrorChain(&error), "a sign-in was refused");
            let status = match outcome {
                "provider_away" => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::FORBIDDEN,
            };
            Ok(refused(&app, status, &attempt.return_to, error.told()))
        }
    }
}

impl From<Back> for openid::Answer {
    fn from(back: Back) -> Self {
        Self {
            code: back.code,
            state: back.state,
            error: back.error,
            issuer: back.iss,
        }
    }
}

/// Starts a session for somebody who has proved who they are.
async fn begin(
    app: &App,
    headers: &HeaderMap,
    identity: Identity,
    return_to: &str,
) -> Result<Response, Fault> {
    let token = Token::draw(app);
    let (new_user_id, session_id) = app.with_chance(|rng| {
        let ids = &mut Ids::new(&*app.clock, rng);
        (UserId::generate(ids), SessionId::generate(ids))
    });
    let record = Record {
        identity,
        new_user_id,
        session_id,
        token_sha256: token.sha256(),
        replaces: cookie::token(headers, SESSION).map(|old| old.sha256()),
    };
    let Some(person) = app.store.sign_in(&record, app.clock.now()).await? else {
        app.metrics.authenticated("disabled");
        let why = "Your account is switched off here. Ask your administrator.";
        return Ok(refused(app, StatusCode::FORBIDDEN, return_to, why));
    };
    app.metrics.authenticated("signed_in");
    tracing::info!(user.id = %person.user_id, "signed in");
    let cookies = AppendHeaders([
        (header::SET_COOKIE, cookie::set(SESSION, &token)),
        (header::SET_COOKIE, cookie::clear(ATTEMPT)),
    ]);
    Ok((cookies, Redirect::to(&within(return_to))).into_response())
}

async fn sign_out(State(app): State<App>, viewer: Option<Viewer>) -> Result<Response, Fault> {
    if let Some(viewer) = viewer {
        let (id, now) = (viewer.session_id(), app.clock.now());
        app.store
            .end_session(viewer.person(), id, &viewer.actor(), now)
            .await?;
        app.metrics.authenticated("signed_out");
    }
    Ok(signed_out())
}

async fn sign_out_everywhere(State(app): State<App>, viewer: Viewer) -> Result<Response, Fault> {
    app.store
        .end_sessions_of(viewer.person(), &viewer.actor(), app.clock.now())
        .await?;
    app.metrics.authenticated("signed_out");
    Ok(signed_out())
}

fn signed_out() -> Response {
    // Nothing that was seen stays behind in the browser (OWASP ASVS 5.0, 14.3.1).
    let clear = HeaderValue::from_static("\"cache\", \"cookies\", \"storage\"");
    let headers = AppendHeaders([
        (header::SET_COOKIE, cookie::clear(SESSION)),
        (HeaderName::from_static("clear-site-data"), clear),
    ]);
    (
        headers,
        Redirect::to(&format!("/sign-in?notice={SIGNED_OUT}")),
    )
        .into_response()
}

/// A path of ours to go to: what it is not, becomes the first page.
fn within(path: &str) -> String {
    let is_ours = path.len() <= 2048
        && path.starts_with('/')
        // "//host" and "/\host" are other hosts to a browser.
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        // Signing in leads on, not back to itself.
        && !path.starts_with("/sign-");
    if is_ours {
        path.to_owned()
    } else {
        "/".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn people_come_back_to_pages_of_ours_only() {
        for ours in ["/", "/referrals/R01?tab=offers", "/a//b", "/%2F%2Fevil"] {
            assert_eq!(within(ours), ours);
        }
        let long = format!("/{}", "a".repeat(2048));
        for other in [
            "",
            "referrals",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil",
            "https://evil.example",
            "/a\r\nSet-Cookie: x",
            "/a b",
            "/\t/evil.example",
            "/sign-out",
            "/sign-in?x",
            "javascript:1",
            &long,
        ] {
            assert_eq!(within(other), "/", "{other}");
        }
    }
}
