//! Two relays: one publishes, the other goes on where it is killed, and all is told once, in order.

use oss_end_to_end::{
    Observer, Producer, SOON, binary, data, events::Heard, n_kills, roles::Deployment,
};
use oss_messaging::{Connection, Settings, topology};
use oss_testkit::wait;
use sqlx::{Connection as _, PgConnection};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// Referrals published before each kill.
const BETWEEN_KILLS: usize = 40;

#[tokio::test]
async fn when_the_relay_that_publishes_is_killed_the_other_goes_on_and_all_is_told_once_in_order() {
    let mut deployment = Deployment::start().await;
    deployment.start_role("relay");
    wait::until(SOON, || deployment.is_ready()).await;
    let (producer, observer) = deployment.clients().await;
    let supply = data::supply_file().display().to_string();
    let imported = deployment.run(&["import", "settings", &supply]).await;
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);

    let mut slowest = Duration::ZERO;
    for round in 0..n_kills() {
        for nth in 0..BETWEEN_KILLS {
            let referral = data::referral("R01", &format!("T{round}-{nth}"));
            producer.publish("referral.submitted", &referral).await;
        }
        // Whatever it is doing at this moment: it has told some of it.
        let nth = 7 * usize::try_from(round).unwrap() % BETWEEN_KILLS;
        let some = format!("T{round}-{nth}");
        observer
            .first("referral.received", "referral_id", &some)
            .await;
        deployment.kill_oldest("relay").await;
        slowest = slowest.max(until_told(&producer, &observer, &format!("T{round}-last")).await);
        deployment.start_role("relay");
        wait::until(SOON, || deployment.is_ready()).await;
    }

    // One that has stopped and keeps its connection has the right no longer.
    let stopped = deployment.pid_of_oldest("relay");
    binary::signal("STOP", stopped).await;
    let after_stop = until_told(&producer, &observer, "stopped").await;
    binary::signal("CONT", stopped).await;
    until_told(&producer, &observer, "again").await;

    let n_referrals = usize::try_from(n_kills()).unwrap() * (BETWEEN_KILLS + 1) + 2;
    let told = committed(&deployment, n_referrals).await;
    let settings = Settings::open(&deployment.nats.url());
    let broker = Connection::open(&settings).await.unwrap();
    let stream = broker.stream_facts(topology::EVENTS).await;
    assert_eq!(
        stream.unwrap().messages,
        told.len() as u64,
        "each is there once"
    );
    let mut heard = observer.all();
    // What came again the stream dropped: its first place counts.
    let mut seen = BTreeSet::new();
    heard.retain(|it| seen.insert(it.message_id.clone()));
    let of: BTreeMap<_, _> = heard.iter().map(|it| (id(it), referral(it))).collect();
    let heard: Vec<_> = heard.iter().map(id).collect();
    assert_eq!(heard.len(), told.len());
    assert_eq!(
        by_referral(&heard, &of),
        by_referral(&told, &of),
        "in order"
    );
    println!(
        "{} events, the other publishes {slowest:?} after a kill at most, {after_stop:?} after a stop",
        told.len()
    );
    deployment.stop().await;
}

/// How long it takes until the ranked offers of a new referral are told; it fails where they are not.
async fn until_told(producer: &Producer, observer: &Observer, id: &str) -> Duration {
    let since = Instant::now();
    let referral = data::referral("R01", id);
    producer.publish("referral.submitted", &referral).await;
    observer.first("offers.proposed", "referral_id", id).await;
    since.elapsed()
}

/// The ids of all that was committed to be told, in order, once it is all marked as published.
async fn committed(deployment: &Deployment, n_referrals: usize) -> Vec<String> {
    let all = wait::until_some(SOON, || async {
        let mut owner = PgConnection::connect(&deployment.database_url()).await;
        let rows: Vec<(String, bool, bool)> = sqlx::query_as(
            "SELECT event_id::text, published_at IS NOT NULL, subject LIKE '%.offers.proposed'
             FROM outbox ORDER BY sequence",
        )
        .fetch_all(owner.as_mut().unwrap())
        .await
        .unwrap();
        let n_ranked = rows.iter().filter(|(.., is_ranked)| *is_ranked).count();
        let is_all = n_ranked >= n_referrals && rows.iter().all(|(_, is_told, _)| *is_told);
        is_all.then(|| rows.into_iter().map(|(id, ..)| id).collect())
    });
    all.await.expect("all is told")
}

fn id(heard: &Heard) -> String {
    heard.message_id.clone().unwrap()
}

/// The referral that an event tells of; empty for what tells of none.
fn referral(heard: &Heard) -> String {
    let id = heard.event["data"]["referral_id"].as_str();
    id.unwrap_or_default().to_owned()
}

fn by_referral<'a>(
    ids: &'a [String],
    of: &'a BTreeMap<String, String>,
) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for id in ids {
        all.entry(of[id].as_str()).or_default().push(id.as_str());
    }
    all
}
