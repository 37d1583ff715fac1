//! Figures that were counted a short while ago, for everybody who asks meanwhile: they cost more than
//! any other page, and tell of weeks. Whoever shows them says of when they are.

use crate::problem::Fault;
use chrono::{DateTime, TimeDelta, Utc};
use oss_domain::AuthorityCode;
use oss_storage::{
    PgStore,
    reports::{Figures, Now},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Figures that are older are counted anew.
const FRESH: TimeDelta = TimeDelta::minutes(1);

/// A council's figures, as of a moment.
#[derive(Debug)]
pub(crate) struct Counted {
    /// When they were counted.
    pub(crate) at: DateTime<Utc>,
    /// What was done in the days before.
    pub(crate) figures: Figures,
    /// How things were.
    pub(crate) now: Now,
}

impl Counted {
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        (TimeDelta::zero()..FRESH).contains(&(now - self.at))
    }
}

/// Those that are fresh, by council and by how many days they are of.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<BTreeMap<(AuthorityCode, i64), Arc<Counted>>>);

impl Recent {
    /// The figures of `authority` for the last `days`, at most a minute old.
    ///
    /// # Errors
    ///
    /// 503 where the database is away.
    pub(crate) async fn figures(
        &self,
        store: &PgStore,
        authority: AuthorityCode,
        days: i64,
        now: DateTime<Utc>,
    ) -> Result<Arc<Counted>, Fault> {
        let of = (authority, days);
        if let Some(counted) = self.with(|recent| recent.get(&of).cloned())
            && counted.is_fresh(now)
        {
            return Ok(counted);
        }
        let since = now - TimeDelta::days(days);
        let counted = Arc::new(Counted {
            at: now,
            figures: store.figures(authority, since, now).await?,
            now: store.figures_now(authority, now).await?,
        });
        self.with(|recent| {
            recent.retain(|_, counted| counted.is_fresh(now));
            recent.insert(of, Arc::clone(&counted));
        });
        Ok(counted)
    }

    fn with<T>(
        &self,
        look: impl FnOnce(&mut BTreeMap<(AuthorityCode, i64), Arc<Counted>>) -> T,
    ) -> T {
        // Nothing in it is half changed by a panic.
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
