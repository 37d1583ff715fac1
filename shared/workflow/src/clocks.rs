//! The statutory clocks that a placement's start lets run.

use crate::{
    calendar, call_off,
    deadline::{self, Due},
    offer::Pair,
    placement::{Placement, PlacementState, find, put},
    refusal::Refusal,
    unit::{Context, Unit},
    world::World,
};
use chrono::{DateTime, Months, NaiveDate, TimeDelta, Utc};
use oss_domain::{Approval, PlacementId};

/// Working days to the first review (reg 33).
const FIRST_REVIEW_WORKING_DAYS: u32 = 20;

/// Lets the statutory clocks of a placement run.
pub(crate) fn start(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    pair: &Pair,
    placement: &mut Placement,
    codes: &[Approval],
) {
    let (referral, id, clocks) = (
        &pair.referral,
        placement.placement_id,
        world.policy.clocks(),
    );
    let review = calendar::working_days_after(placement.starts_on, FIRST_REVIEW_WORKING_DAYS);
    let mut ends = vec![(Due::ReviewDue(id), review)];
    if codes.contains(&Approval::A08) {
        let days = clocks.emergency_outside_terms_working_days;
        let last = calendar::working_days_after(placement.starts_on, days);
        ends.push((Due::OutsideTermsEnds(id), last));
    }
    if codes.contains(&Approval::A09) {
        let last = calendar::weeks_after(placement.starts_on, clocks.connected_person_weeks);
        placement.temporary_until = Some(last);
        temporary_approval(world, id, last, &mut ends);
    }
    for (due, day) in ends {
        deadline::schedule(unit, context, referral, due, calendar::end_of(day));
    }
}

fn temporary_approval(
    world: &World<'_>,
    id: PlacementId,
    last: NaiveDate,
    ends: &mut Vec<(Due, NaiveDate)>,
) {
    for days in &world.policy.clocks().connected_person_reminder_days {
        let day = last - TimeDelta::days(i64::from(*days));
        ends.push((Due::TemporaryApprovalReminder(id), day));
    }
    ends.push((Due::TemporaryApprovalEnds(id), last));
}

/// Extends a connected person's temporary approval, once (reg 25): the new last day.
///
/// # Errors
/// `not_temporary`; `already_extended`; `too_late` once it has ended.
pub fn extend_temporary_approval(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    placement_id: PlacementId,
    reason: String,
) -> Result<NaiveDate, Refusal> {
    call_off::person(context)?;
    let placement = find(unit, placement_id)?;
    let refuse = |code, why: &str| {
        Err(Refusal::Conflict {
            code,
            why: why.to_owned(),
        })
    };
    let Some(last) = placement
        .temporary_until
        .filter(|_| placement.state == PlacementState::Started)
    else {
        return refuse("not_temporary", "no temporary approval is running");
    };
    if placement.temporary_extended {
        return refuse("already_extended", "it can be extended once only (reg 25)");
    }
    if calendar::end_of(last) <= context.now {
        return refuse("too_late", "the temporary approval has ended");
    }
    let Some(referral) = unit.referral(placement.referral).cloned() else {
        return Err(Refusal::NotFound {
            what: format!("placement {placement_id}"),
        });
    };
    let weeks = world.policy.clocks().connected_person_extension_weeks;
    let last = calendar::weeks_after(last, weeks);
    deadline::settle(unit, context, |due| {
        due == Due::TemporaryApprovalEnds(placement_id)
            || due == Due::TemporaryApprovalReminder(placement_id)
    });
    let mut ends = Vec::new();
    temporary_approval(world, placement_id, last, &mut ends);
    for (due, day) in ends {
        deadline::schedule(unit, context, &referral, due, calendar::end_of(day));
    }
    let (authority, key) = (placement.authority, Some(placement.referral));
    put(
        unit,
        Placement {
            temporary_until: Some(last),
            temporary_extended: true,
            ..placement
        },
    );
    unit.record(
        context,
        authority,
        key,
        "temporary_approval.extended",
        placement_id,
        Some(reason),
    );
    Ok(last)
}

/// After a review comes the next: three months after the first, then every six (reg 33).
pub(crate) fn schedule_next_review(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    placement_id: PlacementId,
    was_due: DateTime<Utc>,
) {
    let placement = unit.placements.get(&placement_id);
    let Some(placement) = placement.filter(|it| it.state == PlacementState::Started) else {
        return;
    };
    let day = calendar::today(was_due - TimeDelta::hours(1));
    let first = calendar::working_days_after(placement.starts_on, FIRST_REVIEW_WORKING_DAYS);
    let months = if day <= first { 3 } else { 6 };
    let next = day
        .checked_add_months(Months::new(months))
        .unwrap_or(NaiveDate::MAX);
    let Some(referral) = unit.referral(placement.referral).cloned() else {
        return;
    };
    deadline::schedule(
        unit,
        context,
        &referral,
        Due::ReviewDue(placement_id),
        calendar::end_of(next),
    );
}
