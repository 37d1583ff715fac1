//! The sample's shares hold, it is the same every time, and the contract takes every value of it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic, in its helpers too"
)]

use chrono::NaiveDate;
use oss_contract::{referral_from_json, referral_to_json, setting_from_json, setting_to_json};
use oss_domain::{
    Referral, Setting,
    child::age_on,
    referral::{Completeness, Urgency},
    setting::{Kind, Quality, Sourcing},
};
use oss_sample::{authority, referrals, scaled, stream, supply};
use std::collections::BTreeSet;

const SEEDS: [u64; 4] = [0, 1, 42, u64::MAX];

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2028, 2, 29).unwrap()
}

fn group(supply: &[Setting], kind: Kind, sourcing: &[Sourcing]) -> Vec<Setting> {
    supply
        .iter()
        .filter(|setting| setting.kind == kind && sourcing.contains(&setting.sourcing))
        .cloned()
        .collect()
}

fn share(of: &[Setting], which: impl Fn(&Setting) -> bool) -> f64 {
    let n = of.iter().filter(|setting| which(setting)).count();
    f64::from(u32::try_from(n).unwrap()) / f64::from(u32::try_from(of.len()).unwrap())
}

fn near(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{found} is not about {expected}"
    );
}

fn filled(setting: &Setting) -> bool {
    setting.occupancy.restrictions.is_empty()
        && setting.occupancy.residents.len() == usize::from(setting.approval.places)
}

fn vacant(setting: &Setting) -> bool {
    setting.occupancy.restrictions.is_empty()
        && setting.occupancy.residents.len() < usize::from(setting.approval.places)
}

fn median_pounds(of: &[Setting]) -> f64 {
    let mut prices: Vec<u32> = of.iter().map(|setting| setting.weekly_cost.get()).collect();
    prices.sort_unstable();
    f64::from(prices[prices.len() / 2]) / 100.0
}

#[test]
fn a_register_is_of_derbys_size() {
    use Sourcing::{Block, Connected, Framework, InHouse, Spot};
    for seed in SEEDS {
        let supply = supply(seed, authority());
        let own = group(&supply, Kind::FosteringHousehold, &[InHouse]);
        let connected = group(&supply, Kind::ConnectedPerson, &[Connected]);
        let agency = group(&supply, Kind::FosteringHousehold, &[Framework, Spot]);
        let own_homes = group(&supply, Kind::ChildrensHome, &[InHouse]);
        let homes = group(&supply, Kind::ChildrensHome, &[Block, Framework, Spot]);
        let supported = group(&supply, Kind::SupportedAccommodation, Sourcing::ALL);
        assert_eq!((own.len(), connected.len()), (75, 20));
        assert_eq!((agency.len(), own_homes.len(), homes.len()), (600, 5, 210));
        assert_eq!((supported.len(), supply.len()), (60, 975));
        let agencies: BTreeSet<_> = agency.iter().map(|a| &a.provider.provider_id).collect();
        assert_eq!(agencies.len(), 15);
        let places = |of: &[Setting]| of.iter().map(|s| u32::from(s.approval.places)).sum::<u32>();
        assert_eq!(places(&own_homes), 24);
    }
}

#[test]
fn shares_and_prices_hold() {
    use Sourcing::{Block, Framework, InHouse, Spot};
    for seed in SEEDS {
        let supply = supply(seed, authority());
        let own: Vec<Setting> = supply.iter().take(95).cloned().collect();
        for (places, expected) in [(1, 0.50), (2, 0.36), (3, 0.14)] {
            near(share(&own, |s| s.approval.places == places), expected, 0.02);
        }
        near(share(&own, filled), 0.58, 0.02);
        near(share(&own, vacant), 0.10, 0.02);

        let agency = group(&supply, Kind::FosteringHousehold, &[Framework, Spot]);
        near(share(&agency, filled), 0.62, 0.005);
        near(share(&agency, vacant), 0.14, 0.005);

        let homes = group(&supply, Kind::ChildrensHome, &[Block, Framework, Spot]);
        near(
            share(&homes, |s| s.registration.quality == Quality::Good),
            0.61,
            0.01,
        );
        near(
            share(&homes, |s| s.registration.quality == Quality::Outstanding),
            0.22,
            0.01,
        );
        near(share(&homes, |s| s.approval.places == 3), 0.32, 0.01);
        near(share(&homes, |s| s.approval.places > 6), 0.05, 0.01);
        let sum = |n: &dyn Fn(&Setting) -> usize| {
            f64::from(u32::try_from(homes.iter().map(n).sum::<usize>()).unwrap())
        };
        let places = sum(&|s| s.approval.places.into());
        let taken = sum(&|s| s.occupancy.residents.len());
        let blocked = sum(&|s| s.occupancy.blocked_places.into());
        near(taken / places, 0.84, 0.005);
        near(blocked / (places - taken), 1.0 / 3.0, 0.02);

        near(
            median_pounds(&group(&supply, Kind::FosteringHousehold, &[InHouse])),
            480.0,
            60.0,
        );
        near(median_pounds(&agency), 1_040.0, 60.0);
        near(median_pounds(&homes), 6_300.0, 700.0);
        assert!(supply.iter().all(|s| s.weekly_cost.get() <= 2_500_000));
    }
}

#[test]
fn the_same_seed_gives_the_same_and_another_gives_another() {
    assert_eq!(supply(7, authority()), supply(7, authority()));
    assert_ne!(supply(7, authority()), supply(8, authority()));
    assert_eq!(referrals(7, today()), referrals(7, today()));
    let first = |seed| stream(seed).take(50).collect::<Vec<_>>();
    assert_eq!(first(7), first(7));
    assert_ne!(first(7), first(8));
}

#[test]
fn a_register_of_any_size_is_whole() {
    for n in [0, 1, 7, 500, 3_000, 20_000] {
        let supply = scaled(1, n);
        assert_eq!(supply.len(), n);
        let ids: BTreeSet<_> = supply.iter().map(|setting| &setting.setting_id).collect();
        assert_eq!(ids.len(), n, "no id is given twice");
        let children: Vec<_> = supply
            .iter()
            .flat_map(|s| s.occupancy.residents.iter().map(|r| &r.child_id))
            .collect();
        assert_eq!(
            children.iter().collect::<BTreeSet<_>>().len(),
            children.len()
        );
    }
}

#[test]
fn every_setting_is_possible() {
    for setting in scaled(3, 3_000) {
        let id = &setting.setting_id;
        assert_eq!(
            setting_from_json(&setting_to_json(&setting)).unwrap(),
            setting,
            "{id}"
        );
        let (terms, occupancy) = (&setting.approval, &setting.occupancy);
        assert!(
            occupancy.residents.len() + usize::from(occupancy.blocked_places)
                <= usize::from(terms.places),
            "{id}"
        );
        for resident in &occupancy.residents {
            assert!(
                (terms.min_age..=terms.max_age).contains(&resident.age),
                "{id}"
            );
            assert!(terms.sexes.contains(resident.sex), "{id}");
        }
        assert_eq!(
            setting.kind == Kind::ConnectedPerson,
            !setting.connected_to_children.is_empty()
        );
        assert_eq!(
            setting.framework.is_some(),
            setting.sourcing == Sourcing::Framework,
            "{id}"
        );
        let urn = setting.registration.urn.as_deref().unwrap_or("ZZ");
        assert!(urn.starts_with("ZZ"), "{id}");
    }
}

fn is_whole(referral: &Referral) {
    let id = &referral.referral_id;
    assert_eq!(
        &referral_from_json(&referral_to_json(referral)).unwrap(),
        referral,
        "{id}"
    );
    for child in &referral.children {
        let age = age_on(child.date_of_birth, referral.start_date).unwrap();
        assert!(age < 18, "{id}");
    }
}

#[test]
fn the_sample_referrals_cover_the_ground() {
    for seed in SEEDS {
        let all = referrals(seed, today());
        assert_eq!(all.len(), 22);
        all.iter().for_each(is_whole);
        assert!(all.iter().all(|referral| referral.start_date >= today()));
        let any = |which: &dyn Fn(&Referral) -> bool| assert!(all.iter().any(which));
        for urgency in Urgency::ALL {
            any(&|r| r.urgency == *urgency);
        }
        for kind in Kind::ALL {
            any(&|r| r.placement_types.contains(kind));
        }
        any(&|r| r.completeness == Completeness::EmergencyMinimum);
        any(&|r| r.children.len() == 3);
        any(&|r| r.children.iter().any(|child| child.uasc));
        any(&|r| r.matching.parent_and_child);
        any(&|r| r.matching.solo);
        any(&|r| !r.exclusion_zones.is_empty());
        any(&|r| !r.siblings_elsewhere.is_empty());
        any(&|r| !r.avoid_children.is_empty());
        any(&|r| r.previous_setting.is_some());
        let known: BTreeSet<_> = supply(seed, authority())
            .into_iter()
            .flat_map(|setting| setting.connected_to_children)
            .collect();
        any(&|r| {
            r.children
                .iter()
                .all(|child| known.contains(&child.child_id))
        });
    }
}

#[test]
fn the_stream_never_repeats_an_id() {
    let ids: BTreeSet<_> = [1, 2]
        .into_iter()
        .flat_map(|seed| stream(seed).take(2_000))
        .inspect(is_whole)
        .map(|referral| referral.referral_id)
        .collect();
    assert_eq!(ids.len(), 4_000);
    assert!(
        stream(u64::MAX)
            .take(3)
            .all(|referral| referral.revision == 1)
    );
}
