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
use std::{sync::Arc, time::Duration};
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
    data: serde_json::Value,
}

/// What the workers share.
struct Shared {
    floor: Floor,
    rows: Rows,
    publisher: Publisher,
    waiting: Mutex<mpsc::Receiver<Incoming>>,
}

/// The floor at work.
pub(super) struct Pipeline {
    consumer: Consumer,
    connections: [Connection; 2],
    give: mpsc::Sender<Incoming>,
    workers: JoinSet<anyhow::Result<()>>,
    shared: Arc<Shared>,
}

impl Pipeline {
    /// Starts it: what waits at the broker is taken when it is asked for.
    pub(super) async fn start(servers: &Servers, rows: Rows, way: Way) -> anyhow::Result<Self> {
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
        });
        let mut workers = JoinSet::new();
        for _ in 0..way.n_workers {
            workers.spawn(work(shared.clone(), way.batch));
        }
        Ok(Self {
            consumer: Consumer::new(&taking, topology::INBOUND, topology::MATCHER),
            connections: [taking, publishing],
            give,
            workers,
            shared,
        })
    }

    /// Takes the next `n` events.
    pub(super) async fn take(&mut self, n: usize) -> anyhow::Result<()> {
        let stop = CancellationToken::new();
        let mut n_left = n;
        while n_left > 0 {
            let batch = self
                .consumer
                .next_batch(n_left.min(64), &stop)
                .await
                .context("the consumer has ended")?;
            for message in batch {
                n_left -= 1;
                let given = self.give.send(message).await;
                given.context("a worker has failed")?;
            }
        }
        Ok(())
    }

    /// Ends what was taken.
    pub(super) async fn finish(mut self) -> anyhow::Result<()> {
        drop(self.give);
        while let Some(worker) = self.workers.join_next().await {
            worker??;
        }
        self.consumer.flush().await;
        self.shared.floor.close().await;
        for connection in self.connections {
            connection.close().await;
        }
        Ok(())
    }
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
        let outgoing = events
            .iter()
            .flat_map(|event| outgoing(event, &shared.rows));
        for confirmed in shared.publisher.publish_all(outgoing.collect()).await {
            confirmed?;
        }
        for message in &batch {
            message.settle(Disposition::Done).await;
        }
    }
}

/// Events of the product's sizes, the last of which tells the outcome.
fn outgoing(event: &Read, rows: &Rows) -> impl Iterator<Item = Outgoing> {
    let last = rows.events.len().saturating_sub(1);
    rows.events
        .iter()
        .enumerate()
        .map(move |(nth, payload)| Outgoing {
            subject: if nth == last {
                "oss.evt.v1.floor.offers.proposed".to_owned()
            } else {
                "oss.evt.v1.floor.referral.stored".to_owned()
            },
            message_id: format!("floor-{}-{nth}", event.id),
            headers: Vec::new(),
            payload: told(event, payload.len()).into(),
        })
}

/// Whose it is, and nothing more, in `size` bytes.
fn told(event: &Read, size: usize) -> String {
    let referral_id = event.data.get("referral_id");
    let mut told = serde_json::json!({ "data": { "referral_id": referral_id } }).to_string();
    told.extend(std::iter::repeat_n(' ', size.saturating_sub(told.len())));
    told
}
