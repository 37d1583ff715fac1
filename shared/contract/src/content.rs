//! Telling whether two revisions of a referral say the same.

use crate::referral_to_json;
use oss_domain::Referral;
use sha2::{Digest, Sha256};

/// The SHA-256 of the referral's canonical JSON: equal where every field is, however it was sent.
#[must_use]
pub fn content_hash(referral: &Referral) -> [u8; 32] {
    Sha256::digest(referral_to_json(referral).to_string()).into()
}
