//! The product from outside, one process of it for each test.

mod bad_events;
mod facts;
mod killed;
mod main_job;
mod outages;
mod scenarios;
mod secrets;
mod start;
