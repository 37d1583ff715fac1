//! Carrying out what somebody asked: a step of the workflow in a unit of work, committed.

use crate::{app::App, caller::Caller, limits::DATABASE_AWAY, problem::Fault};
use axum::http::StatusCode;
use oss_contract::Problem;
use oss_domain::Ids;
use oss_telemetry::ErrorChain;
use oss_workflow::{Actor, Context, Refusal, Store, StoreError, Unit, Wanted};
use std::{sync::Arc, time::Duration};

/// How often a unit is tried that clashes with others.
const TRIES: u32 = 5;

/// Opens a unit over `wanted`, lets `step` decide, and commits it. `step` may run more than once.
///
/// # Errors
///
/// What `step` refuses, then nothing was changed; 503 where the database is away.
pub(crate) async fn act<T: Send>(
    app: &App,
    caller: &Caller,
    wanted: &Wanted,
    step: impl Fn(&mut Unit, &mut Context<'_, '_>) -> Result<T, Fault> + Send + Sync,
) -> Result<T, Fault> {
    // Never closed; and whoever waits too long is told so by the outermost layer.
    let _turn = app.turns.acquire().await.map_err(|_| Fault::internal())?;
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt(app, caller, wanted, &step).await {
            Err(Failed::Store(StoreError::Clash(_))) if tries < TRIES => {}
            done => return Ok(done?),
        }
    }
}

/// Why a unit was not committed.
#[derive(Debug)]
pub(crate) enum Failed {
    Store(StoreError),
    Refused(Fault),
}

impl From<Failed> for Fault {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Store(error) => from_store(&error),
            Failed::Refused(fault) => fault,
        }
    }
}

/// The same once, for whoever has a turn.
pub(crate) async fn attempt<T>(
    app: &App,
    caller: &Caller,
    wanted: &Wanted,
    step: &(impl Fn(&mut Unit, &mut Context<'_, '_>) -> Result<T, Fault> + Sync),
) -> Result<T, Failed> {
    let (mut unit, transaction) = app.store.open(wanted).await.map_err(Failed::Store)?;
    let done = app.with_chance(|rng| {
        let mut context = Context {
            actor: Actor::Person(Arc::clone(&caller.principal.id)),
            now: app.clock.now(),
            traceparent: caller.traceparent.clone(),
            ids: &mut Ids::new(&*app.clock, rng),
        };
        step(&mut unit, &mut context)
    });
    // A refused unit is dropped, and its locks with it.
    let done = done.map_err(Failed::Refused)?;
    if app.rehearses() {
        return Ok(done);
    }
    app.store
        .commit(unit, transaction)
        .await
        .map_err(Failed::Store)?;
    // The relay has events to publish, and the matcher may have a referral to rank.
    app.committed.notify_one();
    app.wake.notify_one();
    Ok(done)
}

/// What an error of the store means to the caller.
pub(crate) fn from_store(error: &StoreError) -> Fault {
    let chain = ErrorChain(error);
    match error {
        StoreError::Unavailable(_) => {
            tracing::warn!(error = %chain, "the database is not available");
            Fault::unavailable(DATABASE_AWAY)
        }
        StoreError::Clash(_) => {
            tracing::warn!(error = %chain, "a unit of work clashed {TRIES} times");
            Fault::unavailable(Duration::from_secs(1))
        }
        StoreError::Broken(_) => {
            tracing::error!(error = %chain, "the database refused what was asked of it");
            Fault::internal()
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        from_store(&error)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let detail = sentence(&refusal.to_string());
        match refusal {
            Refusal::Invalid(errors) => Self::invalid(&errors),
            Refusal::RevisionConflict { .. } => {
                Problem::of_code("revision_conflict", detail, &[]).into()
            }
            Refusal::NotKnownYet { what } | Refusal::NotFound { what } => Self::not_found(&what),
            Refusal::Conflict { code, .. } => Self::new(
                StatusCode::CONFLICT,
                code,
                "It clashes with what has happened",
                detail,
            ),
        }
    }
}

/// Errors are written without capital and full stop; people are told in sentences.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let mut sentence: String = first.to_uppercase().chain(chars).collect();
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}
