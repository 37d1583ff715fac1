//! Figures of the whole installation: what waits in the database and at the broker.

use oss_domain::{AuthorityCode, Clock, lifecycle::ReferralState, referral::Urgency};
use oss_messaging::{Connection, topology};
use oss_storage::{PgStore, StoreError};
use oss_telemetry::Metrics;
use prometheus::{IntGauge, IntGaugeVec};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How often they are looked up.
const EVERY: Duration = Duration::from_secs(2);

/// The gauges.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    outbox_pending: IntGauge,
    outbox_oldest: IntGauge,
    dead_letters: IntGauge,
    dead_letter_oldest: IntGauge,
    referrals: IntGaugeVec,
    unranked_oldest: IntGauge,
    consumer_pending: IntGauge,
    consumer_ack_pending: IntGauge,
    consumer_redelivered: IntGauge,
    supply_lag: IntGauge,
}

impl Figures {
    /// Registers the gauges.
    pub(crate) fn register(metrics: &Metrics) -> Result<Self, prometheus::Error> {
        let figures = Self {
            outbox_pending: metrics.gauge(
                "oss_outbox_pending",
                "Events that are committed and not published yet.",
            )?,
            outbox_oldest: metrics.gauge(
                "oss_outbox_oldest_unsent_age_seconds",
                "How long the oldest event has waited to be published.",
            )?,
            dead_letters: metrics.gauge(
                "oss_dead_letters_open",
                "Events that could not be handled and wait for a person.",
            )?,
            dead_letter_oldest: metrics.gauge(
                "oss_dead_letter_oldest_age_seconds",
                "How long the oldest of them has waited.",
            )?,
            referrals: metrics.gauges(
                "oss_referrals_open",
                "Referrals for which a home is looked for.",
                &["state", "urgency"],
            )?,
            unranked_oldest: metrics.gauge(
                "oss_referral_oldest_unranked_age_seconds",
                "How long the oldest referral has waited to be ranked.",
            )?,
            consumer_pending: metrics.gauge(
                "oss_consumer_pending",
                "Events at the broker that nobody has taken yet.",
            )?,
            consumer_ack_pending: metrics.gauge(
                "oss_consumer_ack_pending",
                "Events that were taken and not acknowledged yet.",
            )?,
            consumer_redelivered: metrics.gauge(
                "oss_consumer_redelivered",
                "Events that were delivered more than once.",
            )?,
            supply_lag: metrics.gauge(
                "oss_supply_stale_referrals",
                "Open referrals that have not been ranked over the current supply.",
            )?,
        };
        figures.clear_referrals();
        Ok(figures)
    }

    /// Every combination at zero: a queue that has become empty is not left stale.
    fn clear_referrals(&self) {
        for state in ReferralState::ALL.iter().filter(|state| state.is_open()) {
            for urgency in Urgency::ALL {
                self.referrals
                    .with_label_values(&[state.as_str(), urgency.as_str()])
                    .set(0);
            }
        }
    }

    /// Looks them up until `stop`.
    pub(crate) async fn keep_current(
        self,
        store: Arc<PgStore>,
        broker: Connection,
        authorities: Vec<AuthorityCode>,
        clock: Arc<dyn Clock>,
        stop: CancellationToken,
    ) -> Result<(), Infallible> {
        loop {
            if let Err(error) = self.look_up(&store, &authorities, &*clock).await {
                tracing::debug!(error = %oss_telemetry::ErrorChain(&error), "figures are not current");
            }
            if let Ok(facts) = broker
                .consumer_facts(topology::INBOUND, topology::MATCHER)
                .await
            {
                self.consumer_pending.set(whole(facts.pending));
                self.consumer_ack_pending.set(whole(facts.ack_pending));
                self.consumer_redelivered.set(whole(facts.redelivered));
            }
            if stop
                .run_until_cancelled(tokio::time::sleep(EVERY))
                .await
                .is_none()
            {
                return Ok(());
            }
        }
    }

    async fn look_up(
        &self,
        store: &PgStore,
        authorities: &[AuthorityCode],
        clock: &dyn Clock,
    ) -> Result<(), StoreError> {
        let outbox = store.outbox_backlog().await?;
        let letters = store.open_dead_letters().await?;
        let referrals = store.open_referrals().await?;
        let mut n_stale = 0;
        for (authority, version) in store.supply_versions().await? {
            if authorities.contains(&authority) {
                n_stale += store.count_stale(authority, version).await?;
            }
        }
        let now = clock.now();
        let age = |since: Option<chrono::DateTime<chrono::Utc>>| {
            since.map_or(0, |since| (now - since).num_seconds().max(0))
        };
        self.outbox_pending.set(whole(outbox.count));
        self.outbox_oldest.set(age(outbox.oldest));
        self.dead_letters.set(whole(letters.count));
        self.dead_letter_oldest.set(age(letters.oldest));
        self.clear_referrals();
        let mut unranked = None;
        for open in referrals {
            self.referrals
                .with_label_values(&[open.state.as_str(), open.urgency.as_str()])
                .set(whole(open.count));
            if open.state == ReferralState::Received {
                unranked = Some(
                    unranked.map_or(open.oldest, |it: chrono::DateTime<_>| it.min(open.oldest)),
                );
            }
        }
        self.unranked_oldest.set(age(unranked));
        self.supply_lag.set(whole(n_stale));
        Ok(())
    }
}

fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
