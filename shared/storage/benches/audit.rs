//! `cargo bench -p oss-storage --bench audit`: audited changes a second, and lines verified a second.
//!
//! PostgreSQL syncs every commit. A change is a revision of a referral: its row, its document, its
//! line in the audit and its events, in one transaction.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement prints what it found, and stops at a fault"
)]

#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../tests/store/support.rs"]
mod support;

use oss_storage::{PgStore, audit::CheckpointKey};
use oss_testkit::postgres::synced;
use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use support::{Database, clock, derby, key, receive, run, want_referral};

/// Who change something at the same time.
const CLIENTS: usize = 16;
/// Changes of each.
const CHANGES: u64 = 200;
/// Lines of the audit that are verified: chains, and lines that are added to each.
const CHAINS: usize = 5_000;
const LINES: usize = 200;

#[tokio::main]
async fn main() {
    let dir = PathBuf::from(format!("/tmp/oss-bench-audit-{}", std::process::id()));
    let server = synced(&dir).await;
    let database = Database::at(server.socket_url("oss").expose().clone()).await;
    let mut options = database.options(&[derby()]);
    options.max_connections = u32::try_from(CLIENTS).unwrap();
    options.statement_timeout = Duration::from_mins(1);
    let store = Arc::new(PgStore::connect(&options, key()).unwrap());
    changes(&store).await;
    verification(&store).await;
    server.stop().await;
    fs::remove_dir_all(dir).unwrap();
}

async fn changes(store: &Arc<PgStore>) {
    let since = Instant::now();
    let clients = (0..CLIENTS).map(|client| {
        let store = store.clone();
        tokio::spawn(async move {
            for revision in 1..=CHANGES {
                receive(&store, derby(), &format!("C{client}"), revision).await;
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let n = CLIENTS * usize::try_from(CHANGES).unwrap();
    println!(
        "{} audited changes/s ({n} by {CLIENTS} clients)",
        per_second(n, since)
    );
}

async fn verification(store: &PgStore) {
    for chain in 0..CHAINS {
        let id = format!("V{chain}");
        receive(store, derby(), &id, 1).await;
        let wanted = want_referral(derby(), &id);
        let recorded = run(store, &wanted, |unit, context| {
            let key = unit.referrals.values().next().unwrap().key;
            for line in 0..LINES {
                unit.record(context, derby(), Some(key), "options.read", line, None);
            }
        });
        recorded.await.unwrap();
    }
    let (before, since) = (resident(), Instant::now());
    let walk = store.walk_audit().await.unwrap();
    assert_eq!(walk.found, []);
    let n = usize::try_from(walk.lines).unwrap();
    println!(
        "{} lines verified/s ({n} in {:.1?}; {} KiB more memory)",
        per_second(n, since),
        since.elapsed(),
        resident().saturating_sub(before),
    );
    let signer = CheckpointKey::new(&[7; 32]);
    let since = Instant::now();
    let now = oss_domain::Clock::now(&clock());
    store.make_checkpoint(derby(), &signer, now).await.unwrap();
    println!(
        "a checkpoint of {CHAINS} chains made in {:.0?}",
        since.elapsed()
    );
    let since = Instant::now();
    let found = store.check_checkpoints(&[signer.public()], &[]).await;
    assert_eq!(found.unwrap(), []);
    println!("and checked in {:.0?}", since.elapsed());
}

fn per_second(n: usize, since: Instant) -> u128 {
    u128::try_from(n).unwrap() * 1_000_000 / since.elapsed().as_micros()
}

/// The most memory that this process has had, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}
