//! The acceptance scenarios over the wire: every number of every outcome.

use oss_end_to_end::{Product, data};
use serde_json::{Value, json};

/// The parts of `found` that `expected` names: the wire says more.
fn as_named(expected: &Value, found: &Value) -> Value {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected
            .iter()
            .map(|(key, value)| {
                (
                    key.clone(),
                    as_named(value, found.get(key).unwrap_or(&Value::Null)),
                )
            })
            .collect(),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => expected
            .iter()
            .zip(found)
            .map(|(e, f)| as_named(e, f))
            .collect(),
        _ => found.clone(),
    }
}

#[tokio::test]
async fn every_outcome_of_the_scenarios_is_exact_over_the_wire() {
    let product = Product::start(&["--no-sample"]).await;
    product.import(&data::supply_file()).await;
    let (producer, observer) = product.clients().await;
    let api = product.api();
    assert_eq!(api.all("/settings").await.len(), 35);

    for referral in data::referrals() {
        producer.publish("referral.submitted", &referral).await;
    }
    let expected = data::expected();
    assert_eq!(expected.len(), 20);
    for expected in expected {
        let id = expected["referral_id"].as_str().unwrap();
        let ranked = expected["ranked"].as_array().unwrap();
        let told = if ranked.is_empty() {
            "referral.unfilled"
        } else {
            "offers.proposed"
        };
        let told = observer.first(told, "referral_id", id).await;
        let record = api
            .found(&format!("/match-runs/{}", told["run_id"].as_str().unwrap()))
            .await;
        let found = as_named(&expected, &record);
        for part in ["excluded", "ranked", "near_misses"] {
            assert_eq!(found[part], expected[part], "{id} {part}");
        }
        let ids = |list: &Value| -> Value {
            list.as_array()
                .unwrap()
                .iter()
                .map(|it| it["setting_id"].clone())
                .collect()
        };
        assert_eq!(ids(&told["offers"]), ids(&expected["ranked"]), "{id}");
        let n = ranked.len() + expected["excluded"].as_array().unwrap().len();
        assert_eq!(record["evaluated"], json!(n), "{id}");
    }
    product.is_sound().await;
}
