//! Figures that were counted a short while ago, for everybody who asks meanwhile: they cost more than
//! any other page, and tell of weeks. Whoever shows them says of when they are.

use crate::problem::Fault;
use chrono::{DateTime, TimeDelta, Utc};
use oss_domain::AuthorityCode;
use oss_storage::{
    PgStore,
    reports::{Figures, Now},
};
use oss_workflow::StoreError;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Mutex as Turn;

/// Figures that are older are counted anew.
const FRESH: TimeDelta = TimeDelta::minutes(1);

/// Figures, as of a moment.
#[derive(Debug)]
pub(crate) struct Counted<T> {
    /// When they were counted.
    pub(crate) at: DateTime<Utc>,
    /// The figures.
    pub(crate) figures: T,
}

impl<T> Counted<T> {
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        // Whoever asked a moment before and waited for them takes them too.
        (now - self.at).abs() < FRESH
    }
}

/// Each council's figures that are fresh.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// What was done, by how many days it is of.
    done: Counts<(AuthorityCode, i64), Figures>,
    /// How things are.
    now: Counts<AuthorityCode, Now>,
}

impl Recent {
    /// What was done by `authority` in the last `days`, and how things are: at most a minute old.
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
    ) -> Result<(Arc<Counted<Figures>>, Arc<Counted<Now>>), Fault> {
        let since = now - TimeDelta::days(days);
        let done = store.figures(authority, since, now);
        let done = self.done.get((authority, days), now, done).await?;
        let as_it_is = store.figures_now(authority, now);
        Ok((done, self.now.get(authority, now, as_it_is).await?))
    }
}

/// Where one kind of figures is counted, one at a time; empty until it was.
type Slot<T> = Arc<Turn<Option<Arc<Counted<T>>>>>;

/// One kind of figures, by what they are of.
#[derive(Debug)]
struct Counts<K, T>(Mutex<BTreeMap<K, Slot<T>>>);

impl<K, T> Default for Counts<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord, T> Counts<K, T> {
    /// Those of `key` that are fresh, or else what `count` gives: whoever asks while it is counted
    /// waits for that.
    async fn get(
        &self,
        key: K,
        now: DateTime<Utc>,
        count: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<Arc<Counted<T>>, Fault> {
        let slot = self.slot(key, now);
        let mut last = slot.lock().await;
        if let Some(counted) = last.as_ref().filter(|it| it.is_fresh(now)) {
            return Ok(Arc::clone(counted));
        }
        let counted = Arc::new(Counted {
            at: now,
            figures: count.await?,
        });
        *last = Some(Arc::clone(&counted));
        Ok(counted)
    }

    /// The slot of `key`; those of others that are no longer fresh go, unless somebody is at them.
    fn slot(&self, key: K, now: DateTime<Utc>) -> Slot<T> {
        // Nothing in it is half changed by a panic.
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|_, slot| {
            Arc::get_mut(slot).is_none_or(|idle| {
                let last = idle.get_mut().as_ref();
                last.is_some_and(|counted| counted.is_fresh(now))
            })
        });
        Arc::clone(slots.entry(key).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    #[tokio::test]
    async fn many_who_ask_at_once_count_once_and_again_when_the_minute_is_over() {
        let (counts, counting) = (Counts::default(), AtomicU32::new(0));
        let ask = |key: &'static str, minute| {
            let count = async {
                // Lets all the others ask meanwhile.
                tokio::task::yield_now().await;
                Ok(counting.fetch_add(1, Ordering::Relaxed) + 1)
            };
            counts.get(key, at(minute), count)
        };
        for minute in [0, 1] {
            let told = join_all((0..50).map(|_| ask("Derby", minute))).await;
            let told: Vec<_> = told.into_iter().map(|it| it.unwrap().figures).collect();
            assert_eq!(told, [u32::try_from(minute + 1).unwrap(); 50]);
        }
        let other = ask("Nottingham", 1).await.unwrap();
        assert_eq!(other.figures, 3, "another's are counted by themselves");
    }

    #[tokio::test]
    async fn a_count_that_fails_or_is_given_up_is_taken_up_by_the_next_who_asks() {
        let counts = Counts::<_, u32>::default();
        let away = async { Err(StoreError::Unavailable("away".into())) };
        assert!(counts.get((), at(0), away).await.is_err());
        let never = counts.get((), at(0), std::future::pending());
        assert!(
            tokio::time::timeout(std::time::Duration::ZERO, never)
                .await
                .is_err()
        );
        let counted = counts.get((), at(0), async { Ok(7) }).await.unwrap();
        assert_eq!(counted.figures, 7);
    }
}
