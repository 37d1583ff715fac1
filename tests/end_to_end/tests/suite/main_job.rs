//! The main job: a referral event in, lawful ranked offers out.

use oss_end_to_end::{Product, SOON, data};
use oss_messaging::{Connection, Outgoing, Publisher};
use oss_testkit::wait;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt};

#[tokio::test]
async fn a_referral_event_becomes_ranked_offers() {
    let product = Product::start(&[]).await;
    let (producer, observer) = product.clients().await;
    let api = product.api();

    producer
        .publish("referral.submitted", &data::referral("R01", "E2E-1"))
        .await;
    let offers = observer
        .first("offers.proposed", "referral_id", "E2E-1")
        .await;
    let evaluated = offers["evaluated"].as_u64().unwrap();
    assert!(
        evaluated > 900,
        "all of the sample register but others' relatives: {evaluated}"
    );
    assert!(!offers["offers"].as_array().unwrap().is_empty());

    // What is told, what the API gives, and what is kept are the same.
    assert_eq!(api.found("/referrals/E2E-1/offers").await, offers);
    let run = format!("/match-runs/{}", offers["run_id"].as_str().unwrap());
    let record = api.found(&run).await;
    assert_eq!(api.found(&run).await, record, "identical for ever");
    let n_offers = offers["offers"].as_array().unwrap().len();
    assert_eq!(
        record["ranked"].as_array().unwrap()[..n_offers],
        offers["offers"].as_array().unwrap()[..]
    );
    let count = |part: &str| record[part].as_array().unwrap().len();
    assert_eq!(
        count("ranked") + count("excluded"),
        usize::try_from(evaluated).unwrap(),
        "every setting has its outcome"
    );
    assert!(
        record["excluded"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| !it["reasons"].as_array().unwrap().is_empty())
    );
    assert_eq!(api.found("/referrals/E2E-1").await["state"], "ranked");
    observer
        .first("referral.received", "referral_id", "E2E-1")
        .await;

    // Every event carries its own id to the broker, so that it is stored once.
    for heard in observer.all() {
        assert_eq!(
            heard.message_id.as_deref(),
            heard.event["id"].as_str(),
            "{}",
            heard.subject
        );
        assert!(!heard.subject.contains("E2E"), "{}", heard.subject);
    }

    // The same by command.
    let shown = product.run(&["offers", "E2E-1"]).await;
    let best = offers["offers"][0]["setting_id"].as_str().unwrap();
    assert!(
        shown.stdout.lines().nth(1).unwrap().contains(best),
        "{}",
        shown.stdout
    );
    let proof = product
        .run(&["explain", "--run", offers["run_id"].as_str().unwrap()])
        .await;
    assert_eq!(proof.code, Some(0), "{}{}", proof.stdout, proof.stderr);
    product.is_sound().await;
}

#[tokio::test]
async fn dev_json_is_the_owners_alone_and_says_all_that_the_contract_asks() {
    let product = Product::start(&["--no-sample"]).await;
    let file = product.home().data_dir().join("dev.json");
    assert_eq!(
        fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    for key in [
        "http_url",
        "ops_url",
        "nats_url",
        "database_url",
        "api_token",
    ] {
        assert!(product.dev[key].is_string(), "{key}");
    }
    for user in ["producer", "observer"] {
        for key in ["user", "password", "inbox_prefix"] {
            assert!(product.dev["nats"][user][key].is_string(), "{user} {key}");
        }
    }
    assert!(product.dev["logins"].is_array());
    assert!(
        product.api().all("/settings").await.is_empty(),
        "--no-sample means none"
    );
    assert!(product.api().all("/referrals").await.is_empty());

    // Nobody without the token.
    let stranger = oss_end_to_end::Api::new(product.says("http_url"), "guess");
    assert_eq!(stranger.get("/settings").await.status, 401);
}

#[tokio::test]
async fn the_producer_only_publishes_and_the_observer_only_listens() {
    let product = Product::start(&["--no-sample"]).await;
    let (producer, observer) = product.clients().await;
    let observing = Connection::open(&product.broker("observer")).await.unwrap();
    observing.ready(SOON).await.unwrap();

    // What nobody may do, all at once, since a refusal is a silence.
    let referral = data::referral("R01", "E2E-2");
    let event = producer.event("referral.submitted", &referral);
    let forged = producer.event("offers.proposed", &json!({"referral_id": "FORGED"}));
    let observers = Outgoing {
        subject: "oss.in.v1.E06000015.referral.submitted".to_owned(),
        message_id: "observers".to_owned(),
        headers: Vec::new(),
        payload: event.to_string().into(),
    };
    let publisher = Publisher::new(&observing);
    let (as_observer, as_producer) = tokio::join!(
        publisher.publish_and_confirm(observers),
        producer.try_send(
            "oss.evt.v1.E06000015.offers.proposed",
            &[],
            forged.to_string().into_bytes()
        ),
    );
    assert!(as_observer.is_err() && as_producer.is_err());
    let mut overheard = observing.listen("oss.in.v1.>").await.unwrap();
    let mut eavesdropped = producer.connection.listen("oss.evt.v1.>").await.unwrap();
    let inbox = format!(
        "{}.>",
        product.dev["nats"]["observer"]["inbox_prefix"]
            .as_str()
            .unwrap()
    );
    let mut inboxes = producer.connection.listen(&inbox).await.unwrap();

    // What follows was let through, and nothing before it was.
    producer.publish("referral.submitted", &referral).await;
    wait::until(SOON, || async {
        observer
            .all()
            .iter()
            .any(|it| it.event["data"]["referral_id"] == "E2E-2")
    })
    .await;
    let silence = std::time::Duration::from_millis(200);
    assert!(
        tokio::time::timeout(silence, overheard.next())
            .await
            .ok()
            .flatten()
            .is_none()
    );
    assert!(
        tokio::time::timeout(silence, eavesdropped.next())
            .await
            .ok()
            .flatten()
            .is_none()
    );
    assert!(
        tokio::time::timeout(silence, inboxes.next())
            .await
            .ok()
            .flatten()
            .is_none()
    );
    assert!(
        observer
            .about("offers.proposed", "referral_id", "FORGED")
            .is_empty()
    );
    let received: Vec<Value> = observer.about("referral.received", "referral_id", "E2E-2");
    assert_eq!(received.len(), 1, "the observer's own was not taken");
}
