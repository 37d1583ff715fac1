use crate::{LIMIT, broker, connect};
use oss_messaging::{ConnectError, Connection, Settings, State, Topology, topology};
use oss_testkit::{FaultProxy, NatsServer, wait};
use std::time::Duration;
use tokio::{io::AsyncWriteExt, net::TcpListener};

#[tokio::test]
async fn what_is_there_is_kept_and_what_differs_is_reported_and_can_be_repaired() {
    let (_server, connection) = broker().await;
    let wanted = Topology {
        max_inbound_bytes: 1 << 30,
        max_ack_pending: 64,
        ..Topology::default()
    };
    let drift = wanted.ensure(&connection).await.unwrap();
    let told: Vec<String> = drift.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "OSS_IN: max_bytes is 2147483648, and should be 1073741824",
            "matcher: max_ack_pending is 1024, and should be 64",
        ]
    );
    assert_eq!(
        wanted.ensure(&connection).await.unwrap().len(),
        2,
        "nothing was changed"
    );
    wanted.repair(&connection).await.unwrap();
    assert_eq!(wanted.ensure(&connection).await.unwrap(), []);
}

#[tokio::test]
async fn streams_are_as_the_contract_says() {
    let (server, connection) = broker().await;
    let facts = connection.stream_facts(topology::INBOUND).await.unwrap();
    assert_eq!((facts.messages, facts.max_bytes), (0, Some(2 << 30)));
    assert!(connection.stream_facts("NO_SUCH").await.is_err());
    let raw = async_nats::connect(server.url()).await.unwrap();
    for (name, days) in [(topology::INBOUND, 7), (topology::EVENTS, 90)] {
        let stream = async_nats::jetstream::new(raw.clone())
            .get_stream(name)
            .await
            .unwrap();
        let config = stream.cached_info().config.clone();
        assert_eq!(config.max_age, Duration::from_hours(24 * days));
        assert_eq!(config.duplicate_window, Duration::from_hours(1));
        assert_eq!(
            config.discard,
            async_nats::jetstream::stream::DiscardPolicy::New
        );
    }
}

#[tokio::test]
async fn starts_without_a_broker_and_finds_it_later() {
    let server = NatsServer::start().await;
    let proxy = FaultProxy::start(format!("127.0.0.1:{}", server.port())).await;
    proxy.cut();
    let url = format!("nats://127.0.0.1:{}", proxy.port());
    let connection = Connection::open(&Settings::open(&url)).await.unwrap();
    let error = connection
        .ready(Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectError::NotYet { .. }), "{error}");

    proxy.restore();
    connection.ready(LIMIT).await.unwrap();
    assert!(connection.flush(LIMIT).await.is_ok());

    proxy.cut();
    wait::until(LIMIT, async || connection.state() != State::Connected).await;
    proxy.restore();
    wait::until(LIMIT, async || connection.state() == State::Connected).await;
    assert_eq!(connection.n_connects(), 2);
}

/// Debian's server silently drops settings that it does not know.
#[tokio::test]
async fn an_old_server_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let info =
                r#"INFO {"server_id":"x","version":"2.9.10","proto":1,"max_payload":1048576}"#;
            stream
                .write_all(format!("{info}\r\nPONG\r\n").as_bytes())
                .await
                .unwrap();
            tokio::spawn(async move {
                let (mut from, _to) = stream.into_split();
                tokio::io::copy(&mut from, &mut tokio::io::sink()).await
            });
        }
    });
    let connection = Connection::open(&Settings::open(&url)).await.unwrap();
    let error = connection.ready(LIMIT).await.unwrap_err();
    assert!(matches!(error, ConnectError::TooOld { .. }), "{error}");
    assert!(error.to_string().contains("2.9.10"), "{error}");
}

#[tokio::test]
async fn our_own_server_will_do() {
    let server = NatsServer::start().await;
    connect(&server.url()).await.close().await;
}
