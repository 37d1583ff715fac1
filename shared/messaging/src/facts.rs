//! What the broker says of streams and consumers: for metrics and readiness.

use crate::{Connection, Source};
use async_nats::jetstream::consumer::pull;

/// The broker did not say.
#[derive(Debug, thiserror::Error)]
#[error("could not ask NATS about {what}")]
pub struct FactsError {
    what: String,
    source: Source,
}

/// A stream's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamFacts {
    /// How many messages it holds.
    pub messages: u64,
    /// How many bytes these take.
    pub bytes: u64,
    /// How many bytes it may hold; `None` for no bound.
    pub max_bytes: Option<u64>,
    /// The sequence number of the newest message.
    pub last_sequence: u64,
}

/// A consumer's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerFacts {
    /// Messages not yet delivered.
    pub pending: u64,
    /// Messages delivered and not yet acknowledged.
    pub ack_pending: u64,
    /// Of these, those delivered more than once.
    pub redelivered: u64,
    /// How many may be unacknowledged before delivery stops.
    pub max_ack_pending: u64,
    /// Everything in the stream up to here is acknowledged.
    pub ack_floor: u64,
}

impl Connection {
    /// Asks for a stream's state.
    ///
    /// # Errors
    ///
    /// Returns an error where the broker does not answer, or there is no such stream.
    pub async fn stream_facts(&self, stream: &str) -> Result<StreamFacts, FactsError> {
        let stream = self
            .jetstream
            .get_stream(stream)
            .await
            .map_err(|error| FactsError {
                what: format!("the stream {stream}"),
                source: error.into(),
            })?;
        let info = stream.cached_info();
        Ok(StreamFacts {
            messages: info.state.messages,
            bytes: info.state.bytes,
            max_bytes: u64::try_from(info.config.max_bytes).ok(),
            last_sequence: info.state.last_sequence,
        })
    }

    /// Asks for a consumer's state.
    ///
    /// # Errors
    ///
    /// Returns an error where the broker does not answer, or there is no such consumer.
    pub async fn consumer_facts(
        &self,
        stream: &str,
        consumer: &str,
    ) -> Result<ConsumerFacts, FactsError> {
        let consumer = self
            .jetstream
            .get_consumer_from_stream::<pull::Config, _, _>(consumer, stream)
            .await
            .map_err(|error| FactsError {
                what: format!("the consumer {consumer} of {stream}"),
                source: error.into(),
            })?;
        let info = consumer.cached_info();
        Ok(ConsumerFacts {
            pending: info.num_pending,
            ack_pending: u64::try_from(info.num_ack_pending).unwrap_or(u64::MAX),
            redelivered: u64::try_from(info.num_redelivered).unwrap_or(u64::MAX),
            max_ack_pending: u64::try_from(info.config.max_ack_pending).unwrap_or(u64::MAX),
            ack_floor: info.ack_floor.stream_sequence,
        })
    }
}
