//! Distances, in tenths of a statutory mile.

use std::fmt;

/// A straight-line distance in tenths of a mile, as the SSDA903 return rounds it.
///
/// The mile is the return's own of 1,609.3 m (DfE, *Children looked after return guide*,
/// `PL_DISTANCE`), not the international one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenthsOfMile(u16);

impl TenthsOfMile {
    /// A distance of `tenths` tenths of a mile. Great Britain is under 10,000 long.
    #[must_use]
    pub const fn new(tenths: u16) -> Self {
        Self(tenths)
    }

    /// The distance as a number of tenths of a mile.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for TenthsOfMile {
    /// `21.8 miles`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} miles", self.0 / 10, self.0 % 10)
    }
}
