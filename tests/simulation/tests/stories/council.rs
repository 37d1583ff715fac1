//! A council with its people, its providers and a clock, over the store in memory.

use chrono::{DateTime, TimeDelta, Utc};
use oss_domain::{
    ApprovalId, Clock as _, ConditionId, HoldId, Ids, ManualClock, OfferId, Pence, PlacementId,
    Referral, ReferralId, Role, Setting, SettingId,
    lifecycle::{Answer, DeclineReason, ReferralState},
};
use oss_matching::Query;
use oss_simulation::{MemoryStore, Tables, block_on, derby, policy, seal, world};
use oss_workflow::{
    Actor, Context, Event, Refusal, Store as _, Unit, Wanted, World,
    answer::{self, Given, Recorded},
    approvals::{self, ApprovalTask, Word},
    call_off::{self, Ranking},
    conditions::{self, Outcome, Pursuit},
    deadline::{self, Due},
    decision::{self, Choice},
    hold::{self, Kept},
    offer::{OfferHead, OfferState, Terms},
    placement::{self, Placement},
    ranking::{Market, rank_referral},
    referral, supply,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use std::{fmt::Debug, str::FromStr, sync::Arc};

/// Who acts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    Person(&'static str),
    Producer,
    Product,
}

/// Commissioner.
pub(crate) const COM: By = By::Person("com");

pub(crate) struct Council {
    store: MemoryStore,
    clock: ManualClock,
    chance: ChaCha8Rng,
}

pub(crate) fn id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl Council {
    /// A Monday morning in November 2026, with these settings in the register.
    pub(crate) fn with(settings: Vec<Setting>) -> Self {
        let mut council = Self {
            store: MemoryStore::default(),
            clock: ManualClock::starting_at(at("2026-11-23T09:00:00Z")),
            chance: ChaCha8Rng::seed_from_u64(1),
        };
        for setting in settings {
            council.register(setting);
        }
        council
    }

    /// Opens a unit, takes a step, commits what it did.
    pub(crate) fn unit<T>(
        &mut self,
        by: By,
        wanted: &Wanted,
        step: impl FnOnce(&mut Unit, &mut Context<'_, '_>, &World<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let (mut unit, locks) = block_on(self.store.open(wanted)).unwrap();
        let mut ids = Ids::new(&self.clock, &mut self.chance);
        let mut context = Context {
            actor: match by {
                By::Person(user) => Actor::Person(user.into()),
                By::Producer => Actor::Producer("/tests".into()),
                By::Product => Actor::Service("tests"),
            },
            now: self.clock.now(),
            traceparent: None,
            ids: &mut ids,
        };
        let done = step(&mut unit, &mut context, &world());
        match &done {
            Ok(_) => block_on(self.store.commit(unit, locks)).unwrap(),
            Err(refusal) => assert!(unit.is_idle(), "refused, and yet changed: {refusal}"),
        }
        assert_eq!(self.store.violations(), Vec::<String>::new());
        done
    }

    pub(crate) fn tables(&self) -> impl std::ops::Deref<Target = Tables> + '_ {
        self.store.tables()
    }

    pub(crate) fn register(&mut self, setting: Setting) {
        let wanted = Wanted::settings([(derby(), setting.setting_id.clone())]);
        self.unit(By::Producer, &wanted, |unit, context, _| {
            supply::change_setting(unit, context, setting)
        })
        .unwrap();
    }

    pub(crate) fn close(&mut self, setting: &str, version: u64) {
        let at = (derby(), id::<SettingId>(setting));
        let wanted = Wanted {
            closing: [at.clone()].into(),
            ..Wanted::default()
        };
        self.unit(By::Producer, &wanted, |unit, context, _| {
            supply::close_setting(unit, context, at.0, &at.1, version)
        })
        .unwrap();
    }

    /// Takes a referral in and ranks it.
    pub(crate) fn refer(&mut self, referral: Referral) {
        let at = (referral.authority, referral.referral_id.clone());
        let wanted = Wanted {
            referrals: [at.clone()].into(),
            ..Wanted::default()
        };
        let content = [u8::try_from(referral.revision).unwrap(); 32];
        let referral = Arc::new(referral);
        self.unit(By::Producer, &wanted, |unit, context, _| {
            referral::receive(unit, context, &referral, content)
        })
        .unwrap();
        self.rank(&at.1);
    }

    pub(crate) fn rank(&mut self, referral_id: &ReferralId) {
        let at = (derby(), referral_id.clone());
        let wanted = Wanted {
            referrals: [at.clone()].into(),
            ..Wanted::default()
        };
        let (supply, version, settings) = {
            let tables = self.store.tables();
            (
                tables.supply(at.0),
                tables.supply_version(at.0),
                tables.settings.clone(),
            )
        };
        self.unit(By::Product, &wanted, |unit, context, world| {
            let referral = unit.referrals[&at].referral.clone().unwrap();
            let query = Query::compile_with(&referral, world.locate, policy()).unwrap();
            let key_of = |id: &SettingId| settings.get(&(at.0, id.clone())).map(|head| head.key);
            let market = Market {
                supply: &supply,
                version,
                policy: policy(),
                gazetteer: &Arc::from("tests"),
                seal: seal(),
                key_of: &key_of,
            };
            rank_referral(unit, context, &at, &query, market);
            Ok(())
        })
        .unwrap();
    }

    pub(crate) fn withdraw_referral(&mut self, referral: &str) {
        let at = (derby(), id::<ReferralId>(referral));
        let wanted = Wanted {
            referrals: [at.clone()].into(),
            places: true,
            ..Wanted::default()
        };
        self.unit(By::Producer, &wanted, |unit, context, _| {
            referral::withdraw(unit, context, at.0, &at.1, "back home")
        })
        .unwrap();
    }

    pub(crate) fn offer(&self, referral: &str, setting: &str) -> OfferId {
        let tables = self.store.tables();
        let referral = tables.referrals[&(derby(), id(referral))].key;
        seal().seal(referral, tables.settings[&(derby(), id(setting))].key)
    }

    pub(crate) fn head(&self, offer: OfferId) -> OfferHead {
        self.store.tables().offers[&offer].clone()
    }

    pub(crate) fn offer_state(&self, offer: OfferId) -> OfferState {
        self.head(offer).state
    }

    pub(crate) fn state(&self, referral: &str) -> ReferralState {
        self.store.tables().referrals[&(derby(), id(referral))].state
    }

    fn names(offer: OfferId) -> Wanted {
        let (referral, setting) = seal().open(offer);
        Wanted {
            referral_keys: [referral].into(),
            setting_keys: [setting].into(),
            ..Wanted::default()
        }
    }

    pub(crate) fn approach(&mut self, offer: OfferId) -> Result<bool, Refusal> {
        self.unit(COM, &Self::names(offer), |unit, context, world| {
            call_off::approach(unit, context, world, offer, None)
        })
    }

    pub(crate) fn ranking(&self, referral: &str) -> Arc<Ranking> {
        let tables = self.store.tables();
        let head = &tables.referrals[&(derby(), id(referral))];
        tables.ranking(head).unwrap()
    }

    pub(crate) fn with_ranking(mut wanted: Wanted, ranking: &Ranking) -> Wanted {
        wanted
            .settings
            .extend(ranking.order.iter().map(|id| (derby(), id.clone())));
        wanted
    }

    pub(crate) fn wave(&mut self, referral: &str) -> Result<usize, Refusal> {
        let ranking = self.ranking(referral);
        let at = (derby(), id::<ReferralId>(referral));
        let wanted = Wanted {
            referrals: [at.clone()].into(),
            ..Wanted::default()
        };
        self.unit(
            COM,
            &Self::with_ranking(wanted, &ranking),
            |unit, context, world| call_off::approach_wave(unit, context, world, &at, &ranking),
        )
    }

    pub(crate) fn accept(&mut self, offer: OfferId) -> Result<Recorded, Refusal> {
        let terms = Terms {
            weekly_cost: Some(Pence::new(100_000)),
            ..Terms::default()
        };
        self.answer(offer, Answer::Accepted, terms)
    }

    pub(crate) fn decline(&mut self, offer: OfferId) -> Result<Recorded, Refusal> {
        let decline_reason = Some(DeclineReason::NoVacancy);
        self.answer(
            offer,
            Answer::Declined,
            Terms {
                decline_reason,
                ..Terms::default()
            },
        )
    }

    pub(crate) fn answer(
        &mut self,
        offer_id: OfferId,
        answer: Answer,
        terms: Terms,
    ) -> Result<Recorded, Refusal> {
        let setting = seal().open(offer_id).1;
        let provider_id = {
            let tables = self.store.tables();
            let head = tables.setting(setting).unwrap();
            head.setting.as_ref().unwrap().provider.provider_id.clone()
        };
        let given = Given {
            offer_id,
            authority: derby(),
            provider_id,
            answer,
            terms,
        };
        self.unit(
            By::Producer,
            &Self::names(offer_id),
            |unit, context, world| answer::answer(unit, context, world, given),
        )
    }

    pub(crate) fn hold(&mut self, offer: OfferId) -> Result<Kept, Refusal> {
        self.unit(COM, &Self::names(offer), |unit, context, world| {
            hold::hold(unit, context, world, offer, None)
        })
    }

    pub(crate) fn release(&mut self, hold: HoldId) -> Result<bool, Refusal> {
        let wanted = Wanted {
            holds: [hold].into(),
            ..Wanted::default()
        };
        self.unit(COM, &wanted, |unit, context, _| {
            hold::release(unit, context, hold, "released", None)
        })
    }

    pub(crate) fn select(
        &mut self,
        offer: OfferId,
    ) -> Result<(Placement, Vec<ApprovalTask>), Refusal> {
        self.choose(Choice {
            offer_id: offer,
            reason: "meets her needs".to_owned(),
            reason_not_first: Some("the first has no room for her dog".to_owned()),
            starts_on: None,
        })
    }

    pub(crate) fn choose(
        &mut self,
        choice: Choice,
    ) -> Result<(Placement, Vec<ApprovalTask>), Refusal> {
        let ranking = {
            let tables = self.store.tables();
            tables
                .ranking(tables.referral(seal().open(choice.offer_id).0).unwrap())
                .unwrap()
        };
        self.unit(
            COM,
            &Self::names(choice.offer_id),
            |unit, context, world| decision::select(unit, context, world, &ranking, choice),
        )
    }

    pub(crate) fn record(
        &mut self,
        approval: ApprovalId,
        by: &'static str,
        roles: &[Role],
        granted: bool,
    ) -> Result<bool, Refusal> {
        let word = Word {
            granted,
            note: "considered".to_owned(),
            confirmed: [].into(),
        };
        self.word(approval, by, roles, word)
    }

    pub(crate) fn word(
        &mut self,
        approval: ApprovalId,
        by: &'static str,
        roles: &[Role],
        word: Word,
    ) -> Result<bool, Refusal> {
        let wanted = Wanted {
            approvals: [approval].into(),
            ..Wanted::default()
        };
        self.unit(By::Person(by), &wanted, |unit, context, _| {
            approvals::record(unit, context, approval, roles, word)
        })
    }

    pub(crate) fn pursue(&mut self, pursuit: Pursuit) -> Result<ConditionId, Refusal> {
        self.unit(
            COM,
            &Self::names(pursuit.offer_id),
            |unit, context, world| conditions::pursue(unit, context, world, pursuit),
        )
    }

    pub(crate) fn note(
        &mut self,
        condition: ConditionId,
        outcome: Outcome,
        evidence: &str,
    ) -> Result<bool, Refusal> {
        let wanted = Wanted {
            conditions: [condition].into(),
            ..Wanted::default()
        };
        let word = conditions::Word {
            outcome,
            reason: "the panel has met".to_owned(),
            evidence: evidence.to_owned(),
        };
        self.unit(COM, &wanted, |unit, context, _| {
            conditions::record(unit, context, condition, word)
        })
    }

    pub(crate) fn start(&mut self, placement: PlacementId) -> Result<bool, Refusal> {
        let wanted = Wanted {
            placements: [placement].into(),
            ..Wanted::default()
        };
        self.unit(COM, &wanted, |unit, context, world| {
            placement::start(unit, context, world, placement, None)
        })
    }

    pub(crate) fn end(
        &mut self,
        placement: PlacementId,
        ending: placement::Ending,
    ) -> Result<bool, Refusal> {
        let wanted = Wanted {
            placements: [placement].into(),
            ..Wanted::default()
        };
        self.unit(By::Producer, &wanted, |unit, context, _| {
            placement::end(unit, context, placement, ending)
        })
    }

    /// Lets time pass, and does what falls due on the way, in order.
    pub(crate) fn until(&mut self, when: &str) {
        let when = at(when);
        loop {
            let next = {
                let tables = self.store.tables();
                let open = tables.deadlines.values().filter(|it| it.is_due(when));
                open.min_by_key(|it| it.due_at).cloned()
            };
            let Some(deadline) = next else { break };
            self.move_to(deadline.due_at.max(self.clock.now()));
            let mut wanted = Wanted {
                deadlines: [deadline.deadline_id].into(),
                ..Wanted::default()
            };
            let ranking = (deadline.due == Due::WaveEnds)
                .then(|| self.ranking(deadline.referral_id.as_str()));
            if let Some(ranking) = &ranking {
                wanted = Self::with_ranking(wanted, ranking);
            }
            self.unit(By::Product, &wanted, |unit, context, world| {
                deadline::act(
                    unit,
                    context,
                    world,
                    deadline.deadline_id,
                    ranking.as_deref(),
                )
            })
            .unwrap();
        }
        self.move_to(when);
    }

    fn move_to(&mut self, when: DateTime<Utc>) {
        let now = self.clock.now();
        self.clock
            .advance(TimeDelta::milliseconds((when - now).num_milliseconds()));
        self.store.note_time(when);
    }

    /// The open deadlines of a kind, as instants.
    pub(crate) fn due(&self, which: impl Fn(Due) -> bool) -> Vec<DateTime<Utc>> {
        let tables = self.store.tables();
        let open = tables
            .deadlines
            .values()
            .filter(|it| it.settled_at.is_none() && which(it.due));
        let mut due: Vec<_> = open.map(|it| it.due_at).collect();
        due.sort();
        due
    }

    /// What was announced, picked by `which`.
    pub(crate) fn told<T>(&self, which: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        let tables = self.store.tables();
        tables
            .outbox
            .iter()
            .filter_map(|row| which(&row.outgoing.event))
            .collect()
    }
}

/// The code of a refusal.
#[track_caller]
pub(crate) fn code<T: Debug>(refused: Result<T, Refusal>) -> String {
    match refused.unwrap_err() {
        Refusal::Conflict { code, .. } => code.to_owned(),
        Refusal::Invalid(errors) => {
            let errors: Vec<_> = errors
                .iter()
                .map(|it| format!("{} {}", it.pointer, it.code))
                .collect();
            errors.join(", ")
        }
        other => other.to_string(),
    }
}
