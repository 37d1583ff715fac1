//! The audit, as whoever looks after it from outside verifies it.

use oss_end_to_end::{Product, data};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::fs;

#[tokio::test]
async fn what_is_cut_off_the_audit_shows_by_a_checkpoint_that_was_kept_elsewhere() {
    let product = Product::start(&["--no-sample"]).await;
    product.import(&data::supply_file()).await;
    let (producer, observer) = product.clients().await;
    producer
        .publish("referral.submitted", &data::referral("R01", "E2E-1"))
        .await;
    observer
        .first("offers.proposed", "referral_id", "E2E-1")
        .await;

    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("checkpoints.jsonl");
    let file = file.display().to_string();
    let append = ["audit", "checkpoint", "--append", &file];
    for n_made in 1..=2 {
        let made = product.run(&append).await;
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let kept = fs::read_to_string(&file).unwrap();
        assert_eq!((kept.lines().count(), &*made.stdout), (n_made, ""));
    }
    let nowhere = ["audit", "checkpoint", "--append", "/nowhere/to/be/found"];
    assert_eq!(product.run(&nowhere).await.code, Some(1));
    let verify = ["audit", "verify", "--json", "--checkpoint", &file];
    let whole = product.run(&verify).await;
    let told: Value = serde_json::from_str(&whole.stdout).unwrap();
    assert_eq!((whole.code, &told["whole"]), (Some(0), &true.into()));
    assert!(told["lines"].as_u64().unwrap() > 2, "{told}");

    // Whoever runs the database takes a referral's lines away, and all in it that tells.
    let mut owner = PgConnection::connect(product.says("database_url"))
        .await
        .unwrap();
    let tamper = "
        ALTER TABLE audit DISABLE TRIGGER USER;
        ALTER TABLE audit_checkpoint DISABLE TRIGGER USER;
        ALTER TABLE audit_checkpoint_end DISABLE TRIGGER USER;
        DELETE FROM audit USING referral WHERE referral_key = key AND referral_id = 'E2E-1';
        UPDATE referral SET audit_seq = 0 WHERE referral_id = 'E2E-1';
        DELETE FROM audit_checkpoint_end;
        DELETE FROM audit_checkpoint";
    sqlx::raw_sql(tamper).execute(&mut owner).await.unwrap();
    let cut = product.run(&verify).await;
    assert_eq!(cut.code, Some(1), "{}", cut.stderr);
    assert!(
        cut.stdout.contains("checkpoint 1 of E06000015")
            && cut.stdout.contains("is no longer in the database"),
        "{}",
        cut.stdout
    );
}

#[tokio::test]
async fn the_doctor_judges_anew_whether_a_place_might_be_taken() {
    let product = Product::start(&["--no-sample"]).await;
    product.import(&data::supply_file()).await;
    let (producer, observer) = product.clients().await;
    producer
        .publish("referral.submitted", &data::referral("R01", "E2E-1"))
        .await;
    let offers = observer
        .first("offers.proposed", "referral_id", "E2E-1")
        .await;
    let best = &offers["offers"][0];
    let hold = format!("/offers/{}/hold", best["offer_id"].as_str().unwrap());
    let held = product.api().post(&hold, json!({})).await;
    assert_eq!(held.status, 201, "{}", held.body);
    product.is_sound().await;

    // As if the carer had been approved for babies alone when the place was taken.
    let mut owner = PgConnection::connect(product.says("database_url"))
        .await
        .unwrap();
    let planted = "UPDATE setting_version
        SET document = jsonb_set(document, '{approval,max_age}', '1') WHERE document ->> 'setting_id' = $1";
    let planted = sqlx::query(planted).bind(best["setting_id"].as_str().unwrap());
    planted.execute(&mut owner).await.unwrap();
    let found = product.run(&["doctor"]).await;
    assert_eq!(found.code, Some(1), "{}", found.stderr);
    let names = format!("I5: hold {}", held.body["hold_id"].as_str().unwrap());
    assert!(found.stdout.contains(&names), "{}", found.stdout);
}
