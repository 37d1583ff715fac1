//! The outbox over a real database and a real broker: many rounds on their way at once, and one
//! event that cannot be sent.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use oss_domain::{AuthorityCode, Clock, Ids, ManualClock};
use oss_messaging::{
    Connection, Live, Publisher, Settings, Topology, access::ALL_OUT, topology::EVENTS,
};
use oss_relay::{Deps, Metrics};
use oss_storage::{ConnectOptions, InstallationKey, PgStore};
use oss_testkit::{NatsServer, PostgresServer, wait};
use oss_workflow::{Actor, Context, Event, Store, Wanted};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Long enough for anything that should happen at all.
const LIMIT: Duration = Duration::from_secs(20);
/// More than are on their way at once.
const MANY: usize = 1_500;

struct Outbox {
    _nats: NatsServer,
    connection: Connection,
    heard: Live,
    store: Arc<PgStore>,
    clock: Arc<ManualClock>,
    rng: ChaCha8Rng,
}

impl Outbox {
    async fn new() -> Self {
        let nats = NatsServer::start().await;
        let connection = Connection::open(&Settings::open(&nats.url()))
            .await
            .unwrap();
        connection.ready(LIMIT).await.unwrap();
        Topology::default().ensure(&connection).await.unwrap();
        let heard = connection.listen(ALL_OUT).await.unwrap();
        connection.flush(LIMIT).await.unwrap();
        let url = PostgresServer::shared().await.create_database().await;
        let key = || InstallationKey::new([42; 32]);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        oss_storage::migrate::migrate(&url, &key(), &mut rng)
            .await
            .unwrap();
        let derby: AuthorityCode = "E06000015".parse().unwrap();
        let options = ConnectOptions::new(&url.replace("oss@", "oss_app@"), "test", &[derby]);
        let now = "2026-11-23T09:00:00Z".parse().unwrap();
        Self {
            _nats: nats,
            connection,
            heard,
            store: Arc::new(PgStore::connect(&options, key()).unwrap()),
            clock: Arc::new(ManualClock::starting_at(now)),
            rng,
        }
    }

    /// Commits an event for each text, in their order.
    async fn commit(&mut self, texts: impl IntoIterator<Item = String>) {
        let (mut unit, transaction) = self.store.open(&Wanted::default()).await.unwrap();
        let mut context = Context {
            actor: Actor::Service("test"),
            now: self.clock.now(),
            traceparent: None,
            ids: &mut Ids::new(&*self.clock, &mut self.rng),
        };
        for reason in texts {
            let event = Event::DeadLettered {
                authority: Some("E06000015".parse().unwrap()),
                event_id: None,
                source: None,
                event_type: None,
                subject: "oss.in.v1.E06000015.referral.submitted".into(),
                reason,
                attempts: 1,
            };
            unit.announce(&mut context, event);
        }
        self.store.commit(unit, transaction).await.unwrap();
    }

    fn relay(&self, stop: &CancellationToken) -> JoinHandle<Result<(), oss_relay::Error>> {
        let deps = Deps {
            store: self.store.clone(),
            publisher: Publisher::new(&self.connection),
            clock: self.clock.clone(),
            rng: Box::new(ChaCha8Rng::seed_from_u64(3)),
            committed: Arc::new(Notify::new()),
            metrics: Metrics::register(&oss_telemetry::Metrics::new()).unwrap(),
        };
        tokio::spawn(oss_relay::run(deps, stop.clone()))
    }

    async fn wait_for_backlog(&self, n: usize) {
        let n = u64::try_from(n).unwrap();
        let is_reached = || async { self.store.outbox_backlog().await.unwrap().count == n };
        wait::until(LIMIT, is_reached).await;
    }

    /// The texts of the next `n` events that are told.
    async fn told(&mut self, n: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < n {
            let passing = tokio::time::timeout(LIMIT, self.heard.next());
            let passing = passing.await.unwrap().unwrap();
            let event: Value = serde_json::from_slice(&passing.payload).unwrap();
            texts.push(
                event
                    .pointer("/data/reason")
                    .and_then(Value::as_str)
                    .unwrap()
                    .to_owned(),
            );
        }
        texts
    }
}

fn numbered(n: usize) -> String {
    format!("number {n}")
}

#[tokio::test]
async fn more_than_are_on_their_way_at_once_are_told_once_and_in_order() {
    let mut outbox = Outbox::new().await;
    let texts: Vec<_> = (0..MANY).map(numbered).collect();
    outbox.commit(texts.clone()).await;
    let stop = CancellationToken::new();
    let relay = outbox.relay(&stop);
    assert_eq!(outbox.told(MANY).await, texts);
    outbox.wait_for_backlog(0).await;
    // What is committed when it is told to stop is told before it ends.
    outbox.commit([numbered(MANY)]).await;
    stop.cancel();
    relay.await.unwrap().unwrap();
    assert_eq!(outbox.told(1).await, [numbered(MANY)]);
    let facts = outbox.connection.stream_facts(EVENTS).await.unwrap();
    assert_eq!(facts.messages, MANY as u64 + 1);
}

#[tokio::test]
async fn what_comes_after_an_event_that_cannot_be_sent_is_not_taken_for_told() {
    let mut outbox = Outbox::new().await;
    let huge = 700;
    let text = |n| {
        if n == huge {
            "x".repeat(2 << 20)
        } else {
            numbered(n)
        }
    };
    outbox.commit((0..MANY).map(text)).await;
    let stop = CancellationToken::new();
    let relay = outbox.relay(&stop);
    outbox.wait_for_backlog(MANY - huge).await;
    // It goes on trying, and the stream takes nothing twice.
    outbox.commit([numbered(MANY)]).await;
    outbox.wait_for_backlog(MANY - huge + 1).await;
    stop.cancel();
    relay.await.unwrap().unwrap();
    assert_eq!(
        outbox.store.outbox_backlog().await.unwrap().count,
        (MANY - huge + 1) as u64
    );
    let facts = outbox.connection.stream_facts(EVENTS).await.unwrap();
    assert!(facts.messages >= huge as u64 && facts.messages <= MANY as u64);
}
