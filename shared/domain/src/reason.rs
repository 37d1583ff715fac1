//! Why a setting is out, what would cure it, what must be approved, what to bear in mind.
//!
//! The codes and their law are those of matching.md and domain.md; `oss-matching` decides when each
//! applies, and words them for people.

codes! {
    /// A rule that excludes a setting.
    pub enum Exclusion {
        /// Not registered.
        H01 = "H01",
        /// Too young for, or too old to be placed in, such accommodation.
        H02 = "H02",
        /// Age outside the terms of approval.
        H03 = "H03",
        /// Sex outside the terms of approval.
        H04 = "H04",
        /// No free place.
        H05 = "H05",
        /// The usual fostering limit.
        H06 = "H06",
        /// Not enough bedrooms.
        H07 = "H07",
        /// A restriction in force.
        H08 = "H08",
        /// An essential need is not met, or the child is outside the admission criteria.
        H09 = "H09",
        /// The impact on, or of, those who live there.
        H10 = "H10",
        /// Within an exclusion zone.
        H11 = "H11",
        /// No lawful authority for secure accommodation.
        H12 = "H12",
        /// Parent-and-child mismatch.
        H13 = "H13",
        /// The kind is not in the care plan.
        H14 = "H14",
        /// In an authority that a court or the plan rules out.
        H15 = "H15",
        /// Judged inadequate.
        H16 = "H16",
    }

    /// A named act that would cure every reason of an excluded setting.
    pub enum Act {
        /// Vary the terms of approval.
        C1 = "C1",
        /// Exemption from the usual fostering limit.
        C2 = "C2",
        /// Agreed bedroom share.
        C3 = "C3",
    }

    /// A permission that must be recorded by a named role before the placement starts.
    pub enum Approval {
        /// Nominated officer: outside the area, in an adjoining authority.
        A01 = "A01",
        /// Director of Children's Services: at a distance.
        A02 = "A02",
        /// Notice to the host authority.
        A03 = "A03",
        /// Head of Service: agency fostering funding.
        A04 = "A04",
        /// Director: external residential funding.
        A05 = "A05",
        /// Emergency outside the terms of approval (reg 23).
        A08 = "A08",
        /// Temporary approval of a connected person (reg 24).
        A09 = "A09",
        /// Key stage 4 education at risk (reg 10).
        A10 = "A10",
        /// Outside any framework.
        A11 = "A11",
        /// Outside England.
        A15 = "A15",
        /// Sex not recorded as either, and the setting is for one.
        A16 = "A16",
        /// The authority where the setting lies is to be confirmed.
        A17 = "A17",
    }

    /// Something to bear in mind, and to acknowledge.
    pub enum Warning {
        /// More than 20 miles from home.
        W01 = "W01",
        /// Religion or language asked for and not met.
        W04 = "W04",
        /// Requires improvement, or inconsistent.
        W05 = "W05",
        /// The carer's review is overdue.
        W06 = "W06",
        /// A household without men was preferred.
        W08 = "W08",
        /// The vacancy was confirmed more than a day ago.
        W13 = "W13",
    }

    /// What exactly an exclusion found, where its rule has more than one limb.
    pub enum Detail {
        /// H05: it would fit, but for places held.
        Held = "held",
        /// H02: younger than 16.
        Under16 = "under_16",
        /// H02: 18 or older.
        Over17 = "over_17",
        /// H07: the number of free bedrooms is not known.
        Unknown = "unknown",
        /// H09: emotional and mental health.
        Emo = "EMO",
        /// H09: behaviour.
        Beh = "BEH",
        /// H09: relationships.
        Rel = "REL",
        /// H09: risk.
        Risk = "RISK",
        /// H09: self-harm.
        SelfHarm = "SELF",
        /// H09: substances.
        Sub = "SUB",
        /// H09: harmful sexual behaviour.
        Hsb = "HSB",
        /// H09: offending.
        Off = "OFF",
        /// H09: learning disability.
        Ld = "LD",
        /// H09: autism.
        Asc = "ASC",
        /// H09: physical care.
        Phy = "PHY",
        /// H09: medical tasks.
        Med = "MED",
        /// H09: sensory impairment.
        Sen = "SEN",
        /// H09: education.
        Edu = "EDU",
        /// H09: independence.
        Ind = "IND",
        /// H09: not accessible by wheelchair.
        WheelchairAccessible = "wheelchair_accessible",
        /// H09: outside the admission criteria.
        AdmissionCriteria = "admission_criteria",
        /// H10: others live there, and the child must be alone.
        Solo = "solo",
        /// H10: a child lives there who must be avoided.
        NamedChild = "named_child",
        /// H10: a younger child lives there.
        YoungerChild = "younger_child",
        /// H10: a child of the opposite sex lives there.
        OppositeSex = "opposite_sex",
        /// H12: no order under s 25.
        Section25 = "section_25",
        /// H12: under 13 without the Secretary of State's approval.
        Under13 = "under_13",
        /// H13: parent and child not offered.
        NotOffered = "not_offered",
        /// H13: parents with children only.
        Only = "only",
        /// H08: an enquiry under s 47.
        Section47 = "section_47",
        /// H08: standards of care.
        StandardsOfCare = "standards_of_care",
        /// H08: a notice under s 22B.
        Section22bNotice = "section_22b_notice",
        /// H08: suspended from the framework.
        FrameworkSuspension = "framework_suspension",
        /// H08: the carer is not available.
        CarerUnavailable = "carer_unavailable",
        /// H08: notice given.
        NoticeGiven = "notice_given",
    }
}

/// One reason why a setting is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reason {
    /// The rule.
    pub code: Exclusion,
    /// What it found, where the rule has more than one limb.
    pub detail: Option<Detail>,
}

impl Reason {
    /// How reasons sort: by code, then by the detail's text.
    #[must_use]
    pub fn sort_key(&self) -> (Exclusion, Option<&'static str>) {
        (self.code, self.detail.map(Detail::as_str))
    }
}
