//! A referral: the request to find a home for a child, or for a group to live together.

use crate::{
    authority::AuthorityCode,
    child::{Child, age_on},
    distance::TenthsOfMile,
    id::{ChildId, ReferralId, SettingId},
    identity::IdentityWanted,
    need::Needs,
    postcode::Postcode,
    setting::Kind,
    ssda903::{CategoryOfNeed, LegalStatus},
};
use chrono::NaiveDate;
use std::collections::BTreeSet;

codes! {
    /// How soon a home is needed.
    pub enum Urgency {
        /// The same day.
        Emergency = "emergency",
        /// Within 72 hours.
        Urgent = "urgent",
        /// By the start date.
        Planned = "planned",
    }

    /// How much of the referral has been filled in.
    pub enum Completeness {
        /// Everything that a planned search asks for.
        Full = "full",
        /// The least that an emergency search can start with; completed within a working day.
        EmergencyMinimum = "emergency_minimum",
    }
}

/// The most children that one referral may hold.
pub const MAX_CHILDREN: usize = 10;

/// Where the child's life is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locations {
    /// Home; without it, distances run from the responsible authority's centre.
    pub home: Option<Postcode>,
    /// School.
    pub school: Option<Postcode>,
    /// Where the people live whom the child sees.
    pub contact: Vec<Postcode>,
}

/// Conditions on who else lives in the setting, and on the setting itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the contract's flags, each independent"
)]
pub struct MatchingConditions {
    /// No other child may live there.
    pub solo: bool,
    /// No resident may be younger.
    pub no_younger_children: bool,
    /// No resident of the opposite sex.
    pub no_opposite_sex_children: bool,
    /// A household without men is preferred.
    pub prefers_no_male_household: bool,
    /// The setting must be accessible by wheelchair.
    pub wheelchair_accessible: bool,
    /// The group is a parent and child.
    pub parent_and_child: bool,
}

/// A circle that no setting may lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExclusionZone {
    /// The centre.
    pub centre: Postcode,
    /// The radius.
    pub radius: TenthsOfMile,
}

/// Authority that the law asks for before a child is locked in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegalAuthority {
    /// An order under Children Act 1989 s 25.
    pub secure_order: bool,
    /// The Secretary of State's approval, needed under 13 (Secure Accommodation Regs 1991 reg 4).
    pub secretary_of_state: bool,
}

/// What is told in words: shown to those allowed, never ranked on, never emitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrative {
    /// A short title.
    pub title: Option<String>,
    /// The child's wishes and feelings (Children Act 1989 s 22(4)).
    pub wishes_and_feelings: Option<String>,
    /// Why a home is needed.
    pub reason: Option<String>,
    /// Whom the child is to see, and how.
    pub contact_plan: Option<String>,
}

/// A placement request, at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referral {
    /// The case system's id.
    pub referral_id: ReferralId,
    /// The responsible authority.
    pub authority: AuthorityCode,
    /// The revision, from 1.
    pub revision: u64,
    /// How soon.
    pub urgency: Urgency,
    /// When the placement is to start; ages are worked out on it.
    pub start_date: NaiveDate,
    /// The kinds of setting in the care plan, in its order of preference; never empty.
    pub placement_types: Vec<Kind>,
    /// The children, one to ten.
    pub children: Vec<Child>,
    /// How much is filled in.
    pub completeness: Completeness,
    /// What care must meet; for a group the highest of its members.
    pub needs: Needs,
    /// Home, school, contact.
    pub locations: Locations,
    /// What the care should reflect.
    pub identity: IdentityWanted,
    /// Who else may live there.
    pub matching: MatchingConditions,
    /// Children that must not live there.
    pub avoid_children: BTreeSet<ChildId>,
    /// Siblings who already live in settings.
    pub siblings_elsewhere: BTreeSet<ChildId>,
    /// Where no setting may lie.
    pub exclusion_zones: Vec<ExclusionZone>,
    /// Authorities that a court or plan rules out.
    pub excluded_authorities: BTreeSet<AuthorityCode>,
    /// Orders that allow secure accommodation.
    pub legal_authority: LegalAuthority,
    /// The SSDA903 legal status.
    pub legal_status: Option<LegalStatus>,
    /// The SSDA903 category of need.
    pub category_of_need: Option<CategoryOfNeed>,
    /// Where the child (or group) lived before.
    pub previous_setting: Option<SettingId>,
    /// What is told in words.
    pub narrative: Narrative,
}

impl Referral {
    /// The children's ages on the start date, in the children's order.
    ///
    /// A birth after the start date is refused when the referral is taken in; should one be here
    /// all the same, it counts as age 0.
    pub fn ages(&self) -> impl Iterator<Item = u8> + '_ {
        self.children
            .iter()
            .map(|child| age_on(child.date_of_birth, self.start_date).unwrap_or(0))
    }
}
