//! Fifteen levels in one word, four bits each, so that they are compared all at once.

use oss_domain::{
    Level, Need,
    need::{Levels, NeedSet},
};

/// The top bit of every nibble. Levels are at most 4, so it is free to catch borrows.
const TOPS: u64 = 0x8888_8888_8888_8888;
const ONES: u64 = 0x1111_1111_1111_1111;
const LOWS: u64 = 0x7777_7777_7777_7777;

/// A level for every domain of need, the first domain in the lowest nibble.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PackedLevels(u64);

impl PackedLevels {
    /// The levels, as they are stored.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The level in `need`.
    #[must_use]
    pub const fn get(self, need: Need) -> u8 {
        (self.0 >> (4 * need as u32) & 7) as u8
    }

    /// These, with `level` in `need`.
    #[must_use]
    pub const fn with(self, need: Need, level: Level) -> Self {
        let at = 4 * need as u32;
        Self(self.0 & !(0xF << at) | (level.get() as u64) << at)
    }

    /// The sum of the levels.
    #[must_use]
    pub const fn sum(self) -> u32 {
        const BYTES: u64 = 0x0F0F_0F0F_0F0F_0F0F;
        let pairs = (self.0 & BYTES) + (self.0 >> 4 & BYTES);
        // The top byte of the product is the sum of all bytes: at most 15 × 4.
        (pairs.wrapping_mul(0x0101_0101_0101_0101) >> 56) as u32
    }

    /// By how much each of these levels is above `capability`, nothing where it is not.
    pub(crate) const fn above(self, capability: Self) -> Self {
        let diff = (self.0 | TOPS) - capability.0;
        let above = (diff - ONES) & TOPS;
        Self(diff & (above - (above >> 3)))
    }

    /// Whether any level of `criteria` that is not none is reached by these.
    pub(crate) const fn reaches_any(self, criteria: Self) -> bool {
        let reached = (self.0 | TOPS) - criteria.0;
        let present = criteria.0 + LOWS;
        reached & present & TOPS != 0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Only the levels of the domains in `mask`, as [`mask_of`] makes it.
    pub(crate) const fn masked(self, mask: u64) -> Self {
        Self(self.0 & mask)
    }

    /// The domains with a level, in order.
    pub fn present(self) -> impl Iterator<Item = Need> {
        Need::ALL
            .iter()
            .copied()
            .filter(move |need| self.get(*need) > 0)
    }
}

impl From<&Levels> for PackedLevels {
    fn from(levels: &Levels) -> Self {
        let none = Self::default();
        levels
            .present()
            .fold(none, |packed, (need, level)| packed.with(need, level))
    }
}

/// All bits of the domains in `needs`.
pub(crate) fn mask_of(needs: NeedSet) -> u64 {
    needs
        .iter()
        .fold(0, |mask, need| mask | 0xF << (4 * need as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_levels() -> impl Strategy<Value = Levels> {
        proptest::collection::vec(0..=4_u8, Need::COUNT).prop_map(|levels| {
            Need::ALL
                .iter()
                .zip(levels)
                .map(|(need, level)| (*need, Level::new(level).unwrap()))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn does_for_all_domains_at_once_what_it_does_for_one(a in any_levels(), b in any_levels()) {
            let (packed_a, packed_b) = (PackedLevels::from(&a), PackedLevels::from(&b));
            let level = |levels: &Levels, need: Need| levels.get(need).get();
            let above = packed_a.above(packed_b);
            for need in Need::ALL {
                prop_assert_eq!(packed_a.get(*need), level(&a, *need));
                prop_assert_eq!(
                    above.get(*need),
                    level(&a, *need).saturating_sub(level(&b, *need))
                );
            }
            let sum: u32 = Need::ALL.iter().map(|need| u32::from(level(&a, *need))).sum();
            prop_assert_eq!(packed_a.sum(), sum);
            prop_assert_eq!(
                packed_a.reaches_any(packed_b),
                b.present().any(|(need, wanted)| a.get(need) >= wanted)
            );
        }
    }
}
