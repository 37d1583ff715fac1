//! Permissions that a named role records before a placement starts.
//!
//! Which ones are needed, matching says (matching.md, "Approvals"); who records them, the policy.

use crate::{
    calendar, call_off,
    deadline::{self, Due},
    key::ReferralKey,
    placement::{self, Placement},
    refusal::Refusal,
    unit::{Context, ReferralHead, Unit},
    world::World,
};
use chrono::{DateTime, NaiveDate, Utc};
use oss_domain::{
    Approval, ApprovalId, AuthorityCode, FieldError, PlacementId, ReferralId, Role, codes,
    referral::Urgency,
};
use oss_matching::ApprovalSet;
use std::{collections::BTreeSet, sync::Arc};

codes! {
    /// What the regulation asks to be recorded with an approval.
    pub enum Check {
        /// The child's wishes and feelings were considered (reg 11(2)).
        WishesAndFeelings = "wishes_and_feelings",
        /// It is the most appropriate placement, consistent with the care plan (reg 11(2)).
        MostAppropriate = "most_appropriate",
        /// Relatives were consulted where appropriate (reg 11(2)).
        RelativesConsulted = "relatives_consulted",
        /// The area authority was notified (reg 11(2)).
        AreaAuthorityNotified = "area_authority_notified",
        /// The area authority was consulted and given the care plan (reg 11(2)).
        AreaAuthorityConsulted = "area_authority_consulted",
        /// The independent reviewing officer was consulted (reg 11(2)).
        IroConsulted = "iro_consulted",
        /// The notice has the assessment of needs (reg 13).
        NeedsAssessment = "needs_assessment",
        /// The notice tells why this is the most suitable placement (reg 13).
        WhyMostSuitable = "why_most_suitable",
        /// The notice has a copy of the care plan (reg 13).
        CarePlanCopy = "care_plan_copy",
        /// No suitable own or family placement in an acceptable time (council procedure).
        OwnPlacementsExhausted = "own_placements_exhausted",
        /// The connected person was assessed as suitable (reg 24, Schedule 4).
        SuitabilityAssessed = "suitability_assessed",
        /// Arrangements for the child's education were made (reg 10).
        EducationArranged = "education_arranged",
        /// The authority where the setting lies was confirmed.
        AuthorityConfirmed = "authority_confirmed",
    }
}

/// What is to be recorded with `code`.
#[must_use]
pub const fn checklist(code: Approval) -> &'static [Check] {
    match code {
        Approval::A01 => &[
            Check::WishesAndFeelings,
            Check::MostAppropriate,
            Check::RelativesConsulted,
            Check::AreaAuthorityNotified,
            Check::IroConsulted,
        ],
        Approval::A02 => &[
            Check::WishesAndFeelings,
            Check::MostAppropriate,
            Check::RelativesConsulted,
            Check::AreaAuthorityConsulted,
            Check::IroConsulted,
        ],
        Approval::A03 => &[
            Check::NeedsAssessment,
            Check::WhyMostSuitable,
            Check::CarePlanCopy,
        ],
        Approval::A04 | Approval::A05 | Approval::A11 => {
            &[Check::OwnPlacementsExhausted, Check::WishesAndFeelings]
        }
        Approval::A08 | Approval::A15 | Approval::A16 => {
            &[Check::WishesAndFeelings, Check::MostAppropriate]
        }
        Approval::A09 => &[Check::SuitabilityAssessed, Check::WishesAndFeelings],
        Approval::A10 => &[Check::EducationArranged, Check::WishesAndFeelings],
        Approval::A17 => &[Check::AuthorityConfirmed],
    }
}

/// Whether another person than the one who selected must record `code`.
///
/// Not so for a notice and for looking an authority up, which are tasks and no permissions.
#[must_use]
pub const fn needs_four_eyes(code: Approval) -> bool {
    !matches!(code, Approval::A03 | Approval::A17)
}

/// The role of a person who acts as a policy's approver; `None` for an approver nobody can be.
#[must_use]
pub fn role_of(approver: &str) -> Option<Role> {
    match approver {
        "nominated_officer" | "head_of_service" => Some(Role::Manager),
        "director_of_childrens_services" => Some(Role::Director),
        other => other.parse().ok(),
    }
}

/// What was recorded of an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whether it was granted.
    pub granted: bool,
    /// By whom.
    pub by: Arc<str>,
    /// When.
    pub at: DateTime<Utc>,
    /// What the person noted.
    pub note: String,
    /// What the person confirmed.
    pub confirmed: BTreeSet<Check>,
}

/// A permission to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalTask {
    /// Its id.
    pub approval_id: ApprovalId,
    /// The authority.
    pub authority: AuthorityCode,
    /// The referral.
    pub referral: ReferralKey,
    /// The referral's id.
    pub referral_id: ReferralId,
    /// The placement that waits for it.
    pub placement_id: PlacementId,
    /// Which permission.
    pub code: Approval,
    /// Who records it, in the policy's words.
    pub approver: Arc<str>,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it should be recorded.
    pub due_at: DateTime<Utc>,
    /// Whether the placement cannot start without it.
    pub blocks_start: bool,
    /// What was recorded.
    pub record: Option<Record>,
    /// Whether it is not needed any more.
    pub cancelled: bool,
}

impl ApprovalTask {
    /// Whether it is still to be recorded.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.record.is_none() && !self.cancelled
    }

    /// Whether nobody moves in before it is recorded.
    #[must_use]
    pub const fn holds_up_the_start(&self) -> bool {
        self.blocks_start && self.is_open()
    }

    /// What is still to be confirmed.
    pub fn outstanding_checks(&self) -> impl Iterator<Item = Check> {
        let confirmed = self.record.as_ref().map(|record| &record.confirmed);
        checklist(self.code)
            .iter()
            .copied()
            .filter(move |check| confirmed.is_none_or(|confirmed| !confirmed.contains(check)))
    }
}

/// Asks for every permission that a placement needs.
pub(crate) fn request(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    referral: &ReferralHead,
    placement: &Placement,
    codes: ApprovalSet,
) -> Vec<ApprovalTask> {
    let urgency = referral
        .referral
        .as_ref()
        .map_or(Urgency::Planned, |it| it.urgency);
    let mut tasks = Vec::new();
    for code in codes.iter() {
        let approval_id = ApprovalId::generate(context.ids);
        // Reg 13: in an emergency the host authority is told after the start.
        let after_start = code == Approval::A03 && urgency == Urgency::Emergency;
        let due = if after_start {
            let days = world.policy.clocks().host_notice_working_days;
            calendar::working_days_after(placement.starts_on, days)
        } else {
            due_on(urgency, context.now, placement.starts_on)
        };
        let task = ApprovalTask {
            approval_id,
            authority: referral.authority,
            referral: referral.key,
            referral_id: referral.referral_id.clone(),
            placement_id: placement.placement_id,
            code,
            approver: world.policy.approver(code).into(),
            requested_at: context.now,
            due_at: calendar::end_of(due),
            blocks_start: !after_start,
            record: None,
            cancelled: false,
        };
        deadline::schedule(
            unit,
            context,
            referral,
            Due::ApprovalDue(approval_id),
            task.due_at,
        );
        put(unit, task.clone());
        tasks.push(task);
    }
    tasks
}

/// When a permission should be recorded: the same day, the next working day, or within five; before
/// the start in any case.
fn due_on(urgency: Urgency, now: DateTime<Utc>, starts_on: NaiveDate) -> NaiveDate {
    let today = calendar::today(now);
    let working_days = match urgency {
        Urgency::Emergency => 0,
        Urgency::Urgent => 1,
        Urgency::Planned => 5,
    };
    calendar::working_days_after(today, working_days)
        .min(starts_on)
        .max(today)
}

/// A person's word on an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Whether it is granted.
    pub granted: bool,
    /// What the person notes.
    pub note: String,
    /// What the person confirms; more can be confirmed later.
    pub confirmed: BTreeSet<Check>,
}

/// Records a permission, by a person with `roles`. Refusing it cancels the placement and frees the
/// place. Returns whether anything changed.
///
/// # Errors
/// `wrong_role`; `four_eyes`; `not_needed`; `already_recorded` with another word.
pub fn record(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    approval_id: ApprovalId,
    roles: &[Role],
    word: Word,
) -> Result<bool, Refusal> {
    let by = call_off::person(context)?;
    let task = unit.approvals.get(&approval_id).cloned();
    let task = task.ok_or_else(|| Refusal::NotFound {
        what: format!("approval {approval_id}"),
    })?;
    let placement = unit.placements.get(&task.placement_id).cloned();
    let placement = placement.ok_or_else(|| Refusal::NotFound {
        what: format!("approval {approval_id}"),
    })?;
    if role_of(&task.approver).is_none_or(|role| !roles.contains(&role)) {
        let why = format!("{} is for the {} to record", task.code, task.approver);
        return Err(Refusal::Conflict {
            code: "wrong_role",
            why,
        });
    }
    if needs_four_eyes(task.code) && placement.decided_by == by {
        return Err(Refusal::Conflict {
            code: "four_eyes",
            why: "whoever selected cannot approve as well".to_owned(),
        });
    }
    if word.note.trim().is_empty() {
        let error = FieldError::new("/note", "required", "must say what the decision rests on");
        return Err(Refusal::Invalid(vec![error]));
    }
    if let Some(record) = &task.record
        && record.granted == word.granted
    {
        return Ok(confirm_more(unit, context, task.clone(), &word));
    }
    if task.cancelled {
        let why = "the placement it was for is off".to_owned();
        return Err(Refusal::Conflict {
            code: "not_needed",
            why,
        });
    }
    if task.record.is_some() {
        let why = "another word was recorded; end the placement instead".to_owned();
        return Err(Refusal::Conflict {
            code: "already_recorded",
            why,
        });
    }
    let granted = word.granted;
    let (authority, referral, code) = (task.authority, task.referral, task.code);
    let record = Record {
        granted,
        by,
        at: context.now,
        note: word.note.clone(),
        confirmed: word.confirmed,
    };
    let task = ApprovalTask {
        record: Some(record),
        ..task
    };
    let outstanding = task.outstanding_checks().next().is_some();
    put(unit, task);
    deadline::settle(unit, context, |due| due == Due::ApprovalDue(approval_id));
    let act = if granted {
        "approval.granted"
    } else {
        "approval.refused"
    };
    let thing = format!("{approval_id} {code}");
    unit.record(
        context,
        authority,
        Some(referral),
        act,
        thing,
        Some(word.note),
    );
    if !granted {
        placement::cancel(unit, context, referral, "approval_refused");
        return Ok(true);
    }
    let head = unit.referral(referral).cloned();
    if let Some(head) = head
        && outstanding
        && matches!(code, Approval::A01 | Approval::A02)
        && head
            .referral
            .as_ref()
            .is_some_and(|it| it.urgency == Urgency::Emergency)
    {
        // Reg 11(3): the approval cannot wait in an emergency, the consultations may.
        let due = calendar::working_days_after(placement.starts_on, CONSULTATION_WORKING_DAYS);
        let due_at = calendar::end_of(due);
        deadline::schedule(
            unit,
            context,
            &head,
            Due::ConsultationDue(approval_id),
            due_at,
        );
    }
    Ok(true)
}

/// Reg 11(3): working days within which an emergency's consultations are made good.
const CONSULTATION_WORKING_DAYS: u32 = 5;

fn confirm_more(
    unit: &mut Unit,
    context: &Context<'_, '_>,
    mut task: ApprovalTask,
    word: &Word,
) -> bool {
    let Some(record) = &mut task.record else {
        return false;
    };
    let before = record.confirmed.len();
    record.confirmed.extend(word.confirmed.iter().copied());
    if record.confirmed.len() == before {
        return false;
    }
    let (approval_id, authority, referral) = (task.approval_id, task.authority, task.referral);
    if task.outstanding_checks().next().is_none() {
        deadline::settle(unit, context, |due| {
            due == Due::ConsultationDue(approval_id)
        });
    }
    put(unit, task);
    let note = Some(word.note.clone());
    unit.record(
        context,
        authority,
        Some(referral),
        "approval.confirmed",
        approval_id,
        note,
    );
    true
}

/// Whether something is still to be recorded, or to be confirmed, of an approval.
pub(crate) fn is_outstanding(unit: &Unit, approval_id: ApprovalId, due: Due) -> bool {
    unit.approvals
        .get(&approval_id)
        .is_some_and(|task| match due {
            Due::ConsultationDue(_) => {
                !task.cancelled && task.outstanding_checks().next().is_some()
            }
            _ => task.is_open(),
        })
}

/// Adds or changes a task.
pub(crate) fn put(unit: &mut Unit, task: ApprovalTask) {
    unit.changed_approvals.insert(task.approval_id);
    unit.approvals.insert(task.approval_id, task);
}
