//! What the desk counts.

use oss_telemetry::metrics::{
    Error, HistogramVec, IntCounterVec, IntGauge, Metrics as Registry, REQUEST_SECONDS,
};
use std::time::Duration;

/// The desk's metrics.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    duration: HistogramVec,
    /// Requests being answered now.
    pub(crate) in_flight: IntGauge,
    authn: IntCounterVec,
    denied: IntCounterVec,
}

impl Metrics {
    /// Makes the metrics and registers them.
    ///
    /// # Errors
    ///
    /// Fails where one of the names is taken.
    pub(crate) fn register(registry: &Registry) -> Result<Self, Error> {
        let metrics = Self {
            duration: registry.histograms(
                "oss_http_request_duration_seconds",
                "How long answers to HTTP requests took, by the route's template.",
                REQUEST_SECONDS,
                &["route", "method", "status_class"],
            )?,
            in_flight: registry.gauge(
                "oss_http_requests_in_flight",
                "How many HTTP requests are being answered.",
            )?,
            authn: registry.counters(
                "oss_authn_total",
                "Authentications of HTTP requests, by outcome.",
                &["outcome"],
            )?,
            denied: registry.counters(
                "oss_authz_denied_total",
                "Acts that somebody known was not allowed.",
                &["action"],
            )?,
        };
        for outcome in ["ok", "missing", "unknown"] {
            metrics.authn.with_label_values(&[outcome]);
        }
        Ok(metrics)
    }

    /// A request was answered.
    pub(crate) fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        let class = match status {
            ..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        self.duration
            .with_label_values(&[route, method, class])
            .observe(took.as_secs_f64());
    }

    /// Somebody was, or was not, who they said.
    pub(crate) fn authenticated(&self, outcome: &'static str) {
        self.authn.with_label_values(&[outcome]).inc();
    }

    /// Somebody known may not do `action`.
    pub(crate) fn denied(&self, action: &'static str) {
        self.denied.with_label_values(&[action]).inc();
    }
}
