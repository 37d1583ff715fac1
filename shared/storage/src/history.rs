//! What the ids in a referral's history stand for, so that people are told that and no ids.

use crate::{
    desk::{HistoryLine, count},
    error::{Result, Sorted},
    row,
    store::PgStore,
};
use oss_domain::{HoldId, OfferId, PlacementId, RunId, SettingId};
use std::collections::HashMap;
use uuid::Uuid;

/// A run, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunInShort {
    /// The revision of the referral that was ranked.
    pub revision: u64,
    /// How many homes it found that may be offered.
    pub n_offers: u64,
}

/// What lines speak of.
#[derive(Clone, Debug, Default)]
pub struct Named {
    runs: HashMap<Uuid, RunInShort>,
    homes: HashMap<Uuid, SettingId>,
}

impl Named {
    /// The run that the line speaks of, if it speaks of one.
    #[must_use]
    pub fn run(&self, line: &HistoryLine) -> Option<(RunId, RunInShort)> {
        let run_id = run_of(line)?;
        Some((run_id, *self.runs.get(&run_id.into_uuid())?))
    }

    /// The home whose offer, place or placement the line speaks of.
    #[must_use]
    pub fn home(&self, line: &HistoryLine) -> Option<&SettingId> {
        self.homes.get(&home_of(line)?)
    }
}

impl PgStore {
    /// What `lines` of a history speak of.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn named(&self, lines: &[HistoryLine]) -> Result<Named> {
        let runs: Vec<_> = lines.iter().filter_map(run_of).collect();
        let runs: Vec<_> = runs.into_iter().map(RunId::into_uuid).collect();
        let runs = sqlx::query!(
            "SELECT run_id, revision, n_offers FROM match_run WHERE run_id = ANY ($1)",
            &runs,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        let homes: Vec<_> = lines.iter().filter_map(home_of).collect();
        let homes = sqlx::query!(
            r#"SELECT id AS "id!", setting_id FROM (
                 SELECT offer_id AS id, setting_key FROM offer WHERE offer_id = ANY ($1)
                 UNION ALL
                 SELECT hold_id, setting_key FROM occupancy WHERE hold_id = ANY ($1)
                 UNION ALL
                 SELECT placement_id, setting_key FROM placement WHERE placement_id = ANY ($1)
               ) AS named
               JOIN setting ON setting.key = setting_key"#,
            &homes,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        let in_short = |revision, n_offers| RunInShort {
            revision: count(revision),
            n_offers: count(n_offers),
        };
        let runs = runs.into_iter();
        let homes = homes.into_iter().map(|home| {
            let setting_id = row::parse("setting.setting_id", &home.setting_id)?;
            Ok((home.id, setting_id))
        });
        Ok(Named {
            runs: runs
                .map(|run| (run.run_id, in_short(run.revision, run.n_offers)))
                .collect(),
            homes: homes.collect::<Result<_>>()?,
        })
    }
}

/// A ranking is recorded by the run's id, a reading of it with a word before that.
fn run_of(line: &HistoryLine) -> Option<RunId> {
    line.thing.trim_start_matches("run ").parse().ok()
}

fn home_of(line: &HistoryLine) -> Option<Uuid> {
    let thing = &*line.thing;
    let offer = thing.parse().map(OfferId::into_uuid);
    let hold = thing.parse().map(HoldId::into_uuid);
    let placement = thing.parse().map(PlacementId::into_uuid);
    offer.or(hold).or(placement).ok()
}
