//! What every [`Store`] must do: one suite for the store in memory and for the real one.
//!
//! The simulator is worth what its store is worth. Storage runs the same suite over PostgreSQL
//! (`oss_simulation::conformance::all`), so neither can be kinder than the other.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test suite that lives in a library, so that two crates can run it"
)]

use crate::scene::{self, derby, home_at, household, parse, referral, world};
use chrono::TimeDelta;
use oss_domain::{
    Act, ApprovalId, ConditionId, DeadlineId, HoldId, Ids, ManualClock, OfferId, Pence,
    PlacementId, Role, SettingId,
    lifecycle::{Answer, ReferralState},
    setting::Sourcing,
    ssda903::ReasonPlaceChange,
};
use oss_matching::{Query, Supply};
use oss_workflow::{
    Actor, Context, EventKey, ReferralHead, Refusal, Store, StoreError, SupplyVersion, Unit,
    Wanted,
    answer::{self, Given},
    approvals::{self, ApprovalTask, Word},
    call_off::{self, Ranking},
    conditions::{self, Condition, Outcome, Pursuit},
    deadline::{self, Deadline, Due},
    decision::{self, Choice},
    hold,
    occupancy::Occupancy,
    offer::{OfferHead, Terms},
    placement::{self, Ending, Placement},
    ranking::{Market, Reranked, rank_referral},
    referral as referrals, supply,
};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use std::{collections::BTreeMap, sync::Arc};

/// Runs every case over a store in which nothing is kept yet.
///
/// # Panics
/// Where the store does not do what it must.
pub async fn all(store: &impl Store) {
    let mut teller = Teller::new(store);
    an_event_is_seen_once(&mut teller).await;
    a_dropped_unit_leaves_nothing(&mut teller).await;
    from_offer_to_placement(&mut teller).await;
    a_closing_setting_brings_its_referrals(&mut teller).await;
    a_condition_is_kept_and_ends_with_its_setting(&mut teller).await;
}

/// What a unit knows of its referrals, to be compared with what the store knows.
#[derive(Debug, PartialEq)]
struct Heads {
    referrals: Vec<ReferralHead>,
    live: BTreeMap<HoldId, Occupancy>,
    offers: BTreeMap<OfferId, OfferHead>,
    placements: BTreeMap<PlacementId, Placement>,
    approvals: BTreeMap<ApprovalId, ApprovalTask>,
    conditions: BTreeMap<ConditionId, Condition>,
    unsettled: BTreeMap<DeadlineId, Deadline>,
}

impl Heads {
    fn of(unit: &Unit) -> Self {
        let live = unit.occupancies.iter().filter(|(_, it)| it.is_live());
        let unsettled = unit
            .deadlines
            .iter()
            .filter(|(_, it)| it.settled_at.is_none());
        Self {
            referrals: unit.referrals.values().cloned().collect(),
            live: live.map(|(id, it)| (*id, it.clone())).collect(),
            offers: unit.offers.clone(),
            placements: unit.placements.clone(),
            approvals: unit.approvals.clone(),
            conditions: unit.conditions.clone(),
            unsettled: unsettled.map(|(id, it)| (*id, it.clone())).collect(),
        }
    }
}

struct Teller<'s, S> {
    store: &'s S,
    clock: ManualClock,
    chance: ChaCha8Rng,
}

impl<'s, S: Store> Teller<'s, S> {
    fn new(store: &'s S) -> Self {
        Self {
            store,
            clock: ManualClock::starting_at(scene::beginning()),
            chance: ChaCha8Rng::seed_from_u64(1),
        }
    }

    fn step<T>(
        &mut self,
        user: &str,
        unit: &mut Unit,
        step: impl FnOnce(&mut Unit, &mut Context<'_, '_>) -> Result<T, Refusal>,
    ) -> T {
        let mut ids = Ids::new(&self.clock, &mut self.chance);
        let mut context = Context {
            actor: Actor::Person(user.into()),
            now: oss_domain::Clock::now(&self.clock),
            traceparent: None,
            ids: &mut ids,
        };
        step(unit, &mut context).expect("the steps of the suite are legal")
    }

    /// Takes a step, commits it, and sees that the store knows the same of the referrals.
    async fn unit<T>(
        &mut self,
        user: &str,
        wanted: Wanted,
        step: impl FnOnce(&mut Unit, &mut Context<'_, '_>) -> Result<T, Refusal>,
    ) -> T {
        let (mut unit, transaction) = self.store.open(&wanted).await.unwrap();
        let done = self.step(user, &mut unit, step);
        let written = Heads::of(&unit);
        let referrals = unit.referrals.keys().cloned().collect();
        let versions = unit.supply.clone();
        self.store.commit(unit, transaction).await.unwrap();
        let wanted = Wanted {
            referrals,
            places: true,
            ..Wanted::default()
        };
        let (unit, transaction) = self.store.open(&wanted).await.unwrap();
        assert_eq!(Heads::of(&unit), written);
        for (authority, version) in &unit.supply {
            assert_eq!(
                versions.get(authority),
                Some(version),
                "the supply's version"
            );
        }
        drop((unit, transaction));
        done
    }

    async fn register(&mut self, setting: oss_domain::Setting) {
        let at = (derby(), setting.setting_id.clone());
        let wanted = Wanted::settings([at.clone()]);
        let stored = Arc::new(setting.clone());
        self.unit("register", wanted.clone(), |unit, context| {
            supply::change_setting(unit, context, setting)
        })
        .await;
        let (unit, transaction) = self.store.open(&wanted).await.unwrap();
        assert_eq!(
            unit.settings.get(&at).and_then(|head| head.setting.clone()),
            Some(stored)
        );
        drop((unit, transaction));
    }

    /// Takes a referral in and ranks it over these settings, in this order.
    async fn refer(&mut self, id: &str, child: &str, settings: &[oss_domain::Setting]) -> Ranking {
        let referral = Arc::new(referral(id, 1, &[child]));
        let at = (derby(), referral.referral_id.clone());
        let wanted = Wanted {
            referrals: [at.clone()].into(),
            settings: settings
                .iter()
                .map(|it| (derby(), it.setting_id.clone()))
                .collect(),
            ..Wanted::default()
        };
        let locate = |it: &oss_domain::Setting| scene::locate(&it.postcode).unwrap();
        let entries = settings.iter().map(|it| (it.clone(), locate(it)));
        let supply = Supply::load(derby(), entries).unwrap();
        self.unit("case system", wanted, |unit, context| {
            referrals::receive(unit, context, &referral, [1; 32])?;
            let query = Query::compile_with(&referral, scene::locate, scene::policy()).unwrap();
            let keys: BTreeMap<SettingId, _> = unit
                .settings
                .iter()
                .map(|((_, id), head)| (id.clone(), head.key))
                .collect();
            let market = Market {
                supply: &supply,
                version: unit
                    .supply
                    .get(&derby())
                    .copied()
                    .unwrap_or(SupplyVersion(0)),
                policy: scene::policy(),
                gazetteer: &Arc::from("simulated"),
                seal: scene::seal(),
                key_of: &|id| keys.get(id).copied(),
            };
            let ranked = rank_referral(unit, context, &at, &query, market);
            assert_eq!(
                ranked,
                Reranked::Changed {
                    n_offers: settings.len()
                }
            );
            let run = unit.referrals.get(&at).and_then(|head| head.run).unwrap();
            let order = settings.iter().map(|it| it.setting_id.clone()).collect();
            Ok(Ranking {
                run_id: run.run_id,
                order,
            })
        })
        .await
    }

    async fn offer(&mut self, referral: &str, setting: &str) -> OfferId {
        let wanted = Wanted {
            referrals: [(derby(), parse(referral))].into(),
            settings: [(derby(), parse(setting))].into(),
            ..Wanted::default()
        };
        let (unit, transaction) = self.store.open(&wanted).await.unwrap();
        let referral = unit.referrals.values().next().unwrap().key;
        let setting = unit.settings.values().next().unwrap().key;
        drop((unit, transaction));
        scene::seal().seal(referral, setting)
    }
}

fn names(offer: OfferId) -> Wanted {
    let (referral, setting) = scene::seal().open(offer);
    Wanted {
        referral_keys: [referral].into(),
        setting_keys: [setting].into(),
        ..Wanted::default()
    }
}

async fn an_event_is_seen_once(teller: &mut Teller<'_, impl Store>) {
    let event = EventKey {
        source: "/suite".into(),
        id: "1".into(),
    };
    let wanted = Wanted {
        events: [event.clone()].into(),
        ..Wanted::default()
    };
    for first in [true, false, false] {
        let seen = teller
            .unit("suite", wanted.clone(), |unit, _| {
                Ok(unit.first_sight(&event))
            })
            .await;
        assert_eq!(seen, first);
    }
}

async fn a_dropped_unit_leaves_nothing(teller: &mut Teller<'_, impl Store>) {
    let at = (derby(), parse("S-dropped"));
    let wanted = Wanted::settings([at.clone()]);
    let (mut unit, transaction) = teller.store.open(&wanted).await.unwrap();
    teller.step("register", &mut unit, |unit, context| {
        supply::change_setting(unit, context, household("S-dropped", 1, 1))
    });
    drop((unit, transaction));
    let (unit, transaction) = teller.store.open(&wanted).await.unwrap();
    assert!(unit.settings.is_empty());
    drop((unit, transaction));
}

async fn from_offer_to_placement(teller: &mut Teller<'_, impl Store>) {
    let own = household("S-own", 1, 1);
    let home = home_at("S-home", 1, 2, Sourcing::Framework, "DE56 1UU");
    teller.register(own.clone()).await;
    teller.register(home.clone()).await;
    let ranking = teller.refer("R-first", "C-first", &[own, home]).await;
    let (own, home) = (
        teller.offer("R-first", "S-own").await,
        teller.offer("R-first", "S-home").await,
    );

    let kept = teller
        .unit("com", names(own), |unit, context| {
            hold::hold(unit, context, &world(), own, None)
        })
        .await;
    teller
        .unit("com", names(home), |unit, context| {
            call_off::approach(unit, context, &world(), home, None)
        })
        .await;
    let given = Given {
        offer_id: home,
        authority: derby(),
        provider_id: parse("HOMES"),
        answer: Answer::Accepted,
        terms: Terms {
            weekly_cost: Some(Pence::new(500_000)),
            available_from: Some(parse("2026-12-02")),
            statement: Some("A quiet home.".to_owned()),
            decline_reason: None,
        },
    };
    teller
        .unit("provider", names(home), |unit, context| {
            answer::answer(unit, context, &world(), given)
        })
        .await;
    an_expired_hold_frees_its_place(teller, kept.hold_id).await;

    let choice = Choice {
        offer_id: home,
        reason: "near her nan".to_owned(),
        reason_not_first: Some("allergic to dogs".to_owned()),
        starts_on: Some(parse("2026-12-03")),
    };
    let (placement, approvals) = teller
        .unit("com", names(home), |unit, context| {
            decision::select(unit, context, &world(), &ranking, choice)
        })
        .await;
    assert!(!approvals.is_empty());
    for task in approvals {
        let id = task.approval_id;
        let wanted = Wanted {
            approvals: [id].into(),
            ..Wanted::default()
        };
        let confirmed = approvals::checklist(task.code).iter().copied().collect();
        let word = Word {
            granted: true,
            note: "considered".to_owned(),
            confirmed,
        };
        teller
            .unit("boss", wanted, |unit, context| {
                approvals::record(unit, context, id, Role::ALL, word)
            })
            .await;
    }
    let id = placement.placement_id;
    let wanted = Wanted {
        placements: [id].into(),
        ..Wanted::default()
    };
    teller
        .unit("com", wanted.clone(), |unit, context| {
            placement::start(unit, context, &world(), id, None)
        })
        .await;
    let refused = what_is_only_read_cannot_be_changed(teller, "R-first").await;
    assert_eq!(
        refused,
        [
            "occupancies",
            "offers",
            "placements",
            "approvals",
            "deadlines"
        ]
    );
    let ending = Ending {
        ended_on: parse("2027-02-01"),
        reason: ReasonPlaceChange::Carpl,
        planned: true,
    };
    teller
        .unit("com", wanted, |unit, context| {
            placement::end(unit, context, id, ending)
        })
        .await;
}

/// The deadline of a hold frees it, found by its id.
async fn an_expired_hold_frees_its_place(teller: &mut Teller<'_, impl Store>, hold_id: HoldId) {
    let wanted = Wanted {
        holds: [hold_id].into(),
        ..Wanted::default()
    };
    let (unit, transaction) = teller.store.open(&wanted).await.unwrap();
    let due = Due::HoldExpires(hold_id);
    let deadline = unit
        .deadlines
        .values()
        .find(|it| it.due == due)
        .cloned()
        .unwrap();
    assert!(unit.occupancies.contains_key(&hold_id));
    assert!(!unit.settings.is_empty(), "a hold brings its setting");
    drop((unit, transaction));
    teller.clock.advance(TimeDelta::hours(48));
    let id = deadline.deadline_id;
    let wanted = Wanted {
        deadlines: [id].into(),
        ..Wanted::default()
    };
    for acted in [true, false] {
        let done = teller
            .unit("scheduler", wanted.clone(), |unit, context| {
                deadline::act(unit, context, &world(), id, None)
            })
            .await;
        assert_eq!(done, acted, "exactly once");
    }
}

/// Whatever became of a referral is read without its register's lock, and not changed. Returns what
/// there was of it.
async fn what_is_only_read_cannot_be_changed(
    teller: &mut Teller<'_, impl Store>,
    referral: &str,
) -> Vec<&'static str> {
    type Change = fn(&mut Unit);
    let changes: [(&str, Change); 6] = [
        ("occupancies", |it| {
            it.changed_occupancies.extend(it.occupancies.keys());
        }),
        ("offers", |it| {
            it.changed_offers.extend(it.offers.keys());
        }),
        ("placements", |it| {
            it.changed_placements.extend(it.placements.keys());
        }),
        ("approvals", |it| {
            it.changed_approvals.extend(it.approvals.keys());
        }),
        ("conditions", |it| {
            it.changed_conditions.extend(it.conditions.keys());
        }),
        ("deadlines", |it| {
            it.changed_deadlines.extend(it.deadlines.keys());
        }),
    ];
    let wanted = Wanted {
        referrals: [(derby(), parse(referral))].into(),
        life: true,
        ..Wanted::default()
    };
    let mut refused = Vec::new();
    for (what, change) in changes {
        let (mut unit, transaction) = teller.store.open(&wanted).await.unwrap();
        change(&mut unit);
        if unit.is_idle() {
            continue;
        }
        let committed = teller.store.commit(unit, transaction).await;
        assert!(
            matches!(committed, Err(StoreError::Broken(_))),
            "{what}: {committed:?}"
        );
        refused.push(what);
    }
    refused
}

async fn a_closing_setting_brings_its_referrals(teller: &mut Teller<'_, impl Store>) {
    let own = household("S-closing", 1, 2);
    teller.register(own.clone()).await;
    teller
        .refer("R-second", "C-second", std::slice::from_ref(&own))
        .await;
    teller
        .refer("R-third", "C-third", std::slice::from_ref(&own))
        .await;
    let (asked, held) = (
        teller.offer("R-second", "S-closing").await,
        teller.offer("R-third", "S-closing").await,
    );
    teller
        .unit("com", names(asked), |unit, context| {
            call_off::approach(unit, context, &world(), asked, None)
        })
        .await;
    teller
        .unit("com", names(held), |unit, context| {
            hold::hold(unit, context, &world(), held, None)
        })
        .await;
    let at = (derby(), parse("S-closing"));
    let wanted = Wanted {
        closing: [at.clone()].into(),
        ..Wanted::default()
    };
    teller
        .unit("register", wanted, |unit, context| {
            let open = |head: &ReferralHead| head.state != ReferralState::Withdrawn;
            assert_eq!(unit.referrals.values().filter(|head| open(head)).count(), 2);
            supply::close_setting(unit, context, at.0, &at.1, 2)?;
            assert!(unit.occupancies.values().all(|it| !it.is_live()));
            Ok(())
        })
        .await;
}

/// Words come back as they were given; a closing setting brings the referral that sees to it.
async fn a_condition_is_kept_and_ends_with_its_setting(teller: &mut Teller<'_, impl Store>) {
    let mut full = household("S-full", 1, 1);
    full.occupancy.blocked_places = 1;
    teller.register(full).await;
    teller.refer("R-fourth", "C-fourth", &[]).await;
    let offer_id = teller.offer("R-fourth", "S-full").await;
    let pursuit = Pursuit {
        offer_id,
        act: Act::C1,
        task: "The fostering team takes it to panel.".to_owned(),
        due_on: parse("2026-12-24"),
    };
    let mut pursued = Vec::new();
    for outcome in [Some(Outcome::NotMet), None] {
        let id = teller
            .unit("com", names(offer_id), |unit, context| {
                conditions::pursue(unit, context, &world(), pursuit.clone())
            })
            .await;
        pursued.push(id);
        let Some(outcome) = outcome else { continue };
        let wanted = Wanted {
            conditions: [id].into(),
            ..Wanted::default()
        };
        let word = conditions::Word {
            outcome,
            reason: "The panel wants a review first.".to_owned(),
            evidence: "Minute 7".to_owned(),
        };
        teller
            .unit("com", wanted, |unit, context| {
                conditions::record(unit, context, id, word)
            })
            .await;
    }
    let refused = what_is_only_read_cannot_be_changed(teller, "R-fourth").await;
    assert_eq!(refused, ["offers", "conditions", "deadlines"]);
    let at = (derby(), parse("S-full"));
    let wanted = Wanted {
        closing: [at.clone()].into(),
        ..Wanted::default()
    };
    teller
        .unit("register", wanted, |unit, context| {
            assert!(pursued.iter().all(|id| unit.conditions.contains_key(id)));
            supply::close_setting(unit, context, at.0, &at.1, 2)?;
            assert!(unit.conditions.values().all(|it| !it.is_open()));
            Ok(())
        })
        .await;
}
