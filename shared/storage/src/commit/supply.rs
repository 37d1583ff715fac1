//! Registers, settings and their history.

use super::expect_rows;
use crate::error::{Result, Sorted};
use chrono::{DateTime, Utc};
use oss_domain::{AuthorityCode, Setting};
use oss_workflow::{SettingHead, SettingKey, SupplyVersion, Unit};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// A state of a setting that a unit appends.
pub(super) type Version<'a> = (
    SettingKey,
    SupplyVersion,
    DateTime<Utc>,
    Option<&'a Setting>,
);

pub(super) async fn write_registers(conn: &mut PgConnection, unit: &Unit) -> Result<()> {
    if unit.changed_supply.is_empty() {
        return Ok(());
    }
    let (authorities, versions): (Vec<_>, Vec<_>) = unit
        .changed_supply
        .iter()
        .filter_map(|authority| Some((authority.as_str(), unit.supply.get(authority)?.0)))
        .unzip();
    let written = sqlx::query!(
        "UPDATE register SET supply_version = w.version
         FROM unnest($1::text[], $2::bigint[]) AS w (authority, version)
         -- One more than before: nobody else had the lock.
         WHERE register.authority = w.authority AND supply_version = w.version - 1",
        &authorities as &[&str],
        &versions,
    )
    .execute(conn)
    .await
    .sorted()?;
    expect_rows(
        "register",
        unit.changed_supply.len(),
        written.rows_affected(),
    )
}

pub(super) async fn write_settings(conn: &mut PgConnection, unit: &Unit) -> Result<()> {
    let heads: Vec<_> = unit
        .changed_settings
        .iter()
        .filter_map(|at| unit.settings.get(at).map(|head| (at, head)))
        .collect();
    if heads.is_empty() {
        return Ok(());
    }
    let supply_version =
        |authority: &AuthorityCode| unit.supply.get(authority).copied().unwrap_or_default().0;
    let occupancy = |head: &SettingHead| {
        head.setting
            .as_ref()
            .map_or(0, |setting| setting.occupancy.version.cast_signed())
    };
    let document = |head: &SettingHead| head.setting.as_deref().map(oss_contract::setting_to_json);
    let written = sqlx::query!(
        "INSERT INTO setting (authority, setting_id, key, version, occupancy_version, open, document,
           supply_version)
         SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[],
           $6::boolean[], $7::jsonb[], $8::bigint[])
         ON CONFLICT (authority, setting_id) DO UPDATE SET
           version = excluded.version,
           occupancy_version = excluded.occupancy_version,
           open = excluded.open,
           document = excluded.document,
           supply_version = excluded.supply_version
         WHERE setting.key = excluded.key",
        &heads.iter().map(|(at, _)| at.0.as_str()).collect::<Vec<_>>() as &[&str],
        &heads.iter().map(|(at, _)| at.1.as_str()).collect::<Vec<_>>() as &[&str],
        &heads.iter().map(|(_, head)| head.key.0).collect::<Vec<_>>(),
        &heads.iter().map(|(_, head)| head.version.cast_signed()).collect::<Vec<_>>(),
        &heads.iter().map(|(_, head)| occupancy(head)).collect::<Vec<_>>(),
        &heads.iter().map(|(_, head)| head.open).collect::<Vec<_>>(),
        &heads.iter().map(|(_, head)| document(head)).collect::<Vec<_>>() as &[Option<Value>],
        &heads.iter().map(|(at, _)| supply_version(&at.0)).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await
    .sorted()?;
    expect_rows("setting", heads.len(), written.rows_affected())
}

/// Ends the settings' present states and begins new ones.
pub(super) async fn append_versions(
    conn: &mut PgConnection,
    unit: &Unit,
    versions: &[Version<'_>],
) -> Result<()> {
    if versions.is_empty() {
        return Ok(());
    }
    // Two states within one unit are one change of the supply: the last one is what it saw.
    let last: BTreeMap<_, _> = versions
        .iter()
        .map(|(key, from, at, setting)| (*key, (*from, *at, *setting)))
        .collect();
    let authorities: BTreeMap<_, _> = unit
        .settings
        .iter()
        .map(|(at, head)| (head.key, at.0))
        .collect();
    let keys: Vec<_> = last.keys().map(|key| key.0).collect();
    let from: Vec<_> = last.values().map(|(from, ..)| from.0).collect();
    sqlx::query!(
        "UPDATE setting_version SET supply_until = w.supply_from
         FROM unnest($1::bigint[], $2::bigint[]) AS w (key, supply_from)
         WHERE setting_version.key = w.key AND supply_until IS NULL",
        &keys,
        &from,
    )
    .execute(&mut *conn)
    .await
    .sorted()?;
    let authority = |key| authorities.get(key).map(AuthorityCode::as_str);
    let document = |setting: Option<&Setting>| setting.map(oss_contract::setting_to_json);
    sqlx::query!(
        "INSERT INTO setting_version (authority, key, supply_from, at, document)
         SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::jsonb[])",
        &last.keys().map(authority).collect::<Vec<_>>() as &[Option<&str>],
        &keys,
        &from,
        &last.values().map(|(_, at, _)| *at).collect::<Vec<_>>(),
        &last.values().map(|(.., setting)| document(*setting)).collect::<Vec<_>>()
            as &[Option<Value>],
    )
    .execute(conn)
    .await
    .sorted()?;
    Ok(())
}
