//! The edge assertions that belong to the pure core; the others are tests of the parts they are
//! about (clocks and approvals in oss-workflow, the return in its own crate).

#![expect(clippy::unwrap_used, reason = "a fault fails the test")]

use chrono::{Days, NaiveDate};
use oss_domain::{
    Act, Approval, Level, Need, Referral, SettingId, Sex, Warning,
    setting::{Kind, Restriction, RestrictionReason, Setting},
};
use oss_matching::{Evaluation, ExcludedSetting, Offer};
use oss_scenarios::{Town, referrals};

fn town() -> Town {
    Town::new().unwrap()
}

fn referral(id: &str) -> Referral {
    let all = referrals().unwrap();
    all.into_iter()
        .find(|it| it.referral_id.as_str() == id)
        .unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn id(text: &str) -> SettingId {
    text.parse().unwrap()
}

fn setting(town: &Town, setting_id: &str) -> Setting {
    town.supply.get(&id(setting_id)).unwrap().clone()
}

fn ranked<'e>(evaluation: &'e Evaluation, setting_id: &str) -> Option<&'e Offer> {
    evaluation
        .ranked
        .iter()
        .find(|it| it.setting_id == id(setting_id))
}

fn excluded<'e>(evaluation: &'e Evaluation, setting_id: &str) -> Option<&'e ExcludedSetting> {
    evaluation
        .excluded
        .iter()
        .find(|it| it.setting_id == id(setting_id))
}

fn reasons(excluded: &ExcludedSetting) -> Vec<String> {
    let text = |it: oss_domain::Reason| match it.detail {
        None => it.code.to_string(),
        Some(detail) => format!("{} {detail}", it.code),
    };
    excluded.reasons.iter().map(text).collect()
}

#[test]
fn e2_a_baby_needs_no_bedroom_until_three() {
    let town = town();
    let mut referral = referral("R01");
    let child = &mut referral.children[0];
    child.date_of_birth = date("2026-07-07");
    referral.needs.levels = [(Need::Medical, Level::new(1).unwrap())]
        .into_iter()
        .collect();
    let evaluation = town.rank(&referral).unwrap();
    let f06 = ranked(&evaluation, "F06").expect("no bedroom is needed under three");
    assert!(f06.warnings.contains(Warning::W06), "its review is overdue");

    referral.children[0].date_of_birth = date("2023-12-08");
    assert!(
        ranked(&town.rank(&referral).unwrap(), "F06").is_some(),
        "three tomorrow"
    );
    referral.children[0].date_of_birth = date("2023-12-07");
    let evaluation = town.rank(&referral).unwrap();
    assert_eq!(
        reasons(excluded(&evaluation, "F06").unwrap()),
        ["H07"],
        "three today"
    );
}

#[test]
fn e3_same_sex_siblings_may_share_unless_there_is_a_risk() {
    let mut town = town();
    let mut f03 = setting(&town, "F03");
    f03.occupancy.bedrooms_free = Some(1);
    town.add(f03).unwrap();
    let mut referral = referral("R02");
    referral.children.truncate(2);
    for (child, born) in referral
        .children
        .iter_mut()
        .zip(["2020-06-10", "2018-02-14"])
    {
        child.sex = Sex::Male;
        child.date_of_birth = date(born);
    }
    let evaluation = town.rank(&referral).unwrap();
    let f03 = excluded(&evaluation, "F03").unwrap();
    assert_eq!(reasons(f03), ["H07"]);
    assert_eq!(f03.requires.iter().collect::<Vec<_>>(), [Act::C3]);

    referral
        .needs
        .levels
        .set(Need::HarmfulSexualBehaviour, Level::new(1).unwrap());
    let evaluation = town.rank(&referral).unwrap();
    assert!(excluded(&evaluation, "F03").unwrap().requires.is_empty());
}

#[test]
fn e7_when_the_notice_is_lifted_the_home_is_back() {
    let mut town = town();
    let mut p4 = setting(&town, "P4");
    let referral = referral("R11");
    let before = town.rank(&referral).unwrap();
    assert_eq!(
        reasons(excluded(&before, "P4").unwrap()),
        ["H08 section_22b_notice"]
    );
    // In force to the end of the day it ends on.
    let restriction = |until| Restriction {
        reason: RestrictionReason::Section22bNotice,
        until,
    };
    p4.occupancy.restrictions = vec![restriction(Some(referral.start_date))];
    town.add(p4.clone()).unwrap();
    assert!(ranked(&town.rank(&referral).unwrap(), "P4").is_none());
    p4.occupancy.restrictions = vec![restriction(Some(referral.start_date - Days::new(1)))];
    town.add(p4.clone()).unwrap();
    assert!(ranked(&town.rank(&referral).unwrap(), "P4").is_some());
    p4.occupancy.restrictions.clear();
    town.add(p4).unwrap();
    assert!(ranked(&town.rank(&referral).unwrap(), "P4").is_some());
}

#[test]
fn e9_sheffield_and_barnsley_are_at_a_distance() {
    let mut town = town();
    let mut home = setting(&town, "P1");
    // Codes of 2025: Sheffield and Barnsley have new ones.
    for (postcode, authority) in [("S1 2HH", "E08000039"), ("S70 2TA", "E08000038")] {
        home.postcode = postcode.parse().unwrap();
        town.add(home.clone()).unwrap();
        let evaluation = town.rank(&referral("R11")).unwrap();
        let offer = ranked(&evaluation, "P1").unwrap();
        assert_eq!(offer.located_in.as_str(), authority, "{postcode}");
        assert!(offer.approvals.contains(Approval::A02), "{postcode}");
        assert!(!offer.approvals.contains(Approval::A01), "{postcode}");
    }
}

#[test]
fn e10_a_registered_home_in_wales_is_allowed_with_consent() {
    let mut town = town();
    let mut home = setting(&town, "P1");
    home.postcode = "CF10 4UW".parse().unwrap();
    town.add(home).unwrap();
    let evaluation = town.rank(&referral("R11")).unwrap();
    let offer = ranked(&evaluation, "P1").unwrap();
    assert!(offer.located_in.as_str().starts_with('W'));
    for approval in [Approval::A02, Approval::A03, Approval::A15] {
        assert!(offer.approvals.contains(approval), "{approval}");
    }
    assert!(offer.warnings.contains(Warning::W01));
}

#[test]
fn e12_a_sex_recorded_as_unknown_is_for_a_person_to_decide() {
    let town = town();
    let mut referral = referral("R08");
    referral.children[0].sex = Sex::Unknown;
    let evaluation = town.rank(&referral).unwrap();
    // I06 is for girls only.
    assert!(
        ranked(&evaluation, "I06")
            .unwrap()
            .approvals
            .contains(Approval::A16)
    );
    assert!(
        !ranked(&evaluation, "I05")
            .unwrap()
            .approvals
            .contains(Approval::A16)
    );
}

#[test]
fn e13_blocked_beds_are_not_places() {
    let mut town = town();
    let referral = referral("R17");
    let mut c1 = setting(&town, "C1");
    assert_eq!((c1.approval.places, c1.occupancy.residents.len()), (5, 4));
    c1.occupancy.blocked_places = 2;
    c1.occupancy.residents.truncate(3);
    town.add(c1.clone()).unwrap();
    let evaluation = town.rank(&referral).unwrap();
    assert_eq!(
        reasons(excluded(&evaluation, "C1").unwrap()),
        ["H05"],
        "capacity is three"
    );
    c1.occupancy.residents.truncate(2);
    town.add(c1).unwrap();
    assert!(ranked(&town.rank(&referral).unwrap(), "C1").is_some());
}

/// E16: old offers keep what they were made with: a policy with other weights is another policy.
#[test]
fn e16_other_weights_are_another_policy() {
    let text = include_str!("../../../shared/matching/policy/derby-2026-11.toml");
    let other = text
        .replace("fit = 35", "fit = 30")
        .replace("home = 12", "home = 17");
    let policy = oss_matching::Policy::parse(&other).unwrap();
    let mut town = town();
    assert_ne!(policy.sha256(), town.policy.sha256());
    let before = town.rank(&referral("R01")).unwrap();
    town.policy = policy;
    assert_ne!(town.rank(&referral("R01")).unwrap(), before);
}

#[test]
fn an_unregistered_place_is_never_offered_whatever_it_can_do() {
    let town = town();
    for referral in referrals().unwrap() {
        let evaluation = town.rank(&referral).unwrap();
        for unregistered in ["X2", "S4"] {
            assert!(
                ranked(&evaluation, unregistered).is_none(),
                "{}",
                referral.referral_id
            );
        }
    }
    let evaluation = town.rank(&referral("R12")).unwrap();
    assert_eq!(reasons(excluded(&evaluation, "X2").unwrap()), ["H01"]);
}

#[test]
fn adults_are_not_placed_anywhere() {
    let town = town();
    let mut referral = referral("R07");
    referral.placement_types = Kind::ALL.to_vec();
    referral.children[0].date_of_birth = date("2008-12-03");
    let evaluation = town.rank(&referral).unwrap();
    assert!(evaluation.ranked.is_empty());
    assert!(
        evaluation
            .excluded
            .iter()
            .all(|it| reasons(it).contains(&"H02 over_17".to_owned()))
    );
}
