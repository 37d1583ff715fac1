//! What every handler shares.

use crate::{
    Deps,
    limits::{Buckets, IMPORTS, Limits, UPLOADS},
    metrics::Metrics,
    pages::RecentFigures,
    principal::ApiToken,
    reading::Readings,
    signin::SignIn,
};
use oss_domain::Clock;
use oss_geography::Gazetteer;
use oss_matching::Policy;
use oss_storage::PgStore;
use oss_workflow::{OfferSeal, World, call_off::CallOff};
use rand_core::RngCore;
use std::{
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore},
};

/// Shared by all requests; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct App {
    shared: Arc<Shared>,
    rehearses: bool,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<PgStore>,
    pub(crate) gazetteer: Arc<Gazetteer>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) seal: OfferSeal,
    pub(crate) call_off: Arc<CallOff>,
    pub(crate) clock: Arc<dyn Clock>,
    chance: Chance,
    pub(crate) tokens: Vec<ApiToken>,
    pub(crate) sign_in: SignIn,
    pub(crate) limits: Limits,
    pub(crate) buckets: Buckets,
    /// Counts for all those that nobody knows.
    pub(crate) nobody: Arc<str>,
    pub(crate) room: Semaphore,
    /// Units of work at a time. They wait for each other's locks anyway, so they wait here, in
    /// turn, and leave connections to those who only read.
    pub(crate) turns: Semaphore,
    pub(crate) readings: Readings,
    /// Room for forms with a file.
    pub(crate) uploads: Semaphore,
    /// Room for files that are being taken in.
    pub(crate) imports: Arc<Semaphore>,
    pub(crate) metrics: Metrics,
    pub(crate) recent_figures: RecentFigures,
    pub(crate) committed: Arc<Notify>,
    pub(crate) wake: Arc<Notify>,
}

impl Deref for App {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// Where chance comes from: one at a time.
struct Chance(Mutex<Box<dyn RngCore + Send>>);

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}

impl App {
    /// Where to listen, and what the handlers share.
    pub(crate) fn new(deps: Deps) -> Result<(TcpListener, Self), oss_telemetry::metrics::Error> {
        let metrics = Metrics::register(&deps.metrics)?;
        let n_connections = deps.store.pool().options().get_max_connections();
        let n_turns = usize::try_from(n_connections / 2)
            .unwrap_or_default()
            .max(1);
        let shared = Shared {
            store: deps.store,
            gazetteer: deps.gazetteer,
            policy: deps.policy,
            seal: deps.seal,
            call_off: deps.call_off,
            clock: deps.clock,
            chance: Chance(Mutex::new(deps.rng)),
            tokens: deps.tokens,
            sign_in: deps.sign_in,
            buckets: Buckets::new(&deps.limits),
            nobody: "".into(),
            turns: Semaphore::new(n_turns),
            readings: Readings::default(),
            room: Semaphore::new(deps.limits.concurrent_requests),
            uploads: Semaphore::new(UPLOADS),
            imports: Arc::new(Semaphore::new(IMPORTS)),
            limits: deps.limits,
            metrics,
            recent_figures: RecentFigures::default(),
            committed: deps.committed,
            wake: deps.wake,
        };
        let app = Self {
            shared: Arc::new(shared),
            rehearses: false,
        };
        Ok((deps.listener, app))
    }

    /// The same, to try something out: acts are refused as they would be, and none is committed.
    pub(crate) fn rehearsal(&self) -> Self {
        Self {
            rehearses: true,
            ..self.clone()
        }
    }

    /// Whether nothing is to be committed.
    pub(crate) const fn rehearses(&self) -> bool {
        self.rehearses
    }

    /// Does something with chance; not to be held for long.
    pub(crate) fn with_chance<T>(&self, draw: impl FnOnce(&mut dyn RngCore) -> T) -> T {
        // Chance has no state that a panic could leave half changed.
        let mut rng = self.chance.0.lock().unwrap_or_else(PoisonError::into_inner);
        draw(rng.as_mut())
    }

    /// Does something with what steps read besides the unit.
    pub(crate) fn with_world<T>(&self, step: impl FnOnce(&World<'_>) -> T) -> T {
        step(&World {
            policy: &self.policy,
            call_off: &self.call_off,
            locate: &|postcode| self.gazetteer.locate(postcode),
            seal: &self.seal,
        })
    }
}
