//! Events on their way to the stream, a round of them at a time.
//!
//! A round is sent as soon as it is found, while those before it wait for their confirmation: the
//! stream syncs every message to the disk, so a round that waited for the last one would lie there
//! for as long. Rounds end in the order in which they began. Where the stream says nothing for a
//! while, no more is sent: what is lost then comes after what was sent behind it.

use crate::{Deps, RoundError};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesOrdered};
use oss_messaging::{Confirmed, Outgoing, PublishError};
use oss_storage::outbox;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// At most so many events are sent at once.
const ROUND: usize = 256;

/// At most so many are on their way at once.
const ON_THEIR_WAY: usize = 1_024;

/// So long without a word of what is on its way, and nothing is sent after it.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the stream said of a round, in its order.
pub(crate) type Results = Vec<Result<Confirmed, PublishError>>;

/// What is on its way, and the right to publish.
pub(crate) struct Rounds<'a> {
    deps: &'a Deps,
    outbox: outbox::Publisher,
    results: FuturesOrdered<BoxFuture<'a, Results>>,
    /// The sequences of what is on its way, in order.
    sequences: VecDeque<i64>,
    /// The sequences of what the stream has and the outbox does not know yet.
    confirmed: Vec<i64>,
    /// When the stream last said something, or something was sent when nothing was on its way.
    heard: Instant,
}

impl<'a> Rounds<'a> {
    pub(crate) fn new(deps: &'a Deps, outbox: outbox::Publisher) -> Self {
        Self {
            deps,
            outbox,
            results: FuturesOrdered::new(),
            sequences: VecDeque::new(),
            confirmed: Vec::new(),
            heard: Instant::now(),
        }
    }

    /// Marks what the stream has, and sends all that is to be published and not on its way yet, as
    /// far as there is room.
    pub(crate) async fn begin(&mut self) -> Result<(), RoundError> {
        loop {
            if self.sequences.is_empty() {
                self.heard = Instant::now();
            }
            let room = if self.heard.elapsed() > PATIENCE {
                0
            } else {
                ROUND.min(ON_THEIR_WAY.saturating_sub(self.sequences.len()))
            };
            if room == 0 && self.confirmed.is_empty() {
                return Ok(());
            }
            let limit = u32::try_from(room).unwrap_or(u32::MAX);
            let now = self.deps.clock.now();
            let on_their_way = self.sequences.make_contiguous();
            let events = self
                .outbox
                .next(&self.confirmed, now, on_their_way, limit)
                .await?;
            self.confirmed.clear();
            let n = events.len();
            if n > 0 {
                self.sequences.extend(events.iter().map(|it| it.sequence));
                let messages = events.into_iter().map(message).collect();
                let results = self.deps.publisher.send_all(messages).await;
                self.results.push_back(results.boxed());
            }
            if n < ROUND {
                return Ok(());
            }
        }
    }

    /// Whether as much is on its way as may be: more may wait.
    pub(crate) fn is_full(&self) -> bool {
        self.sequences.len() >= ON_THEIR_WAY
    }

    /// Waits for what the stream says of the oldest round. Nothing is lost where this is dropped.
    pub(crate) async fn next(&mut self) -> Option<Results> {
        self.results.next().await
    }

    /// Takes what the stream said of a round and of those that ended with it: what it has is marked
    /// when the next one begins.
    pub(crate) async fn end(&mut self, mut results: Results) -> Result<(), RoundError> {
        while let Some(Some(more)) = self.results.next().now_or_never() {
            results.extend(more);
        }
        self.heard = Instant::now();
        let failed = self.count(&results);
        let n_confirmed = failed.unwrap_or(results.len());
        self.confirmed.extend(self.sequences.drain(..n_confirmed));
        match results.into_iter().nth(n_confirmed) {
            Some(Err(error)) => {
                let now = self.deps.clock.now();
                self.outbox.next(&self.confirmed, now, &[], 0).await?;
                Err(error.into())
            }
            _ => Ok(()),
        }
    }

    /// Publishes all that there is, and waits for it.
    pub(crate) async fn finish(mut self) -> Result<(), RoundError> {
        loop {
            self.begin().await?;
            match self.next().await {
                Some(results) => self.end(results).await?,
                None => return Ok(()),
            }
        }
    }

    /// Counts what the stream said. Returns the place of the first that was not confirmed.
    fn count(&self, results: &Results) -> Option<usize> {
        for result in results {
            self.deps.metrics.count(match result {
                Ok(ack) if ack.duplicate => "duplicate",
                Ok(_) => "confirmed",
                Err(_) => "failed",
            });
        }
        results.iter().position(Result::is_err)
    }
}

fn message(event: outbox::Unpublished) -> Outgoing {
    let mut headers = vec![(
        "Content-Type".to_owned(),
        oss_contract::envelope::CONTENT_TYPE.to_owned(),
    )];
    headers.extend(
        event
            .traceparent
            .map(|context| ("traceparent".to_owned(), context)),
    );
    Outgoing {
        subject: event.subject,
        message_id: event.event_id.into_uuid().to_string(),
        headers,
        payload: event.payload.into(),
    }
}
