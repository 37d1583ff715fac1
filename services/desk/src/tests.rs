//! The whole desk on a real PostgreSQL, each test with a database of its own.

mod access;
mod acts;
mod bad_requests;
mod every_answer;
mod idempotency;
mod listening;
mod matching;
mod referrals;
mod settings;
mod support;
