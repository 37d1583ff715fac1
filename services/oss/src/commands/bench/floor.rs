//! The floor: takes each event, reads it, commits rows as many and as large as the product's,
//! publishes events of the same size, acknowledges. It decides nothing.

use super::servers::Servers;
use crate::commands::broker;
use anyhow::Context;
use oss_messaging::{
    Connection, Consumer, Disposition, Incoming, Outgoing, Publisher, access, topology,
};
use oss_storage::floor::{Floor, Rows};
use serde::Deserialize;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// Connections to the database.
const CONNECTIONS: u32 = 16;

/// How the floor works.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// How many work side by side.
    pub(super) n_workers: usize,
    /// At most so many events a transaction, taken as they are there.
    pub(super) batch: usize,
}

/// What is read of an event: all of it, to be sure that it is JSON.
#[derive(Deserialize)]
struct Read {
    id: String,
    source: String,
    #[expect(dead_code, reason = "read because the product reads it")]
    data: serde_json::Value,
}

/// What the workers share.
struct Shared {
    floor: Floor,
    rows: Rows,
    publisher: Publisher,
    waiting: Mutex<mpsc::Receiver<Incoming>>,
    done: Mutex<Vec<Instant>>,
}

/// Handles `n` events that wait at the broker, and gives when each was done.
pub(super) async fn drain(
    servers: &Servers,
    rows: Rows,
    n: usize,
    way: Way,
) -> anyhow::Result<Vec<Instant>> {
    let connect = async |access| {
        let connection = Connection::open(&broker::settings(&servers.target, &access)?).await?;
        connection.ready(Duration::from_secs(5)).await?;
        anyhow::Ok(connection)
    };
    let taking = connect(access::matcher()).await?;
    let publishing = connect(access::relay()).await?;
    let (give, waiting) = mpsc::channel(64);
    let shared = Arc::new(Shared {
        floor: Floor::make(servers.owner_url().expose(), CONNECTIONS).await?,
        rows,
        publisher: Publisher::new(&publishing),
        waiting: Mutex::new(waiting),
        done: Mutex::default(),
    });
    let stop = CancellationToken::new();
    let mut workers = JoinSet::new();
    for _ in 0..way.n_workers {
        workers.spawn(work(shared.clone(), way.batch));
    }
    let mut consumer = Consumer::new(&taking, topology::INBOUND, topology::MATCHER);
    let mut n_left = n;
    while n_left > 0 {
        let batch = consumer
            .next_batch(n_left.min(64), &stop)
            .await
            .context("the consumer has ended")?;
        for message in batch {
            n_left -= 1;
            give.send(message).await.context("a worker has failed")?;
        }
    }
    drop(give);
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    consumer.flush().await;
    shared.floor.close().await;
    let done = std::mem::take(&mut *shared.done.lock().await);
    publishing.close().await;
    taking.close().await;
    Ok(done)
}

async fn work(shared: Arc<Shared>, at_most: usize) -> anyhow::Result<()> {
    loop {
        let mut batch = Vec::with_capacity(at_most);
        if shared
            .waiting
            .lock()
            .await
            .recv_many(&mut batch, at_most)
            .await
            == 0
        {
            return Ok(());
        }
        let events = batch
            .iter()
            .map(|message| serde_json::from_slice::<Read>(message.payload()))
            .collect::<Result<Vec<_>, _>>()?;
        let sources: Vec<&str> = events.iter().map(|event| event.source.as_str()).collect();
        let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
        shared.floor.write(&shared.rows, &sources, &ids).await?;
        let outgoing = ids.iter().flat_map(|id| outgoing(id, &shared.rows));
        for confirmed in shared.publisher.publish_all(outgoing.collect()).await {
            confirmed?;
        }
        for message in &batch {
            message.settle(Disposition::Done).await;
        }
        let now = Instant::now();
        let mut done = shared.done.lock().await;
        done.extend(batch.iter().map(|_| now));
    }
}

fn outgoing(id: &str, rows: &Rows) -> impl Iterator<Item = Outgoing> {
    rows.events
        .iter()
        .zip(0_u8..)
        .map(move |(payload, nth)| Outgoing {
            subject: "oss.evt.v1.floor.referral.stored".to_owned(),
            message_id: format!("floor-{id}-{nth}"),
            headers: Vec::new(),
            payload: payload.clone().into(),
        })
}
