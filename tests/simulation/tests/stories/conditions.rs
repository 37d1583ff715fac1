//! Acts that would bring a home in, seen to as tasks.

use crate::council::{Council, at, code};
use oss_domain::{Act, ConditionId, OfferId, lifecycle::ReferralState};
use oss_simulation::{household, referral};
use oss_workflow::{
    conditions::{Outcome, Pursuit},
    deadline::Due,
    placement::PlacementState,
};

/// Carers approved for one child, with room for two.
fn carers(version: u64, places: u16) -> oss_domain::Setting {
    let mut carers = household("F1", version, places);
    carers.occupancy.bedrooms_free = Some(2);
    carers
}

/// Two sisters, for whom the carers' terms would have to be varied.
fn sisters() -> (Council, OfferId) {
    let mut council = Council::with(vec![carers(1, 1)]);
    council.refer(referral("R1", 1, &["C1", "C2"]));
    let offer = council.offer("R1", "F1");
    (council, offer)
}

fn vary(offer_id: OfferId) -> Pursuit {
    Pursuit {
        offer_id,
        act: Act::C1,
        task: "Kim takes it to the fostering panel".to_owned(),
        due_on: "2026-12-04".parse().unwrap(),
    }
}

/// The terms are varied and the sisters ranked again, and the carers chosen.
fn varied_and_selected() -> (Council, OfferId, ConditionId, oss_domain::PlacementId) {
    let (mut council, offer) = sisters();
    let condition = council.pursue(vary(offer)).unwrap();
    council.register(carers(2, 2));
    council.rank(&"R1".parse().unwrap());
    let (placement, _) = council.select(offer).unwrap();
    (council, offer, condition, placement.placement_id)
}

#[test]
fn what_would_bring_a_home_in_is_a_task_with_an_end() {
    let (mut council, offer) = sisters();
    let condition = council.pursue(vary(offer)).unwrap();
    let due = Due::ConditionDue(condition);
    assert_eq!(council.due(|it| it == due), [at("2026-12-05T00:00:00Z")]);
    assert_eq!(code(council.pursue(vary(offer))), "already_pursued");
    council.until("2026-12-05T00:00:00Z");
    let late: Vec<_> = council.tables().audit.iter().map(|it| it.act).collect();
    assert!(late.contains(&"condition_due"), "{late:?}");
    // It stays a task until somebody says what came of it.
    assert!(council.tables().conditions[&condition].is_open());
}

#[test]
fn only_what_would_cure_everything_is_pursued() {
    let (mut council, offer) = sisters();
    for act in [Act::C2, Act::C3] {
        let pursuit = Pursuit { act, ..vary(offer) };
        assert_eq!(code(council.pursue(pursuit)), "not_conditional", "{act}");
    }
    let empty = Pursuit {
        task: " ".to_owned(),
        due_on: "2026-11-22".parse().unwrap(),
        ..vary(offer)
    };
    assert_eq!(
        code(council.pursue(empty)),
        "/task required, /due_on in_past"
    );
    council.withdraw_referral("R1");
    assert_eq!(code(council.pursue(vary(offer))), "not_open");
}

#[test]
fn a_condition_that_is_met_changes_no_rule_until_the_register_does() {
    let (mut council, offer) = sisters();
    let condition = council.pursue(vary(offer)).unwrap();
    assert_eq!(
        code(council.note(condition, Outcome::Met, "")),
        "/evidence required"
    );
    assert!(council.note(condition, Outcome::Met, "Minute 7").unwrap());
    assert!(!council.note(condition, Outcome::Met, "Minute 7").unwrap());
    assert_eq!(
        code(council.note(condition, Outcome::NotMet, "x")),
        "already_recorded"
    );
    council.rank(&"R1".parse().unwrap());
    assert_eq!(code(council.select(offer)), "place_gone");
    council.register(carers(2, 2));
    council.rank(&"R1".parse().unwrap());
    let (placement, _) = council.select(offer).unwrap();
    assert!(council.start(placement.placement_id).unwrap());
}

#[test]
fn nobody_moves_in_while_a_condition_is_open() {
    let (mut council, _, condition, placement) = varied_and_selected();
    assert_eq!(code(council.start(placement)), "condition_open");
    council.note(condition, Outcome::Met, "Minute 7").unwrap();
    assert!(council.start(placement).unwrap());
}

#[test]
fn a_condition_that_is_not_met_calls_the_placement_off_and_may_be_pursued_anew() {
    let (mut council, _, condition, placement) = varied_and_selected();
    council.note(condition, Outcome::NotMet, "").unwrap();
    let state = council.tables().placements[&placement].state;
    assert_eq!(state, PlacementState::Cancelled);
    assert_eq!(council.tables().live().count(), 0);
    assert_eq!(council.state("R1"), ReferralState::Ranked);
    let (mut council, offer) = sisters();
    let first = council.pursue(vary(offer)).unwrap();
    council.note(first, Outcome::NotMet, "").unwrap();
    assert_ne!(council.pursue(vary(offer)).unwrap(), first);
}

#[test]
fn nobody_chooses_a_home_whose_condition_was_not_met_before_it_is_pursued_anew() {
    let (mut council, offer) = sisters();
    let condition = council.pursue(vary(offer)).unwrap();
    council.note(condition, Outcome::NotMet, "").unwrap();
    council.register(carers(2, 2));
    council.rank(&"R1".parse().unwrap());
    assert_eq!(code(council.select(offer)), "condition_not_met");
    // The home is in already; what was not met is for a person to put right all the same.
    let anew = council.pursue(vary(offer)).unwrap();
    let (placement, _) = council.select(offer).unwrap();
    council.note(anew, Outcome::Met, "Minute 8").unwrap();
    assert!(council.start(placement.placement_id).unwrap());
}

#[test]
fn a_condition_ends_with_its_referral_and_its_setting() {
    let (mut council, offer) = sisters();
    let condition = council.pursue(vary(offer)).unwrap();
    let (mut other, same) = sisters();
    let second = other.pursue(vary(same)).unwrap();
    council.withdraw_referral("R1");
    other.close("F1", 2);
    for (council, id) in [(&council, condition), (&other, second)] {
        let record = council.tables().conditions[&id].record.clone().unwrap();
        assert_eq!((record.outcome, record.by), (Outcome::NotNeeded, None));
        assert!(council.due(|it| it == Due::ConditionDue(id)).is_empty());
    }
}
