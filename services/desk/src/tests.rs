//! The whole desk on a real PostgreSQL, each test with a database of its own.

mod access;
mod bad_requests;
mod every_answer;
mod idempotency;
mod matching;
mod referrals;
mod settings;
mod support;
