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

    /// Why a provider declines.
    ///
    /// The codes follow placement forms and Ofsted's evidence (docs/domain.md, "Provider response").
    pub enum DeclineReason {
        /// No vacancy.
        NoVacancy = "no_vacancy",
        /// Age or sex outside the approval.
        AgeOrSexOutsideApproval = "age_or_sex_outside_approval",
        /// The needs cannot be met.
        CannotMeetNeed = "cannot_meet_need",
        /// The impact on children who live there.
        ImpactOnCurrentChildren = "impact_on_current_children",
        /// A risk in the area.
        LocationRisk = "location_risk",
        /// The carer is not available.
        CarerUnavailable = "carer_unavailable",
        /// Staffing.
        Staffing = "staffing",
        /// A gap in skill or training.
        SkillOrTrainingGap = "skill_or_training_gap",
        /// Too far from school or contact.
        TooFarFromSchoolOrContact = "too_far_from_school_or_contact",
        /// Too little is known.
        InsufficientInformation = "insufficient_information",
        /// The time is too short.
        Timescale = "timescale",
        /// The price.
        Price = "price",
        /// The legal status, such as remand.
        LegalStatus = "legal_status",
        /// The size of the sibling group.
        SiblingSize = "sibling_size",
        /// Concern about an inspection.
        InspectionConcern = "inspection_concern",
        /// There was no response.
        NoResponse = "no_response",
        /// Another reason.
        Other = "other",
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
