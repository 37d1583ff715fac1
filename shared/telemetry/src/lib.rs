//! Logs, metrics, health and trace contexts, without personal data.
//!
//! It serves nothing itself: the operations listener asks [`Metrics::render`] and [`Health`], and
//! knows HTTP. It decides no policy: what is logged and measured is the roles' business, the names
//! are reliability.md's §5.1.
//!
//! Invariants
//! - Every metric has a help text and begins with `oss_`, but for `process_*`; labels come from
//!   closed sets, never from ids.
//! - An error is logged once, with its causes ([`ErrorChain`]).
//! - Liveness never looks at dependencies; readiness does.

pub mod error_chain;
pub mod health;
pub mod logging;
pub mod metrics;
mod process;
pub mod trace;

pub use error_chain::ErrorChain;
pub use health::{Health, Status};
pub use logging::LogFormat;
pub use metrics::Metrics;
pub use trace::TraceParent;
