//! Where the current time and chance come from outside tests.

use chrono::{DateTime, SubsecRound, Utc};
use oss_domain::Clock;
use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;

/// The system's own clock, in whole microseconds: the one place that may call [`Utc::now`].
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the time comes from"
    )]
    fn now(&self) -> DateTime<Utc> {
        // As PostgreSQL keeps it: what is told now is what is read later.
        Utc::now().trunc_subsecs(6)
    }
}

/// A random number generator fit for secrets, seeded from the operating system's entropy.
///
/// One is made for each task that needs chance, and handed down from there.
#[must_use]
pub fn seeded_rng() -> ChaCha12Rng {
    ChaCha12Rng::from_os_rng()
}
