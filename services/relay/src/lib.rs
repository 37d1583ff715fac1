//! Role: the outbox, published to JetStream in order.
//!
//! Takes what was committed with a change and is yet to be told, publishes it with its own id, and
//! marks it once the stream has it. It decides nothing and changes nothing else.
//!
//! Invariants
//! - One at a time publishes: the right to is a lock of the database.
//! - A row is marked only after the stream confirmed it; one that was confirmed and not marked is
//!   published again under the same id, and the stream drops it.
//! - What comes after an event that was not confirmed is not marked, and published again after it.
//!   The stream may have it already: then its first place stays, and consumers go by revision.
//! - Rows are taken by "not published yet", never by "after the last number seen": a number that
//!   was given early may be committed late.

mod rounds;

use chrono::TimeDelta;
use oss_domain::Clock;
use oss_messaging::{PublishError, Publisher};
use oss_runtime::Backoff;
use oss_storage::{PgStore, StoreError};
use oss_telemetry::ErrorChain;
use prometheus::IntCounterVec;
use rand_core::RngCore;
use rounds::Rounds;
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How often the outbox is looked at when nobody says that something was committed.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// How long what was published is kept, as long as the stream itself keeps it.
const KEEP: TimeDelta = TimeDelta::days(90);

/// How often what is older is deleted, and how much at a time.
const PURGE_EVERY: Duration = Duration::from_mins(10);
const PURGE_AT_MOST: u32 = 5_000;

/// What the role needs.
pub struct Deps {
    /// The truth.
    pub store: Arc<PgStore>,
    /// Where events go.
    pub publisher: Publisher,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for waits.
    pub rng: Box<dyn RngCore + Send + Sync>,
    /// Is woken when something was committed that the outbox holds.
    pub committed: Arc<Notify>,
    /// What is counted.
    pub metrics: Metrics,
}

impl fmt::Debug for Deps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deps")
            .field("metrics", &self.metrics)
            .finish_non_exhaustive()
    }
}

/// The role's metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    published: IntCounterVec,
}

impl Metrics {
    /// Registers the metrics.
    ///
    /// # Errors
    ///
    /// Fails where a metric of that name is registered already.
    pub fn register(metrics: &oss_telemetry::Metrics) -> Result<Self, prometheus::Error> {
        let published = metrics.counters(
            "oss_outbox_published_total",
            "Events of the outbox, by what the stream said.",
            &["outcome"],
        )?;
        for outcome in ["confirmed", "duplicate", "failed"] {
            published.with_label_values(&[outcome]);
        }
        Ok(Self { published })
    }

    fn count(&self, outcome: &str) {
        self.published.with_label_values(&[outcome]).inc();
    }
}

/// Why the role ends; it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {}

/// Why a round did not go through.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error("the outbox could not be read or marked")]
    Store(#[from] StoreError),
    #[error("an event was not confirmed")]
    Publish(#[from] PublishError),
}

/// Runs the role until `shutdown`.
///
/// # Errors
///
/// None: it waits for what is away.
pub async fn run(mut deps: Deps, shutdown: CancellationToken) -> Result<(), Error> {
    let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    let mut tries = 0;
    while !shutdown.is_cancelled() {
        let wait = match lead(&deps, &shutdown).await {
            Ok(()) => LOOK_EVERY,
            Err(error) => {
                tries += 1;
                tracing::warn!(error = %ErrorChain(&error), "events wait in the outbox; trying again");
                backoff.delay(tries, &mut *deps.rng)
            }
        };
        if wait == LOOK_EVERY {
            tries = 0;
        }
        let _ = shutdown.run_until_cancelled(tokio::time::sleep(wait)).await;
    }
    Ok(())
}

/// Publishes for as long as this process has the right to; at once again where another has it.
async fn lead(deps: &Deps, shutdown: &CancellationToken) -> Result<(), RoundError> {
    let Some(outbox) = deps.store.publisher().await? else {
        return Ok(());
    };
    let mut rounds = Rounds::new(deps, outbox);
    let mut purge = tokio::time::interval(PURGE_EVERY);
    loop {
        rounds.begin().await?;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => {
                    // What was committed before the others stopped is still told.
                    return rounds.finish().await;
                }
                Some(results) = rounds.next() => {
                    let was_full = rounds.is_full();
                    rounds.end(results).await?;
                    if was_full {
                        break;
                    }
                }
                // What was committed while nobody waited here is remembered.
                () = deps.committed.notified() => break,
                () = tokio::time::sleep(LOOK_EVERY) => break,
                _ = purge.tick() => {
                    deps.store.purge_outbox(deps.clock.now() - KEEP, PURGE_AT_MOST).await?;
                }
            }
        }
    }
}
