//! Ranking again what a change of supply may concern, and the sweep that finds what was missed.

use crate::{Matcher, every, metrics::Repair};
use oss_domain::{AuthorityCode, Ids};
use oss_matching::Query;
use oss_storage::PgStore;
use oss_workflow::{
    Actor, Context, Store, StoreError,
    ranking::{Market, rank_referral},
};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How many referrals are ranked again before new events are looked for.
const CHUNK: u32 = 32;

/// The index is compared with the whole register once in so many sweeps: that reads every setting.
const VERIFY_EVERY: u32 = 30;

/// How often it looks for referrals that another process left to rank: over thousands of open ones
/// that takes a core some milliseconds.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Wakes the role when another process left referrals to rank.
///
/// Beside the role's own loop, and on a connection of its own: it reads all open referrals, and no
/// event waits for that.
pub(crate) async fn watch(
    store: Arc<PgStore>,
    authorities: Vec<AuthorityCode>,
    wake: Arc<Notify>,
) -> Infallible {
    let mut look = every(WATCH_EVERY);
    loop {
        look.tick().await;
        // A database that is away is told of by whoever needs it.
        if store.any_stale(&authorities).await.unwrap_or_default() {
            wake.notify_one();
        }
    }
}

impl Matcher {
    /// Ranks some of the open referrals that are behind the supply, the most urgent first.
    pub(crate) async fn rank_some_again(&mut self, shutdown: &CancellationToken) {
        let chunk = CHUNK.min(u32::try_from(self.at_once()).unwrap_or(CHUNK));
        match self.try_rank_some(chunk).await {
            Ok(n) => {
                self.behind = n == chunk;
                if n > 0 {
                    self.committed.notify_one();
                }
            }
            Err(error) => {
                self.metrics.database_failed(&error);
                tracing::warn!(
                    error = %oss_telemetry::ErrorChain(&error),
                    "open referrals could not be ranked again; trying again"
                );
                // A clash will work at once; for the rest the next look is soon enough.
                self.behind = matches!(error, StoreError::Clash(_)) && !shutdown.is_cancelled();
            }
        }
    }

    async fn try_rank_some(&mut self, at_most: u32) -> Result<u32, StoreError> {
        let mut n = 0;
        for authority in self.authorities.clone() {
            n += self
                .try_rank_some_of(authority, at_most.saturating_sub(n))
                .await?;
        }
        Ok(n)
    }

    async fn try_rank_some_of(
        &mut self,
        authority: AuthorityCode,
        at_most: u32,
    ) -> Result<u32, StoreError> {
        let Some(shelf) = self.index.shelf(authority).filter(|_| at_most > 0) else {
            return Ok(0);
        };
        let (mut unit, transaction) = self
            .store
            .open_stale(authority, shelf.version, at_most)
            .await?;
        let waiting: Vec<_> = unit.referrals.keys().cloned().collect();
        let n = u32::try_from(waiting.len()).unwrap_or(at_most);
        let now = self.clock.now();
        for at in &waiting {
            let head = unit.referrals.get(at);
            let Some(referral) = head.and_then(|head| head.referral.clone()) else {
                continue;
            };
            let Ok(query) = Query::compile(&referral, &self.gazetteer, &self.policy) else {
                // Taken in under another edition or policy; its offers stay as they are.
                tracing::error!(referral.id = %at.1, "an open referral cannot be ranked any more");
                unit.evaluated_as_it_is(at, shelf.version);
                continue;
            };
            let mut ids = Ids::new(&*self.clock, &mut *self.rng);
            let mut context = Context {
                actor: Actor::Service("matcher"),
                now,
                traceparent: None,
                ids: &mut ids,
            };
            let market = Market {
                supply: &shelf.supply,
                version: shelf.version,
                policy: &self.policy,
                gazetteer: &self.edition,
                seal: &self.seal,
                key_of: &|setting_id| shelf.key_of(setting_id),
            };
            let reranked = self.metrics.time_ranking(shelf.supply.len(), || {
                rank_referral(&mut unit, &mut context, at, &query, market)
            });
            self.metrics.ranked(reranked);
        }
        self.refuse_faulty(&unit)?;
        self.store.commit(unit, transaction).await?;
        Ok(n)
    }

    /// Looks for what was missed: should find nothing.
    pub(crate) async fn sweep(&mut self, shutdown: &CancellationToken) {
        self.set_aside.clear();
        match self.try_sweep().await {
            Ok((n_settings, n_referrals)) => {
                self.metrics.repaired(Repair::Setting, n_settings);
                self.metrics.repaired(Repair::Referral, n_referrals);
                if n_settings + n_referrals > 0 {
                    tracing::error!(n_settings, n_referrals, "the sweep found what was missed");
                    self.behind = true;
                }
            }
            Err(error) => self.metrics.database_failed(&error),
        }
        if !shutdown.is_cancelled() {
            self.handle_retries(shutdown).await;
        }
    }

    async fn try_sweep(&mut self) -> Result<(usize, usize), StoreError> {
        self.n_sweeps = self.n_sweeps.wrapping_add(1);
        let n_settings = if self.n_sweeps.is_multiple_of(VERIFY_EVERY) {
            self.index.verify(&self.store, &self.gazetteer).await?
        } else {
            0
        };
        // While ranking is still at work, what is behind is waiting, not missed.
        let n_referrals = if self.behind {
            0
        } else {
            self.count_stale().await?
        };
        Ok((n_settings, n_referrals))
    }

    async fn count_stale(&self) -> Result<usize, StoreError> {
        let mut n = 0;
        for authority in &self.authorities {
            if let Some(shelf) = self.index.shelf(*authority) {
                n += self.store.count_stale(*authority, shelf.version).await?;
            }
        }
        Ok(usize::try_from(n).unwrap_or(usize::MAX))
    }
}
