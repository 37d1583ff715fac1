//! What is told in words about a child is stored and shown to those allowed, and nowhere else.

use oss_end_to_end::{Product, data};

const TEXTS: [&str; 4] = ["title", "wishes_and_feelings", "reason", "contact_plan"];

#[tokio::test]
async fn texts_and_childrens_ids_are_in_no_log_metric_or_event() {
    let product = Product::start(&["--no-sample"]).await;
    product.import(&data::supply_file()).await;
    let (producer, observer) = product.clients().await;
    let mut referral = data::referral("R01", "CANARY-REFERRAL");
    for text in TEXTS {
        referral[text] = format!("canary-{text} who is told of").into();
    }
    referral["children"][0]["child_id"] = "CANARY-CHILD".into();
    referral["children"][0]["date_of_birth"] = "2019-05-17".into();
    producer.publish("referral.submitted", &referral).await;
    observer
        .first("offers.proposed", "referral_id", "CANARY-REFERRAL")
        .await;
    // And where they are wrong: neither the refusal nor its dead letter repeats them.
    let mut wrong = data::referral("R01", "CANARY-WRONG");
    for text in TEXTS {
        wrong[text] = format!("canary-{text} again").into();
    }
    wrong["children"][0]["sex"] = "canary-sex".into();
    wrong["locations"]["home"] = "canary-home".into();
    let id = producer.publish("referral.submitted", &wrong).await;
    observer.first("referral.rejected", "event_id", &id).await;
    observer.first("event.dead_lettered", "event_id", &id).await;

    let api = product.api();
    let shown = api.found("/referrals/CANARY-REFERRAL").await.to_string();
    let letters = serde_json::Value::from(api.all("/dead-letters").await).to_string();
    let ops = product.says("ops_url").to_owned();
    let metrics = reqwest::get(format!("{ops}/metrics"))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let offers = api
        .found("/referrals/CANARY-REFERRAL/offers")
        .await
        .to_string();
    let told: Vec<_> = observer
        .all()
        .iter()
        .map(|it| format!("{} {}", it.subject, it.event))
        .collect();
    let told = told.concat();
    let (_, home) = product.stop().await;
    let terminal = home.output();
    let server_logs: String = ["nats/nats.log", "postgres/postgres.log"]
        .map(|log| std::fs::read_to_string(home.data_dir().join(log)).unwrap_or_default())
        .concat();

    assert!(
        shown.contains("canary-title"),
        "it is stored, and shown to those allowed"
    );
    for (place, text) in [
        ("dead letters", &letters),
        ("metrics", &metrics),
        ("offers", &offers),
        ("events", &told),
        ("terminal", &terminal),
        ("server logs", &server_logs),
    ] {
        for canary in ["canary-", "CANARY-CHILD", "2019-05-17"] {
            assert!(!text.contains(canary), "{canary} is in the {place}");
        }
    }
    for (place, text) in [
        ("metrics", &metrics),
        ("terminal", &terminal),
        ("server logs", &server_logs),
    ] {
        assert!(
            !text.contains("CANARY-"),
            "a referral's id is in the {place}"
        );
    }
}
