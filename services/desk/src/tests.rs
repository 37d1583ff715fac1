//! The whole desk on a real PostgreSQL, each test with a database of its own.

mod access;
mod acting;
mod acts;
mod allocation;
mod answering;
mod bad_requests;
mod browser;
mod conditions;
mod discarded;
mod drafts;
mod every_answer;
mod idempotency;
mod import;
mod intake;
mod listening;
mod local_login;
mod matching;
mod openid;
mod provider;
mod readings;
mod referrals;
mod register;
mod reports;
mod sessions;
mod settings;
mod support;
