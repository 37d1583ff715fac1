//! The store on a real PostgreSQL, each test with a database of its own.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod audit;
mod council;
mod doctor;
mod drafts;
mod figures;
mod history;
mod life;
mod messages;
mod queue;
mod races;
mod runs;
mod support;
mod units;
mod walls;
