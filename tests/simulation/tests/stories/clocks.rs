//! Statutory clocks.

use crate::council::{COM, Council, at, code};
use oss_domain::{
    Approval, Role,
    referral::Urgency,
    setting::{ApprovalStatus, Kind, Sourcing},
};
use oss_simulation::{household, referral};
use oss_workflow::{Wanted, clocks, deadline::Due, placement::Placement};

#[test]
fn an_emergency_outside_the_terms_lasts_six_working_days() {
    let mut terms = household("F1", 1, 1);
    terms.approval.max_age = 10;
    let mut council = Council::with(vec![terms]);
    let mut tonight = referral("R1", 1, &["C1"]);
    tonight.urgency = Urgency::Emergency;
    tonight.start_date = "2026-11-29".parse().unwrap();
    council.refer(tonight);
    let offer = council.offer("R1", "F1");
    let (placement, tasks) = council.select(offer).unwrap();
    assert_eq!(
        tasks.iter().map(|it| it.code).collect::<Vec<_>>(),
        [Approval::A08]
    );
    council
        .record(tasks[0].approval_id, "boss", &[Role::Manager], true)
        .unwrap();
    council.start(placement.placement_id).unwrap();
    let ends = |due| matches!(due, Due::OutsideTermsEnds(_));
    assert_eq!(
        council.due(ends),
        [at("2026-12-08T00:00:00Z")],
        "7 December is the last day"
    );
}

fn connected() -> (Council, Placement) {
    let mut aunt = household("K1", 1, 1);
    aunt.kind = Kind::ConnectedPerson;
    aunt.sourcing = Sourcing::Connected;
    aunt.approval.status = ApprovalStatus::Temporary;
    aunt.connected_to_children = [crate::council::id("C1")].into();
    let mut council = Council::with(vec![aunt]);
    let mut asked = referral("R1", 1, &["C1"]);
    asked.start_date = "2026-11-23".parse().unwrap();
    council.refer(asked);
    let offer = council.offer("R1", "K1");
    let (placement, tasks) = council.select(offer).unwrap();
    assert_eq!(
        tasks.iter().map(|it| it.code).collect::<Vec<_>>(),
        [Approval::A09]
    );
    council
        .record(tasks[0].approval_id, "boss", &[Role::Manager], true)
        .unwrap();
    council.start(placement.placement_id).unwrap();
    let placement = council.tables().placements[&placement.placement_id].clone();
    (council, placement)
}

#[test]
fn a_temporary_approval_lasts_sixteen_weeks_and_is_extended_once() {
    let (mut council, placement) = connected();
    assert_eq!(
        placement.temporary_until,
        Some("2027-03-15".parse().unwrap())
    );
    let reminders = |due| matches!(due, Due::TemporaryApprovalReminder(_));
    let ends = |due| matches!(due, Due::TemporaryApprovalEnds(_));
    assert_eq!(
        council.due(reminders),
        [at("2027-02-16T00:00:00Z"), at("2027-03-09T00:00:00Z")],
        "28 and 7 days before"
    );
    assert_eq!(council.due(ends), [at("2027-03-16T00:00:00Z")]);
    let id = placement.placement_id;
    let wanted = Wanted {
        placements: [id].into(),
        ..Wanted::default()
    };
    let extend = |council: &mut Council| {
        council.unit(COM, &wanted, |unit, context, world| {
            let reason = "assessment unfinished".to_owned();
            clocks::extend_temporary_approval(unit, context, world, id, reason)
        })
    };
    assert_eq!(extend(&mut council).unwrap(), "2027-05-10".parse().unwrap());
    // Summer time by then: the day ends an hour sooner by Greenwich.
    assert_eq!(council.due(ends), [at("2027-05-10T23:00:00Z")]);
    assert_eq!(code(extend(&mut council)), "already_extended");
}

#[test]
fn each_deadline_is_acted_on_once_whatever_the_clock_does() {
    let (mut council, _) = connected();
    council.until("2027-03-20T09:00:00Z");
    let acted = |council: &Council, act: &str| {
        council
            .tables()
            .audit
            .iter()
            .filter(|line| line.act == act)
            .count()
    };
    assert_eq!(acted(&council, "temporary_approval_reminder"), 2);
    assert_eq!(acted(&council, "temporary_approval_ends"), 1);
    council.until("2027-02-01T09:00:00Z");
    council.until("2027-03-20T09:00:00Z");
    assert_eq!(acted(&council, "temporary_approval_reminder"), 2);
    assert_eq!(acted(&council, "temporary_approval_ends"), 1);
}

#[test]
fn reviews_follow_each_other_while_the_placement_lasts() {
    let (mut council, _) = connected();
    let reviews = |due| matches!(due, Due::ReviewDue(_));
    assert_eq!(
        council.due(reviews),
        [at("2026-12-22T00:00:00Z")],
        "20 working days"
    );
    council.until("2026-12-22T00:00:00Z");
    assert_eq!(
        council.due(reviews),
        [at("2027-03-22T00:00:00Z")],
        "three months"
    );
    council.until("2027-03-22T00:00:00Z");
    assert_eq!(
        council.due(reviews),
        [at("2027-09-21T23:00:00Z")],
        "then six"
    );
}
