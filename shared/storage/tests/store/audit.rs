//! The audit: whatever is done to it shows, whoever does it.

use crate::support::*;
use oss_domain::Clock as _;
use oss_storage::{
    PgStore,
    audit::{Checkpoint, CheckpointKey},
};
use sqlx::{AssertSqlSafe, PgConnection};

#[tokio::test]
async fn any_tampering_with_the_audit_shows() {
    let database = Database::new().await;
    let store = database.store();
    for revision in 1..=3 {
        receive(&store, derby(), "R01", revision).await;
    }
    for version in 1..=2 {
        change_setting(&store, derby(), "F01", version).await;
    }
    assert_eq!(store.check_audit_chains().await.unwrap(), []);
    assert_eq!(store.check_audit_is_complete().await.unwrap(), []);
    let mut owner = database.owner().await;
    for (what, tampering) in [
        ("a word", "UPDATE audit SET thing = 'x' WHERE seq = 2 AND referral_key IS NOT NULL"),
        ("a time", "UPDATE audit SET at = at + interval '1 microsecond' WHERE seq = 1"),
        ("an actor", "UPDATE audit SET actor = 'x' WHERE seq = 1 AND referral_key IS NULL"),
        ("a lost line", "DELETE FROM audit WHERE seq = 2 AND referral_key IS NOT NULL"),
        ("a lost end", "DELETE FROM audit WHERE seq = 2 AND referral_key IS NULL"),
        ("a lost chain", "DELETE FROM audit WHERE referral_key IS NOT NULL"),
        (
            "a line too many",
            "INSERT INTO audit SELECT authority, referral_key, 4, at, actor_kind, actor, act, thing,
               reason, hash, hash FROM audit WHERE seq = 3",
        ),
        ("another order", "UPDATE audit SET seq = 7 - seq WHERE seq > 1"),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "ALTER TABLE audit DISABLE TRIGGER USER; CREATE TABLE kept AS TABLE audit; {tampering}"
        )))
        .execute(&mut owner)
        .await
        .unwrap();
        assert_ne!(store.check_audit_chains().await.unwrap(), [], "{what}");
        sqlx::raw_sql(
            "DELETE FROM audit; INSERT INTO audit TABLE kept; DROP TABLE kept;
             ALTER TABLE audit ENABLE TRIGGER USER",
        )
        .execute(&mut owner)
        .await
        .unwrap();
    }
    assert_eq!(store.check_audit_chains().await.unwrap(), []);
}

/// What the keeper of the database can do: everything, but sign.
async fn tamper(owner: &mut PgConnection, statements: &str) {
    let tables = ["audit", "audit_checkpoint", "audit_checkpoint_end"];
    let triggers = |what: &str| {
        let alter = |table| format!("ALTER TABLE {table} {what} TRIGGER USER; ");
        tables.map(alter).concat()
    };
    let (off, on) = (triggers("DISABLE"), triggers("ENABLE"));
    let statements = AssertSqlSafe(format!("{off} {statements}; {on}"));
    sqlx::raw_sql(statements).execute(owner).await.unwrap();
}

fn our_key() -> CheckpointKey {
    CheckpointKey::new(&[7; 32])
}

async fn checkpoint(store: &PgStore, key: &CheckpointKey) -> Checkpoint {
    let made = store.make_checkpoint(derby(), key, clock().now()).await;
    made.unwrap()
}

async fn found(store: &PgStore, kept: &[Checkpoint]) -> Vec<String> {
    let keys = [our_key().public()];
    let found = store.check_checkpoints(&keys, kept).await.unwrap();
    found.into_iter().map(|it| it.what).collect()
}

/// Takes the last line of a referral's chain away, and moves the end that is kept apart.
const CUT_TAIL: &str = "
    DELETE FROM audit USING referral WHERE referral_key = key AND seq = audit_seq
      AND referral_id = 'R01';
    UPDATE referral SET audit_seq = seq, audit_hash = hash FROM audit
    WHERE referral_key = key AND seq = audit_seq - 1 AND referral_id = 'R01'";

#[tokio::test]
async fn a_chain_that_was_cut_off_with_its_end_shows_by_a_checkpoint() {
    let database = Database::new().await;
    let (store, mut owner) = (database.store(), database.owner().await);
    receive(&store, derby(), "R01", 1).await;
    change_setting(&store, derby(), "F01", 1).await;
    let first = checkpoint(&store, &our_key()).await;
    for revision in 2..=3 {
        receive(&store, derby(), "R01", revision).await;
    }
    let second = checkpoint(&store, &our_key()).await;
    assert_eq!((second.number, second.previous), (2, first.digest));
    let kept = [first, second];
    assert_eq!(found(&store, &kept).await, Vec::<String>::new());
    // What came since is no fault.
    receive(&store, derby(), "R02", 1).await;
    assert_eq!(found(&store, &kept).await, Vec::<String>::new());

    tamper(&mut owner, CUT_TAIL).await;
    assert_eq!(
        store.check_audit_chains().await.unwrap(),
        [],
        "it is a whole chain"
    );
    let [gone] = &found(&store, &[]).await[..] else {
        panic!("one line is gone");
    };
    assert!(gone.contains("line 3 of the chain of referral"), "{gone}");

    // Without the second checkpoint too, nothing in the database tells; what was kept outside does.
    let forget = "DELETE FROM audit_checkpoint_end WHERE number = 2;
        DELETE FROM audit_checkpoint WHERE number = 2";
    tamper(&mut owner, forget).await;
    assert_eq!(found(&store, &[]).await, Vec::<String>::new());
    let told = found(&store, &kept).await;
    assert!(
        told.len() == 1 && told[0].contains("no longer in the database"),
        "{told:?}"
    );

    // Nor can a new one be put in its place.
    checkpoint(&store, &CheckpointKey::new(&[8; 32])).await;
    let told = found(&store, &[]).await;
    assert!(
        told.len() == 1 && told[0].contains("not signed by us"),
        "{told:?}"
    );
    let told = found(&store, &kept).await;
    assert!(
        told.iter()
            .any(|it| it.contains("another one in the database")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_chain_that_is_gone_altogether_shows_by_a_checkpoint() {
    let database = Database::new().await;
    let (store, mut owner) = (database.store(), database.owner().await);
    for id in ["R01", "R02"] {
        receive(&store, derby(), id, 1).await;
    }
    let kept = [checkpoint(&store, &our_key()).await];
    let remove =
        "DELETE FROM audit USING referral WHERE referral_key = key AND referral_id = 'R02';
        UPDATE referral SET audit_seq = 0, audit_hash = sha256('') WHERE referral_id = 'R02'";
    tamper(&mut owner, remove).await;
    assert_eq!(store.check_audit_chains().await.unwrap(), []);
    let told = found(&store, &kept).await;
    assert!(
        told.len() == 1 && told[0].contains("line 1 of the chain"),
        "{told:?}"
    );
    // With the checkpoint's own record of it removed, that is not what was signed any more.
    let forget = "DELETE FROM audit_checkpoint_end USING referral
        WHERE referral_key = key AND referral_id = 'R02'";
    tamper(&mut owner, forget).await;
    let told = found(&store, &kept).await;
    assert!(
        told.len() == 1 && told[0].contains("not as it was made"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_line_that_was_written_anew_with_all_that_follow_shows_by_a_checkpoint() {
    let database = Database::new().await;
    let (store, mut owner) = (database.store(), database.owner().await);
    receive(&store, derby(), "R01", 1).await;
    receive(&store, derby(), "R01", 2).await;
    let kept = [checkpoint(&store, &our_key()).await];
    // The last line is taken away, and another act is recorded in its place by the product itself.
    tamper(&mut owner, CUT_TAIL).await;
    receive(&store, derby(), "R01", 3).await;
    assert_eq!(store.check_audit_chains().await.unwrap(), []);
    let told = found(&store, &kept).await;
    assert!(
        told.len() == 1 && told[0].contains("line 2 of the chain"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_checkpoint_names_only_what_has_grown() {
    let database = Database::new().await;
    let (store, mut owner) = (database.store(), database.owner().await);
    receive(&store, derby(), "R01", 1).await;
    change_setting(&store, derby(), "F01", 1).await;
    checkpoint(&store, &our_key()).await;
    receive(&store, derby(), "R01", 2).await;
    checkpoint(&store, &our_key()).await;
    checkpoint(&store, &our_key()).await;
    let ends: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT number, count(seq) FROM audit_checkpoint
         LEFT JOIN audit_checkpoint_end USING (authority, number) GROUP BY number ORDER BY number",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(ends, [(1, 2), (2, 1), (3, 0)]);
    assert_eq!(found(&store, &[]).await, Vec::<String>::new());
}
