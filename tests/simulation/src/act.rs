//! What people and the product itself do, besides taking in events.

use crate::{
    message::{Fact, Message},
    scene,
    tables::{At, Tables},
};
use chrono::{DateTime, Utc};
use oss_domain::{
    ApprovalId, ConditionId, DeadlineId, HoldId, OfferId, Pence, PlacementId, ReferralId,
    lifecycle::{Answer, DeclineReason},
    ssda903::ReasonPlaceChange,
};
use oss_workflow::{
    answer::Given,
    approvals::Word,
    conditions::{self, Outcome, Pursuit},
    decision::Choice,
    offer::{OfferState, Terms},
    placement::{Ending, PlacementState},
};
use rand::{Rng, seq::IteratorRandom};
use std::{collections::BTreeSet, sync::Arc};

/// A piece of work for a handler.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    Message(Arc<Message>),
    Act(&'static str, Act),
    Deadline(DeadlineId),
    Rank(At<ReferralId>),
}

/// What a person asks for.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Approach(OfferId),
    Wave(At<ReferralId>),
    Withdraw(OfferId),
    Hold(OfferId),
    Release(HoldId),
    Select(Choice),
    Record(ApprovalId, Word),
    Pursue(Pursuit),
    Note(ConditionId, conditions::Word),
    Start(PlacementId),
    Extend(PlacementId),
    End(PlacementId, Ending),
}

/// Something that a person may ask for at a whim, often at the wrong time.
pub(crate) fn any_act(tables: &Tables, now: DateTime<Utc>, rng: &mut impl Rng) -> Option<Work> {
    let open = tables
        .referrals
        .values()
        .filter(|head| head.state.is_open());
    let open: Vec<_> = open.collect();
    let user = if rng.random_ratio(1, 4) {
        "manager"
    } else {
        "commissioner"
    };
    let act = match rng.random_range(0..22) {
        0..=2 => Act::Approach(any_offer(tables, rng)?),
        3 | 4 => {
            let head = open.iter().choose(rng)?;
            Act::Wave((head.authority, head.referral_id.clone()))
        }
        5 => Act::Withdraw(*tables.offers.keys().choose(rng)?),
        6 | 7 => Act::Hold(any_offer(tables, rng)?),
        8 => Act::Release(tables.live().choose(rng)?.hold_id),
        9..=11 => Act::Select(any_choice(tables, rng)?),
        12..=15 => {
            let tasks = tables.approvals.values().filter(|it| it.is_open());
            Act::Record(tasks.choose(rng)?.approval_id, any_word(rng))
        }
        16 | 17 => {
            let placements = tables.placements.values();
            let agreed = placements.filter(|it| it.state == PlacementState::Agreed);
            Act::Start(agreed.choose(rng)?.placement_id)
        }
        18 => Act::Pursue(any_pursuit(tables, now, rng)?),
        19 => {
            let open = tables.conditions.values().filter(|it| it.is_open());
            Act::Note(open.choose(rng)?.condition_id, any_finding(rng))
        }
        _ => {
            let id = *tables.placements.keys().choose(rng)?;
            if rng.random_ratio(1, 3) {
                Act::Extend(id)
            } else {
                Act::End(id, any_ending(now, rng))
            }
        }
    };
    Some(Work::Act(user, act))
}

/// Mostly an offer that a run has made or that was pursued, at times any pair.
fn any_offer(tables: &Tables, rng: &mut impl Rng) -> Option<OfferId> {
    let pursued = tables.conditions.values().filter(|it| it.is_open());
    if rng.random_ratio(1, 3)
        && let Some(condition) = pursued.choose(rng)
    {
        return Some(condition.offer_id);
    }
    let open = tables
        .referrals
        .values()
        .filter(|head| head.state.is_open() && head.run.is_some());
    let head = match open.choose(rng) {
        Some(head) if rng.random_ratio(9, 10) => head,
        _ => tables.referrals.values().choose(rng)?,
    };
    let setting = if rng.random_ratio(4, 5)
        && let Some(ranking) = tables.ranking(head)
    {
        let id = ranking.order.iter().take(3).choose(rng)?.clone();
        tables.settings.get(&(head.authority, id))?
    } else {
        tables.settings.values().choose(rng)?
    };
    Some(scene::seal().seal(head.key, setting.key))
}

fn any_choice(tables: &Tables, rng: &mut impl Rng) -> Option<Choice> {
    let ready = tables
        .offers
        .values()
        .filter(|it| it.state == OfferState::Accepted);
    let offer_id = match ready.choose(rng) {
        Some(offer) if rng.random_ratio(3, 4) => offer.offer_id,
        _ => any_offer(tables, rng)?,
    };
    Some(Choice {
        offer_id,
        reason: "fits best".to_owned(),
        reason_not_first: rng
            .random_ratio(3, 4)
            .then(|| "the first is too far".to_owned()),
        starts_on: None,
    })
}

fn any_word(rng: &mut impl Rng) -> Word {
    Word {
        granted: rng.random_ratio(5, 6),
        note: "considered".to_owned(),
        confirmed: BTreeSet::new(),
    }
}

/// Mostly what a run has found would help, at times any act for any pair.
fn any_pursuit(tables: &Tables, now: DateTime<Utc>, rng: &mut impl Rng) -> Option<Pursuit> {
    let open = tables.referrals.values().filter(|it| it.state.is_open());
    let helps = open.flat_map(|head| tables.conditional(head).iter().map(move |it| (head, it)));
    let (offer_id, act) = match helps.choose(rng) {
        Some((head, (setting_id, act))) if rng.random_ratio(9, 10) => {
            let setting = tables.settings.get(&(head.authority, setting_id.clone()))?;
            (scene::seal().seal(head.key, setting.key), *act)
        }
        _ => (
            any_offer(tables, rng)?,
            *oss_domain::Act::ALL.iter().choose(rng)?,
        ),
    };
    Some(Pursuit {
        offer_id,
        act,
        task: "the team asks the panel".to_owned(),
        due_on: scene::day(now) + chrono::TimeDelta::days(rng.random_range(0..30)),
    })
}

fn any_finding(rng: &mut impl Rng) -> conditions::Word {
    conditions::Word {
        outcome: *Outcome::ALL.iter().choose(rng).unwrap_or(&Outcome::Met),
        reason: "the panel has met".to_owned(),
        evidence: "minute 7".to_owned(),
    }
}

fn any_ending(now: DateTime<Utc>, rng: &mut impl Rng) -> Ending {
    let ended_on = scene::day(now) + chrono::TimeDelta::days(rng.random_range(0..60));
    let reason = ReasonPlaceChange::ALL.iter().choose(rng);
    Ending {
        ended_on,
        reason: reason.copied().unwrap_or(ReasonPlaceChange::Other),
        planned: rng.random(),
    }
}

/// After how many facts a new referral is spoken of.
const VERSIONS_A_REFERRAL: u64 = 6;

/// Something that a register, a case system or a provider publishes.
pub(crate) fn any_fact(
    tables: &Tables,
    versions: &mut u64,
    now: DateTime<Utc>,
    rng: &mut impl Rng,
) -> Option<Fact> {
    *versions += 1;
    // Some versions are old by now, and some skip a few.
    let version = versions.saturating_sub(rng.random_range(0..4)).max(1);
    let setting = rng.random_range(0..scene::N_SETTINGS);
    // Referrals come and go: a few are spoken of at any time.
    let first = usize::try_from(*versions / VERSIONS_A_REFERRAL).unwrap_or_default();
    let referral = first + rng.random_range(0..scene::N_REFERRALS);
    let council = scene::any_council(rng);
    Some(match rng.random_range(0..32) {
        0..=4 => Fact::Setting(scene::any_setting(council, setting, version, rng).into()),
        5 => Fact::SettingClosed(council, scene::setting_id(setting), version),
        6..=8 => {
            let id = scene::setting_id(setting);
            let here = tables
                .live()
                .filter(|it| it.authority == council && it.setting_id == id);
            let placed = here.flat_map(|it| it.occupants.iter().map(|one| one.child_id.clone()));
            let placed: Vec<_> = placed.collect();
            Fact::Vacancy(scene::any_vacancy(council, setting, version, &placed, rng))
        }
        9..=14 => {
            let known = tables
                .referrals
                .get(&(council, scene::referral_id(referral)));
            let next = known.map_or(1, |head| head.revision + rng.random_range(0..3));
            Fact::Referral(scene::any_referral(council, referral, next.max(1), rng).into())
        }
        15 => Fact::ReferralWithdrawn(council, scene::referral_id(referral)),
        16 => {
            let placements = tables.placements.values();
            let started = placements.filter(|it| it.state == PlacementState::Started);
            Fact::PlacementEnded(started.choose(rng)?.placement_id, any_ending(now, rng))
        }
        _ => {
            let asked = tables
                .offers
                .values()
                .filter(|it| it.approached_at.is_some());
            let offer = asked.choose(rng)?;
            let answer = if rng.random_ratio(2, 3) {
                Answer::Accepted
            } else {
                Answer::Declined
            };
            let declines = answer == Answer::Declined;
            Fact::Answer(Given {
                offer_id: offer.offer_id,
                authority: offer.authority,
                provider_id: offer.provider_id.clone(),
                answer,
                terms: Terms {
                    weekly_cost: Some(Pence::new(rng.random_range(50_000..130_000))),
                    decline_reason: declines.then_some(DeclineReason::NoVacancy),
                    ..Terms::default()
                },
            })
        }
    })
}
