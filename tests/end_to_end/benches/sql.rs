//! `cargo bench -p oss-end-to-end --bench sql`: ranking in memory beside PostgreSQL, same top 20.
//!
//! SQL is favoured: it is given, ready-made, every value and every reason that ranking works out
//! afresh in each pass, and only weighs, orders and returns them. The database does not sync, and
//! is asked over its socket with prepared statements.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement prints what it found, and stops at a fault"
)]

use chrono::{DateTime, Utc};
use oss_domain::Referral;
use oss_geography::Gazetteer;
use oss_matching::{ByCriterion, Criterion, Evaluation, Policy, Query, Supply, rank};
use oss_testkit::PostgresServer;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use std::{
    collections::BTreeMap,
    hint::black_box,
    time::{Duration, Instant},
};

const SEED: u64 = 2026;
const PASSES: usize = 200;

const TABLES: &str = "
  CREATE TABLE rule (bit bigint PRIMARY KEY, reason text NOT NULL);
  CREATE TABLE fact (
    setting_id text COLLATE \"C\" PRIMARY KEY, reasons bigint NOT NULL, band smallint, kind smallint,
    near boolean, sourcing smallint, cost bigint, fit bigint, home bigint, derby bigint,
    in_area bigint, education bigint, identity bigint, quality bigint, price bigint);";

/// The weights are the default policy's; that the scores come out the same is asserted.
const SCORE: &str =
    "(35 * fit + 12 * home + 8 * derby + 5 * in_area + 10 * education + 10 * identity
  + 5 * quality + 15 * price) / 10000";

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("settings  ranked  memory  SQL top 20  SQL with reasons  times as fast");
    for n in [500, 3_000, 20_000] {
        runtime.block_on(side_by_side(n));
    }
}

async fn side_by_side(n: usize) {
    let (policy, gazetteer) = (Policy::embedded(), Gazetteer::embedded());
    let settings = oss_sample::scaled(SEED, n).into_iter().map(|setting| {
        let location = gazetteer.locate(&setting.postcode).unwrap();
        (setting, location)
    });
    let supply = Supply::load(oss_sample::authority(), settings).unwrap();
    let now = DateTime::<Utc>::from_timestamp(1_795_425_000, 0).unwrap();
    let (referral, query) = oss_sample::stream(SEED)
        .map(|referral| {
            let query = Query::compile(&referral, &gazetteer, &policy).unwrap();
            (referral, query)
        })
        .take(500)
        .max_by_key(|(_, query)| rank(query, &supply, &policy, now).n_ranked().min(n / 10))
        .unwrap();
    let outcome = rank(&query, &supply, &policy, now).expand();

    let url = PostgresServer::shared().await.create_database().await;
    let mut conn = PgConnection::connect(&url).await.unwrap();
    fill(&mut conn, &referral, &outcome).await;
    let order = "band, kind, NOT near, sourcing, score DESC, cost, setting_id";
    let plain = format!(
        "SELECT setting_id, {SCORE} AS score FROM fact WHERE reasons = 0 ORDER BY {order} LIMIT 20"
    );
    let full = format!(
        "SELECT setting_id, {SCORE} AS score, band, fit, home, derby, in_area, education, identity,
           quality, price, ARRAY(SELECT reason FROM rule WHERE bit & reasons <> 0 ORDER BY bit)
         FROM fact ORDER BY reasons <> 0, {order}"
    );
    let best: Vec<(String, i64)> = outcome
        .ranked
        .iter()
        .take(20)
        .map(|offer| (offer.setting_id.to_string(), i64::from(offer.score)))
        .collect();
    for statement in [&plain, &full] {
        let rows = sqlx::query(AssertSqlSafe(statement.clone()))
            .fetch_all(&mut conn)
            .await
            .unwrap();
        let found: Vec<(String, i64)> = rows
            .iter()
            .take(best.len())
            .map(|row| (row.get(0), row.get(1)))
            .collect();
        assert_eq!(found, best, "the same top 20 with the same scores");
    }

    let in_memory = median((0..PASSES).map(|_| {
        let since = Instant::now();
        drop(black_box(rank(black_box(&query), &supply, &policy, now)));
        since.elapsed()
    }));
    let plain = asked(&mut conn, &plain, PASSES).await;
    let full = asked(&mut conn, &full, PASSES / 10).await;
    conn.close().await.unwrap();
    let times = |sql: Duration| sql.as_secs_f64() / in_memory.as_secs_f64();
    println!(
        "{n:>8}  {:>6}  {in_memory:>6.0?}  {plain:>10.0?}  {full:>16.0?}  {:.1}, {:.0}",
        outcome.ranked.len(),
        times(plain),
        times(full),
    );
}

async fn asked(conn: &mut PgConnection, statement: &str, passes: usize) -> Duration {
    let mut times = Vec::new();
    for _ in 0..passes {
        let since = Instant::now();
        let query = sqlx::query(AssertSqlSafe(statement.to_owned()));
        black_box(query.fetch_all(&mut *conn).await.unwrap());
        times.push(since.elapsed());
    }
    median(times.into_iter())
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// Stores what ranking found of each setting, packed as well as SQL can use it.
async fn fill(conn: &mut PgConnection, referral: &Referral, outcome: &Evaluation) {
    sqlx::raw_sql(TABLES).execute(&mut *conn).await.unwrap();
    let mut bits = BTreeMap::<String, i64>::new();
    for excluded in &outcome.excluded {
        let mut reasons = 0_i64;
        for reason in excluded.reasons.iter() {
            let detail = reason.detail.map_or("", |detail| detail.as_str());
            let next = 1 << bits.len();
            reasons |= *bits
                .entry(format!("{} {detail}", reason.code.as_str()))
                .or_insert(next);
        }
        sqlx::query("INSERT INTO fact (setting_id, reasons) VALUES ($1, $2)")
            .bind(excluded.setting_id.as_str())
            .bind(reasons)
            .execute(&mut *conn)
            .await
            .unwrap();
    }
    for (reason, bit) in &bits {
        let rule = sqlx::query("INSERT INTO rule VALUES ($1, $2)")
            .bind(bit)
            .bind(reason);
        rule.execute(&mut *conn).await.unwrap();
    }
    for offer in &outcome.ranked {
        let kind = referral
            .placement_types
            .iter()
            .position(|kind| *kind == offer.kind)
            .unwrap();
        let sourcing = ["connected", "in_house", "block", "framework", "spot"];
        let sourcing = sourcing
            .iter()
            .position(|it| *it == offer.sourcing.as_str())
            .unwrap();
        let values: &ByCriterion = &offer.values;
        let mut insert = sqlx::query(
            "INSERT INTO fact VALUES ($1, 0, ascii($2), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        )
        .bind(offer.setting_id.as_str())
        .bind(offer.band.as_str())
        .bind(i16::try_from(kind).unwrap())
        .bind(offer.near)
        .bind(i16::try_from(sourcing).unwrap())
        .bind(i64::from(offer.weekly_cost.get()));
        for criterion in Criterion::ALL {
            insert = insert.bind(i64::from(values.get(criterion)));
        }
        insert.execute(&mut *conn).await.unwrap();
    }
    sqlx::raw_sql("ANALYZE").execute(conn).await.unwrap();
}
