//! Facts twice, late, early and in any order: the outcome is that of the newest.

use oss_end_to_end::{Product, SOON, data, events};
use oss_testkit::wait;
use serde_json::{Value, json};

fn withdrawal(id: &str) -> Value {
    json!({"referral_id": id, "authority": "E06000015", "reason": "found by the family"})
}

fn first_setting(offers: &Value) -> &str {
    offers["offers"][0]["setting_id"].as_str().unwrap()
}

#[tokio::test]
async fn the_highest_revision_wins_and_nothing_happens_twice() {
    let product = Product::start(&["--no-sample"]).await;
    product.import(&data::supply_file()).await;
    let (producer, observer) = product.clients().await;
    let api = product.api();

    // The amendment comes first, then what it amends.
    let mut referral = data::referral("R01", "A");
    referral["revision"] = json!(2);
    producer.publish("referral.amended", &referral).await;
    let offers = observer.first("offers.proposed", "referral_id", "A").await;
    assert_eq!(offers["revision"], 2);
    referral["revision"] = json!(1);
    producer.publish("referral.submitted", &referral).await;

    // The same event twice: the broker sees two messages, the inbox one event.
    let event = producer.event("referral.submitted", &data::referral("R01", "B"));
    let subject = events::subject("referral.submitted", &event["data"]);
    producer.send(&subject, &event).await;
    producer.send(&subject, &event).await;
    // And with another content under the same id: it is the same event still.
    let mut other = event.clone();
    other["data"]["revision"] = json!(9);
    producer.send(&subject, &other).await;

    // Withdrawn before it is known: final.
    producer
        .publish("referral.withdrawn", &withdrawal("C"))
        .await;
    producer
        .publish("referral.submitted", &data::referral("R01", "C"))
        .await;

    // The same revision with another content.
    let mut conflicting = data::referral("R01", "B");
    conflicting["urgency"] = json!("urgent");
    let conflict = producer.publish("referral.submitted", &conflicting).await;
    let rejected = observer
        .first("referral.rejected", "event_id", &conflict)
        .await;
    assert!(
        rejected.to_string().contains("revision_conflict"),
        "{rejected}"
    );

    // Amended with a gap, then an older one.
    let mut newer = data::referral("R01", "B");
    newer["revision"] = json!(7);
    newer["urgency"] = json!("urgent");
    producer.publish("referral.amended", &newer).await;
    newer["revision"] = json!(5);
    newer["urgency"] = json!("emergency");
    producer.publish("referral.amended", &newer).await;
    // An end of the line: what was published before it has been handled.
    producer
        .publish("referral.submitted", &data::referral("R01", "Z"))
        .await;
    observer.first("offers.proposed", "referral_id", "Z").await;

    assert_eq!(
        observer.about("offers.proposed", "referral_id", "A").len(),
        1
    );
    assert_eq!(api.found("/referrals/A").await["revision"], 2);
    let b = observer.about("offers.proposed", "referral_id", "B");
    let revisions: Vec<_> = b.iter().map(|it| it["data"]["revision"].clone()).collect();
    assert_eq!(revisions, [1, 7]);
    assert_eq!(api.found("/referrals/B").await["urgency"], "urgent");
    assert_eq!(api.found("/referrals/C").await["state"], "withdrawn");
    assert!(
        observer
            .about("offers.proposed", "referral_id", "C")
            .is_empty()
    );

    producer
        .publish("referral.withdrawn", &withdrawal("A"))
        .await;
    let closed = observer.first("referral.closed", "referral_id", "A").await;
    assert_eq!(closed["outcome"], "withdrawn");
    let last = api.found("/referrals/A/offers").await;
    assert_eq!(last["run_id"], offers["run_id"], "closed: the last run");
    product.is_sound().await;
}

#[tokio::test]
async fn a_changed_supply_ranks_again_those_it_concerns() {
    let product = Product::start(&["--no-sample"]).await;
    product.import(&data::supply_file()).await;
    let (producer, observer) = product.clients().await;
    let api = product.api();
    let at_version = async |setting: &str, key: &str, version: u64| {
        wait::until(SOON, || async {
            api.get(&format!("/settings/{setting}")).await.body[key] == version
        })
        .await;
    };

    producer
        .publish("referral.submitted", &data::referral("R01", "A"))
        .await;
    let first = observer.first("offers.proposed", "referral_id", "A").await;
    let best = first_setting(&first).to_owned();

    // A change that makes no difference is taken in and not told.
    let mut same = data::setting(&best);
    same["version"] = json!(2);
    same["capacity_confirmed_at"] = json!("2026-11-20T12:00:00Z");
    producer.publish("setting.changed", &same).await;
    at_version(&best, "version", 2).await;

    // A vacancy that arrives before its setting waits for it.
    let mut new = data::setting("F02");
    new["setting_id"] = json!("NEW");
    new["weekly_cost_pence"] = json!(10_000);
    producer.publish("vacancy.changed", &json!({"setting_id": "NEW", "authority": "E06000015", "occupancy_version": 3, "residents": [{"child_id": "k", "sex": "F", "age": 7}]})).await;
    producer.publish("setting.changed", &new).await;
    at_version("NEW", "occupancy_version", 3).await;
    assert_eq!(
        api.found("/settings/NEW").await["residents"][0]["child_id"],
        "k"
    );

    // The best one closes: ranked again without it, and the old one of two versions is ignored.
    let closure =
        json!({"setting_id": best, "authority": "E06000015", "version": 3, "reason": "retired"});
    producer.publish("setting.closed", &closure).await;
    let ranked_without = wait::until_some(SOON, || async {
        let all = observer.about("offers.proposed", "referral_id", "A");
        all.into_iter().find(|it| {
            !it["data"]["offers"]
                .to_string()
                .contains(&format!("\"{best}\""))
        })
    })
    .await
    .expect("the closed setting is out");
    assert_ne!(ranked_without["data"]["run_id"], first["run_id"]);
    producer.publish("setting.changed", &same).await;
    producer
        .publish("referral.submitted", &data::referral("R01", "Z"))
        .await;
    let later = observer.first("offers.proposed", "referral_id", "Z").await;
    assert!(!later["offers"].to_string().contains(&format!("\"{best}\"")));
    assert_eq!(
        api.found("/referrals/A/offers").await["offers"],
        ranked_without["data"]["offers"]
    );

    // An offer keeps its id while its setting stays ranked.
    let ids = |offers: &Value| -> Vec<(String, String)> {
        let text = |it: &Value, key: &str| it[key].as_str().unwrap().to_owned();
        offers["offers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (text(it, "setting_id"), text(it, "offer_id")))
            .collect()
    };
    let after = ids(&ranked_without["data"]);
    assert!(
        ids(&first)
            .into_iter()
            .filter(|(id, _)| *id != best)
            .all(|it| after.contains(&it))
    );
    // Told when it began, perhaps once the new setting was there, and when the best one closed.
    let told = observer.about("offers.proposed", "referral_id", "A");
    assert!(
        told.windows(2)
            .all(|two| two[0]["data"]["offers"] != two[1]["data"]["offers"]),
        "told without a difference"
    );
    product.is_sound().await;
}
