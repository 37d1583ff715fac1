//! The sample is worth looking at: the real ranking finds homes for most of it, and says why not
//! for the rest.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use chrono::{DateTime, NaiveDate};
use oss_domain::Referral;
use oss_geography::{Gazetteer, Precision};
use oss_matching::{Outcome, Policy, Query, Supply, rank};
use oss_sample::{authority, referrals, stream, supply};

fn register(seed: u64, gazetteer: &Gazetteer) -> Supply {
    let mut register = Supply::new(authority());
    for setting in supply(seed, authority()) {
        let location = gazetteer.locate(&setting.postcode).unwrap();
        assert_eq!(location.precision, Precision::Unit, "{}", setting.postcode);
        register.upsert(setting, location).unwrap();
    }
    register
}

fn outcome(referral: &Referral, gazetteer: &Gazetteer, register: &Supply) -> Outcome {
    let policy = Policy::embedded();
    let query = Query::compile(referral, gazetteer, &policy).unwrap();
    rank(&query, register, &policy, DateTime::UNIX_EPOCH)
}

#[test]
fn nearly_all_sample_referrals_find_a_home_and_the_unlawful_one_does_not() {
    let gazetteer = Gazetteer::embedded();
    let today = NaiveDate::from_ymd_opt(2026, 11, 25).unwrap();
    for seed in [0, 1, 7, 42, 2026] {
        let register = register(seed, &gazetteer);
        let unfilled: Vec<String> = referrals(seed, today)
            .iter()
            .filter(|referral| outcome(referral, &gazetteer, &register).ranked().len() == 0)
            .filter_map(|referral| referral.narrative.title.clone())
            .collect();
        assert!(
            unfilled
                .iter()
                .any(|title| title.contains("without an order")),
            "{unfilled:?}"
        );
        // Luck decides whether a home for one child alone stands empty.
        assert!(unfilled.len() <= 3, "seed {seed}: {unfilled:?}");
    }
}

#[test]
fn most_of_the_stream_can_be_ranked() {
    let gazetteer = Gazetteer::embedded();
    let register = register(1, &gazetteer);
    let n_ranked = stream(1)
        .take(500)
        .filter(|referral| outcome(referral, &gazetteer, &register).ranked().len() > 0)
        .count();
    assert!((350..500).contains(&n_ranked), "{n_ranked}");
}
