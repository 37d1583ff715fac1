//! The settings of a past supply, as far as the records of runs leave them out.
//!
//! A supply at a version never changes, so its settings are read once for all the runs that were
//! made over it: hundreds may be asked for at the same moment, when a place has gone.

use crate::{
    error::{Result, Sorted},
    row,
    run_record::Supplied,
    store::PgStore,
};
use futures::lock::Mutex;
use oss_domain::{Pence, SettingId};
use oss_workflow::SettingKey;
use serde_json::Value;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// So many are kept: those of the supply of today and of just before.
const KEPT: usize = 4;

/// The listings that were asked for last, the newest in front.
#[derive(Debug, Default)]
pub(crate) struct Listings(Mutex<VecDeque<Arc<Listing>>>);

/// The settings of one authority's supply at one version, by id.
#[derive(Debug)]
pub(crate) struct Listing {
    authority: String,
    version: i64,
    settings: Vec<Listed>,
    /// The keys of all of them.
    pub(crate) keys: Arc<HashMap<SettingId, SettingKey>>,
}

#[derive(Debug)]
struct Listed {
    setting: Supplied,
    /// Whom a connected person is connected to; `None` for any other setting.
    connected_to: Option<Vec<Value>>,
}

impl Listing {
    /// The settings that are evaluated for `children`, an array with their ids: a connected person
    /// only where all of them are its own.
    pub(crate) fn shown(&self, children: &Value) -> Vec<&Supplied> {
        let children: Vec<_> = children.as_array().map_or_else(Vec::new, |children| {
            children.iter().map(|it| it.get("child_id")).collect()
        });
        let is_connected = |to: &Vec<Value>| {
            children
                .iter()
                .all(|child| child.is_some_and(|child| to.contains(child)))
        };
        self.settings
            .iter()
            .filter(|it| it.connected_to.as_ref().is_none_or(is_connected))
            .map(|it| &it.setting)
            .collect()
    }
}

impl PgStore {
    /// The settings of a supply.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub(crate) async fn listing(&self, authority: &str, version: i64) -> Result<Arc<Listing>> {
        // Held while it is read: whoever wants the same waits for it instead of reading it too.
        let mut kept = self.listings.0.lock().await;
        let same = |it: &Arc<Listing>| it.authority == authority && it.version == version;
        if let Some(found) = kept.iter().find(|it| same(it)) {
            return Ok(Arc::clone(found));
        }
        let read = Arc::new(self.read_listing(authority, version).await?);
        kept.push_front(Arc::clone(&read));
        kept.truncate(KEPT);
        Ok(read)
    }

    async fn read_listing(&self, authority: &str, version: i64) -> Result<Listing> {
        let rows = sqlx::query!(
            r#"SELECT setting.key, setting_id,
                 past.document -> 'provider' ->> 'provider_id' AS "provider_id!",
                 past.document ->> 'kind' AS "kind!", past.document ->> 'sourcing' AS "sourcing!",
                 (past.document ->> 'weekly_cost_pence')::bigint AS "weekly_cost!",
                 CASE past.document ->> 'kind' WHEN 'connected_person'
                   THEN coalesce(past.document -> 'connected_to_children', '[]') END AS connected_to
               FROM setting_version AS past JOIN setting ON setting.key = past.key
               WHERE past.authority = $1 AND supply_from <= $2
                 AND (supply_until IS NULL OR supply_until > $2) AND past.document IS NOT NULL
               ORDER BY setting_id COLLATE "C""#,
            authority,
            version,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        let mut settings = Vec::with_capacity(rows.len());
        let mut keys = HashMap::with_capacity(rows.len());
        for row in rows {
            let setting_id: SettingId = row::parse("setting.setting_id", &row.setting_id)?;
            keys.insert(setting_id.clone(), SettingKey(row.key));
            settings.push(Listed {
                setting: Supplied {
                    setting_id,
                    provider_id: row::parse("setting_version.document", &row.provider_id)?,
                    kind: row::parse("setting_version.document", &row.kind)?,
                    sourcing: row::parse("setting_version.document", &row.sourcing)?,
                    weekly_cost: Pence::new(row::whole(
                        "setting_version.document",
                        row.weekly_cost,
                    )?),
                },
                connected_to: row.connected_to.map(|it| match it {
                    Value::Array(children) => children,
                    _ => Vec::new(),
                }),
            });
        }
        Ok(Listing {
            authority: authority.to_owned(),
            version,
            settings,
            keys: Arc::new(keys),
        })
    }
}
