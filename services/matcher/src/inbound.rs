//! A batch of events: read, carried out lane by lane, committed, acknowledged.

use crate::{
    Matcher,
    facts::{About, Job, Lane, Raw},
    fault::Fault,
    metrics::Handled,
};
use oss_domain::{DeadLetterId, Ids};
use oss_matching::{Checker, Finding};
use oss_messaging::{Disposition, Incoming};
use oss_workflow::{
    Actor, Context, Event, Store, StoreError, Unit, Wanted,
    unit::{DeadLetter, Entry},
};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often an event is tried whose fault may pass, before it is parked.
pub(crate) const MAX_TRIES: u64 = 5;

/// How long to wait after each try: about ten seconds in all.
const WAITS: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(6),
];

/// How often a lane is tried at once when its transaction clashed, before it waits.
const CLASHES: u32 = 5;

/// For how many settings results are kept until they are committed, over the jobs of one unit of
/// work: some hundred bytes each.
const RESULTS_AT_ONCE: usize = 320_000;

/// A message of the broker with what it says.
#[derive(Debug)]
pub(crate) struct Delivery {
    message: Incoming,
    job: Job,
}

impl Matcher {
    /// Handles every message of a batch, in order.
    pub(crate) async fn handle_batch(
        &mut self,
        batch: Vec<Incoming>,
        shutdown: &CancellationToken,
    ) {
        let since = Instant::now();
        self.metrics.delivered_at(self.clock.now().timestamp());
        let mut deliveries: Vec<Delivery> = batch
            .into_iter()
            .map(|message| self.read(message))
            .collect();
        while let Some(lane) = deliveries.first().map(|delivery| delivery.job.lane()) {
            let n = deliveries
                .iter()
                .take_while(|it| it.job.lane() == lane)
                .take(self.at_once())
                .count();
            let later = deliveries.split_off(n);
            self.handle_lane(lane, deliveries, shutdown).await;
            deliveries = later;
        }
        self.metrics.batch_took(since);
    }

    /// How many jobs are carried out in one unit of work, for the sake of memory.
    pub(crate) fn at_once(&self) -> usize {
        (RESULTS_AT_ONCE / self.index.len().max(1)).max(1)
    }

    fn read(&self, message: Incoming) -> Delivery {
        let raw = Raw {
            subject: message.subject().into(),
            headers: message.headers(),
            payload: message.payload().as_ref().into(),
        };
        let place = message.stream_sequence.to_string();
        let job = Job::read(raw, &place, self);
        self.metrics.received(job.event_type.as_deref());
        Delivery { message, job }
    }

    /// Commits jobs of one lane together; where that fails for good, each by itself.
    async fn handle_lane(
        &mut self,
        lane: Lane,
        deliveries: Vec<Delivery>,
        shutdown: &CancellationToken,
    ) {
        let mut tries = 0;
        let broken = loop {
            tries += 1;
            match self.try_lane(&deliveries, None).await {
                Ok(handled) => return self.settle(lane, deliveries, &handled).await,
                Err(error @ StoreError::Broken(_)) => break error,
                Err(error) => {
                    self.metrics.database_failed(&error);
                    if matches!(error, StoreError::Clash(_)) && tries <= CLASHES {
                        continue;
                    }
                    if !self
                        .wait_for_store(&deliveries, tries, &error, shutdown)
                        .await
                    {
                        return;
                    }
                }
            }
        };
        self.metrics.database_failed(&broken);
        if deliveries.len() > 1 {
            // One of them spoils the rest: find it.
            for delivery in deliveries {
                Box::pin(self.handle_lane(lane, vec![delivery], shutdown)).await;
            }
        } else {
            self.handle_broken(lane, deliveries, &broken).await;
        }
    }

    /// One job that the store refuses: tried again later, and at last kept with its reason.
    async fn handle_broken(&mut self, lane: Lane, deliveries: Vec<Delivery>, error: &StoreError) {
        let reason = oss_telemetry::ErrorChain(error).to_string();
        tracing::error!(error = reason, "the store refused an event");
        let last = deliveries
            .iter()
            .all(|it| it.message.delivered >= MAX_TRIES);
        let handled = if last {
            let fault = Fault::new("not_stored", "it could not be stored");
            self.try_lane(&deliveries, Some(&fault)).await
        } else {
            Ok(vec![Handled::Retry; deliveries.len()])
        };
        match handled {
            Ok(handled) => self.settle(lane, deliveries, &handled).await,
            // Not acknowledged, so it comes again.
            Err(error) => self.metrics.database_failed(&error),
        }
    }

    /// Waits before the next try, and tells the broker that the work goes on. `false` when told to
    /// stop: what is not acknowledged comes again.
    async fn wait_for_store(
        &mut self,
        deliveries: &[Delivery],
        tries: u32,
        error: &StoreError,
        shutdown: &CancellationToken,
    ) -> bool {
        tracing::warn!(error = %oss_telemetry::ErrorChain(error), tries, "the database is away; waiting");
        for delivery in deliveries {
            delivery.message.in_progress().await;
        }
        let delay = self.backoff.delay(tries, &mut *self.rng);
        tokio::select! {
            () = shutdown.cancelled() => false,
            () = tokio::time::sleep(delay) => true,
        }
    }

    /// Carries the jobs out in one unit of work. With `fault`, keeps them as dead letters instead.
    async fn try_lane(
        &mut self,
        deliveries: &[Delivery],
        fault: Option<&Fault>,
    ) -> Result<Vec<Handled>, StoreError> {
        let mut wanted = Wanted::default();
        for delivery in deliveries {
            delivery.job.want(&mut wanted);
        }
        let (mut unit, transaction) = self.store.open(&wanted).await?;
        if self.index.is_behind(&unit.supply) {
            self.index.catch_up(&self.store, &self.gazetteer).await?;
        }
        let handled = deliveries
            .iter()
            .map(|delivery| match fault {
                Some(fault) => self.keep(&mut unit, delivery, fault.clone()),
                None => self.carry_out(&mut unit, delivery),
            })
            .collect();
        self.refuse_faulty(&unit)?;
        self.store.commit(unit, transaction).await?;
        Ok(handled)
    }

    /// Looks at every offer that is about to be told with other eyes than ranking's.
    pub(crate) fn refuse_faulty(&self, unit: &Unit) -> Result<(), StoreError> {
        for outgoing in &unit.outgoing {
            let Event::Proposed(proposal) = &outgoing.event else {
                continue;
            };
            let at = (proposal.facts.authority, proposal.facts.referral_id.clone());
            let referral = unit
                .referrals
                .get(&at)
                .and_then(|head| head.referral.as_deref());
            let (Some(referral), Some(shelf)) = (referral, self.index.shelf(at.0)) else {
                continue;
            };
            let offers: Vec<_> = proposal.offers.iter().map(|it| it.offer.clone()).collect();
            let locate = |postcode: &_| self.gazetteer.locate(postcode);
            let checker = Checker::new(referral, locate, &self.policy, proposal.facts.evaluated_at);
            let findings = match checker {
                Some(checker) => checker.check_offers(&offers, &shelf.supply),
                None => vec![Finding::NoSuchPlace],
            };
            if let Some(finding) = findings.first() {
                self.metrics.found_fault();
                tracing::error!(
                    referral.id = %at.1,
                    finding = %finding,
                    n_findings = findings.len(),
                    "a plan was refused by the independent check"
                );
                return Err(StoreError::Broken(
                    format!("the plan is faulty: {finding}").into(),
                ));
            }
        }
        Ok(())
    }

    /// Carries one job out, or keeps it with the reason why not.
    fn carry_out(&mut self, unit: &mut Unit, delivery: &Delivery) -> Handled {
        let job = &delivery.job;
        if unit.seen.contains(&job.key) {
            return Handled::Duplicate;
        }
        match self.step(unit, job) {
            Ok(()) => {
                unit.first_sight(&job.key);
                Handled::Ok
            }
            Err(fault) if fault.may_pass && delivery.message.delivered < MAX_TRIES => {
                Handled::Retry
            }
            Err(fault) => self.keep(unit, delivery, fault),
        }
    }

    /// Keeps an event that cannot be handled, and tells of it.
    fn keep(&mut self, unit: &mut Unit, delivery: &Delivery, fault: Fault) -> Handled {
        let job = &delivery.job;
        if !unit.first_sight(&job.key) {
            return Handled::Duplicate;
        }
        let now = self.clock.now();
        let traceparent = Some(self.child_of(job));
        let mut ids = Ids::new(&*self.clock, &mut *self.rng);
        let subject = job.raw.subject.clone();
        let authority = oss_contract::subject::authority_of(&subject);
        let attempts = u32::try_from(delivery.message.delivered).unwrap_or(u32::MAX);
        let named = job.has_identity().then(|| job.key.clone());
        let (source, event_id) = named.map(|key| (key.source, key.id)).unzip();
        unit.log.push(Entry::DeadLetter(Box::new(DeadLetter {
            dead_letter_id: DeadLetterId::generate(&mut ids),
            authority,
            subject: subject.clone(),
            source: source.clone(),
            event_id: event_id.clone(),
            event_type: job.event_type.clone(),
            code: fault.code,
            reason: fault.reason.clone(),
            errors: fault.errors.clone(),
            attempts,
            received_at: now,
            headers: job.raw.headers.clone().into_iter().collect(),
            payload: job.raw.payload.clone(),
        })));
        let mut context = Context {
            actor: Actor::Service("matcher"),
            now,
            traceparent,
            ids: &mut ids,
        };
        unit.announce(
            &mut context,
            Event::DeadLettered {
                authority,
                event_id: event_id.clone(),
                source: source.clone(),
                event_type: job.event_type.clone(),
                subject,
                reason: fault.reason.clone(),
                attempts,
            },
        );
        if let About::Referral(referral_id) = job.about() {
            unit.announce(
                &mut context,
                Event::ReferralRejected {
                    authority,
                    referral_id,
                    event_id,
                    source,
                    code: fault.code,
                    reason: fault.reason,
                    errors: fault.errors,
                },
            );
            Handled::Rejected
        } else {
            Handled::DeadLetter
        }
    }

    /// Tells the broker what became of each message, and wakes those who wait for what was written.
    async fn settle(&mut self, lane: Lane, deliveries: Vec<Delivery>, handled: &[Handled]) {
        self.committed.notify_one();
        let now = self.clock.now();
        for (Delivery { message, job }, handled) in deliveries.into_iter().zip(handled) {
            self.metrics.processed(job.event_type.as_deref(), *handled);
            if *handled == Handled::Ok {
                self.metrics.committed(job.time, now);
            }
            message
                .settle(match handled {
                    Handled::Ok | Handled::Duplicate => Disposition::Done,
                    Handled::Rejected | Handled::DeadLetter => Disposition::Reject,
                    Handled::Retry => Disposition::Retry {
                        after: wait_after(message.delivered),
                    },
                })
                .await;
        }
        if lane == Lane::Supply {
            // What was committed is current in the index before the next event is ranked.
            if let Err(error) = self.index.catch_up(&self.store, &self.gazetteer).await {
                self.metrics.database_failed(&error);
            }
            self.behind = true;
        }
    }
}

fn wait_after(delivered: u64) -> Duration {
    let idx = usize::try_from(delivered.saturating_sub(1)).unwrap_or(usize::MAX);
    WAITS.get(idx).or(WAITS.last()).copied().unwrap_or_default()
}
