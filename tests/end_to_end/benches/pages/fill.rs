//! The past: what a million referrals leave in the tables that the pages' statements read.
//!
//! Copies of what the product itself made of its sample referrals, with ids of their own and days
//! spread over ten years: each with its revision, run, four offers, placement, occupancy,
//! approval, three deadlines, allocation, six lines of audit and two of the inbox; and four hundred
//! former states of every setting. A few hundred are open.
//!
//! Left out: what is told in words (nothing is sealed), the audit's hashes (drawn, so `oss audit
//! verify` would fail), the ids of past offers (drawn, so their own pages do not open), places
//! taken by those who live somewhere now, and events published long ago, which the relay deletes.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

/// Referrals that are open.
pub(crate) const OPEN: u32 = 300;
/// So many are written at once.
const CHUNK: u32 = 50_000;

pub(crate) async fn connect(url: &str) -> PgConnection {
    let mut conn = PgConnection::connect(url).await.unwrap();
    // Its owner is bound by the wall between councils too.
    sqlx::raw_sql(
        "SELECT set_config('oss.authorities', string_agg(code, ','), false)
         FROM (VALUES ('E06000015')) AS served (code)",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    conn
}

/// Writes `past` referrals, and [`OPEN`] open ones.
pub(crate) async fn fill(url: &str, past: u32) {
    let mut conn = connect(url).await;
    // Copies hold to each other as the originals do: no need to look a million times.
    run(
        &mut conn,
        "SET session_replication_role = replica; SET synchronous_commit = off",
    )
    .await;
    run(&mut conn, PROTOTYPES).await;
    for from in (1..=past).step_by(CHUNK as usize) {
        let until = (from + CHUNK - 1).min(past);
        copy(&mut conn, from, until, false).await;
    }
    copy(&mut conn, past + 1, past + OPEN, true).await;
    run(&mut conn, SETTINGS).await;
    run(&mut conn, "DROP SCHEMA bench CASCADE").await;
    run(&mut conn, "VACUUM ANALYZE").await;
    run(&mut conn, "CHECKPOINT").await;
    conn.close().await.unwrap();
}

/// How large the database is.
pub(crate) async fn size(url: &str) -> String {
    let size = sqlx::query("SELECT pg_size_pretty(pg_database_size(current_database()))");
    let row = size.fetch_one(&mut connect(url).await).await.unwrap();
    row.get(0)
}

async fn run(conn: &mut PgConnection, statements: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
    if let Err(error) = done.execute(conn).await {
        panic!("{error} in {statements}");
    }
}

async fn copy(conn: &mut PgConnection, from: u32, until: u32, open: bool) {
    let facts = FACTS
        .replace("$from", &from.to_string())
        .replace("$until", &until.to_string())
        .replace("$open", if open { "true" } else { "false" });
    run(conn, &facts).await;
    run(conn, REFERRALS).await;
    if !open {
        run(conn, LIFE).await;
    }
}

/// The referrals that the product ranked, and its settings, by number.
const PROTOTYPES: &str = "
CREATE SCHEMA bench;
CREATE TABLE bench.prototype AS
  SELECT row_number() OVER (ORDER BY referral.key) - 1 AS number, referral.*, document,
    current.content AS revision_content, supply_version, policy_sha256, engine, gazetteer, n_offers,
    digest, record
  FROM referral
  JOIN referral_revision AS current
    ON current.key = referral.key AND current.revision = referral.revision
  JOIN match_run ON match_run.run_id = referral.run_id
  WHERE n_offers > 0;
CREATE TABLE bench.home AS
  SELECT row_number() OVER (ORDER BY key) - 1 AS number, key AS setting_key,
    document -> 'provider' ->> 'provider_id' AS provider_id, document ->> 'kind' AS kind,
    document ->> 'sourcing' AS sourcing, (document ->> 'weekly_cost_pence')::bigint AS cost
  FROM setting WHERE open AND document ->> 'kind' <> 'connected_person';
CREATE TABLE bench.fact (n bigint);
";

/// What is drawn for each copy.
const FACTS: &str = "
DROP TABLE bench.fact;
CREATE UNLOGGED TABLE bench.fact AS
  SELECT 1000000000 + n AS key, CASE WHEN $open THEN 'N' ELSE 'P' END || n AS referral_id,
    gen_random_uuid() AS run_id, gen_random_uuid() AS offer_id, gen_random_uuid() AS placement_id,
    gen_random_uuid() AS hold_id, drawn.received_at, n,
    prototype.number AS prototype, mod(n * 7, (SELECT count(*) FROM bench.home)) AS home,
    CASE WHEN $open THEN 'ranked' WHEN mod(n, 5) = 0 THEN 'withdrawn' ELSE 'placed' END AS state,
    -- Six hundred live where they were placed, as in a council of Derby's size.
    n > 20 AND mod(n, 5) > 0 AND n <= 770 AS lives
  FROM (
    SELECT n, now() - CASE WHEN $open THEN interval '10 minutes' * mod(n, 1000)
      ELSE interval '5 minutes' * mod(n * 1009, 1051200) + interval '4 days' END AS received_at
    FROM generate_series($from, $until) AS n
  ) AS drawn
  JOIN bench.prototype ON prototype.number = mod(n, (SELECT count(*) FROM bench.prototype));
ANALYZE bench.fact;
";

const REFERRALS: &str = "
INSERT INTO referral (authority, referral_id, key, revision, content, state, urgency, received_at,
  run_id, run_revision, run_digest, evaluated_version, audit_seq, audit_hash)
SELECT authority, fact.referral_id, fact.key, 1, content, fact.state, urgency, fact.received_at,
  fact.run_id, 1, run_digest, evaluated_version, 6, audit_hash
FROM bench.fact JOIN bench.prototype ON number = prototype;

INSERT INTO referral_revision (authority, key, revision, content, document, received_at)
SELECT authority, fact.key, 1, revision_content,
  document || jsonb_build_object('referral_id', fact.referral_id, 'revision', 1), fact.received_at
FROM bench.fact JOIN bench.prototype ON number = prototype;

INSERT INTO match_run (run_id, authority, referral_key, revision, supply_version, policy_sha256,
  engine, gazetteer, evaluated_at, n_offers, digest, record)
SELECT fact.run_id, authority, fact.key, 1, supply_version, policy_sha256, engine, gazetteer,
  fact.received_at, n_offers, digest, record
FROM bench.fact JOIN bench.prototype ON number = prototype;

INSERT INTO audit (authority, referral_key, seq, at, actor_kind, actor, act, thing, previous_hash, hash)
SELECT authority, fact.key, seq, fact.received_at + interval '1 hour' * seq, 'producer',
  '/oss/sample', (ARRAY['referral.received', 'referral.read', 'options.read', 'offer.approached',
    'placement.agreed', 'placement.started'])[seq], 'revision 1', audit_hash,
  sha256(int8send(fact.key::bigint * 10 + seq))
FROM bench.fact JOIN bench.prototype ON number = prototype
CROSS JOIN generate_series(1, 6) AS seq;

INSERT INTO inbox (source, event_id, received_at)
SELECT '/oss/sample', 'bench ' || n || ' ' || part, received_at
FROM bench.fact CROSS JOIN generate_series(1, 2) AS part;
";

/// What became of it: asked, decided, approved, lived there, ended.
const LIFE: &str = "
INSERT INTO allocation (referral_key, authority, user_id, user_name, since)
SELECT fact.key, authority, 'usr_' || mod(n, 60), 'Person ' || mod(n, 60), fact.received_at
FROM bench.fact JOIN bench.prototype ON number = prototype;

INSERT INTO offer (offer_id, authority, referral_key, setting_key, provider_id, kind, sourcing, state,
  reference, run_id, approached_at, approached_by, respond_by, wave, answered_at, weekly_cost,
  available_from, decline_reason, received_at)
SELECT CASE WHEN part = 0 THEN fact.offer_id ELSE gen_random_uuid() END, authority, fact.key,
  setting_key, provider_id, kind, sourcing, word.state, 'R-' || n || '-' || part, fact.run_id,
  fact.received_at + interval '1 hour', 'usr_' || mod(n, 60), fact.received_at + interval '1 day', 1,
  CASE WHEN word.state IN ('selected', 'declined', 'not_selected')
    THEN fact.received_at + interval '1 minute' * mod(n * 13, 1400) + interval '1 hour' END,
  cost, (fact.received_at + interval '3 days')::date,
  CASE WHEN word.state = 'declined' THEN (ARRAY['no_vacancy', 'cannot_meet_need', 'staffing',
    'impact_on_current_children', 'price'])[mod(n, 5) + 1] END,
  fact.received_at
FROM bench.fact JOIN bench.prototype ON number = prototype
CROSS JOIN generate_series(0, 3) AS part
CROSS JOIN LATERAL (SELECT CASE
  WHEN part = 0 AND fact.state = 'placed' THEN 'selected'
  WHEN part = 1 THEN 'declined' WHEN part = 2 THEN 'expired'
  WHEN part = 3 THEN 'not_selected' ELSE 'withdrawn' END AS state) AS word
JOIN bench.home ON home.number = mod(fact.home + part, (SELECT count(*) FROM bench.home));

INSERT INTO occupancy (hold_id, authority, referral_key, setting_key, offer_id, claim, placement_id,
  places, occupants, since, ended, supply_from, supply_until)
SELECT hold_id, authority, fact.key, setting_key, offer_id, 'started', placement_id, ARRAY[1],
  jsonb_build_array(jsonb_build_object('child_id', fact.referral_id, 'sex', 'F', 'age', 12)),
  fact.received_at, fact.received_at + interval '200 days', 1, 1
FROM bench.fact JOIN bench.prototype ON prototype.number = prototype
JOIN bench.home ON home.number = home WHERE fact.state = 'placed';

INSERT INTO placement (placement_id, authority, referral_key, offer_id, setting_key, provider_id,
  hold_id, state, decided_by, decided_at, run_id, weekly_cost, starts_on, place, place_provider,
  pl_location, pl_distance, temporary_extended, ended_on, end_reason, end_planned, words, kind,
  sourcing, wave, urgency, received_at, siblings_together, school_near, key_stage_4, identity_met)
SELECT placement_id, authority, fact.key, offer_id, setting_key, provider_id, hold_id,
  CASE WHEN lives THEN 'started' ELSE 'ended' END, 'usr_' || mod(n, 60),
  fact.received_at + interval '1 minute' * mod(n * 17, 4000) + interval '1 day', fact.run_id, cost,
  (fact.received_at + interval '3 days')::date, 'U6', 'PR4',
  CASE WHEN mod(n, 3) = 0 THEN 'OUT' ELSE 'IN' END, mod(n * 31, 600), false,
  CASE WHEN NOT lives THEN least(current_date, (fact.received_at + interval '200 days')::date) END,
  CASE WHEN NOT lives THEN (ARRAY['CARPL', 'CHILD', 'LAREQ', 'CREQB'])[mod(n, 4) + 1] END,
  CASE WHEN NOT lives THEN mod(n, 7) > 0 END, '', kind, sourcing, 1, prototype.urgency,
  fact.received_at, CASE WHEN mod(n, 4) = 0 THEN mod(n, 3) > 0 END, mod(n, 5) > 0, mod(n, 6) = 0,
  CASE WHEN mod(n, 3) = 0 THEN mod(n, 2) > 0 END
FROM bench.fact JOIN bench.prototype ON prototype.number = prototype
JOIN bench.home ON home.number = home WHERE fact.state = 'placed';

INSERT INTO placed_child (placement_id, child_id, authority)
SELECT placement_id, fact.referral_id, authority
FROM bench.fact JOIN bench.prototype ON number = prototype WHERE fact.state = 'placed';

INSERT INTO approval (approval_id, authority, referral_key, placement_id, code, approver,
  requested_at, due_at, blocks_start, granted, recorded_by, recorded_at, confirmed, words, cancelled)
SELECT gen_random_uuid(), authority, fact.key, placement_id, 'A01', 'nominated_officer',
  fact.received_at + interval '1 day', fact.received_at + interval '3 days', true, true, 'usr_1',
  fact.received_at + interval '1 minute' * mod(n * 19, 2800) + interval '1 day', '{}', '', false
FROM bench.fact JOIN bench.prototype ON number = prototype WHERE fact.state = 'placed';

INSERT INTO deadline (deadline_id, authority, referral_key, kind, thing, due_at, settled_at)
SELECT gen_random_uuid(), authority, fact.key, kind, offer_id, fact.received_at + interval '1 day',
  fact.received_at + interval '1 day'
FROM bench.fact JOIN bench.prototype ON number = prototype
CROSS JOIN (VALUES ('respond_by'), ('approval_due'), ('review_due')) AS past (kind);
";

/// Four hundred former states of every setting, all before the first that is now.
const SETTINGS: &str = "
INSERT INTO setting_version (authority, key, supply_from, supply_until, at, document)
SELECT authority, key, -state * 1000 - 999, -(state - 1) * 1000 - 999,
  now() - interval '9 days' * state, document
FROM setting CROSS JOIN generate_series(1, 400) AS state WHERE open;
";
