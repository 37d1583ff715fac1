//! The rules that exclude, the acts that cure, what needs approval and what to bear in mind.
//!
//! Each has its code, plain text and legal source in [`catalogue()`].

use crate::{
    bound::{Area, Bound},
    levels::PackedLevels,
    sets::{ActSet, ApprovalSet, ReasonSet, WarningSet},
    supply::{Entry, Occupants, Row, flag, restrictions},
    values::Distances,
};
use oss_domain::{
    Act, Approval, Exclusion, Need, Warning,
    reason::Detail,
    setting::{Kind, Quality, Sourcing},
};
use oss_geography::miles_between;

mod catalogue;

pub use catalogue::{Rule, catalogue, rule};

/// The usual fostering limit (Children Act 1989 Sch 7 para 2).
const USUAL_FOSTERING_LIMIT: u32 = 3;
/// Supported accommodation is for those of 16 and 17 (Care Planning Regulations 2010 reg 27A).
const MIN_AGE_SUPPORTED: u8 = 16;
/// Nobody of 18 is a looked-after child.
const ADULT_AGE: u8 = 18;
/// Below it secure accommodation needs the Secretary of State (1991 Regulations reg 4).
const MIN_AGE_SECURE: u8 = 13;

/// The kind is not in the care plan: nothing else is asked.
pub(crate) const NOT_IN_PLAN: ReasonSet = ReasonSet::of(Exclusion::H14, None);

const H05: ReasonSet = ReasonSet::all_of(Exclusion::H05);
const H06: ReasonSet = ReasonSet::all_of(Exclusion::H06);
const H07_TOO_FEW: ReasonSet = ReasonSet::of(Exclusion::H07, None);

/// Where a single reason makes a near miss.
pub(crate) const NEAR_MISSES: ReasonSet = H05
    .union(ReasonSet::all_of(Exclusion::H07))
    .union(ReasonSet::all_of(Exclusion::H09))
    .union(ReasonSet::all_of(Exclusion::H16));

const fn bare(code: Exclusion, excluded: bool) -> ReasonSet {
    ReasonSet::of(code, None).when(excluded)
}

/// Every reason against a setting whose kind is in the plan.
pub(crate) fn exclusions(
    bound: &Bound<'_>,
    row: &Row,
    entry: &Entry,
    occupants: &Occupants,
    area: &Area,
) -> ReasonSet {
    bare(Exclusion::H01, !row.has(flag::REGISTERED))
        .union(ages(bound, row))
        .union(sexes(bound, row))
        .union(places(bound, occupants))
        .union(household(bound, row, entry, occupants))
        .union(restricted(bound, row, entry))
        .union(unmet(bound, row))
        .union(company(bound, entry, occupants))
        .union(bare(Exclusion::H11, in_zone(bound, row)))
        .union(unlawful_secure(bound, row))
        .union(parent_and_child(bound, row))
        .union(bare(Exclusion::H15, area.excluded))
        .union(bare(
            Exclusion::H16,
            matches!(
                row.quality,
                Quality::Inadequate | Quality::SeriousWeaknesses
            ),
        ))
}

/// H02 and H03.
fn ages(bound: &Bound<'_>, row: &Row) -> ReasonSet {
    const UNDER_16: ReasonSet = ReasonSet::of(Exclusion::H02, Some(Detail::Under16));
    const OVER_17: ReasonSet = ReasonSet::of(Exclusion::H02, Some(Detail::Over17));
    let group = &bound.query.group;
    let supported = row.kind == Kind::SupportedAccommodation;
    UNDER_16
        .when(supported && group.youngest < MIN_AGE_SUPPORTED)
        .union(OVER_17.when(group.oldest >= ADULT_AGE))
        .union(bare(
            Exclusion::H03,
            outside_ages(bound, row) && !emergency_foster_home(bound, row),
        ))
}

fn outside_ages(bound: &Bound<'_>, row: &Row) -> bool {
    let group = &bound.query.group;
    group.youngest < row.min_age || group.oldest > row.max_age
}

/// Where reg 23 lets an emergency go outside the terms of approval.
fn emergency_foster_home(bound: &Bound<'_>, row: &Row) -> bool {
    bound.query.emergency
        && row.kind == Kind::FosteringHousehold
        && row.sourcing == Sourcing::InHouse
}

fn sexes(bound: &Bound<'_>, row: &Row) -> ReasonSet {
    let group = &bound.query.group;
    bare(
        Exclusion::H04,
        (group.male && !row.has(flag::BOYS)) || (group.female && !row.has(flag::GIRLS)),
    )
}

/// H05.
fn places(bound: &Bound<'_>, occupants: &Occupants) -> ReasonSet {
    const HELD: ReasonSet = ReasonSet::of(Exclusion::H05, Some(Detail::Held));
    let wanted = bound.query.group.places;
    let full = occupants.free < wanted;
    let held = full && occupants.free_but_for_holds >= wanted;
    HELD.when(held).union(bare(Exclusion::H05, full && !held))
}

/// H06 and H07: a family's limit and bedrooms.
fn household(bound: &Bound<'_>, row: &Row, entry: &Entry, occupants: &Occupants) -> ReasonSet {
    const UNKNOWN: ReasonSet = ReasonSet::of(Exclusion::H07, Some(Detail::Unknown));
    if !row.is_family() || bound.query.conditions.parent_and_child {
        return ReasonSet::EMPTY;
    }
    let group = &bound.query.group;
    let over_limit = occupants.n + group.n > USUAL_FOSTERING_LIMIT
        && occupants.n > 0
        && bound
            .resident_ids(entry)
            .any(|child_id| !bound.query.siblings_elsewhere.contains(child_id));
    let unknown = occupants.bedrooms.is_none() && group.bedrooms > 0;
    let too_few = occupants.bedrooms.is_some_and(|free| free < group.bedrooms);
    bare(Exclusion::H06, over_limit)
        .union(H07_TOO_FEW.when(too_few))
        .union(UNKNOWN.when(unknown))
}

/// H08.
fn restricted(bound: &Bound<'_>, row: &Row, entry: &Entry) -> ReasonSet {
    let endless = ReasonSet::from_bits(restrictions(row.restrictions)).unwrap_or_default();
    if !row.has(flag::DATED_RESTRICTION) {
        return endless;
    }
    let all = entry.setting().occupancy.restrictions.iter();
    all.filter(|restriction| restriction.in_force_on(bound.query.start_date))
        .fold(endless, |set, restriction| {
            set.union(ReasonSet::of_restriction(restriction.reason))
        })
}

/// H09.
fn unmet(bound: &Bound<'_>, row: &Row) -> ReasonSet {
    const WHEELCHAIR: ReasonSet = ReasonSet::of(Exclusion::H09, Some(Detail::WheelchairAccessible));
    const CRITERIA: ReasonSet = ReasonSet::of(Exclusion::H09, Some(Detail::AdmissionCriteria));
    let query = bound.query;
    let short = query.levels.above(row.capabilities).masked(query.essential);
    let needs = if short.is_empty() {
        ReasonSet::EMPTY
    } else {
        essential_needs(short)
    };
    let outside = !row.criteria.is_empty() && !query.levels.reaches_any(row.criteria);
    let inaccessible = query.conditions.wheelchair_accessible && !row.has(flag::WHEELCHAIR);
    needs
        .union(CRITERIA.when(outside))
        .union(WHEELCHAIR.when(inaccessible))
}

fn essential_needs(short: PackedLevels) -> ReasonSet {
    short.present().fold(ReasonSet::EMPTY, |set, need| {
        set.union(ReasonSet::of(Exclusion::H09, Some(detail_of(need))))
    })
}

/// The detail that names a need.
pub(crate) const fn detail_of(need: Need) -> Detail {
    match need {
        Need::Emotional => Detail::Emo,
        Need::Behaviour => Detail::Beh,
        Need::Relationships => Detail::Rel,
        Need::Risk => Detail::Risk,
        Need::SelfHarm => Detail::SelfHarm,
        Need::Substances => Detail::Sub,
        Need::HarmfulSexualBehaviour => Detail::Hsb,
        Need::Offending => Detail::Off,
        Need::LearningDisability => Detail::Ld,
        Need::Autism => Detail::Asc,
        Need::Physical => Detail::Phy,
        Need::Medical => Detail::Med,
        Need::Sensory => Detail::Sen,
        Need::Education => Detail::Edu,
        Need::Independence => Detail::Ind,
    }
}

/// H10: who lives there already.
fn company(bound: &Bound<'_>, entry: &Entry, occupants: &Occupants) -> ReasonSet {
    const SOLO: ReasonSet = ReasonSet::of(Exclusion::H10, Some(Detail::Solo));
    const NAMED: ReasonSet = ReasonSet::of(Exclusion::H10, Some(Detail::NamedChild));
    const YOUNGER: ReasonSet = ReasonSet::of(Exclusion::H10, Some(Detail::YoungerChild));
    const OPPOSITE: ReasonSet = ReasonSet::of(Exclusion::H10, Some(Detail::OppositeSex));
    if occupants.n == 0 {
        return ReasonSet::EMPTY;
    }
    let query = bound.query;
    let (conditions, group) = (&query.conditions, &query.group);
    let named = occupants.signature & query.avoid_signature != 0
        && bound
            .resident_ids(entry)
            .any(|child_id| query.avoid.contains(child_id));
    let younger = conditions.no_younger_children && occupants.youngest < group.youngest;
    let opposite = conditions.no_opposite_sex_children
        && ((occupants.male && group.female) || (occupants.female && group.male));
    SOLO.when(conditions.solo)
        .union(NAMED.when(named))
        .union(YOUNGER.when(younger))
        .union(OPPOSITE.when(opposite))
}

fn in_zone(bound: &Bound<'_>, row: &Row) -> bool {
    let zones = &bound.query.zones;
    zones
        .iter()
        .any(|(centre, radius)| miles_between(*centre, row.point) < *radius)
}

/// H12.
fn unlawful_secure(bound: &Bound<'_>, row: &Row) -> ReasonSet {
    const SECTION_25: ReasonSet = ReasonSet::of(Exclusion::H12, Some(Detail::Section25));
    const UNDER_13: ReasonSet = ReasonSet::of(Exclusion::H12, Some(Detail::Under13));
    let (legal, group) = (&bound.query.legal, &bound.query.group);
    let secure = row.kind == Kind::SecureChildrensHome;
    let too_young = group.youngest < MIN_AGE_SECURE && !legal.secretary_of_state;
    SECTION_25
        .when(secure && !legal.secure_order)
        .union(UNDER_13.when(secure && too_young))
}

/// H13.
fn parent_and_child(bound: &Bound<'_>, row: &Row) -> ReasonSet {
    const NOT_OFFERED: ReasonSet = ReasonSet::of(Exclusion::H13, Some(Detail::NotOffered));
    const ONLY: ReasonSet = ReasonSet::of(Exclusion::H13, Some(Detail::Only));
    let wanted = bound.query.conditions.parent_and_child;
    NOT_OFFERED
        .when(wanted && !row.has(flag::PARENTS_TOO))
        .union(ONLY.when(!wanted && row.has(flag::PARENTS_ONLY)))
}

/// The acts that would each, alone, cure every one of `reasons`.
pub(crate) fn cures(
    bound: &Bound<'_>,
    row: &Row,
    occupants: &Occupants,
    is_previous: bool,
    reasons: ReasonSet,
) -> ActSet {
    if !row.is_family() || !reasons.is_subset(H05.union(H06).union(H07_TOO_FEW)) {
        return ActSet::EMPTY;
    }
    let query = bound.query;
    let bedroom_for = |n| occupants.bedrooms.is_some_and(|free| free >= n);
    let may_vary = occupants.n == 0 && bedroom_for(1) && !query.conditions.parent_and_child;
    let may_share = query.group.may_share(query.levels) && bedroom_for(query.group.bedrooms_shared);
    ActSet::when(Act::C1, may_vary && reasons.is_subset(H05))
        .union(ActSet::when(
            Act::C2,
            is_previous && reasons.is_subset(H05.union(H06)),
        ))
        .union(ActSet::when(
            Act::C3,
            may_share && reasons.is_subset(H07_TOO_FEW),
        ))
}

/// What must be approved before a placement in a ranked setting starts.
pub(crate) fn approvals(
    bound: &Bound<'_>,
    row: &Row,
    area: &Area,
    distances: Distances,
) -> ApprovalSet {
    let group = &bound.query.group;
    let fostering = row.kind == Kind::FosteringHousehold;
    let own_carer =
        row.kind == Kind::ConnectedPerson || (fostering && row.sourcing == Sourcing::InHouse);
    let outside = !area.responsible;
    let residential = matches!(
        row.kind,
        Kind::ChildrensHome | Kind::SecureChildrensHome | Kind::ResidentialFamilyCentre
    );
    let bought = matches!(row.sourcing, Sourcing::Framework | Sourcing::Spot);
    let for_one_sex = !(row.has(flag::BOYS) && row.has(flag::GIRLS));
    let far_from_school = distances
        .school
        .is_some_and(|school| school > bound.thresholds.key_stage_4);
    let connected = row.kind == Kind::ConnectedPerson;
    [
        (Approval::A01, outside && !own_carer && area.adjoining),
        (Approval::A02, outside && !own_carer && !area.adjoining),
        (Approval::A03, outside),
        (Approval::A04, fostering && bought),
        (
            Approval::A05,
            residential && (bought || row.sourcing == Sourcing::Block),
        ),
        (Approval::A08, outside_ages(bound, row)),
        (Approval::A09, connected && !row.has(flag::APPROVED)),
        (Approval::A10, group.key_stage_4 && far_from_school),
        (Approval::A11, row.sourcing == Sourcing::Spot),
        (Approval::A15, !area.code.in_england()),
        (Approval::A16, group.sex_unknown && for_one_sex),
        (Approval::A17, row.has(flag::AUTHORITY_UNCERTAIN)),
    ]
    .into_iter()
    .fold(ApprovalSet::EMPTY, |set, (code, needed)| {
        set.union(ApprovalSet::when(code, needed))
    })
}

/// What to bear in mind of a ranked setting.
pub(crate) fn warnings(
    bound: &Bound<'_>,
    row: &Row,
    distances: Distances,
    identity_unmet: bool,
) -> WarningSet {
    let query = bound.query;
    let far = query.home.is_some() && distances.home > bound.thresholds.far_from_home;
    let may_have_men = query.conditions.prefers_no_male_household && !row.has(flag::NO_MALES);
    [
        (Warning::W01, far),
        (Warning::W04, identity_unmet),
        (
            Warning::W05,
            matches!(
                row.quality,
                Quality::RequiresImprovement | Quality::Inconsistent
            ),
        ),
        (
            Warning::W06,
            row.review_due.is_some_and(|due| due < query.start_date),
        ),
        (Warning::W08, may_have_men),
        (
            Warning::W13,
            row.confirmed_at.is_some_and(|at| at < bound.stale_before),
        ),
    ]
    .into_iter()
    .fold(WarningSet::EMPTY, |set, (code, holds)| {
        set.union(WarningSet::when(code, holds))
    })
}
