//! Role: the JSON API and, later, the commissioning team's pages.
//!
//! It takes what people and programs ask over HTTP, lets the steps of `oss-workflow` decide it in a
//! unit of work, and shows what is stored. It ranks nothing: the matcher does, woken through
//! [`Deps::wake`]. The contract is `docs/contract/openapi.json`; who may use which route is
//! `access.csv`.
//!
//! Invariants
//! - Every answer that is not a success is a problem (RFC 9457), whatever went wrong, and no bad
//!   input leads to a status of 5xx (`tests/bad_requests.rs`).
//! - Nobody reaches a handler without being known and allowed: a route names its act in the one
//!   table of `api.rs`, and the layers are put on there (`tests/access.rs`).
//! - A child's data is read only together with a line in the audit: no line, no answer.
//! - No log, metric or trace tells anything about a child; a route appears as its template.
//!
//! To add a call: write the handler in `src/api/`, add it to the table in `api.rs` with its act, add
//! its row to `access.csv`, and what is said of it to `api/description/generate/calls.rs`; the tests
//! name what is missing. Then `UPDATE_CONTRACT=1 cargo test -p oss-desk published`.

mod access;
mod act;
mod answer;
mod api;
mod app;
mod body;
mod caller;
mod idempotency;
mod limits;
mod metrics;
mod pages;
mod precondition;
mod principal;
mod problem;
mod query;
mod reading;
mod session;
mod signin;

#[cfg(test)]
mod tests;

pub use limits::Limits;
pub use principal::{ApiToken, Principal, shared_token};
#[cfg(feature = "dev-login")]
pub use signin::{LocalUser, LocalUserError};
pub use signin::{OpenId, OpenIdError, SignIn};

use app::App;
use axum::{Router, http::StatusCode, middleware::from_fn_with_state};
use oss_domain::Clock;
use oss_geography::Gazetteer;
use oss_matching::Policy;
use oss_storage::PgStore;
use oss_workflow::{OfferSeal, call_off::CallOff};
use problem::Fault;
use rand_core::RngCore;
use std::{fmt, sync::Arc};
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

/// What the desk needs.
pub struct Deps {
    /// Where it listens: bound by the caller, who can say best what to do where it is taken.
    pub listener: TcpListener,
    /// The truth.
    pub store: Arc<PgStore>,
    /// Where postcodes are.
    pub gazetteer: Arc<Gazetteer>,
    /// What the council decides for itself.
    pub policy: Arc<Policy>,
    /// How providers are approached.
    pub call_off: Arc<CallOff>,
    /// Makes offer ids, and finds what they name.
    pub seal: OfferSeal,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance, fit for secrets.
    pub rng: Box<dyn RngCore + Send>,
    /// Where its metrics go.
    pub metrics: oss_telemetry::Metrics,
    /// Who is known by a bearer token.
    pub tokens: Vec<ApiToken>,
    /// How people sign in.
    pub sign_in: SignIn,
    /// What is taken on.
    pub limits: Limits,
    /// Is woken when something was committed that the outbox holds.
    pub committed: Arc<Notify>,
    /// Wakes the matcher, where it runs in this process: something may have to be ranked.
    pub wake: Arc<Notify>,
}

impl fmt::Debug for Deps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deps")
            .field("listener", &self.listener)
            .field("tokens", &self.tokens)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Why the desk stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its metrics have names that are taken.
    #[error("the desk's metrics could not be registered")]
    Metrics(#[from] oss_telemetry::metrics::Error),
    /// Its listener failed.
    #[error("the desk could not serve HTTP")]
    Serve(#[from] std::io::Error),
}

/// Serves until `shutdown`, and then until every request in hand is answered.
///
/// # Errors
///
/// Fails where it cannot start to serve.
pub async fn run(deps: Deps, shutdown: CancellationToken) -> Result<(), Error> {
    let (listener, app) = App::new(deps)?;
    let serving = axum::serve(listener, router(app.clone()))
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .into_future();
    tokio::select! {
        served = serving => Ok(served?),
        () = idempotency::forget_old_answers(&app) => Ok(()),
    }
}

fn router(app: App) -> Router {
    Router::new()
        .nest("/api/v1", api::router(&app))
        .merge(session::protected(signin::router(), &app))
        .merge(pages::router(&app))
        .fallback(async || Fault::of_status(StatusCode::NOT_FOUND))
        .layer(CatchPanicLayer::custom(answer::panicked))
        .layer(from_fn_with_state(app.clone(), answer::answer))
        .with_state(app)
}
