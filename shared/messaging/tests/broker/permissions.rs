//! What each user of the broker may do, and a good deal of what it may not.

use crate::{LIMIT, consuming::take, referral};
use bytes::Bytes;
use futures::StreamExt;
use oss_messaging::{
    Access, Connection, Consumer, Disposition, Outgoing, Publisher, Settings, Topology, access,
    topology::{INBOUND, MATCHER},
};
use oss_runtime::{Secret, dev_servers::NatsUser};
use oss_testkit::NatsServer;
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

fn user(access: &Access) -> NatsUser {
    NatsUser {
        name: access.name.clone(),
        password: Secret::new(format!("{}-password", access.name)),
        publish: access.publish.clone(),
        subscribe: access.subscribe.clone(),
    }
}

fn provider() -> Access {
    access::provider(&"CARE1".parse().unwrap())
}

async fn guarded() -> NatsServer {
    let mut all = access::all();
    all.push(provider());
    let server = NatsServer::start_with(all.iter().map(user).collect()).await;
    let admin = connect(&server, &access::admin()).await;
    assert_eq!(Topology::default().ensure(&admin).await.unwrap(), []);
    server
}

async fn connect(server: &NatsServer, access: &Access) -> Connection {
    let password = format!("{}-password", access.name);
    let settings = Settings::for_access(&server.url(), access, &password);
    let connection = Connection::open(&settings).await.unwrap();
    connection.ready(LIMIT).await.unwrap();
    connection
}

#[tokio::test]
async fn everybody_can_do_their_work() {
    let server = guarded().await;
    let producer = connect(&server, &access::producer()).await;
    let relay = connect(&server, &access::relay()).await;
    let matcher = connect(&server, &access::matcher()).await;
    let observer = connect(&server, &access::observer()).await;
    let care1 = connect(&server, &provider()).await;

    Publisher::new(&producer)
        .publish_and_confirm(referral(1))
        .await
        .unwrap();
    let answer = Outgoing {
        subject: "oss.in.v1.E06000015.provider.CARE1.offer.answered".to_owned(),
        ..referral(2)
    };
    Publisher::new(&care1)
        .publish_and_confirm(answer)
        .await
        .unwrap();

    let mut consumer = Consumer::new(&matcher, INBOUND, MATCHER);
    let mut taken = 0;
    while taken < 2 {
        for message in take(&mut consumer, 8).await {
            message.settle(Disposition::Done).await;
            taken += 1;
        }
    }
    consumer.flush().await;
    oss_testkit::wait::until(LIMIT, async || {
        let facts = matcher.consumer_facts(INBOUND, MATCHER).await.unwrap();
        facts.ack_pending == 0 && facts.pending == 0
    })
    .await;
    assert_eq!(matcher.stream_facts(INBOUND).await.unwrap().messages, 2);

    let mut heard = observer.listen(access::ALL_OUT).await.unwrap();
    let mut own = care1.listen("oss.evt.v1.*.provider.CARE1.>").await.unwrap();
    observer.flush(LIMIT).await.unwrap();
    care1.flush(LIMIT).await.unwrap();
    let approached = |number| Outgoing {
        subject: "oss.evt.v1.E06000015.provider.CARE1.offer.approached".to_owned(),
        ..referral(number)
    };
    // Until the broker has both subscriptions, which come over connections of their own.
    let publishing = async {
        for number in 0..1000 {
            let message = approached(number);
            Publisher::new(&relay)
                .publish_and_confirm(message)
                .await
                .unwrap();
        }
        std::future::pending::<()>().await;
    };
    let hearing = async { (heard.next().await, own.next().await) };
    let both = tokio::select! {
        () = publishing => (None, None),
        both = tokio::time::timeout(LIMIT, hearing) => both.unwrap(),
    };
    assert!(both.0.is_some() && both.1.is_some());
}

#[tokio::test]
async fn a_wrong_password_lets_nobody_in() {
    let server = guarded().await;
    let settings = Settings::for_access(&server.url(), &access::producer(), "guess");
    let connection = Connection::open(&settings).await.unwrap();
    assert!(connection.ready(Duration::from_secs(1)).await.is_err());
    let nobody = Connection::open(&Settings::open(&server.url()))
        .await
        .unwrap();
    assert!(nobody.ready(Duration::from_secs(1)).await.is_err());
}

enum Try {
    Publish(&'static str),
    Subscribe(&'static str),
}
use Try::{Publish, Subscribe};

const FORBIDDEN: &[(&str, &[Try])] = &[
    (
        "producer",
        &[
            Publish("oss.evt.v1.E06000015.offers.proposed"),
            Publish("oss.in.v2.E06000015.referral.submitted"),
            Publish("$JS.API.STREAM.INFO.OSS_IN"),
            Publish("$JS.API.STREAM.DELETE.OSS_IN"),
            Publish("$JS.API.STREAM.PURGE.OSS_IN"),
            Publish("$JS.API.STREAM.MSG.GET.OSS_IN"),
            Publish("$JS.API.DIRECT.GET.OSS_IN"),
            Publish("$JS.API.CONSUMER.CREATE.OSS_IN"),
            Publish("$JS.ACK.OSS_IN.matcher.1.1.1.1.1"),
            Publish("_INBOX.matcher.x"),
            Subscribe("oss.in.v1.>"),
            Subscribe("oss.evt.v1.>"),
            Subscribe("_INBOX.>"),
            Subscribe("_INBOX.matcher.>"),
            Subscribe(">"),
            Subscribe("$JS.EVENT.ADVISORY.>"),
        ],
    ),
    (
        "observer",
        &[
            Publish("oss.in.v1.E06000015.referral.submitted"),
            Publish("oss.evt.v1.E06000015.placement.agreed"),
            Publish("$JS.API.CONSUMER.CREATE.OSS_EVT"),
            Publish("$JS.API.STREAM.MSG.GET.OSS_IN"),
            Publish("_INBOX.producer.x"),
            Subscribe("oss.in.v1.>"),
            Subscribe("_INBOX.producer.>"),
            Subscribe(">"),
        ],
    ),
    (
        "matcher",
        &[
            Publish("oss.in.v1.E06000015.referral.submitted"),
            Publish("oss.evt.v1.E06000015.offers.proposed"),
            Publish("$JS.API.CONSUMER.DELETE.OSS_IN.matcher"),
            Publish("$JS.API.CONSUMER.MSG.NEXT.OSS_EVT.other"),
            Publish("$JS.API.STREAM.PURGE.OSS_IN"),
            Subscribe("oss.in.v1.>"),
            Subscribe("_INBOX.relay.>"),
        ],
    ),
    (
        "relay",
        &[
            Publish("oss.in.v1.E06000015.referral.submitted"),
            Publish("$JS.API.STREAM.DELETE.OSS_EVT"),
            Publish("$JS.ACK.OSS_IN.matcher.1.1.1.1.1"),
            Subscribe("oss.evt.v1.>"),
        ],
    ),
    (
        "desk",
        &[
            Publish("oss.in.v1.E06000015.referral.submitted"),
            Publish("oss.evt.v1.E06000015.placement.agreed"),
            Subscribe("oss.in.v1.>"),
        ],
    ),
    (
        "admin",
        &[
            Publish("oss.in.v1.E06000015.referral.submitted"),
            Publish("oss.evt.v1.E06000015.placement.agreed"),
            Subscribe("oss.>"),
            Subscribe("_INBOX.producer.>"),
        ],
    ),
    (
        "provider-CARE1",
        &[
            Publish("oss.in.v1.E06000015.provider.CARE2.offer.answered"),
            Publish("oss.in.v1.E06000015.referral.submitted"),
            Publish("oss.in.v1.E06000015.provider.CARE1.offer.approached"),
            Subscribe("oss.evt.v1.*.provider.CARE2.>"),
            Subscribe("oss.evt.v1.*.provider.*.>"),
            Subscribe("oss.evt.v1.E06000015.offers.proposed"),
            Subscribe("oss.evt.v1.>"),
        ],
    ),
];

#[tokio::test]
async fn nobody_can_do_anything_else() {
    let server = Arc::new(guarded().await);
    let mut n_denied = 0;
    for (name, attempts) in FORBIDDEN {
        // The client itself, since our own API cannot even express most of this.
        let (tell, mut told) = mpsc::unbounded_channel();
        let client = async_nats::ConnectOptions::new()
            .user_and_password((*name).to_owned(), format!("{name}-password"))
            .event_callback(move |event| {
                let tell = tell.clone();
                async move {
                    let _ = tell.send(event.to_string());
                }
            })
            .connect(server.url())
            .await
            .unwrap();
        for attempt in *attempts {
            let (verb, subject) = match attempt {
                Publish(subject) => {
                    client.publish(*subject, Bytes::new()).await.unwrap();
                    ("publish", subject)
                }
                Subscribe(subject) => {
                    let mut subscriber = client.subscribe(*subject).await.unwrap();
                    tokio::spawn(async move { while subscriber.next().await.is_some() {} });
                    ("subscription", subject)
                }
            };
            client.flush().await.unwrap();
            loop {
                let event = tokio::time::timeout(LIMIT, told.recv()).await;
                let event = event
                    .unwrap_or_else(|_| panic!("{name} was allowed: {verb} {subject}"))
                    .unwrap()
                    .to_lowercase();
                if event.contains("permissions violation") {
                    assert!(
                        event.contains(verb) && event.contains(&subject.to_lowercase()),
                        "{event}, and not {verb} {subject}"
                    );
                    n_denied += 1;
                    break;
                }
            }
        }
    }
    assert!(n_denied >= 20, "{n_denied}");
}
