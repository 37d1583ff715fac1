//! How much is taken on: of one caller, of all together, and for how long.

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

/// The largest body, in bytes: as an event's.
pub(crate) const MAX_BODY: usize = oss_contract::MAX_PAYLOAD;

/// The largest file, in bytes, with each line end as one.
pub(crate) const MAX_FILE: usize = 4 * 1024 * 1024;

/// The largest form with a file, in bytes: each line end may be two, and there are other fields.
pub(crate) const MAX_UPLOAD: usize = 2 * MAX_FILE + MAX_BODY;

/// Forms with a file being answered at a time: each takes several times its size of memory.
pub(crate) const UPLOADS: usize = 4;

/// Files being taken into the register at a time.
pub(crate) const IMPORTS: usize = 2;

/// How long the asker had better wait when there are more.
pub(crate) const FILES_BUSY: Duration = Duration::from_mins(1);

/// Of a body that is too large, so many bytes more are read and thrown away, so that the caller
/// hears why: whoever is cut off while they send may not.
pub(crate) const HEARD_OUT: usize = 8 * MAX_BODY;

/// The longest Idempotency-Key, in characters.
pub(crate) const MAX_IDEMPOTENCY_KEY: usize = 255;

/// How long the asker had better wait when the database is away.
pub(crate) const DATABASE_AWAY: Duration = Duration::from_secs(2);

/// What is taken on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests a second of one caller, over time.
    pub requests_per_second: NonZeroU32,
    /// Requests of one caller at once.
    pub burst: NonZeroU32,
    /// Requests being answered at a time, of all callers.
    pub concurrent_requests: usize,
    /// How long a body may take to arrive.
    pub body: Duration,
    /// How long an answer may take, the body's arrival included.
    pub handler: Duration,
}

impl Default for Limits {
    /// What one process bears on two cores, far above what a council's people ask.
    fn default() -> Self {
        const PER_SECOND: NonZeroU32 = NonZeroU32::new(5_000).unwrap();
        const BURST: NonZeroU32 = NonZeroU32::new(10_000).unwrap();
        Self {
            requests_per_second: PER_SECOND,
            burst: BURST,
            concurrent_requests: 1_024,
            body: Duration::from_secs(10),
            handler: Duration::from_secs(15),
        }
    }
}

/// A bucket of requests for each caller; one more for all those that nobody knows.
#[derive(Debug)]
pub(crate) struct Buckets(
    RateLimiter<Arc<str>, HashMapStateStore<Arc<str>>, MonotonicClock, NoOpMiddleware<Instant>>,
);

impl Buckets {
    pub(crate) fn new(limits: &Limits) -> Self {
        let quota = Quota::per_second(limits.requests_per_second).allow_burst(limits.burst);
        Self(RateLimiter::new(
            quota,
            HashMapStateStore::default(),
            MonotonicClock,
        ))
    }

    /// Takes a request out of `caller`'s bucket, or says how long until there is one.
    pub(crate) fn take(&self, caller: &Arc<str>) -> Result<(), Duration> {
        self.0
            .check_key(caller)
            .map_err(|empty| empty.wait_time_from(MonotonicClock.now()))
    }
}
