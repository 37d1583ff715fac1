//! Hundreds who want the same place at the same moment: one gets it, the others are told what is left.

use oss_end_to_end::{Api, Product, SOON, data, http::Answer, n_rounds};
use oss_testkit::wait;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};

/// Referrals that all want the one place.
const WHO_WANT_IT: usize = 500;

/// A carer with room for one more child.
const WANTED: &str = "F02";

#[tokio::test]
async fn of_five_hundred_who_hold_one_place_at_once_one_gets_it() {
    let product = Product::start(&["--no-sample"]).await;
    product.import(&data::supply_file()).await;
    let api = product.api();
    let offers = offers_of_one_place(&product, &api).await;
    let n_read = n_lists_read(&product).await;

    let mut slowest = Duration::ZERO;
    for round in 0..n_rounds() {
        let since = Instant::now();
        let tries = offers.iter().map(|offer| {
            let (api, path) = (api.clone(), format!("/offers/{offer}/hold"));
            tokio::spawn(async move { api.post(&path, json!({})).await })
        });
        let tries: Vec<_> = tries.collect();
        let mut held = Vec::new();
        for (tried, offer) in tries.into_iter().zip(&offers) {
            let answer = tried.await.unwrap();
            match answer.status {
                201 => held.push(answer.body["hold_id"].as_str().unwrap().to_owned()),
                _ => was_told_what_is_left(&answer, offer),
            }
        }
        slowest = slowest.max(since.elapsed());
        println!("round {round}: {:?}", since.elapsed());
        assert_eq!(held.len(), 1, "{held:?} in round {round}");
        let released = api.delete(&format!("/holds/{}", held[0])).await;
        assert_eq!(released.status, 204, "{}", released.body);
    }
    let n_told = i64::from(n_rounds()) * i64::try_from(offers.len() - 1).unwrap();
    assert_eq!(
        n_lists_read(&product).await,
        n_read + n_told,
        "each list is on the record"
    );
    product.is_sound().await;
    println!(
        "{} rounds of {WHO_WANT_IT}, {slowest:?} at most",
        n_rounds()
    );
}

#[tokio::test]
async fn a_hold_that_ends_gives_its_place_to_those_who_wait_for_it() {
    let product = Product::start(&["--no-sample"]).await;
    product.import(&data::supply_file()).await;
    let (producer, observer) = product.clients().await;
    let api = product.api();
    let mut lists = Vec::new();
    for id in ["HOLDS", "WAITS"] {
        producer
            .publish("referral.submitted", &data::referral("R01", id))
            .await;
        lists.push(observer.first("offers.proposed", "referral_id", id).await);
    }
    let wanted = all(&lists[0]).find(|offer| offer["setting_id"] == WANTED);
    let hold = format!("/offers/{}/hold", text(&wanted.unwrap()["offer_id"]));
    let held = api.post(&hold, json!({})).await;
    assert_eq!(held.status, 201, "{}", held.body);
    let without = observer
        .nth(2, "offers.proposed", "referral_id", "WAITS")
        .await;
    assert!(all(&without).all(|offer| offer["setting_id"] != WANTED));

    // Nobody waits two days for it here: the end of the hold is moved to this moment.
    let mut owner = PgConnection::connect(product.says("database_url"))
        .await
        .unwrap();
    let now = "UPDATE occupancy SET until = now() WHERE supply_until IS NULL;
        UPDATE deadline SET due_at = until FROM occupancy WHERE thing = hold_id";
    sqlx::raw_sql(now).execute(&mut owner).await.unwrap();
    let since = Instant::now();
    let again = observer
        .nth(3, "offers.proposed", "referral_id", "WAITS")
        .await;
    println!("offered again {:?} after the hold's end", since.elapsed());
    assert!(all(&again).any(|offer| offer["setting_id"] == WANTED));
    product.is_sound().await;
}

/// How many lists of offers the audit says were read.
async fn n_lists_read(product: &Product) -> i64 {
    let url = product.says("database_url");
    let mut owner = PgConnection::connect(url).await.unwrap();
    let count = "SELECT count(*) FROM audit WHERE act = 'options.read'";
    sqlx::query_scalar(count)
        .fetch_one(&mut owner)
        .await
        .unwrap()
}

/// Refers the children, and gives the offer of each for the place.
async fn offers_of_one_place(product: &Product, api: &Api) -> Vec<String> {
    let (producer, observer) = product.clients().await;
    let ids: Vec<_> = (0..WHO_WANT_IT).map(|nth| format!("H{nth}")).collect();
    for id in &ids {
        producer
            .publish("referral.submitted", &data::referral("R01", id))
            .await;
    }
    let last = ids.last().unwrap();
    observer.first("offers.proposed", "referral_id", last).await;
    let mut offers = Vec::new();
    for id in &ids {
        let list = wait::until_some(SOON, || async {
            let answer = api.get(&format!("/referrals/{id}/offers")).await;
            (answer.status == 200).then_some(answer.body)
        });
        let list = list.await.expect("it is ranked");
        let wanted = all(&list).find(|offer| offer["setting_id"] == WANTED);
        offers.push(text(&wanted.unwrap()["offer_id"]));
    }
    offers
}

fn was_told_what_is_left(answer: &Answer, gone: &str) {
    let body = &answer.body;
    assert_eq!(answer.status, 409, "{body}");
    assert_eq!(body["type"], "urn:oss:problem:place_gone", "{body}");
    let left: Vec<_> = all(body).map(|offer| text(&offer["offer_id"])).collect();
    assert!(
        !left.is_empty() && !left.iter().any(|it| it == gone),
        "{body}"
    );
}

fn all(list: &Value) -> impl Iterator<Item = &Value> {
    list["offers"].as_array().unwrap().iter()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
