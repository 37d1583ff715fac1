//! The supply in memory: one packed register for each council, current as of a version.

use oss_domain::{AuthorityCode, SettingId};
use oss_geography::Gazetteer;
use oss_matching::Supply;
use oss_storage::{PgStore, StoreError, supply::Changes};
use oss_workflow::{SettingKey, SupplyVersion};
use std::collections::{BTreeMap, HashMap};

/// The registers of the councils served.
#[derive(Debug)]
pub(crate) struct Index {
    shelves: HashMap<AuthorityCode, Shelf>,
}

/// One council's register.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) supply: Supply,
    pub(crate) version: SupplyVersion,
    keys: HashMap<SettingId, SettingKey>,
}

impl Shelf {
    fn new(authority: AuthorityCode) -> Self {
        Self {
            supply: Supply::new(authority),
            version: SupplyVersion::default(),
            keys: HashMap::new(),
        }
    }

    /// The key of a setting in supply.
    pub(crate) fn key_of(&self, setting_id: &SettingId) -> Option<SettingKey> {
        self.keys.get(setting_id).copied()
    }

    /// Takes in what has changed, entries before the places held in them.
    fn apply(&mut self, changes: Changes, gazetteer: &Gazetteer) {
        for (key, setting_id, setting) in changes.settings {
            // Checked when it was taken in; an edition since may have dropped the postcode.
            let located = setting.and_then(|setting| {
                let location = gazetteer.locate(&setting.postcode);
                if location.is_none() {
                    tracing::error!(
                        setting.id = %setting_id,
                        "a setting's postcode is not known any more: it is out of supply"
                    );
                }
                Some((setting, location?))
            });
            match located {
                Some((setting, location)) => {
                    if let Err(error) = self.supply.upsert(setting, location) {
                        tracing::error!(?error, "a setting of another register was ignored");
                    }
                    self.keys.insert(setting_id, key);
                }
                None => {
                    self.supply.remove(&setting_id);
                }
            }
        }
        for (setting_id, held) in changes.held {
            self.supply.set_holds(&setting_id, held);
        }
        self.version = changes.version;
    }
}

impl Index {
    pub(crate) fn new(authorities: &[AuthorityCode]) -> Self {
        Self {
            shelves: authorities
                .iter()
                .map(|it| (*it, Shelf::new(*it)))
                .collect(),
        }
    }

    /// The register of `authority`.
    pub(crate) fn shelf(&self, authority: AuthorityCode) -> Option<&Shelf> {
        self.shelves.get(&authority)
    }

    /// How many settings are in supply.
    pub(crate) fn len(&self) -> usize {
        self.shelves.values().map(|shelf| shelf.supply.len()).sum()
    }

    /// Whether the database has seen changes that this has not.
    pub(crate) fn is_behind(&self, supply: &BTreeMap<AuthorityCode, SupplyVersion>) -> bool {
        supply.iter().any(|(authority, version)| {
            self.shelves
                .get(authority)
                .is_some_and(|shelf| shelf.version < *version)
        })
    }

    /// Takes in what was committed since; returns whether anything was.
    pub(crate) async fn catch_up(
        &mut self,
        store: &PgStore,
        gazetteer: &Gazetteer,
    ) -> Result<bool, StoreError> {
        let mut changed = false;
        for (authority, version) in store.supply_versions().await? {
            let Some(shelf) = self.shelves.get_mut(&authority) else {
                continue;
            };
            if shelf.version < version {
                shelf.apply(
                    store.changes_since(authority, shelf.version).await?,
                    gazetteer,
                );
                changed = true;
            }
        }
        Ok(changed)
    }

    /// Reads every register anew, and returns how many settings differed from what was in memory:
    /// none, or a change was missed.
    pub(crate) async fn verify(
        &mut self,
        store: &PgStore,
        gazetteer: &Gazetteer,
    ) -> Result<usize, StoreError> {
        let authorities: Vec<AuthorityCode> = self.shelves.keys().copied().collect();
        let mut n_repaired = 0;
        for authority in authorities {
            let mut fresh = Shelf::new(authority);
            let everything = store
                .changes_since(authority, SupplyVersion::default())
                .await?;
            fresh.apply(everything, gazetteer);
            if let Some(shelf) = self.shelves.get_mut(&authority) {
                // A change committed since the last look is no repair.
                if shelf.version == fresh.version {
                    n_repaired += differences(&shelf.supply, &fresh.supply);
                }
                *shelf = fresh;
            }
        }
        Ok(n_repaired)
    }
}

fn differences(held: &Supply, fresh: &Supply) -> usize {
    let differs = fresh.iter().filter(|entry| {
        held.entry(&entry.setting().setting_id).is_none_or(|was| {
            was.setting() != entry.setting()
                || was.location() != entry.location()
                || was.held() != entry.held()
        })
    });
    let gone = held
        .iter()
        .filter(|entry| fresh.get(&entry.setting().setting_id).is_none());
    differs.count() + gone.count()
}
