//! Opening and committing.

use crate::support::*;
use oss_domain::lifecycle::ReferralState;
use oss_workflow::{Store, StoreError, SupplyVersion, Wanted};

#[tokio::test]
async fn a_referral_is_found_again_as_it_was_committed() {
    let database = Database::new().await;
    let store = database.store();
    receive(&store, derby(), "R01", 1).await;
    receive(&store, derby(), "R01", 3).await;

    let (unit, _opened) = store.open(&want_referral(derby(), "R01")).await.unwrap();
    let head = &unit.referrals[&(derby(), rid("R01"))];
    assert_eq!((head.revision, head.content), (3, content(3)));
    assert_eq!(head.state, ReferralState::Received);
    let loaded = head.referral.as_ref().unwrap();
    assert_eq!(loaded.children, referral(derby(), "R01", 3).children);
    assert_eq!(loaded.narrative.title, None, "what is told in words stays sealed");
    assert!(unit.spare_referral_keys.is_empty(), "it has a key");
    assert_eq!(unit.supply[&derby()], SupplyVersion(0));

    let by_key = Wanted { referral_keys: [head.key].into(), ..Wanted::default() };
    drop(_opened);
    let (again, _opened) = store.open(&by_key).await.unwrap();
    assert_eq!(again.referrals, unit.referrals);
}

#[tokio::test]
async fn a_unit_that_is_dropped_leaves_nothing() {
    let database = Database::new().await;
    let store = database.store();
    let (mut unit, opened) = store.open(&want_referral(derby(), "R01")).await.unwrap();
    step(&mut unit, |unit, context| {
        oss_workflow::referral::receive(unit, context, &referral(derby(), "R01", 1), content(1))
    })
    .unwrap();
    drop(opened);
    let (unit, _opened) = store.open(&want_referral(derby(), "R01")).await.unwrap();
    assert!(unit.referrals.is_empty());
}

#[tokio::test]
async fn an_event_is_seen_once_for_ever() {
    let database = Database::new().await;
    let store = database.store();
    let wanted = Wanted { events: [event("1"), event("2")].into(), ..Wanted::default() };
    let first = |unit: &mut oss_workflow::Unit| (unit.first_sight(&event("1")), unit.first_sight(&event("1")));
    assert_eq!(run(&store, &wanted, |unit, _| first(unit)).await.unwrap(), (true, false));
    assert_eq!(run(&store, &wanted, |unit, _| first(unit)).await.unwrap(), (false, false));

    // Two units saw it for the first time at the same moment: the slower one clashes.
    let second = |unit: &mut oss_workflow::Unit| assert!(unit.first_sight(&event("2")));
    let (mut slow, slow_opened) = store.open(&wanted).await.unwrap();
    second(&mut slow);
    run(&store, &wanted, |unit, _| second(unit)).await.unwrap();
    let clash = store.commit(slow, slow_opened).await.unwrap_err();
    assert!(matches!(clash, StoreError::Clash(_)), "{clash:?}");
}
