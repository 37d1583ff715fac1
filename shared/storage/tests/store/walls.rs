//! What the database itself holds up: row-level security, constraints, the append-only audit.

use crate::support::*;
use oss_domain::AuthorityCode;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// One row of every table that has an authority, for `authority`, by the owner.
async fn fill(owner: &mut PgConnection, authority: AuthorityCode, key: i64) {
    let id = |n: i64| format!("00000000-0000-0000-0000-{:012}", key * 100 + n);
    let (hash, half) = ("sha256('x')", "substr(sha256('x'), 1, 16)");
    let statements = format!(
        "INSERT INTO register VALUES ('{authority}', 1);
         INSERT INTO setting VALUES ('{authority}', 'F01', {key}, 1, 0, true, '{{}}', 1);
         INSERT INTO setting_version VALUES ('{authority}', {key}, 1, NULL, now(), '{{}}');
         INSERT INTO referral (authority, referral_id, key, revision, content, state, urgency,
           received_at, audit_seq, audit_hash)
           VALUES ('{authority}', 'R01', {key}, 1, {hash}, 'received', 'urgent', now(), 0, {hash});
         INSERT INTO referral_revision
           VALUES ('{authority}', {key}, 1, {hash}, '{{}}', NULL, now());
         INSERT INTO policy VALUES ({hash}, 'p', 't') ON CONFLICT DO NOTHING;
         INSERT INTO match_run VALUES ('{run}', '{authority}', {key}, 1, 1, {hash}, '1', 'g', now(),
           0, {half}, '');
         INSERT INTO occupancy VALUES ('{hold}', '{authority}', {key}, {key}, '{offer}', 'held', NULL,
           '{{1}}', '[]', now(), NULL, NULL, 1, NULL);
         INSERT INTO place_taken VALUES ({key}, 1, '{authority}', '{hold}');
         INSERT INTO child_taken VALUES ('{authority}', 'C1', '{hold}');
         INSERT INTO offer VALUES ('{offer}', '{authority}', {key}, {key}, 'P', 'k', 's', 'approached',
           'r', '{run}', now(), 'com', now(), 0, NULL, NULL, NULL, NULL, NULL, now());
         INSERT INTO placement VALUES ('{placement}', '{authority}', {key}, '{offer}', {key}, 'P',
           '{hold}', 'agreed', 'com', now(), '{run}', 1, now(), 'U6', NULL, 'IN', NULL, NULL, false,
           NULL, NULL, NULL, '', 'k', 's', 0, 'urgent', now(), NULL, NULL, false, NULL);
         INSERT INTO placed_child VALUES ('{placement}', 'C1', '{authority}');
         INSERT INTO approval VALUES ('{approval}', '{authority}', {key}, '{placement}', 'A01', 'director',
           now(), now(), true, NULL, NULL, NULL, '{{}}', NULL, false);
         INSERT INTO condition VALUES ('{condition}', '{authority}', {key}, '{offer}', 'C1', 'com',
           now(), now(), NULL, NULL, NULL, '');
         INSERT INTO deadline VALUES ('{deadline}', '{authority}', {key}, 'respond_by', '{offer}', now());
         INSERT INTO allocation VALUES ({key}, '{authority}', 'u', 'n', now());
         INSERT INTO draft VALUES ('{authority}', 'R01', '', 'u', 'n', now(), 'n', now());
         INSERT INTO person VALUES ('{person}', '{authority}', 'i', 's{key}', 'n', NULL, '{{}}', now(), now());
         INSERT INTO session VALUES (sha256('{key}'), '{person}', '{authority}', '{person}', now(), now());
         INSERT INTO outbox (event_id, authority, subject, payload, created_at)
           VALUES ('{event}', '{authority}', 's', '', now());
         INSERT INTO dead_letter (dead_letter_id, authority, subject, code, reason, errors, attempts,
           received_at, headers, payload)
           VALUES ('{letter}', '{authority}', 's', 'c', 'r', '[]', 1, now(), '[]', '');
         INSERT INTO idempotency VALUES ('{authority}', 'a', 'k', 'r', {hash}, now());
         INSERT INTO audit VALUES ('{authority}', NULL, 1, now(), 'service', 'a', 'b', 'c', NULL,
           {hash}, {hash});
         INSERT INTO audit_chain VALUES ('{authority}', 1, {hash});
         INSERT INTO audit_checkpoint VALUES ('{authority}', 1, now(), {hash}, {hash},
           {hash} || {hash});
         INSERT INTO audit_checkpoint_end VALUES ('{authority}', 1, NULL, 1, {hash});",
        run = id(1),
        hold = id(2),
        offer = id(3),
        event = id(4),
        letter = id(5),
        placement = id(6),
        person = id(9),
        approval = id(7),
        deadline = id(8),
        condition = id(10),
    );
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(owner)
        .await
        .unwrap();
}

/// Every table with an authority.
async fn protected(owner: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT relname::text FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
         WHERE attname = 'authority' AND relkind = 'r' ORDER BY relname",
    )
    .fetch_all(owner)
    .await
    .unwrap()
}

async fn count(conn: &mut PgConnection, table: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
        .fetch_one(conn)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_service_sees_the_rows_of_the_authorities_it_serves_and_no_others() {
    let database = Database::new().await;
    let mut owner = database.owner().await;
    fill(&mut owner, derby(), 1).await;
    fill(&mut owner, nottingham(), 2).await;
    let tables = protected(&mut owner).await;
    assert!(tables.len() >= 13, "{tables:?}");
    let mut service = database.service().await;
    for (served, visible) in [
        ("", 0),
        ("E06000015", 1),
        ("E06000018", 1),
        ("E06000015,E06000018", 2),
        ("E10000007", 0),
    ] {
        sqlx::query("SELECT set_config('oss.authorities', $1, false)")
            .bind(served)
            .execute(&mut service)
            .await
            .unwrap();
        for table in &tables {
            assert_eq!(
                count(&mut service, table).await,
                visible,
                "{table} for '{served}'"
            );
        }
    }
}

#[tokio::test]
async fn every_table_with_an_authority_is_protected_and_every_table_is_explained() {
    let database = Database::new().await;
    let mut owner = database.owner().await;
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
         WHERE attname = 'authority' AND relkind = 'r' AND NOT (relrowsecurity AND relforcerowsecurity)",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert!(open.is_empty(), "{open:?}");
    let unexplained: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
           AND relname <> '_sqlx_migrations' AND relname <> 'outbox_sequence_seq'
           AND obj_description(oid) IS NULL",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert!(unexplained.is_empty(), "{unexplained:?}");
}

#[tokio::test]
async fn a_service_writes_no_row_of_an_authority_it_does_not_serve() {
    let database = Database::new().await;
    let store = database.store();
    let refused = run(
        &store,
        &want_setting(nottingham(), "F01"),
        |unit, context| {
            let setting = setting(nottingham(), "F01", 1);
            oss_workflow::supply::change_setting(unit, context, setting).unwrap()
        },
    )
    .await
    .unwrap_err();
    let chain = format!("{refused:?}");
    assert!(chain.contains("row-level security"), "{chain}");
}

#[tokio::test]
async fn lines_of_the_audit_are_never_changed_not_even_by_the_owner() {
    let database = Database::new().await;
    let mut owner = database.owner().await;
    fill(&mut owner, derby(), 1).await;
    let mut service = database.service().await;
    for table in ["audit", "audit_checkpoint", "audit_checkpoint_end"] {
        for statement in [
            format!("UPDATE {table} SET seq = 9"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table} CASCADE"),
        ] {
            let statement = match table {
                "audit_checkpoint" => statement.replace("seq", "number"),
                _ => statement,
            };
            let refused = async |conn: &mut PgConnection| {
                let statement = AssertSqlSafe(statement.clone());
                let tried = sqlx::query(statement).execute(conn).await;
                tried.unwrap_err().to_string()
            };
            let error = refused(&mut owner).await;
            assert!(error.contains("are never changed"), "{table}: {error}");
            let error = refused(&mut service).await;
            assert!(error.contains("permission denied"), "{table}: {error}");
        }
    }
}

#[tokio::test]
async fn the_database_refuses_what_must_never_be() {
    let database = Database::new().await;
    let mut owner = database.owner().await;
    fill(&mut owner, derby(), 1).await;
    let half = "substr(sha256('x'), 1, 16)";
    for (statement, constraint) in [
        ("INSERT INTO register VALUES ('Derby', 0)".to_owned(), "register_authority_check"),
        ("UPDATE register SET supply_version = -1".to_owned(), "register_supply_version_check"),
        ("UPDATE setting SET setting_id = 'a b'".to_owned(), "setting_setting_id_check"),
        ("UPDATE setting SET version = -1".to_owned(), "setting_version_check"),
        ("UPDATE setting SET occupancy_version = -1".to_owned(), "setting_occupancy_version_check"),
        ("UPDATE setting SET document = NULL".to_owned(), "setting_open_has_document"),
        ("UPDATE setting SET supply_version = 0".to_owned(), "setting_supply_version_check"),
        ("INSERT INTO setting SELECT authority, 'F02', key, 1, 0, true, '{}', 1 FROM setting".to_owned(),
            "setting_key_once"),
        ("UPDATE setting_version SET supply_until = 1".to_owned(), "setting_version_ends_after_it_begins"),
        ("INSERT INTO setting_version SELECT authority, key, 2, NULL, at, '{}' FROM setting_version".to_owned(),
            "setting_version_current"),
        ("INSERT INTO referral SELECT authority, 'R02', key, 1, content, state, urgency, now(), NULL, NULL,
            NULL, NULL, NULL, 0, audit_hash FROM referral".to_owned(), "referral_key_once"),
        ("INSERT INTO referral_revision SELECT authority, key, 2, content,
            '{\"wishes_and_feelings\": \"x\"}', NULL, now() FROM referral".to_owned(),
            "referral_revision_keeps_narrative_apart"),
        ("INSERT INTO referral_revision SELECT authority, 99, 1, content, '{}', NULL, now()
            FROM referral".to_owned(), "referral_revision_key_fkey"),
        ("UPDATE match_run SET revision = 9".to_owned(), "match_run_referral_key_revision_fkey"),
        ("UPDATE occupancy SET claim = 'x', placement_id = NULL".to_owned(), "occupancy_claim_check"),
        ("UPDATE occupancy SET claim = 'agreed'".to_owned(), "occupancy_placement_is_agreed"),
        ("UPDATE occupancy SET supply_until = 0, ended = now()".to_owned(), "occupancy_ends_after_it_begins"),
        ("UPDATE occupancy SET ended = now()".to_owned(), "occupancy_end_is_whole"),
        ("UPDATE occupancy SET occupants = '{}'".to_owned(), "occupancy_occupants_check"),
        ("INSERT INTO occupancy SELECT gen_random_uuid(), authority, referral_key, setting_key, offer_id,
            claim, NULL, places, occupants, since, NULL, NULL, 2, NULL FROM occupancy".to_owned(),
            "occupancy_once"),
        ("INSERT INTO place_taken SELECT setting_key, place, authority, hold_id FROM place_taken".to_owned(),
            "place_taken_once"),
        ("UPDATE place_taken SET place = 0".to_owned(), "place_taken_place_check"),
        ("INSERT INTO inbox VALUES ('s', '1'), ('s', '1')".to_owned(), "inbox_pkey"),
        ("INSERT INTO outbox (event_id, subject, payload, created_at)
            SELECT event_id, 's', '', now() FROM outbox".to_owned(), "outbox_event_once"),
        ("UPDATE dead_letter SET resolved_at = now()".to_owned(), "dead_letter_resolution"),
        ("UPDATE dead_letter SET attempts = 0".to_owned(), "dead_letter_attempts_check"),
        ("UPDATE idempotency SET status = 200".to_owned(), "idempotency_answer_is_whole"),
        ("UPDATE idempotency SET body_hash = ''".to_owned(), "idempotency_body_hash_check"),
        ("UPDATE idempotency SET key = ''".to_owned(), "idempotency_key_check"),
        ("INSERT INTO audit SELECT authority, NULL, seq, at, actor_kind, actor, act, thing, reason,
            previous_hash, hash FROM audit".to_owned(), "audit_line_once"),
        (format!("INSERT INTO installation VALUES (true, {half}, '')"), "installation_pkey"),
        ("UPDATE installation SET secret = ''".to_owned(), "installation_secret_check"),
    ] {
        refused(&mut owner, &statement, constraint).await;
    }
}

/// Sees that `constraint` refuses `statement`.
async fn refused(owner: &mut PgConnection, statement: &str, constraint: &str) {
    let error = sqlx::query(AssertSqlSafe(statement.to_owned()))
        .execute(owner)
        .await;
    let error = error.unwrap_err();
    let found = error
        .as_database_error()
        .and_then(|error| error.constraint());
    assert_eq!(found, Some(constraint), "{statement}: {error}");
}

#[tokio::test]
async fn the_doctor_finds_what_must_never_be_where_each_event_writes() {
    let database = Database::new().await;
    let store = database.store();
    let mut owner = database.owner().await;
    fill(&mut owner, derby(), 1).await;
    let event = "INSERT INTO inbox VALUES ('s', '1')";
    sqlx::query(event).execute(&mut owner).await.unwrap();
    assert_eq!(store.check_values().await.unwrap(), []);
    for (table, changed) in [
        ("referral", "referral_id = ''"),
        ("referral", "referral_id = 'a b'"),
        ("referral", "content = ''"),
        ("referral", "state = 'lost'"),
        ("referral", "revision = -1"),
        ("referral", "revision = 0"),
        ("referral", "urgency = NULL"),
        ("referral", "run_revision = 1"),
        ("referral", "run_digest = ''"),
        ("referral", "audit_seq = -1"),
        ("referral", "audit_hash = ''"),
        ("referral_revision", "content = ''"),
        ("match_run", "n_offers = -1"),
        ("match_run", "digest = ''"),
        ("match_run", "policy_sha256 = ''"),
        ("inbox", "event_id = ''"),
        ("inbox", "source = repeat('s', 2049)"),
    ] {
        let column = changed.split(' ').next().unwrap();
        let change = format!("CREATE TABLE kept AS TABLE {table}; UPDATE {table} SET {changed}");
        sqlx::raw_sql(AssertSqlSafe(change))
            .execute(&mut owner)
            .await
            .unwrap();
        let found = store.check_values().await.unwrap();
        assert_eq!(found.len(), 1, "{table}: {changed}: {found:?}");
        let back =
            format!("UPDATE {table} SET {column} = (SELECT {column} FROM kept); DROP TABLE kept");
        sqlx::raw_sql(AssertSqlSafe(back))
            .execute(&mut owner)
            .await
            .unwrap();
    }
    // Lines of the audit are never changed back.
    for (line, wrong) in [
        (
            "2, at, 'robot', actor, act, thing, reason, hash, hash",
            "actor_kind",
        ),
        (
            "0, at, actor_kind, actor, act, thing, reason, hash, hash",
            "seq",
        ),
        (
            "3, at, actor_kind, actor, act, thing, reason, '', hash",
            "previous_hash",
        ),
        (
            "4, at, actor_kind, actor, act, thing, reason, hash, ''",
            "hash",
        ),
    ] {
        let before = store.check_values().await.unwrap().len();
        let statement =
            format!("INSERT INTO audit SELECT authority, NULL, {line} FROM audit LIMIT 1");
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut owner)
            .await
            .unwrap();
        assert_eq!(
            store.check_values().await.unwrap().len(),
            before + 1,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn the_database_refuses_what_must_never_be_from_offer_to_placement() {
    let database = Database::new().await;
    let mut owner = database.owner().await;
    fill(&mut owner, derby(), 1).await;
    for (statement, constraint) in [
        ("INSERT INTO child_taken TABLE child_taken", "child_taken_once"),
        ("UPDATE offer SET state = 'lost'", "offer_state_check"),
        ("UPDATE offer SET approached_by = NULL", "offer_approach_has_a_person"),
        ("UPDATE offer SET approached_by = ''", "offer_approached_by_check"),
        ("UPDATE offer SET state = 'accepted'", "offer_answer_follows_approach"),
        ("UPDATE offer SET wave = -1", "offer_wave_check"),
        ("UPDATE offer SET weekly_cost = -1", "offer_weekly_cost_check"),
        ("INSERT INTO offer SELECT gen_random_uuid(), authority, referral_key, setting_key, 'P', 'k', 's',
            'proposed', 'r', NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, now() FROM offer", "offer_of_pair_once"),
        ("INSERT INTO offer SELECT gen_random_uuid(), authority, 99, setting_key, 'P', 'k', 's',
            'proposed', 'r', NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, now() FROM offer", "offer_referral_key_fkey"),
        ("UPDATE placement SET decided_by = ''", "placement_decided_by_a_person"),
        ("UPDATE placement SET state = 'lost'", "placement_state_check"),
        ("UPDATE placement SET state = 'ended'", "placement_ending_is_whole"),
        ("UPDATE placement SET state = 'ended', ended_on = starts_on - 1, end_reason = 'CARPL',
            end_planned = true", "placement_ends_after_it_starts"),
        ("UPDATE placement SET run_id = gen_random_uuid()", "placement_run_id_fkey"),
        ("UPDATE placement SET offer_id = gen_random_uuid()", "placement_offer_id_fkey"),
        ("UPDATE placement SET hold_id = gen_random_uuid()", "placement_hold_id_fkey"),
        ("INSERT INTO placement SELECT gen_random_uuid(), authority, referral_key, offer_id, setting_key,
            'P', hold_id, 'started', 'com', now(), run_id, 1, now(), 'U6', NULL, 'IN', NULL, NULL, false,
            NULL, NULL, NULL, '', 'k', 's', 0, 'urgent', now(), NULL, NULL, false, NULL FROM placement", "placement_live_once"),
        ("UPDATE approval SET granted = true", "approval_record_is_whole"),
        ("UPDATE approval SET granted = true, recorded_by = 'b', recorded_at = now(), words = '',
            cancelled = true", "approval_is_recorded_or_off"),
        ("UPDATE approval SET code = 'B1'", "approval_code_check"),
        ("INSERT INTO approval SELECT gen_random_uuid(), authority, referral_key, placement_id, code,
            'manager', now(), now(), true, NULL, NULL, NULL, '{}', NULL, false FROM approval",
            "approval_asked_once"),
        ("UPDATE deadline SET kind = 'x'", "deadline_kind_check"),
        ("UPDATE deadline SET thing = NULL", "deadline_is_about_something"),
        ("INSERT INTO deadline SELECT gen_random_uuid(), authority, referral_key, kind, thing, now()
            FROM deadline", "deadline_open_once"),
        ("INSERT INTO audit SELECT authority, 1, 1, at, actor_kind, actor, act, thing, 'in clear',
            hash, hash FROM audit", "audit_reason_of_a_child_is_sealed"),
    ] {
        refused(&mut owner, statement, constraint).await;
    }
}

#[tokio::test]
async fn a_service_knows_its_schema_and_its_key() {
    let database = Database::new().await;
    assert_eq!(database.store().pending_migrations().await.unwrap(), 0);

    let other = oss_storage::InstallationKey::new([1; 32]);
    let stranger = oss_storage::PgStore::connect(&database.options(&[derby()]), other).unwrap();
    let error = stranger.pending_migrations().await.unwrap_err();
    assert!(
        format!("{error:?}").contains("made with another key"),
        "{error:?}"
    );

    let empty = oss_testkit::PostgresServer::shared()
        .await
        .create_database()
        .await;
    let options = oss_storage::ConnectOptions::new(&empty, "test", &[derby()]);
    let store = oss_storage::PgStore::connect(&options, key()).unwrap();
    assert!(store.pending_migrations().await.unwrap() > 0);

    oss_storage::migrate::set_app_password(database.owner_url(), "it's '; \\ ok")
        .await
        .unwrap();
    let seal = database.store().offer_seal().await.unwrap();
    let again = database.store().offer_seal().await.unwrap();
    let pair = (oss_workflow::ReferralKey(1), oss_workflow::SettingKey(2));
    assert_eq!(again.open(seal.seal(pair.0, pair.1)), pair);
}

impl Database {
    async fn service(&self) -> PgConnection {
        PgConnection::connect(&self.options(&[]).url).await.unwrap()
    }
}
