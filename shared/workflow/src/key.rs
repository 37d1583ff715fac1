//! Keys that the product gives to what others name, and the identity of an event.

use aes::{
    Aes128,
    cipher::{Block, BlockDecrypt, BlockEncrypt, KeyInit},
};
use oss_domain::OfferId;
use std::sync::Arc;

/// The short key of a referral: an authority's referral id, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferralKey(pub i64);

/// The short key of a setting: an authority's setting id, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingKey(pub i64);

/// How many changes an authority's supply (its register, and the places held in it) has seen.
///
/// Given in the order of commit, so whoever has seen version n has seen all up to n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SupplyVersion(pub i64);

impl SupplyVersion {
    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What makes an inbound event the same event for ever: CloudEvents `source` and `id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey {
    /// The producer.
    pub source: Arc<str>,
    /// The producer's id for the event.
    pub id: Arc<str>,
}

/// Makes the id of an offer from the pair it names, and finds the pair again.
///
/// The pair is one block, enciphered: so an offer's id needs no row, survives re-ranking, cannot
/// be guessed, and two providers cannot tell that their offers are for the same referral.
#[derive(Clone)]
pub struct OfferSeal(Aes128);

impl std::fmt::Debug for OfferSeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OfferSeal(***)")
    }
}

impl OfferSeal {
    /// A seal with the installation's `secret`, which must never change.
    #[must_use]
    pub fn new(secret: [u8; 16]) -> Self {
        Self(Aes128::new(&secret.into()))
    }

    /// The id of the offer of `setting` for `referral`.
    #[must_use]
    pub fn seal(&self, referral: ReferralKey, setting: SettingKey) -> OfferId {
        let pair =
            (u128::from(referral.0.cast_unsigned()) << 64) | u128::from(setting.0.cast_unsigned());
        let mut block = Block::<Aes128>::from(pair.to_be_bytes());
        self.0.encrypt_block(&mut block);
        OfferId::from_bytes(block.into())
    }

    /// The pair that `offer` names. Whether such a pair exists, storage knows.
    #[must_use]
    pub fn open(&self, offer: OfferId) -> (ReferralKey, SettingKey) {
        let mut block = Block::<Aes128>::from(*offer.as_bytes());
        self.0.decrypt_block(&mut block);
        let pair = u128::from_be_bytes(block.into());
        #[expect(
            clippy::cast_possible_truncation,
            reason = "each half is taken on purpose"
        )]
        let (referral, setting) = ((pair >> 64) as u64, pair as u64);
        (
            ReferralKey(referral.cast_signed()),
            SettingKey(setting.cast_signed()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_names_its_pair_and_nothing_else() {
        let seal = OfferSeal::new([7; 16]);
        let offer = seal.seal(ReferralKey(1), SettingKey(2));
        assert_eq!(seal.open(offer), (ReferralKey(1), SettingKey(2)));
        assert_ne!(offer, seal.seal(ReferralKey(1), SettingKey(3)));
        assert_ne!(
            OfferSeal::new([8; 16]).open(offer),
            (ReferralKey(1), SettingKey(2))
        );
    }
}
