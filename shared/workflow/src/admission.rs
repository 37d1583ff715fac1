//! What only the gazetteer and the policy can tell of data that somebody sent.
//!
//! A referral is checked by compiling it: `oss_matching::Query::compile`.

use oss_domain::{AuthorityCode, FieldError, Setting};
use oss_geography::Gazetteer;
use oss_matching::Policy;

/// Whether the policy serves `authority`.
///
/// # Errors
///
/// The fault, as its sender is told of it.
pub fn served(policy: &Policy, authority: AuthorityCode) -> Result<(), FieldError> {
    if policy.authority(authority).is_some() {
        return Ok(());
    }
    Err(FieldError::new(
        "/authority",
        "unknown_authority",
        "must be a council that the policy has a centre and adjacency for",
    ))
}

/// What is wrong with a register's entry.
#[must_use]
pub fn setting_faults(
    setting: &Setting,
    gazetteer: &Gazetteer,
    policy: &Policy,
) -> Vec<FieldError> {
    let mut faults: Vec<FieldError> = served(policy, setting.authority)
        .err()
        .into_iter()
        .collect();
    if gazetteer.locate(&setting.postcode).is_none() {
        faults.push(FieldError::new(
            "/postcode",
            "unknown_postcode",
            "must be a postcode of Great Britain, in a sector that exists",
        ));
    }
    faults
}
