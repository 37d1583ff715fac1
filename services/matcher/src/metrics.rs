//! What the role counts. Labels come from closed sets, never from an event's own words.

use chrono::{DateTime, Utc};
use oss_contract::fact::FactKind;
use oss_storage::StoreError;
use oss_telemetry::metrics::WORK_SECONDS;
use oss_workflow::{deadline::DeadlineKind, ranking::Reranked};
use prometheus::{Gauge, Histogram, IntCounter, IntCounterVec, IntGauge};
use std::time::{Duration, Instant};

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handled {
    /// It was carried out.
    Ok,
    /// It was seen before.
    Duplicate,
    /// A referral event was refused for good, and its sender told.
    Rejected,
    /// It was refused or parked, and kept.
    DeadLetter,
    /// It is tried again.
    Retry,
}

impl Handled {
    const ALL: [Self; 5] = [
        Self::Ok,
        Self::Duplicate,
        Self::Rejected,
        Self::DeadLetter,
        Self::Retry,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Duplicate => "duplicate",
            Self::Rejected => "rejected",
            Self::DeadLetter => "dead_letter",
            Self::Retry => "retry",
        }
    }
}

/// What a sweep repaired.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Repair {
    /// A setting in the index was not as the database has it.
    Setting,
    /// An open referral was behind the supply, and nobody was about to rank it.
    Referral,
}

impl Repair {
    const ALL: [Self; 2] = [Self::Setting, Self::Referral];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Setting => "setting",
            Self::Referral => "referral",
        }
    }
}

/// The types that are told apart; any other is `other`.
const OTHER: &str = "other";

/// The role's metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    received: IntCounterVec,
    processed: IntCounterVec,
    batch_seconds: Histogram,
    match_seconds: Histogram,
    candidates: Histogram,
    no_candidate: IntCounter,
    runs: IntCounterVec,
    database_errors: IntCounterVec,
    repairs: IntCounterVec,
    findings: IntCounter,
    deadlines: IntCounterVec,
    settings: IntGauge,
    supply_lag: Gauge,
    end_to_end: Histogram,
    last_delivery: IntGauge,
}

impl Metrics {
    /// Registers the metrics, with every label value there can be at zero.
    ///
    /// # Errors
    ///
    /// Fails where a metric of that name is registered already.
    pub fn register(metrics: &oss_telemetry::Metrics) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            received: metrics.counters(
                "oss_events_received_total",
                "Events taken from the broker, by type.",
                &["type"],
            )?,
            processed: metrics.counters(
                "oss_events_processed_total",
                "Events handled, by type and by what became of them.",
                &["type", "outcome"],
            )?,
            batch_seconds: metrics.histogram(
                "oss_event_processing_duration_seconds",
                "How long a batch of events took, from receipt to acknowledgement.",
                WORK_SECONDS,
            )?,
            match_seconds: metrics.histogram(
                "oss_match_duration_seconds",
                "How long ranking one referral over the whole supply took.",
                &[
                    0.00001, 0.000_025, 0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.005, 0.05,
                ],
            )?,
            candidates: metrics.histogram(
                "oss_match_candidates",
                "How many settings a referral was ranked over.",
                &[10.0, 100.0, 500.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0],
            )?,
            no_candidate: metrics.counter(
                "oss_match_no_candidate_total",
                "Runs that left a referral without any offer.",
            )?,
            runs: metrics.counters(
                "oss_match_runs_total",
                "Referrals ranked, by whether the outcome was new.",
                &["outcome"],
            )?,
            database_errors: metrics.counters(
                "oss_db_errors_total",
                "Failures of the database, by class.",
                &["class"],
            )?,
            repairs: metrics.counters(
                "oss_sweep_repairs_total",
                "What a sweep found missed and repaired: should stay 0.",
                &["kind"],
            )?,
            findings: metrics.counter(
                "oss_check_findings_total",
                "Plans that the independent check refused: a bug, should stay 0.",
            )?,
            deadlines: metrics.counters(
                "oss_deadlines_total",
                "Deadlines acted on, by kind.",
                &["kind"],
            )?,
            settings: metrics.gauge("oss_supply_settings", "Settings in the index.")?,
            supply_lag: metrics.seconds(
                "oss_supply_lag_seconds",
                "How long ago the index was last known to be as the database is.",
            )?,
            end_to_end: metrics.histogram(
                "oss_event_end_to_end_seconds",
                "From the time an event states to the commit of what it led to.",
                &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0],
            )?,
            last_delivery: metrics.gauge(
                "oss_consumer_last_delivery_timestamp_seconds",
                "When the broker last delivered anything.",
            )?,
        };
        metrics.start_at_zero();
        Ok(metrics)
    }

    fn start_at_zero(&self) {
        let types = FactKind::ALL
            .iter()
            .map(|kind| kind.as_str())
            .chain([OTHER]);
        for event_type in types {
            self.received.with_label_values(&[event_type]);
            for handled in Handled::ALL {
                self.processed
                    .with_label_values(&[event_type, handled.as_str()]);
            }
        }
        for outcome in ["changed", "same"] {
            self.runs.with_label_values(&[outcome]);
        }
        for class in ["unavailable", "clash", "broken"] {
            self.database_errors.with_label_values(&[class]);
        }
        for kind in DeadlineKind::ALL {
            self.deadlines.with_label_values(&[kind.as_str()]);
        }
        for repair in Repair::ALL {
            self.repairs.with_label_values(&[repair.as_str()]);
        }
    }

    pub(crate) fn received(&self, event_type: Option<&str>) {
        self.received.with_label_values(&[label(event_type)]).inc();
    }

    pub(crate) fn processed(&self, event_type: Option<&str>, handled: Handled) {
        self.processed
            .with_label_values(&[label(event_type), handled.as_str()])
            .inc();
    }

    pub(crate) fn delivered_at(&self, unix_seconds: i64) {
        self.last_delivery.set(unix_seconds);
    }

    /// Notes how long an event took that says when it happened; a producer's clock may be ahead.
    pub(crate) fn committed(&self, stated: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        if let Some(stated) = stated {
            self.end_to_end
                .observe((now - stated).as_seconds_f64().max(0.0));
        }
    }

    /// Notes how long ago the index was last known to be current.
    pub(crate) fn supply_was_current(&self, ago: Duration) {
        self.supply_lag.set(ago.as_secs_f64());
    }

    pub(crate) fn batch_took(&self, since: Instant) {
        self.batch_seconds.observe(since.elapsed().as_secs_f64());
    }

    /// Runs `rank` and notes how long it took over how many settings.
    pub(crate) fn time_ranking<T>(&self, n_settings: usize, rank: impl FnOnce() -> T) -> T {
        let since = Instant::now();
        let result = rank();
        self.match_seconds.observe(since.elapsed().as_secs_f64());
        self.candidates
            .observe(u32::try_from(n_settings).unwrap_or(u32::MAX).into());
        result
    }

    pub(crate) fn ranked(&self, reranked: Reranked) {
        match reranked {
            Reranked::Changed { n_offers } => {
                self.runs.with_label_values(&["changed"]).inc();
                if n_offers == 0 {
                    self.no_candidate.inc();
                }
            }
            Reranked::Same => self.runs.with_label_values(&["same"]).inc(),
            Reranked::NotOpen => {}
        }
    }

    pub(crate) fn database_failed(&self, error: &StoreError) {
        let class = match error {
            StoreError::Unavailable(_) => "unavailable",
            StoreError::Clash(_) => "clash",
            StoreError::Broken(_) => "broken",
        };
        self.database_errors.with_label_values(&[class]).inc();
    }

    pub(crate) fn repaired(&self, repair: Repair, n: usize) {
        let n = u64::try_from(n).unwrap_or(u64::MAX);
        self.repairs.with_label_values(&[repair.as_str()]).inc_by(n);
    }

    /// Notes that a deadline was acted on, where it still was one.
    pub(crate) fn acted_on(&self, kind: DeadlineKind, done: bool) {
        let n = u64::from(done);
        self.deadlines.with_label_values(&[kind.as_str()]).inc_by(n);
    }

    pub(crate) fn found_fault(&self) {
        self.findings.inc();
    }

    pub(crate) fn holds_settings(&self, n: usize) {
        self.settings.set(i64::try_from(n).unwrap_or(i64::MAX));
    }
}

fn label(event_type: Option<&str>) -> &'static str {
    event_type
        .and_then(|it| it.strip_prefix("uk.oss.")?.strip_suffix(".v1"))
        .and_then(FactKind::of)
        .map_or(OTHER, |kind| kind.as_str())
}
