//! A commit on its way while the next unit is carried out.
//!
//! A commit waits for the disk, and carrying out waits for the processor: each while the other
//! works. Only one is on its way, and only of referrals' events. Where two units name the same
//! referral, the second waits for the first's lock or clashes with it, as with another process.

use crate::{
    Matcher,
    facts::Lane,
    inbound::Delivery,
    metrics::{Handled, Metrics},
};
use oss_domain::Clock;
use oss_messaging::Disposition;
use oss_storage::PgUnit;
use oss_workflow::{Store, StoreError, Unit};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// How long to wait after each try: about ten seconds in all.
const WAITS: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(6),
];

/// A unit of work that was carried out and is to be committed.
pub(crate) struct Prepared {
    pub(crate) unit: Unit,
    pub(crate) transaction: PgUnit,
    /// What becomes of each delivery then.
    pub(crate) handled: Vec<Handled>,
}

/// A commit on its way.
pub(crate) type Flight = JoinHandle<Result<(), Failed>>;

/// A commit that did not go through.
pub(crate) struct Failed {
    deliveries: Vec<Delivery>,
    since: Instant,
    error: StoreError,
}

/// Waits until the commit that is on its way has landed. Nothing is lost where this is dropped.
pub(crate) async fn landed(in_flight: &mut Option<Flight>) -> Option<Failed> {
    let ended = in_flight.as_mut()?.await;
    *in_flight = None;
    ended
        .unwrap_or_else(|error| {
            // Its events were not acknowledged, so they come again.
            tracing::error!(%error, "a commit broke off");
            Ok(())
        })
        .err()
}

impl Matcher {
    /// Begins to commit, and goes on.
    pub(crate) fn take_off(
        &mut self,
        deliveries: Vec<Delivery>,
        prepared: Prepared,
        since: Instant,
    ) {
        let (store, settling) = (Arc::clone(&self.store), self.settling());
        self.in_flight = Some(tokio::spawn(async move {
            match store.commit(prepared.unit, prepared.transaction).await {
                Ok(()) => {
                    settling.settle(deliveries, &prepared.handled, since).await;
                    Ok(())
                }
                Err(error) => Err(Failed {
                    deliveries,
                    since,
                    error,
                }),
            }
        }));
    }

    /// Waits for the commit that is on its way, and sees to it where it failed.
    pub(crate) async fn land(&mut self, shutdown: &CancellationToken) {
        if let Some(failed) = landed(&mut self.in_flight).await {
            self.see_to(failed, shutdown).await;
        }
    }

    /// Carries out again what was not committed.
    pub(crate) async fn see_to(&mut self, failed: Failed, shutdown: &CancellationToken) {
        let Failed {
            deliveries,
            since,
            error,
        } = failed;
        self.carry_through(Lane::Referrals, deliveries, Some(error), since, shutdown)
            .await;
    }

    /// What tells of a commit.
    pub(crate) fn settling(&self) -> Settling {
        Settling {
            committed: Arc::clone(&self.committed),
            clock: Arc::clone(&self.clock),
            metrics: self.metrics.clone(),
        }
    }
}

/// Tells of a commit.
pub(crate) struct Settling {
    committed: Arc<Notify>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
}

impl Settling {
    /// Tells the broker what became of each message, and wakes those who wait for what was written.
    pub(crate) async fn settle(
        &self,
        deliveries: Vec<Delivery>,
        handled: &[Handled],
        since: Instant,
    ) {
        self.committed.notify_one();
        let now = self.clock.now();
        for (Delivery { message, job }, handled) in deliveries.into_iter().zip(handled) {
            self.metrics.processed(job.event_type.as_deref(), *handled);
            if *handled == Handled::Ok {
                self.metrics.committed(job.time, now);
            }
            message
                .settle(match handled {
                    Handled::Ok | Handled::Duplicate => Disposition::Done,
                    Handled::Rejected | Handled::DeadLetter => Disposition::Reject,
                    Handled::Retry => Disposition::Retry {
                        after: wait_after(message.delivered),
                    },
                })
                .await;
        }
        self.metrics.batch_took(since);
    }
}

fn wait_after(delivered: u64) -> Duration {
    let idx = usize::try_from(delivered.saturating_sub(1)).unwrap_or(usize::MAX);
    WAITS.get(idx).or(WAITS.last()).copied().unwrap_or_default()
}
