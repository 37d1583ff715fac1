//! The service killed at any moment, under load: nothing is lost and nothing happens twice.

use oss_end_to_end::{Home, Product, SOON, data, n_kills};
use oss_testkit::wait;
use std::time::Duration;

/// Referrals published before each kill.
const BETWEEN_KILLS: usize = 40;

/// After a kill the product must be ready again within this time.
const READY_AGAIN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn killed_under_load_every_referral_has_one_outcome() {
    let product = Product::start(&["--no-sample"]).await;
    product.import(&data::supply_file()).await;
    let mut home_or_product = product;
    let mut published = Vec::new();
    let mut slowest = Duration::ZERO;
    for round in 0..n_kills() {
        let (producer, _) = home_or_product.clients().await;
        for nth in 0..BETWEEN_KILLS {
            let id = format!("K{round}-{nth}");
            producer
                .publish("referral.submitted", &data::referral("R01", &id))
                .await;
            published.push(id);
        }
        // Whatever it is doing at this moment: the rounds differ in how much is done by now.
        let api = home_or_product.api();
        let wanted = published.len() - BETWEEN_KILLS * usize::try_from(round % 4).unwrap() / 4;
        let waiting = wait::until_some(SOON, || async {
            (api.all("/referrals").await.len() + BETWEEN_KILLS >= wanted).then_some(())
        });
        waiting.await.expect("it works");
        let home: Home = home_or_product.kill().await;
        home_or_product = home.start(&["--no-sample"]).await;
        slowest = slowest.max(home_or_product.took);
        assert!(
            home_or_product.took < READY_AGAIN,
            "ready again after {:?}",
            home_or_product.took
        );
    }
    let api = home_or_product.api();
    for id in &published {
        wait::until(SOON, || async {
            api.get(&format!("/referrals/{id}/offers")).await.status == 200
        })
        .await;
    }
    let all = api.all("/referrals").await;
    assert_eq!(all.len(), published.len(), "none twice, none lost");
    assert!(all.iter().all(|it| it["state"] == "ranked"));
    let metric = async || {
        let ops = home_or_product.says("ops_url").to_owned();
        let text = reqwest::get(format!("{ops}/metrics"))
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        text.lines()
            .find_map(|line| line.strip_prefix("oss_outbox_pending "))
            .map(str::to_owned)
    };
    wait::until(SOON, || async { metric().await.as_deref() == Some("0") }).await;
    home_or_product.is_sound().await;
    println!(
        "{} kills, {} referrals, ready again after {slowest:?} at most",
        n_kills(),
        published.len()
    );
}
