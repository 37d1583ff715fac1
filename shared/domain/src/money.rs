//! Money, in whole pence.

use std::fmt::{self, Write};

/// An amount in pence of sterling: never a float, never a bare integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pence(u32);

impl Pence {
    /// An amount of `pence`, at most £42,949,672.95.
    #[must_use]
    pub const fn new(pence: u32) -> Self {
        Self(pence)
    }

    /// The amount as a number of pence.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Pence {
    /// `£1,234.05`, and `£1,234` where there are no odd pence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pounds, pence) = (self.0 / 100, self.0 % 100);
        let digits = pounds.to_string();
        let mut text = String::from("£");
        for (idx, digit) in digits.chars().enumerate() {
            if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        if pence > 0 {
            write!(text, ".{pence:02}")?;
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_pounds_and_pence() {
        assert_eq!(Pence::new(123_405).to_string(), "£1,234.05");
        assert_eq!(Pence::new(52_000).to_string(), "£520");
        assert_eq!(Pence::new(100_000_000).to_string(), "£1,000,000");
    }
}
