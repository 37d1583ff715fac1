//! What the system says of this process, under the names that every Prometheus client uses.
//!
//! Read from `/proc`; where there is none (macOS) the values stay at nought.

use crate::metrics::{Error, IntGauge, collect, describe};
use chrono::{DateTime, Utc};
use prometheus::{
    Counter,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use std::fs;

/// The unit of times in `/proc/self/stat`: Linux shows them to programs in hundredths of a second
/// on every architecture that we run on, whatever the kernel counts in.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Debug)]
pub(crate) struct ProcessCollector {
    start_time: IntGauge,
    resident_memory: IntGauge,
    open_fds: IntGauge,
    max_fds: IntGauge,
    threads: IntGauge,
    cpu: Counter,
}

impl ProcessCollector {
    pub(crate) fn new(started_at: DateTime<Utc>) -> Result<Self, Error> {
        let gauge = |name: &str, help: &str| IntGauge::new(name, help);
        let collector = Self {
            start_time: gauge(
                "process_start_time_seconds",
                "When the process started, in Unix time.",
            )?,
            resident_memory: gauge("process_resident_memory_bytes", "Memory in use.")?,
            open_fds: gauge("process_open_fds", "Open file descriptors.")?,
            max_fds: gauge(
                "process_max_fds",
                "The most file descriptors that may be open.",
            )?,
            threads: gauge("process_threads", "Threads.")?,
            cpu: Counter::new("process_cpu_seconds_total", "Processor time used.")?,
        };
        collector.start_time.set(started_at.timestamp());
        Ok(collector)
    }

    fn all(&self) -> [&dyn Collector; 6] {
        let Self {
            start_time,
            resident_memory,
            open_fds,
            max_fds,
            threads,
            cpu,
        } = self;
        [start_time, resident_memory, open_fds, max_fds, threads, cpu]
    }

    fn look(&self) {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(kibibytes) = number_after(&status, "VmRSS:") {
            self.resident_memory.set(kibibytes.saturating_mul(1024));
        }
        if let Some(threads) = number_after(&status, "Threads:") {
            self.threads.set(threads);
        }
        if let Ok(fds) = fs::read_dir("/proc/self/fd") {
            self.open_fds
                .set(i64::try_from(fds.count()).unwrap_or(i64::MAX));
        }
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        if let Some(most) = number_after(&limits, "Max open files") {
            self.max_fds.set(most);
        }
        if let Some(seconds) = cpu_seconds() {
            let more = seconds - self.cpu.get();
            if more > 0.0 {
                self.cpu.inc_by(more);
            }
        }
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        describe(&self.all())
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.look();
        collect(&self.all())
    }
}

/// The first number on the line that begins with `name`.
fn number_after(text: &str, name: &str) -> Option<i64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// User and system time: fields 14 and 15 (proc_pid_stat(5)); the name before may hold anything.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields = stat.rsplit_once(')')?.1.split_whitespace();
    let ticks: Vec<f64> = fields
        .skip(11)
        .take(2)
        .map_while(|field| field.parse().ok())
        .collect();
    Some(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}
