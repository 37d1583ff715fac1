//! Metrics, in Prometheus's text format.

use crate::process::ProcessCollector;
use chrono::{DateTime, Utc};
use prometheus::{
    Encoder, HistogramOpts, Opts, Registry, TextEncoder,
    core::{Collector, Desc},
    proto::MetricFamily,
};

pub use prometheus::{
    Error, Gauge, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
};

/// Buckets for what people wait for, in seconds; .15 and .4 are the service levels' edges.
pub const REQUEST_SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 0.5, 1.0, 2.5, 5.0,
];

/// Buckets for work inside the process, in seconds.
pub const WORK_SECONDS: &[f64] = &[
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
];

/// The metrics of a process. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A counter, whose name ends in `_total`.
    ///
    /// # Errors
    ///
    /// Returns an error where the name is malformed or taken, as all of these do.
    pub fn counter(&self, name: &str, help: &str) -> Result<IntCounter, Error> {
        self.add(IntCounter::with_opts(total(name, help)?)?)
    }

    /// A counter for each value of the labels. Pre-create the known values, so that a rate over
    /// them exists from the start.
    ///
    /// # Errors
    ///
    /// See [`Self::counter`].
    pub fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, Error> {
        self.add(IntCounterVec::new(total(name, help)?, labels)?)
    }

    /// A gauge.
    ///
    /// # Errors
    ///
    /// See [`Self::counter`].
    pub fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, Error> {
        self.add(IntGauge::with_opts(options(name, help)?)?)
    }

    /// A gauge of seconds, which need not be whole.
    ///
    /// # Errors
    ///
    /// See [`Self::counter`].
    pub fn seconds(&self, name: &str, help: &str) -> Result<Gauge, Error> {
        self.add(Gauge::with_opts(options(name, help)?)?)
    }

    /// A gauge for each value of the labels.
    ///
    /// # Errors
    ///
    /// See [`Self::counter`].
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, Error> {
        self.add(IntGaugeVec::new(options(name, help)?, labels)?)
    }

    /// A histogram.
    ///
    /// # Errors
    ///
    /// See [`Self::counter`].
    pub fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, Error> {
        self.add(Histogram::with_opts(histogram(name, help, buckets)?)?)
    }

    /// A histogram for each value of the labels.
    ///
    /// # Errors
    ///
    /// See [`Self::counter`].
    pub fn histograms(
        &self,
        name: &str,
        help: &str,
        buckets: &[f64],
        labels: &[&str],
    ) -> Result<HistogramVec, Error> {
        self.add(HistogramVec::new(histogram(name, help, buckets)?, labels)?)
    }

    /// What is the same for every process: the build, and what the system says of the process.
    ///
    /// # Errors
    ///
    /// See [`Self::counter`].
    pub fn describe_process(
        &self,
        version: &str,
        commit: &str,
        rustc: &str,
        started_at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let labels = ["version", "commit", "rustc"];
        let help = "What is running; always 1.";
        self.gauges("oss_build_info", help, &labels)?
            .with_label_values(&[version, commit, rustc])
            .set(1);
        self.registry
            .register(Box::new(ProcessCollector::new(started_at)?))
    }

    /// Everything, in the text format (`text/plain; version=0.0.4`).
    ///
    /// # Errors
    ///
    /// Returns an error where a metric has no sample of its type, which is a bug.
    pub fn render(&self) -> Result<String, Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| Error::Msg(error.to_string()))
    }

    fn add<C: Collector + Clone + 'static>(&self, collector: C) -> Result<C, Error> {
        self.registry.register(Box::new(collector.clone()))?;
        Ok(collector)
    }
}

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

fn options(name: &str, help: &str) -> Result<Opts, Error> {
    if !name.starts_with("oss_") {
        return Err(Error::Msg(format!(
            "the metric {name} does not begin with oss_"
        )));
    }
    if help.is_empty() {
        return Err(Error::Msg(format!("the metric {name} has no help text")));
    }
    Ok(Opts::new(name, help))
}

fn total(name: &str, help: &str) -> Result<Opts, Error> {
    if !name.ends_with("_total") {
        return Err(Error::Msg(format!(
            "the counter {name} does not end in _total"
        )));
    }
    options(name, help)
}

fn histogram(name: &str, help: &str, buckets: &[f64]) -> Result<HistogramOpts, Error> {
    Ok(HistogramOpts::from(options(name, help)?).buckets(buckets.to_vec()))
}

/// Collects metrics whose values are looked up when they are asked for.
pub(crate) fn collect(all: &[&dyn Collector]) -> Vec<MetricFamily> {
    all.iter().flat_map(|one| one.collect()).collect()
}

/// Their descriptions.
pub(crate) fn describe<'a>(all: &[&'a dyn Collector]) -> Vec<&'a Desc> {
    all.iter().flat_map(|one| one.desc()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_shown_with_their_help() {
        let metrics = Metrics::new();
        let events = metrics
            .counters(
                "oss_events_received_total",
                "Events taken from the stream.",
                &["type"],
            )
            .unwrap();
        events.with_label_values(&["referral.submitted"]).inc();
        metrics
            .gauge("oss_outbox_pending", "Events waiting to be published.")
            .unwrap()
            .set(3);
        metrics
            .histogram("oss_match_duration_seconds", "Time to rank.", WORK_SECONDS)
            .unwrap()
            .observe(0.002);
        let text = metrics.render().unwrap();
        for line in [
            "# HELP oss_events_received_total Events taken from the stream.",
            "# TYPE oss_events_received_total counter",
            r#"oss_events_received_total{type="referral.submitted"} 1"#,
            "oss_outbox_pending 3",
            r#"oss_match_duration_seconds_bucket{le="0.0025"} 1"#,
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn names_are_ours_and_unique_and_explained() {
        let metrics = Metrics::new();
        assert!(metrics.counter("events_total", "Events.").is_err());
        assert!(metrics.counter("oss_events", "Events.").is_err());
        assert!(metrics.counter("oss_events_total", "").is_err());
        assert!(metrics.counter("oss_events_total", "Events.").is_ok());
        assert!(metrics.counter("oss_events_total", "Events.").is_err());
    }

    #[test]
    fn the_process_is_described() {
        let metrics = Metrics::new();
        let started_at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        metrics
            .describe_process("1.0.0", "abc", "1.95.0", started_at)
            .unwrap();
        let text = metrics.render().unwrap();
        let value = |name: &str| -> f64 {
            let line = text
                .lines()
                .find(|line| line.starts_with(&format!("{name} ")));
            line.unwrap_or_else(|| panic!("{name} in\n{text}"))
                .rsplit_once(' ')
                .unwrap()
                .1
                .parse()
                .unwrap()
        };
        assert!((value("process_start_time_seconds") - 1.7e9).abs() < 0.5);
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_max_fds") >= value("process_open_fds"));
        assert!(value("process_cpu_seconds_total") >= 0.0);
        assert!(value("process_threads") >= 1.0);
        assert!(text.contains(r#"oss_build_info{commit="abc",rustc="1.95.0",version="1.0.0"} 1"#));
    }
}
