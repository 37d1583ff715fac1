//! How long to wait before the next try.

use rand_core::RngCore;
use std::time::Duration;

/// Waits that double from `base` up to `cap`, each between half and the whole of that.
///
/// The jitter keeps replicas that failed together from trying together; the half keeps a wait from
/// being none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
}

impl Backoff {
    /// Waits from `base` up to `cap`.
    #[must_use]
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap }
    }

    /// The wait after the try number `attempt`, from 1.
    pub fn delay(&self, attempt: u32, rng: &mut (impl RngCore + ?Sized)) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let whole = self.base.saturating_mul(1 << doublings).min(self.cap);
        let half = whole / 2;
        let rest = whole.saturating_sub(half);
        let jitter = u64::try_from(half.as_nanos())
            .ok()
            .and_then(|nanos| nanos.checked_add(1))
            .map_or(0, |bound| rng.next_u64() % bound);
        rest + Duration::from_nanos(jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    proptest! {
        #[test]
        fn stays_between_half_and_the_whole(
            base in 0_u64..10_000, cap in 0_u64..1_000_000, attempt: u32, seed: u64,
        ) {
            let (base, cap) = (Duration::from_millis(base), Duration::from_millis(cap));
            let delay = Backoff::new(base, cap)
                .delay(attempt, &mut ChaCha8Rng::seed_from_u64(seed));
            prop_assert!(delay <= cap);
            prop_assert!(delay >= base.min(cap) / 2);
        }
    }

    #[test]
    fn doubles_up_to_the_cap() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (attempt, whole) in [(1, 1), (2, 2), (3, 4), (5, 16), (7, 60), (u32::MAX, 60)] {
            let delay = backoff.delay(attempt, &mut rng);
            let whole = Duration::from_secs(whole);
            assert!(delay >= whole / 2 && delay <= whole, "{attempt}: {delay:?}");
        }
    }
}
