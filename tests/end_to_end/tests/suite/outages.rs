//! The broker or the database killed and restarted under load, each role a process of its own:
//! answers are right or 503, no role ends, and all catches up.

use oss_end_to_end::{SOON, data, n_kills, roles::Deployment};
use oss_testkit::wait;
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Referrals published in each round, while a server is away.
const A_ROUND: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Server {
    Broker,
    Database,
}

#[tokio::test]
async fn the_broker_is_killed_and_all_catches_up() {
    outages_of(Server::Broker).await;
}

#[tokio::test]
async fn the_database_is_killed_and_all_catches_up() {
    outages_of(Server::Database).await;
}

async fn outages_of(server: Server) {
    let mut deployment = Deployment::start().await;
    let supply = data::supply_file();
    let imported = deployment
        .run(&["import", "settings", &supply.display().to_string()])
        .await;
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    let (producer, _) = deployment.clients().await;
    let api = deployment.api();

    // Somebody looks on all the time.
    let (stop, seen) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(Mutex::new(BTreeSet::new())),
    );
    let looking = tokio::spawn({
        let (api, stop, seen) = (api.clone(), stop.clone(), seen.clone());
        async move {
            while !stop.load(Ordering::Relaxed) {
                for path in ["/settings/F01", "/referrals/O0-0/offers", "/referrals"] {
                    let answer =
                        tokio::time::timeout(Duration::from_secs(10), api.try_get(path)).await;
                    let answer = answer
                        .expect("no request hangs")
                        .expect("the desk is there");
                    seen.lock().unwrap().insert(answer.status);
                }
            }
        }
    });

    let mut published = Vec::new();
    for round in 0..n_kills() {
        let mut events = Vec::new();
        for nth in 0..A_ROUND {
            let id = format!("O{round}-{nth}");
            events.push(producer.event("referral.submitted", &data::referral("R01", &id)));
            published.push(id);
        }
        let publishing = async {
            for event in &events {
                // As any producer does: until the broker says that it has it. What came twice is one.
                wait::until(SOON, || async {
                    let body = event.to_string().into_bytes();
                    producer
                        .try_send("oss.in.v1.E06000015.referral.submitted", &[], body)
                        .await
                        .is_ok()
                })
                .await;
            }
        };
        match server {
            Server::Broker => {
                tokio::join!(publishing, deployment.nats.restart());
            }
            Server::Database => {
                tokio::join!(publishing, deployment.restart_database());
            }
        }
        assert!(deployment.all_run(), "a role ended:\n{}", deployment.logs());
    }
    for id in &published {
        wait::until(SOON, || async {
            api.get(&format!("/referrals/{id}/offers")).await.status == 200
        })
        .await;
    }
    wait::until(SOON, || deployment.is_ready()).await;
    stop.store(true, Ordering::Relaxed);
    looking.await.unwrap();
    let seen = seen.lock().unwrap().clone();
    assert!(
        seen.iter().all(|status| [200, 404, 503].contains(status)),
        "{seen:?}"
    );

    let all = api.all("/referrals").await;
    assert_eq!(all.len(), published.len(), "none twice, none lost");
    let sound = deployment.run(&["doctor"]).await;
    assert_eq!(sound.code, Some(0), "{}{}", sound.stdout, sound.stderr);
    let logs = deployment.logs();
    assert!(!logs.contains("panicked"), "{logs}");
    deployment.stop().await;
}
