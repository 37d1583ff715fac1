//! The inbound bodies, described for their producers.
//!
//! These types exist for their schema alone; the decoder reads JSON by its own rules, since it
//! must tell every fault. A test holds the two together: what one refuses, so does the other.

#![expect(
    dead_code,
    clippy::struct_field_names,
    reason = "only the schema of these types is used, and the contract names the fields"
)]

use super::types::{
    AdmissionCriteria, Age, Answer, ApprovalStatus, Authority, Capabilities, CategoryOfNeed,
    Completeness, Date, DateTime, Ethnicity, Id, Kind, Language, LegalStatus, LongText, NeedsMap,
    OccupancyVersion, OfferId, ParentAndChild, Pence, PlacementId, Places, Postcode, Quality,
    ReasonPlaceChange, RestrictionReason, SettingSex, Sex, Sourcing, Text, Urgency, Version, Word,
};
use schemars::JsonSchema;

/// A request to find a home for a child, or for a group to live together.
#[derive(JsonSchema)]
#[schemars(transform = super::types::full_needs_more)]
pub(super) struct Referral {
    referral_id: Id,
    /// The responsible council.
    authority: Authority,
    /// From 1; the highest wins.
    revision: Version,
    urgency: Urgency,
    /// When the placement is to start; ages are worked out on it.
    start_date: Date,
    /// In the care plan's order of preference.
    #[schemars(length(min = 1, max = 6), extend("uniqueItems" = true))]
    placement_types: Vec<Kind>,
    /// Siblings, or parent and child: one group to live together. No child twice.
    #[schemars(length(min = 1, max = 10))]
    children: Vec<Child>,
    completeness: Option<Completeness>,
    /// For a group the highest of its members. Required where the referral is complete.
    needs: Option<NeedsMap>,
    /// Required where the referral is complete.
    locations: Option<Locations>,
    identity: Option<IdentityWanted>,
    matching: Option<Matching>,
    /// Children, already living in settings, who are siblings.
    siblings_elsewhere: Option<Vec<Id>>,
    exclusion_zones: Option<Vec<ExclusionZone>>,
    /// Authorities that a court or plan rules out.
    excluded_authorities: Option<Vec<Authority>>,
    legal_authority: Option<LegalAuthority>,
    legal_status: Option<LegalStatus>,
    category_of_need: Option<CategoryOfNeed>,
    /// Where the child, or the group, lived before.
    previous_setting: Option<Id>,
    title: Option<Text>,
    wishes_and_feelings: Option<LongText>,
    reason: Option<LongText>,
    contact_plan: Option<LongText>,
}

/// A child, by the case system's pseudonym.
#[derive(JsonSchema)]
struct Child {
    child_id: Id,
    /// Not after the start date.
    date_of_birth: Date,
    sex: Sex,
    ethnicity: Option<Ethnicity>,
    /// In years 10 or 11.
    key_stage_4: Option<bool>,
    /// An unaccompanied asylum-seeking child.
    uasc: Option<bool>,
}

/// Where the child's life is. Without a home, distances run from the authority's centre.
#[derive(JsonSchema)]
struct Locations {
    home: Option<Postcode>,
    school: Option<Postcode>,
    contact: Option<Vec<Postcode>>,
}

/// What the care should reflect (Children Act 1989 s 22(5)(c)).
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct IdentityWanted {
    ethnicities: Option<Vec<Ethnicity>>,
    religion: Option<Word>,
    languages: Option<Vec<Language>>,
}

/// Who else may live there, and what the setting must have.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Matching {
    solo: Option<bool>,
    no_younger_children: Option<bool>,
    no_opposite_sex_children: Option<bool>,
    prefers_no_male_household: Option<bool>,
    wheelchair_accessible: Option<bool>,
    parent_and_child: Option<bool>,
    avoid_children: Option<Vec<Id>>,
}

/// A circle that no setting may lie in.
#[derive(JsonSchema)]
struct ExclusionZone {
    centre: Postcode,
    #[schemars(range(min = 1, max = 1000))]
    radius_tenths_of_mile: u16,
}

/// What the law asks for before a child is locked in.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct LegalAuthority {
    /// Children Act 1989 s 25.
    secure_order: Option<bool>,
    /// Under 13: Secure Accommodation Regulations 1991 reg 4.
    secretary_of_state: Option<bool>,
}

/// A home is no longer asked for: final, even when it arrives first.
#[derive(JsonSchema)]
pub(super) struct ReferralWithdrawn {
    referral_id: Id,
    authority: Authority,
    reason: Text,
}

/// A register entry, the whole of it.
#[derive(JsonSchema)]
#[schemars(transform = super::types::connected_person_needs_children)]
pub(super) struct Setting {
    setting_id: Id,
    /// Whose register this is, not where the setting lies.
    authority: Authority,
    /// From 1; versions not higher than the stored one are ignored.
    version: Version,
    provider: Provider,
    kind: Kind,
    sourcing: Sourcing,
    framework: Option<Framework>,
    postcode: Postcode,
    registration: Registration,
    approval: Approval,
    residents: Vec<Resident>,
    /// Places that exist and cannot be used; default 0.
    blocked_places: Option<Places>,
    /// Family settings; absent is unknown.
    bedrooms_free: Option<Places>,
    /// Absent needs are level 0.
    capabilities: Capabilities,
    /// Where not empty, the child must meet at least one.
    admission_criteria: Option<AdmissionCriteria>,
    wheelchair_accessible: Option<bool>,
    no_male_household: Option<bool>,
    identity: Option<IdentityOffered>,
    /// All-in cost to the council.
    weekly_cost_pence: Pence,
    restrictions: Option<Vec<Restriction>>,
    /// Required for a connected person: the only children it may ever be shown for.
    connected_to_children: Option<Vec<Id>>,
    /// Default 0. The occupancy fields apply only if this is not below the stored one.
    occupancy_version: Option<OccupancyVersion>,
    capacity_confirmed_at: Option<DateTime>,
}

/// Who runs the setting.
#[derive(JsonSchema)]
struct Provider {
    provider_id: Id,
    name: Text,
}

/// The framework that the place is called off.
#[derive(JsonSchema)]
struct Framework {
    reference: Text,
    category: Text,
    max_weekly_pence: Option<Pence>,
}

/// For a connected person `registered` means: may lawfully be considered.
#[derive(JsonSchema)]
struct Registration {
    registered: bool,
    urn: Option<Text>,
    quality: Quality,
}

/// The terms of approval of a carer, or a home's statement of purpose.
#[derive(JsonSchema)]
struct Approval {
    places: Places,
    min_age: Age,
    /// Not below `min_age`.
    max_age: Age,
    #[schemars(length(min = 1, max = 2), extend("uniqueItems" = true))]
    sexes: Vec<SettingSex>,
    parent_and_child: ParentAndChild,
    review_due: Option<Date>,
    status: Option<ApprovalStatus>,
}

/// A child who lives in the setting, pseudonymous.
#[derive(JsonSchema)]
struct Resident {
    child_id: Id,
    sex: Sex,
    /// As the register states it.
    age: Age,
}

/// What a setting states of itself; an empty list states nothing.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct IdentityOffered {
    ethnicities: Option<Vec<Ethnicity>>,
    religions: Option<Vec<Word>>,
    /// Default `["en"]`.
    languages: Option<Vec<Language>>,
}

/// A reason not to place, until the day given or until it is lifted.
#[derive(JsonSchema)]
struct Restriction {
    reason: RestrictionReason,
    until: Option<Date>,
}

/// A setting leaves its register.
#[derive(JsonSchema)]
pub(super) struct SettingClosed {
    setting_id: Id,
    authority: Authority,
    version: Version,
    reason: Text,
}

/// Who lives there, or what is free; absent is unchanged.
#[derive(JsonSchema)]
pub(super) struct VacancyChanged {
    setting_id: Id,
    authority: Authority,
    occupancy_version: OccupancyVersion,
    residents: Option<Vec<Resident>>,
    blocked_places: Option<Places>,
    bedrooms_free: Option<Places>,
    restrictions: Option<Vec<Restriction>>,
    capacity_confirmed_at: Option<DateTime>,
}

/// A provider's answer to an approach.
#[derive(JsonSchema)]
pub(super) struct OfferAnswered {
    offer_id: OfferId,
    authority: Authority,
    provider_id: Id,
    answer: Answer,
    decline_reason: Option<Text>,
    weekly_cost_pence: Option<Pence>,
    available_from: Option<Date>,
    statement: Option<Text>,
}

/// A placement has ended.
#[derive(JsonSchema)]
pub(super) struct PlacementEnded {
    placement_id: PlacementId,
    authority: Authority,
    ended_on: Date,
    reason_place_change: ReasonPlaceChange,
    planned: bool,
}
