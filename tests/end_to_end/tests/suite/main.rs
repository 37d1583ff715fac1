//! The product from outside, one process of it for each test.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a fault fails the test, and a test tells its story from start to end"
)]

mod audit;
mod bad_events;
mod facts;
mod holds;
mod killed;
mod main_job;
mod outages;
mod relays;
mod scenarios;
mod secrets;
mod start;
mod tokens;
