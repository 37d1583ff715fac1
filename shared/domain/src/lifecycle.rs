//! The states of a referral, and what each offer's answer may be.

codes! {
    /// Where a referral stands.
    pub enum ReferralState {
        /// Stored, not ranked yet.
        Received = "received",
        /// Ranked: there are offers.
        Ranked = "ranked",
        /// Ranked: no setting may take the child.
        Unfilled = "unfilled",
        /// Providers have been approached.
        InCallOff = "in_call_off",
        /// A person has decided; the placement has not started.
        Selected = "selected",
        /// The child lives there.
        Placed = "placed",
        /// No longer needed.
        Withdrawn = "withdrawn",
    }

    /// What a provider answers to an approach.
    pub enum Answer {
        /// The child can be offered the place.
        Accepted = "accepted",
        /// The child cannot.
        Declined = "declined",
    }
}

impl ReferralState {
    /// Whether a home is still looked for, so that a change of supply matters to it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Received | Self::Ranked | Self::Unfilled | Self::InCallOff
        )
    }
}
