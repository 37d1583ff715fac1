//! Which settings may take the child, in what order, and why: all of docs/matching.md.
//!
//! Pure: no I/O, no clock, no chance, no float. Reads nothing but its arguments, so that a replay
//! is exact. It proposes; it never places, holds or stores anything.
//!
//! A [`Referral`](oss_domain::Referral) is compiled to a [`Query`]; a council's register is kept as
//! a [`Supply`], packed for scanning and changed in place; [`rank()`] makes a compact [`Outcome`],
//! which expands to an [`Evaluation`]. `check` recomputes an evaluation from the plain referral
//! and settings and tells what is wrong with it. [`explain`] words all of it for people.
//!
//! Invariants (`tests/suite/properties.rs` holds them)
//! - A setting is ranked, or excluded with **all** its reasons; a connected person of other
//!   children appears nowhere.
//! - Adding or removing a setting never reorders the others; the order of the supply is irrelevant.
//! - The same inputs give the same outcome, and [`Outcome::digest`] tells whether two are the same.
//! - `check` shares no code with `rank`: neither can hide the other's mistakes.
//!
//! To add a rule: its code goes in `oss_domain::reason`, its bit in `sets.rs`, its words and law in
//! `rules/catalogue.rs`, the rule in `rules.rs` and, written again, in `check/facts.rs` and
//! `tests/suite/reference.rs`; `tests/suite/world.rs` must then make worlds that meet it, which
//! `the_worlds_reach_every_code` counts.

mod bound;
pub mod check;
pub mod evaluation;
pub mod explain;
pub mod levels;
pub mod outcome;
pub mod policy;
pub mod query;
pub mod rank;
pub mod rules;
pub mod sets;
pub mod supply;
pub mod values;

pub use check::{Checker, Finding, check};
pub use evaluation::{Evaluation, ExcludedSetting, Gap, NearMiss, Offer};
pub use levels::PackedLevels;
pub use outcome::{Outcome, Ranked};
pub use policy::{ByCriterion, Council, Criterion, Policy, PolicyError, Values, Weights};
pub use query::Query;
pub use rank::{Band, Verdict, evaluate, rank};
pub use sets::{ActSet, ApprovalSet, ReasonSet, WarningSet};
pub use supply::{Entry, Held, OtherRegister, Supply};
pub use values::Distances;

/// The version of the rules, stored with every run: raised when an outcome could differ.
pub const ENGINE_VERSION: &str = "1.0.0";
