//! The streams and the consumer, as code (contract.md §1).

use crate::{Connection, Source, access};
use async_nats::jetstream::{
    ErrorCode,
    consumer::{self, AckPolicy, DeliverPolicy, pull},
    context::GetStreamErrorKind,
    stream::{self, ConsumerErrorKind, DiscardPolicy, RetentionPolicy, StorageType},
};
use std::{fmt, time::Duration};

/// The stream of what others publish.
pub const INBOUND: &str = "OSS_IN";
/// The stream of what we publish.
pub const EVENTS: &str = "OSS_EVT";
/// The durable consumer that the matcher's replicas share.
pub const MATCHER: &str = "matcher";

const DAY: Duration = Duration::from_hours(24);

/// The largest message a stream takes, with its headers. More than the contract's 256 KiB, so that
/// a larger event comes to us and is refused with a reason.
const MAX_MESSAGE_BYTES: i32 = 1 << 20;

/// The relay may be down this long without a message being stored twice.
const DUPLICATE_WINDOW: Duration = Duration::from_hours(1);

/// After this long without a word a message is delivered again.
const ACK_WAIT: Duration = Duration::from_secs(10);

/// The streams could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("could not {what} at NATS")]
pub struct TopologyError {
    what: String,
    source: Source,
}

/// What the deployment decides about the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topology {
    /// How many servers hold each stream: 1, or 3 in a cluster.
    pub replicas: usize,
    /// The bound of [`INBOUND`]; while it is full, producers are refused.
    pub max_inbound_bytes: i64,
    /// The bound of [`EVENTS`]; while it is full, the outbox waits.
    pub max_event_bytes: i64,
    /// How many messages may be in the matchers' hands.
    pub max_ack_pending: i64,
}

impl Default for Topology {
    fn default() -> Self {
        Self {
            replicas: 1,
            max_inbound_bytes: 2 << 30,
            max_event_bytes: 4 << 30,
            max_ack_pending: 1024,
        }
    }
}

/// Something at the broker is not as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The stream or consumer.
    pub of: &'static str,
    /// The setting.
    pub setting: &'static str,
    /// As asked for.
    pub wanted: String,
    /// As found.
    pub found: String,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            of,
            setting,
            wanted,
            found,
        } = self;
        write!(f, "{of}: {setting} is {found}, and should be {wanted}")
    }
}

impl Topology {
    /// Creates what is missing, changes nothing that is there, and says where that differs.
    ///
    /// # Errors
    ///
    /// Returns an error where the broker does not answer or refuses.
    pub async fn ensure(&self, connection: &Connection) -> Result<Vec<Drift>, TopologyError> {
        let mut drift = Vec::new();
        for (name, wanted) in self.streams() {
            drift.extend(stream_drift(
                name,
                &wanted,
                &ensure_stream(connection, &wanted).await?,
            ));
        }
        let wanted = self.matcher();
        drift.extend(consumer_drift(
            &wanted,
            &ensure_consumer(connection, &wanted).await?,
        ));
        Ok(drift)
    }

    /// Changes what is there to what is asked for. The broker refuses what cannot be changed.
    ///
    /// # Errors
    ///
    /// Returns an error where the broker does not answer or refuses.
    pub async fn repair(&self, connection: &Connection) -> Result<(), TopologyError> {
        self.ensure(connection).await?;
        let jetstream = &connection.jetstream;
        for (name, wanted) in self.streams() {
            jetstream
                .update_stream(&wanted)
                .await
                .map_err(|error| failed(format!("change the stream {name}"), error))?;
        }
        jetstream
            .create_consumer_on_stream(self.matcher(), INBOUND)
            .await
            .map_err(|error| failed(format!("change the consumer {MATCHER}"), error))?;
        Ok(())
    }

    fn streams(&self) -> [(&'static str, stream::Config); 2] {
        let stream =
            |name: &str, subject: &str, days: u32, max_bytes, description: &str| stream::Config {
                name: name.to_owned(),
                description: Some(description.to_owned()),
                subjects: vec![subject.to_owned()],
                retention: RetentionPolicy::Limits,
                storage: StorageType::File,
                discard: DiscardPolicy::New,
                max_age: DAY * days,
                max_bytes,
                max_message_size: MAX_MESSAGE_BYTES,
                duplicate_window: DUPLICATE_WINDOW,
                num_replicas: self.replicas,
                ..stream::Config::default()
            };
        let (inbound, events) = (access::ALL_IN, access::ALL_OUT);
        [
            (
                INBOUND,
                stream(
                    INBOUND,
                    inbound,
                    7,
                    self.max_inbound_bytes,
                    "what others publish",
                ),
            ),
            (
                EVENTS,
                stream(EVENTS, events, 90, self.max_event_bytes, "what we publish"),
            ),
        ]
    }

    fn matcher(&self) -> pull::Config {
        pull::Config {
            durable_name: Some(MATCHER.to_owned()),
            description: Some("the matcher's replicas".to_owned()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            // We park a message ourselves, with its reason; the broker would drop it silently.
            max_deliver: -1,
            max_ack_pending: self.max_ack_pending,
            filter_subject: access::ALL_IN.to_owned(),
            ..pull::Config::default()
        }
    }
}

fn failed(what: String, error: impl Into<Source>) -> TopologyError {
    TopologyError {
        what,
        source: error.into(),
    }
}

async fn ensure_stream(
    connection: &Connection,
    wanted: &stream::Config,
) -> Result<stream::Config, TopologyError> {
    let name = &wanted.name;
    match connection.jetstream.get_stream(name).await {
        Ok(stream) => return Ok(stream.cached_info().config.clone()),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(error)
                if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {}
            _ => return Err(failed(format!("look at the stream {name}"), error)),
        },
    }
    let created = connection
        .jetstream
        .create_stream(wanted.clone())
        .await
        .map_err(|error| failed(format!("create the stream {name}"), error))?;
    Ok(created.cached_info().config.clone())
}

async fn ensure_consumer(
    connection: &Connection,
    wanted: &pull::Config,
) -> Result<consumer::Config, TopologyError> {
    let jetstream = &connection.jetstream;
    let found: Result<consumer::Consumer<pull::Config>, _> =
        jetstream.get_consumer_from_stream(MATCHER, INBOUND).await;
    match found {
        Ok(found) => return Ok(found.cached_info().config.clone()),
        // Only then: creating is changing, where there is one.
        Err(error) => match error.kind() {
            ConsumerErrorKind::JetStream(error)
                if error.error_code() == ErrorCode::CONSUMER_NOT_FOUND => {}
            _ => return Err(failed(format!("look at the consumer {MATCHER}"), error)),
        },
    }
    let created = jetstream
        .create_consumer_on_stream(wanted.clone(), INBOUND)
        .await
        .map_err(|error| failed(format!("create the consumer {MATCHER}"), error))?;
    Ok(created.cached_info().config.clone())
}

/// Compares settings, and lists those that differ.
macro_rules! compare {
    ($of:expr, $wanted:expr, $found:expr; $($field:ident),+ $(,)?) => {{
        let (wanted, found) = ($wanted, $found);
        let mut drift = Vec::new();
        $(if wanted.$field != found.$field {
            drift.push(Drift {
                of: $of,
                setting: stringify!($field),
                wanted: format!("{:?}", wanted.$field),
                found: format!("{:?}", found.$field),
            });
        })+
        drift
    }};
}

fn stream_drift(of: &'static str, wanted: &stream::Config, found: &stream::Config) -> Vec<Drift> {
    compare!(of, wanted, found;
        subjects, retention, storage, discard, max_age, max_bytes, max_message_size,
        duplicate_window, num_replicas)
}

fn consumer_drift(wanted: &pull::Config, found: &consumer::Config) -> Vec<Drift> {
    compare!(MATCHER, wanted, found;
        deliver_policy, ack_policy, ack_wait, max_deliver, max_ack_pending, filter_subject)
}
