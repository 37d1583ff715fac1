//! Events that cannot be handled: each is kept with a reason, and none holds up the one behind it.

use oss_end_to_end::{Producer, Product, SOON, data, events};
use oss_testkit::wait;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A subject, headers and a body.
type Message = (String, Vec<(&'static str, &'static str)>, Vec<u8>);

/// What is wrong outside the data: a subject, headers, a body.
fn malformed(producer: &Producer, referral: &Value) -> Vec<Message> {
    let subject = events::subject("referral.submitted", referral);
    // Each is an event of its own: one that was seen before does nothing.
    let event = || producer.event("referral.submitted", referral);
    let with = |key: &str, value: Value| {
        let mut event = event();
        event[key] = value;
        event.to_string().into_bytes()
    };
    let without = |key: &str| {
        let mut event = event();
        event.as_object_mut().unwrap().remove(key);
        event.to_string().into_bytes()
    };
    let deep = [vec![b'['; 20_000], vec![b']'; 20_000]].concat();
    let mut large = event();
    large["data"]["reason"] = "x".repeat(300_000).into();
    let bodies = vec![
        b"".to_vec(),
        b"not json".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"42".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        deep,
        large.to_string().into_bytes(),
        with("specversion", json!("0.3")),
        without("specversion"),
        without("id"),
        with("id", json!("")),
        with("id", json!("x".repeat(129))),
        with("id", json!(7)),
        without("source"),
        without("type"),
        with("type", json!("uk.oss.referral.sent.v1")),
        with("type", json!("uk.oss.referral.submitted.v2")),
        with("type", json!("uk.oss.setting.changed.v1")),
        with("time", json!("yesterday")),
        without("data"),
        with("data", json!([])),
        with("data", json!("text")),
        with("subject", json!("ANOTHER")),
    ];
    let mut all: Vec<_> = bodies
        .into_iter()
        .map(|body| (subject.clone(), Vec::new(), body))
        .collect();
    let body = || event().to_string().into_bytes();
    for subject in [
        "oss.in.v1.derby.referral.submitted",
        "oss.in.v1.E06000018.referral.submitted",
        "oss.in.v1.E06000015.referral",
        "oss.in.v1.E06000015.referral.submitted.more",
        "oss.in.v1.E06000015.setting.changed",
    ] {
        all.push((subject.to_owned(), Vec::new(), body()));
    }
    // Binary mode without what it needs.
    all.push((
        subject.clone(),
        vec![
            ("ce-specversion", "1.0"),
            ("Content-Type", "application/json"),
        ],
        referral.to_string().into_bytes(),
    ));
    all
}

#[tokio::test]
async fn every_bad_event_is_kept_with_its_reason_and_holds_up_nobody() {
    let product = Product::start(&["--no-sample"]).await;
    product.import(&data::supply_file()).await;
    let (producer, observer) = product.clients().await;
    let api = product.api();

    let bad = data::bad_events();
    for (noun_verb, event) in &bad {
        producer
            .send(&events::subject(noun_verb, &event["data"]), event)
            .await;
    }
    let malformed = malformed(&producer, &data::referral("R01", "BAD"));
    for (subject, headers, body) in &malformed {
        producer.send_bytes(subject, headers, body.clone()).await;
    }
    let n_bad = bad.len() + malformed.len();
    assert!(n_bad >= 40, "{n_bad} kinds");

    // For a setting that nobody knows: it is tried for some ten seconds.
    let vacancy = json!({"setting_id": "LATE", "authority": "E06000015", "occupancy_version": 4, "blocked_places": 1});
    let late = producer.publish("vacancy.changed", &vacancy).await;
    producer
        .publish("referral.submitted", &data::referral("R01", "GOOD"))
        .await;
    observer
        .first("offers.proposed", "referral_id", "GOOD")
        .await;
    let given_up = observer.about("event.dead_lettered", "event_id", &late);
    assert!(given_up.is_empty(), "what is behind them is not held up");

    // Each is kept and told, with a reason that a person can read.
    let n_told = || {
        let all = observer.all();
        all.iter()
            .filter(|it| it.event["type"] == "uk.oss.event.dead_lettered.v1")
            .count()
    };
    let all_told = wait::until_some(SOON, || async { (n_told() >= n_bad).then_some(()) }).await;
    assert!(all_told.is_some(), "{} of {n_bad} are told", n_told());
    wait::until(SOON, || async {
        api.all("/dead-letters").await.len() >= n_bad
    })
    .await;
    for letter in api.all("/dead-letters").await {
        let reason = letter["reason"].as_str().unwrap();
        assert!(
            reason.len() > 10 && letter["subject"].is_string(),
            "{letter}"
        );
        assert!(
            letter["id"].is_string() && letter["received_at"].is_string(),
            "{letter}"
        );
        // What will never work is not tried again; what may is, five times.
        let tries = if letter["code"] == "not_known" { 5 } else { 1 };
        assert_eq!(letter["attempts"], tries, "{letter}");
    }
    for (noun_verb, event) in &bad {
        let id = event["id"].as_str().unwrap();
        let told = observer.first("event.dead_lettered", "event_id", id).await;
        assert_eq!(told["attempts"], 1, "{told}");
        if noun_verb.starts_with("referral.") {
            let rejected = observer.first("referral.rejected", "event_id", id).await;
            let errors = rejected["problem"]["errors"].as_array().unwrap();
            assert!(
                !errors.is_empty()
                    && errors.iter().all(|it| it["pointer"].is_string()
                        && it["code"].is_string()
                        && it["detail"].is_string()),
                "{rejected}"
            );
        }
    }
    let dead = observer
        .all()
        .into_iter()
        .filter(|it| it.event["type"] == "uk.oss.event.dead_lettered.v1");
    let mut by_subject: BTreeMap<String, usize> = BTreeMap::new();
    dead.for_each(|it| *by_subject.entry(it.subject).or_default() += 1);
    // What came on the subject of a council that is not served here is told on that council's.
    for authority in ["unknown", "E06000018"] {
        let subject = format!("oss.evt.v1.{authority}.event.dead_lettered");
        assert!(by_subject.contains_key(&subject), "{by_subject:?}");
    }
    assert_eq!(
        api.get("/referrals/BAD").await.status,
        404,
        "nothing of a bad event is stored"
    );

    // The one that waited is parked after five tries; once its setting is there, it can be retried.
    let parked = observer
        .first("event.dead_lettered", "event_id", &late)
        .await;
    assert_eq!(parked["attempts"], 5, "{parked}");
    let mut setting = data::setting("F02");
    setting["setting_id"] = json!("LATE");
    producer.publish("setting.changed", &setting).await;
    wait::until(SOON, || async {
        api.get("/settings/LATE").await.status == 200
    })
    .await;
    let letters = api.all("/dead-letters").await;
    let letter = letters.iter().find(|it| it["attempts"] == 5).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        api.post(&format!("/dead-letters/{letter}/retry"), json!({}))
            .await
            .status,
        202
    );
    wait::until(SOON, || async {
        api.found("/settings/LATE").await["blocked_places"] == 1
    })
    .await;
    wait::until(SOON, || async {
        api.all("/dead-letters")
            .await
            .iter()
            .all(|it| it["id"] != letter.as_str())
    })
    .await;

    // By command too: one that still cannot be handled stays, with its reason.
    let listed = product.run(&["dead-letters", "--json"]).await;
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    let first = letters
        .iter()
        .find(|it| it["id"] != letter.as_str())
        .unwrap()["id"]
        .as_str()
        .unwrap();
    let retried = product.run(&["dead-letters", "--retry", first]).await;
    assert_eq!(retried.code, Some(0), "{}", retried.stderr);
    product.is_sound().await;
}
