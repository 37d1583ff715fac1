//! Against a real nats-server.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod consuming;
mod permissions;
mod publishing;
mod topology;

use bytes::Bytes;
use oss_messaging::{Connection, Outgoing, Settings, Topology};
use oss_testkit::NatsServer;
use std::time::Duration;

/// Long enough for anything that should happen at all.
const LIMIT: Duration = Duration::from_secs(20);

async fn connect(url: &str) -> Connection {
    let connection = Connection::open(&Settings::open(url)).await.unwrap();
    connection.ready(LIMIT).await.unwrap();
    connection
}

/// A broker with the streams and the consumer, and a connection to it.
async fn broker() -> (NatsServer, Connection) {
    let server = NatsServer::start().await;
    let connection = connect(&server.url()).await;
    assert_eq!(Topology::default().ensure(&connection).await.unwrap(), []);
    (server, connection)
}

fn referral(number: usize) -> Outgoing {
    Outgoing {
        subject: "oss.in.v1.E06000015.referral.submitted".to_owned(),
        message_id: format!("/derby/case-system#{number}"),
        headers: vec![("traceparent".to_owned(), "00-0-0-00".to_owned())],
        payload: Bytes::from(number.to_string()),
    }
}
