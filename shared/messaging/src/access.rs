//! Who may do what at the broker (contract.md §1 and §5): one user for each part, with the least
//! that it needs and an inbox of its own.
//!
//! Consumers have one filter subject and are made beforehand, since a broker cannot check the
//! filters of a consumer that lists several.

use crate::topology::{EVENTS, INBOUND, MATCHER};
use oss_domain::ProviderId;

/// Everything that others may publish.
pub const ALL_IN: &str = "oss.in.v1.>";
/// Everything that we publish.
pub const ALL_OUT: &str = "oss.evt.v1.>";

/// A user of the broker and the subjects it may use; anything else is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The user's name.
    pub name: String,
    /// What answers to it are sent to: a prefix that no other user may listen on.
    pub inbox_prefix: String,
    /// Subjects it may publish to.
    pub publish: Vec<String>,
    /// Subjects it may subscribe to.
    pub subscribe: Vec<String>,
}

impl Access {
    fn new(name: &str, publish: &[&str], subscribe: &[&str]) -> Self {
        let inbox_prefix = format!("_INBOX.{name}");
        let inbox = format!("{inbox_prefix}.>");
        Self {
            name: name.to_owned(),
            publish: publish.iter().map(|&subject| subject.to_owned()).collect(),
            subscribe: subscribe
                .iter()
                .map(|&subject| subject.to_owned())
                .chain([inbox])
                .collect(),
            inbox_prefix,
        }
    }
}

/// The case system and the registers: they publish events to us, and hear the stream's answer.
#[must_use]
pub fn producer() -> Access {
    Access::new("producer", &[ALL_IN], &[])
}

/// Whoever follows our events live.
#[must_use]
pub fn observer() -> Access {
    Access::new("observer", &[], &[ALL_OUT])
}

/// One provider: it hears of its own offers and answers for itself.
#[must_use]
pub fn provider(id: &ProviderId) -> Access {
    Access::new(
        &format!("provider-{id}"),
        &[&format!("oss.in.v1.*.provider.{id}.offer.answered")],
        &[&format!("oss.evt.v1.*.provider.{id}.>")],
    )
}

/// The matcher: it takes from its consumer and says what became of each message.
#[must_use]
pub fn matcher() -> Access {
    Access::new(
        "matcher",
        &[
            &format!("$JS.API.CONSUMER.MSG.NEXT.{INBOUND}.{MATCHER}"),
            &format!("$JS.API.CONSUMER.INFO.{INBOUND}.{MATCHER}"),
            &format!("$JS.API.STREAM.INFO.{INBOUND}"),
            &format!("$JS.ACK.{INBOUND}.{MATCHER}.>"),
            // The form with domain and account, which servers from 2.15 may use.
            &format!("$JS.ACK.*.*.{INBOUND}.{MATCHER}.>"),
        ],
        &[],
    )
}

/// The relay: it publishes the outbox.
#[must_use]
pub fn relay() -> Access {
    Access::new(
        "relay",
        &[ALL_OUT, &format!("$JS.API.STREAM.INFO.{EVENTS}")],
        &[],
    )
}

/// The desk: it shows events live.
#[must_use]
pub fn desk() -> Access {
    Access::new("desk", &[], &[ALL_OUT])
}

/// Whoever makes the streams: at start and by hand, never while serving.
#[must_use]
pub fn admin() -> Access {
    Access::new("admin", &["$JS.API.>"], &["$JS.EVENT.ADVISORY.>"])
}

/// Every user of a deployment but the providers.
#[must_use]
pub fn all() -> Vec<Access> {
    vec![producer(), observer(), matcher(), relay(), desk(), admin()]
}
