//! What a provider is told of a referral before a match.

use crate::{
    event::Profile,
    key::{OfferSeal, ReferralKey, SettingKey},
};
use oss_domain::{ProviderId, Referral};
use sha2::{Digest as _, Sha256};

impl Profile {
    /// What a provider may know of `referral`: what it must weigh, and nothing that tells who or
    /// where the child is.
    ///
    /// Everything is named here, so that a new field of a referral stays inside until somebody
    /// decides otherwise.
    #[must_use]
    pub fn of(referral: &Referral) -> Self {
        let sexes = referral.children.iter().map(|child| child.sex);
        Self {
            children: referral.ages().zip(sexes).collect(),
            urgency: referral.urgency,
            start_date: referral.start_date,
            needs: referral.needs,
            religion: referral.identity.religion.clone(),
            languages: referral.identity.languages.iter().cloned().collect(),
            wheelchair_accessible: referral.matching.wheelchair_accessible,
            parent_and_child: referral.matching.parent_and_child,
            solo: referral.matching.solo,
        }
    }
}

/// A provider's own reference for a referral: the same in all its offers, and of no use to another
/// provider that compares notes.
#[must_use]
pub fn reference(seal: &OfferSeal, referral: ReferralKey, provider: &ProviderId) -> String {
    let digest = Sha256::digest(provider.as_str());
    let half = digest
        .iter()
        .take(8)
        .fold(0, |half, byte| half << 8 | i64::from(*byte));
    let sealed = seal.seal(referral, SettingKey(half));
    sealed
        .as_bytes()
        .iter()
        .take(5)
        .fold(String::with_capacity(10), |text, byte| {
            text + &format!("{byte:02x}")
        })
}
