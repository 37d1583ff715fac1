//! NATS JetStream: streams and consumers as code, the consumer loop, the confirmed publisher.
//!
//! The one crate that names async-nats. It moves bytes and headers; what they mean is
//! `oss-contract`'s. It keeps nothing: PostgreSQL is the truth, a message may come twice, and what
//! could not be confirmed is published again from the outbox under the same id.
//!
//! Invariants
//! - Nothing is published without waiting for the stream's acknowledgement ([`Publisher`]).
//! - A message is acknowledged by what the handler decided ([`Disposition`]) and never before; the
//!   broker never gives up on one by itself (`max_deliver` is unlimited).
//! - The consumer loop ends when it is told to and never because of the network ([`Consumer`]).
//! - What exists at the broker is created or compared, never silently rewritten ([`topology`]).
//! - Each user of the broker may do what [`access`] lists, and has an inbox of its own.
//!
//! To add a stream or a consumer: add it in [`topology`], say in [`access`] who may use it, and add
//! to `tests/permissions.rs` what nobody may do with it.

pub mod access;
pub mod connect;
pub mod consumer;
pub mod facts;
pub mod incoming;
pub mod live;
pub mod publisher;
pub mod topology;

pub use access::Access;
pub use connect::{ConnectError, Connection, Credentials, Settings, State};
pub use consumer::{Consumer, ConsumerStatus};
pub use facts::{ConsumerFacts, StreamFacts};
pub use incoming::{Disposition, Incoming};
pub use live::Live;
pub use publisher::{Confirmed, Outgoing, PublishError, Publisher};
pub use topology::{Drift, Topology};

/// What async-nats gave as the reason.
type Source = Box<dyn std::error::Error + Send + Sync>;
