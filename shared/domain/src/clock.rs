//! Where the current time comes from.

use chrono::{DateTime, TimeDelta, Utc};
use std::{
    fmt::Debug,
    sync::atomic::{AtomicI64, Ordering},
};

/// Gives the current date and time.
pub trait Clock: Debug + Send + Sync {
    /// The current date and time.
    fn now(&self) -> DateTime<Utc>;
}

/// A clock that stands still until it is moved: for tests, the simulator and replays.
#[derive(Debug)]
pub struct ManualClock {
    millis: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn starting_at(start: DateTime<Utc>) -> Self {
        Self {
            millis: AtomicI64::new(start.timestamp_millis()),
        }
    }

    /// Moves the clock, also back.
    pub fn advance(&self, by: TimeDelta) {
        self.millis
            .fetch_add(by.num_milliseconds(), Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.millis.load(Ordering::Relaxed)).unwrap_or_default()
    }
}
