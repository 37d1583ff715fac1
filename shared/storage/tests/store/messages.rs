//! Inbox, outbox, dead letters, idempotency.

use crate::support::*;
use chrono::{DateTime, TimeDelta, Utc};
use oss_domain::{DeadLetterId, FieldError};
use oss_storage::{
    dead_letters::StoredDeadLetter,
    idempotency::{Known, Request},
};
use oss_workflow::{
    Context, Event, Store, StoreError, Unit, Wanted,
    unit::{DeadLetter, Entry},
};
use sqlx::Row;

fn at(minute: i64) -> DateTime<Utc> {
    "2026-11-23T09:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
}

#[tokio::test]
async fn what_was_committed_is_published_in_order_by_one_at_a_time() {
    let database = Database::new().await;
    let store = database.store();
    receive(&store, derby(), "R01", 1).await;
    receive(&store, derby(), "R01", 2).await;
    assert_eq!(store.outbox_backlog().await.unwrap().count, 2);
    assert_eq!(
        store.check_outbox(at(1)).await.unwrap().len(),
        2,
        "both are late by then"
    );

    let mut publisher = store.publisher().await.unwrap().unwrap();
    assert!(store.publisher().await.unwrap().is_none());
    let events = publisher.next(&[], at(1), &[], 10).await.unwrap();
    let subjects: Vec<_> = events.iter().map(|event| event.subject.as_str()).collect();
    assert_eq!(subjects, ["oss.evt.v1.E06000015.referral.received"; 2]);
    assert!(String::from_utf8_lossy(&events[0].payload).contains(r#""revision":1"#));
    assert!(events[0].traceparent.is_some());
    assert!(store.outbox_has(events[0].event_id).await.unwrap());
    let on_its_way = [events[0].sequence];
    let others = publisher.next(&[], at(1), &on_its_way, 10).await.unwrap();
    assert_eq!(others, events[1..], "what is on its way is not sent again");
    let others = publisher.next(&on_its_way, at(1), &[], 10).await.unwrap();
    assert_eq!(
        others,
        events[1..],
        "what was published is marked and not given"
    );
    let others = publisher.next(&[], at(1), &[], 10).await.unwrap();
    assert_eq!(others, events[1..], "and stays so");
    assert_eq!(
        store.purge_outbox(at(2), 10).await.unwrap(),
        1,
        "only what was published"
    );

    // Dropped, its connection closes, and the next one may.
    drop(publisher);
    let mut tries = 0;
    while store.publisher().await.unwrap().is_none() {
        tries += 1;
        assert!(tries < 10_000, "the right to publish is free again");
    }
}

#[tokio::test]
async fn an_event_that_is_committed_late_is_not_passed_over() {
    let database = Database::new().await;
    let store = database.store();
    // The slow unit takes its sequence first, and commits last.
    let mut slow = database.owner().await;
    sqlx::raw_sql(
        "BEGIN; INSERT INTO outbox (event_id, authority, subject, payload, created_at)
         VALUES (gen_random_uuid(), 'E06000015', 'slow', '', now())",
    )
    .execute(&mut slow)
    .await
    .unwrap();
    receive(&store, derby(), "R01", 1).await;
    let mut publisher = store.publisher().await.unwrap().unwrap();
    let seen = publisher.next(&[], at(1), &[], 10).await.unwrap();
    assert_eq!(seen.len(), 1);
    let published = [seen[0].sequence];
    publisher.next(&published, at(1), &[], 0).await.unwrap();
    sqlx::raw_sql("COMMIT").execute(&mut slow).await.unwrap();
    let late = publisher.next(&[], at(1), &[], 10).await.unwrap();
    assert_eq!(late[0].subject, "slow");
    assert!(late[0].sequence < seen[0].sequence, "its number is lower");
}

/// An event with what PostgreSQL cannot hold in a text.
fn letter(number: u8) -> DeadLetter {
    DeadLetter {
        dead_letter_id: DeadLetterId::from_bytes([number; 16]),
        authority: Some(derby()),
        subject: "oss.in.v1.E06000015.referral.submitted".into(),
        source: Some("/derby/\0case-system".into()),
        event_id: Some(format!("e{number}").into()),
        event_type: None,
        code: "not_json",
        reason: "the payload is not JSON: \0".to_owned(),
        errors: vec![FieldError::new(
            "/children/0/sex",
            "required",
            "is required",
        )],
        attempts: 1,
        received_at: at(0),
        headers: vec![("X".to_owned(), "y\0".to_owned())],
        payload: b"CANARY {".as_slice().into(),
    }
}

#[tokio::test]
async fn a_dead_letter_of_a_council_that_is_not_served_is_kept_and_told_on_its_subject() {
    let database = Database::new().await;
    let store = database.store();
    let subject = "oss.in.v1.E06000018.referral.submitted";
    run(&store, &Wanted::default(), |unit, context| {
        unit.log.push(Entry::DeadLetter(Box::new(DeadLetter {
            authority: Some(nottingham()),
            subject: subject.into(),
            ..letter(1)
        })));
        unit.announce(
            context,
            Event::DeadLettered {
                authority: Some(nottingham()),
                event_id: None,
                source: None,
                event_type: None,
                subject: subject.into(),
                reason: "the authority is another than the subject's".to_owned(),
                attempts: 1,
            },
        );
    })
    .await
    .unwrap();
    let kept = store.list_dead_letters(None, 2).await.unwrap();
    assert_eq!(kept[0].subject, subject);
    let mut publisher = store.publisher().await.unwrap().unwrap();
    let told = publisher.next(&[], at(1), &[], 10).await.unwrap();
    assert_eq!(told[0].subject, "oss.evt.v1.E06000018.event.dead_lettered");
}

#[tokio::test]
async fn a_dead_letter_waits_for_a_person_and_is_tried_again_by_one_handler() {
    let database = Database::new().await;
    let store = database.store();
    run(&store, &Wanted::default(), |unit, _| {
        for number in [1, 2, 3] {
            unit.log.push(Entry::DeadLetter(Box::new(letter(number))));
        }
    })
    .await
    .unwrap();
    let id = |number: u8| DeadLetterId::from_bytes([number; 16]);
    let ids =
        |list: &[StoredDeadLetter]| list.iter().map(|it| it.dead_letter_id).collect::<Vec<_>>();
    assert_eq!(
        ids(&store.list_dead_letters(None, 2).await.unwrap()),
        [id(3), id(2)]
    );
    assert_eq!(
        ids(&store.list_dead_letters(Some(id(2)), 2).await.unwrap()),
        [id(1)]
    );
    let content = store.dead_letter(id(1)).await.unwrap().unwrap();
    assert_eq!(content.payload, b"CANARY {");
    assert_eq!(
        content.letter.source.as_deref(),
        Some("/derby/\u{fffd}case-system")
    );

    assert!(store.request_retry(id(1), at(5)).await.unwrap());
    assert!(!store.request_retry(id(9), at(5)).await.unwrap());
    let taken = store.take_retries(at(6), at(1), 10).await.unwrap();
    assert_eq!((taken.len(), taken[0].letter.attempts), (1, 2));
    assert!(
        store
            .take_retries(at(6), at(1), 10)
            .await
            .unwrap()
            .is_empty(),
        "another has it"
    );
    assert_eq!(
        store.take_retries(at(20), at(15), 10).await.unwrap().len(),
        1,
        "that one is gone"
    );
    store
        .retry_failed(id(1), "not_json", "still not JSON")
        .await
        .unwrap();
    assert!(
        store
            .take_retries(at(30), at(25), 10)
            .await
            .unwrap()
            .is_empty(),
        "only when asked"
    );
    assert!(
        store
            .resolve_dead_letter(id(1), "handled", at(31))
            .await
            .unwrap()
    );
    assert!(
        !store
            .resolve_dead_letter(id(1), "handled", at(32))
            .await
            .unwrap()
    );
    assert_eq!(store.open_dead_letters().await.unwrap().count, 2);
    assert!(!store.request_retry(id(1), at(33)).await.unwrap());
}

#[tokio::test]
async fn what_is_told_of_a_child_in_words_is_nowhere_to_be_read_in_the_database() {
    let database = Database::new().await;
    let store = database.store();
    receive(&store, derby(), "R01", 1).await;
    run(&store, &Wanted::default(), |unit, _| {
        unit.log.push(Entry::DeadLetter(Box::new(letter(1))));
    })
    .await
    .unwrap();
    let mut owner = database.owner().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let hex = "43414e415259";
    for table in tables {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {table}::text FROM {table}"
        )))
        .fetch_all(&mut owner)
        .await
        .unwrap();
        for row in rows {
            let text: String = row.get(0);
            assert!(
                !text.contains("CANARY") && !text.contains(hex),
                "{table}: {text}"
            );
        }
    }
    let stored = store.referral(derby(), &rid("R01")).await.unwrap().unwrap();
    assert_eq!(
        stored.referral,
        Some(referral(derby(), "R01", 1)),
        "all of it, for those allowed"
    );
    let other = oss_storage::InstallationKey::new([1; 32]);
    let thief = oss_storage::PgStore::connect(&database.options(&[derby()]), other).unwrap();
    assert!(thief.referral(derby(), &rid("R01")).await.is_err());
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_for_a_day() {
    let database = Database::new().await;
    let store = database.store();
    let request = Request {
        authority: derby(),
        actor: "jane",
        key: "k1",
        route: "POST /api/v1/referrals",
        body_hash: [1; 32],
    };
    assert_eq!(
        store.claim_request(request, at(0)).await.unwrap(),
        Known::New
    );
    assert_eq!(
        store.claim_request(request, at(0)).await.unwrap(),
        Known::InProgress
    );
    store.release_request(request).await.unwrap();
    assert_eq!(
        store.claim_request(request, at(0)).await.unwrap(),
        Known::New
    );
    assert_eq!(
        store.claim_request(request, at(5)).await.unwrap(),
        Known::New,
        "the first is gone"
    );
    store.answer_request(request, 202, b"{}").await.unwrap();
    let answered = Known::Answered {
        status: 202,
        response: b"{}".to_vec(),
    };
    assert_eq!(store.claim_request(request, at(9)).await.unwrap(), answered);
    let other = Request {
        body_hash: [2; 32],
        ..request
    };
    assert_eq!(
        store.claim_request(other, at(9)).await.unwrap(),
        Known::OtherRequest
    );
    let next_day = at(25 * 60);
    assert_eq!(
        store.claim_request(other, next_day).await.unwrap(),
        Known::New
    );
    assert_eq!(
        store
            .purge_requests(next_day + TimeDelta::hours(25))
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn a_unit_lost_between_open_and_commit_is_done_again_in_full() {
    let database = Database::new().await;
    let store = database.store();
    receive(&store, derby(), "R01", 1).await;
    let wanted = Wanted {
        events: [event("1")].into(),
        ..want_referral(derby(), "R01")
    };
    let handle = |unit: &mut Unit, context: &mut Context<'_, '_>| {
        assert!(
            unit.first_sight(&event("1")),
            "nothing of the lost one is there"
        );
        let referral = referral(derby(), "R01", 2);
        oss_workflow::referral::receive(unit, context, &referral, content(2)).unwrap()
    };
    let (mut unit, opened) = store.open(&wanted).await.unwrap();
    step(&mut unit, handle);
    // The server ends the connection, as it does when the service is killed.
    let mut owner = database.owner().await;
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND state = 'idle in transaction'",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    let error = store.commit(unit, opened).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    run(&store, &wanted, handle).await.unwrap();
    assert_eq!(store.check_referral_heads().await.unwrap(), []);
    assert_eq!(store.check_audit_is_complete().await.unwrap(), []);
}
