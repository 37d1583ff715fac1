//! From offer to placement on a real broker and database: what the role does by itself.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use chrono::TimeDelta;
use oss_domain::{
    AuthorityCode, Clock, Ids, ManualClock, OfferId, PlacementId, Role, lifecycle::ReferralState,
    setting::Sourcing,
};
use oss_geography::Gazetteer;
use oss_matcher::{Deps, Metrics};
use oss_matching::Policy;
use oss_messaging::{
    Connection, Consumer, Outgoing, Publisher, Settings, Topology,
    topology::{INBOUND, MATCHER},
};
use oss_storage::{ConnectOptions, InstallationKey, PgStore};
use oss_testkit::{NatsServer, PostgresServer, a_referral, a_setting, wait};
use oss_workflow::{
    Actor, Context, OfferSeal, Refusal, Store, Unit, Wanted, World,
    approvals::{self, Word},
    call_off::{self, CallOff},
    decision::{self, Choice},
    hold,
    occupancy::Claim,
    offer::OfferState,
    placement::{self, PlacementState},
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

const DERBY: &str = "E06000015";
const POLICY: &str = include_str!("../../../shared/matching/policy/derby-2026-11.toml");
/// Long enough for anything that should happen at all.
const LIMIT: Duration = Duration::from_secs(20);
/// Within this time of a hold's end, those who wait for its place are ranked again.
const AT_ONCE: Duration = Duration::from_secs(1);

fn derby() -> AuthorityCode {
    DERBY.parse().unwrap()
}

/// A matcher at work, and people who act beside it.
struct Council {
    _nats: NatsServer,
    publisher: Publisher,
    store: Arc<PgStore>,
    policy: Arc<Policy>,
    gazetteer: Arc<Gazetteer>,
    seal: OfferSeal,
    clock: Arc<ManualClock>,
    rng: Mutex<ChaCha8Rng>,
    n_events: AtomicU32,
    stop: CancellationToken,
    role: JoinHandle<Result<(), oss_matcher::Error>>,
}

impl Council {
    async fn start() -> Self {
        let nats = NatsServer::start().await;
        let connection = Connection::open(&Settings::open(&nats.url()))
            .await
            .unwrap();
        connection.ready(LIMIT).await.unwrap();
        Topology::default().ensure(&connection).await.unwrap();
        let url = PostgresServer::shared().await.create_database().await;
        let key = || InstallationKey::new([42; 32]);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        oss_storage::migrate::migrate(&url, &key(), &mut rng)
            .await
            .unwrap();
        let options = ConnectOptions::new(&url.replace("oss@", "oss_app@"), "test", &[derby()]);
        let store = Arc::new(PgStore::connect(&options, key()).unwrap());
        let policy = Arc::new(Policy::parse(POLICY).unwrap());
        store.put_policy(&policy, POLICY).await.unwrap();
        let gazetteer = Arc::new(Gazetteer::embedded());
        let seal = store.offer_seal().await.unwrap();
        let now = "2026-11-23T09:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::starting_at(now));
        let stop = CancellationToken::new();
        let deps = Deps {
            store: store.clone(),
            consumer: Consumer::new(&connection, INBOUND, MATCHER),
            policy: policy.clone(),
            call_off: Arc::new(CallOff::embedded()),
            gazetteer: gazetteer.clone(),
            seal: seal.clone(),
            authorities: vec![derby()],
            clock: clock.clone(),
            rng: Box::new(ChaCha8Rng::seed_from_u64(2)),
            committed: Arc::new(Notify::new()),
            wake: Arc::new(Notify::new()),
            batch: 32,
            sweep_every: Duration::from_secs(10),
            metrics: Metrics::register(&oss_telemetry::Metrics::new()).unwrap(),
        };
        Self {
            _nats: nats,
            publisher: Publisher::new(&connection),
            store,
            policy,
            gazetteer,
            seal,
            clock,
            rng: Mutex::new(rng),
            n_events: AtomicU32::new(0),
            role: tokio::spawn(oss_matcher::run(deps, stop.clone())),
            stop,
        }
    }

    async fn publish(&self, to: &str, noun_verb: &str, data: Value) {
        let n = self.n_events.fetch_add(1, Ordering::Relaxed);
        let event = json!({
            "specversion": "1.0", "id": n.to_string(), "source": "/tests",
            "type": format!("uk.oss.{noun_verb}.v1"), "time": "2026-11-23T09:00:00Z",
            "datacontenttype": "application/json", "data": data,
        });
        let message = Outgoing {
            subject: format!("oss.in.v1.{DERBY}.{to}{noun_verb}"),
            message_id: format!("/tests#{n}"),
            headers: Vec::new(),
            payload: event.to_string().into(),
        };
        self.publisher.publish_and_confirm(message).await.unwrap();
    }

    /// A person acts, as over the API.
    async fn act<T>(
        &self,
        user: &str,
        wanted: &Wanted,
        step: impl Fn(&mut Unit, &mut Context<'_, '_>, &World<'_>) -> Result<T, Refusal>,
    ) -> T {
        self.try_to(user, wanted, step).await.unwrap()
    }

    async fn try_to<T>(
        &self,
        user: &str,
        wanted: &Wanted,
        step: impl Fn(&mut Unit, &mut Context<'_, '_>, &World<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let (mut unit, opened) = self.store.open(wanted).await.unwrap();
        let done = {
            let mut rng = self.rng.lock().unwrap();
            let mut context = Context {
                actor: Actor::Person(user.into()),
                now: self.clock.now(),
                traceparent: None,
                ids: &mut Ids::new(&*self.clock, &mut *rng),
            };
            let world = World {
                policy: &self.policy,
                call_off: &CallOff::embedded(),
                locate: &|postcode| self.gazetteer.locate(postcode),
                seal: &self.seal,
            };
            step(&mut unit, &mut context, &world)
        };
        if done.is_ok() {
            self.store.commit(unit, opened).await.unwrap();
        }
        done
    }

    async fn is(&self, referral: &str, state: ReferralState) {
        wait::until(LIMIT, async || {
            let found = self
                .store
                .referral(derby(), &referral.parse().unwrap())
                .await
                .unwrap();
            found.is_some_and(|it| it.state == state)
        })
        .await;
    }

    async fn offer(&self, referral: &str, setting: &str) -> OfferId {
        let referral = self
            .store
            .referral(derby(), &referral.parse().unwrap())
            .await;
        let setting = self.store.setting(derby(), &setting.parse().unwrap()).await;
        self.seal.seal(
            referral.unwrap().unwrap().key,
            setting.unwrap().unwrap().key,
        )
    }

    fn want(&self, offer: OfferId) -> Wanted {
        let (referral, setting) = self.seal.open(offer);
        Wanted {
            referral_keys: [referral].into(),
            setting_keys: [setting].into(),
            places: true,
            ..Wanted::default()
        }
    }

    /// A home with one place, and two referrals that want it.
    async fn two_for_one_place(&self) {
        let home = a_setting("F01").provider("AGENCY", "framework").build();
        assert_eq!(home.sourcing, Sourcing::Framework);
        let home = oss_contract::setting_to_json(&home);
        self.publish("", "setting.changed", home).await;
        for id in ["R01", "R02"] {
            let referral = oss_contract::referral_to_json(&a_referral(id).build());
            self.publish("", "referral.submitted", referral).await;
        }
        self.is("R01", ReferralState::Ranked).await;
        self.is("R02", ReferralState::Ranked).await;
    }

    /// People select, approve and start.
    async fn place(&self, offer: OfferId) -> PlacementId {
        let (referral, _) = self.seal.open(offer);
        let selected = wait::until_some(LIMIT, async || {
            let ranking = self.store.ranking(referral).await.unwrap().unwrap();
            let select = |unit: &mut Unit, context: &mut Context<'_, '_>, world: &World<'_>| {
                let choice = Choice {
                    offer_id: offer,
                    reason: "near her school".to_owned(),
                    reason_not_first: Some("the only one".to_owned()),
                    starts_on: None,
                };
                decision::select(unit, context, world, &ranking, choice)
            };
            match self.try_to("com", &self.want(offer), select).await {
                // The matcher was in between: the new list is looked at.
                Err(Refusal::Conflict {
                    code: "ranking_changed",
                    ..
                }) => None,
                selected => Some(selected.unwrap()),
            }
        })
        .await;
        let (placement, tasks) = selected.unwrap();
        for task in tasks {
            let wanted = Wanted {
                approvals: [task.approval_id].into(),
                ..Wanted::default()
            };
            let record = |unit: &mut Unit, context: &mut Context<'_, '_>, _: &World<'_>| {
                let word = Word {
                    granted: true,
                    note: "considered".to_owned(),
                    confirmed: approvals::checklist(task.code).iter().copied().collect(),
                };
                approvals::record(unit, context, task.approval_id, Role::ALL, word)
            };
            self.act("boss", &wanted, record).await;
        }
        let id = placement.placement_id;
        let wanted = Wanted {
            placements: [id].into(),
            ..Wanted::default()
        };
        let start = |unit: &mut Unit, context: &mut Context<'_, '_>, world: &World<'_>| {
            placement::start(unit, context, world, id, None)
        };
        assert!(self.act("com", &wanted, start).await);
        id
    }

    /// Stops, and sees that nothing was left undone.
    async fn end(self) {
        assert_eq!(self.store.list_dead_letters(None, 10).await.unwrap(), []);
        for found in [
            self.store.check_places().await,
            self.store.check_never_taken_twice().await,
            self.store.check_life().await,
            self.store.check_decisions().await,
            self.store.check_audit_chains().await,
            self.store.check_current_runs().await,
        ] {
            assert_eq!(found.unwrap(), []);
        }
        self.stop.cancel();
        self.role.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn when_a_hold_ends_by_itself_those_who_wait_for_the_place_are_ranked_again_at_once() {
    let council = Council::start().await;
    council.two_for_one_place().await;
    let offer = council.offer("R01", "F01").await;
    let want = council.want(offer);
    let hold = |unit: &mut Unit, context: &mut Context<'_, '_>, world: &World<'_>| {
        hold::hold(unit, context, world, offer, None)
    };
    let kept = council.act("com", &want, hold).await;
    council.is("R02", ReferralState::Unfilled).await;

    council
        .clock
        .advance(kept.until - council.clock.now() - TimeDelta::seconds(1));
    let due = council
        .store
        .deadlines_of(council.seal.open(offer).0)
        .await
        .unwrap();
    assert_eq!(due.len(), 1, "not before its time");
    council.clock.advance(TimeDelta::seconds(1));
    let since = Instant::now();
    council.is("R02", ReferralState::Ranked).await;
    assert!(since.elapsed() <= AT_ONCE, "{:?}", since.elapsed());
    council.end().await;
}

#[tokio::test]
async fn answers_withdrawals_and_ends_come_as_events() {
    let council = Council::start().await;
    council.two_for_one_place().await;
    let (first, second) = (
        council.offer("R01", "F01").await,
        council.offer("R02", "F01").await,
    );
    for offer in [first, second] {
        let approach = |unit: &mut Unit, context: &mut Context<'_, '_>, world: &World<'_>| {
            call_off::approach(unit, context, world, offer, None)
        };
        assert!(council.act("com", &council.want(offer), approach).await);
    }
    let answer = |offer: OfferId| {
        json!({
            "offer_id": offer.to_string(), "authority": DERBY, "provider_id": "AGENCY",
            "answer": "accepted", "weekly_cost_pence": 90_000, "statement": "gladly",
        })
    };
    let from = "provider.AGENCY.";
    council.publish(from, "offer.answered", answer(first)).await;
    wait::until(LIMIT, async || {
        let offers = council
            .store
            .offers_of(council.seal.open(first).0)
            .await
            .unwrap();
        offers.iter().any(|it| it.state == OfferState::Accepted)
    })
    .await;

    // The place is kept for the first one, until that needs it no more.
    let withdrawn = json!({"referral_id": "R01", "authority": DERBY, "reason": "went to her aunt"});
    council.publish("", "referral.withdrawn", withdrawn).await;
    council.is("R01", ReferralState::Withdrawn).await;
    let offers = council
        .store
        .offers_of(council.seal.open(first).0)
        .await
        .unwrap();
    assert!(offers.iter().all(|it| it.state == OfferState::Withdrawn));

    council
        .publish(from, "offer.answered", answer(second))
        .await;
    wait::until(LIMIT, async || {
        let wanted = council.want(second);
        let (unit, _opened) = council.store.open(&wanted).await.unwrap();
        let mut held = unit.occupancies.values();
        held.any(|it| it.offer_id == second && it.claim == Claim::Held)
    })
    .await;
    let (referral, _) = council.seal.open(second);
    let id = council.place(second).await;
    let ended = json!({
        "placement_id": id.to_string(), "authority": DERBY, "ended_on": "2027-02-01",
        "reason_place_change": "CARPL", "planned": true,
    });
    council.publish("", "placement.ended", ended).await;
    wait::until(LIMIT, async || {
        let placement = council.store.placement(id).await.unwrap().unwrap();
        placement.state == PlacementState::Ended
    })
    .await;
    assert_eq!(council.store.deadlines_of(referral).await.unwrap(), []);
    council.end().await;
}
