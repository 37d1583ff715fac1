//! From a job to the steps of `oss-workflow` that it asks for.

use crate::{
    Matcher,
    facts::{Job, Task},
    fault::Fault,
};
use oss_domain::Ids;
use oss_telemetry::TraceParent;
use oss_workflow::{
    Actor, Context, Refusal, Unit, World, answer, placement,
    ranking::{Market, rank_referral},
    referral::{self, Received},
    supply,
};
use std::sync::Arc;

impl Matcher {
    /// The step of `oss-workflow` that the job asks for.
    pub(crate) fn step(&mut self, unit: &mut Unit, job: &Job) -> Result<(), Fault> {
        let now = self.clock.now();
        let traceparent = Some(self.child_of(job));
        let mut ids = Ids::new(&*self.clock, &mut *self.rng);
        let mut context = Context {
            actor: Actor::Producer(job.key.source.clone()),
            now,
            traceparent,
            ids: &mut ids,
        };
        match &job.task {
            Task::Rank(to_rank) => {
                let referral = &to_rank.referral;
                let received = referral::receive(unit, &mut context, referral, to_rank.content)?;
                let at = (referral.authority, referral.referral_id.clone());
                if received == Received::ToRank
                    && let Some(shelf) = self.index.shelf(referral.authority)
                {
                    let market = Market {
                        supply: &shelf.supply,
                        version: shelf.version,
                        policy: &self.policy,
                        gazetteer: &self.edition,
                        seal: &self.seal,
                        key_of: &|setting_id| shelf.key_of(setting_id),
                    };
                    let reranked = self.metrics.time_ranking(shelf.supply.len(), || {
                        rank_referral(unit, &mut context, &at, &to_rank.query, market)
                    });
                    self.metrics.ranked(reranked);
                }
            }
            Task::Withdraw {
                authority,
                referral_id,
                reason,
            } => {
                referral::withdraw(unit, &mut context, *authority, referral_id, reason)?;
            }
            Task::ChangeSetting(setting) => {
                supply::change_setting(unit, &mut context, (**setting).clone())?;
            }
            Task::CloseSetting {
                authority,
                setting_id,
                version,
            } => {
                supply::close_setting(unit, &mut context, *authority, setting_id, *version)?;
            }
            Task::ChangeVacancy(change) => {
                supply::change_vacancy(unit, &mut context, (**change).clone())?;
            }
            Task::Answer(to_record) => {
                let world = World {
                    policy: &self.policy,
                    call_off: &self.call_off,
                    locate: &|postcode| self.gazetteer.locate(postcode),
                    seal: &self.seal,
                };
                answer::answer(unit, &mut context, &world, to_record.given.clone())?;
            }
            Task::EndPlacement {
                authority,
                placement_id,
                ending,
            } => {
                let placement = unit.placements.get(placement_id);
                if placement.is_none_or(|it| it.authority != *authority) {
                    return Err(Fault::from(Refusal::NotFound {
                        what: format!("placement {placement_id}"),
                    }));
                }
                placement::end(unit, &mut context, *placement_id, *ending)?;
            }
            Task::Refuse(refused) => return Err(refused.as_ref().into()),
        }
        Ok(())
    }

    /// The trace context of what the job leads to: a child of its own.
    pub(crate) fn child_of(&mut self, job: &Job) -> Arc<str> {
        let parent = job.traceparent.as_deref();
        TraceParent::continued(parent, &mut *self.rng)
            .to_string()
            .into()
    }
}
