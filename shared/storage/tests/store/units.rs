//! Opening and committing.

use crate::support::*;
use oss_domain::lifecycle::ReferralState;
use oss_storage::referrals::{ReferralCursor, ReferralFilter};
use oss_workflow::{Store, StoreError, SupplyVersion, Unit, Wanted};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_referral_is_found_again_as_it_was_committed() {
    let database = Database::new().await;
    let store = database.store();
    receive(&store, derby(), "R01", 1).await;
    receive(&store, derby(), "R01", 3).await;

    let (unit, opened) = store.open(&want_referral(derby(), "R01")).await.unwrap();
    let head = &unit.referrals[&(derby(), rid("R01"))];
    assert_eq!((head.revision, head.content), (3, content(3)));
    assert_eq!(head.state, ReferralState::Received);
    let loaded = head.referral.as_ref().unwrap();
    assert_eq!(loaded.children, referral(derby(), "R01", 3).children);
    assert_eq!(
        loaded.narrative.title, None,
        "what is told in words stays sealed"
    );
    assert!(unit.spare_referral_keys.is_empty(), "it has a key");
    assert_eq!(unit.supply[&derby()], SupplyVersion(0));

    let by_key = Wanted {
        referral_keys: [head.key].into(),
        ..Wanted::default()
    };
    drop(opened);
    let (again, _opened) = store.open(&by_key).await.unwrap();
    assert_eq!(again.referrals, unit.referrals);
}

#[tokio::test]
async fn revisions_and_versions_may_be_numbered_by_the_clock() {
    let database = Database::new().await;
    let store = database.store();
    let nanoseconds = 1_795_000_000_000_000_000;
    receive(&store, derby(), "R01", nanoseconds).await;
    change_setting(&store, derby(), "F01", nanoseconds).await;
    let (unit, opened) = store.open(&want_referral(derby(), "R01")).await.unwrap();
    let head = &unit.referrals[&(derby(), rid("R01"))];
    assert_eq!(head.revision, nanoseconds);
    drop(opened);
    let (unit, _opened) = store.open(&want_setting(derby(), "F01")).await.unwrap();
    let head = &unit.settings[&(derby(), "F01".parse().unwrap())];
    assert_eq!(head.version, nanoseconds);
}

#[tokio::test]
async fn a_unit_that_is_dropped_leaves_nothing() {
    let database = Database::new().await;
    let store = database.store();
    receive(&store, derby(), "R01", 1).await;
    for id in ["R01", "R02"] {
        let (mut unit, opened) = store.open(&want_referral(derby(), id)).await.unwrap();
        step(&mut unit, |unit, context| {
            oss_workflow::referral::receive(unit, context, &referral(derby(), id, 2), content(2))
        })
        .unwrap();
        drop(opened);
        let (unit, _opened) = store.open(&want_referral(derby(), id)).await.unwrap();
        let revision = |head: &oss_workflow::ReferralHead| head.revision;
        let before = if id == "R01" { vec![1] } else { vec![] };
        assert!(unit.referrals.values().map(revision).eq(before), "{id}");
    }
}

#[tokio::test]
async fn an_event_is_seen_once_for_ever() {
    let database = Database::new().await;
    let store = database.store();
    let wanted = Wanted {
        events: [event("1"), event("2")].into(),
        ..Wanted::default()
    };
    let first = |unit: &mut oss_workflow::Unit| {
        (unit.first_sight(&event("1")), unit.first_sight(&event("1")))
    };
    assert_eq!(
        run(&store, &wanted, |unit, _| first(unit)).await.unwrap(),
        (true, false)
    );
    assert_eq!(
        run(&store, &wanted, |unit, _| first(unit)).await.unwrap(),
        (false, false)
    );

    // Two units saw it for the first time at the same moment: the slower one clashes.
    let second = |unit: &mut oss_workflow::Unit| assert!(unit.first_sight(&event("2")));
    let (mut slow, slow_opened) = store.open(&wanted).await.unwrap();
    second(&mut slow);
    run(&store, &wanted, |unit, _| second(unit)).await.unwrap();
    let clash = store.commit(slow, slow_opened).await.unwrap_err();
    assert!(matches!(clash, StoreError::Clash(_)), "{clash:?}");
}

#[tokio::test]
async fn two_units_on_one_referral_take_turns() {
    let database = Database::new().await;
    let store = std::sync::Arc::new(database.store());
    receive(&store, derby(), "R01", 1).await;
    let (mut first, first_opened) = store.open(&want_referral(derby(), "R01")).await.unwrap();
    let second = tokio::spawn({
        let store = store.clone();
        async move {
            let (unit, _opened) = store.open(&want_referral(derby(), "R01")).await.unwrap();
            unit.referrals[&(derby(), rid("R01"))].clone()
        }
    });
    // The second one waits in the database for the first one's lock.
    let mut owner = database.owner().await;
    let mut waiting = 0_i64;
    while waiting == 0 {
        waiting = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_one(&mut owner)
        .await
        .unwrap();
    }
    assert!(!second.is_finished());
    step(&mut first, |unit, context| {
        oss_workflow::referral::receive(unit, context, &referral(derby(), "R01", 2), content(2))
    })
    .unwrap();
    store.commit(first, first_opened).await.unwrap();
    let seen = second.await.unwrap();
    assert_eq!(seen.revision, 2, "it sees what the first one did");
    assert_eq!(seen.referral.unwrap().revision, 2);
}

#[tokio::test]
async fn two_units_that_both_make_a_referral_make_one() {
    let database = Database::new().await;
    let store = database.store();
    let wanted = Wanted {
        events: [event("1")].into(),
        referrals: [(derby(), rid("R01")), (derby(), rid("R02"))].into(),
        ..Wanted::default()
    };
    let (mut slow, slow_opened) = store.open(&wanted).await.unwrap();
    receive(&store, derby(), "R01", 1).await;
    step(&mut slow, |unit, context| {
        unit.first_sight(&event("1"));
        for (id, revision) in [("R01", 2), ("R02", 1)] {
            let referral = referral(derby(), id, revision);
            let content = content(revision);
            oss_workflow::referral::receive(unit, context, &referral, content).unwrap();
        }
    });
    let clash = store.commit(slow, slow_opened).await.unwrap_err();
    assert!(matches!(clash, StoreError::Clash(_)), "{clash:?}");
    // Of the slower one nothing is left, also of what nobody else had made.
    let (again, _) = store.open(&wanted).await.unwrap();
    assert_eq!(again.seen, BTreeSet::new());
    assert!(again.referrals.keys().eq([&(derby(), rid("R01"))]));
    drop(again);
    let left: (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM referral_revision), (SELECT count(*) FROM outbox),
           (SELECT count(*) FROM audit)",
    )
    .fetch_one(&mut database.owner().await)
    .await
    .unwrap();
    assert_eq!(left, (1, 1, 1), "revisions, events, lines");
    receive(&store, derby(), "R01", 2).await;
    assert_eq!(store.check_referral_heads().await.unwrap(), []);
    assert_eq!(store.check_audit_chains().await.unwrap(), []);
}

#[tokio::test]
async fn a_referral_withdrawn_before_it_arrives_stays_withdrawn() {
    let database = Database::new().await;
    let store = database.store();
    run(&store, &want_referral(derby(), "R01"), |unit, context| {
        oss_workflow::referral::withdraw(unit, context, derby(), &rid("R01"), "moved away").unwrap()
    })
    .await
    .unwrap();
    receive(&store, derby(), "R01", 1).await;
    let stored = store.referral(derby(), &rid("R01")).await.unwrap().unwrap();
    assert_eq!(
        (stored.state, stored.revision),
        (ReferralState::Withdrawn, 0)
    );
    assert!(stored.referral.is_none());
}

#[tokio::test]
async fn referrals_are_listed_page_by_page() {
    let database = Database::new().await;
    let store = database.store();
    for number in 1..=5 {
        receive(&store, derby(), &format!("R0{number}"), 1).await;
    }
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = store
            .list_referrals(derby(), ReferralFilter::default(), cursor, 2)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        cursor = Some(ReferralCursor {
            received_at: last.received_at,
            key: last.key,
        });
        seen.extend(page.iter().map(|referral| referral.referral_id.to_string()));
    }
    assert_eq!(seen, ["R05", "R04", "R03", "R02", "R01"]);
    let filter = ReferralFilter {
        state: Some(ReferralState::Ranked),
        urgency: None,
    };
    assert!(
        store
            .list_referrals(derby(), filter, None, 9)
            .await
            .unwrap()
            .is_empty()
    );
    let open = store.open_referrals().await.unwrap();
    assert_eq!((open.len(), open[0].count), (1, 5));
}

#[tokio::test]
async fn stale_referrals_are_shared_out_and_the_most_urgent_comes_first() {
    let database = Database::new().await;
    let store = database.store();
    receive(&store, derby(), "R01", 1).await;
    receive(&store, derby(), "R02", 1).await;
    let mut owner = database.owner().await;
    sqlx::query("UPDATE referral SET urgency = 'emergency' WHERE referral_id = 'R02'")
        .execute(&mut owner)
        .await
        .unwrap();
    let ids = |unit: &Unit| {
        unit.referrals
            .keys()
            .map(|(_, id)| id.to_string())
            .collect::<Vec<_>>()
    };
    let version = SupplyVersion(1);
    assert_eq!(store.count_stale(derby(), version).await.unwrap(), 2);
    assert!(store.any_stale(&[derby()]).await.unwrap());
    let (first, first_opened) = store.open_stale(derby(), version, 1).await.unwrap();
    let (second, second_opened) = store.open_stale(derby(), version, 1).await.unwrap();
    assert_eq!(
        (ids(&first), ids(&second)),
        (vec!["R02".to_owned()], vec!["R01".to_owned()])
    );
    // Nothing was changed, so this gives them back, and waits until they are.
    for (unit, opened) in [(first, first_opened), (second, second_opened)] {
        store.commit(unit, opened).await.unwrap();
    }

    let (mut unit, opened) = store.open_stale(derby(), version, 9).await.unwrap();
    for (at, head) in &mut unit.referrals {
        head.evaluated = Some(version);
        unit.changed_referrals.insert(at.clone());
    }
    store.commit(unit, opened).await.unwrap();
    assert_eq!(store.count_stale(derby(), version).await.unwrap(), 0);
    assert!(!store.any_stale(&[derby()]).await.unwrap());
    sqlx::query("INSERT INTO register VALUES ($1, 2)")
        .bind(derby().as_str())
        .execute(&mut owner)
        .await
        .unwrap();
    assert!(
        store.any_stale(&[derby()]).await.unwrap(),
        "the supply changed"
    );
}

/// While a table is new, all indexes that begin alike look as good, and what is planned then is
/// kept: the wrong one cost 17 ms an event.
#[tokio::test]
async fn a_lookup_by_name_has_one_index_to_go_by() {
    let database = Database::new().await;
    let mut owner = database.owner().await;
    let named: Vec<String> = sqlx::query_scalar(
        "SELECT other.indexrelid::regclass::text FROM pg_index AS names
         JOIN pg_index AS other ON other.indrelid = names.indrelid
           AND other.indkey[0] = names.indkey[0] AND NOT other.indisprimary
         WHERE names.indisprimary AND names.indnkeyatts > 1 AND other.indpred IS NULL
           AND names.indrelid IN ('referral'::regclass, 'setting'::regclass,
             'referral_revision'::regclass, 'inbox'::regclass, 'child_taken'::regclass)",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert!(
        named.is_empty(),
        "{named:?} could be taken for the one of the names"
    );
}
