//! Revisions of referrals, versions of settings and of their occupancy: numbers that order what is
//! sent, given by whoever sends it.

/// The highest that is taken in and stored: that of 64 bits with a sign, as databases and other
/// languages have them. It leaves room for senders that number by the clock, in nanoseconds even.
pub const MAX: u64 = i64::MAX.unsigned_abs();

/// The version after `version`; the highest is its own next, which no step takes for a newer one.
#[must_use]
pub const fn next(version: u64) -> u64 {
    if version < MAX { version + 1 } else { MAX }
}

#[cfg(test)]
mod tests {
    use super::{MAX, next};

    #[test]
    fn nothing_comes_after_the_highest() {
        assert_eq!(next(1), 2);
        assert_eq!(next(MAX - 1), MAX);
        assert_eq!(next(MAX), MAX);
        assert_eq!(next(u64::MAX), MAX);
    }
}
