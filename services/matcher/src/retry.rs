//! Dead letters that a person asked to be handled again.

use crate::{
    Matcher,
    facts::{Job, Raw},
    fault::Fault,
};
use chrono::TimeDelta;
use oss_workflow::{Store, StoreError, Wanted};
use tokio_util::sync::CancellationToken;

/// How many are taken up at a time.
const AT_MOST: u32 = 32;

/// Whoever took one and did not finish within this time has died.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::minutes(1);

impl Matcher {
    /// Handles the dead letters whose retry was asked for, one by one.
    pub(crate) async fn handle_retries(&mut self, shutdown: &CancellationToken) {
        if let Err(error) = self.try_retries(shutdown).await {
            self.metrics.database_failed(&error);
            tracing::warn!(
                error = %oss_telemetry::ErrorChain(&error),
                "dead letters could not be handled again; trying again"
            );
        }
    }

    async fn try_retries(&mut self, shutdown: &CancellationToken) -> Result<(), StoreError> {
        let now = self.clock.now();
        let taken = self
            .store
            .take_retries(now, now - GIVEN_UP_AFTER, AT_MOST)
            .await?;
        for content in taken {
            if shutdown.is_cancelled() {
                return Ok(());
            }
            let id = content.letter.dead_letter_id;
            let raw = Raw {
                subject: content.letter.subject.as_str().into(),
                headers: content.headers.into_iter().collect(),
                payload: content.payload.into(),
            };
            let job = Job::read(raw, &id.to_string(), self);
            match self.retry(&job).await? {
                // Should we die before this is noted, it is handled twice, which a step bears.
                Ok(()) => {
                    self.store
                        .resolve_dead_letter(id, "handled", self.clock.now())
                        .await?;
                    self.committed.notify_one();
                    self.behind = true;
                }
                Err(fault) => {
                    self.store
                        .retry_failed(id, fault.code, &fault.reason)
                        .await?;
                }
            }
        }
        Ok(())
    }

    /// Carries a job out although it was seen before.
    async fn retry(&mut self, job: &Job) -> Result<Result<(), Fault>, StoreError> {
        let mut wanted = Wanted::default();
        job.want(&mut wanted);
        let (mut unit, transaction) = self.store.open(&wanted).await?;
        self.index.catch_up(&self.store, &self.gazetteer).await?;
        if let Err(fault) = self.step(&mut unit, job) {
            return Ok(Err(fault));
        }
        self.refuse_faulty(&unit)?;
        self.store.commit(unit, transaction).await?;
        Ok(Ok(()))
    }
}
