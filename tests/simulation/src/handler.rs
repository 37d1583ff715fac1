//! Handlers: each opens a unit, runs the real steps, commits. They may die at every await.

use crate::{
    act::{Act, Work},
    defect::Defect,
    forget,
    message::{Fact, Message},
    scene,
    store::MemoryStore,
};
use oss_domain::{AuthorityCode, Clock as _, EventId, Ids, ManualClock, ReferralId};
use oss_matching::Query;
use oss_workflow::{
    Actor, Context, OfferSeal, Refusal, SettingKey, Store as _, StoreError, Unit, Wanted, answer,
    approvals, call_off, conditions,
    deadline::{self, Due},
    decision, hold, placement,
    ranking::{self, Market},
    referral, supply,
};
use rand_chacha::ChaCha8Rng;
use std::sync::{Arc, Mutex, PoisonError};

/// What all handlers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: MemoryStore,
    pub(crate) clock: ManualClock,
    pub(crate) defect: Option<Defect>,
    /// What was published, in order; some of it twice.
    pub(crate) published: Mutex<Vec<EventId>>,
}

/// How a piece of work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// It is committed, or there was nothing to do.
    Committed,
    /// It was refused for good.
    Refused(&'static str),
    /// It may work later.
    Later,
}

impl Shared {
    pub(crate) fn publish(&self, event: EventId) {
        self.published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event);
    }

    /// Does a piece of work.
    pub(crate) async fn handle(&self, work: Work, mut chance: ChaCha8Rng) -> Done {
        let ranking = self.ranking(&work);
        let wanted = Self::wanted(&work, ranking.as_ref());
        let ranking = ranking.map(|(_, ranking)| ranking);
        let (mut unit, locks) = match self.store.open(&wanted).await {
            Ok(opened) => opened,
            Err(error) => return later(&error),
        };
        let mut ids = Ids::new(&self.clock, &mut chance);
        let mut context = Context {
            actor: work.actor(),
            now: self.clock.now(),
            traceparent: None,
            ids: &mut ids,
        };
        if self.defect == Some(Defect::ActsEarly) && matches!(work, Work::Deadline(_)) {
            context.now += chrono::TimeDelta::days(1);
        }
        let stepped = self.step(&mut unit, &mut context, &work, ranking.as_deref());
        if let Err(refusal) = &stepped {
            unit.handled.clear();
            if !unit.is_idle() {
                self.store
                    .violate(format!("a refused step has changed something: {refusal}"));
            }
            let done = refused(refusal);
            let Work::Message(message) = &work else {
                return done;
            };
            if done == Done::Later {
                return done;
            }
            // A refused event is handled all the same: it would be refused for ever.
            drop((unit, locks));
            return self.note_refused(message, done).await;
        }
        if self.defect == Some(Defect::PublishesEarly) {
            unit.outgoing
                .iter()
                .for_each(|outgoing| self.publish(outgoing.event_id));
        }
        match self.store.commit(unit, locks).await {
            Ok(()) => Done::Committed,
            Err(error) => later(&error),
        }
    }

    async fn note_refused(&self, message: &Message, done: Done) -> Done {
        let wanted = Wanted {
            events: [message.key.clone()].into(),
            ..Wanted::default()
        };
        let (mut unit, locks) = match self.store.open(&wanted).await {
            Ok(opened) => opened,
            Err(error) => return later(&error),
        };
        if !unit.first_sight(&message.key) {
            return Done::Committed;
        }
        match self.store.commit(unit, locks).await {
            Ok(()) => done,
            Err(error) => later(&error),
        }
    }

    /// The current ranking of the work's referral, as it is before the locks, and whose it is.
    fn ranking(&self, work: &Work) -> Option<(AuthorityCode, Arc<call_off::Ranking>)> {
        let tables = self.store.tables();
        let head = match work {
            Work::Act(_, Act::Wave(at)) => tables.referrals.get(at),
            Work::Act(_, Act::Select(choice)) => {
                tables.referral(scene::seal().open(choice.offer_id).0)
            }
            Work::Deadline(id) => {
                let deadline = tables
                    .deadlines
                    .get(id)
                    .filter(|it| it.due == Due::WaveEnds)?;
                tables.referral(deadline.referral)
            }
            _ => None,
        };
        let head = head?;
        Some((head.authority, tables.ranking(head)?))
    }

    fn wanted(work: &Work, ranking: Option<&(AuthorityCode, Arc<call_off::Ranking>)>) -> Wanted {
        let mut wanted = Wanted::default();
        let seal: &OfferSeal = scene::seal();
        let offer = |wanted: &mut Wanted, offer_id| {
            let (referral, setting) = seal.open(offer_id);
            wanted.referral_keys.insert(referral);
            wanted.setting_keys.insert(setting);
        };
        match work {
            Work::Message(message) => {
                wanted.events.insert(message.key.clone());
                match &message.fact {
                    Fact::Referral(it) => {
                        wanted
                            .referrals
                            .insert((it.authority, it.referral_id.clone()));
                        wanted.places = true;
                    }
                    Fact::ReferralWithdrawn(authority, id) => {
                        wanted.referrals.insert((*authority, id.clone()));
                        wanted.places = true;
                    }
                    Fact::Setting(it) => {
                        wanted
                            .settings
                            .insert((it.authority, it.setting_id.clone()));
                    }
                    Fact::SettingClosed(authority, id, _) => {
                        wanted.closing.insert((*authority, id.clone()));
                    }
                    Fact::Vacancy(it) => {
                        wanted
                            .settings
                            .insert((it.authority, it.setting_id.clone()));
                    }
                    Fact::Answer(given) => offer(&mut wanted, given.offer_id),
                    Fact::PlacementEnded(id, _) => drop(wanted.placements.insert(*id)),
                }
            }
            Work::Act(_, act) => match act {
                Act::Approach(id) | Act::Hold(id) | Act::Withdraw(id) => offer(&mut wanted, *id),
                Act::Wave(at) => drop(wanted.referrals.insert(at.clone())),
                Act::Release(id) => drop(wanted.holds.insert(*id)),
                Act::Select(choice) => offer(&mut wanted, choice.offer_id),
                Act::Record(id, _) => drop(wanted.approvals.insert(*id)),
                Act::Pursue(pursuit) => offer(&mut wanted, pursuit.offer_id),
                Act::Note(id, _) => drop(wanted.conditions.insert(*id)),
                Act::Start(id) | Act::Extend(id) | Act::End(id, _) => {
                    wanted.placements.insert(*id);
                }
            },
            Work::Deadline(id) => drop(wanted.deadlines.insert(*id)),
            Work::Rank(at) => drop(wanted.referrals.insert(at.clone())),
        }
        if let Some((council, ranking)) = ranking {
            let settings = ranking.order.iter().map(|id| (*council, id.clone()));
            wanted.settings.extend(settings);
        }
        wanted
    }

    fn step(
        &self,
        unit: &mut Unit,
        context: &mut Context<'_, '_>,
        work: &Work,
        ranking: Option<&call_off::Ranking>,
    ) -> Result<(), Refusal> {
        match work {
            Work::Message(message) => {
                if !unit.first_sight(&message.key) {
                    return Ok(());
                }
                take_in(unit, context, &message.fact)?;
                if let Some(defect) = self.defect {
                    let tables = self.store.tables();
                    forget::what_follows(defect, unit, &message.fact, &tables);
                }
                Ok(())
            }
            Work::Act(_, act) => carry_out(unit, context, act, ranking),
            Work::Deadline(id) => {
                deadline::act(unit, context, &scene::world(), *id, ranking).map(|_| ())
            }
            Work::Rank(at) => {
                self.rank(unit, context, at);
                Ok(())
            }
        }
    }

    /// Ranks over the supply as it is committed now, which may be newer by the time of the commit.
    fn rank(
        &self,
        unit: &mut Unit,
        context: &mut Context<'_, '_>,
        at: &(AuthorityCode, ReferralId),
    ) {
        let Some(head) = unit.referrals.get(at) else {
            return;
        };
        let Some(referral) = head.referral.clone() else {
            return;
        };
        let query = Query::compile_with(&referral, scene::locate, scene::policy());
        let Ok(query) = query else { return };
        let tables = self.store.tables();
        let supply = tables.supply(at.0);
        let key_of = |id: &oss_domain::SettingId| -> Option<SettingKey> {
            tables
                .settings
                .get(&(at.0, id.clone()))
                .map(|head| head.key)
        };
        let market = Market {
            supply: &supply,
            version: tables.supply_version(at.0),
            policy: scene::policy(),
            gazetteer: &Arc::from("simulated"),
            seal: scene::seal(),
            key_of: &key_of,
        };
        ranking::rank_referral(unit, context, at, &query, market);
    }
}

fn take_in(unit: &mut Unit, context: &mut Context<'_, '_>, fact: &Fact) -> Result<(), Refusal> {
    match fact {
        Fact::Referral(it) => {
            let content = content_of(it);
            referral::receive(unit, context, it, content).map(drop)
        }
        Fact::ReferralWithdrawn(authority, id) => {
            referral::withdraw(unit, context, *authority, id, "not needed").map(drop)
        }
        Fact::Setting(it) => {
            supply::change_setting(unit, context, Arc::unwrap_or_clone(it.clone())).map(drop)
        }
        Fact::SettingClosed(authority, id, version) => {
            supply::close_setting(unit, context, *authority, id, *version).map(drop)
        }
        Fact::Vacancy(it) => supply::change_vacancy(unit, context, it.clone()).map(drop),
        Fact::Answer(given) => {
            answer::answer(unit, context, &scene::world(), given.clone()).map(|_| ())
        }
        Fact::PlacementEnded(id, ending) => placement::end(unit, context, *id, *ending).map(|_| ()),
    }
}

fn carry_out(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    act: &Act,
    ranking: Option<&call_off::Ranking>,
) -> Result<(), Refusal> {
    let world = scene::world();
    let unranked = || Refusal::NotFound {
        what: "the ranking".to_owned(),
    };
    match act {
        Act::Approach(id) => call_off::approach(unit, context, &world, *id, None).map(drop),
        Act::Wave(at) => {
            let ranking = ranking.ok_or_else(unranked)?;
            call_off::approach_wave(unit, context, &world, at, ranking).map(drop)
        }
        Act::Withdraw(id) => call_off::withdraw(unit, context, *id).map(drop),
        Act::Hold(id) => hold::hold(unit, context, &world, *id, None).map(drop),
        Act::Release(id) => hold::release(unit, context, *id, "released", None).map(drop),
        Act::Select(choice) => {
            let ranking = ranking.ok_or_else(unranked)?;
            decision::select(unit, context, &world, ranking, choice.clone()).map(drop)
        }
        Act::Record(id, word) => {
            approvals::record(unit, context, *id, oss_domain::Role::ALL, word.clone()).map(drop)
        }
        Act::Pursue(pursuit) => {
            conditions::pursue(unit, context, &world, pursuit.clone()).map(drop)
        }
        Act::Note(id, word) => conditions::record(unit, context, *id, word.clone()).map(drop),
        Act::Start(id) => placement::start(unit, context, &world, *id, None).map(drop),
        Act::Extend(id) => {
            let reason = "assessment unfinished".to_owned();
            oss_workflow::clocks::extend_temporary_approval(unit, context, &world, *id, reason)
                .map(drop)
        }
        Act::End(id, ending) => placement::end(unit, context, *id, *ending).map(drop),
    }
}

/// Told apart well enough for a simulation: by everything that varies.
fn content_of(referral: &oss_domain::Referral) -> [u8; 32] {
    let text = format!(
        "{:?}{:?}{:?}",
        referral.urgency, referral.matching.solo, referral.children
    );
    let mut content = [0_u8; 32];
    for (at, byte) in text.bytes().enumerate() {
        if let Some(to) = content.get_mut(at % 32) {
            *to = to.rotate_left(3) ^ byte;
        }
    }
    content
}

fn later(_: &StoreError) -> Done {
    Done::Later
}

fn refused(refusal: &Refusal) -> Done {
    match refusal {
        Refusal::NotKnownYet { .. }
        | Refusal::Conflict {
            code: "ranking_changed",
            ..
        } => Done::Later,
        Refusal::Conflict { code, .. } => Done::Refused(code),
        Refusal::Invalid(_) => Done::Refused("invalid_data"),
        Refusal::RevisionConflict { .. } => Done::Refused("revision_conflict"),
        Refusal::NotFound { .. } => Done::Refused("not_found"),
    }
}

impl Work {
    fn actor(&self) -> Actor {
        match self {
            Self::Message(message) => Actor::Producer(message.key.source.clone()),
            Self::Act(user, _) => Actor::Person((*user).into()),
            Self::Deadline(_) => Actor::Service("scheduler"),
            Self::Rank(_) => Actor::Service("matcher"),
        }
    }
}
