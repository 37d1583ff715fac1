//! Those who publish and those who listen.

use oss_messaging::{Connection, Outgoing, PublishError, Publisher, Settings};
use oss_testkit::wait;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::{DERBY, SOON};

/// Who publishes in the tests.
pub const SOURCE: &str = "/tests/case-system";

/// Publishes events as a case system would.
#[derive(Debug)]
pub struct Producer {
    /// The connection, for what this does not do.
    pub connection: Connection,
    publisher: Publisher,
}

impl Producer {
    /// Connects.
    pub async fn connect(settings: &Settings) -> Self {
        let connection = Connection::open(settings)
            .await
            .expect("the settings are right");
        connection.ready(SOON).await.expect("NATS answers");
        Self {
            publisher: Publisher::new(&connection),
            connection,
        }
    }

    /// Publishes `data` as an event of a type such as `referral.submitted`. Returns its id.
    pub async fn publish(&self, noun_verb: &str, data: &Value) -> String {
        let event = self.event(noun_verb, data);
        self.send(&subject(noun_verb, data), &event).await;
        event["id"].as_str().expect("it was made so").to_owned()
    }

    /// An event that has not been published.
    pub fn event(&self, noun_verb: &str, data: &Value) -> Value {
        let nth = next();
        json!({
            "specversion": "1.0",
            "id": format!("{:?}-{nth}", std::process::id()),
            "source": SOURCE,
            "type": format!("uk.oss.{noun_verb}.v1"),
            "time": "2026-11-23T09:30:00Z",
            "datacontenttype": "application/json",
            "data": data,
        })
    }

    /// Publishes an event as it is.
    pub async fn send(&self, subject: &str, event: &Value) {
        self.send_bytes(subject, &[], event.to_string().into_bytes())
            .await;
    }

    /// Publishes a body and headers as they are; the broker sees each as a message of its own.
    pub async fn send_bytes(&self, subject: &str, headers: &[(&str, &str)], body: Vec<u8>) {
        self.try_send(subject, headers, body)
            .await
            .expect("NATS takes it");
    }

    /// The same, where the broker may be away or refuse it.
    ///
    /// # Errors
    ///
    /// Fails where the stream did not confirm it.
    pub async fn try_send(
        &self,
        subject: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<(), PublishError> {
        let nth = next();
        let mut all = vec![(
            "Content-Type".to_owned(),
            "application/cloudevents+json".to_owned(),
        )];
        for (name, value) in headers {
            all.retain(|(had, _)| had != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        let message = Outgoing {
            subject: subject.to_owned(),
            message_id: format!("{}-message-{nth}", std::process::id()),
            headers: all,
            payload: body.into(),
        };
        self.publisher.publish_and_confirm(message).await.map(drop)
    }
}

/// A number that no other event or message of this process has.
fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Where an event of Derby's belongs.
pub fn subject(noun_verb: &str, data: &Value) -> String {
    match data["provider_id"].as_str() {
        Some(provider) if noun_verb == "offer.answered" => {
            format!("oss.in.v1.{DERBY}.provider.{provider}.{noun_verb}")
        }
        _ => format!("oss.in.v1.{DERBY}.{noun_verb}"),
    }
}

/// An event that was heard.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Its subject.
    pub subject: String,
    /// Its `Nats-Msg-Id`.
    pub message_id: Option<String>,
    /// Itself.
    pub event: Value,
}

/// Hears all that is told from the moment it is connected.
#[derive(Clone, Debug)]
pub struct Observer {
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Observer {
    /// Connects and listens.
    pub async fn connect(settings: &Settings) -> Self {
        let connection = Connection::open(settings)
            .await
            .expect("the settings are right");
        connection.ready(SOON).await.expect("NATS answers");
        let mut live = connection
            .listen("oss.evt.v1.>")
            .await
            .expect("it may listen");
        connection.flush(SOON).await.expect("NATS answers");
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let hears = heard.clone();
        tokio::spawn(async move {
            let _connection = connection;
            while let Some(passing) = live.next().await {
                hears.lock().expect("no panic").push(Heard {
                    subject: passing.subject,
                    message_id: passing.headers.get("Nats-Msg-Id").cloned(),
                    event: serde_json::from_slice(&passing.payload).expect("we publish JSON"),
                });
            }
        });
        Self { heard }
    }

    /// All that was heard so far.
    pub fn all(&self) -> Vec<Heard> {
        self.heard.lock().expect("no panic").clone()
    }

    /// Events of a type such as `offers.proposed` whose data has `value` under `key`.
    pub fn about(&self, noun_verb: &str, key: &str, value: &str) -> Vec<Value> {
        let event_type = format!("uk.oss.{noun_verb}.v1");
        let all = self.heard.lock().expect("no panic");
        all.iter()
            .map(|heard| &heard.event)
            .filter(|event| event["type"] == event_type.as_str() && event["data"][key] == value)
            .cloned()
            .collect()
    }

    /// Waits for the `nth` such event, from 1, and gives its data.
    pub async fn nth(&self, nth: usize, noun_verb: &str, key: &str, value: &str) -> Value {
        self.within(SOON, nth, noun_verb, key, value).await
    }

    /// Waits for the first such event, and gives its data.
    pub async fn first(&self, noun_verb: &str, key: &str, value: &str) -> Value {
        self.nth(1, noun_verb, key, value).await
    }

    async fn within(
        &self,
        limit: Duration,
        nth: usize,
        noun_verb: &str,
        key: &str,
        value: &str,
    ) -> Value {
        let found = wait::until_some(limit, || async {
            self.about(noun_verb, key, value).get(nth - 1).cloned()
        });
        found
            .await
            .unwrap_or_else(|| panic!("no {nth}. {noun_verb} with {key} {value} in {limit:?}"))["data"]
            .clone()
    }
}
