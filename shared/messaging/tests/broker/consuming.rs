use crate::{LIMIT, broker, referral};
use futures::StreamExt;
use oss_messaging::{
    Consumer, Disposition, Incoming, Publisher,
    topology::{INBOUND, MATCHER},
};
use oss_testkit::wait;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

fn number(message: &Incoming) -> usize {
    std::str::from_utf8(message.payload())
        .unwrap()
        .parse()
        .unwrap()
}

pub(crate) async fn take(consumer: &mut Consumer, at_most: usize) -> Vec<Incoming> {
    let stop = CancellationToken::new();
    let batch = tokio::time::timeout(2 * LIMIT, consumer.next_batch(at_most, &stop)).await;
    batch.unwrap().unwrap()
}

#[tokio::test]
async fn a_message_arrives_with_all_that_belongs_to_it() {
    let (_server, connection) = broker().await;
    Publisher::new(&connection)
        .publish_and_confirm(referral(7))
        .await
        .unwrap();
    let mut consumer = Consumer::new(&connection, INBOUND, MATCHER);
    let batch = take(&mut consumer, 32).await;
    let [message] = batch.as_slice() else {
        panic!("{batch:?}")
    };
    assert_eq!(message.subject(), "oss.in.v1.E06000015.referral.submitted");
    assert_eq!((message.stream_sequence, message.delivered), (1, 1));
    assert_eq!(message.header("traceparent"), Some("00-0-0-00"));
    assert_eq!(message.headers()["Nats-Msg-Id"], "/derby/case-system#7");
    assert_eq!(number(message), 7);
    message.settle(Disposition::Done).await;
    consumer.flush().await;
    wait::until(LIMIT, async || {
        let facts = connection.consumer_facts(INBOUND, MATCHER).await.unwrap();
        facts.pending == 0 && facts.ack_pending == 0 && facts.ack_floor == 1
    })
    .await;
}

#[tokio::test]
async fn a_backlog_comes_in_order_and_in_batches_of_at_most_so_many() {
    let (_server, connection) = broker().await;
    Publisher::new(&connection)
        .publish_all((0..1000).map(referral).collect())
        .await;
    let mut consumer = Consumer::new(&connection, INBOUND, MATCHER);
    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    while seen.len() < 1000 {
        let batch = take(&mut consumer, 32).await;
        sizes.push(batch.len());
        seen.extend(batch.iter().map(number));
        oss_messaging::consumer::settle_all(&batch, Disposition::Done).await;
    }
    assert_eq!(seen, (0..1000).collect::<Vec<_>>());
    assert!(sizes.iter().all(|size| (1..=32).contains(size)));
    assert!(
        sizes.len() < 500,
        "batches are filled when there is a backlog: {}",
        sizes.len()
    );
    assert_eq!(consumer.status().delivered(), 1000);
}

#[tokio::test]
async fn a_single_message_is_not_held_back_for_more() {
    let (_server, connection) = broker().await;
    let publisher = Publisher::new(&connection);
    let mut consumer = Consumer::new(&connection, INBOUND, MATCHER);
    for i in 0..50 {
        publisher.publish_and_confirm(referral(i)).await.unwrap();
        // There is no other before this one is taken: whoever waited for more would wait in vain.
        let batch = take(&mut consumer, 32).await;
        assert_eq!(batch.iter().map(number).collect::<Vec<_>>(), [i]);
        batch[0].settle(Disposition::Done).await;
    }
}

#[tokio::test]
async fn retries_come_after_the_wait_and_rejected_ones_never() {
    let (_server, connection) = broker().await;
    Publisher::new(&connection)
        .publish_all((0..2).map(referral).collect())
        .await;
    let mut consumer = Consumer::new(&connection, INBOUND, MATCHER);
    let mut first: Vec<Incoming> = take(&mut consumer, 1).await;
    first.extend(take(&mut consumer, 1).await);
    let started = Instant::now();
    let after = Duration::from_millis(300);
    first[0].settle(Disposition::Reject).await;
    first[1].in_progress().await;
    first[1].settle(Disposition::Retry { after }).await;
    let again = take(&mut consumer, 32).await;
    assert!(started.elapsed() >= after);
    assert_eq!(again.iter().map(number).collect::<Vec<_>>(), [1]);
    assert_eq!(again[0].delivered, 2);
    again[0].settle(Disposition::Done).await;
    consumer.flush().await;
    wait::until(LIMIT, async || {
        let facts = connection.consumer_facts(INBOUND, MATCHER).await.unwrap();
        facts.ack_pending == 0 && facts.pending == 0
    })
    .await;
}

#[tokio::test]
async fn what_was_fetched_ahead_is_given_back_when_it_stops() {
    let (server, connection) = broker().await;
    Publisher::new(&connection)
        .publish_all((0..60).map(referral).collect())
        .await;
    let mut leaving = Consumer::new(&connection, INBOUND, MATCHER);
    for message in take(&mut leaving, 10).await {
        message.settle(Disposition::Done).await;
    }
    wait::until(LIMIT, async || {
        connection
            .consumer_facts(INBOUND, MATCHER)
            .await
            .unwrap()
            .pending
            == 0
    })
    .await;
    // The broker tells of each that it is told to deliver again.
    let raw = async_nats::connect(server.url()).await.unwrap();
    let told = format!("$JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED.{INBOUND}.{MATCHER}");
    let told = raw.subscribe(told).await.unwrap();
    raw.flush().await.unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    assert!(leaving.next_batch(10, &stop).await.is_none());
    let given_back = told.take(50).map(|message| {
        let told: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
        told["stream_seq"].as_u64().unwrap()
    });
    let given_back = tokio::time::timeout(LIMIT, given_back.collect::<BTreeSet<_>>()).await;
    assert_eq!(given_back.unwrap(), (11..=60).collect());

    let mut next = Consumer::new(&connection, INBOUND, MATCHER);
    let mut seen = BTreeSet::new();
    while seen.len() < 50 {
        for message in take(&mut next, 32).await {
            seen.insert(number(&message));
            message.settle(Disposition::Done).await;
        }
    }
    assert_eq!(seen, (10..60).collect());
}

#[tokio::test]
async fn two_replicas_share_the_work() {
    let (_server, connection) = broker().await;
    let mut replicas = [(), ()].map(|()| Consumer::new(&connection, INBOUND, MATCHER));
    let stop = CancellationToken::new();
    let publisher = Publisher::new(&connection);
    let mut seen = BTreeSet::new();
    let [left, right] = &mut replicas;
    let publishing = tokio::spawn(async move {
        for round in 0..20 {
            publisher
                .publish_all((round * 10..round * 10 + 10).map(referral).collect())
                .await;
        }
    });
    while seen.len() < 200 {
        let batch = tokio::select! {
            batch = left.next_batch(32, &stop) => batch,
            batch = right.next_batch(32, &stop) => batch,
        };
        for message in batch.unwrap() {
            assert!(seen.insert(number(&message)), "nothing comes twice");
            message.settle(Disposition::Done).await;
        }
    }
    publishing.await.unwrap();
}

/// The broker is killed while messages are on their way, twice; every one arrives, and the
/// consumer never ends.
#[tokio::test]
async fn nothing_is_lost_when_the_broker_is_killed() {
    const MESSAGES: usize = 600;
    let (server, connection) = broker().await;
    let publisher = Publisher::new(&connection);
    let publishing = tokio::spawn(async move {
        for chunk in 0..MESSAGES / 20 {
            let numbers = chunk * 20..(chunk + 1) * 20;
            // As the relay does: again, under the same id, until it is confirmed.
            while !publisher
                .publish_all(numbers.clone().map(referral).collect())
                .await
                .iter()
                .all(Result::is_ok)
            {}
        }
    });
    let mut consumer = Consumer::new(&connection, INBOUND, MATCHER);
    let status = consumer.status();
    let mut seen = BTreeSet::new();
    let mut kills = [MESSAGES / 3, 2 * MESSAGES / 3].into_iter().peekable();
    while seen.len() < MESSAGES {
        for message in take(&mut consumer, 16).await {
            seen.insert(number(&message));
            message.settle(Disposition::Done).await;
        }
        if kills.next_if(|at| seen.len() > *at).is_some() {
            server.restart().await;
        }
    }
    publishing.await.unwrap();
    let facts = connection.stream_facts(INBOUND).await.unwrap();
    assert_eq!(facts.messages, MESSAGES as u64, "nothing was stored twice");
    assert!(!status.is_stalled());
}

#[tokio::test]
async fn a_consumer_that_was_deleted_is_found_again() {
    let (server, connection) = broker().await;
    let publisher = Publisher::new(&connection);
    let mut consumer = Consumer::new(&connection, INBOUND, MATCHER);
    publisher.publish_and_confirm(referral(1)).await.unwrap();
    take(&mut consumer, 1).await[0]
        .settle(Disposition::Done)
        .await;
    let raw = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let stream = raw.get_stream(INBOUND).await.unwrap();
    stream.delete_consumer(MATCHER).await.unwrap();
    let status = consumer.status();
    let taking = tokio::spawn(async move { take(&mut consumer, 1).await });
    wait::until(LIMIT, async || status.errors() > 0).await;
    oss_messaging::Topology::default()
        .ensure(&connection)
        .await
        .unwrap();
    assert_eq!(
        number(&taking.await.unwrap()[0]),
        1,
        "from the beginning; the inbox knows it"
    );
}

#[tokio::test]
async fn live_messages_are_heard() {
    let (_server, connection) = broker().await;
    let mut live = connection.listen("oss.in.v1.>").await.unwrap();
    connection.flush(LIMIT).await.unwrap();
    Publisher::new(&connection)
        .publish_and_confirm(referral(3))
        .await
        .unwrap();
    let heard = tokio::time::timeout(LIMIT, live.next())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(heard.subject, "oss.in.v1.E06000015.referral.submitted");
    assert_eq!(heard.headers["traceparent"], "00-0-0-00");
    assert_eq!(heard.payload, "3");
}
