//! The wire: subjects, envelope, versioned bodies, problems, and their published form.
//!
//! Inbound, [`decode()`] makes a [`Fact`] of a NATS message, or a [`Refused`] with every fault and
//! its JSON pointer. Outbound, [`render`] makes a [`Message`] of what the workflow announces.
//! Referrals and settings have one canonical JSON, for the API and for storage.
//!
//! It does no I/O, and asks nothing of the world: whether a postcode exists or the policy knows an
//! authority is found out where a referral is compiled.
//!
//! Invariants (`tests.rs` and below hold them)
//! - No payload makes it panic, and none is too deep or too long for it.
//! - A refusal tells all faults, and repeats nothing of what was sent but ids.
//! - What is written is read back as it was; equal values are written with equal bytes.
//! - No field that identifies a child can go out by an event.
//! - `docs/contract/` is in step with the code: the feature `schema`, for tests only, makes it.
//!
//! To add a field: read it and write it in `referral.rs` or `setting.rs`, describe it in
//! `schema/inbound.rs`, add bad examples to `tests/bad_events.json`, and run the tests with
//! `UPDATE_CONTRACT=1`.

mod body;
mod read;
mod write;

pub mod act;
pub mod content;
pub mod decode;
pub mod envelope;
pub mod fact;
pub mod outbound;
pub mod problem;
pub mod publish;
pub mod referral;
pub mod refused;
pub mod register;
pub mod run;
#[cfg(feature = "schema")]
pub mod schema;
pub mod setting;
pub mod subject;

pub use act::Act;
pub use content::content_hash;
pub use decode::{Incoming, MAX_PAYLOAD, decode};
pub use envelope::{Envelope, Headers};
pub use fact::{Fact, FactKind};
pub use outbound::{Message, render};
pub use problem::{Problem, ProblemError};
pub use referral::{referral_from_json, referral_to_json};
pub use refused::{Refused, RefusedKind};
pub use run::MatchRun;
pub use setting::{setting_from_json, setting_to_json};

#[cfg(test)]
mod tests;
