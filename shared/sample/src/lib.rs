//! Invented supply and referrals of a council of Derby's size, from a seed: for `deploy/run`,
//! benchmarks, load tests and pictures.
//!
//! It makes domain types and nothing else: whoever calls it publishes or stores them. It is no
//! model of Derby's real market, and nothing here is a person, a carer, a company or a home that
//! exists: names are made up and say so, registration numbers begin with `ZZ`, which Ofsted does
//! not issue, and postcodes are ended ones where nobody can live.
//!
//! Invariants
//! - The same seed gives the same values on any day and machine; no clock is read. Dates of the
//!   register lie about [`REGISTER_DATE`].
//! - All of it keeps to the contract's rules (section 2); the tests read every value back through
//!   the contract.
//! - The shares of the assumptions hold for every seed, since they are dealt from a shuffled deck
//!   rather than drawn; so do those of [`scaled`], whatever its size.
//!
//! To add a kind of setting: add its group with the number of its settings to `DERBY` in
//! `supply.rs`, and follow the compiler.
//!
//! Sources: shares and prices are assumptions (labelled in docs/domain.md), led by Ofsted's and
//! DfE's published totals, Open Government Licence v.3.0. Postcodes: Office for National Statistics
//! licensed under the Open Government Licence v.3.0. Contains OS data © Crown copyright and database
//! right 2025. Contains Royal Mail data © Royal Mail copyright and database right 2025.

mod chance;
mod names;
mod places;
mod profile;
mod referrals;
mod stream;
mod supply;

pub use referrals::referrals;
pub use stream::stream;
pub use supply::{REGISTER_DATE, scaled, supply};

use oss_domain::AuthorityCode;
use std::str::FromStr;

/// The council that sample referrals are of, and whose register [`scaled`] makes: Derby.
#[must_use]
pub fn authority() -> AuthorityCode {
    made("E06000015")
}

/// Reads what this crate itself has written.
#[expect(
    clippy::expect_used,
    reason = "the text is the crate's own, and the tests make every one of them"
)]
fn made<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("the crate's own texts are well formed")
}
