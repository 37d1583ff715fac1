//! What falls due: looked for several times a second, acted on exactly once.
//!
//! Every deadline is a row; the step looks again under lock. So a restart, a second scheduler and a
//! clock that jumps change nothing.

use crate::Matcher;
use oss_domain::{DeadlineId, Ids};
use oss_workflow::{
    Actor, Context, Refusal, Store, StoreError, Unit, Wanted, World,
    call_off::Ranking,
    deadline::{self, Deadline, Due},
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is looked for what is due.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How many are acted on before events have their turn again.
const AT_MOST: usize = 64;

impl Matcher {
    /// Acts on what is due.
    pub(crate) async fn act_on_deadlines(&mut self, shutdown: &CancellationToken) {
        // Those set aside are due as well.
        let at_most = AT_MOST.saturating_add(self.set_aside.len());
        let at_most = u32::try_from(at_most).unwrap_or(u32::MAX);
        let due = match self.store.deadlines_due(self.clock.now(), at_most).await {
            Ok(due) => due,
            Err(error) => return self.metrics.database_failed(&error),
        };
        let mut acted = false;
        for deadline in due {
            if shutdown.is_cancelled() {
                break;
            }
            if self.set_aside.contains(&deadline.deadline_id) {
                continue;
            }
            match self.act_on(&deadline).await {
                Ok(done) => {
                    acted |= done;
                    self.metrics.acted_on(deadline.due.kind(), done);
                }
                // At the next look.
                Err(Unsettled::Later) => {}
                Err(Unsettled::Store(error)) => {
                    self.metrics.database_failed(&error);
                    if matches!(error, StoreError::Unavailable(_)) {
                        break;
                    }
                    if matches!(error, StoreError::Broken(_)) {
                        self.set_aside(&deadline, &error);
                    }
                }
                Err(Unsettled::Refused(refusal)) => self.set_aside(&deadline, &refusal),
            }
        }
        if acted {
            self.committed.notify_one();
            // A place may be free now: look at once for those whom it matters to.
            self.look().await;
        }
    }

    /// Leaves a deadline that cannot be acted on until the next sweep, so that it holds up no other.
    fn set_aside(&mut self, deadline: &Deadline, error: &(dyn std::error::Error + 'static)) {
        tracing::error!(
            deadline.id = %deadline.deadline_id,
            deadline.kind = %deadline.due.kind(),
            error = %oss_telemetry::ErrorChain(error),
            "a deadline could not be acted on; trying again later"
        );
        self.set_aside.insert(deadline.deadline_id);
    }

    /// Whether there was anything to do.
    async fn act_on(&mut self, deadline: &Deadline) -> Result<bool, Unsettled> {
        let ranking = match deadline.due {
            Due::WaveEnds => self.store.ranking(deadline.referral).await?,
            _ => None,
        };
        let ranked = ranking.iter().flat_map(|ranking| &ranking.order);
        let wanted = Wanted {
            deadlines: [deadline.deadline_id].into(),
            settings: ranked.map(|id| (deadline.authority, id.clone())).collect(),
            ..Wanted::default()
        };
        let (mut unit, transaction) = self.store.open(&wanted).await?;
        let done = self.settle_one(&mut unit, deadline.deadline_id, ranking.as_ref())?;
        self.store.commit(unit, transaction).await?;
        Ok(done)
    }

    fn settle_one(
        &mut self,
        unit: &mut Unit,
        id: DeadlineId,
        ranking: Option<&Ranking>,
    ) -> Result<bool, Refusal> {
        let now = self.clock.now();
        let mut context = Context {
            actor: Actor::Service("scheduler"),
            now,
            traceparent: None,
            ids: &mut Ids::new(&*self.clock, &mut *self.rng),
        };
        let world = World {
            policy: &self.policy,
            call_off: &self.call_off,
            locate: &|postcode| self.gazetteer.locate(postcode),
            seal: &self.seal,
        };
        deadline::act(unit, &mut context, &world, id, ranking)
    }
}

/// Why a deadline stays due.
enum Unsettled {
    /// It was ranked again in between.
    Later,
    Store(StoreError),
    Refused(Refusal),
}

impl From<StoreError> for Unsettled {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for Unsettled {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Conflict {
                code: "ranking_changed",
                ..
            } => Self::Later,
            other => Self::Refused(other),
        }
    }
}
