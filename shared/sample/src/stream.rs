//! Referrals without end, for load tests.

use crate::{
    chance::Chance,
    made,
    places::{Area, Places},
    supply::REGISTER_DATE,
};
use chrono::{Days, Months, NaiveDate};
use oss_domain::{
    Child, Level, Need, Needs, Referral, Sex,
    identity::IdentityWanted,
    need::{Levels, NeedSet},
    referral::{Completeness, LegalAuthority, Locations, MatchingConditions, Narrative, Urgency},
    setting::Kind,
};
use std::collections::BTreeSet;

/// Referrals of Derby's without end, in the shares of those looked after; each has another id,
/// also in another seed's stream.
pub fn stream(seed: u64) -> impl Iterator<Item = Referral> {
    let mut chance = Chance::new(seed, 3);
    let places = Places::around(Area::of(crate::authority()));
    (0_u64..).map(move |number| referral(seed, number, &mut chance, &places))
}

fn referral(seed: u64, number: u64, chance: &mut Chance, places: &Places) -> Referral {
    let urgency = chance.weighted(&[
        (Urgency::Emergency, 15),
        (Urgency::Urgent, 35),
        (Urgency::Planned, 50),
    ]);
    let (min, max) = chance.weighted(&[
        ((0, 0), 20),
        ((1, 4), 78),
        ((5, 9), 101),
        ((10, 15), 196),
        ((16, 17), 150),
    ]);
    let age = chance.between(min, max);
    let start = REGISTER_DATE
        .checked_add_days(Days::new(chance.between(0, 60).into()))
        .unwrap_or(REGISTER_DATE);
    let n_children = if age < 16 {
        chance.weighted(&[(1, 82), (2, 13), (3, 5)])
    } else {
        1
    };
    let children = (0..n_children)
        .map(|sibling| {
            // Siblings are a year or two apart.
            let age = age.saturating_sub(sibling * chance.between(1, 2));
            child(&format!("L{seed:x}-{number}-{sibling}"), start, age, chance)
        })
        .collect();
    let full = urgency != Urgency::Emergency || chance.percent(50);
    Referral {
        referral_id: made(&format!("L{seed:x}-{number}")),
        authority: crate::authority(),
        revision: 1,
        urgency,
        start_date: start,
        placement_types: kinds(age, chance),
        children,
        completeness: if full {
            Completeness::Full
        } else {
            Completeness::EmergencyMinimum
        },
        needs: if full {
            needs(chance)
        } else {
            Needs::default()
        },
        locations: if full {
            Locations {
                home: Some(places.mostly_local(chance, 85)),
                school: (age >= 4).then(|| places.mostly_local(chance, 85)),
                contact: Vec::new(),
            }
        } else {
            Locations::default()
        },
        identity: identity(chance),
        matching: MatchingConditions {
            solo: chance.percent(2),
            no_younger_children: chance.percent(6),
            no_opposite_sex_children: chance.percent(4),
            prefers_no_male_household: chance.percent(5),
            wheelchair_accessible: chance.percent(2),
            parent_and_child: age == 0 && chance.percent(25),
        },
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

fn child(id: &str, start: NaiveDate, age: u32, chance: &mut Chance) -> Child {
    let months = Months::new(age * 12 + chance.between(1, 11));
    Child {
        child_id: made(id),
        date_of_birth: start.checked_sub_months(months).unwrap_or(start),
        sex: chance.weighted(&[(Sex::Male, 56), (Sex::Female, 43), (Sex::Unknown, 1)]),
        ethnicity: None,
        key_stage_4: (14..=15).contains(&age),
        uasc: age >= 16 && chance.percent(30),
    }
}

fn kinds(age: u32, chance: &mut Chance) -> Vec<Kind> {
    match age {
        0..=9 => vec![Kind::FosteringHousehold],
        10..=15 if chance.percent(30) => vec![Kind::ChildrensHome, Kind::FosteringHousehold],
        10..=15 => vec![Kind::FosteringHousehold, Kind::ChildrensHome],
        _ if chance.percent(50) => vec![Kind::SupportedAccommodation, Kind::FosteringHousehold],
        _ => vec![Kind::FosteringHousehold, Kind::SupportedAccommodation],
    }
}

/// None to five needs, seldom one that must be met in full.
fn needs(chance: &mut Chance) -> Needs {
    let mut levels = Levels::default();
    let mut essential = NeedSet::default();
    for _ in 0..chance.between(0, 5) {
        let need = chance.pick(Need::ALL);
        let level = chance.weighted(&[(1, 35), (2, 40), (3, 20), (4, 5)]);
        levels.set(need, Level::new(level).unwrap_or_default());
        if chance.percent(8) {
            essential.insert(need);
        }
    }
    Needs { levels, essential }
}

fn identity(chance: &mut Chance) -> IdentityWanted {
    let mut identity = IdentityWanted::default();
    let asked = chance.weighted(&[
        (None, 80),
        (Some(("muslim", "ur")), 8),
        (Some(("sikh", "pa")), 5),
        (Some(("christian", "pl")), 7),
    ]);
    if let Some((religion, language)) = asked {
        identity.religion = Some(made(religion));
        identity.languages.insert(made(language));
    }
    identity
}
