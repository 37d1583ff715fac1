//! Starting, stopping and supervising: the system clock and chance, [`Lifecycle`], [`Secret`],
//! [`Backoff`], and the private servers that `deploy/run` and the tests stand on.
//!
//! It does not know what the roles do, and reads no configuration: paths, ports and names are
//! parameters.
//!
//! Invariants
//! - Here alone the time is read from the system and chance is taken from it.
//! - A critical task that ends, fails or panics before shutdown stops the process with a failure:
//!   a half-alive process is worse than a restart.
//! - A [`Secret`] is never shown by `Debug`.
//! - Of the servers, only what was started here is stopped, by its process id, and no server
//!   outlives the process that started it, not even when that is killed ([`dev_servers`]).

pub mod backoff;
pub mod dev_servers;
pub mod lifecycle;
pub mod secret;
pub mod system;

pub use backoff::Backoff;
pub use lifecycle::{Ending, Lifecycle};
pub use secret::Secret;
pub use system::{SystemClock, seeded_rng};
