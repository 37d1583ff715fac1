//! Asking providers, and their answers.

use crate::council::{By, Council, at, code, id};
use oss_domain::{
    Pence, Setting,
    lifecycle::{Answer, ReferralState},
    referral::{ExclusionZone, Urgency},
    setting::{Framework, Sourcing},
};
use oss_simulation::{derby, home_at, household, referral, seal, world};
use oss_workflow::{
    Event, Wanted,
    answer::{self, Given, Recorded},
    call_off,
    deadline::Due,
    event::Profile,
    offer::{OfferState, Terms},
};

/// Two households of the council's, two homes bought ahead, one by framework, one spot.
fn register() -> Vec<Setting> {
    vec![
        household("F1", 1, 1),
        household("F2", 1, 1),
        home_at("H1", 1, 2, Sourcing::Block, "DE24 9HR"),
        home_at("H2", 1, 2, Sourcing::Block, "DE24 9HR"),
        home_at("H3", 1, 2, Sourcing::Framework, "DE24 9HR"),
        home_at("H4", 1, 2, Sourcing::Spot, "DE24 9HR"),
    ]
}

fn asked(council: &Council) -> Vec<String> {
    council.told(|event| match event {
        Event::OfferApproached { setting_id, .. } => Some(setting_id.to_string()),
        _ => None,
    })
}

#[test]
fn waves_go_from_the_own_to_spot() {
    let mut council = Council::with(register());
    council.refer(referral("R1", 1, &["C1"]));
    assert_eq!(council.wave("R1").unwrap(), 2);
    assert_eq!(council.state("R1"), ReferralState::InCallOff);
    assert_eq!(asked(&council), ["F1", "F2"], "own carers first");
    // Five working days, until quiet hours begin.
    let first_wave = "2026-11-30T20:00:00Z";
    assert_eq!(council.due(|due| due == Due::WaveEnds), [at(first_wave)]);
    council.until("2026-11-30T19:59:00Z");
    assert_eq!(asked(&council).len(), 2);
    council.until("2026-12-01T06:59:00Z");
    assert_eq!(asked(&council).len(), 2, "no wave opens in quiet hours");
    council.until("2026-12-01T07:00:00Z");
    assert_eq!(
        asked(&council)[2..],
        ["H1", "H2"],
        "then what was bought ahead"
    );
    // Whoever is asked now declines: nobody is left to wait for, so the next are asked at once.
    for setting in ["H1", "H2"] {
        let offer = council.offer("R1", setting);
        council.decline(offer).unwrap();
    }
    council.until("2026-12-01T07:00:01Z");
    assert_eq!(asked(&council)[4..], ["H3"], "then the framework");
    let framework = council.offer("R1", "H3");
    council.accept(framework).unwrap();
    council.until("2027-01-11T12:00:00Z");
    assert_eq!(asked(&council).len(), 5, "a good answer ends the search");
    council.decline(framework).unwrap();
    council.until("2027-01-11T12:00:01Z");
    assert_eq!(
        asked(&council)[5..],
        ["H4"],
        "and a change of mind takes it up again"
    );
    council.until("2027-03-01T12:00:00Z");
    assert_eq!(asked(&council).len(), 6, "nobody is asked twice by itself");
}

#[test]
fn an_emergency_asks_two_tiers_at_once_and_at_night() {
    let mut council = Council::with(register());
    council.until("2026-11-23T22:00:00Z");
    let mut tonight = referral("R1", 1, &["C1"]);
    tonight.urgency = Urgency::Emergency;
    council.refer(tonight);
    assert_eq!(council.wave("R1").unwrap(), 4);
    assert_eq!(asked(&council), ["F1", "F2", "H1", "H2"]);
    council.until("2026-11-24T00:00:00Z");
    assert_eq!(asked(&council)[4..], ["H3"], "two hours later the next");
}

#[test]
fn only_a_person_approaches() {
    let mut council = Council::with(register());
    council.refer(referral("R1", 1, &["C1"]));
    let offer = council.offer("R1", "F1");
    let (referral, setting) = seal().open(offer);
    let wanted = Wanted {
        referral_keys: [referral].into(),
        setting_keys: [setting].into(),
        ..Wanted::default()
    };
    let refused = council.unit(By::Product, &wanted, |unit, context, world| {
        call_off::approach(unit, context, world, offer, None)
    });
    assert_eq!(code(refused), "needs_a_person");
}

#[test]
fn who_must_not_be_offered_is_not_asked() {
    let mut council = Council::with(register());
    council.refer(referral("R1", 1, &["C1"]));
    let mut inadequate = household("F1", 2, 1);
    inadequate.registration.registered = false;
    council.register(inadequate);
    let offer = council.offer("R1", "F1");
    assert_eq!(code(council.approach(offer)), "not_lawful_any_more");
    assert_eq!(
        council.wave("R1").unwrap(),
        1,
        "nor by a wave of an older list"
    );
    assert_eq!(asked(&council), ["F2"]);
}

#[test]
fn an_acceptance_keeps_the_place_and_a_refusal_frees_it() {
    let mut council = Council::with(register());
    council.refer(referral("R1", 1, &["C1"]));
    let offer = council.offer("R1", "H1");
    assert_eq!(code(council.accept(offer)), "not_approached");
    assert!(council.approach(offer).unwrap());
    assert!(!council.approach(offer).unwrap(), "asked twice, told once");
    let Recorded::Accepted(Some(kept)) = council.accept(offer).unwrap() else {
        panic!()
    };
    assert_eq!(
        council.accept(offer).unwrap(),
        Recorded::Known,
        "said twice, recorded once"
    );
    assert_eq!(
        council.tables().live().next().unwrap().hold_id,
        kept.hold_id
    );
    assert_eq!(council.decline(offer).unwrap(), Recorded::Declined);
    assert_eq!(council.tables().live().count(), 0);
    assert!(matches!(
        council.accept(offer).unwrap(),
        Recorded::Accepted(Some(_))
    ));
    let answers = council.told(|event| match event {
        Event::OfferRecorded { answer, .. } => Some(*answer),
        _ => None,
    });
    assert_eq!(
        answers,
        [Answer::Accepted, Answer::Declined, Answer::Accepted]
    );
}

#[test]
fn a_second_acceptance_is_recorded_without_a_place() {
    let mut council = Council::with(register());
    council.refer(referral("R1", 1, &["C1"]));
    for setting in ["H1", "H2"] {
        let offer = council.offer("R1", setting);
        council.approach(offer).unwrap();
    }
    let [first, second] = ["H1", "H2"].map(|setting| council.offer("R1", setting));
    assert!(matches!(
        council.accept(first).unwrap(),
        Recorded::Accepted(Some(_))
    ));
    assert_eq!(council.accept(second).unwrap(), Recorded::Accepted(None));
    assert_eq!(council.offer_state(second), OfferState::Accepted);
}

#[test]
fn a_late_answer_counts_until_the_decision() {
    let mut council = Council::with(register());
    council.refer(referral("R1", 1, &["C1"]));
    let [late, own] = ["H1", "F1"].map(|setting| council.offer("R1", setting));
    council.approach(late).unwrap();
    council.until("2026-12-02T09:00:00Z");
    assert_eq!(council.offer_state(late), OfferState::Expired);
    assert!(matches!(
        council.accept(late).unwrap(),
        Recorded::Accepted(Some(_))
    ));
    council.select(own).unwrap();
    assert_eq!(council.offer_state(late), OfferState::NotSelected);
    assert_eq!(code(council.decline(late)), "too_late");
}

#[test]
fn a_price_above_the_framework_is_refused_with_the_figure() {
    let mut council = Council::with(register());
    council.refer(referral("R1", 1, &["C1"]));
    let mut dear = home_at("H3", 2, 2, Sourcing::Framework, "DE24 9HR");
    dear.framework = Some(Framework {
        reference: "CCS072".to_owned(),
        category: "general".to_owned(),
        max_weekly: Some(Pence::new(412_350)),
    });
    council.register(dear);
    let offer = council.offer("R1", "H3");
    council.approach(offer).unwrap();
    let terms = |pence| Terms {
        weekly_cost: Some(Pence::new(pence)),
        ..Terms::default()
    };
    let refused = council
        .answer(offer, Answer::Accepted, terms(412_351))
        .unwrap_err();
    let oss_workflow::Refusal::Invalid(errors) = refused else {
        panic!("{refused}")
    };
    assert_eq!(errors[0].pointer, "/weekly_cost_pence");
    assert!(
        errors[0].detail.contains("£4,123.50"),
        "{}",
        errors[0].detail
    );
    assert_eq!(council.offer_state(offer), OfferState::Approached);
    council
        .answer(offer, Answer::Accepted, terms(412_350))
        .unwrap();
}

#[test]
fn a_provider_answers_its_own_offers_alone() {
    let mut council = Council::with(register());
    council.refer(referral("R1", 1, &["C1"]));
    let offer = council.offer("R1", "H1");
    council.approach(offer).unwrap();
    let (referral, setting) = seal().open(offer);
    let wanted = Wanted {
        referral_keys: [referral].into(),
        setting_keys: [setting].into(),
        ..Wanted::default()
    };
    for (authority, provider, expected) in [
        (derby(), "OTHER", "/provider_id not_your_offer"),
        (id("E10000007"), "HOMES", "does not exist"),
    ] {
        let given = Given {
            offer_id: offer,
            authority,
            provider_id: id(provider),
            answer: Answer::Accepted,
            terms: Terms::default(),
        };
        let refused = council.unit(By::Producer, &wanted, |unit, context, world| {
            answer::answer(unit, context, world, given)
        });
        let refused = code(refused);
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn a_profile_tells_nothing_that_identifies_the_child() {
    let mut secret = referral("CANARY-R1", 1, &["CANARY-C1"]);
    secret.locations.home = Some(id("NG2 3HX"));
    secret.locations.school = Some(id("NG10 1HU"));
    secret.locations.contact = vec![id("DE56 1UU")];
    secret.exclusion_zones = vec![ExclusionZone {
        centre: id("DE56 1UU"),
        radius: oss_domain::TenthsOfMile::new(1),
    }];
    secret.excluded_authorities = [id("E10000018")].into();
    secret.avoid_children = [id("CANARY-C2")].into();
    secret.siblings_elsewhere = [id("CANARY-C3")].into();
    secret.previous_setting = Some(id("CANARY-F9"));
    secret.legal_status = Some(oss_domain::ssda903::LegalStatus::J1);
    secret.category_of_need = Some(oss_domain::ssda903::CategoryOfNeed::N1);
    secret.narrative = oss_domain::referral::Narrative {
        title: Some("CANARY".to_owned()),
        wishes_and_feelings: Some("CANARY".to_owned()),
        reason: Some("CANARY".to_owned()),
        contact_plan: Some("CANARY".to_owned()),
    };
    let text = format!("{:?}", Profile::of(&secret));
    let canaries = [
        "CANARY", "NG2", "NG10", "DE56", "2014", "05-01", "E06", "E10", "J1", "N1", "W01",
    ];
    for canary in canaries {
        assert!(!text.contains(canary), "{canary} in {text}");
    }
    assert!(text.contains("12"), "the age is told: {text}");
}

#[test]
fn who_was_asked_is_told_when_what_it_may_know_changes() {
    let mut council = Council::with(register());
    council.refer(referral("R1", 1, &["C1"]));
    let (waits, declined) = (council.offer("R1", "F1"), council.offer("R1", "F2"));
    let accepted = council.offer("R1", "H1");
    council.approach(waits).unwrap();
    council.approach(declined).unwrap();
    council.decline(declined).unwrap();
    council.approach(accepted).unwrap();
    council.accept(accepted).unwrap();
    let profiles = |council: &Council| {
        council.told(|event| match event {
            Event::OfferApproached {
                offer_id,
                profile,
                respond_by,
                ..
            } => Some((*offer_id, profile.urgency, *respond_by)),
            _ => None,
        })
    };
    let before = profiles(&council);
    // A title, a home or a zone is nothing that a provider knows.
    let mut moved = referral("R1", 2, &["C1"]);
    moved.locations.home = Some(id("NG2 3HX"));
    council.refer(moved);
    assert_eq!(profiles(&council), before);
    let mut sooner = referral("R1", 3, &["C1"]);
    sooner.urgency = Urgency::Urgent;
    council.refer(sooner);
    let now = profiles(&council);
    let (_, _, respond_by) = before[0];
    assert_eq!(now[before.len()..], [(waits, Urgency::Urgent, respond_by)]);
}

#[test]
fn two_providers_cannot_tell_that_they_are_asked_for_one_child() {
    let mut council = Council::with(register());
    council.refer(referral("R1", 1, &["C1"]));
    council.refer(referral("R2", 1, &["C2"]));
    let of = |referral, setting: &str, council: &Council| {
        let (key, _) = seal().open(council.offer(referral, setting));
        let provider = if setting.starts_with('F') {
            "DERBY"
        } else {
            "HOMES"
        };
        oss_workflow::profile::reference(world().seal, key, &id(provider))
    };
    let mine = of("R1", "H1", &council);
    assert_eq!(mine.len(), 10);
    assert_eq!(
        mine,
        of("R1", "H2", &council),
        "one provider, one reference"
    );
    assert_ne!(mine, of("R1", "F1", &council), "another provider, another");
    assert_ne!(mine, of("R2", "H1", &council), "another referral, another");
}
