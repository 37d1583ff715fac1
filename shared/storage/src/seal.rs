//! What is stored encrypted: narratives under a key per referral, payloads under the installation's.
//!
//! XChaCha20-Poly1305 with a random nonce in front. Each sealed text is bound to where it is
//! stored, so that it cannot be moved to another row. Nonces come from the operating system and
//! not from a parameter: a repeatable one would give the text away.

use crate::error::{Result, broken};
use chacha20poly1305::{
    AeadCore, Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, OsRng, Payload},
};
use std::fmt;

/// Where a sealed text is stored.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The table.
    pub(crate) table: &'static str,
    /// The column.
    pub(crate) column: &'static str,
    /// The row.
    pub(crate) row: &'a dyn fmt::Display,
}

impl Place<'_> {
    fn bytes(self) -> Vec<u8> {
        format!("{}|{}|{}", self.table, self.column, self.row).into_bytes()
    }
}

/// The key that an installation seals with, from its configuration.
#[derive(Clone)]
pub struct InstallationKey(XChaCha20Poly1305);

impl fmt::Debug for InstallationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstallationKey(***)")
    }
}

impl InstallationKey {
    /// The key with these bytes, which must be kept apart from the database and its backups.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(&bytes.into()))
    }

    pub(crate) fn seal(&self, place: Place<'_>, text: &[u8]) -> Result<Vec<u8>> {
        seal(&self.0, place, text)
    }

    pub(crate) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>> {
        open(&self.0, place, sealed)
    }

    /// A new key for the narratives of `referral`, with its form for storage.
    pub(crate) fn new_data_key(&self, referral: i64) -> Result<(DataKey, Vec<u8>)> {
        let key = XChaCha20Poly1305::generate_key(&mut OsRng);
        let wrapped = self.seal(data_key_place(&referral), &key)?;
        Ok((DataKey(XChaCha20Poly1305::new(&key)), wrapped))
    }

    /// The key for the narratives of `referral` from its form in storage.
    pub(crate) fn data_key(&self, referral: i64, wrapped: &[u8]) -> Result<DataKey> {
        let key = self.open(data_key_place(&referral), wrapped)?;
        if key.len() != 32 {
            return Err(broken("a data key has a wrong length"));
        }
        Ok(DataKey(XChaCha20Poly1305::new(Key::from_slice(&key))))
    }
}

fn data_key_place(referral: &i64) -> Place<'_> {
    Place {
        table: "referral",
        column: "data_key",
        row: referral,
    }
}

/// The key of a referral's narratives.
pub(crate) struct DataKey(XChaCha20Poly1305);

impl DataKey {
    pub(crate) fn seal(&self, referral: i64, revision: i64, text: &[u8]) -> Result<Vec<u8>> {
        let row = format!("{referral}/{revision}");
        seal(&self.0, narrative_place(&row), text)
    }

    /// Seals what is stored at another place than a narrative's.
    pub(crate) fn seal_at(&self, place: Place<'_>, text: &[u8]) -> Result<Vec<u8>> {
        seal(&self.0, place, text)
    }

    /// Opens what [`seal_at`](Self::seal_at) sealed.
    pub(crate) fn open_at(&self, place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>> {
        open(&self.0, place, sealed)
    }

    pub(crate) fn open(&self, referral: i64, revision: i64, sealed: &[u8]) -> Result<Vec<u8>> {
        let row = format!("{referral}/{revision}");
        open(&self.0, narrative_place(&row), sealed)
    }
}

fn narrative_place(row: &String) -> Place<'_> {
    Place {
        table: "referral_revision",
        column: "narrative",
        row,
    }
}

const NONCE: usize = 24;

fn seal(cipher: &XChaCha20Poly1305, place: Place<'_>, text: &[u8]) -> Result<Vec<u8>> {
    let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
    let sealed = cipher
        .encrypt(
            &nonce,
            Payload {
                msg: text,
                aad: &place.bytes(),
            },
        )
        .map_err(|_| {
            broken(format!(
                "{}.{} could not be sealed",
                place.table, place.column
            ))
        })?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn open(cipher: &XChaCha20Poly1305, place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>> {
    sealed
        .split_at_checked(NONCE)
        .and_then(|(nonce, sealed)| {
            let payload = Payload {
                msg: sealed,
                aad: &place.bytes(),
            };
            cipher.decrypt(XNonce::from_slice(nonce), payload).ok()
        })
        .ok_or_else(|| {
            broken(format!(
                "{}.{} of {} does not open with this key",
                place.table, place.column, place.row
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrative_opens_only_where_it_was_stored_and_with_its_key() {
        let installation = InstallationKey::new([7; 32]);
        let (key, wrapped) = installation.new_data_key(1).unwrap();
        let sealed = key.seal(1, 2, b"wishes").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"wishes"));

        let again = installation.data_key(1, &wrapped).unwrap();
        assert_eq!(again.open(1, 2, &sealed).unwrap(), b"wishes");
        assert!(again.open(1, 3, &sealed).is_err(), "another revision");
        assert!(again.open(1, 2, &sealed[1..]).is_err(), "damaged");
        assert!(again.open(1, 2, &[]).is_err(), "nothing");
        assert!(
            installation.data_key(2, &wrapped).is_err(),
            "another referral's key"
        );
        assert!(
            InstallationKey::new([8; 32]).data_key(1, &wrapped).is_err(),
            "another installation"
        );
        assert_eq!(format!("{installation:?}"), "InstallationKey(***)");
    }
}
