//! The real binary with real servers, as somebody sees it from outside: commands, events, HTTP.
//!
//! What is sent and expected is written here as JSON, from the contract and not with the product's
//! own types. Nothing is mocked, and nothing waits for time to pass: see [`oss_testkit::wait`].
//!
//! Invariants
//! - Each test has servers, data and ports of its own; what it started ends with it.
//! - The binary is the one of the sources beside: it is built before it is run.

#![expect(
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::must_use_candidate,
    reason = "for tests, which fail by panicking; the crate's documentation says so"
)]

pub mod binary;
pub mod data;
pub mod events;
pub mod http;
pub mod product;
pub mod roles;

pub use events::{Observer, Producer};
pub use http::Api;
pub use product::{Home, Product};

use std::time::Duration;

/// Derby City Council.
pub const DERBY: &str = "E06000015";

/// What should come at once may take this long on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);

/// How often something is killed: `OSS_KILLS`, or a few times.
pub fn n_kills() -> u32 {
    knob("OSS_KILLS", 5)
}

/// How often everybody wants the same place: `OSS_ROUNDS`, or a few times.
pub fn n_rounds() -> u32 {
    knob("OSS_ROUNDS", 2)
}

#[expect(clippy::disallowed_methods, reason = "a test's own knob")]
fn knob(name: &str, usual: u32) -> u32 {
    std::env::var(name)
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(usual)
}

/// A port that nobody uses at the moment.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("there is a free port")
        .port()
}
