//! Asking providers: one offer by name, or in waves by how the place is come by.
//!
//! Never "send to all": a wave asks a few providers of the nearest tier (own, block, framework,
//! spot) in the order of the ranking; the next opens when its time is over or nobody is left to
//! wait for. A person begins a call-off, and is named on every approach.

mod policy;

pub use policy::{CallOff, CallOffError};

use crate::{
    conditions,
    deadline::{self, Deadline, Due},
    event::{Event, Profile},
    hold,
    key::ReferralKey,
    occupancy::Claim,
    offer::{self, OfferHead, OfferState, Pair},
    placement,
    refusal::Refusal,
    unit::{Actor, Context, ReferralHead, Unit},
    world::{Judge, World},
};
use chrono::{DateTime, Utc};
use oss_domain::{
    AuthorityCode, FieldError, OfferId, Referral, ReferralId, RunId, SettingId,
    lifecycle::ReferralState, referral::Urgency, setting::Sourcing,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The order that the current run of a referral put the settings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// The run.
    pub run_id: RunId,
    /// The ranked settings, the best first.
    pub order: Vec<SettingId>,
}

impl Ranking {
    /// Refuses where this is not the referral's current run: whoever read it reads it again.
    pub(crate) fn must_be_current(&self, head: &ReferralHead) -> Result<(), Refusal> {
        if head.run.is_some_and(|run| run.run_id == self.run_id) {
            return Ok(());
        }
        Err(Refusal::Conflict {
            code: "ranking_changed",
            why: "the offers were ranked again meanwhile; look at the new list".to_owned(),
        })
    }
}

/// Asks one offer's provider. Whether that is new: an offer that waits for its answer, or has a
/// good one, is left as it is.
///
/// # Errors
/// `not_open`, `not_ranked`, `place_gone`, `not_lawful_any_more`; a time to answer in the past; an
/// actor who is not a person.
pub fn approach(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    offer_id: OfferId,
    respond_by: Option<DateTime<Utc>>,
) -> Result<bool, Refusal> {
    let by = person(context)?;
    let pair = Pair::open(unit, world, offer_id)?;
    must_be_ranked(&pair.referral)?;
    let head = pair.head(unit, world);
    if head.state.is_live() {
        return Ok(false);
    }
    if respond_by.is_some_and(|at| at <= context.now) {
        let error = FieldError::new("/respond_by", "not_in_future", "must be in the future");
        return Err(Refusal::Invalid(vec![error]));
    }
    let judge = Judge::new(world, &pair.referral)?;
    judge.judge(unit, &pair.setting, context.now)?;
    let respond_by = respond_by.unwrap_or_else(|| {
        world
            .call_off
            .respond_by(judge.referral().urgency, context.now)
    });
    let profile = Arc::new(Profile::of(judge.referral()));
    ask(
        unit,
        context,
        &pair.referral,
        head,
        Asked {
            by,
            profile,
            respond_by,
            wave: 0,
        },
    );
    Ok(true)
}

/// Opens the next wave, which a person may do before the last is over: how many were asked.
///
/// The referral's ranked settings are part of the unit.
///
/// # Errors
/// `not_open`, `not_ranked`, `ranking_changed`; an actor who is not a person.
pub fn approach_wave(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    at: &(AuthorityCode, ReferralId),
    ranking: &Ranking,
) -> Result<usize, Refusal> {
    let by = person(context)?;
    let head = unit.referrals.get(at).cloned();
    let head = head.ok_or_else(|| Refusal::NotFound {
        what: format!("referral {}", at.1),
    })?;
    must_be_ranked(&head)?;
    ranking.must_be_current(&head)?;
    open_wave(unit, context, world, &head, ranking, &by)
}

/// What a wave's end leads to: the next one, or nothing where a provider has accepted or the
/// referral is closed. Gives a later time where it is to wait for the end of the quiet hours.
pub(crate) fn wave_ended(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    deadline: &Deadline,
    ranking: Option<&Ranking>,
) -> Result<Option<DateTime<Utc>>, Refusal> {
    let Some(head) = unit.referral(deadline.referral).cloned() else {
        return Ok(None);
    };
    let offers = || unit.offers.values().filter(|it| it.referral == head.key);
    let accepted = offers().any(|it| it.state == OfferState::Accepted);
    let last = offers().max_by_key(|it| it.wave).filter(|it| it.wave > 0);
    let (true, false, Some(referral), Some(by)) = (
        head.state.is_open(),
        accepted,
        head.referral.clone(),
        last.and_then(|it| it.approached_by.clone()),
    ) else {
        return Ok(None);
    };
    let awake = world.call_off.awake(context.now);
    if referral.urgency != Urgency::Emergency && awake > context.now {
        return Ok(Some(awake));
    }
    let Some(ranking) = ranking else {
        return Err(Refusal::NotKnownYet {
            what: "the ranking".to_owned(),
        });
    };
    ranking.must_be_current(&head)?;
    match open_wave(unit, context, world, &head, ranking, &by) {
        // It cannot be ranked any more, such as after a change of policy: a person looks at it.
        Err(Refusal::Invalid(_)) => {
            let (authority, key) = (head.authority, Some(head.key));
            let referral_id = &head.referral_id;
            unit.record(
                context,
                authority,
                key,
                "call_off.stopped",
                referral_id,
                None,
            );
        }
        opened => drop(opened?),
    }
    Ok(None)
}

/// Asks the next few offers of the nearest tier that has any left; of several at once in an emergency.
fn open_wave(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    referral: &ReferralHead,
    ranking: &Ranking,
    by: &Arc<str>,
) -> Result<usize, Refusal> {
    let judge = Judge::new(world, referral)?;
    let mut tiers: BTreeMap<u8, Vec<OfferHead>> = BTreeMap::new();
    for setting_id in &ranking.order {
        let at = (referral.authority, setting_id.clone());
        let setting = unit.settings.get(&at);
        let Some(pair) = setting.and_then(|setting| Pair::of(world, referral, setting)) else {
            continue;
        };
        let head = pair.head(unit, world);
        if head.state == OfferState::Proposed
            && judge.judge(unit, &pair.setting, context.now).is_ok()
        {
            tiers.entry(tier(head.sourcing)).or_default().push(head);
        }
    }
    let urgency = judge.referral().urgency;
    let respond_by = world.call_off.respond_by(urgency, context.now);
    let profile = Arc::new(Profile::of(judge.referral()));
    let asked = unit
        .offers
        .values()
        .filter(|it| it.referral == referral.key);
    let wave = asked.map(|it| it.wave).max().unwrap_or(0).saturating_add(1);
    let n_tiers = if urgency == Urgency::Emergency && wave == 1 {
        world.call_off.emergency_tiers
    } else {
        1
    };
    let chosen: Vec<OfferHead> = tiers
        .into_values()
        .take(n_tiers)
        .flat_map(|tier| tier.into_iter().take(world.call_off.wave_size))
        .collect();
    let n = chosen.len();
    deadline::settle_of(unit, context, referral.key, |due| due == Due::WaveEnds);
    for head in chosen {
        let asked = Asked {
            by: by.clone(),
            profile: profile.clone(),
            respond_by,
            wave,
        };
        ask(unit, context, referral, head, asked);
    }
    let act = if n > 0 {
        "call_off.wave_opened"
    } else {
        "call_off.exhausted"
    };
    unit.record(
        context,
        referral.authority,
        Some(referral.key),
        act,
        wave,
        None,
    );
    if n > 0 {
        deadline::schedule(unit, context, referral, Due::WaveEnds, respond_by);
    }
    Ok(n)
}

/// How near a place is to the council's own: own, block, framework, spot.
const fn tier(sourcing: Sourcing) -> u8 {
    match sourcing {
        Sourcing::Connected | Sourcing::InHouse => 0,
        Sourcing::Block => 1,
        Sourcing::Framework => 2,
        Sourcing::Spot => 3,
    }
}

/// An approach: who asks, what is told, until when.
struct Asked {
    by: Arc<str>,
    profile: Arc<Profile>,
    respond_by: DateTime<Utc>,
    wave: u16,
}

fn ask(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    referral: &ReferralHead,
    head: OfferHead,
    asked: Asked,
) {
    let Asked {
        by,
        profile,
        respond_by,
        wave,
    } = asked;
    let (offer_id, authority) = (head.offer_id, head.authority);
    let event = Event::OfferApproached {
        authority,
        offer_id,
        provider_id: head.provider_id.clone(),
        setting_id: head.setting_id.clone(),
        reference: head.reference.clone(),
        profile,
        respond_by,
    };
    let head = OfferHead {
        state: OfferState::Approached,
        run_id: referral.run.map(|run| run.run_id),
        approached_at: Some(context.now),
        approached_by: Some(by),
        respond_by: Some(respond_by),
        wave,
        answered_at: None,
        terms: offer::Terms::default(),
        ..head
    };
    offer::put(unit, head);
    deadline::schedule(
        unit,
        context,
        referral,
        Due::RespondBy(offer_id),
        respond_by,
    );
    unit.set_state(referral.key, ReferralState::InCallOff);
    unit.record(
        context,
        authority,
        Some(referral.key),
        "offer.approached",
        offer_id,
        None,
    );
    unit.announce(context, event);
}

/// Tells the providers that still have time to answer what they may know of a revision: the same
/// approach again, with the profile as it is now. Where the profile is the same they hear nothing.
pub(crate) fn tell_revised(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    referral: ReferralKey,
    before: &Referral,
    now: &Referral,
) {
    let profile = Profile::of(now);
    if profile == Profile::of(before) {
        return;
    }
    let profile = Arc::new(profile);
    let waiting = unit
        .offers
        .values()
        .filter(|it| it.referral == referral && it.state == OfferState::Approached);
    for head in waiting.cloned().collect::<Vec<_>>() {
        let Some(respond_by) = head.respond_by.filter(|by| *by > context.now) else {
            continue;
        };
        let (authority, offer_id) = (head.authority, head.offer_id);
        let act = "offer.profile_revised";
        unit.record(context, authority, Some(referral), act, offer_id, None);
        unit.announce(
            context,
            Event::OfferApproached {
                authority,
                offer_id,
                provider_id: head.provider_id,
                setting_id: head.setting_id,
                reference: head.reference,
                profile: profile.clone(),
                respond_by,
            },
        );
    }
}

/// An approach has waited long enough.
pub(crate) fn expire(unit: &mut Unit, context: &mut Context<'_, '_>, offer_id: OfferId) {
    let head = unit.offers.get(&offer_id).cloned();
    let Some(head) = head.filter(|it| it.state == OfferState::Approached) else {
        return;
    };
    let (authority, referral, provider_id) =
        (head.authority, head.referral, head.provider_id.clone());
    offer::put(
        unit,
        OfferHead {
            state: OfferState::Expired,
            ..head
        },
    );
    unit.record(
        context,
        authority,
        Some(referral),
        "offer.expired",
        offer_id,
        None,
    );
    unit.announce(
        context,
        Event::OfferExpired {
            authority,
            offer_id,
            provider_id,
        },
    );
    look_further(unit, context, referral);
}

/// Lets the next wave open at once where nobody is left to wait for.
pub(crate) fn look_further(unit: &mut Unit, context: &mut Context<'_, '_>, referral: ReferralKey) {
    let offers = || unit.offers.values().filter(|it| it.referral == referral);
    let in_waves = offers().any(|it| it.wave > 0);
    if !in_waves || offers().any(|it| it.state.is_live()) {
        return;
    }
    let Some(head) = unit
        .referral(referral)
        .filter(|it| it.state.is_open())
        .cloned()
    else {
        return;
    };
    deadline::settle_of(unit, context, referral, |due| due == Due::WaveEnds);
    deadline::schedule(unit, context, &head, Due::WaveEnds, context.now);
}

/// Takes back an approach, by a person's decision: whether there was one.
///
/// # Errors
/// `already_decided` where the offer was selected.
pub fn withdraw(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    offer_id: OfferId,
) -> Result<bool, Refusal> {
    let head = unit.offers.get(&offer_id);
    let head = head.ok_or_else(|| Refusal::NotFound {
        what: format!("offer {offer_id}"),
    })?;
    let referral = head.referral;
    match head.state {
        OfferState::Selected => Err(Refusal::Conflict {
            code: "already_decided",
            why: "the offer was selected; end its placement instead".to_owned(),
        }),
        state if !state.is_live() => Ok(false),
        _ => {
            if let Some((hold_id, _)) = hold::held_for(unit, offer_id) {
                hold::release(unit, context, hold_id, "offer_withdrawn", None)?;
            }
            deadline::settle(unit, context, |due| due == Due::RespondBy(offer_id));
            offer::close(unit, context, offer_id, OfferState::Withdrawn, "withdrawn");
            look_further(unit, context, referral);
            Ok(true)
        }
    }
}

/// Takes back all that was begun for a referral that needs no home any more: approaches, holds, a
/// placement that has not started, approvals, deadlines.
///
/// `why` is a stable code, such as `referral_withdrawn`.
pub(crate) fn wind_up(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    referral: ReferralKey,
    why: &'static str,
) {
    placement::cancel(unit, context, referral, why);
    close_offers(unit, context, referral, OfferState::Withdrawn, why);
    release_holds(unit, context, |it| it.referral == referral, why);
    conditions::let_go(unit, context, |it| it.referral == referral, why);
    deadline::settle_of(unit, context, referral, |_| true);
}

/// Takes back the live offers on a setting that has left supply, and frees the places held there.
///
/// A placement that was agreed stays: it cannot start there, and a person decides what follows.
pub(crate) fn setting_closed(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    at: &(AuthorityCode, SettingId),
) {
    let Some(setting) = unit.settings.get(at).map(|head| head.key) else {
        return;
    };
    let why = "setting_closed";
    let here = unit.offers.values().filter(|it| it.setting == setting);
    let here: BTreeSet<_> = here.map(|it| it.offer_id).collect();
    conditions::let_go(unit, context, |it| here.contains(&it.offer_id), why);
    release_holds(unit, context, |it| it.setting == setting, why);
    let live = unit.offers.values().filter(|it| {
        it.setting == setting && (it.state.is_live() || it.state == OfferState::Proposed)
    });
    for (offer_id, referral) in live
        .map(|it| (it.offer_id, it.referral))
        .collect::<Vec<_>>()
    {
        deadline::settle(unit, context, |due| due == Due::RespondBy(offer_id));
        offer::close(unit, context, offer_id, OfferState::Withdrawn, why);
        look_further(unit, context, referral);
    }
}

/// Ends the referral's offers that are still open as `state`; accepted ones are not selected.
pub(crate) fn close_offers(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    referral: ReferralKey,
    state: OfferState,
    why: &'static str,
) {
    let open = unit.offers.values().filter(|it| {
        it.referral == referral && (it.state.is_live() || it.state == OfferState::Proposed)
    });
    for offer_id in open.map(|it| it.offer_id).collect::<Vec<_>>() {
        offer::close(unit, context, offer_id, state, why);
    }
}

/// Frees the held places that `which` picks.
pub(crate) fn release_holds(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    which: impl Fn(&crate::occupancy::Occupancy) -> bool,
    why: &'static str,
) {
    let held = unit.occupancies.values();
    let held = held.filter(|it| it.is_live() && it.claim == Claim::Held && which(it));
    for hold_id in held.map(|it| it.hold_id).collect::<Vec<_>>() {
        // A live hold that is still a hold can be released.
        let _released = hold::release(unit, context, hold_id, why, None);
    }
}

/// The person who acts.
pub(crate) fn person(context: &Context<'_, '_>) -> Result<Arc<str>, Refusal> {
    match &context.actor {
        Actor::Person(user) => Ok(user.clone()),
        Actor::Producer(_) | Actor::Service(_) => Err(Refusal::Conflict {
            code: "needs_a_person",
            why: "only a person may decide this".to_owned(),
        }),
    }
}

fn must_be_ranked(referral: &ReferralHead) -> Result<(), Refusal> {
    hold::must_be_open(referral)?;
    if referral.run.is_some() {
        return Ok(());
    }
    Err(Refusal::Conflict {
        code: "not_ranked",
        why: "the referral has not been ranked yet".to_owned(),
    })
}
