//! Reading the supply: what it is, what it was, and what has changed.

use crate::{
    error::{Result, Sorted},
    occupancy::{self, Which},
    row,
    store::PgStore,
};
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use oss_domain::{AuthorityCode, Setting, SettingId};
use oss_matching::Held;
use oss_workflow::{SettingHead, SettingKey, SupplyVersion, occupancy::Occupancy};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// What has changed in an authority's supply.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The version that the changes lead to.
    pub version: SupplyVersion,
    /// The settings that changed: with their entry, or without where they left.
    pub settings: Vec<(SettingKey, SettingId, Option<Arc<Setting>>)>,
    /// All that is held in each setting where that changed; empty where nothing is any more.
    pub held: BTreeMap<SettingId, Vec<Held>>,
}

/// An authority's whole supply at one version.
#[derive(Clone, Debug)]
pub struct PastSupply {
    /// The settings that were in it, by id.
    pub settings: Vec<(SettingKey, Arc<Setting>)>,
    /// Who had places in them.
    pub occupancies: Vec<Occupancy>,
}

impl PgStore {
    /// The version of each register that this connection serves: cheap enough to ask often.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn supply_versions(&self) -> Result<BTreeMap<AuthorityCode, SupplyVersion>> {
        let rows = sqlx::query!("SELECT authority, supply_version FROM register")
            .fetch_all(&self.pool)
            .await
            .sorted()?;
        rows.into_iter()
            .map(|row| {
                let authority = row::parse("register.authority", &row.authority)?;
                Ok((authority, SupplyVersion(row.supply_version)))
            })
            .collect()
    }

    /// What has changed in `authority`'s supply after `version`; from version 0 on, all of it.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn changes_since(
        &self,
        authority: AuthorityCode,
        version: SupplyVersion,
    ) -> Result<Changes> {
        // One moment for all three: the version must be that of what is read.
        let mut transaction = self
            .pool
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await
            .sorted()?;
        let conn = &mut *transaction;
        let now = sqlx::query_scalar!(
            "SELECT supply_version FROM register WHERE authority = $1",
            authority.as_str()
        )
        .fetch_optional(&mut *conn)
        .await
        .sorted()?
        .unwrap_or_default();
        let mut changes = Changes {
            version: SupplyVersion(now),
            settings: Vec::new(),
            held: BTreeMap::new(),
        };
        if now <= version.0 {
            return Ok(changes);
        }
        // One by one: a register's documents take ten times the memory of what they say.
        let mut rows = sqlx::query!(
            "SELECT key, setting_id, open, document FROM setting
             -- The last is the condition of the index.
             WHERE authority = $1 AND supply_version > $2 AND supply_version > 0",
            authority.as_str(),
            version.0,
        )
        .fetch(&mut *conn);
        while let Some(row) = rows.try_next().await.sorted()? {
            let setting = row.document.filter(|_| row.open);
            changes.settings.push((
                SettingKey(row.key),
                row::parse("setting.setting_id", &row.setting_id)?,
                setting.as_ref().map(row::setting).transpose()?,
            ));
        }
        drop(rows);
        let rows = sqlx::query!(
            "SELECT key, setting_id FROM setting WHERE key IN (
               SELECT setting_key FROM occupancy WHERE authority = $1 AND supply_from > $2
               UNION SELECT setting_key FROM occupancy WHERE authority = $1 AND supply_until > $2
               -- One that comes back to supply brings those who kept their places there.
               UNION SELECT setting_key FROM occupancy
                 JOIN setting AS back ON back.key = setting_key
                 WHERE occupancy.supply_until IS NULL
                   AND back.authority = $1 AND back.supply_version > $2
                   AND back.supply_version > 0)",
            authority.as_str(),
            version.0,
        )
        .fetch_all(&mut *conn)
        .await
        .sorted()?;
        let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
        for row in rows {
            changes.held.insert(
                row::parse("setting.setting_id", &row.setting_id)?,
                Vec::new(),
            );
        }
        if !keys.is_empty() {
            let which = Which {
                settings: keys,
                ..Which::default()
            };
            for live in occupancy::find(conn, &which).await? {
                changes
                    .held
                    .entry(live.setting_id.clone())
                    .or_default()
                    .extend(live.held());
            }
        }
        transaction.commit().await.sorted()?;
        Ok(changes)
    }

    /// `authority`'s supply as it was at `version`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn supply_at(
        &self,
        authority: AuthorityCode,
        version: SupplyVersion,
    ) -> Result<PastSupply> {
        let rows = sqlx::query!(
            r#"SELECT key, document AS "document!" FROM setting_version
               WHERE authority = $1 AND supply_from <= $2
                 AND (supply_until IS NULL OR supply_until > $2) AND document IS NOT NULL"#,
            authority.as_str(),
            version.0,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        let mut settings = Vec::with_capacity(rows.len());
        for row in rows {
            settings.push((SettingKey(row.key), row::setting(&row.document)?));
        }
        settings.sort_by(|(_, a), (_, b)| a.setting_id.cmp(&b.setting_id));
        let mut conn = self.conn().await?;
        let occupancies = occupancy::at_version(&mut conn, authority.as_str(), version.0).await?;
        Ok(PastSupply {
            settings,
            occupancies,
        })
    }

    /// A register's entry.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn setting(
        &self,
        authority: AuthorityCode,
        setting_id: &SettingId,
    ) -> Result<Option<SettingHead>> {
        let row = sqlx::query!(
            "SELECT key, version, open, document FROM setting
             WHERE authority = $1 AND setting_id = $2",
            authority.as_str(),
            setting_id.as_str(),
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()?;
        row.map(|row| {
            Ok(SettingHead {
                key: SettingKey(row.key),
                version: row::whole("setting.version", row.version)?,
                open: row.open,
                setting: row.document.as_ref().map(row::setting).transpose()?,
            })
        })
        .transpose()
    }

    /// What the providers of entries are called, of closed ones as they were last.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn providers_of(&self, keys: &[SettingKey]) -> Result<HashMap<SettingKey, String>> {
        let keys: Vec<_> = keys.iter().map(|key| key.0).collect();
        let rows = sqlx::query!(
            r#"SELECT key, document -> 'provider' ->> 'name' AS "name!" FROM setting
               WHERE key = ANY ($1) AND document IS NOT NULL"#,
            &keys,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        let names = rows.into_iter().map(|row| (SettingKey(row.key), row.name));
        Ok(names.collect())
    }

    /// At most `limit` entries in supply of `authority`'s register, by id, after `cursor`; only
    /// those with `text` in their id, provider or postcode, in any case, where it is given.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn list_settings(
        &self,
        authority: AuthorityCode,
        text: Option<&str>,
        cursor: Option<&SettingId>,
        limit: u32,
    ) -> Result<Vec<Arc<Setting>>> {
        let text = text.map(row::text);
        let documents = sqlx::query_scalar!(
            r#"SELECT document AS "document!" FROM setting
               WHERE authority = $1 AND open AND ($2::text IS NULL OR setting_id > $2)
                 AND ($4::text IS NULL OR strpos(lower(concat_ws(' ', setting_id,
                   document -> 'provider' ->> 'provider_id', document -> 'provider' ->> 'name',
                   document ->> 'postcode')), lower($4)) > 0)
               ORDER BY setting_id LIMIT $3"#,
            authority.as_str(),
            cursor.map(SettingId::as_str),
            i64::from(limit),
            text.as_deref(),
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        documents.iter().map(row::setting).collect()
    }

    /// At most `limit` states that an entry of `authority`'s register has been in, the last first:
    /// since when, and what it was; none while it was closed.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn setting_history(
        &self,
        authority: AuthorityCode,
        setting_id: &SettingId,
        limit: u32,
    ) -> Result<Vec<(DateTime<Utc>, Option<Arc<Setting>>)>> {
        let rows = sqlx::query!(
            "SELECT at, past.document
             FROM setting JOIN setting_version AS past ON past.key = setting.key
             WHERE setting.authority = $1 AND setting_id = $2
             ORDER BY supply_from DESC LIMIT $3",
            authority.as_str(),
            setting_id.as_str(),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        rows.into_iter()
            .map(|row| Ok((row.at, row.document.as_ref().map(row::setting).transpose()?)))
            .collect()
    }

    /// All that `authority`'s register knows, closed ones too.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn setting_heads(
        &self,
        authority: AuthorityCode,
    ) -> Result<BTreeMap<SettingId, SettingHead>> {
        let rows = sqlx::query!(
            "SELECT setting_id, key, version, open, document FROM setting WHERE authority = $1",
            authority.as_str(),
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        rows.into_iter()
            .map(|row| {
                let head = SettingHead {
                    key: SettingKey(row.key),
                    version: row::whole("setting.version", row.version)?,
                    open: row.open,
                    setting: row.document.as_ref().map(row::setting).transpose()?,
                };
                Ok((row::parse("setting.setting_id", &row.setting_id)?, head))
            })
            .collect()
    }

    /// The settings that some of `keys` stand for.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn setting_ids(
        &self,
        keys: &BTreeSet<SettingKey>,
    ) -> Result<BTreeMap<SettingKey, (AuthorityCode, SettingId)>> {
        let keys: Vec<_> = keys.iter().map(|key| key.0).collect();
        let rows = sqlx::query!(
            "SELECT key, authority, setting_id FROM setting WHERE key = ANY ($1)",
            &keys
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        rows.into_iter()
            .map(|row| {
                let authority = row::parse("setting.authority", &row.authority)?;
                let setting_id = row::parse("setting.setting_id", &row.setting_id)?;
                Ok((SettingKey(row.key), (authority, setting_id)))
            })
            .collect()
    }
}
