//! A message from a stream, and what becomes of it.

use async_nats::jetstream::{AckKind, Message};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use std::{collections::BTreeMap, time::Duration};

/// What a handler decided about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It was handled, or had been handled before.
    Done,
    /// It may work later.
    Retry {
        /// How long to wait; never none, or the tries are used up at once.
        after: Duration,
    },
    /// It will never work. Its reason has been committed as a dead letter.
    Reject,
}

impl From<Disposition> for AckKind {
    fn from(disposition: Disposition) -> Self {
        match disposition {
            Disposition::Done => Self::Ack,
            Disposition::Retry { after } => Self::Nak(Some(after)),
            Disposition::Reject => Self::Term,
        }
    }
}

/// A message from a stream.
#[derive(Debug)]
pub struct Incoming {
    message: Message,
    /// Its number in the stream.
    pub stream_sequence: u64,
    /// How often it has been delivered, this time included. That is not how often it was tried:
    /// what was fetched ahead and given back counts too.
    pub delivered: u64,
    /// When the stream took it.
    pub published_at: DateTime<Utc>,
}

impl Incoming {
    pub(crate) fn new(message: Message) -> Option<Self> {
        let info = message.info().ok()?;
        let (stream_sequence, published_at) = (info.stream_sequence, info.published);
        let delivered = u64::try_from(info.delivered).unwrap_or(1);
        Some(Self {
            message,
            stream_sequence,
            delivered,
            published_at,
        })
    }

    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.message.subject.as_str()
    }

    /// The body.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.message.payload
    }

    /// The headers, by name as it was sent; of several values the first.
    #[must_use]
    pub fn headers(&self) -> BTreeMap<String, String> {
        headers_of(self.message.headers.as_ref())
    }

    /// One header's first value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        Some(self.message.headers.as_ref()?.get(name)?.as_str())
    }

    /// Says what becomes of it. It is sent at once and not waited for: should it be lost, the
    /// message comes again, and the inbox knows it.
    pub async fn settle(&self, disposition: Disposition) {
        self.send(disposition.into()).await;
    }

    /// Says that it is still being worked on: the broker waits afresh.
    pub async fn in_progress(&self) {
        self.send(AckKind::Progress).await;
    }

    async fn send(&self, kind: AckKind) {
        if let Err(error) = self.message.ack_with(kind).await {
            tracing::warn!(
                %error,
                stream.sequence = self.stream_sequence,
                "a message was not acknowledged and will come again"
            );
        }
    }
}

pub(crate) fn headers_of(headers: Option<&async_nats::HeaderMap>) -> BTreeMap<String, String> {
    headers
        .into_iter()
        .flat_map(async_nats::HeaderMap::iter)
        .filter_map(|(name, values)| Some((name.to_string(), values.first()?.to_string())))
        .collect()
}
