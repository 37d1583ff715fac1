//! For tests: a real PostgreSQL and NATS of their own, builders, and waiting for a condition.
//!
//! A dev-dependency only. Nothing here is a mock: [`PostgresServer`] and [`NatsServer`] are the real
//! servers, [`FaultProxy`] is a real connection that can be cut, and the builders make values of
//! the domain that differ from a plain one in what a test is about.
//!
//! Invariants
//! - No server outlives the tests, even where these panic or are killed.
//! - No test sees another's data: each has its own database and its own broker.
//! - What cannot be set up panics with the reason: a test has nobody to return an error to.

#![expect(
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::panic,
    reason = "for tests, which fail by panicking; the crate's documentation says so"
)]

pub mod builders;
pub mod fault_proxy;
pub mod nats;
pub mod postgres;
pub mod wait;

pub use builders::{DERBY, a_referral, a_setting};
pub use fault_proxy::FaultProxy;
pub use nats::NatsServer;
pub use postgres::PostgresServer;

use std::path::{Path, PathBuf};

/// Where servers are installed that are not on the machine: shared with `deploy/run`.
fn tools_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools")
}

fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}
