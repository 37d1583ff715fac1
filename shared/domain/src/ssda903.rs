//! Code sets of the SSDA903 return (children looked after), year 2026-27.
//!
//! Source: DfE, *Children looked after by local authorities in England: guide to the SSDA903
//! collection*; validator rules as docs/domain.md cites them.

codes! {
    /// Ethnicity (`ETHNIC`).
    pub enum Ethnicity {
        /// White British.
        Wbri = "WBRI",
        /// White Irish.
        Wiri = "WIRI",
        /// Any other White background.
        Woth = "WOTH",
        /// Traveller of Irish heritage.
        Wirt = "WIRT",
        /// Gypsy or Roma.
        Wrom = "WROM",
        /// White and Black Caribbean.
        Mwbc = "MWBC",
        /// White and Black African.
        Mwba = "MWBA",
        /// White and Asian.
        Mwas = "MWAS",
        /// Any other mixed background.
        Moth = "MOTH",
        /// Indian.
        Aind = "AIND",
        /// Pakistani.
        Apkn = "APKN",
        /// Bangladeshi.
        Aban = "ABAN",
        /// Any other Asian background.
        Aoth = "AOTH",
        /// Caribbean.
        Bcrb = "BCRB",
        /// African.
        Bafr = "BAFR",
        /// Any other Black background.
        Both = "BOTH",
        /// Chinese.
        Chne = "CHNE",
        /// Any other ethnic group.
        Ooth = "OOTH",
        /// Refused.
        Refu = "REFU",
        /// Not yet obtained.
        Nobt = "NOBT",
    }

    /// Legal status (`LS`).
    pub enum LegalStatus {
        /// Interim care order.
        C1 = "C1",
        /// Full care order.
        C2 = "C2",
        /// Freeing order.
        D1 = "D1",
        /// Placement order.
        E1 = "E1",
        /// Section 20, single period.
        V2 = "V2",
        /// Short breaks, episodes.
        V3 = "V3",
        /// Short breaks, agreements.
        V4 = "V4",
        /// Remanded, or committed for trial or sentence.
        J1 = "J1",
        /// Detained under PACE.
        J2 = "J2",
        /// Youth rehabilitation order with residence or intensive fostering.
        J3 = "J3",
        /// Police protection.
        L1 = "L1",
        /// Emergency protection order.
        L2 = "L2",
        /// Child assessment order.
        L3 = "L3",
    }

    /// Category of need (`CIN`).
    pub enum CategoryOfNeed {
        /// Abuse or neglect.
        N1 = "N1",
        /// Child's disability.
        N2 = "N2",
        /// Parental illness or disability.
        N3 = "N3",
        /// Family in acute stress.
        N4 = "N4",
        /// Family dysfunction.
        N5 = "N5",
        /// Socially unacceptable behaviour.
        N6 = "N6",
        /// Low income.
        N7 = "N7",
        /// Absent parenting.
        N8 = "N8",
    }

    /// Why a placement ended (`REASON_PLACE_CHANGE`).
    pub enum ReasonPlaceChange {
        /// The care plan.
        Carpl = "CARPL",
        /// The setting resigned or closed.
        Close = "CLOSE",
        /// An allegation (section 47).
        Alleg = "ALLEG",
        /// Standards of care.
        Stand = "STAND",
        /// Approval removed.
        Apprr = "APPRR",
        /// The carer asked, because of the child's behaviour.
        Creqb = "CREQB",
        /// The carer asked, for another reason.
        Creqo = "CREQO",
        /// The child asked.
        Child = "CHILD",
        /// The responsible or area authority asked.
        Lareq = "LAREQ",
        /// A change of status only.
        Place = "PLACE",
        /// Custody.
        Custod = "CUSTOD",
        /// Another reason.
        Other = "OTHER",
    }

    /// Type of placement (`PLACE`), those that a search for a home can end in.
    pub enum PlaceType {
        /// Secure children's home.
        K1 = "K1",
        /// Children's home.
        K2 = "K2",
        /// Registered supported accommodation.
        K3 = "K3",
        /// Family centre, or mother and baby unit.
        R3 = "R3",
        /// Fostered by a relative or friend, neither long term nor for adoption.
        U3 = "U3",
        /// Fostered by another, neither long term nor for adoption.
        U6 = "U6",
    }

    /// Provider of the placement (`PLACE_PROVIDER`).
    pub enum PlaceProvider {
        /// The authority's own.
        Pr1 = "PR1",
        /// Another authority's.
        Pr2 = "PR2",
        /// Another public body's.
        Pr3 = "PR3",
        /// Private.
        Pr4 = "PR4",
        /// Voluntary.
        Pr5 = "PR5",
    }

    /// Whether the placement is inside the responsible authority (`PL_LOCATION`).
    pub enum PlaceLocation {
        /// Inside.
        In = "IN",
        /// Outside.
        Out = "OUT",
    }
}

impl Ethnicity {
    /// What the code stands for, in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Wbri => "White British",
            Self::Wiri => "White Irish",
            Self::Woth => "Any other White background",
            Self::Wirt => "Traveller of Irish heritage",
            Self::Wrom => "Gypsy or Roma",
            Self::Mwbc => "White and Black Caribbean",
            Self::Mwba => "White and Black African",
            Self::Mwas => "White and Asian",
            Self::Moth => "Any other mixed background",
            Self::Aind => "Indian",
            Self::Apkn => "Pakistani",
            Self::Aban => "Bangladeshi",
            Self::Aoth => "Any other Asian background",
            Self::Bcrb => "Caribbean",
            Self::Bafr => "African",
            Self::Both => "Any other Black background",
            Self::Chne => "Chinese",
            Self::Ooth => "Any other ethnic group",
            Self::Refu => "Refused",
            Self::Nobt => "Not yet obtained",
        }
    }
}

impl LegalStatus {
    /// What the code stands for, in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::C1 => "Interim care order",
            Self::C2 => "Full care order",
            Self::D1 => "Freeing order",
            Self::E1 => "Placement order",
            Self::V2 => "Section 20, single period",
            Self::V3 => "Short breaks, each an episode",
            Self::V4 => "Short breaks, by agreement",
            Self::J1 => "Remanded, or committed for trial or sentence",
            Self::J2 => "Detained under PACE",
            Self::J3 => "Youth rehabilitation order with residence or intensive fostering",
            Self::L1 => "Police protection",
            Self::L2 => "Emergency protection order",
            Self::L3 => "Child assessment order",
        }
    }
}

impl CategoryOfNeed {
    /// What the code stands for, in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::N1 => "Abuse or neglect",
            Self::N2 => "The child’s disability",
            Self::N3 => "A parent’s illness or disability",
            Self::N4 => "Family in acute stress",
            Self::N5 => "Family dysfunction",
            Self::N6 => "Socially unacceptable behaviour",
            Self::N7 => "Low income",
            Self::N8 => "Absent parenting",
        }
    }
}
