//! What must hold of every outcome.

use crate::{
    plain::plain,
    reference,
    world::{World, any_world, cases, id},
};
use oss_domain::{Exclusion, SettingId, TenthsOfMile, setting::Kind};
use oss_matching::{Evaluation, Finding, Supply, Verdict, evaluate};
use proptest::prelude::*;

proptest! {
    #![proptest_config(cases(8_000))]

    #[test]
    fn agrees_with_the_reference(world in any_world()) {
        let evaluation = world.rank().expand();
        prop_assert_eq!(plain(&evaluation), reference::evaluate(&world));
        prop_assert_eq!(world.check(&evaluation), vec![]);
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn an_excluded_setting_has_a_reason_and_none_is_both(world in any_world()) {
        let outcome = world.rank();
        let evaluation = outcome.expand();
        for excluded in &evaluation.excluded {
            prop_assert!(!excluded.reasons.is_empty());
            prop_assert!(excluded.reasons.iter().is_sorted_by_key(|it| it.sort_key()));
            prop_assert!(evaluation.ranked.iter().all(|it| it.setting_id != excluded.setting_id));
        }
        prop_assert_eq!(evaluation.evaluated as usize, outcome.settings().count());
        prop_assert_eq!(evaluation.conditional().count(), outcome.conditional().count());
    }

    #[test]
    fn the_same_input_gives_the_same_bytes(world in any_world()) {
        let (first, again) = (world.rank(), world.rank());
        prop_assert_eq!(format!("{first:?}"), format!("{again:?}"));
        prop_assert_eq!(first.digest(), again.digest());
    }

    #[test]
    fn one_setting_alone_gets_the_verdict_it_gets_among_all(world in any_world()) {
        let (query, evaluation) = (world.query(), world.rank().expand());
        for entry in &world.supply {
            let id = &entry.setting().setting_id;
            let verdict =
                evaluate(&query, &world.supply, id, world.policy, world.evaluated_at);
            let ranked = evaluation.ranked.iter().find(|it| it.setting_id == *id);
            let excluded = evaluation.excluded.iter().find(|it| it.setting_id == *id);
            match verdict {
                Some(Verdict::Ranked(one)) => {
                    prop_assert_eq!(Some(one.score), ranked.map(|it| it.score));
                }
                Some(Verdict::Excluded { reasons, requires }) => {
                    prop_assert_eq!(
                        Some((reasons, requires)),
                        excluded.map(|it| (it.reasons, it.requires))
                    );
                }
                None => prop_assert!(ranked.is_none() && excluded.is_none()),
            }
        }
    }

    /// In any order, by upserts over older versions, with others come and gone in between: what
    /// counts is what the register holds.
    #[test]
    fn how_the_supply_came_about_is_irrelevant(world in any_world(), turn in 0_usize..12) {
        let mut supply = Supply::new(world.supply.authority());
        let mut entries: Vec<_> = world.supply.iter().cloned().collect();
        entries.reverse();
        let turn = turn.min(entries.len());
        entries.rotate_left(turn);
        for entry in &entries {
            let mut older = (**entry.setting()).clone();
            older.weekly_cost = oss_domain::Pence::new(1);
            older.provider.provider_id = id("OLD");
            older.identity.languages = [id("xx")].into();
            let mut gone = older.clone();
            gone.setting_id = id(format!("{}-gone", older.setting_id));
            let gone_id = gone.setting_id.clone();
            supply.upsert(gone, *entry.location()).unwrap();
            supply.upsert(older, *entry.location()).unwrap();
            prop_assert!(supply.set_holds(&entry.setting().setting_id, entry.held().to_vec()));
            let _ = world.rank_over(&supply);
            supply.upsert(entry.setting().clone(), *entry.location()).unwrap();
            prop_assert!(supply.remove(&gone_id));
        }
        prop_assert_eq!(world.rank_over(&supply).digest(), world.rank().digest());
        prop_assert_eq!(world.rank_over(&supply).expand(), world.rank().expand());
    }

    #[test]
    fn adding_a_setting_never_reorders_the_others(world in any_world(), without in 0_usize..12) {
        let fewer = world.rank_over(&world.supply_of(|idx| idx != without)).expand();
        let all = world.rank().expand();
        let kept: Vec<_> = all
            .ranked
            .iter()
            .filter(|it| fewer.ranked.iter().any(|other| other.setting_id == it.setting_id))
            .collect();
        prop_assert_eq!(kept, fewer.ranked.iter().collect::<Vec<_>>());
    }

    #[test]
    fn relaxing_a_rule_never_loses_an_option(world in any_world()) {
        let strict = ranked_ids(&world.rank().expand());
        let mut relaxed = world;
        let referral = &mut relaxed.referral;
        referral.matching.solo = false;
        referral.matching.no_younger_children = false;
        referral.matching.no_opposite_sex_children = false;
        referral.matching.wheelchair_accessible = false;
        referral.needs.essential = std::iter::empty().collect();
        referral.avoid_children.clear();
        referral.exclusion_zones.clear();
        referral.excluded_authorities.clear();
        referral.legal_authority.secure_order = true;
        referral.legal_authority.secretary_of_state = true;
        for kind in Kind::ALL {
            if !referral.placement_types.contains(kind) {
                referral.placement_types.push(*kind);
            }
        }
        let loose = ranked_ids(&relaxed.rank().expand());
        for id in strict {
            prop_assert!(loose.contains(&id), "{id} was lost");
        }
    }

    #[test]
    fn widening_a_zone_never_gains_an_option(world in any_world()) {
        let narrow = ranked_ids(&world.rank().expand());
        let mut wider = world;
        for zone in &mut wider.referral.exclusion_zones {
            zone.radius = TenthsOfMile::new(zone.radius.get() + 7);
        }
        for id in ranked_ids(&wider.rank().expand()) {
            prop_assert!(narrow.contains(&id));
        }
    }

    #[test]
    fn the_check_finds_what_is_planted(world in any_world(), which in 0_usize..13) {
        let mut evaluation = world.rank().expand();
        // Not every fault fits every evaluation: take the next that does.
        let planted = (which..which + 13).find(|which| plant(which % 13, &mut evaluation));
        prop_assert!(planted.is_some());
        prop_assert_ne!(world.check(&evaluation), vec![], "fault {:?} went unseen", planted);
    }
}

fn ranked_ids(evaluation: &Evaluation) -> Vec<SettingId> {
    evaluation
        .ranked
        .iter()
        .map(|offer| offer.setting_id.clone())
        .collect()
}

/// Plants a fault, if the evaluation has what it takes.
fn plant(which: usize, evaluation: &mut Evaluation) -> bool {
    let n_ranked = evaluation.ranked.len();
    match (
        which,
        evaluation.ranked.first_mut(),
        evaluation.excluded.first_mut(),
    ) {
        (0, Some(offer), _) => offer.score += 1,
        (1, Some(offer), _) => offer.values.home ^= 1,
        (2, Some(offer), _) => offer.approvals = flipped_approval(offer.approvals),
        (3, Some(offer), _) => offer.distances.derby = TenthsOfMile::new(9_999),
        (4, Some(offer), _) => offer.near = !offer.near,
        (5, Some(_), _) if n_ranked > 1 => evaluation.ranked.swap(0, n_ranked - 1),
        (6, Some(_), _) => drop(evaluation.ranked.remove(0)),
        (7, Some(offer), Some(out)) => {
            // An excludable setting in place of an offer.
            offer.setting_id = out.setting_id.clone();
        }
        (8, _, Some(out)) => out.reasons = out.reasons.union(all_of(Exclusion::H14)),
        (9, _, Some(out)) => out.requires = flipped(out.requires),
        (10, _, Some(_)) => drop(evaluation.excluded.remove(0)),
        (11, _, Some(out)) => {
            let out = out.clone();
            evaluation.excluded.push(out);
        }
        (12, ..) => evaluation.evaluated += 1,
        _ => return false,
    }
    // Adding H14 to H14 alone changes nothing.
    which != 8
        || evaluation
            .excluded
            .first()
            .is_some_and(|out| out.reasons.len() > 1)
}

fn all_of(code: Exclusion) -> oss_matching::ReasonSet {
    oss_matching::ReasonSet::all_of(code)
}

fn flipped(acts: oss_matching::ActSet) -> oss_matching::ActSet {
    oss_matching::ActSet::from_bits(acts.bits() ^ 1).unwrap()
}

fn flipped_approval(approvals: oss_matching::ApprovalSet) -> oss_matching::ApprovalSet {
    oss_matching::ApprovalSet::from_bits(approvals.bits() ^ 1).unwrap()
}

#[test]
fn the_worlds_reach_every_code() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..3_000 {
        let settings: Vec<u64> = (0..10).map(|idx| seed * 31 + idx).collect();
        let evaluation = World::new(seed, &settings).rank().expand();
        for out in &evaluation.excluded {
            seen.extend(out.reasons.iter().map(|it| {
                (
                    it.code.as_str(),
                    it.detail.map(oss_domain::reason::Detail::as_str),
                )
            }));
            seen.extend(out.requires.iter().map(|it| (it.as_str(), None)));
        }
        for offer in &evaluation.ranked {
            seen.extend(offer.approvals.iter().map(|it| (it.as_str(), None)));
            seen.extend(offer.warnings.iter().map(|it| (it.as_str(), None)));
        }
    }
    // 45 reasons, 3 acts, 12 approvals, 6 warnings.
    assert_eq!(seen.len(), 66, "{seen:?}");
}

#[test]
fn another_councils_register_offers_nothing() {
    let world = World::new(1, &[1, 2, 3]);
    let mut other = Supply::new(id("E06000018"));
    let mut setting = (**world.supply.iter().next().unwrap().setting()).clone();
    let location = *world.supply.iter().next().unwrap().location();
    assert!(
        other.upsert(setting.clone(), location).is_err(),
        "another's setting is refused"
    );
    setting.authority = id("E06000018");
    other.upsert(setting, location).unwrap();
    let evaluation = world.rank_over(&other).expand();
    assert_eq!(evaluation.evaluated, 0);
    assert!(evaluation.ranked.is_empty() && evaluation.excluded.is_empty());
}

#[test]
fn findings_read_as_sentences() {
    let finding = Finding::WrongFact(id("F01"), "score");
    assert_eq!(finding.to_string(), "F01 has the wrong score");
}
