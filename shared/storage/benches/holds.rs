//! `cargo bench -p oss-storage --bench holds`: many who want one place at once, in three ways.
//!
//! *Check, then insert* reads which places are free and takes one, as is usual, with nothing that
//! forbids two from doing so at the same moment. *With lock and constraint* is the same pair of
//! statements in the order that a lock gives them, with a key that proves it. *Ours* decides by the
//! law and the child's needs besides, and writes the audit, the deadline and the events.
//!
//! PostgreSQL syncs every commit.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement prints what it found, and stops at a fault"
)]

#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../tests/store/council.rs"]
mod council;
#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../tests/store/support.rs"]
mod support;

use council::{Council, act_at, morning, want_offer};
use futures::future::join_all;
use oss_domain::{HoldId, OfferId};
use oss_simulation::{household, world};
use oss_storage::PgStore;
use oss_testkit::postgres::synced;
use oss_workflow::{Context, Unit, Wanted, hold};
use sqlx::{PgPool, postgres::PgPoolOptions};
use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use support::{Database, derby, key};

/// Who want the place at the same time.
const CLIENTS: usize = 32;
/// How often.
const ROUNDS: usize = 100;

const TABLES: &str = "
  CREATE TABLE naive_place (place int PRIMARY KEY);
  CREATE TABLE naive_taken (place int NOT NULL, client int NOT NULL);
  CREATE TABLE safe_taken (place int PRIMARY KEY, client int NOT NULL);
  INSERT INTO naive_place VALUES (1)";

#[tokio::main]
async fn main() {
    let dir = PathBuf::from(format!("/tmp/oss-bench-holds-{}", std::process::id()));
    let server = synced(&dir).await;
    let url = server.socket_url("oss").expose().clone();
    let connections = u32::try_from(CLIENTS).unwrap();
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .min_connections(connections);
    let pool = pool.connect(&url).await.unwrap();
    sqlx::raw_sql(TABLES).execute(&pool).await.unwrap();

    println!("{CLIENTS} at once on one place, {ROUNDS} rounds");
    println!("                             tries/s  places given twice");
    let mut naive = Tally::default();
    let mut safe = Tally::default();
    for _ in 0..ROUNDS {
        naive
            .round((0..CLIENTS).map(|client| check_then_insert(pool.clone(), client)))
            .await;
        safe.round((0..CLIENTS).map(|client| with_lock(pool.clone(), client)))
            .await;
        let free = "TRUNCATE naive_taken, safe_taken";
        sqlx::raw_sql(free).execute(&pool).await.unwrap();
    }
    naive.print("check, then insert");
    safe.print("with lock and constraint");
    assert_eq!(safe.twice, 0);

    let council = Council::on(Database::at(url).await).await;
    let mut options = council.database.options(&[derby()]);
    options.max_connections = connections;
    let store = Arc::new(PgStore::connect(&options, key()).unwrap());
    let offers = offers(&council).await;
    let mut ours = Tally::default();
    for _ in 0..ROUNDS {
        let tries = offers.iter().map(|offer| ours_holds(store.clone(), *offer));
        for held in ours.round(tries).await {
            release(&store, held).await;
        }
    }
    ours.print("ours");
    assert_eq!(ours.twice, 0);
    assert_eq!(council.violations().await, []);
    server.stop().await;
    fs::remove_dir_all(dir).unwrap();
}

/// What came of some rounds.
#[derive(Default)]
struct Tally {
    tries: usize,
    took: Duration,
    twice: usize,
}

impl Tally {
    /// Lets all try at once, and gives what those got who got something.
    async fn round<T: Send + 'static>(
        &mut self,
        tries: impl Iterator<Item: Future<Output = Option<T>> + Send + 'static>,
    ) -> Vec<T> {
        let since = Instant::now();
        let tries: Vec<_> = tries.map(tokio::spawn).collect();
        self.tries += tries.len();
        let done = join_all(tries).await;
        self.took += since.elapsed();
        let given: Vec<_> = done.into_iter().filter_map(Result::unwrap).collect();
        assert!(!given.is_empty(), "somebody gets it");
        self.twice += given.len() - 1;
        given
    }

    fn print(&self, what: &str) {
        let per_second = u128::try_from(self.tries).unwrap() * 1_000_000 / self.took.as_micros();
        println!("{what:<26}  {per_second:>8}  {:>18}", self.twice);
    }
}

async fn check_then_insert(pool: PgPool, client: usize) -> Option<()> {
    let mut transaction = pool.begin().await.unwrap();
    let free: Option<i32> = sqlx::query_scalar(
        "SELECT place FROM naive_place WHERE place NOT IN (SELECT place FROM naive_taken) LIMIT 1",
    )
    .fetch_optional(&mut *transaction)
    .await
    .unwrap();
    let free = free?;
    sqlx::query("INSERT INTO naive_taken VALUES ($1, $2)")
        .bind(free)
        .bind(i32::try_from(client).unwrap())
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    Some(())
}

async fn with_lock(pool: PgPool, client: usize) -> Option<()> {
    let mut transaction = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM naive_place WHERE place = 1 FOR UPDATE")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let free: Option<i32> = sqlx::query_scalar(
        "SELECT place FROM naive_place WHERE place NOT IN (SELECT place FROM safe_taken) LIMIT 1",
    )
    .fetch_optional(&mut *transaction)
    .await
    .unwrap();
    let free = free?;
    sqlx::query("INSERT INTO safe_taken VALUES ($1, $2)")
        .bind(free)
        .bind(i32::try_from(client).unwrap())
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    Some(())
}

/// An offer of the one place for each client's own referral.
async fn offers(council: &Council) -> Vec<OfferId> {
    let home = household("F01", 1, 1);
    council.register(home.clone()).await;
    let mut offers = Vec::new();
    for client in 0..CLIENTS {
        let (id, child) = (format!("R{client}"), format!("C{client}"));
        council
            .refer(&id, &child, std::slice::from_ref(&home))
            .await;
        offers.push(council.offer(&id, "F01").await);
    }
    offers
}

async fn ours_holds(store: Arc<PgStore>, offer: OfferId) -> Option<HoldId> {
    let step = |unit: &mut Unit, context: &mut Context<'_, '_>| {
        hold::hold(unit, context, &world(), offer, None)
    };
    let held = act_at(&store, "com", &want_offer(offer), morning(), step).await;
    held.unwrap().ok().map(|kept| kept.hold_id)
}

/// Frees the place for the next round.
async fn release(store: &PgStore, held: HoldId) {
    let wanted = Wanted {
        holds: [held].into(),
        places: true,
        ..Wanted::default()
    };
    let step = |unit: &mut Unit, context: &mut Context<'_, '_>| {
        hold::release(unit, context, held, "released", None)
    };
    let released = act_at(store, "com", &wanted, morning(), step).await;
    released.unwrap().unwrap();
}
