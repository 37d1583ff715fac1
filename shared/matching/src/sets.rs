//! Sets of codes in a few bits: what makes a result for every setting small enough to keep.

use oss_domain::{
    Act, Approval, Exclusion, Reason, Warning, reason::Detail, setting::RestrictionReason,
};
use std::fmt;

/// Every reason there is, in the order in which reasons are stored: by code, then by the detail's
/// text. A reason's place here is its bit in a [`ReasonSet`].
const REASONS: [Reason; 45] = [
    reason(Exclusion::H01, None),
    reason(Exclusion::H02, Some(Detail::Over17)),
    reason(Exclusion::H02, Some(Detail::Under16)),
    reason(Exclusion::H03, None),
    reason(Exclusion::H04, None),
    reason(Exclusion::H05, None),
    reason(Exclusion::H05, Some(Detail::Held)),
    reason(Exclusion::H06, None),
    reason(Exclusion::H07, None),
    reason(Exclusion::H07, Some(Detail::Unknown)),
    reason(Exclusion::H08, Some(Detail::CarerUnavailable)),
    reason(Exclusion::H08, Some(Detail::FrameworkSuspension)),
    reason(Exclusion::H08, Some(Detail::NoticeGiven)),
    reason(Exclusion::H08, Some(Detail::Section22bNotice)),
    reason(Exclusion::H08, Some(Detail::Section47)),
    reason(Exclusion::H08, Some(Detail::StandardsOfCare)),
    reason(Exclusion::H09, Some(Detail::Asc)),
    reason(Exclusion::H09, Some(Detail::Beh)),
    reason(Exclusion::H09, Some(Detail::Edu)),
    reason(Exclusion::H09, Some(Detail::Emo)),
    reason(Exclusion::H09, Some(Detail::Hsb)),
    reason(Exclusion::H09, Some(Detail::Ind)),
    reason(Exclusion::H09, Some(Detail::Ld)),
    reason(Exclusion::H09, Some(Detail::Med)),
    reason(Exclusion::H09, Some(Detail::Off)),
    reason(Exclusion::H09, Some(Detail::Phy)),
    reason(Exclusion::H09, Some(Detail::Rel)),
    reason(Exclusion::H09, Some(Detail::Risk)),
    reason(Exclusion::H09, Some(Detail::SelfHarm)),
    reason(Exclusion::H09, Some(Detail::Sen)),
    reason(Exclusion::H09, Some(Detail::Sub)),
    reason(Exclusion::H09, Some(Detail::AdmissionCriteria)),
    reason(Exclusion::H09, Some(Detail::WheelchairAccessible)),
    reason(Exclusion::H10, Some(Detail::NamedChild)),
    reason(Exclusion::H10, Some(Detail::OppositeSex)),
    reason(Exclusion::H10, Some(Detail::Solo)),
    reason(Exclusion::H10, Some(Detail::YoungerChild)),
    reason(Exclusion::H11, None),
    reason(Exclusion::H12, Some(Detail::Section25)),
    reason(Exclusion::H12, Some(Detail::Under13)),
    reason(Exclusion::H13, Some(Detail::NotOffered)),
    reason(Exclusion::H13, Some(Detail::Only)),
    reason(Exclusion::H14, None),
    reason(Exclusion::H15, None),
    reason(Exclusion::H16, None),
];

const fn reason(code: Exclusion, detail: Option<Detail>) -> Reason {
    Reason { code, detail }
}

/// A set of reasons: one bit each, so that a result for every setting costs eight bytes.
///
/// Stored bits belong to the engine's version, since a new rule may shift them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ReasonSet(u64);

impl ReasonSet {
    /// No reason: the setting is ranked.
    pub const EMPTY: Self = Self(0);

    /// The set of one reason.
    ///
    /// A reason that no rule gives, such as H01 with a detail, makes the empty set.
    #[must_use]
    pub const fn of(code: Exclusion, detail: Option<Detail>) -> Self {
        let mut idx = 0;
        while idx < REASONS.len() {
            #[expect(clippy::indexing_slicing, reason = "idx is below the length")]
            let known = REASONS[idx];
            let same_detail = match (known.detail, detail) {
                (None, None) => true,
                (Some(known), Some(detail)) => known as u8 == detail as u8,
                _ => false,
            };
            if known.code as u8 == code as u8 && same_detail {
                return Self(1 << idx);
            }
            idx += 1;
        }
        Self::EMPTY
    }

    /// Every reason with this code.
    #[must_use]
    pub const fn all_of(code: Exclusion) -> Self {
        let mut bits = 0;
        let mut idx = 0;
        while idx < REASONS.len() {
            #[expect(clippy::indexing_slicing, reason = "idx is below the length")]
            if REASONS[idx].code as u8 == code as u8 {
                bits |= 1 << idx;
            }
            idx += 1;
        }
        Self(bits)
    }

    /// The set as it is stored.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The set that was stored as `bits`, or `None` where it has a bit that no reason has.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        if bits >> REASONS.len() == 0 {
            Some(Self(bits))
        } else {
            None
        }
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set if `condition` holds, else none: a rule without a branch.
    #[must_use]
    pub(crate) const fn when(self, condition: bool) -> Self {
        Self(self.0 * condition as u64)
    }

    /// Whether there is no reason.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many reasons there are.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether any reason is in both.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether every reason is in `other`.
    #[must_use]
    pub const fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether a reason has this code.
    #[must_use]
    pub const fn contains(self, code: Exclusion) -> bool {
        self.intersects(Self::all_of(code))
    }

    /// The reasons, in order.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        bits(self.0).filter_map(|idx| REASONS.get(idx).copied())
    }

    /// The codes, in order, once each.
    pub fn codes(self) -> impl Iterator<Item = Exclusion> {
        let mut last = None;
        self.iter()
            .map(|reason| reason.code)
            .filter(move |code| last.replace(*code) != Some(*code))
    }

    /// The reason for a restriction in force.
    pub(crate) const fn of_restriction(reason: RestrictionReason) -> Self {
        let detail = match reason {
            RestrictionReason::Section47 => Detail::Section47,
            RestrictionReason::StandardsOfCare => Detail::StandardsOfCare,
            RestrictionReason::Section22bNotice => Detail::Section22bNotice,
            RestrictionReason::FrameworkSuspension => Detail::FrameworkSuspension,
            RestrictionReason::CarerUnavailable => Detail::CarerUnavailable,
            RestrictionReason::NoticeGiven => Detail::NoticeGiven,
        };
        Self::of(Exclusion::H08, Some(detail))
    }
}

impl FromIterator<Reason> for ReasonSet {
    fn from_iter<I: IntoIterator<Item = Reason>>(reasons: I) -> Self {
        reasons.into_iter().fold(Self::EMPTY, |set, reason| {
            set.union(Self::of(reason.code, reason.detail))
        })
    }
}

impl fmt::Debug for ReasonSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The places of the bits that are set, from the lowest.
fn bits(mut rest: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (rest != 0).then(|| {
            let idx = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            idx
        })
    })
}

macro_rules! code_sets {
    ($($(#[$doc:meta])* $name:ident of $code:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub struct $name(u16);

        impl $name {
            /// The empty set.
            pub const EMPTY: Self = Self(0);

            /// The set of `code` if `condition` holds, else none: a rule without a branch.
            #[must_use]
            pub(crate) const fn when(code: $code, condition: bool) -> Self {
                Self((condition as u16) << code as u16)
            }

            /// Both sets together.
            #[must_use]
            pub const fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// The set as it is stored: one bit a code, in the codes' order.
            #[must_use]
            pub const fn bits(self) -> u16 {
                self.0
            }

            /// The set that was stored as `bits`, or `None` where it has a bit that no code has.
            #[must_use]
            pub const fn from_bits(bits: u16) -> Option<Self> {
                if bits >> $code::ALL.len() == 0 { Some(Self(bits)) } else { None }
            }

            /// Whether it has no code.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// Whether it has `code`.
            #[must_use]
            pub const fn contains(self, code: $code) -> bool {
                self.0 & (1 << code as u16) != 0
            }

            /// The codes, in order.
            pub fn iter(self) -> impl Iterator<Item = $code> {
                bits(u64::from(self.0)).filter_map(|idx| $code::ALL.get(idx).copied())
            }
        }

        impl FromIterator<$code> for $name {
            fn from_iter<I: IntoIterator<Item = $code>>(codes: I) -> Self {
                codes.into_iter().fold(Self::EMPTY, |set, code| set.union(Self::when(code, true)))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_set().entries(self.iter()).finish()
            }
        }
    )+};
}

code_sets! {
    /// Acts that would each, alone, cure every reason.
    ActSet of Act,
    /// Permissions to be recorded before the placement starts.
    ApprovalSet of Approval,
    /// Things to bear in mind.
    WarningSet of Warning,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_in_the_order_they_are_stored_in() {
        assert!(REASONS.is_sorted_by_key(Reason::sort_key));
        for (idx, reason) in REASONS.iter().enumerate() {
            assert_eq!(
                ReasonSet::of(reason.code, reason.detail).bits(),
                1 << idx,
                "{reason:?}"
            );
        }
    }

    #[test]
    fn every_code_and_detail_has_a_reason() {
        for code in Exclusion::ALL {
            assert!(!ReasonSet::all_of(*code).is_empty(), "{code}");
        }
        for detail in Detail::ALL {
            assert!(
                REASONS.iter().any(|reason| reason.detail == Some(*detail)),
                "{detail}"
            );
        }
        for restriction in RestrictionReason::ALL {
            let set = ReasonSet::of_restriction(*restriction);
            let texts: Vec<_> = set
                .iter()
                .filter_map(|r| r.detail)
                .map(Detail::as_str)
                .collect();
            assert_eq!(texts, [restriction.as_str()]);
        }
    }

    #[test]
    fn stored_bits_read_back() {
        let set: ReasonSet = [REASONS[3], REASONS[44]].into_iter().collect();
        assert_eq!(ReasonSet::from_bits(set.bits()), Some(set));
        assert_eq!(ReasonSet::from_bits(1 << 45), None);
        assert_eq!(
            set.codes().collect::<Vec<_>>(),
            [Exclusion::H03, Exclusion::H16]
        );
        let acts: ActSet = [Act::C3, Act::C1].into_iter().collect();
        assert_eq!(acts.iter().collect::<Vec<_>>(), [Act::C1, Act::C3]);
        assert_eq!(ActSet::from_bits(8), None);
    }
}
