//! Publishing with the stream's acknowledgement.

use crate::{Connection, Source};
use async_nats::jetstream::{
    context::{PublishAckFuture, PublishErrorKind},
    message::PublishMessage,
};
use bytes::Bytes;
use futures::future::join_all;

/// How many messages [`Publisher::publish_all`] has on their way at once.
const WINDOW: usize = 256;

/// A message to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The subject.
    pub subject: String,
    /// Becomes `Nats-Msg-Id`: within the stream's window the same id is taken once.
    pub message_id: String,
    /// Further headers, without line breaks.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub payload: Bytes,
}

/// The stream has the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Its number in the stream.
    pub sequence: u64,
    /// Whether the stream had it already.
    pub duplicate: bool,
}

/// The stream does not have the message, or did not say that it has.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It may have it: publish it again, under the same id.
    #[error("NATS did not confirm a message in time")]
    Unconfirmed(#[source] Source),
    /// The stream is full or the message too large for it, or there is no such stream; trying again
    /// helps once that has changed.
    #[error("NATS refused a message")]
    Refused(#[source] Source),
    /// It is larger than the broker takes, or a header or the subject is malformed: it will never
    /// work.
    #[error("a message cannot be sent over NATS")]
    Unfit(#[source] Source),
}

/// Publishes; the only way to. Clones share the connection.
#[derive(Clone, Debug)]
pub struct Publisher {
    connection: Connection,
}

impl Publisher {
    /// Publishes over `connection`.
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        Self {
            connection: connection.clone(),
        }
    }

    /// Publishes one message and waits until the stream has it, for at most some seconds.
    ///
    /// # Errors
    ///
    /// See [`PublishError`].
    pub async fn publish_and_confirm(&self, message: Outgoing) -> Result<Confirmed, PublishError> {
        confirm(self.send(message).await?).await
    }

    /// Publishes several, in order, without waiting for one before the next; then waits for all.
    /// The results are in the messages' order. A refused one does not hold up those after it.
    pub async fn publish_all(
        &self,
        messages: Vec<Outgoing>,
    ) -> Vec<Result<Confirmed, PublishError>> {
        let mut results = Vec::with_capacity(messages.len());
        let mut messages = messages.into_iter().peekable();
        while messages.peek().is_some() {
            let window = messages.by_ref().take(WINDOW).collect();
            results.extend(self.send_all(window).await.await);
        }
        results
    }

    /// Publishes several, in order, and gives what is to be waited for: the results, in the
    /// messages' order. Others may be published meanwhile, and come after these.
    pub async fn send_all(
        &self,
        messages: Vec<Outgoing>,
    ) -> impl Future<Output = Vec<Result<Confirmed, PublishError>>> + Send + use<> {
        let mut sent = Vec::with_capacity(messages.len());
        for message in messages {
            sent.push(self.send(message).await);
        }
        // All at once: the time for an acknowledgement runs from when it is first asked for.
        join_all(sent.into_iter().map(async |sent| confirm(sent?).await))
    }

    async fn send(&self, message: Outgoing) -> Result<PublishAckFuture, PublishError> {
        let mut publish = PublishMessage::build()
            .payload(message.payload)
            .message_id(fit(&message.message_id)?);
        for (name, value) in &message.headers {
            let name: async_nats::HeaderName = name
                .parse()
                .map_err(|error| PublishError::Unfit(Box::new(error)))?;
            let value: async_nats::HeaderValue = value
                .parse()
                .map_err(|error| PublishError::Unfit(Box::new(error)))?;
            publish = publish.header(name, value);
        }
        self.connection
            .jetstream
            .send_publish(message.subject, publish)
            .await
            .map_err(error)
    }
}

/// A text that may be a header's value: async-nats panics on others.
fn fit(text: &str) -> Result<&str, PublishError> {
    match text.parse::<async_nats::HeaderValue>() {
        Ok(_) => Ok(text),
        Err(error) => Err(PublishError::Unfit(Box::new(error))),
    }
}

async fn confirm(sent: PublishAckFuture) -> Result<Confirmed, PublishError> {
    let ack = sent.await.map_err(error)?;
    Ok(Confirmed {
        sequence: ack.sequence,
        duplicate: ack.duplicate,
    })
}

fn error(error: async_nats::jetstream::context::PublishError) -> PublishError {
    match error.kind() {
        PublishErrorKind::TimedOut
        | PublishErrorKind::BrokenPipe
        | PublishErrorKind::MaxAckPending => PublishError::Unconfirmed(error.into()),
        PublishErrorKind::MaxPayloadExceeded => PublishError::Unfit(error.into()),
        PublishErrorKind::StreamNotFound
        | PublishErrorKind::WrongLastMessageId
        | PublishErrorKind::WrongLastSequence
        | PublishErrorKind::Other => PublishError::Refused(error.into()),
    }
}
