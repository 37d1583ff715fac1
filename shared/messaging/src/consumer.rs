//! Taking messages from a stream, for as long as the process runs.

use crate::{Connection, Disposition, Incoming, Source};
use async_nats::jetstream::{
    AckKind, Message,
    consumer::{Consumer as Handle, pull},
};
use futures::{FutureExt, StreamExt};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How many messages are fetched ahead, and so the most in a batch. Few: what a killed replica had
/// fetched comes again only after the broker's wait for an acknowledgement.
const PREFETCH: usize = 64;
/// The broker says this often that it is still there; twice that without a word is an error.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// For how long one request for messages stands.
const EXPIRES: Duration = Duration::from_secs(30);
/// After this long without a message the broker is asked whether there are any.
const IDLE: Duration = Duration::from_mins(1);
/// When what is given back is delivered again: not before the broker knows that our own request for
/// messages no longer stands, or it would come to us.
const GIVEN_BACK: Duration = Duration::from_millis(250);
/// Waits after an error: from, to.
const DELAYS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How the taking of messages goes: for metrics and readiness.
#[derive(Debug, Default)]
pub struct ConsumerStatus {
    delivered: AtomicU64,
    errors: AtomicU64,
    stalls: AtomicU64,
    stalled: AtomicBool,
}

impl ConsumerStatus {
    /// Messages taken.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Errors met; after each the consumer was opened again.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Times that messages were there and none was delivered.
    #[must_use]
    pub fn stalls(&self) -> u64 {
        self.stalls.load(Ordering::Relaxed)
    }

    /// Whether opening again did not help: not ready.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }
}

/// Takes messages from a durable consumer, in the stream's order but for those that come again.
pub struct Consumer {
    connection: Connection,
    stream: &'static str,
    durable: &'static str,
    messages: Option<pull::Stream>,
    delay: Duration,
    status: Arc<ConsumerStatus>,
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Consumer({}/{})", self.stream, self.durable)
    }
}

impl Consumer {
    /// Takes from the consumer `durable` of `stream`, which [`crate::Topology::ensure`] made. Opened
    /// with the first batch.
    #[must_use]
    pub fn new(connection: &Connection, stream: &'static str, durable: &'static str) -> Self {
        Self {
            connection: connection.clone(),
            stream,
            durable,
            messages: None,
            delay: DELAYS.0,
            status: Arc::default(),
        }
    }

    /// How it goes, to be kept and asked while this runs.
    #[must_use]
    pub fn status(&self) -> Arc<ConsumerStatus> {
        Arc::clone(&self.status)
    }

    /// Waits for one message, takes what else is there already, at most `at_most` in all, and waits
    /// for nothing more. Whatever goes wrong is logged and tried again.
    ///
    /// `None` once `stop` is cancelled: what was fetched ahead has then been given back, so that
    /// another replica has it at once.
    pub async fn next_batch(
        &mut self,
        at_most: usize,
        stop: &CancellationToken,
    ) -> Option<Vec<Incoming>> {
        loop {
            let opened = self.messages.is_some();
            let next = async {
                match &mut self.messages {
                    Some(messages) => timeout(IDLE, messages.next()).await,
                    None => Ok(None),
                }
            };
            let next = stop.run_until_cancelled(next).await;
            match next {
                None => {
                    self.close().await;
                    return None;
                }
                Some(Ok(Some(Ok(message)))) => {
                    let batch = self.batch(message, at_most);
                    if !batch.is_empty() {
                        return Some(batch);
                    }
                }
                Some(Ok(Some(Err(error)))) => self.trouble(&error.into(), stop).await,
                Some(Ok(None)) if opened => self.trouble(&"it ended".into(), stop).await,
                Some(Ok(None)) => self.open(stop).await,
                Some(Err(_)) => self.look_for_stall(stop).await,
            }
        }
    }

    /// Sends the acknowledgements that are still to be sent.
    pub async fn flush(&self) {
        let _ = self.connection.flush(HEARTBEAT).await;
    }

    fn batch(&mut self, first: Message, at_most: usize) -> Vec<Incoming> {
        let mut batch: Vec<Incoming> = Incoming::new(first).into_iter().collect();
        let mut broken = false;
        if let Some(messages) = &mut self.messages {
            while batch.len() < at_most
                && let Some(next) = at_hand(messages)
            {
                let Ok(message) = next else {
                    broken = true;
                    break;
                };
                batch.extend(Incoming::new(message));
            }
        }
        if broken {
            self.status.errors.fetch_add(1, Ordering::Relaxed);
            self.messages = None;
        }
        self.delay = DELAYS.0;
        self.status.stalled.store(false, Ordering::Relaxed);
        let taken = u64::try_from(batch.len()).unwrap_or_default();
        self.status.delivered.fetch_add(taken, Ordering::Relaxed);
        batch
    }

    async fn open(&mut self, stop: &CancellationToken) {
        let opening = async {
            let handle: Handle<pull::Config> = self
                .connection
                .jetstream
                .get_consumer_from_stream(self.durable, self.stream)
                .await?;
            handle
                .stream()
                .max_messages_per_batch(PREFETCH)
                .heartbeat(HEARTBEAT)
                .expires(EXPIRES)
                .messages()
                .await
                .map_err(Source::from)
        };
        match opening.await {
            Ok(messages) => self.messages = Some(messages),
            Err(error) => self.trouble(&error, stop).await,
        }
    }

    async fn trouble(&mut self, error: &Source, stop: &CancellationToken) {
        self.status.errors.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            error = error.to_string(),
            "the consumer {} of {} is opened again",
            self.durable,
            self.stream
        );
        self.give_back().await;
        let _ = stop.run_until_cancelled(sleep(self.delay)).await;
        self.delay = self.delay.saturating_mul(2).min(DELAYS.1);
    }

    /// Messages that are there and are not delivered: seen in the field, and cured by asking anew.
    async fn look_for_stall(&mut self, stop: &CancellationToken) {
        let facts = match self
            .connection
            .consumer_facts(self.stream, self.durable)
            .await
        {
            Ok(facts) => facts,
            Err(error) => return self.trouble(&error.into(), stop).await,
        };
        if facts.pending == 0 || facts.ack_pending >= facts.max_ack_pending {
            self.status.stalled.store(false, Ordering::Relaxed);
            return;
        }
        let before = self.status.stalls.fetch_add(1, Ordering::Relaxed);
        self.status.stalled.store(before > 0, Ordering::Relaxed);
        self.trouble(&"messages are there and none comes".into(), stop)
            .await;
    }

    async fn close(&mut self) {
        self.give_back().await;
        self.flush().await;
    }

    /// Gives back what was fetched ahead and not taken.
    async fn give_back(&mut self) {
        let Some(mut messages) = self.messages.take() else {
            return;
        };
        let mut unused = Vec::new();
        while let Some(Ok(message)) = at_hand(&mut messages) {
            unused.push(message);
        }
        drop(messages);
        for message in unused {
            let _ = message.ack_with(AckKind::Nak(Some(GIVEN_BACK))).await;
        }
    }
}

/// What is here already. Unconstrained, or tokio would make it seem that there is no more after some
/// hundred.
fn at_hand(messages: &mut pull::Stream) -> Option<Result<Message, pull::MessagesError>> {
    tokio::task::unconstrained(messages.next())
        .now_or_never()
        .flatten()
}

/// Says the same of a whole batch.
pub async fn settle_all(batch: &[Incoming], disposition: Disposition) {
    for message in batch {
        message.settle(disposition).await;
    }
}
