//! The wire: subjects, envelope, versioned bodies, problems, and their published schemas.

mod read;
mod write;

pub mod fact;
pub mod referral;
pub mod setting;

pub use fact::{Fact, FactKind};
pub use referral::{referral_from_json, referral_to_json};
pub use setting::{setting_from_json, setting_to_json};
