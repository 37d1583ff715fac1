//! Role: facts in, ranked offers out, one transaction.
//!
//! Takes events from the broker in batches, in stream order, and carries each out as a step of
//! `oss-workflow` in a unit of work; ranks over an index of the supply that it keeps in memory;
//! ranks again the open referrals that a change of supply may concern. It publishes nothing: what
//! is told lies in the outbox with the change it reports, and the relay takes it from there.
//!
//! Invariants
//! - An event is acknowledged only after what it led to, or why it cannot be handled, is committed.
//! - The index is never ahead of the database, and the role alone writes it.
//! - Ranking again is by level, not by event: every open referral whose evaluated supply version
//!   is behind its register's is ranked, whatever happened to the event that should have told us.
//! - A plan that the independent check faults is not committed.
//! - What falls due is acted on exactly once, however many events wait.
//!
//! To handle another fact: add its lane in `facts.rs` and its step in `step.rs`.

mod deadlines;
mod error;
mod facts;
mod fault;
mod inbound;
mod index;
mod metrics;
mod rerank;
mod retry;
mod step;

pub use error::Error;
pub use metrics::Metrics;

use futures::{Stream, StreamExt};
use index::Index;
use oss_domain::{AuthorityCode, Clock, DeadlineId};
use oss_geography::Gazetteer;
use oss_matching::Policy;
use oss_messaging::{Consumer, Incoming};
use oss_runtime::Backoff;
use oss_storage::PgStore;
use oss_workflow::{OfferSeal, call_off::CallOff};
use rand_core::RngCore;
use std::{
    collections::BTreeSet,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What the role needs.
pub struct Deps {
    /// The truth.
    pub store: Arc<PgStore>,
    /// Where events come from.
    pub consumer: Consumer,
    /// What the council decided for itself.
    pub policy: Arc<Policy>,
    /// How providers are approached.
    pub call_off: Arc<CallOff>,
    /// Where postcodes are.
    pub gazetteer: Arc<Gazetteer>,
    /// Makes offer ids.
    pub seal: OfferSeal,
    /// The councils served.
    pub authorities: Vec<AuthorityCode>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for ids.
    pub rng: Box<dyn RngCore + Send + Sync>,
    /// Is woken when something was committed that the outbox holds.
    pub committed: Arc<Notify>,
    /// Wakes the role when another role of this process committed something for it.
    pub wake: Arc<Notify>,
    /// At most so many events a transaction.
    pub batch: usize,
    /// How often it looks whether anything was missed.
    pub sweep_every: Duration,
    /// What is counted.
    pub metrics: Metrics,
}

impl fmt::Debug for Deps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deps")
            .field("authorities", &self.authorities)
            .finish_non_exhaustive()
    }
}

/// How often the role looks whether another process changed the supply.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// However many events wait, other work is done this often.
const BREATHE_EVERY: Duration = Duration::from_millis(250);

/// Runs the role until `shutdown`.
///
/// # Errors
///
/// Fails where the supply cannot be read in at the start; afterwards it waits for what is away.
pub async fn run(deps: Deps, shutdown: CancellationToken) -> Result<(), Error> {
    let (mut matcher, consumer) = Matcher::new(deps);
    if matcher.until_loaded(&shutdown).await.is_none() {
        return Ok(());
    }
    let watch = rerank::watch(
        matcher.store.clone(),
        matcher.authorities.clone(),
        matcher.wake.clone(),
    );
    tokio::select! {
        never = watch => match never {},
        () = matcher.work(consumer, shutdown) => Ok(()),
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval
}

/// The consumer's batches until `stop`; what waits for the next one may be dropped and asked again.
fn batches(
    consumer: Consumer,
    at_most: usize,
    stop: CancellationToken,
) -> impl Stream<Item = Vec<Incoming>> {
    futures::stream::unfold((consumer, stop), move |(mut consumer, stop)| async move {
        let batch = consumer.next_batch(at_most, &stop).await?;
        Some((batch, (consumer, stop)))
    })
}

/// The role's state.
struct Matcher {
    store: Arc<PgStore>,
    policy: Arc<Policy>,
    gazetteer: Arc<Gazetteer>,
    edition: Arc<str>,
    seal: OfferSeal,
    authorities: Vec<AuthorityCode>,
    clock: Arc<dyn Clock>,
    rng: Box<dyn RngCore + Send + Sync>,
    committed: Arc<Notify>,
    wake: Arc<Notify>,
    batch: usize,
    sweep_every: Duration,
    metrics: Metrics,
    backoff: Backoff,
    call_off: Arc<CallOff>,
    index: Index,
    /// Deadlines that could not be acted on, until the next sweep.
    set_aside: BTreeSet<DeadlineId>,
    /// Whether open referrals may be waiting to be ranked again.
    behind: bool,
    n_sweeps: u32,
    /// When the index was last known to be as the database is.
    current_at: Instant,
}

impl Matcher {
    fn new(deps: Deps) -> (Self, Consumer) {
        let index = Index::new(&deps.authorities);
        let edition = deps.gazetteer.edition().source.name.as_str().into();
        let matcher = Self {
            store: deps.store,
            policy: deps.policy,
            gazetteer: deps.gazetteer,
            edition,
            seal: deps.seal,
            authorities: deps.authorities,
            clock: deps.clock,
            rng: deps.rng,
            committed: deps.committed,
            wake: deps.wake,
            batch: deps.batch,
            sweep_every: deps.sweep_every,
            metrics: deps.metrics,
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(5)),
            call_off: deps.call_off,
            index,
            set_aside: BTreeSet::new(),
            behind: true,
            n_sweeps: 0,
            current_at: Instant::now(),
        };
        (matcher, deps.consumer)
    }

    /// Reads the supply in, waiting for a database that is away. `None` when told to stop.
    async fn until_loaded(&mut self, shutdown: &CancellationToken) -> Option<()> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.index.catch_up(&self.store, &self.gazetteer).await {
                Ok(_) => return Some(()),
                Err(error) => {
                    self.metrics.database_failed(&error);
                    tracing::warn!(
                        error = %oss_telemetry::ErrorChain(&error),
                        "the supply could not be read in; trying again"
                    );
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return None,
                () = tokio::time::sleep(self.backoff.delay(tries, &mut *self.rng)) => {}
            }
        }
    }

    /// Does what there is to do until `shutdown`.
    async fn work(&mut self, consumer: Consumer, shutdown: CancellationToken) {
        let mut breathed = Instant::now();
        let mut look = every(LOOK_EVERY);
        let mut deadlines = every(deadlines::LOOK_EVERY);
        let mut sweep = every(self.sweep_every);
        let wake = self.wake.clone();
        let batches = batches(consumer, self.batch, shutdown.clone());
        tokio::pin!(batches);
        loop {
            tokio::select! {
                biased;
                // Seldom ready, so they hold nothing up, and nothing holds them up.
                _ = deadlines.tick() => self.act_on_deadlines(&shutdown).await,
                () = wake.notified() => self.behind = true,
                // New events come before ranking again: a child waits for the one, a list for the
                // other.
                batch = batches.next() => match batch {
                    Some(batch) => {
                        self.handle_batch(batch, &shutdown).await;
                        // Under a load that never ends, the rest still has its turn.
                        if breathed.elapsed() >= BREATHE_EVERY {
                            self.look().await;
                            if self.behind {
                                self.rank_some_again(&shutdown).await;
                            }
                            breathed = Instant::now();
                        }
                    }
                    None => return,
                },
                // Only reached when no event waits: the branch above is polled first.
                () = std::future::ready(()), if self.behind => {
                    self.rank_some_again(&shutdown).await;
                }
                _ = look.tick() => self.look().await,
                _ = sweep.tick() => self.sweep(&shutdown).await,
            }
        }
    }

    /// Looks whether another process changed the supply.
    async fn look(&mut self) {
        self.metrics.holds_settings(self.index.len());
        match self.index.catch_up(&self.store, &self.gazetteer).await {
            Ok(changed) => {
                self.behind |= changed;
                self.current_at = Instant::now();
            }
            Err(error) => self.metrics.database_failed(&error),
        }
        self.metrics.supply_was_current(self.current_at.elapsed());
    }
}
