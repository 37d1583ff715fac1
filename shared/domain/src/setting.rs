//! A setting: where children live, as its register describes it.

use crate::{
    authority::AuthorityCode,
    child::{Sex, SexSet},
    id::{ChildId, ProviderId, SettingId},
    identity::IdentityOffered,
    money::Pence,
    need::Levels,
    postcode::Postcode,
};
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::BTreeSet;

codes! {
    /// What kind of setting it is.
    pub enum Kind {
        /// Someone of the child's own network (reg 24, or approved for these children).
        ConnectedPerson = "connected_person",
        /// A foster carer's household.
        FosteringHousehold = "fostering_household",
        /// A registered children's home.
        ChildrensHome = "childrens_home",
        /// Registered supported accommodation, for 16 and 17.
        SupportedAccommodation = "supported_accommodation",
        /// A residential family centre.
        ResidentialFamilyCentre = "residential_family_centre",
        /// A secure children's home.
        SecureChildrensHome = "secure_childrens_home",
    }

    /// How the council comes by the place, nearest first.
    pub enum Sourcing {
        /// A connected person.
        Connected = "connected",
        /// The council's own.
        InHouse = "in_house",
        /// Bought ahead.
        Block = "block",
        /// Called off a framework.
        Framework = "framework",
        /// Bought one by one, outside a framework.
        Spot = "spot",
    }

    /// What the inspectorate, or the council for its own carers, says of the quality.
    pub enum Quality {
        /// Ofsted: outstanding.
        Outstanding = "outstanding",
        /// Ofsted: good.
        Good = "good",
        /// Ofsted: requires improvement to be good.
        RequiresImprovement = "requires_improvement",
        /// Ofsted: inadequate.
        Inadequate = "inadequate",
        /// Inspected as part of the council's own services (ILACS).
        LocalAuthority = "local_authority",
        /// Supported accommodation outcome 1.
        ConsistentlyStrong = "consistently_strong",
        /// Supported accommodation outcome 2.
        Inconsistent = "inconsistent",
        /// Supported accommodation outcome 3.
        SeriousWeaknesses = "serious_weaknesses",
        /// Not inspected yet.
        None = "none",
    }

    /// Whether a setting takes a parent with a child.
    pub enum ParentAndChild {
        /// It does not.
        No = "no",
        /// It takes such groups and others.
        Also = "also",
        /// It takes nobody else.
        Only = "only",
    }

    /// How far the approval of a carer has come.
    pub enum ApprovalStatus {
        /// Approved.
        Approved = "approved",
        /// Temporarily approved (reg 24).
        Temporary = "temporary",
        /// Not yet approved.
        NotYetApproved = "not_yet_approved",
    }

    /// Why a setting takes no new children.
    pub enum RestrictionReason {
        /// An enquiry under Children Act 1989 s 47.
        Section47 = "section_47",
        /// A concern about standards of care.
        StandardsOfCare = "standards_of_care",
        /// A notice under Care Standards Act 2000 s 22B.
        Section22bNotice = "section_22b_notice",
        /// Suspended from the framework.
        FrameworkSuspension = "framework_suspension",
        /// The carer is not available.
        CarerUnavailable = "carer_unavailable",
        /// Notice has been given.
        NoticeGiven = "notice_given",
    }
}

impl Kind {
    /// Whether it is a family's household, with its usual limit and its bedrooms.
    #[must_use]
    pub const fn is_family(self) -> bool {
        matches!(self, Self::FosteringHousehold | Self::ConnectedPerson)
    }
}

/// Who runs the setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The provider's id: the token of its own subjects.
    pub provider_id: ProviderId,
    /// The provider's name.
    pub name: String,
}

/// The framework that the place is called off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framework {
    /// The framework's reference, such as CCS034.
    pub reference: String,
    /// The category within it.
    pub category: String,
    /// The most that may be charged a week.
    pub max_weekly: Option<Pence>,
}

/// The registration that lets the setting operate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Whether it is registered; for a connected person, whether it may lawfully be considered.
    pub registered: bool,
    /// Ofsted's unique reference number.
    pub urn: Option<String>,
    /// The judgement.
    pub quality: Quality,
}

/// The terms of approval of a carer, or a home's statement of purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermsOfApproval {
    /// How many children.
    pub places: u16,
    /// The youngest age.
    pub min_age: u8,
    /// The oldest age.
    pub max_age: u8,
    /// Which sexes.
    pub sexes: SexSet,
    /// Whether a parent with a child.
    pub parent_and_child: ParentAndChild,
    /// When the next review is due.
    pub review_due: Option<NaiveDate>,
    /// How far the approval has come.
    pub status: ApprovalStatus,
}

/// A child who lives in the setting, pseudonymous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resident {
    /// The pseudonym.
    pub child_id: ChildId,
    /// The sex.
    pub sex: Sex,
    /// The age as the register states it.
    pub age: u8,
}

/// A reason not to place, for a time or until it is lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Restriction {
    /// Why.
    pub reason: RestrictionReason,
    /// The last day it holds, or `None` until it is lifted.
    pub until: Option<NaiveDate>,
}

impl Restriction {
    /// Whether it holds on `day`.
    #[must_use]
    pub fn in_force_on(&self, day: NaiveDate) -> bool {
        self.until.is_none_or(|until| until >= day)
    }
}

/// Who lives there and what is free: ordered by its own version, apart from the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// The version that the fields below came with.
    pub version: u64,
    /// The children who live there.
    pub residents: Vec<Resident>,
    /// Places that exist and cannot be used.
    pub blocked_places: u16,
    /// Bedrooms free, where known; family settings.
    pub bedrooms_free: Option<u16>,
    /// Reasons not to place.
    pub restrictions: Vec<Restriction>,
}

/// A setting, at one version of its register entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The register's id.
    pub setting_id: SettingId,
    /// Whose register this is; not where the setting lies.
    pub authority: AuthorityCode,
    /// The version of the entry, from 1.
    pub version: u64,
    /// Who runs it.
    pub provider: Provider,
    /// What it is.
    pub kind: Kind,
    /// How the council comes by it.
    pub sourcing: Sourcing,
    /// The framework, if any.
    pub framework: Option<Framework>,
    /// Where it is.
    pub postcode: Postcode,
    /// Its registration.
    pub registration: Registration,
    /// Its terms of approval.
    pub approval: TermsOfApproval,
    /// Who lives there.
    pub occupancy: Occupancy,
    /// What it can meet.
    pub capabilities: Levels,
    /// Where not empty, the child must meet at least one of these levels.
    pub admission_criteria: Levels,
    /// Whether it is accessible by wheelchair.
    pub wheelchair_accessible: bool,
    /// Whether no man lives there.
    pub no_male_household: bool,
    /// What it states of itself.
    pub identity: IdentityOffered,
    /// The all-in cost to the council a week.
    pub weekly_cost: Pence,
    /// For a connected person: the only children it may ever be shown for.
    pub connected_to_children: BTreeSet<ChildId>,
    /// When the provider last confirmed what is free.
    pub capacity_confirmed_at: Option<DateTime<Utc>>,
}

/// Whether a setting may be shown for these children at all: a connected person only where all of
/// them are its own (Care Planning, Placement and Case Review (England) Regulations 2010, reg 24).
pub fn is_shown_for<'c>(
    kind: Kind,
    connected_to: &BTreeSet<ChildId>,
    children: impl IntoIterator<Item = &'c ChildId>,
) -> bool {
    let mut children = children.into_iter();
    kind != Kind::ConnectedPerson || children.all(|child| connected_to.contains(child))
}

/// A change of who lives there and what is free; `None` leaves a field as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VacancyChange {
    /// Which setting.
    pub setting_id: SettingId,
    /// Whose register.
    pub authority: AuthorityCode,
    /// The version of the occupancy: lower than the stored one is ignored.
    pub occupancy_version: u64,
    /// Who lives there now.
    pub residents: Option<Vec<Resident>>,
    /// Places that cannot be used now.
    pub blocked_places: Option<u16>,
    /// Bedrooms free now.
    pub bedrooms_free: Option<u16>,
    /// Reasons not to place now.
    pub restrictions: Option<Vec<Restriction>>,
    /// When this was confirmed.
    pub capacity_confirmed_at: Option<DateTime<Utc>>,
}
