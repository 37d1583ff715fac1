//! What people say about a child, sealed with the referral's key.

use crate::{
    error::{Result, broken},
    seal::{InstallationKey, Place},
    store::Loaded,
};
use oss_workflow::ReferralKey;
use serde_json::{Map, Value};
use std::collections::HashMap;
use uuid::Uuid;

/// Sealed words by the id of what they belong to.
#[derive(Debug, Default)]
pub(crate) struct Sealed(HashMap<Uuid, Vec<u8>>);

impl Sealed {
    /// Seals `words`, which are an object, for the row `id` of `table`.
    pub(super) fn add(
        &mut self,
        installation: &InstallationKey,
        loaded: &mut HashMap<ReferralKey, Loaded>,
        referral: ReferralKey,
        table: &'static str,
        id: Uuid,
        words: &Value,
    ) -> Result<()> {
        let loaded = loaded
            .get_mut(&referral)
            .ok_or_else(|| broken("a referral was not loaded"))?;
        let data_key = loaded.data_key(installation, referral)?;
        self.0.insert(
            id,
            data_key.seal_at(place(table, &id), words.to_string().as_bytes())?,
        );
        Ok(())
    }

    pub(super) fn get(&self, id: Uuid) -> Option<&[u8]> {
        self.0.get(&id).map(Vec::as_slice)
    }
}

/// Words as they are stored, with what opens them.
pub(super) struct Stored<'a> {
    pub(super) referral_key: i64,
    pub(super) data_key: Option<&'a [u8]>,
    pub(super) words: Option<&'a [u8]>,
    pub(super) table: &'static str,
    pub(super) id: Uuid,
}

impl Stored<'_> {
    /// Opens the words: nothing where there are none.
    pub(super) fn open(&self, installation: &InstallationKey) -> Result<Words> {
        let (Some(wrapped), Some(sealed)) = (self.data_key, self.words) else {
            return Ok(Words::default());
        };
        let data_key = installation.data_key(self.referral_key, wrapped)?;
        let text = data_key.open_at(place(self.table, &self.id), sealed)?;
        let words = serde_json::from_slice(&text);
        words
            .map(Words)
            .map_err(|error| oss_workflow::StoreError::Broken(error.into()))
    }
}

/// Opened words.
#[derive(Debug, Default)]
pub(super) struct Words(Map<String, Value>);

impl Words {
    /// Those of that name, if any.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        match self.0.shift_remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }
}

fn place<'a>(table: &'static str, id: &'a Uuid) -> Place<'a> {
    Place {
        table,
        column: "words",
        row: id,
    }
}
