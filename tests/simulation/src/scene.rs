//! The small councils that are simulated: a few postcodes, settings and children.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use oss_domain::{
    AuthorityCode, Child, ChildId, Needs, Pence, Postcode, Referral, ReferralId, Setting,
    SettingId, Sex, SexSet,
    identity::{IdentityOffered, IdentityWanted},
    need::Levels,
    referral::{Completeness, LegalAuthority, Locations, MatchingConditions, Narrative, Urgency},
    setting::{
        ApprovalStatus, Framework, Kind, Occupancy, ParentAndChild, Provider, Quality,
        Registration, Resident, Restriction, RestrictionReason, Sourcing, TermsOfApproval,
        VacancyChange,
    },
};
use oss_geography::{GridPoint, Location, Precision};
use oss_matching::Policy;
use oss_workflow::{OfferSeal, World, call_off::CallOff};
use rand::{Rng, seq::IndexedRandom};
use std::{collections::BTreeSet, fmt::Debug, str::FromStr, sync::LazyLock};

/// Where things are: postcode, easting, northing, authority.
const PLACES: [(&str, u32, u32, &str); 5] = [
    ("DE1 2FS", 435_300, 336_200, DERBY),
    ("DE24 9HR", 436_900, 332_100, DERBY),
    ("DE56 1UU", 434_900, 347_500, "E10000007"),
    ("NG10 1HU", 449_000, 333_600, "E10000007"),
    ("NG2 3HX", 458_100, 338_400, "E06000018"),
];
const DERBY: &str = "E06000015";
const NOTTINGHAM: &str = "E06000018";
/// The built-in policy, with the second council.
const POLICY_TEXT: &str = concat!(
    include_str!("../../../shared/matching/policy/derby-2026-11.toml"),
    r#"
[[councils]]
authority = "E06000018"
name = "Nottingham City Council"
centre = "NG2 3HX"
adjoining = ["E10000024"]
"#
);
/// How many settings there may be.
pub(crate) const N_SETTINGS: usize = 6;
/// How many referrals are spoken of at a time.
pub(crate) const N_REFERRALS: usize = 4;
/// How many children there are: fewer than the referrals need, so that two may be for one child.
const N_CHILDREN: usize = 9;

#[expect(clippy::unwrap_used, reason = "a constant of the simulated councils")]
static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::parse(POLICY_TEXT).unwrap());
static CALL_OFF: LazyLock<CallOff> = LazyLock::new(|| CallOff {
    wave_size: 2,
    ..CallOff::embedded()
});
static SEAL: LazyLock<OfferSeal> = LazyLock::new(|| OfferSeal::new([7; 16]));

/// The built-in policy, with a second council.
#[must_use]
pub fn policy() -> &'static Policy {
    &POLICY
}

/// The seal of the simulated installation.
#[must_use]
pub fn seal() -> &'static OfferSeal {
    &SEAL
}

/// What steps read besides the unit.
#[must_use]
pub fn world() -> World<'static> {
    World {
        policy: &POLICY,
        call_off: &CALL_OFF,
        locate: &locate,
        seal: &SEAL,
    }
}

/// Derby City Council.
#[must_use]
pub fn derby() -> AuthorityCode {
    parse(DERBY)
}

/// The councils that share the store. They name their settings, referrals and children alike: ids
/// are unique within a council only.
pub(crate) fn councils() -> [AuthorityCode; 2] {
    [derby(), parse(NOTTINGHAM)]
}

/// Mostly Derby.
pub(crate) fn any_council(rng: &mut impl Rng) -> AuthorityCode {
    let [derby, nottingham] = councils();
    if rng.random_ratio(4, 5) {
        derby
    } else {
        nottingham
    }
}

/// Where a simulated postcode is.
pub(crate) fn locate(postcode: &Postcode) -> Option<Location> {
    let (_, easting, northing, authority) = PLACES
        .iter()
        .find(|(text, ..)| *text == postcode.as_str())?;
    Some(Location {
        point: GridPoint {
            easting: *easting,
            northing: *northing,
        },
        authority: parse(authority),
        precision: Precision::Unit,
        authority_certain: true,
    })
}

#[expect(
    clippy::unwrap_used,
    reason = "constants of the simulated council, read by every test"
)]
pub(crate) fn parse<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// A referral of Derby's for these children, all girls of twelve or so, for any family or home.
#[must_use]
pub fn referral(id: &str, revision: u64, children: &[&str]) -> Referral {
    Referral {
        referral_id: parse(id),
        authority: derby(),
        revision,
        urgency: Urgency::Planned,
        start_date: parse("2026-12-01"),
        placement_types: vec![
            Kind::FosteringHousehold,
            Kind::ChildrensHome,
            Kind::ConnectedPerson,
        ],
        children: children.iter().map(|id| child(id, "2014-05-01")).collect(),
        completeness: Completeness::Full,
        needs: Needs::default(),
        locations: Locations {
            home: Some(parse("DE1 2FS")),
            school: None,
            contact: Vec::new(),
        },
        identity: IdentityWanted::default(),
        matching: MatchingConditions::default(),
        avoid_children: BTreeSet::new(),
        siblings_elsewhere: BTreeSet::new(),
        exclusion_zones: Vec::new(),
        excluded_authorities: BTreeSet::new(),
        legal_authority: LegalAuthority::default(),
        legal_status: None,
        category_of_need: None,
        previous_setting: None,
        narrative: Narrative::default(),
    }
}

fn child(id: &str, born: &str) -> Child {
    Child {
        child_id: parse(id),
        date_of_birth: parse(born),
        sex: Sex::Female,
        ethnicity: None,
        key_stage_4: false,
        uasc: false,
    }
}

/// A fostering household of the council's own in the city.
#[must_use]
pub fn household(id: &str, version: u64, places: u16) -> Setting {
    Setting {
        setting_id: parse(id),
        authority: derby(),
        version,
        provider: Provider {
            provider_id: parse("DERBY"),
            name: "Derby".to_owned(),
        },
        kind: Kind::FosteringHousehold,
        sourcing: Sourcing::InHouse,
        framework: None,
        postcode: parse("DE24 9HR"),
        registration: Registration {
            registered: true,
            urn: None,
            quality: Quality::LocalAuthority,
        },
        approval: TermsOfApproval {
            places,
            min_age: 0,
            max_age: 17,
            sexes: SexSet::Both,
            parent_and_child: ParentAndChild::No,
            review_due: None,
            status: ApprovalStatus::Approved,
        },
        occupancy: Occupancy {
            bedrooms_free: Some(places),
            ..Occupancy::default()
        },
        capabilities: Levels::default(),
        admission_criteria: Levels::default(),
        wheelchair_accessible: false,
        no_male_household: false,
        identity: IdentityOffered::default(),
        weekly_cost: Pence::new(52_000),
        connected_to_children: BTreeSet::new(),
        capacity_confirmed_at: None,
    }
}

/// A children's home of a company's, called off as `sourcing` says, at `postcode`.
#[must_use]
pub fn home_at(id: &str, version: u64, places: u16, sourcing: Sourcing, postcode: &str) -> Setting {
    Setting {
        provider: Provider {
            provider_id: parse("HOMES"),
            name: "Homes".to_owned(),
        },
        kind: Kind::ChildrensHome,
        sourcing,
        framework: (sourcing == Sourcing::Framework).then(|| Framework {
            reference: "CCS072".to_owned(),
            category: "general".to_owned(),
            max_weekly: Some(Pence::new(600_000)),
        }),
        postcode: parse(postcode),
        registration: Registration {
            registered: true,
            urn: None,
            quality: Quality::Good,
        },
        occupancy: Occupancy::default(),
        weekly_cost: Pence::new(550_000),
        ..household(id, version, places)
    }
}

/// The id of the simulated setting `n`.
pub(crate) fn setting_id(n: usize) -> SettingId {
    parse(&format!("S{n}"))
}

/// The id of the simulated referral `n`.
pub(crate) fn referral_id(n: usize) -> ReferralId {
    parse(&format!("R{n}"))
}

/// A version of the simulated setting `n` of `council`'s.
pub(crate) fn any_setting(
    council: AuthorityCode,
    n: usize,
    version: u64,
    rng: &mut impl Rng,
) -> Setting {
    let id = format!("S{n}");
    let places = rng.random_range(1..=3);
    let mut setting = match n {
        0 => household(&id, version, places),
        1 | 2 => Setting {
            provider: Provider {
                provider_id: parse(&format!("IFA{n}")),
                name: "Agency".to_owned(),
            },
            sourcing: Sourcing::Framework,
            framework: Some(Framework {
                reference: "CCS034".to_owned(),
                category: "standard".to_owned(),
                max_weekly: Some(Pence::new(110_000)),
            }),
            ..household(&id, version, places)
        },
        3 => home_at(&id, version, places, Sourcing::Block, "DE56 1UU"),
        4 => home_at(&id, version, places, Sourcing::Spot, "NG2 3HX"),
        _ => Setting {
            kind: Kind::ConnectedPerson,
            sourcing: Sourcing::Connected,
            connected_to_children: (0..3).map(child_id).collect(),
            ..household(&id, version, places)
        },
    };
    if n == 5 {
        setting.approval.status = ApprovalStatus::NotYetApproved;
    }
    if rng.random_ratio(1, 5) {
        setting.approval.max_age = 11;
    }
    if rng.random_ratio(1, 12) {
        setting.registration.registered = false;
    }
    if setting.kind.is_family() && rng.random_ratio(1, 2) {
        // Fewer than there are places: two might share one.
        setting.occupancy.bedrooms_free = Some(1);
    }
    setting.occupancy.version = rng.random_range(0..3);
    setting.authority = council;
    setting
}

/// A change of who lives in the simulated setting `n` of `council`'s, where `placed` have moved in.
pub(crate) fn any_vacancy(
    council: AuthorityCode,
    n: usize,
    version: u64,
    placed: &[ChildId],
    rng: &mut impl Rng,
) -> VacancyChange {
    let residents = rng.random_ratio(1, 2).then(|| {
        let mut children: BTreeSet<ChildId> = BTreeSet::new();
        if rng.random_ratio(3, 4) {
            children.extend(placed.iter().cloned());
        }
        for _ in 0..rng.random_range(0..=1) {
            children.insert(child_id(rng.random_range(0..N_CHILDREN)));
        }
        let resident = |child_id| Resident {
            child_id,
            sex: Sex::Female,
            age: 12,
        };
        children.into_iter().map(resident).collect()
    });
    let restrictions = rng.random_ratio(1, 3).then(|| {
        let closed = rng.random_ratio(1, 4);
        let one = Restriction {
            reason: RestrictionReason::Section47,
            until: None,
        };
        if closed { vec![one] } else { Vec::new() }
    });
    VacancyChange {
        setting_id: setting_id(n),
        authority: council,
        occupancy_version: version,
        residents,
        blocked_places: rng.random_ratio(1, 3).then(|| rng.random_range(0..=2)),
        bedrooms_free: rng.random_ratio(1, 3).then(|| rng.random_range(1..=3)),
        restrictions,
        capacity_confirmed_at: None,
    }
}

/// A revision of the simulated referral `n` of `council`'s.
pub(crate) fn any_referral(
    council: AuthorityCode,
    n: usize,
    revision: u64,
    rng: &mut impl Rng,
) -> Referral {
    let first = n % N_CHILDREN;
    let mut ids = vec![format!("C{first}")];
    if n % 2 == 1 {
        ids.push(format!("C{}", (first + 1) % N_CHILDREN));
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut referral = referral(&format!("R{n}"), revision, &ids);
    referral.authority = council;
    referral.urgency = *Urgency::ALL.choose(rng).unwrap_or(&Urgency::Planned);
    if rng.random_ratio(1, 4) {
        // Another referral for a child of the one before, as happens when a placement breaks down.
        referral.children.truncate(1);
        for child in &mut referral.children {
            child.child_id = child_id(n.saturating_sub(1));
        }
    }
    referral.matching.solo = rng.random_ratio(1, 10);
    if rng.random_ratio(3, 4) {
        // Back where the child was: an exemption may make room.
        referral.previous_setting = Some(setting_id(rng.random_range(0..3)));
    }
    referral
}

fn child_id(n: usize) -> ChildId {
    parse(&format!("C{n}"))
}

/// When the simulation begins.
pub(crate) fn beginning() -> DateTime<Utc> {
    parse("2026-11-23T09:00:00Z")
}

/// The day it is.
pub(crate) fn day(now: DateTime<Utc>) -> NaiveDate {
    (now + TimeDelta::zero()).date_naive()
}
