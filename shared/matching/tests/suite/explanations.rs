//! What people read: snapshots, and that the words follow from the order.

use crate::world::{World, any_world, cases, derby_policy};
use oss_domain::{Exclusion, Reason, reason::Detail};
use oss_matching::ReasonSet;
use oss_matching::{
    explain::{self, Because},
    rules,
};
use proptest::prelude::*;

/// The first world whose offers differ in at least three parts of the order.
fn sample() -> World {
    let settings: Vec<u64> = (0..60).collect();
    let varied = |world: &World| {
        let ranked = world.rank().expand().ranked;
        let parts: std::collections::HashSet<_> = ranked
            .windows(2)
            .map(|pair| std::mem::discriminant(&explain::because(&pair[0], &pair[1])))
            .collect();
        parts.len() >= 3 && ranked.len() < 9
    };
    (0..2_000)
        .map(|seed| World::new(seed, &settings))
        .find(varied)
        .unwrap()
}

#[test]
fn every_reason_in_words() {
    let everything = Exclusion::ALL.iter().fold(ReasonSet::EMPTY, |set, code| {
        set.union(ReasonSet::all_of(*code))
    });
    let lines: Vec<String> = everything
        .iter()
        .map(|reason| {
            let detail = reason.detail.map_or("", Detail::as_str);
            format!("{} {detail}: {}", reason.code, explain::reason(reason))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn every_rule_with_its_source() {
    let lines: Vec<String> = rules::catalogue()
        .map(|rule| format!("{} {}\n    {}", rule.code, rule.text, rule.source))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_shortlist_in_words() {
    let world = sample();
    let (query, evaluation) = (world.query(), world.rank().expand());
    let mut lines = Vec::new();
    for (idx, offer) in evaluation.ranked.iter().enumerate() {
        lines.push(format!("{}. {}", idx + 1, offer.setting_id));
        lines.extend(explain::offer(offer, &query, derby_policy()));
        if let Some(below) = evaluation.ranked.get(idx + 1) {
            lines.push(explain::comparison(offer, below));
            for swap in explain::swaps(offer, below, derby_policy()) {
                lines.push(explain::swap(&swap, offer, below));
            }
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_reason_repeats_nothing_of_the_child() {
    let reason = Reason {
        code: Exclusion::H10,
        detail: Some(Detail::NamedChild),
    };
    assert_eq!(
        explain::reason(reason),
        "The match with the children who live there is ruled out (a child lives there who must be \
         avoided)."
    );
}

proptest! {
    #![proptest_config(cases(500))]

    /// A weight that is said to change the order does, and none that is nearer does.
    #[test]
    fn a_swap_is_the_nearest_that_changes_the_order(world in any_world()) {
        let evaluation = world.rank().expand();
        for pair in evaluation.ranked.windows(2) {
            let [above, below] = pair else { continue };
            let decided_before = matches!(
                explain::because(above, below),
                Because::Band(..) | Because::Plan(..) | Because::Near | Because::Sourcing(..)
            );
            let swaps = explain::swaps(above, below, derby_policy());
            prop_assert!(!decided_before || swaps.is_empty());
            for swap in swaps {
                let first_with = |weight: u32| {
                    let weights = derby_policy().weights().with(swap.criterion, weight);
                    let policy = derby_policy().clone().with_weights(weights);
                    let outcome = oss_matching::rank(
                        &world.query(), &world.supply, &policy, world.evaluated_at,
                    );
                    let ids: Vec<_> =
                        outcome.ranked().filter_map(|it| outcome.setting_id(it)).cloned().collect();
                    ids.into_iter().find(|id| *id == above.setting_id || *id == below.setting_id)
                };
                prop_assert_eq!(first_with(swap.to), Some(below.setting_id.clone()));
                let nearer = if swap.to > swap.from { swap.to - 1 } else { swap.to + 1 };
                prop_assert_eq!(first_with(nearer), Some(above.setting_id.clone()));
            }
        }
    }
}
