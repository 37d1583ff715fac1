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
use oss_domain::{ChildId, Pence, SettingId, setting};
use oss_workflow::SettingKey;
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{self, Arc, PoisonError},
};

/// So many are kept: those of the supply of today and of just before.
const KEPT: usize = 4;

/// The listings that were asked for last, the newest in front.
#[derive(Debug, Default)]
pub(crate) struct Listings(sync::Mutex<VecDeque<Arc<Kept>>>);

/// The listing of one authority's supply at one version, once it was read.
#[derive(Debug)]
struct Kept {
    authority: String,
    version: i64,
    listing: Mutex<Option<Arc<Listing>>>,
}

impl Listings {
    /// A listing, by `read` where it is not kept: whoever wants the same waits for it instead of
    /// reading it too, and nobody else waits.
    async fn get(
        &self,
        authority: &str,
        version: i64,
        read: impl Future<Output = Result<Listing>>,
    ) -> Result<Arc<Listing>> {
        let kept = self.kept(authority, version);
        let mut listing = kept.listing.lock().await;
        if let Some(listing) = &*listing {
            return Ok(Arc::clone(listing));
        }
        let read = Arc::new(read.await?);
        *listing = Some(Arc::clone(&read));
        Ok(read)
    }

    fn kept(&self, authority: &str, version: i64) -> Arc<Kept> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |it: &&Arc<Kept>| it.authority == authority && it.version == version;
        if let Some(found) = all.iter().find(same) {
            return Arc::clone(found);
        }
        let new = Arc::new(Kept {
            authority: authority.to_owned(),
            version,
            listing: Mutex::default(),
        });
        all.push_front(Arc::clone(&new));
        all.truncate(KEPT);
        new
    }
}

/// The settings of one authority's supply at one version, by id.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    settings: Vec<Listed>,
    /// The keys of all of them.
    pub(crate) keys: Arc<HashMap<SettingId, SettingKey>>,
}

#[derive(Debug)]
struct Listed {
    setting: Supplied,
    /// The children that it is connected to.
    connected_to: BTreeSet<ChildId>,
}

impl Listing {
    /// The settings that are evaluated for these children.
    pub(crate) fn shown(&self, children: &[ChildId]) -> Vec<&Supplied> {
        let shown = self.settings.iter().filter(|it| {
            let kind = it.setting.kind;
            setting::is_shown_for(kind, &it.connected_to, children)
        });
        shown.map(|it| &it.setting).collect()
    }
}

impl PgStore {
    /// The settings of a supply.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub(crate) async fn listing(&self, authority: &str, version: i64) -> Result<Arc<Listing>> {
        let read = self.read_listing(authority, version);
        self.listings.get(authority, version, read).await
    }

    async fn read_listing(&self, authority: &str, version: i64) -> Result<Listing> {
        let rows = sqlx::query!(
            r#"SELECT setting.key, setting_id,
                 past.document -> 'provider' ->> 'provider_id' AS "provider_id!",
                 past.document ->> 'kind' AS "kind!", past.document ->> 'sourcing' AS "sourcing!",
                 (past.document ->> 'weekly_cost_pence')::bigint AS "weekly_cost!",
                 past.document -> 'connected_to_children' AS connected_to
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
                connected_to: row
                    .connected_to
                    .as_ref()
                    .map_or_else(|| Ok(BTreeSet::new()), row::children)?,
            });
        }
        Ok(Listing {
            settings,
            keys: Arc::new(keys),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Listing, Listings};
    use futures::FutureExt as _;
    use std::future::{pending, ready};

    #[test]
    fn whoever_reads_a_supply_holds_up_only_those_who_want_the_same() {
        let listings = Listings::default();
        let mut first = Box::pin(listings.get("E06000015", 1, pending()));
        assert!(first.as_mut().now_or_never().is_none());
        let read = || ready(Ok(Listing::default()));
        let get = |council, version| listings.get(council, version, read()).now_or_never();
        assert!(get("E06000015", 1).is_none(), "it is being read");
        assert!(get("E06000015", 2).is_some());
        assert!(get("E06000018", 1).is_some());
        drop(first);
        assert!(
            get("E06000015", 1).is_some(),
            "whoever gave up is in nobody's way"
        );
    }
}
