//! Permissions before the start.

use crate::council::{Council, at, code};
use oss_domain::{Approval, Role, lifecycle::ReferralState, referral::Urgency, setting::Sourcing};
use oss_simulation::{home_at, referral};
use oss_workflow::{
    Event,
    approvals::{ApprovalTask, Word, checklist},
    deadline::Due,
    offer::OfferState,
    placement::Placement,
};

/// Selects a home outside the city, bought spot: the most there is to approve.
fn selected(postcode: &str, urgency: Urgency) -> (Council, Placement, Vec<ApprovalTask>) {
    let mut council = Council::with(vec![home_at("H1", 1, 2, Sourcing::Spot, postcode)]);
    let mut asked = referral("R1", 1, &["C1"]);
    asked.urgency = urgency;
    council.refer(asked);
    let offer = council.offer("R1", "H1");
    council.approach(offer).unwrap();
    council.accept(offer).unwrap();
    let (placement, tasks) = council.select(offer).unwrap();
    (council, placement, tasks)
}

fn task(tasks: &[ApprovalTask], code: Approval) -> ApprovalTask {
    tasks.iter().find(|task| task.code == code).unwrap().clone()
}

fn roles(task: &ApprovalTask) -> Vec<Role> {
    vec![oss_workflow::approvals::role_of(&task.approver).unwrap()]
}

#[test]
fn each_approval_is_a_task_for_its_role() {
    let (_, _, tasks) = selected("NG2 3HX", Urgency::Planned);
    let told: Vec<_> = tasks
        .iter()
        .map(|it| (it.code.as_str(), it.approver.as_ref()))
        .collect();
    assert_eq!(
        told,
        [
            ("A02", "director_of_childrens_services"),
            ("A03", "commissioner"),
            ("A05", "director_of_childrens_services"),
            ("A11", "head_of_service"),
        ]
    );
    assert!(tasks.iter().all(|task| task.blocks_start));
    assert!(
        tasks
            .iter()
            .all(|task| task.due_at == at("2026-12-01T00:00:00Z")),
        "{tasks:?}"
    );
}

#[test]
fn a_placement_waits_for_every_approval() {
    let (mut council, placement, tasks) = selected("DE56 1UU", Urgency::Planned);
    for task in &tasks {
        assert_eq!(
            code(council.start(placement.placement_id)),
            "approval_missing"
        );
        council
            .record(task.approval_id, "boss", &roles(task), true)
            .unwrap();
    }
    council.start(placement.placement_id).unwrap();
    let granted = |line: &&oss_workflow::unit::AuditLine| line.act == "approval.granted";
    assert_eq!(
        council.tables().audit.iter().filter(granted).count(),
        tasks.len()
    );
}

#[test]
fn the_named_role_and_another_person_record_it() {
    let (mut council, _, tasks) = selected("DE56 1UU", Urgency::Planned);
    let nominated = task(&tasks, Approval::A01).approval_id;
    let not_theirs = [Role::Commissioner, Role::Director];
    assert_eq!(
        code(council.record(nominated, "boss", &not_theirs, true)),
        "wrong_role"
    );
    let manager = [Role::Commissioner, Role::Manager];
    assert_eq!(
        code(council.record(nominated, "com", &manager, true)),
        "four_eyes"
    );
    assert!(council.record(nominated, "boss", &manager, true).unwrap());
    assert!(
        !council.record(nominated, "boss", &manager, true).unwrap(),
        "recorded once"
    );
    assert_eq!(
        code(council.record(nominated, "boss", &manager, false)),
        "already_recorded"
    );
    // A notice is no permission: whoever selected may send it.
    let notice = task(&tasks, Approval::A03).approval_id;
    assert!(
        council
            .record(notice, "com", &[Role::Commissioner], true)
            .unwrap()
    );
}

#[test]
fn a_refusal_frees_the_place_and_looks_again() {
    let (mut council, placement, tasks) = selected("DE56 1UU", Urgency::Planned);
    let refused = task(&tasks, Approval::A05);
    council
        .record(refused.approval_id, "boss", &roles(&refused), false)
        .unwrap();
    assert_eq!(council.state("R1"), ReferralState::Ranked);
    assert_eq!(council.tables().live().count(), 0);
    assert_eq!(
        council.offer_state(placement.offer_id),
        OfferState::NotSelected
    );
    let told = council.told(|event| match event {
        Event::PlaceReleased { reason, .. } | Event::OfferWithdrawn { reason, .. } => Some(*reason),
        _ => None,
    });
    assert_eq!(told, ["approval_refused", "approval_refused"]);
    let other = task(&tasks, Approval::A01);
    let late = council.record(other.approval_id, "boss", &roles(&other), true);
    assert_eq!(code(late), "not_needed");
    assert!(council.due(|_| true).is_empty());
    assert_eq!(code(council.start(placement.placement_id)), "not_agreed");
    // The provider may be asked again.
    assert!(council.approach(placement.offer_id).unwrap());
}

#[test]
fn an_emergency_tells_the_host_authority_within_five_working_days() {
    let (mut council, placement, tasks) = selected("NG2 3HX", Urgency::Emergency);
    let notice = task(&tasks, Approval::A03);
    assert!(!notice.blocks_start);
    assert_eq!(notice.due_at, at("2026-12-09T00:00:00Z"), "from 1 December");
    for task in tasks.iter().filter(|task| task.blocks_start) {
        assert_eq!(
            code(council.start(placement.placement_id)),
            "approval_missing"
        );
        council
            .record(task.approval_id, "boss", &roles(task), true)
            .unwrap();
    }
    council.start(placement.placement_id).unwrap();
    let consultation = |due| matches!(due, Due::ConsultationDue(_));
    assert_eq!(council.due(consultation), [at("2026-12-09T00:00:00Z")]);
    let director = task(&tasks, Approval::A02);
    let word = Word {
        granted: true,
        note: "consulted since".to_owned(),
        confirmed: checklist(Approval::A02).iter().copied().collect(),
    };
    council
        .word(director.approval_id, "boss", &roles(&director), word)
        .unwrap();
    assert!(council.due(consultation).is_empty());
    council.until("2026-12-10T09:00:00Z");
    let overdue = |line: &&oss_workflow::unit::AuditLine| line.act == "approval_due";
    assert_eq!(
        council.tables().audit.iter().filter(overdue).count(),
        1,
        "the notice is late"
    );
}
