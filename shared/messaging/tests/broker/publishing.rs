use crate::{LIMIT, broker, referral};
use bytes::Bytes;
use oss_messaging::{Outgoing, PublishError, Publisher, topology};
use std::time::Instant;

#[tokio::test]
async fn the_same_id_is_stored_once() {
    let (_server, connection) = broker().await;
    let publisher = Publisher::new(&connection);
    let first = publisher.publish_and_confirm(referral(1)).await.unwrap();
    let again = publisher.publish_and_confirm(referral(1)).await.unwrap();
    assert!(!first.duplicate && again.duplicate);
    assert_eq!(first.sequence, again.sequence);
    let facts = connection.stream_facts(topology::INBOUND).await.unwrap();
    assert_eq!(facts.messages, 1);
}

#[tokio::test]
async fn many_are_published_in_order() {
    let (_server, connection) = broker().await;
    let messages = (0..1000).map(referral).collect();
    let results = Publisher::new(&connection).publish_all(messages).await;
    let sequences: Vec<u64> = results
        .into_iter()
        .map(|result| result.unwrap().sequence)
        .collect();
    assert_eq!(sequences, (1..=1000).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_cannot_be_taken_says_why_and_holds_up_nothing() {
    let (_server, connection) = broker().await;
    let nowhere = Outgoing {
        subject: "oss.out.v1.nobody".to_owned(),
        ..referral(2)
    };
    let huge = Outgoing {
        payload: Bytes::from(vec![b' '; 2 << 20]),
        ..referral(3)
    };
    let injected = Outgoing {
        headers: vec![("a".to_owned(), "b\r\nc: d".to_owned())],
        ..referral(4)
    };
    let odd_id = Outgoing {
        message_id: "a\r\nb".to_owned(),
        ..referral(5)
    };
    let odd_subject = Outgoing {
        subject: "oss in v1".to_owned(),
        ..referral(6)
    };
    let messages = vec![
        referral(1),
        nowhere,
        huge,
        injected,
        odd_id,
        odd_subject,
        referral(7),
    ];
    let results = Publisher::new(&connection).publish_all(messages).await;
    let kinds: Vec<&str> = results
        .iter()
        .map(|result| match result {
            Ok(_) => "ok",
            Err(PublishError::Unconfirmed(_)) => "unconfirmed",
            Err(PublishError::Refused(_)) => "refused",
            Err(PublishError::Unfit(_)) => "unfit",
        })
        .collect();
    assert_eq!(
        kinds,
        ["ok", "refused", "unfit", "unfit", "unfit", "refused", "ok"]
    );
}

/// An event over 256 KiB must reach us, so that it can be refused with a reason.
#[tokio::test]
async fn a_large_event_gets_through_to_be_refused_by_us() {
    let (_server, connection) = broker().await;
    let large = Outgoing {
        payload: Bytes::from(vec![b' '; 900 << 10]),
        ..referral(1)
    };
    Publisher::new(&connection)
        .publish_and_confirm(large)
        .await
        .unwrap();
}

#[tokio::test]
async fn without_a_broker_it_says_so_in_time_and_nothing_is_stored_twice() {
    let (server, connection) = broker().await;
    let publisher = Publisher::new(&connection);
    server.kill().await;
    let started = Instant::now();
    let results = publisher
        .publish_all((0..200).map(referral).collect())
        .await;
    assert!(started.elapsed() < LIMIT);
    assert!(
        results
            .iter()
            .all(|result| matches!(result, Err(PublishError::Unconfirmed(_))))
    );
    server.restart().await;
    connection.ready(LIMIT).await.unwrap();
    for result in publisher
        .publish_all((0..200).map(referral).collect())
        .await
    {
        result.unwrap();
    }
    let facts = connection.stream_facts(topology::INBOUND).await.unwrap();
    assert_eq!(facts.messages, 200);
}
