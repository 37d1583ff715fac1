//! The wire: subjects, envelope, versioned bodies, problems, and their published schemas.

mod body;
mod read;
mod write;

pub mod content;
pub mod decode;
pub mod envelope;
pub mod fact;
pub mod outbound;
pub mod problem;
pub mod referral;
pub mod refused;
pub mod run;
#[cfg(feature = "schema")]
pub mod schema;
pub mod setting;
pub mod subject;

pub use content::content_hash;
pub use decode::{Incoming, MAX_PAYLOAD, decode};
pub use envelope::{Envelope, Headers};
pub use fact::{Fact, FactKind};
pub use outbound::{Message, render};
pub use problem::{Problem, ProblemError};
pub use referral::{referral_from_json, referral_to_json};
pub use refused::{Refused, RefusedKind};
pub use setting::{setting_from_json, setting_to_json};

#[cfg(test)]
mod tests;
