//! One council's register, packed for scanning and kept up to date in place.

use oss_domain::{AuthorityCode, ChildId, ProviderId, ReferralId, Setting, SettingId, Sex};
use oss_geography::Location;
use std::sync::{Arc, OnceLock};

mod row;
mod words;

pub(crate) use row::{Lists, Occupants, Row, ethnicity_bits, flag, restrictions, signature};
pub(crate) use words::{Vocabulary, Wanted};

/// A place held or agreed for a child of a referral, or a placement that the setting's own list
/// does not show yet. It counts as a resident for every other referral.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// For which referral.
    pub referral_id: ReferralId,
    /// For which child.
    pub child_id: ChildId,
    /// The child's sex.
    pub sex: Sex,
    /// The child's age on the start date.
    pub age: u8,
}

/// A setting is of another council's register than the supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the setting is in the register of {found}, not of {expected}")]
pub struct OtherRegister {
    /// Whose register the supply is.
    pub expected: AuthorityCode,
    /// Whose register the setting is in.
    pub found: AuthorityCode,
}

/// A setting with all that is known of it.
#[derive(Clone, Debug)]
pub struct Entry {
    setting: Arc<Setting>,
    location: Location,
    held: Vec<Held>,
}

impl Entry {
    /// The setting.
    #[must_use]
    pub const fn setting(&self) -> &Arc<Setting> {
        &self.setting
    }

    /// Where it is.
    #[must_use]
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// The places held in it.
    #[must_use]
    pub fn held(&self) -> &[Held] {
        &self.held
    }
}

/// What an outcome keeps of each setting, shared by all outcomes over the same settings.
#[derive(Debug)]
pub(crate) struct Roster {
    entries: Vec<(SettingId, ProviderId)>,
    /// The ids of all, each ended by a zero byte, which no id has: hashing reads them in a row.
    text: Vec<u8>,
    /// Where the two ids of each end in `text`.
    ends: Vec<[usize; 2]>,
}

impl Roster {
    fn of<'a>(settings: impl ExactSizeIterator<Item = &'a Setting>) -> Self {
        let mut roster = Self {
            entries: Vec::with_capacity(settings.len()),
            text: Vec::new(),
            ends: Vec::with_capacity(settings.len()),
        };
        for setting in settings {
            let (setting_id, provider_id) = (&setting.setting_id, &setting.provider.provider_id);
            let ends = [setting_id.as_str(), provider_id.as_str()].map(|id| {
                roster.text.extend(id.as_bytes());
                roster.text.push(0);
                roster.text.len()
            });
            roster.ends.push(ends);
            roster
                .entries
                .push((setting_id.clone(), provider_id.clone()));
        }
        roster
    }

    pub(crate) fn entries(&self) -> &[(SettingId, ProviderId)] {
        &self.entries
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&(SettingId, ProviderId)> {
        self.entries.get(slot as usize)
    }

    /// The ids of the setting and of its provider, each with a zero byte after it.
    pub(crate) fn texts(&self, slot: u32) -> Option<[&[u8]; 2]> {
        let slot = slot as usize;
        let start = match slot.checked_sub(1) {
            Some(before) => self.ends.get(before)?[1],
            None => 0,
        };
        let [middle, end] = *self.ends.get(slot)?;
        Some([self.text.get(start..middle)?, self.text.get(middle..end)?])
    }
}

/// One council's register, always in the order of setting ids.
///
/// Ranking reads only the packed rows, about two cache lines a setting; the settings themselves
/// are for detail. Changing a setting in place costs a microsecond or so; adding or removing one
/// moves those behind it.
#[derive(Debug)]
pub struct Supply {
    authority: AuthorityCode,
    rows: Vec<Row>,
    entries: Vec<Entry>,
    lists: Lists,
    /// Made when first asked for after settings came or went.
    roster: OnceLock<Arc<Roster>>,
}

impl Supply {
    /// An empty register of `authority`.
    #[must_use]
    pub fn new(authority: AuthorityCode) -> Self {
        Self {
            authority,
            rows: Vec::new(),
            entries: Vec::new(),
            lists: Lists::default(),
            roster: OnceLock::new(),
        }
    }

    /// A register of many settings at once, in any order; of two with one id the later one stays.
    ///
    /// # Errors
    /// If one is of another register.
    pub fn load(
        authority: AuthorityCode,
        settings: impl IntoIterator<Item = (Setting, Location)>,
    ) -> Result<Self, OtherRegister> {
        let mut settings: Vec<_> = settings.into_iter().collect();
        settings.sort_by(|(a, _), (b, _)| a.setting_id.cmp(&b.setting_id));
        let mut supply = Self::new(authority);
        for (setting, location) in settings {
            supply.upsert(setting, location)?;
        }
        Ok(supply)
    }

    /// Whose register it is.
    #[must_use]
    pub const fn authority(&self) -> AuthorityCode {
        self.authority
    }

    /// Adds a setting, or replaces the one with its id; the places held in it stay held.
    ///
    /// # Errors
    /// If it is of another register: a council never sees another's.
    pub fn upsert(
        &mut self,
        setting: impl Into<Arc<Setting>>,
        location: Location,
    ) -> Result<(), OtherRegister> {
        let setting = setting.into();
        if setting.authority != self.authority {
            return Err(OtherRegister {
                expected: self.authority,
                found: setting.authority,
            });
        }
        match self.find(&setting.setting_id) {
            Ok(at) => {
                let Some(entry) = self.entries.get_mut(at) else {
                    return Ok(());
                };
                if entry.setting.provider.provider_id != setting.provider.provider_id {
                    self.roster = OnceLock::new();
                }
                entry.setting = setting;
                entry.location = location;
                self.repack(at);
            }
            Err(at) => {
                let row = Row::pack(&setting, &location, &[], &mut self.lists);
                self.rows.insert(at, row);
                self.entries.insert(
                    at,
                    Entry {
                        setting,
                        location,
                        held: Vec::new(),
                    },
                );
                self.roster = OnceLock::new();
            }
        }
        Ok(())
    }

    /// Takes a setting out, with the places held in it; whether it was there.
    pub fn remove(&mut self, setting_id: &SettingId) -> bool {
        let found = self.find(setting_id);
        if let Ok(at) = found {
            self.rows.remove(at);
            self.entries.remove(at);
            self.roster = OnceLock::new();
        }
        found.is_ok()
    }

    /// Says which places are held in a setting, all of them; whether the setting is there.
    pub fn set_holds(&mut self, setting_id: &SettingId, held: Vec<Held>) -> bool {
        let found = self.find(setting_id);
        if let Ok(at) = found {
            if let Some(entry) = self.entries.get_mut(at) {
                entry.held = held;
            }
            self.repack(at);
        }
        found.is_ok()
    }

    /// How many settings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The setting with that id.
    #[must_use]
    pub fn get(&self, setting_id: &SettingId) -> Option<&Setting> {
        self.entry(setting_id).map(|entry| &*entry.setting)
    }

    /// The setting with that id, where it is and what is held in it.
    #[must_use]
    pub fn entry(&self, setting_id: &SettingId) -> Option<&Entry> {
        self.find(setting_id)
            .ok()
            .and_then(|at| self.entries.get(at))
    }

    /// Every setting, in the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }

    pub(crate) fn find(&self, setting_id: &SettingId) -> Result<usize, usize> {
        // Loading in order is appending: no search.
        if self
            .entries
            .last()
            .is_some_and(|last| last.setting.setting_id < *setting_id)
        {
            return Err(self.entries.len());
        }
        self.entries
            .binary_search_by(|entry| entry.setting.setting_id.cmp(setting_id))
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) const fn lists(&self) -> &Lists {
        &self.lists
    }

    pub(crate) fn roster(&self) -> Arc<Roster> {
        self.roster
            .get_or_init(|| Roster::of(self.entries.iter().map(|it| &*it.setting)).into())
            .clone()
    }

    fn repack(&mut self, at: usize) {
        if let (Some(row), Some(entry)) = (self.rows.get_mut(at), self.entries.get(at)) {
            *row = Row::pack(
                &entry.setting,
                &entry.location,
                &entry.held,
                &mut self.lists,
            );
        }
    }
}

impl<'a> IntoIterator for &'a Supply {
    type Item = &'a Entry;
    type IntoIter = std::slice::Iter<'a, Entry>;
    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}
