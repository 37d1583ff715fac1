//! What several do at the same instant, each from a process of its own: one of them does it, the
//! others are told, and nothing is double.

use crate::{
    council::{Council, act_at, morning, parse, take_in, want_deadline, want_offer},
    life::{agree, granted},
    support::want_referral,
};
use chrono::{DateTime, Utc};
use oss_domain::{OfferId, Role, lifecycle::Answer, setting::Sourcing, ssda903::ReasonPlaceChange};
use oss_simulation::{derby, home_at, household, referral, world};
use oss_workflow::{
    Context, Refusal, StoreError, Unit, Wanted,
    answer::{self, Given, Recorded},
    approvals::{self, ApprovalTask, Word},
    call_off,
    deadline::{self, Due},
    offer::{OfferState, Terms},
    placement::{self, Ending, Placement, PlacementState},
};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// As many as do the same.
const MANY: usize = 6;

/// Somebody takes a step at `now`, from a process of their own.
fn begins<T: Send + 'static>(
    council: &Council,
    wanted: Wanted,
    now: DateTime<Utc>,
    step: impl FnOnce(&mut Unit, &mut Context<'_, '_>) -> Result<T, Refusal> + Send + 'static,
) -> JoinHandle<Result<T, Refusal>> {
    let store = council.database.store();
    tokio::spawn(async move { act_at(&store, "boss", &wanted, now, step).await.unwrap() })
}

async fn done<T>(all: Vec<JoinHandle<T>>) -> Vec<T> {
    let all = futures::future::join_all(all).await;
    all.into_iter().map(Result::unwrap).collect()
}

/// How many times it is told that something was so.
async fn n_told(council: &Council, what: &str) -> i64 {
    let mut owner = council.database.owner().await;
    let count = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE subject LIKE '%.' || $1");
    count.bind(what).fetch_one(&mut owner).await.unwrap()
}

fn want_approval(task: &ApprovalTask) -> Wanted {
    Wanted {
        approvals: [task.approval_id].into(),
        ..Wanted::default()
    }
}

fn want_placement(placement: &Placement) -> Wanted {
    Wanted {
        placements: [placement.placement_id].into(),
        ..Wanted::default()
    }
}

fn records(
    council: &Council,
    task: &ApprovalTask,
    word: Word,
) -> JoinHandle<Result<bool, Refusal>> {
    let id = task.approval_id;
    begins(
        council,
        want_approval(task),
        morning(),
        move |unit, context| approvals::record(unit, context, id, Role::ALL, word),
    )
}

fn starts(council: &Council, placement: &Placement) -> JoinHandle<Result<bool, Refusal>> {
    let id = placement.placement_id;
    begins(
        council,
        want_placement(placement),
        morning(),
        move |unit, context| placement::start(unit, context, &world(), id, None),
    )
}

fn ends(council: &Council, placement: &Placement) -> JoinHandle<Result<bool, Refusal>> {
    let (id, ended_on) = (placement.placement_id, placement.starts_on);
    begins(
        council,
        want_placement(placement),
        morning(),
        move |unit, context| {
            let ending = Ending {
                ended_on,
                reason: ReasonPlaceChange::Carpl,
                planned: true,
            };
            placement::end(unit, context, id, ending)
        },
    )
}

/// One did it, and each of the others was told that it was done.
fn once(told: &[Result<bool, Refusal>]) {
    let n_did = told.iter().filter(|it| matches!(it, Ok(true))).count();
    assert_eq!(n_did, 1, "{told:?}");
    assert!(told.iter().all(Result::is_ok), "{told:?}");
}

#[tokio::test]
async fn a_submission_is_proposed_once_however_many_matchers_take_it_in_at_once() {
    let council = Council::new().await;
    let home = household("F01", 1, 1);
    council.register(home.clone()).await;
    let referral = Arc::new(referral("R01", 1, &["C01"]));
    let keys = council.keys(std::slice::from_ref(&home)).await;
    let matchers = (0..MANY).map(|_| {
        let (store, keys) = (council.database.store(), keys.clone());
        let (referral, home) = (referral.clone(), [home.clone()]);
        tokio::spawn(async move {
            let wanted = want_referral(derby(), "R01");
            loop {
                let ranked = act_at(
                    &store,
                    "case system",
                    &wanted,
                    morning(),
                    |unit, context| take_in(unit, context, &referral, &home, &keys),
                );
                match ranked.await {
                    // Two made the referral: the matcher tries again.
                    Err(StoreError::Clash(_)) => {}
                    done => return done.unwrap().unwrap(),
                }
            }
        })
    });
    let ranked = done(matchers.collect()).await;
    assert_eq!(ranked.iter().flatten().count(), 1, "{ranked:?}");
    assert_eq!(n_told(&council, "referral.received").await, 1);
    assert_eq!(n_told(&council, "offers.proposed").await, 1);
    assert_eq!(council.violations().await, []);
}

#[tokio::test]
async fn each_approval_start_and_end_happens_once_however_many_do_it_at_once() {
    let council = Council::new().await;
    let (placement, tasks) = agree(&council).await;
    assert!(!tasks.is_empty());
    for task in &tasks {
        let all = (0..MANY).map(|_| records(&council, task, granted(task)));
        once(&done(all.collect()).await);
    }
    once(&done((0..MANY).map(|_| starts(&council, &placement)).collect()).await);
    assert_eq!(n_told(&council, "placement.started").await, 1);
    assert_eq!(n_told(&council, "referral.closed").await, 1);
    once(&done((0..MANY).map(|_| ends(&council, &placement)).collect()).await);
    assert_eq!(n_told(&council, "placement.closed").await, 1);
    assert_eq!(n_told(&council, "place.released").await, 1);
    assert_eq!(council.violations().await, []);
}

#[tokio::test]
async fn of_a_yes_and_a_no_at_once_the_first_counts_and_the_others_hear_of_it() {
    let council = Council::new().await;
    let (placement, tasks) = agree(&council).await;
    let (task, yes) = (&tasks[0], granted(&tasks[0]));
    let no = Word {
        granted: false,
        ..yes.clone()
    };
    let all = (0..MANY).map(|nth| {
        let word = if nth % 2 == 0 {
            yes.clone()
        } else {
            no.clone()
        };
        records(&council, task, word)
    });
    let told = done(all.collect()).await;
    let approvals = council
        .store
        .approvals_of(placement.referral)
        .await
        .unwrap();
    let recorded = approvals
        .iter()
        .find(|it| it.approval_id == task.approval_id);
    let was_granted = recorded.unwrap().record.as_ref().unwrap().granted;
    let n_did = told.iter().filter(|it| matches!(it, Ok(true))).count();
    assert_eq!(n_did, 1, "{told:?}");
    for (nth, told) in told.iter().enumerate() {
        let says_the_same = (nth % 2 == 0) == was_granted;
        let is_told_why = matches!(
            told,
            Err(Refusal::Conflict {
                code: "already_recorded",
                ..
            })
        );
        assert!(
            told.is_ok() == says_the_same && is_told_why != says_the_same,
            "{nth}: {told:?}"
        );
    }
    let stored = council
        .store
        .placement(placement.placement_id)
        .await
        .unwrap();
    let stands = stored.unwrap().state == PlacementState::Agreed;
    assert_eq!(stands, was_granted);
    assert_eq!(
        n_told(&council, "placement.closed").await,
        i64::from(!stands)
    );
    assert_eq!(council.violations().await, []);
}

#[tokio::test]
async fn a_placement_that_is_started_and_ended_at_once_ends_once_and_never_starts_after() {
    let council = Council::new().await;
    let (placement, tasks) = agree(&council).await;
    for task in &tasks {
        once(&done(vec![records(&council, task, granted(task))]).await);
    }
    let all = (0..MANY).map(|nth| match nth % 2 {
        0 => starts(&council, &placement),
        _ => ends(&council, &placement),
    });
    let told = done(all.collect()).await;
    let n_started = n_told(&council, "placement.started").await;
    for (nth, told) in told.iter().enumerate() {
        let is_told = matches!(
            told,
            Err(Refusal::Conflict {
                code: "not_agreed",
                ..
            })
        );
        assert!(told.is_ok() || (nth % 2 == 0 && is_told), "{nth}: {told:?}");
    }
    let of = |first: usize| told.iter().skip(first).step_by(2);
    let n_did = |first| of(first).filter(|it| matches!(it, Ok(true))).count();
    assert_eq!(
        (n_did(0), n_did(1)),
        (usize::from(n_started == 1), 1),
        "{told:?}"
    );
    assert_eq!(n_told(&council, "placement.closed").await, 1);
    assert_eq!(n_told(&council, "place.released").await, 1);
    let stored = council
        .store
        .placement(placement.placement_id)
        .await
        .unwrap();
    let state = stored.unwrap().state;
    assert_eq!(state == PlacementState::Ended, n_started == 1, "{state}");
    assert_eq!(council.violations().await, []);
}

/// The offer of a home that was asked, and when its time to answer is over.
async fn asked(council: &Council, nth: usize) -> (OfferId, deadline::Deadline) {
    let (id, child, home) = (format!("R{nth}"), format!("C{nth}"), format!("H{nth}"));
    let setting = home_at(&home, 1, 1, Sourcing::Framework, "DE56 1UU");
    council.register(setting.clone()).await;
    let _ = council.refer(&id, &child, &[setting]).await;
    let offer = council.offer(&id, &home).await;
    council
        .act("com", want_offer(offer), |unit, context| {
            call_off::approach(unit, context, &world(), offer, None)
        })
        .await;
    let late = morning() + chrono::TimeDelta::days(60);
    let due = council.store.deadlines_due(late, 500).await.unwrap();
    let due = due.into_iter().find(|it| it.due == Due::RespondBy(offer));
    (offer, due.unwrap())
}

#[tokio::test]
async fn an_answer_at_the_instant_its_time_is_over_counts_once_whichever_is_first() {
    let council = Council::new().await;
    for (nth, answer) in [Answer::Accepted, Answer::Declined]
        .into_iter()
        .cycle()
        .take(8)
        .enumerate()
    {
        let (offer, over) = asked(&council, nth).await;
        let expires = || {
            let id = over.deadline_id;
            begins(
                &council,
                want_deadline(&over),
                over.due_at,
                move |unit, context| deadline::act(unit, context, &world(), id, None),
            )
        };
        let answers = || {
            let given = Given {
                offer_id: offer,
                authority: derby(),
                provider_id: parse("HOMES"),
                answer,
                terms: Terms::default(),
            };
            begins(
                &council,
                want_offer(offer),
                over.due_at,
                move |unit, context| answer::answer(unit, context, &world(), given),
            )
        };
        let before = n_told(&council, "offer.expired").await;
        // One first, or the other, or whichever is locked first.
        let (answered, expired) = match nth / 2 {
            0 => (answers().await, expires().await),
            1 => {
                let expired = expires().await;
                (answers().await, expired)
            }
            _ => tokio::join!(answers(), expires()),
        };
        let (answered, expired) = (answered.unwrap().unwrap(), expired.unwrap().unwrap());
        let state = match answer {
            Answer::Accepted => {
                assert!(
                    matches!(answered, Recorded::Accepted(Some(_))),
                    "{answered:?}"
                );
                OfferState::Accepted
            }
            Answer::Declined => {
                assert_eq!(answered, Recorded::Declined);
                OfferState::Declined
            }
        };
        let (referral, _) = oss_simulation::seal().open(offer);
        let offers = council.store.offers_of(referral).await.unwrap();
        assert_eq!(
            offers.iter().map(|it| it.state).collect::<Vec<_>>(),
            [state]
        );
        // The provider hears that its time was over only where the answer came behind that.
        let n_expired = n_told(&council, "offer.expired").await - before;
        assert_eq!(n_expired, i64::from(expired));
        assert!(nth / 2 > 1 || expired == (nth / 2 == 1), "{nth}");
    }
    assert_eq!(n_told(&council, "offer.recorded").await, 8);
    assert_eq!(n_told(&council, "place.held").await, 4);
    assert_eq!(council.violations().await, []);
}
