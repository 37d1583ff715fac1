//! Who publishes and who listens, on a runtime of their own as other processes would be.

use super::servers::Servers;
use crate::commands::{broker, dev};
use anyhow::{Context, bail};
use oss_messaging::{Connection, Live, Outgoing, Publisher, access};
use serde::Deserialize;
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};
use tokio::{runtime::Runtime, sync::mpsc, task::JoinHandle};

/// Where a referral's outcome is told.
const OUTCOMES: [&str; 2] = [".offers.proposed", ".referral.unfilled"];

/// So long without an outcome, and there will be none.
const PATIENCE: Duration = Duration::from_secs(20);

/// An outcome as it was heard.
#[derive(Debug)]
struct Heard {
    referral_id: String,
    at: Instant,
}

/// The part of an outcome that says whose it is.
#[derive(Deserialize)]
struct Told {
    data: Whose,
}

#[derive(Deserialize)]
struct Whose {
    referral_id: String,
}

/// A referral ready to be published.
#[derive(Clone, Debug)]
pub(super) struct Event {
    referral_id: String,
    message: Outgoing,
}

/// What was published.
#[derive(Debug, Default)]
pub(super) struct Published {
    /// Each referral, and when it was published.
    pub(super) at: Vec<(String, Instant)>,
    /// How late each was.
    pub(super) late: Vec<Duration>,
}

/// A producer and an observer.
#[derive(Debug)]
pub(super) struct Clients {
    runtime: Option<Runtime>,
    producer: Connection,
    heard: mpsc::UnboundedReceiver<Heard>,
}

impl Clients {
    /// Connects both.
    pub(super) async fn connect(servers: &Servers) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let settings = [access::producer(), access::observer()]
            .map(|access| broker::settings(&servers.target, &access));
        let [producer, observer] = settings;
        let (producer, observer) = (producer?, observer?);
        let (tell, heard) = mpsc::unbounded_channel();
        let producer = runtime
            .spawn(async move {
                let listening = Connection::open(&observer).await?;
                listening.ready(Duration::from_secs(5)).await?;
                let live = listening.listen(access::ALL_OUT).await?;
                listening.flush(Duration::from_secs(5)).await?;
                tokio::spawn(listen(live, listening, tell));
                let producer = Connection::open(&producer).await?;
                producer.ready(Duration::from_secs(5)).await?;
                anyhow::Ok(producer)
            })
            .await??;
        Ok(Self {
            runtime: Some(runtime),
            producer,
            heard,
        })
    }

    /// Publishes as fast as the broker takes them.
    pub(super) async fn preload(&self, events: &[Event]) -> anyhow::Result<()> {
        let messages = events.iter().map(|event| event.message.clone()).collect();
        for result in Publisher::new(&self.producer).publish_all(messages).await {
            result?;
        }
        Ok(())
    }

    /// Publishes `events` at `rate` a second, whatever becomes of them, and tells from when on.
    pub(super) fn publish_at(
        &self,
        events: Vec<Event>,
        rate: u32,
    ) -> anyhow::Result<JoinHandle<anyhow::Result<Published>>> {
        let publisher = Publisher::new(&self.producer);
        self.spawn(async move {
            let start = tokio::time::Instant::now();
            let mut published = Published::default();
            let mut confirming = Vec::new();
            for (event, nth) in events.into_iter().zip(0_u32..) {
                let due = start + Duration::from_secs(1) * nth / rate;
                tokio::time::sleep_until(due).await;
                let publisher = publisher.clone();
                let at = Instant::now();
                let late = at.saturating_duration_since(due.into_std());
                published.late.push(late);
                published.at.push((event.referral_id, at));
                confirming.push(tokio::spawn(async move {
                    publisher.publish_and_confirm(event.message).await
                }));
            }
            for confirmation in confirming {
                confirmation.await??;
            }
            anyhow::Ok(published)
        })
    }

    /// When the outcome of each was heard first.
    pub(super) async fn first_heard(
        &mut self,
        events: &[Event],
    ) -> anyhow::Result<HashMap<String, Instant>> {
        let mut missing: HashSet<&str> = events
            .iter()
            .map(|event| event.referral_id.as_str())
            .collect();
        let mut first = HashMap::with_capacity(missing.len());
        while !missing.is_empty() {
            let Ok(heard) = tokio::time::timeout(PATIENCE, self.heard.recv()).await else {
                bail!(
                    "{} of {} referrals have no outcome after {PATIENCE:?} of silence",
                    missing.len(),
                    events.len()
                );
            };
            let heard = heard.context("the observer has ended")?;
            if let Some(id) = missing.take(heard.referral_id.as_str()) {
                first.insert(id.to_owned(), heard.at);
            }
        }
        Ok(first)
    }

    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> anyhow::Result<JoinHandle<T>> {
        let runtime = self.runtime.as_ref().context("the clients have ended")?;
        Ok(runtime.spawn(task))
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // A runtime may not be waited for within another.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn listen(mut live: Live, _connection: Connection, tell: mpsc::UnboundedSender<Heard>) {
    while let Some(passing) = live.next().await {
        let at = Instant::now();
        if !OUTCOMES.iter().any(|it| passing.subject.ends_with(it)) {
            continue;
        }
        let Ok(told) = serde_json::from_slice::<Told>(&passing.payload) else {
            continue;
        };
        let referral_id = told.data.referral_id;
        if tell.send(Heard { referral_id, at }).is_err() {
            return;
        }
    }
}

/// The next `n` invented referrals as events.
pub(super) fn events(
    referrals: &mut impl Iterator<Item = oss_domain::Referral>,
    n: usize,
) -> anyhow::Result<Vec<Event>> {
    referrals
        .take(n)
        .map(|referral| {
            Ok(Event {
                referral_id: referral.referral_id.to_string(),
                message: dev::event(&referral)?,
            })
        })
        .collect()
}
