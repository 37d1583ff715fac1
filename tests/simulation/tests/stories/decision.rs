//! The decision, and what follows from it.

use crate::council::{By, Council, code, id};
use oss_domain::{
    lifecycle::ReferralState,
    setting::{Resident, Sourcing, VacancyChange},
    ssda903::{PlaceLocation, PlaceProvider, PlaceType, ReasonPlaceChange},
};
use oss_simulation::{derby, home_at, household, referral};
use oss_workflow::{
    Event, Wanted,
    decision::Choice,
    event::PlacementStage,
    offer::OfferState,
    placement::{Ending, PlacementState},
};

fn council() -> Council {
    let mut council = Council::with(vec![
        household("F1", 1, 1),
        household("F2", 1, 1),
        home_at("H1", 1, 2, Sourcing::Block, "DE24 9HR"),
    ]);
    council.refer(referral("R1", 1, &["C1"]));
    council
}

fn stages(council: &Council) -> Vec<PlacementStage> {
    council.told(|event| match event {
        Event::Placement { stage, .. } => Some(*stage),
        _ => None,
    })
}

const ENDING: fn(&str) -> Ending = |day| Ending {
    ended_on: day.parse().unwrap(),
    reason: ReasonPlaceChange::Carpl,
    planned: true,
};

#[test]
fn from_offer_to_placement_to_its_end() {
    let mut council = council();
    let [first, second] = ["F1", "F2"].map(|setting| council.offer("R1", setting));
    for offer in [first, second] {
        council.approach(offer).unwrap();
        council.accept(offer).unwrap();
    }
    let (placement, approvals) = council.select(first).unwrap();
    assert_eq!(approvals, [], "the council's own carer in the city");
    assert_eq!(placement.decided_by.as_ref(), "com");
    assert_eq!(placement.reason, "meets her needs");
    assert_eq!(placement.weekly_cost.get(), 100_000, "the provider's price");
    let codes = placement.codes;
    assert_eq!(codes.place, PlaceType::U6);
    assert_eq!(codes.provider, Some(PlaceProvider::Pr1));
    assert_eq!(codes.location, PlaceLocation::In);
    assert!(codes.distance.is_some());
    assert_eq!(council.state("R1"), ReferralState::Selected);
    assert_eq!(council.offer_state(second), OfferState::NotSelected);
    let id = placement.placement_id;
    assert!(council.start(id).unwrap());
    assert!(!council.start(id).unwrap());
    assert_eq!(council.state("R1"), ReferralState::Placed);
    let closed = council.told(|event| match event {
        Event::ReferralClosed { placement_id, .. } => *placement_id,
        _ => None,
    });
    assert_eq!(closed, [id]);
    assert_eq!(
        code(council.end(id, ENDING("2026-11-30"))),
        "/ended_on before_start"
    );
    assert!(council.end(id, ENDING("2027-02-01")).unwrap());
    assert!(
        !council.end(id, ENDING("2027-02-01")).unwrap(),
        "told twice, ended once"
    );
    assert_eq!(council.tables().live().count(), 0);
    assert_eq!(
        stages(&council),
        [
            PlacementStage::Agreed,
            PlacementStage::Started,
            PlacementStage::Closed
        ]
    );
    assert!(council.due(|_| true).is_empty());
}

#[test]
fn the_decision_takes_the_referrals_own_hold() {
    let mut council = council();
    let offer = council.offer("R1", "F1");
    let kept = council.hold(offer).unwrap();
    let (placement, _) = council.select(offer).unwrap();
    assert_eq!(placement.hold_id, kept.hold_id);
    council.until("2026-12-31T09:00:00Z");
    assert_eq!(
        council.tables().live().count(),
        1,
        "it does not expire any more"
    );
    assert_eq!(code(council.release(kept.hold_id)), "already_agreed");
}

#[test]
fn a_decision_for_another_lets_the_hold_go() {
    let mut council = council();
    let [held, chosen] = ["F1", "F2"].map(|setting| council.offer("R1", setting));
    council.hold(held).unwrap();
    council.select(chosen).unwrap();
    let places: Vec<_> = council
        .tables()
        .live()
        .map(|it| it.setting_id.to_string())
        .collect();
    assert_eq!(places, ["F2"]);
}

#[test]
fn siblings_are_together_where_both_are_decided_for_and_not_where_one_has_a_hold() {
    let together = |decided: bool| {
        let mut council = Council::with(vec![household("F1", 1, 3)]);
        council.refer(referral("R1", 1, &["C1"]));
        let mut sister = referral("R2", 1, &["C2"]);
        sister.siblings_elsewhere = [id("C1")].into();
        council.refer(sister);
        let [first, second] = ["R1", "R2"].map(|referral| council.offer(referral, "F1"));
        if decided {
            council.select(first).unwrap();
        } else {
            council.hold(first).unwrap();
        }
        council.rank(&id("R2"));
        let (placement, _) = council.select(second).unwrap();
        placement.kept.siblings_together
    };
    assert_eq!(together(true), Some(true));
    assert_eq!(together(false), Some(false), "the hold may go as it came");
}

#[test]
fn a_provider_must_have_accepted_but_for_the_own() {
    let mut council = council();
    let [home, own] = ["H1", "F1"].map(|setting| council.offer("R1", setting));
    assert_eq!(code(council.select(home)), "not_accepted");
    council.approach(home).unwrap();
    assert_eq!(code(council.select(home)), "not_accepted");
    council.select(own).unwrap();
    assert_eq!(code(council.select(own)), "not_open", "decided once");
}

#[test]
fn reasons_are_asked_for() {
    let mut council = council();
    let choice = |offer_id, reason: &str| Choice {
        offer_id,
        reason: reason.to_owned(),
        reason_not_first: None,
        starts_on: None,
    };
    let first = council.ranking("R1").order[0].to_string();
    let [first, second] = [first.as_str(), "F2"].map(|setting| council.offer("R1", setting));
    assert_ne!(first, second);
    assert_eq!(code(council.choose(choice(first, " "))), "/reason required");
    let refused = code(council.choose(choice(second, "near her nan")));
    assert_eq!(refused, "/reason_not_first required");
    council.choose(choice(first, "near her nan")).unwrap();
}

#[test]
fn a_place_that_has_gone_cannot_be_selected() {
    let mut council = council();
    council.refer(referral("R2", 1, &["C2"]));
    let [mine, other] = ["R1", "R2"].map(|referral| council.offer(referral, "F1"));
    council.hold(other).unwrap();
    assert_eq!(code(council.select(mine)), "place_gone");
}

#[test]
fn a_register_that_lists_the_child_takes_the_count_over() {
    let mut council = council();
    let offer = council.offer("R1", "F1");
    let (placement, _) = council.select(offer).unwrap();
    council.start(placement.placement_id).unwrap();
    let at = (derby(), id("F1"));
    let wanted = Wanted::settings([at.clone()]);
    let lists = |children: &[&str], version| VacancyChange {
        setting_id: id("F1"),
        authority: derby(),
        occupancy_version: version,
        residents: Some(
            children
                .iter()
                .map(|child| Resident {
                    child_id: id(child),
                    sex: oss_domain::Sex::Female,
                    age: 12,
                })
                .collect(),
        ),
        blocked_places: None,
        bedrooms_free: None,
        restrictions: None,
        capacity_confirmed_at: None,
    };
    for (children, version, live) in [(&[][..], 1, 1), (&["C1"][..], 2, 0), (&[][..], 3, 0)] {
        council
            .unit(By::Producer, &wanted, |unit, context, _| {
                oss_workflow::supply::change_vacancy(unit, context, lists(children, version))
            })
            .unwrap();
        assert_eq!(council.tables().live().count(), live, "version {version}");
    }
    council
        .end(placement.placement_id, ENDING("2027-01-10"))
        .unwrap();
}

#[test]
fn a_barred_setting_cannot_receive_the_child() {
    let mut council = council();
    let offer = council.offer("R1", "F1");
    let (placement, _) = council.select(offer).unwrap();
    let mut barred = household("F1", 2, 1);
    barred.registration.registered = false;
    council.register(barred);
    assert_eq!(
        code(council.start(placement.placement_id)),
        "not_lawful_any_more"
    );
    // Ending what never started looks for a home again.
    council
        .end(placement.placement_id, ENDING("2026-12-01"))
        .unwrap();
    assert_eq!(council.state("R1"), ReferralState::Ranked);
    let state = council.tables().placements[&placement.placement_id].state;
    assert_eq!(state, PlacementState::Cancelled);
    assert_eq!(council.tables().live().count(), 0);
}
