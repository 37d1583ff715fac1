//! The store on a real PostgreSQL, each test with a database of its own.

#![expect(clippy::indexing_slicing, clippy::expect_used, reason = "these are tests")]

mod history;
mod messages;
mod support;
mod units;
mod walls;
