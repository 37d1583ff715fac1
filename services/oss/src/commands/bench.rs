//! `oss bench`: ranking alone, and the whole path against a floor that decides nothing.
//!
//! Everything runs on this one machine: PostgreSQL and NATS of its own, the matcher and the relay as
//! one process runs them, and the clients that publish and listen.

mod clients;
mod floor;
mod ranking;
mod servers;

use crate::{cli, output};
use anyhow::Context;
use clients::{Clients, Event, Published, events};
use floor::{Pipeline, Way};
use oss_domain::Referral;
use oss_storage::floor::Rows;
use serde::Serialize;
use servers::{Servers, stop_roles};
use std::{
    collections::HashMap,
    fs,
    process::ExitCode,
    time::{Duration, Instant},
};

/// The same settings and referrals every time.
const SEED: u64 = 2026;

/// Referrals that warm everything up and are not measured.
const WARM_UP: usize = 200;

/// Referrals that ranking alone is measured with.
const RANKED: usize = 100;

/// As many in flight as made the floor fastest when it handles events one by one.
const ONE_BY_ONE: Way = Way {
    n_workers: 32,
    batch: 1,
};

/// The same for batches of what is there.
const MICRO_BATCHES: Way = Way {
    n_workers: 4,
    batch: 32,
};

/// What was measured.
#[derive(Debug, Serialize)]
struct Report {
    machine: Machine,
    settings: u32,
    /// Whether NATS synced each message to the disk.
    synced: bool,
    ranking: Ranking,
    open_loop: Vec<OpenLoop>,
    /// Referrals a second, of a backlog.
    sustained_per_second: f64,
    floor: FloorFigures,
    /// The whole process, with the clients, after the open loops.
    resident_mib: Option<u64>,
    /// The same before the roles were started.
    clients_mib: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Machine {
    cores: usize,
    /// The system's load, of the last minute, when it started.
    load_at_start: Option<f64>,
    optimised: bool,
}

#[derive(Debug, Serialize)]
struct Ranking {
    median_ns_per_setting: f64,
    p99_ns_per_setting: f64,
}

/// Milliseconds from a referral's publication until its outcome is heard.
#[derive(Debug, Serialize)]
struct OpenLoop {
    rate: u32,
    referrals: usize,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    /// How late the publishing itself was: above a few milliseconds the machine was too busy.
    publisher_late_p99_ms: f64,
}

#[derive(Debug, Serialize)]
struct FloorFigures {
    /// What it wrote for each event.
    rows: usize,
    bytes: usize,
    events: usize,
    /// In micro-batches.
    open_loop: Vec<OpenLoop>,
    one_by_one_per_second: f64,
    micro_batches_per_second: f64,
    /// What is sustained, as a share of the floor's.
    share_of_one_by_one: f64,
    share_of_micro_batches: f64,
}

pub(crate) async fn run(args: &cli::Bench, common: &cli::Common) -> anyhow::Result<ExitCode> {
    oss_telemetry::logging::init(oss_telemetry::LogFormat::Auto, "error")?;
    let machine = Machine {
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        load_at_start: load(),
        optimised: !cfg!(debug_assertions),
    };
    if !machine.optimised {
        output::progress("this is a debug build: its figures say nothing about the product");
    }
    let dir = tempfile::Builder::new().prefix("oss-bench-").tempdir()?;
    let servers = Servers::start(dir.path(), common, args.lazy_sync).await?;
    let report = tokio::select! {
        report = measure(args, machine, &servers) => report,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    servers.stop().await;
    let report = report?;
    if common.json {
        output::json(&report)?;
    } else {
        print(&report)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(args: &cli::Bench, machine: Machine, servers: &Servers) -> anyhow::Result<Report> {
    let n_settings = usize::try_from(args.settings)?;
    let backlog = usize::try_from(args.backlog)?;
    let mut referrals = oss_sample::stream(SEED);
    servers.load_settings(n_settings).await?;
    let mut clients = Clients::connect(servers).await?;

    let clients_mib = resident_mib();
    output::progress("starting the matcher and the relay");
    let roles = servers.start_roles().await?;
    let warm_up = events(&mut referrals, WARM_UP)?;
    clients.preload(&warm_up).await?;
    clients.first_heard(&warm_up).await?;
    let mut open_loop = Vec::new();
    for rate in &args.rate {
        output::progress(format_args!(
            "open loop: {rate} referrals a second for {} s",
            args.seconds
        ));
        let events = at_rate(&mut referrals, *rate, args.seconds)?;
        let publishing = clients.publish_at(events.clone(), *rate)?;
        let heard = clients.first_heard(&events).await?;
        open_loop.push(OpenLoop::of(*rate, &publishing.await??, &heard)?);
    }
    let resident_mib = resident_mib();
    stop_roles(roles).await?;

    output::progress(format_args!("sustained: {backlog} referrals wait"));
    let waiting = events(&mut referrals, backlog)?;
    clients.preload(&waiting).await?;
    let roles = servers.start_roles().await?;
    let sustained = per_second(clients.first_heard(&waiting).await?.into_values())?;
    stop_roles(roles).await?;

    let rows = Rows::typical(servers.owner_url().expose()).await?;
    let mut floors = Vec::new();
    for (name, way) in [("one by one", ONE_BY_ONE), ("micro-batches", MICRO_BATCHES)] {
        output::progress(format_args!("floor, {name}: {backlog} referrals wait"));
        let waiting = events(&mut referrals, backlog)?;
        clients.preload(&waiting).await?;
        let mut floor = Pipeline::start(servers, rows.clone(), way).await?;
        let heard = through(&mut floor, &mut clients, &waiting).await?;
        floors.push(per_second(heard.into_values())?);
        floor.finish().await?;
    }
    let mut floor_open_loop = Vec::new();
    for rate in &args.rate {
        output::progress(format_args!(
            "floor, open loop: {rate} referrals a second for {} s",
            args.seconds
        ));
        let mut floor = Pipeline::start(servers, rows.clone(), MICRO_BATCHES).await?;
        let warm_up = events(&mut referrals, WARM_UP)?;
        clients.preload(&warm_up).await?;
        through(&mut floor, &mut clients, &warm_up).await?;
        let events = at_rate(&mut referrals, *rate, args.seconds)?;
        let publishing = clients.publish_at(events.clone(), *rate)?;
        let heard = through(&mut floor, &mut clients, &events).await?;
        floor_open_loop.push(OpenLoop::of(*rate, &publishing.await??, &heard)?);
        floor.finish().await?;
    }
    let &[one_by_one, micro_batches] = floors.as_slice() else {
        anyhow::bail!("the floor was not measured");
    };

    output::progress("ranking alone");
    let settings = oss_sample::scaled(SEED, n_settings);
    let passes = ranking::passes(settings, referrals.take(RANKED))?;
    let per_setting =
        |p| Some(quantile(&passes, p)?.as_secs_f64() * 1e9 / f64::from(args.settings));
    Ok(Report {
        machine,
        settings: args.settings,
        synced: !args.lazy_sync,
        ranking: Ranking {
            median_ns_per_setting: per_setting(0.5).context("nothing was ranked")?,
            p99_ns_per_setting: per_setting(0.99).context("nothing was ranked")?,
        },
        open_loop,
        sustained_per_second: sustained,
        floor: FloorFigures {
            rows: rows.count(),
            bytes: rows.bytes(),
            events: rows.events.len(),
            open_loop: floor_open_loop,
            one_by_one_per_second: one_by_one,
            micro_batches_per_second: micro_batches,
            share_of_one_by_one: sustained / one_by_one,
            share_of_micro_batches: sustained / micro_batches,
        },
        resident_mib,
        clients_mib,
    })
}

/// When the floor's outcome of each was heard.
async fn through(
    floor: &mut Pipeline,
    clients: &mut Clients,
    events: &[Event],
) -> anyhow::Result<HashMap<String, Instant>> {
    let taking = floor.take(events.len());
    // Listening ends where nothing comes, whatever the floor waits for.
    let ((), heard) = tokio::try_join!(taking, clients.first_heard(events))?;
    Ok(heard)
}

fn at_rate(
    referrals: &mut impl Iterator<Item = Referral>,
    rate: u32,
    seconds: u32,
) -> anyhow::Result<Vec<Event>> {
    events(referrals, usize::try_from(rate.saturating_mul(seconds))?)
}

impl OpenLoop {
    /// Of what was published at `rate` a second and was `done` then.
    fn of(
        rate: u32,
        published: &Published,
        done: &HashMap<String, Instant>,
    ) -> anyhow::Result<Self> {
        let done = |id: &String| done.get(id).context("a referral was lost");
        let latencies = published
            .at
            .iter()
            .map(|(id, at)| Ok(done(id)?.saturating_duration_since(*at)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let at = |times: &[Duration], p| {
            quantile(times, p)
                .map(|it| it.as_secs_f64() * 1e3)
                .context("nothing was measured")
        };
        Ok(Self {
            rate,
            referrals: latencies.len(),
            p50_ms: at(&latencies, 0.5)?,
            p99_ms: at(&latencies, 0.99)?,
            max_ms: at(&latencies, 1.0)?,
            publisher_late_p99_ms: at(&published.late, 0.99)?,
        })
    }

    fn row(&self, what: &str) -> Vec<String> {
        vec![
            format!("{what}, {}/s: p50, p99, max", self.rate),
            format!(
                "{:.1} ms, {:.1} ms, {:.1} ms (publisher late p99 {:.1} ms)",
                self.p50_ms, self.p99_ms, self.max_ms, self.publisher_late_p99_ms
            ),
        ]
    }
}

/// The rate over the last nine tenths: the first are spent on starting.
fn per_second(done: impl IntoIterator<Item = Instant>) -> anyhow::Result<f64> {
    let mut done: Vec<_> = done.into_iter().collect();
    done.sort_unstable();
    let from = done.len() / 10;
    let (Some(first), Some(last)) = (done.get(from), done.last()) else {
        anyhow::bail!("nothing was done");
    };
    let n = u32::try_from(done.len() - 1 - from)?;
    Ok(f64::from(n) / last.duration_since(*first).as_secs_f64())
}

/// The value that a share `p` of all do not exceed (nearest rank).
fn quantile(values: &[Duration], p: f64) -> Option<Duration> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let n = u32::try_from(sorted.len()).ok()?;
    let rank = (0..n).find(|idx| f64::from(idx + 1) >= p * f64::from(n))?;
    sorted.get(usize::try_from(rank).ok()?).copied()
}

/// The load of the last minute, where the system tells.
fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// The memory of this process, where the system tells.
fn resident_mib() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024)
}

fn print(report: &Report) -> anyhow::Result<()> {
    let Report {
        machine,
        ranking,
        floor,
        ..
    } = report;
    let row = |what: &str, value: String| vec![what.to_owned(), value];
    let mut rows = vec![row(
        "ranking alone, a setting: median, p99",
        format!(
            "{:.0} ns, {:.0} ns",
            ranking.median_ns_per_setting, ranking.p99_ns_per_setting
        ),
    )];
    let open_loop = report.open_loop.iter();
    rows.extend(open_loop.map(|it| it.row("event in to offers")));
    let open_loop = floor.open_loop.iter();
    rows.extend(open_loop.map(|it| it.row("floor, event in to events out")));
    rows.extend([
        row(
            "sustained",
            format!("{:.0} referrals/s", report.sustained_per_second),
        ),
        row(
            "floor, one by one",
            format!(
                "{:.0}/s; sustained is {:.0} % of it",
                floor.one_by_one_per_second,
                floor.share_of_one_by_one * 100.0
            ),
        ),
        row(
            "floor, micro-batches",
            format!(
                "{:.0}/s; sustained is {:.0} % of it",
                floor.micro_batches_per_second,
                floor.share_of_micro_batches * 100.0
            ),
        ),
        row(
            "the floor's work for each",
            format!(
                "{} rows of {} bytes together, {} events",
                floor.rows, floor.bytes, floor.events
            ),
        ),
    ]);
    if let (Some(mib), Some(clients)) = (report.resident_mib, report.clients_mib) {
        rows.push(row(
            "memory of this process, and before the roles started",
            format!("{mib} MiB, {clients} MiB"),
        ));
    }
    output::line(format_args!(
        "{} settings; servers, roles and clients on one machine of {} cores, load {} at start; {} NATS {}",
        report.settings,
        machine.cores,
        machine
            .load_at_start
            .map_or_else(|| "unknown".to_owned(), |load| load.to_string()),
        if machine.optimised {
            "PostgreSQL syncs each commit,"
        } else {
            "DEBUG BUILD; PostgreSQL syncs each commit,"
        },
        if report.synced {
            "each message"
        } else {
            "every two minutes"
        },
    ))?;
    output::table(&["measured", "result"], &rows)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let values: Vec<_> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(quantile(&values, 0.5), Some(Duration::from_millis(50)));
        assert_eq!(quantile(&values, 0.99), Some(Duration::from_millis(99)));
        assert_eq!(quantile(&values, 1.0), Some(Duration::from_millis(100)));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn the_rate_leaves_the_start_out() {
        let start = Instant::now();
        // A second for the first tenth, then one each hundredth of a second.
        let done = (0..10)
            .map(|_| start)
            .chain((0..90).map(|n| start + Duration::from_secs(1) + Duration::from_millis(10) * n));
        assert!((per_second(done).unwrap() - 100.0).abs() < 1e-6);
    }
}
