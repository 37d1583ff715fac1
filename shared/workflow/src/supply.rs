//! A register's entry changes, closes, or tells what is free.

use crate::{
    call_off,
    key::{SettingKey, SupplyVersion},
    occupancy::hand_over,
    refusal::Refusal,
    unit::{Context, Entry, SettingHead, Unit},
};
use oss_domain::{
    AuthorityCode, Setting, SettingId,
    setting::{Occupancy, VacancyChange},
};
use std::sync::Arc;

/// Takes in a whole entry. Returns whether anything changed: a version not higher than the
/// stored one does not count, and occupancy older than the stored one is kept as stored.
///
/// # Errors
///
/// [`Refusal::Conflict`] where the setting was not part of the unit.
pub fn change_setting(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    setting: Setting,
) -> Result<bool, Refusal> {
    let at = (setting.authority, setting.setting_id.clone());
    let (key, setting) = match unit.settings.get(&at) {
        None => (spare_key(unit)?, setting),
        Some(head) if setting.version <= head.version => return Ok(false),
        Some(head) => (
            head.key,
            with_newer_occupancy(setting, head.setting.as_deref()),
        ),
    };
    let version = setting.version;
    let head = SettingHead {
        key,
        version,
        open: true,
        setting: Some(setting.into()),
    };
    store(unit, context, &at, head);
    hand_over(unit, context, &at);
    Ok(true)
}

/// What [`change_setting`] would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The register did not have it, or had it closed.
    New,
    /// It changes what is stored.
    Changed,
    /// It is what is stored already.
    Unchanged,
    /// Its version is not higher than the stored one, and it says something else: it is ignored.
    Ignored,
}

/// What taking in `sent` would do, where the register has `head`.
#[must_use]
pub fn effect(head: Option<&SettingHead>, sent: &Setting) -> Effect {
    let Some(head) = head else {
        return Effect::New;
    };
    let stored = head.setting.as_deref().filter(|_| head.open);
    match stored {
        None if sent.version > head.version => Effect::New,
        Some(_) if sent.version > head.version => Effect::Changed,
        Some(stored) if says_the_same(stored, sent) => Effect::Unchanged,
        _ => Effect::Ignored,
    }
}

/// Whether `sent` is what was stored at its version: vacancies may have changed since.
fn says_the_same(stored: &Setting, sent: &Setting) -> bool {
    let mut sent = sent.clone();
    if stored.occupancy.version > sent.occupancy.version {
        sent.occupancy = stored.occupancy.clone();
        sent.capacity_confirmed_at = stored.capacity_confirmed_at;
    }
    sent == *stored
}

/// Takes a setting out of supply. Returns whether anything changed.
///
/// A closure at the stored version counts: a place that may be gone is not offered. Live offers on
/// the setting are taken back; whoever has those is part of the unit ([`crate::Wanted::closing`]).
///
/// # Errors
///
/// [`Refusal::Conflict`] where the setting was not part of the unit.
pub fn close_setting(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    authority: AuthorityCode,
    setting_id: &SettingId,
    version: u64,
) -> Result<bool, Refusal> {
    let at = (authority, setting_id.clone());
    let (key, setting) = match unit.settings.get(&at) {
        None => (spare_key(unit)?, None),
        Some(head) if version < head.version || (version == head.version && !head.open) => {
            return Ok(false);
        }
        Some(head) => (head.key, head.setting.clone()),
    };
    let head = SettingHead {
        key,
        version,
        open: false,
        setting,
    };
    store(unit, context, &at, head);
    call_off::setting_closed(unit, context, &at);
    Ok(true)
}

/// Takes in what is free. Returns whether anything changed: occupancy older than the stored one
/// does not count.
///
/// # Errors
///
/// [`Refusal::NotKnownYet`] where the setting has not been heard of: the event waits for it.
pub fn change_vacancy(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    change: VacancyChange,
) -> Result<bool, Refusal> {
    let at = (change.authority, change.setting_id.clone());
    let unknown = || Refusal::NotKnownYet {
        what: format!("setting {}", at.1),
    };
    let head = unit.settings.get(&at).ok_or_else(unknown)?;
    let stored = head.setting.as_deref().ok_or_else(unknown)?;
    if change.occupancy_version < stored.occupancy.version {
        return Ok(false);
    }
    let before = &stored.occupancy;
    let occupancy = Occupancy {
        version: change.occupancy_version,
        residents: change.residents.unwrap_or_else(|| before.residents.clone()),
        blocked_places: change.blocked_places.unwrap_or(before.blocked_places),
        bedrooms_free: change.bedrooms_free.or(before.bedrooms_free),
        restrictions: change
            .restrictions
            .unwrap_or_else(|| before.restrictions.clone()),
    };
    let setting = Setting {
        occupancy,
        capacity_confirmed_at: change
            .capacity_confirmed_at
            .or(stored.capacity_confirmed_at),
        ..stored.clone()
    };
    let head = SettingHead {
        setting: Some(setting.into()),
        ..head.clone()
    };
    store(unit, context, &at, head);
    hand_over(unit, context, &at);
    Ok(true)
}

/// `setting` with the stored occupancy where that is newer.
fn with_newer_occupancy(mut setting: Setting, stored: Option<&Setting>) -> Setting {
    if let Some(stored) = stored
        && setting.occupancy.version < stored.occupancy.version
    {
        setting.occupancy = stored.occupancy.clone();
    }
    setting
}

fn store(
    unit: &mut Unit,
    context: &Context<'_, '_>,
    at: &(AuthorityCode, SettingId),
    head: SettingHead,
) {
    let from: SupplyVersion = unit.next_supply_version(at.0);
    let setting: Option<Arc<Setting>> = head.setting.clone().filter(|_| head.open);
    let act = if head.open {
        "setting.changed"
    } else {
        "setting.closed"
    };
    unit.record(
        context,
        at.0,
        None,
        act,
        format!("{} version {}", at.1, head.version),
        None,
    );
    unit.log.push(Entry::SettingVersion {
        key: head.key,
        from,
        at: context.now,
        setting,
    });
    unit.settings.insert(at.clone(), head);
    unit.changed_settings.insert(at.clone());
}

fn spare_key(unit: &mut Unit) -> Result<SettingKey, Refusal> {
    unit.spare_setting_keys
        .pop()
        .ok_or_else(|| Refusal::Conflict {
            code: "not_opened",
            why: "the setting was not part of the unit of work".to_owned(),
        })
}
