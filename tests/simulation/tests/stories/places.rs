//! Holding a place.

use crate::council::{Council, at, code, id};
use oss_domain::{lifecycle::ReferralState, referral::Urgency};
use oss_simulation::{household, referral};
use oss_workflow::Event;

#[test]
fn a_place_is_kept_for_one_referral_and_no_other() {
    let mut council = Council::with(vec![household("F1", 1, 1)]);
    council.refer(referral("R1", 1, &["C1"]));
    council.refer(referral("R2", 1, &["C2"]));
    let (first, second) = (council.offer("R1", "F1"), council.offer("R2", "F1"));
    let kept = council.hold(first).unwrap();
    assert_eq!(
        kept.until,
        at("2026-11-25T09:00:00Z"),
        "48 hours where it is planned"
    );
    assert_eq!(council.hold(first).unwrap(), kept, "asked twice, kept once");
    assert_eq!(code(council.hold(second)), "place_gone");
    council.rank(&id("R2"));
    assert_eq!(council.state("R2"), ReferralState::Unfilled);
    council.release(kept.hold_id).unwrap();
    assert!(
        !council.release(kept.hold_id).unwrap(),
        "released twice, once told"
    );
    council.hold(second).unwrap();
}

#[test]
fn a_hold_ends_by_itself_as_policy_says() {
    for (urgency, until) in [
        (Urgency::Planned, "2026-11-25T09:00:00Z"),
        (Urgency::Urgent, "2026-11-24T09:00:00Z"),
        (Urgency::Emergency, "2026-11-23T13:00:00Z"),
    ] {
        let mut council = Council::with(vec![household("F1", 1, 1)]);
        let mut asked = referral("R1", 1, &["C1"]);
        asked.urgency = urgency;
        council.refer(asked);
        council.refer(referral("R2", 1, &["C2"]));
        let offer = council.offer("R1", "F1");
        assert_eq!(council.hold(offer).unwrap().until, at(until));
        council.until(until);
        let reasons = council.told(|event| match event {
            Event::PlaceReleased { reason, .. } => Some(*reason),
            _ => None,
        });
        assert_eq!(reasons, ["expired"]);
        let other = council.offer("R2", "F1");
        council.hold(other).unwrap();
    }
}

#[test]
fn a_child_has_one_place_at_a_time() {
    let mut council = Council::with(vec![household("F1", 1, 2), household("F2", 1, 2)]);
    council.refer(referral("R1", 1, &["C1"]));
    // The same child, by another referral.
    council.refer(referral("R2", 1, &["C1"]));
    let [here, there] = ["F1", "F2"].map(|setting| council.offer("R1", setting));
    council.hold(here).unwrap();
    assert_eq!(code(council.hold(there)), "child_held_elsewhere");
    let other = council.offer("R2", "F2");
    assert_eq!(code(council.hold(other)), "child_held_elsewhere");
}

#[test]
fn siblings_take_their_places_together_or_not_at_all() {
    let mut council = Council::with(vec![household("F1", 1, 3)]);
    council.refer(referral("R1", 1, &["C1", "C2"]));
    council.refer(referral("R2", 1, &["C3", "C4"]));
    let (pair, other) = (council.offer("R1", "F1"), council.offer("R2", "F1"));
    let kept = council.hold(pair).unwrap();
    assert_eq!(council.tables().occupancies[&kept.hold_id].places, [1, 2]);
    assert!(council.hold(other).is_err());
    assert_eq!(council.tables().live().count(), 1);
}

#[test]
fn a_sibling_who_joins_later_needs_a_place_as_well() {
    let mut council = Council::with(vec![household("F1", 1, 2)]);
    council.refer(referral("R1", 1, &["C1"]));
    let offer = council.offer("R1", "F1");
    let (placement, _) = council.select(offer).unwrap();
    council.refer(referral("R1", 2, &["C1", "C2"]));
    assert_eq!(
        code(council.start(placement.placement_id)),
        "referral_changed"
    );
}

#[test]
fn blocked_places_are_not_given() {
    let mut blocked = household("F1", 1, 2);
    blocked.occupancy.blocked_places = 2;
    let mut council = Council::with(vec![blocked]);
    council.refer(referral("R1", 1, &["C1"]));
    let offer = council.offer("R1", "F1");
    assert_eq!(code(council.hold(offer)), "place_gone");
}

#[test]
fn what_became_unlawful_cannot_be_held() {
    let mut council = Council::with(vec![household("F1", 1, 1)]);
    council.refer(referral("R1", 1, &["C1"]));
    let mut deregistered = household("F1", 2, 1);
    deregistered.registration.registered = false;
    council.register(deregistered);
    let offer = council.offer("R1", "F1");
    assert_eq!(code(council.hold(offer)), "not_lawful_any_more");
}

#[test]
fn a_withdrawn_referral_lets_everything_go() {
    let mut council = Council::with(vec![household("F1", 1, 1), household("F2", 1, 1)]);
    council.refer(referral("R1", 1, &["C1"]));
    let (held, asked) = (council.offer("R1", "F1"), council.offer("R1", "F2"));
    council.hold(held).unwrap();
    council.approach(asked).unwrap();
    council.withdraw_referral("R1");
    assert_eq!(council.tables().live().count(), 0);
    assert!(council.due(|_| true).is_empty());
    assert_eq!(code(council.accept(asked)), "too_late");
    assert_eq!(code(council.hold(held)), "not_open");
}

#[test]
fn a_setting_that_closes_takes_its_offers_along() {
    let mut council = Council::with(vec![household("F1", 1, 1)]);
    council.refer(referral("R1", 1, &["C1"]));
    let offer = council.offer("R1", "F1");
    council.approach(offer).unwrap();
    council.accept(offer).unwrap();
    council.close("F1", 2);
    let told = council.told(|event| match event {
        Event::PlaceReleased { reason, .. } | Event::OfferWithdrawn { reason, .. } => Some(*reason),
        _ => None,
    });
    assert_eq!(told, ["setting_closed", "setting_closed"]);
    assert_eq!(code(council.accept(offer)), "too_late");
}
