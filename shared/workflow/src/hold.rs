//! Keeping a place for a referral for a while.

use crate::{
    deadline::{self, Due},
    event::Event,
    key::ReferralKey,
    occupancy::{Claim, Occupancy, Occupant, put},
    offer::{self, OfferState, Pair},
    refusal::Refusal,
    unit::{Context, ReferralHead, Unit},
    world::{Judge, Lawful, World},
};
use chrono::{DateTime, TimeDelta, Utc};
use oss_domain::{Child, HoldId, OfferId, Referral};

/// A place that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The hold.
    pub hold_id: HoldId,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// Keeps the offer's place for its referral, for as long as the policy says.
///
/// A hold that the offer has already is answered as it is.
///
/// # Errors
/// `place_gone` or `not_lawful_any_more` by what is true now; `child_held_elsewhere`; `not_open`.
pub fn hold(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    offer_id: OfferId,
    reason: Option<String>,
) -> Result<Kept, Refusal> {
    let pair = Pair::open(unit, world, offer_id)?;
    must_be_open(&pair.referral)?;
    if let Some((hold_id, until)) = held_for(unit, offer_id) {
        return Ok(Kept { hold_id, until });
    }
    let lawful = may_hold(unit, world, &pair, context.now)?;
    let head = pair.head(unit, world);
    let was_only_held = head.approached_at.is_none();
    let state = if was_only_held {
        OfferState::Proposed
    } else {
        head.state
    };
    offer::put(unit, offer::OfferHead { state, ..head });
    Ok(keep(unit, context, world, &pair, lawful, reason))
}

/// Whether a place may be kept for the pair now.
pub(crate) fn may_hold(
    unit: &Unit,
    world: &World<'_>,
    pair: &Pair,
    now: DateTime<Utc>,
) -> Result<Lawful, Refusal> {
    let judge = Judge::new(world, &pair.referral)?;
    let lawful = judge.judge(unit, &pair.setting, now)?;
    must_be_nowhere_else(unit, judge.referral(), |_| false)?;
    Ok(lawful)
}

/// Refuses where a place is taken for one of the referral's children already, but for those that
/// `except` picks.
pub(crate) fn must_be_nowhere_else(
    unit: &Unit,
    referral: &Referral,
    except: impl Fn(&Occupancy) -> bool,
) -> Result<(), Refusal> {
    let same = |it: &Occupant| {
        referral
            .children
            .iter()
            .any(|child| child.child_id == it.child_id)
    };
    let is_taken = |it: &Occupancy| {
        it.is_live()
            && !except(it)
            && (it.referral_id == referral.referral_id || it.occupants.iter().any(same))
    };
    if !unit.occupancies.values().any(is_taken) {
        return Ok(());
    }
    Err(Refusal::Conflict {
        code: "child_held_elsewhere",
        why: "a place is taken for the child already; release it first".to_owned(),
    })
}

/// Keeps a place that may be kept.
pub(crate) fn keep(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    pair: &Pair,
    lawful: Lawful,
    reason: Option<String>,
) -> Kept {
    let hours = pair
        .referral
        .referral
        .as_ref()
        .map_or(0, |it| world.policy.hold_hours(it.urgency));
    let until = context.now + TimeDelta::hours(i64::from(hours));
    let hold_id = HoldId::generate(context.ids);
    let occupancy = occupancy(pair, hold_id, lawful.places, context.now);
    let (authority, referral) = (pair.referral.authority, pair.referral.key);
    let (offer_id, referral_id) = (pair.offer_id, pair.referral.referral_id.clone());
    let setting_id = occupancy.setting_id.clone();
    put(
        unit,
        Occupancy {
            until: Some(until),
            ..occupancy
        },
    );
    deadline::schedule(
        unit,
        context,
        &pair.referral,
        Due::HoldExpires(hold_id),
        until,
    );
    unit.record(
        context,
        authority,
        Some(referral),
        "place.held",
        &setting_id,
        reason,
    );
    let event = Event::PlaceHeld {
        authority,
        hold_id,
        offer_id,
        referral_id,
        setting_id,
        until,
    };
    unit.announce(context, event);
    Kept { hold_id, until }
}

/// An occupancy of the pair, held without an end.
pub(crate) fn occupancy(
    pair: &Pair,
    hold_id: HoldId,
    places: Vec<u16>,
    now: DateTime<Utc>,
) -> Occupancy {
    let referral = &pair.referral;
    let revision = referral.referral.as_deref();
    Occupancy {
        hold_id,
        authority: referral.authority,
        referral: referral.key,
        referral_id: referral.referral_id.clone(),
        setting: pair.setting.key,
        setting_id: pair.entry.setting_id.clone(),
        offer_id: pair.offer_id,
        claim: Claim::Held,
        placement_id: None,
        places,
        occupants: revision.map(occupants_of).unwrap_or_default(),
        since: now,
        until: None,
        ended: None,
    }
}

/// The children of a referral, as a place knows them.
#[must_use]
pub fn occupants_of(referral: &Referral) -> Vec<Occupant> {
    let children = referral.children.iter().zip(referral.ages());
    let occupant = |(child, age): (&Child, u8)| Occupant {
        child_id: child.child_id.clone(),
        sex: child.sex,
        age,
    };
    children.map(occupant).collect()
}

/// After a revision: lets go of a place that is kept for a group which is another by now. Whoever
/// wants it for the new group holds it again.
pub(crate) fn follow_revision(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    referral: &Referral,
    key: ReferralKey,
) {
    let group = occupants_of(referral);
    let outdated = |it: &Occupancy| it.referral == key && it.occupants != group;
    crate::call_off::release_holds(unit, context, outdated, "referral_changed");
}

/// Frees a kept place for everyone whose referral it matters to, and settles its deadline.
///
/// `why` is a stable code, such as `released`. A hold that has ended already is left as it is: the
/// answer is `false`.
///
/// # Errors
/// [`Refusal::NotFound`]; `already_agreed` where the hold has become a placement.
pub fn release(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    hold_id: HoldId,
    why: &'static str,
    reason: Option<String>,
) -> Result<bool, Refusal> {
    let released = crate::occupancy::release(unit, context, hold_id, why, reason)?;
    deadline::settle(unit, context, |due| due == Due::HoldExpires(hold_id));
    Ok(released)
}

/// The hold that an offer has.
pub(crate) fn held_for(unit: &Unit, offer_id: OfferId) -> Option<(HoldId, DateTime<Utc>)> {
    unit.occupancies
        .values()
        .find(|it| it.is_live() && it.offer_id == offer_id && it.claim == Claim::Held)
        .and_then(|it| Some((it.hold_id, it.until?)))
}

/// Refuses where a home is not looked for any more.
pub(crate) fn must_be_open(referral: &ReferralHead) -> Result<(), Refusal> {
    if referral.state.is_open() {
        return Ok(());
    }
    Err(Refusal::Conflict {
        code: "not_open",
        why: format!("the referral is {} and needs no place", referral.state),
    })
}
