//! From offer to placement, by the real steps.

use crate::council::{Council, act_at, morning, parse, want_closing, want_deadline, want_offer};
use chrono::TimeDelta;
use oss_domain::{
    Pence, ReferralId, Role, SettingId,
    lifecycle::{Answer, DeclineReason, ReferralState},
    setting::Sourcing,
};
use oss_simulation::{conformance, derby, home_at, household, seal, world};
use oss_workflow::{
    Context, Refusal, SupplyVersion, Unit, Wanted,
    answer::{self, Given},
    approvals::{self, ApprovalTask, Word},
    call_off, deadline,
    deadline::Due,
    decision::{self, Choice},
    hold,
    occupancy::Occupancy,
    offer::{OfferState, Terms},
    placement::{self, Placement, PlacementState},
    referral as referrals, supply,
};
use sqlx::Row as _;

async fn late_is_what_was_due(store: &oss_storage::PgStore, all: &[ApprovalTask]) {
    let before = async |due_before| {
        let late = oss_storage::WaitingFilter {
            approvers: None,
            due_before: Some(due_before),
        };
        store
            .approvals_waiting(derby(), late, None, 50)
            .await
            .unwrap()
    };
    let (first, last) = (all.first().unwrap(), all.last().unwrap());
    assert_eq!(before(first.due_at).await, [], "due is not late yet");
    let after = last.due_at + chrono::TimeDelta::seconds(1);
    assert_eq!(before(after).await, all, "anybody's");
}

fn of<'a>(approvers: &'a [&'a str]) -> oss_storage::WaitingFilter<'a> {
    oss_storage::WaitingFilter {
        approvers: Some(approvers),
        due_before: None,
    }
}

#[tokio::test]
async fn it_keeps_what_the_store_in_memory_keeps() {
    let council = Council::new().await;
    conformance::all(&*council.store).await;
    assert_eq!(council.violations().await, []);
}

/// A placement that a person has decided for, and what is to be approved before it starts, with
/// something to say at every step.
pub(crate) async fn agree(council: &Council) -> (Placement, Vec<ApprovalTask>) {
    let home = home_at("H01", 1, 1, Sourcing::Framework, "DE56 1UU");
    council.register(home.clone()).await;
    let ranking = council
        .refer("R01", "C01", std::slice::from_ref(&home))
        .await;
    let offer = council.offer("R01", "H01").await;
    let want = || want_offer(offer);
    council
        .act("com", want(), |unit, context| {
            call_off::approach(unit, context, &world(), offer, None)
        })
        .await;
    let given = Given {
        offer_id: offer,
        authority: derby(),
        provider_id: parse("HOMES"),
        answer: Answer::Accepted,
        terms: Terms {
            weekly_cost: Some(Pence::new(500_000)),
            available_from: Some(parse("2026-12-02")),
            statement: Some("CANARY statement".to_owned()),
            decline_reason: None,
        },
    };
    council
        .act("provider", want(), |unit, context| {
            answer::answer(unit, context, &world(), given)
        })
        .await;
    let choice = Choice {
        offer_id: offer,
        reason: "CANARY reason".to_owned(),
        reason_not_first: Some("CANARY not first".to_owned()),
        starts_on: None,
    };
    council
        .act("com", want(), |unit, context| {
            decision::select(unit, context, &world(), &ranking, choice)
        })
        .await
}

/// What somebody says who approves.
pub(crate) fn granted(task: &ApprovalTask) -> Word {
    Word {
        granted: true,
        note: "CANARY note".to_owned(),
        confirmed: approvals::checklist(task.code).iter().copied().collect(),
    }
}

/// Takes a child from offer to placement, with something to say at every step.
pub(crate) async fn place(council: &Council) -> oss_workflow::ReferralKey {
    let (placement, tasks) = agree(council).await;
    for task in tasks {
        let wanted = Wanted {
            approvals: [task.approval_id].into(),
            ..Wanted::default()
        };
        let word = granted(&task);
        council
            .act("boss", wanted, |unit, context| {
                approvals::record(unit, context, task.approval_id, Role::ALL, word)
            })
            .await;
    }
    let wanted = Wanted {
        placements: [placement.placement_id].into(),
        ..Wanted::default()
    };
    council
        .act("com", wanted, |unit, context| {
            placement::start(unit, context, &world(), placement.placement_id, None)
        })
        .await;
    placement.referral
}

#[tokio::test]
async fn what_was_agreed_is_read_again_and_is_nowhere_to_be_read_in_clear() {
    let council = Council::new().await;
    let key = place(&council).await;
    let store = &council.store;
    let offers = store.offers_of(key).await.unwrap();
    assert_eq!(offers.len(), 1);
    assert_eq!(offers[0].state, OfferState::Selected);
    assert_eq!(
        offers[0].terms.statement.as_deref(),
        Some("CANARY statement")
    );
    let placements = store.placements_of(key).await.unwrap();
    assert_eq!(placements.len(), 1);
    let placement = store.placement(placements[0].placement_id).await.unwrap();
    assert_eq!(placement.as_ref(), Some(&placements[0]));
    let placement = placement.unwrap();
    assert_eq!(placement.state, PlacementState::Started);
    assert_eq!(placement.reason, "CANARY reason");
    assert_eq!(
        placement.reason_not_first.as_deref(),
        Some("CANARY not first")
    );
    assert_eq!(placement.weekly_cost, Pence::new(500_000));
    let approvals = store.approvals_of(key).await.unwrap();
    let notes = approvals.iter().filter_map(|it| it.record.as_ref());
    assert!(notes.clone().count() > 0 && notes.clone().all(|it| it.note == "CANARY note"));
    assert_eq!(council.violations().await, []);

    let mut owner = council.database.owner().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    for table in tables {
        let rows = format!("SELECT {table}::text FROM {table}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(rows))
            .fetch_all(&mut owner)
            .await
            .unwrap();
        for text in rows.iter().map(|row| row.get::<String, _>(0)) {
            // Also as the digits of bytes: "CANARY".
            assert!(
                !text.contains("CANARY") && !text.contains("43414e415259"),
                "{table}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn an_approval_waits_for_its_role_and_then_does_not() {
    let council = Council::new().await;
    let home = home_at("H01", 1, 1, Sourcing::Block, "NG2 3HX");
    council.register(home.clone()).await;
    let ranking = council
        .refer("R01", "C01", std::slice::from_ref(&home))
        .await;
    let offer = council.offer("R01", "H01").await;
    council
        .act("com", want_offer(offer), |unit, context| {
            call_off::approach(unit, context, &world(), offer, None)
        })
        .await;
    let given = Given {
        offer_id: offer,
        authority: derby(),
        provider_id: parse("HOMES"),
        answer: Answer::Accepted,
        terms: Terms::default(),
    };
    council
        .act("provider", want_offer(offer), |unit, context| {
            answer::answer(unit, context, &world(), given)
        })
        .await;
    let choice = Choice {
        offer_id: offer,
        reason: "near her nan".to_owned(),
        reason_not_first: None,
        starts_on: None,
    };
    let current = council.store.ranking(seal().open(offer).0).await.unwrap();
    assert_eq!(current.as_ref(), Some(&ranking));
    let (placement, tasks) = council
        .act("com", want_offer(offer), |unit, context| {
            decision::select(unit, context, &world(), &ranking, choice)
        })
        .await;
    assert!(
        tasks.len() > 1,
        "the home lies in another council's area: {tasks:?}"
    );
    let store = &council.store;
    let approvers: Vec<&str> = tasks.iter().map(|it| &*it.approver).collect();
    let all = store
        .approvals_waiting(derby(), of(&approvers), None, 50)
        .await
        .unwrap();
    assert_eq!(all.len(), tasks.len());
    let first = store
        .approvals_waiting(derby(), of(&approvers), None, 1)
        .await
        .unwrap();
    let cursor = oss_storage::ApprovalCursor {
        due_at: first[0].due_at,
        approval_id: first[0].approval_id,
    };
    let rest = store
        .approvals_waiting(derby(), of(&approvers), Some(cursor), 50)
        .await
        .unwrap();
    assert_eq!([first, rest].concat(), all, "page by page");
    late_is_what_was_due(store, &all).await;
    assert_eq!(
        store
            .approvals_waiting(derby(), of(&["nobody"]), None, 50)
            .await
            .unwrap(),
        []
    );

    let at = (derby(), parse::<ReferralId>("R01"));
    let wanted = Wanted {
        referrals: [at.clone()].into(),
        places: true,
        ..Wanted::default()
    };
    council
        .act("case system", wanted, |unit, context| {
            referrals::withdraw(unit, context, at.0, &at.1, "moved away")
        })
        .await;
    assert_eq!(
        store
            .approvals_waiting(derby(), of(&approvers), None, 50)
            .await
            .unwrap(),
        []
    );
    assert_eq!(store.deadlines_of(placement.referral).await.unwrap(), []);
    let stored = store.referral(derby(), &at.1).await.unwrap().unwrap();
    assert_eq!(stored.state, ReferralState::Withdrawn);
    assert_eq!(council.violations().await, []);
}

#[tokio::test]
async fn of_many_who_want_the_last_place_at_once_one_gets_it() {
    let council = Council::new().await;
    let own = household("F01", 1, 1);
    council.register(own.clone()).await;
    let mut offers = Vec::new();
    for n in 0..32 {
        let (id, child) = (format!("R{n}"), format!("C{n}"));
        council.refer(&id, &child, std::slice::from_ref(&own)).await;
        offers.push(council.offer(&id, "F01").await);
    }
    let tries = offers.into_iter().map(|offer| {
        let store = council.store.clone();
        tokio::spawn(async move {
            let step = |unit: &mut Unit, context: &mut Context<'_, '_>| {
                hold::hold(unit, context, &world(), offer, None)
            };
            act_at(&store, "com", &want_offer(offer), morning(), step).await
        })
    });
    let mut n_held = 0;
    for tried in futures::future::join_all(tries).await {
        // No deadlock, no clash: they take turns.
        match tried.unwrap().unwrap() {
            Ok(_) => n_held += 1,
            Err(refusal) => {
                assert!(matches!(
                    refusal,
                    Refusal::Conflict {
                        code: "place_gone",
                        ..
                    }
                ));
            }
        }
    }
    assert_eq!(n_held, 1);
    assert_eq!(council.violations().await, []);
}

#[tokio::test]
async fn a_hold_expires_exactly_once_however_many_schedulers_look() {
    let council = Council::new().await;
    let own = household("F01", 1, 1);
    council.register(own.clone()).await;
    council.refer("R01", "C01", &[own]).await;
    let offer = council.offer("R01", "F01").await;
    let kept = council
        .act("com", want_offer(offer), |unit, context| {
            hold::hold(unit, context, &world(), offer, None)
        })
        .await;
    let store = &council.store;
    let early = store
        .deadlines_due(kept.until - TimeDelta::seconds(1), 10)
        .await
        .unwrap();
    assert_eq!(early, []);
    let before = store.supply_versions().await.unwrap()[&derby()];
    let due = store.deadlines_due(kept.until, 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].due, Due::HoldExpires(kept.hold_id));
    // A store of its own each, as two processes have.
    let schedulers = (0..8).map(|_| {
        let (store, deadline) = (council.database.store(), due[0].clone());
        tokio::spawn(async move {
            let step = |unit: &mut Unit, context: &mut Context<'_, '_>| {
                deadline::act(unit, context, &world(), deadline.deadline_id, None)
            };
            act_at(&store, "clock", &want_deadline(&deadline), kept.until, step).await
        })
    });
    let acted = futures::future::join_all(schedulers).await;
    let n_acted = acted
        .into_iter()
        .filter(|it| matches!(it, Ok(Ok(Ok(true)))));
    assert_eq!(n_acted.count(), 1);
    assert_eq!(store.deadlines_due(kept.until, 10).await.unwrap(), []);
    let changes = store.changes_since(derby(), before).await.unwrap();
    assert_eq!(changes.version, before.next(), "one release");
    assert_eq!(changes.held[&parse::<SettingId>("F01")], []);
    assert_eq!(council.violations().await, []);
}

#[tokio::test]
async fn a_setting_that_comes_back_brings_those_who_kept_their_places() {
    let council = Council::new().await;
    place(&council).await;
    let store = &council.store;
    let (at, id) = ((derby(), parse::<SettingId>("H01")), "H01");
    council
        .act("register", want_closing(id), |unit, context| {
            supply::close_setting(unit, context, at.0, &at.1, 2)
        })
        .await;
    let closed = store.supply_versions().await.unwrap()[&derby()];
    let home = home_at(id, 3, 1, Sourcing::Framework, "DE56 1UU");
    council.register(home).await;
    let changes = store.changes_since(derby(), closed).await.unwrap();
    let held: Vec<_> = changes.held[&at.1]
        .iter()
        .map(|it| it.child_id.as_str())
        .collect();
    assert_eq!(held, ["C01"]);
    let all = store
        .changes_since(derby(), SupplyVersion(0))
        .await
        .unwrap();
    assert_eq!(all.held, changes.held);
}

#[tokio::test]
async fn a_child_has_one_place_at_a_time() {
    let council = Council::new().await;
    let settings = [household("F01", 1, 1), household("F02", 1, 1)];
    for setting in &settings {
        council.register(setting.clone()).await;
    }
    // Two referrals for one child, as happens when a placement breaks down.
    council.refer("R01", "C01", &settings).await;
    council.refer("R02", "C01", &settings).await;
    let (first, second) = (
        council.offer("R01", "F01").await,
        council.offer("R02", "F02").await,
    );
    council
        .act("com", want_offer(first), |unit, context| {
            hold::hold(unit, context, &world(), first, None)
        })
        .await;
    let step = |unit: &mut Unit, context: &mut Context<'_, '_>| {
        let seen: Vec<&Occupancy> = unit.occupancies.values().collect();
        assert_eq!(
            seen.len(),
            1,
            "the child's place is seen from the other referral"
        );
        hold::hold(unit, context, &world(), second, None)
    };
    let held = act_at(&council.store, "com", &want_offer(second), morning(), step).await;
    let refusal = held.unwrap().unwrap_err();
    assert!(matches!(
        refusal,
        Refusal::Conflict {
            code: "child_held_elsewhere",
            ..
        }
    ));
}

#[tokio::test]
async fn a_declined_offer_keeps_its_reason_and_the_history_its_words() {
    let council = Council::new().await;
    let home = home_at("H01", 1, 1, Sourcing::Spot, "DE56 1UU");
    council.register(home.clone()).await;
    council.refer("R01", "C01", &[home]).await;
    let offer = council.offer("R01", "H01").await;
    council
        .act("com", want_offer(offer), |unit, context| {
            call_off::approach(unit, context, &world(), offer, None)
        })
        .await;
    let given = Given {
        offer_id: offer,
        authority: derby(),
        provider_id: parse("HOMES"),
        answer: Answer::Declined,
        terms: Terms {
            decline_reason: Some(DeclineReason::Staffing),
            ..Terms::default()
        },
    };
    council
        .act("provider", want_offer(offer), |unit, context| {
            answer::answer(unit, context, &world(), given)
        })
        .await;
    let (referral, _) = seal().open(offer);
    let offers = council.store.offers_of(referral).await.unwrap();
    assert_eq!(
        offers[0].terms.decline_reason,
        Some(DeclineReason::Staffing)
    );
    assert_eq!(council.store.deadlines_of(referral).await.unwrap(), []);

    let at = (derby(), parse::<ReferralId>("R01"));
    let wanted = Wanted {
        referrals: [at.clone()].into(),
        places: true,
        ..Wanted::default()
    };
    council
        .act("case system", wanted, |unit, context| {
            referrals::withdraw(unit, context, at.0, &at.1, "went to her aunt")
        })
        .await;
    let history = council
        .store
        .history(derby(), referral, None, 10)
        .await
        .unwrap();
    let last = &history[0];
    assert_eq!(last.act, "referral.withdrawn");
    assert_eq!(last.reason.as_deref(), Some("went to her aunt"));
    assert_eq!(council.violations().await, []);
}
