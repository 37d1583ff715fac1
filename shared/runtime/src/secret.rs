//! Values that must not end up in a log.

use rand_core::{CryptoRng, RngCore};
use serde::Deserialize;
use std::fmt;

/// A value that `Debug` shows as `***`, and `Display` not at all.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself: named so that each use is found by searching for it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl Secret<String> {
    /// A new password of 192 random bits, in hexadecimal: safe in a URL, a file and a command line.
    #[must_use]
    pub fn generate<R: RngCore + CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut bytes = [0_u8; 24];
        rng.fill_bytes(&mut bytes);
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(digits.concat())
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded_rng;

    #[test]
    fn is_not_shown() {
        let password = Secret::new("hunter2".to_owned());
        assert_eq!(
            format!("{password:?} {:#?}", Some(&password))
                .matches("hunter2")
                .count(),
            0
        );
        assert_eq!(password.expose(), "hunter2");
    }

    #[test]
    fn generated_ones_differ_and_need_no_quoting() {
        let mut rng = seeded_rng();
        let (first, second) = (Secret::generate(&mut rng), Secret::generate(&mut rng));
        assert_ne!(first.expose(), second.expose());
        assert_eq!(first.expose().len(), 48);
        assert!(first.expose().bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
