//! PostgreSQL: migrations, the unit of work, inbox, outbox, dead letters, run records.
//!
//! [`PgStore`] is the [`Store`](oss_workflow::Store) of the services. Besides the port it offers
//! plain functions, a file for each noun. It decides nothing: what is to be written was decided by
//! `oss-workflow`, and what it looks like on the wire by `oss-contract`.
//!
//! Invariants
//! - State, audit, inbox and outbox are committed together or not at all.
//! - Locks are taken in one order: registers, then referrals by key, new ones and events by name, then
//!   the audit's chains. Who takes one for new that another has by key may wait in a circle: a clash.
//! - Every row of an authority is behind row-level security; a connection sees the authorities it
//!   serves and no others.
//! - What is told in words about a child, and payloads that could not be read, are stored encrypted.
//! - No statement in a loop over rows: a unit takes at most one round trip a table, however many rows.
//!
//! To add a table: write a migration (never change one that was merged) that comments on it, calls
//! `protect` and grants `oss_app` what it needs; add the statements beside their noun; run
//! `prepare.sh`, which writes what the macros know about them to `.sqlx`.

mod commit;
mod error;
mod keys;
mod life;
mod listing;
mod occupancy;
mod open;
mod row;
mod run_record;
mod store;

pub mod audit;
pub mod connect;
pub mod counts;
pub mod dead_letters;
pub mod desk;
pub mod doctor;
pub mod drafts;
pub mod floor;
pub mod history;
pub mod idempotency;
pub mod installation;
pub mod migrate;
pub mod outbox;
pub mod people;
pub mod referrals;
pub mod reports;
pub mod runs;
pub mod seal;
pub mod supply;

pub use connect::ConnectOptions;
pub use life::{ApprovalCursor, WaitingFilter};
pub use oss_workflow::StoreError;
pub use seal::InstallationKey;
pub use store::{PgStore, PgUnit};
