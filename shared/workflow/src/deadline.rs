//! What falls due: every deadline is a row, acted on exactly once, whatever the clock does.
//!
//! Steps schedule and settle deadlines in the unit that changes what they are about, so that none
//! is left over and none is forgotten. A scheduler looks for rows that are due and unsettled, opens
//! a unit for each and calls [`act`], which decides again under lock: a clock that jumped ahead and
//! back, a restart or a second scheduler change nothing.

use crate::{
    approvals, call_off, clocks, hold,
    key::ReferralKey,
    occupancy::Claim,
    refusal::Refusal,
    unit::{Context, ReferralHead, Unit},
    world::World,
};
use chrono::{DateTime, Utc};
use oss_domain::{
    ApprovalId, AuthorityCode, ConditionId, DeadlineId, HoldId, OfferId, PlacementId, ReferralId,
    codes,
};

codes! {
    /// What kind of thing falls due.
    pub enum DeadlineKind {
        /// A provider's time to answer is over.
        RespondBy = "respond_by",
        /// A wave of approaches is over.
        WaveEnds = "wave_ends",
        /// A hold releases itself.
        HoldExpires = "hold_expires",
        /// An approval should have been recorded.
        ApprovalDue = "approval_due",
        /// A condition should have been met.
        ConditionDue = "condition_due",
        /// Consultations that an emergency put off must be recorded (reg 11(3): five working days).
        ConsultationDue = "consultation_due",
        /// A placement outside the terms of approval must end (reg 23: six working days).
        OutsideTermsEnds = "outside_terms_ends",
        /// A connected person's temporary approval will end soon.
        TemporaryApprovalReminder = "temporary_approval_reminder",
        /// A connected person's temporary approval ends (regs 24 and 25).
        TemporaryApprovalEnds = "temporary_approval_ends",
        /// A placement is to be reviewed (reg 33).
        ReviewDue = "review_due",
    }
}

/// What falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Due {
    /// See [`DeadlineKind::RespondBy`].
    RespondBy(OfferId),
    /// See [`DeadlineKind::WaveEnds`]; of the deadline's referral.
    WaveEnds,
    /// See [`DeadlineKind::HoldExpires`].
    HoldExpires(HoldId),
    /// See [`DeadlineKind::ApprovalDue`].
    ApprovalDue(ApprovalId),
    /// See [`DeadlineKind::ConditionDue`].
    ConditionDue(ConditionId),
    /// See [`DeadlineKind::ConsultationDue`].
    ConsultationDue(ApprovalId),
    /// See [`DeadlineKind::OutsideTermsEnds`].
    OutsideTermsEnds(PlacementId),
    /// See [`DeadlineKind::TemporaryApprovalReminder`].
    TemporaryApprovalReminder(PlacementId),
    /// See [`DeadlineKind::TemporaryApprovalEnds`].
    TemporaryApprovalEnds(PlacementId),
    /// See [`DeadlineKind::ReviewDue`].
    ReviewDue(PlacementId),
}

impl Due {
    /// What kind of thing it is.
    #[must_use]
    pub const fn kind(self) -> DeadlineKind {
        match self {
            Self::RespondBy(_) => DeadlineKind::RespondBy,
            Self::WaveEnds => DeadlineKind::WaveEnds,
            Self::HoldExpires(_) => DeadlineKind::HoldExpires,
            Self::ApprovalDue(_) => DeadlineKind::ApprovalDue,
            Self::ConditionDue(_) => DeadlineKind::ConditionDue,
            Self::ConsultationDue(_) => DeadlineKind::ConsultationDue,
            Self::OutsideTermsEnds(_) => DeadlineKind::OutsideTermsEnds,
            Self::TemporaryApprovalReminder(_) => DeadlineKind::TemporaryApprovalReminder,
            Self::TemporaryApprovalEnds(_) => DeadlineKind::TemporaryApprovalEnds,
            Self::ReviewDue(_) => DeadlineKind::ReviewDue,
        }
    }

    /// The id of the thing, as it is stored.
    #[must_use]
    pub const fn thing(&self) -> Option<&[u8; 16]> {
        match self {
            Self::WaveEnds => None,
            Self::RespondBy(id) => Some(id.as_bytes()),
            Self::HoldExpires(id) => Some(id.as_bytes()),
            Self::ApprovalDue(id) | Self::ConsultationDue(id) => Some(id.as_bytes()),
            Self::ConditionDue(id) => Some(id.as_bytes()),
            Self::OutsideTermsEnds(id)
            | Self::TemporaryApprovalReminder(id)
            | Self::TemporaryApprovalEnds(id)
            | Self::ReviewDue(id) => Some(id.as_bytes()),
        }
    }

    /// Reads what was stored as `kind` and `thing`.
    #[must_use]
    pub fn from_parts(kind: DeadlineKind, thing: Option<[u8; 16]>) -> Option<Self> {
        Some(match (kind, thing) {
            (DeadlineKind::WaveEnds, _) => Self::WaveEnds,
            (_, None) => return None,
            (DeadlineKind::RespondBy, Some(id)) => Self::RespondBy(OfferId::from_bytes(id)),
            (DeadlineKind::HoldExpires, Some(id)) => Self::HoldExpires(HoldId::from_bytes(id)),
            (DeadlineKind::ApprovalDue, Some(id)) => Self::ApprovalDue(ApprovalId::from_bytes(id)),
            (DeadlineKind::ConditionDue, Some(id)) => {
                Self::ConditionDue(ConditionId::from_bytes(id))
            }
            (DeadlineKind::ConsultationDue, Some(id)) => {
                Self::ConsultationDue(ApprovalId::from_bytes(id))
            }
            (DeadlineKind::OutsideTermsEnds, Some(id)) => {
                Self::OutsideTermsEnds(PlacementId::from_bytes(id))
            }
            (DeadlineKind::TemporaryApprovalReminder, Some(id)) => {
                Self::TemporaryApprovalReminder(PlacementId::from_bytes(id))
            }
            (DeadlineKind::TemporaryApprovalEnds, Some(id)) => {
                Self::TemporaryApprovalEnds(PlacementId::from_bytes(id))
            }
            (DeadlineKind::ReviewDue, Some(id)) => Self::ReviewDue(PlacementId::from_bytes(id)),
        })
    }
}

/// Something that falls due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Its id.
    pub deadline_id: DeadlineId,
    /// The authority.
    pub authority: AuthorityCode,
    /// The referral it belongs to.
    pub referral: ReferralKey,
    /// The referral's id.
    pub referral_id: ReferralId,
    /// What falls due.
    pub due: Due,
    /// When.
    pub due_at: DateTime<Utc>,
    /// When it was acted on, or no longer mattered.
    pub settled_at: Option<DateTime<Utc>>,
}

impl Deadline {
    /// Whether it is to be acted on at `now`.
    #[must_use]
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.settled_at.is_none() && self.due_at <= now
    }
}

/// Does what is due, exactly once: whether it did anything.
///
/// `ranking` is the current run of the deadline's referral; only the end of a wave needs it.
///
/// # Errors
/// `ranking_changed` where the run is not current any more: the deadline stays due.
pub fn act(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    deadline_id: DeadlineId,
    ranking: Option<&call_off::Ranking>,
) -> Result<bool, Refusal> {
    let deadline = unit.deadlines.get(&deadline_id).cloned();
    let Some(deadline) = deadline.filter(|it| it.is_due(context.now)) else {
        return Ok(false);
    };
    let record = |unit: &mut Unit, context: &Context<'_, '_>, thing: &dyn std::fmt::Display| {
        let act = deadline.due.kind().as_str();
        unit.record(
            context,
            deadline.authority,
            Some(deadline.referral),
            act,
            thing,
            None,
        );
    };
    match deadline.due {
        Due::WaveEnds => {
            if let Some(later) = call_off::wave_ended(unit, context, world, &deadline, ranking)? {
                put(
                    unit,
                    Deadline {
                        due_at: later,
                        ..deadline
                    },
                );
                return Ok(true);
            }
        }
        Due::RespondBy(offer_id) => call_off::expire(unit, context, offer_id),
        Due::HoldExpires(hold_id) => {
            let held = unit.occupancies.get(&hold_id);
            if held.is_some_and(|it| it.is_live() && it.claim == Claim::Held) {
                hold::release(unit, context, hold_id, "expired", None)?;
            }
        }
        Due::ApprovalDue(id) | Due::ConsultationDue(id) => {
            if approvals::is_outstanding(unit, id, deadline.due) {
                record(unit, context, &id);
            }
        }
        Due::ConditionDue(id) => record(unit, context, &id),
        Due::OutsideTermsEnds(id)
        | Due::TemporaryApprovalReminder(id)
        | Due::TemporaryApprovalEnds(id) => record(unit, context, &id),
        Due::ReviewDue(id) => {
            record(unit, context, &id);
            clocks::schedule_next_review(unit, context, id, deadline.due_at);
        }
    }
    settle_one(unit, context, deadline_id);
    Ok(true)
}

/// Lets something fall due at `due_at`.
pub(crate) fn schedule(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    referral: &ReferralHead,
    due: Due,
    due_at: DateTime<Utc>,
) {
    let deadline_id = DeadlineId::generate(context.ids);
    let deadline = Deadline {
        deadline_id,
        authority: referral.authority,
        referral: referral.key,
        referral_id: referral.referral_id.clone(),
        due,
        due_at,
        settled_at: None,
    };
    put(unit, deadline);
}

/// Settles every open deadline of the unit that is about something `which` picks.
pub(crate) fn settle(unit: &mut Unit, context: &Context<'_, '_>, which: impl Fn(Due) -> bool) {
    let open = unit
        .deadlines
        .values()
        .filter(|it| it.settled_at.is_none() && which(it.due));
    for deadline_id in open.map(|it| it.deadline_id).collect::<Vec<_>>() {
        settle_one(unit, context, deadline_id);
    }
}

/// Settles every open deadline of a referral that is about something `which` picks.
pub(crate) fn settle_of(
    unit: &mut Unit,
    context: &Context<'_, '_>,
    referral: ReferralKey,
    which: impl Fn(Due) -> bool,
) {
    let open = unit.deadlines.values();
    let open =
        open.filter(|it| it.settled_at.is_none() && it.referral == referral && which(it.due));
    for deadline_id in open.map(|it| it.deadline_id).collect::<Vec<_>>() {
        settle_one(unit, context, deadline_id);
    }
}

/// Adds or changes a deadline.
pub(crate) fn put(unit: &mut Unit, deadline: Deadline) {
    unit.changed_deadlines.insert(deadline.deadline_id);
    unit.deadlines.insert(deadline.deadline_id, deadline);
}

fn settle_one(unit: &mut Unit, context: &Context<'_, '_>, deadline_id: DeadlineId) {
    if let Some(deadline) = unit.deadlines.get_mut(&deadline_id) {
        deadline.settled_at = Some(context.now);
        unit.changed_deadlines.insert(deadline_id);
    }
}
