//! The connection to the broker.

use crate::Source;
use async_nats::{
    Client, ConnectOptions, Event, ServerInfo,
    jetstream::context::{Context, ContextBuilder},
};
use std::{fmt, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

/// How often the connection is tried out when nothing is sent: a broken one is noticed after two.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// For the whole handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For an answer of the broker's API.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// For a stream's acknowledgement of a message.
pub(crate) const ACK_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest wait between two tries to connect.
const RECONNECT_CAP: Duration = Duration::from_secs(2);
/// More than any window of ours, so that senders never wait for each other's acknowledgements.
const ACKS_IN_FLIGHT: usize = 16_384;

/// The oldest server that refuses what it does not know, instead of dropping it silently.
const OLDEST: Version = Version(2, 10, 0);

/// Why there is no usable connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address or an option is wrong.
    #[error("could not set up the connection to NATS at {url}")]
    SetUp {
        /// The address.
        url: String,
        /// What is wrong.
        source: Source,
    },
    /// There is no connection yet; it is still being tried.
    #[error("no connection to NATS at {url} within {limit:?}: {last}")]
    NotYet {
        /// The address.
        url: String,
        /// How long it was waited for.
        limit: Duration,
        /// What went wrong last.
        last: String,
    },
    /// The server is too old.
    #[error(
        "NATS at {url} is version {found}, and {OLDEST} is the oldest that will do: older ones silently ignore what streams need"
    )]
    TooOld {
        /// The address.
        url: String,
        /// Its version.
        found: String,
    },
}

/// A user and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:***", self.user)
    }
}

/// How to connect.
#[derive(Clone, Debug)]
pub struct Settings {
    /// One address, or several with commas between.
    pub url: String,
    /// Shown in the broker's list of connections: the role.
    pub name: String,
    /// Who we are, where the broker asks.
    pub credentials: Option<Credentials>,
    /// What answers are sent to; see [`crate::Access::inbox_prefix`].
    pub inbox_prefix: String,
    /// Whether only TLS will do.
    pub tls: bool,
}

impl Settings {
    /// For the user that `access` describes.
    #[must_use]
    pub fn for_access(url: &str, access: &crate::Access, password: &str) -> Self {
        Self {
            url: url.to_owned(),
            name: format!("oss {}", access.name),
            credentials: Some(Credentials {
                user: access.name.clone(),
                password: password.to_owned(),
            }),
            inbox_prefix: access.inbox_prefix.clone(),
            tls: false,
        }
    }

    /// For a broker that asks nobody who they are.
    #[must_use]
    pub fn open(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            name: "oss".to_owned(),
            credentials: None,
            inbox_prefix: "_INBOX.oss".to_owned(),
            tls: false,
        }
    }
}

/// Whether there is a connection at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not, and why, as far as is known.
    Disconnected(String),
    /// There is.
    Connected,
}

/// A connection that comes back by itself. Clones share it.
#[derive(Clone, Debug)]
pub struct Connection {
    pub(crate) client: Client,
    pub(crate) jetstream: Context,
    state: watch::Receiver<State>,
    url: String,
}

impl Connection {
    /// Starts to connect, and goes on trying for as long as it takes: the caller can start without
    /// a broker. [`Self::ready`] waits for it.
    ///
    /// # Errors
    ///
    /// Returns an error where the settings cannot work.
    pub async fn open(settings: &Settings) -> Result<Self, ConnectError> {
        let (tell, state) = watch::channel(State::Disconnected("not connected yet".to_owned()));
        let mut options = ConnectOptions::new()
            .name(&settings.name)
            .ping_interval(PING_INTERVAL)
            .connection_timeout(CONNECT_TIMEOUT)
            .request_timeout(Some(REQUEST_TIMEOUT))
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(reconnect_delay)
            .client_capacity(2048)
            .subscription_capacity(65_536)
            .custom_inbox_prefix(&settings.inbox_prefix)
            .require_tls(settings.tls)
            .event_callback(move |event| {
                note(&tell, &event);
                std::future::ready(())
            });
        if let Some(Credentials { user, password }) = &settings.credentials {
            options = options.user_and_password(user.clone(), password.clone());
        }
        let addresses: Vec<&str> = settings.url.split(',').map(str::trim).collect();
        let client = options
            .connect(addresses)
            .await
            .map_err(|error| ConnectError::SetUp {
                url: settings.url.clone(),
                source: error.into(),
            })?;
        let jetstream = ContextBuilder::new()
            .timeout(REQUEST_TIMEOUT)
            .ack_timeout(ACK_TIMEOUT)
            .max_ack_inflight(ACKS_IN_FLIGHT)
            .backpressure_on_inflight(true)
            .build(client.clone());
        Ok(Self {
            client,
            jetstream,
            state,
            url: settings.url.clone(),
        })
    }

    /// Waits for the connection, and makes sure that the server is one that will do.
    ///
    /// # Errors
    ///
    /// Returns an error where there is none after `limit` (it is still being tried), or the server
    /// is too old.
    pub async fn ready(&self, limit: Duration) -> Result<(), ConnectError> {
        let deadline = Instant::now() + limit;
        let mut state = self.state.clone();
        // What is waited for holds the state's lock: it must be gone before anything else is awaited.
        let connected = matches!(
            timeout(limit, state.wait_for(|state| *state == State::Connected)).await,
            Ok(Ok(_))
        );
        if !connected {
            return Err(self.not_yet(limit));
        }
        let info = loop {
            // The event comes a little before the information.
            let info = self.client.server_info();
            if !info.version.is_empty() {
                break info;
            }
            if Instant::now() > deadline {
                return Err(self.not_yet(limit));
            }
            sleep(Duration::from_millis(5)).await;
        };
        self.check_version(&info)
    }

    fn check_version(&self, info: &ServerInfo) -> Result<(), ConnectError> {
        let version = Version::parse(&info.version);
        if version < OLDEST {
            return Err(ConnectError::TooOld {
                url: self.url.clone(),
                found: info.version.clone(),
            });
        }
        if !version.is_safe() {
            tracing::warn!(
                nats.version = info.version,
                "NATS {} has known security faults: take 2.14.0, 2.12.7 or 2.11.16, or newer",
                info.version
            );
        }
        Ok(())
    }

    fn not_yet(&self, limit: Duration) -> ConnectError {
        ConnectError::NotYet {
            url: self.url.clone(),
            limit,
            last: match self.state() {
                State::Disconnected(why) => why,
                State::Connected => "it does not say its version".to_owned(),
            },
        }
    }

    /// Whether there is a connection at the moment.
    #[must_use]
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// How often it has been connected: one more than the number of reconnections.
    #[must_use]
    pub fn n_connects(&self) -> u64 {
        let connects = &self.client.statistics().connects;
        connects.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Sends what is still to be sent. Whether the broker has it, it does not say.
    ///
    /// # Errors
    ///
    /// Returns an error where it is not sent within `limit`.
    pub async fn flush(&self, limit: Duration) -> Result<(), ConnectError> {
        match timeout(limit, self.client.flush()).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(self.not_yet(limit)),
        }
    }

    /// Sends what is still to be sent, and closes.
    pub async fn close(self) {
        let _ = self.flush(REQUEST_TIMEOUT).await;
        let _ = self.client.drain().await;
    }
}

fn note(tell: &watch::Sender<State>, event: &Event) {
    match event {
        Event::Connected => {
            tracing::info!("connected to NATS");
            tell.send_replace(State::Connected);
        }
        Event::Draining => {
            // Only we drain: what follows is no news.
            tell.send_replace(State::Disconnected(event.to_string()));
        }
        Event::Disconnected | Event::Closed => {
            let before = tell.send_replace(State::Disconnected(event.to_string()));
            if before == State::Connected {
                tracing::warn!("disconnected from NATS");
            }
        }
        Event::ClientError(error) => {
            tracing::debug!(%error, "could not connect to NATS");
            tell.send_if_modified(|state| {
                let down = matches!(state, State::Disconnected(_));
                if down {
                    *state = State::Disconnected(error.to_string());
                }
                down
            });
        }
        // Among them: a subject that we may not use.
        Event::ServerError(error) => tracing::error!(%error, "NATS refused something"),
        Event::SlowConsumer(_) | Event::LameDuckMode => {
            tracing::warn!("NATS: {event}");
        }
    }
}

fn reconnect_delay(attempt: usize) -> Duration {
    match attempt {
        0 | 1 => Duration::ZERO,
        more => {
            let doublings = u32::try_from(more).unwrap_or(u32::MAX).min(16);
            Duration::from_millis(25)
                .saturating_mul(1 << doublings)
                .min(RECONNECT_CAP)
        }
    }
}

/// A server's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32, u32);

impl Version {
    /// Reads `2.14.0` or `2.15.0-beta.1`; what cannot be read is the oldest of all.
    fn parse(text: &str) -> Self {
        let mut numbers = text
            .split(|c: char| !c.is_ascii_digit())
            .map(|number| number.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        Self(next(), next(), next())
    }

    /// Whether it has the fixes of 2026 (CVE-2026-33222, NATS-2026-16 and -18).
    fn is_safe(self) -> bool {
        match self {
            Self(2, 11, patch) => patch >= 16,
            Self(2, 12, patch) => patch >= 7,
            other => other >= Self(2, 14, 0),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(Version::parse("2.14.0"), Version(2, 14, 0));
        assert_eq!(Version::parse("2.15.0-beta.1"), Version(2, 15, 0));
        assert!(Version::parse("2.9.10") < OLDEST);
        assert!(Version::parse("") < OLDEST);
        for (text, safe) in [
            ("2.10.29", false),
            ("2.11.15", false),
            ("2.11.16", true),
            ("2.12.6", false),
            ("2.12.7", true),
            ("2.14.0", true),
            ("3.0.0", true),
        ] {
            assert_eq!(Version::parse(text).is_safe(), safe, "{text}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let settings = Settings::for_access("nats://h", &crate::access::relay(), "hunter2");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn waits_between_tries_are_bounded() {
        assert_eq!(reconnect_delay(1), Duration::ZERO);
        assert_eq!(reconnect_delay(2), Duration::from_millis(100));
        assert_eq!(reconnect_delay(usize::MAX), RECONNECT_CAP);
    }
}
