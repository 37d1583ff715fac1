//! Chance from a seed: draws, decks with exact shares, and log-normal prices.

use oss_domain::Pence;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// A stream of chance.
#[derive(Debug)]
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream numbered `purpose` of `seed`: purposes do not disturb each other.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(purpose);
        Self(rng)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u32, high: u32) -> u32 {
        let span = u64::from(high.saturating_sub(low)) + 1;
        // The upper half of a product is as even as a remainder, and cheaper.
        let drawn = (u64::from(self.0.next_u32()) * span) >> 32;
        low + u32::try_from(drawn).unwrap_or_default()
    }

    /// True `percent` times in a hundred.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.between(0, 99) < percent
    }

    /// One of `from`, which is never empty.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let last = u32::try_from(from.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let idx = self.between(0, last) as usize;
        Self::found(from.get(idx).copied())
    }

    /// One of `from` by weight; the weights do not add up to nothing.
    pub(crate) fn weighted<T: Copy>(&mut self, from: &[(T, u32)]) -> T {
        let total: u32 = from.iter().map(|(_, weight)| weight).sum();
        let mut left = self.between(1, total);
        Self::found(from.iter().find_map(|(value, weight)| {
            let hit = left <= *weight;
            left = left.saturating_sub(*weight);
            hit.then_some(*value)
        }))
    }

    /// `n` values in the shares of `from`, exact but for rounding, in a random order.
    pub(crate) fn deal<T: Copy>(&mut self, n: usize, from: &[(T, u32)]) -> Vec<T> {
        let weights: Vec<u32> = from.iter().map(|(_, weight)| *weight).collect();
        let mut deck: Vec<T> = from
            .iter()
            .zip(split(n, &weights))
            .flat_map(|((value, _), count)| std::iter::repeat_n(*value, count))
            .collect();
        for idx in (1..deck.len()).rev() {
            let other = self.between(0, u32::try_from(idx).unwrap_or(u32::MAX)) as usize;
            deck.swap(idx, other);
        }
        deck
    }

    /// A weekly price, in whole pounds: log-normal about `median` pounds, `sd` being that of the
    /// logarithm.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what fits"
    )]
    pub(crate) fn price(&mut self, median: f64, sd: f64) -> Pence {
        // Box and Muller; from the open interval, since zero has no logarithm.
        let radius = (-2.0 * self.unit().ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        let pounds = (median * (sd * normal).exp()).round();
        Pence::new(pounds.clamp(50.0, 25_000.0) as u32 * 100)
    }

    /// A number between 0 and 1, never either.
    fn unit(&mut self) -> f64 {
        (f64::from(self.0.next_u32()) + 0.5) / (f64::from(u32::MAX) + 1.0)
    }

    #[expect(clippy::expect_used, reason = "the crate's own lists have members")]
    fn found<T>(value: Option<T>) -> T {
        value.expect("the crate's own lists have members")
    }
}

/// Splits `n` by `weights`, exactly but for rounding: the parts add up to `n`.
pub(crate) fn split(n: usize, weights: &[u32]) -> Vec<usize> {
    let total: usize = weights.iter().map(|weight| *weight as usize).sum();
    let mut before = 0;
    let mut sum = 0;
    weights
        .iter()
        .map(|weight| {
            sum += *weight as usize;
            // To the nearest, so that a small group is not always the one that loses.
            let upto = (2 * n * sum + total) / (2 * total.max(1));
            let part = upto - before;
            before = upto;
            part
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_adds_up_and_keeps_the_shares() {
        assert_eq!(split(100, &[50, 36, 14]), [50, 36, 14]);
        for n in 0..500 {
            let parts = split(n, &[50, 36, 14]);
            assert_eq!(parts.iter().sum::<usize>(), n);
        }
    }

    #[test]
    fn draws_stay_within_their_bounds() {
        let mut chance = Chance::new(7, 0);
        for _ in 0..10_000 {
            assert!((3..=5).contains(&chance.between(3, 5)));
            assert!([1, 2].contains(&chance.pick(&[1, 2])));
            assert_eq!(chance.weighted(&[(1, 0), (2, 5), (3, 0)]), 2);
        }
    }

    #[test]
    fn prices_are_about_their_median() {
        let mut chance = Chance::new(7, 0);
        let mut prices: Vec<u32> = (0..10_001)
            .map(|_| chance.price(980.0, 0.15).get())
            .collect();
        prices.sort_unstable();
        assert!(
            (96_000..=100_000).contains(&prices[5_000]),
            "{}",
            prices[5_000]
        );
        assert!(prices.iter().all(|price| price % 100 == 0));
    }
}
