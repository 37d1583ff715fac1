//! A council's whole life in a second: the real steps of `oss-workflow` over a store in memory,
//! with everything that may go wrong between stream, handler and database, drawn from a seed.
//!
//! The simulator polls each handler itself, so it decides between which two steps a handler dies,
//! which one runs next, what is delivered twice, late or out of order, and where the clock jumps.
//! After every commit the whole state is checked (`check`); once the faults stop, the work must
//! get done. A failure names its seed and the command that replays it, step for step.
//!
//! It does not test PostgreSQL or NATS: `tests/end_to_end` and the tests of storage and messaging
//! do, with real servers.
//!
//! Invariants
//! - The seed is the only source of chance: the same seed and defect give the same run.
//! - Steps are the real ones; what is simulated is the store and the handlers around them.
//! - Every planted [`Defect`] is found (`tests/defects.rs`), so the checks are known to see.
//!
//! To add a check: add it to `check`, and a defect that only it finds.

mod act;
mod check;
pub mod conformance;
mod defect;
mod forget;
mod handler;
mod message;
mod scene;
mod simulator;
mod store;
mod tables;

pub use defect::Defect;
pub use scene::{derby, home_at, household, policy, referral, seal, world};
pub use simulator::{Failure, Report, run};
pub use store::{MemoryStore, block_on};
pub use tables::Tables;
