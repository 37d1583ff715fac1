//! Messages as they pass, for those who look on: what passes while nobody listens is missed.

use crate::{ConnectError, Connection, incoming::headers_of};
use bytes::Bytes;
use futures::StreamExt;
use std::{collections::BTreeMap, fmt};

/// A message that passed.
#[derive(Clone, Debug)]
pub struct Passing {
    /// The subject.
    pub subject: String,
    /// The headers; of several values the first.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub payload: Bytes,
}

/// Listens on a subject.
pub struct Live(async_nats::Subscriber);

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}

impl Live {
    /// The next message; `None` once the connection is closed for good.
    pub async fn next(&mut self) -> Option<Passing> {
        let message = self.0.next().await?;
        Some(Passing {
            subject: message.subject.to_string(),
            headers: headers_of(message.headers.as_ref()),
            payload: message.payload,
        })
    }
}

impl Connection {
    /// Listens on a subject, which may hold `*` and `>`; comes back by itself with the connection.
    ///
    /// # Errors
    ///
    /// Returns an error where the subject is malformed or the connection is closed.
    pub async fn listen(&self, subject: &str) -> Result<Live, ConnectError> {
        let set_up = |source| ConnectError::SetUp {
            url: subject.to_owned(),
            source,
        };
        let subscriber = self
            .client
            .subscribe(subject.to_owned())
            .await
            .map_err(|error| set_up(error.into()))?;
        Ok(Live(subscriber))
    }
}
