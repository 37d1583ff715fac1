//! What each event or act leads to, as pure steps over a [`Unit`] of work.
//!
//! A handler opens a unit (the store locks and loads what the step needs), calls a step of this
//! crate, which changes the unit in memory, and commits it: state, audit and outgoing events
//! together or not at all. A step decides everything; the commit has no choices left.
//!
//! Pure: no I/O, no clock but [`Context`]'s. The [`Store`] port has two users: PostgreSQL in
//! `oss-storage`, and memory in the simulator, which runs these very steps.
//!
//! Invariants
//! - A step that returns a [`Refusal`] has changed nothing.
//! - The heads in a unit are state; its log is append-only.
//! - An event is handled once for ever: see [`Unit::first_sight`].
//! - Only a person approaches, selects, approves and starts ([`call_off`], [`decision`],
//!   [`approvals`], [`placement`]); the product only carries on what a person began.
//! - Whoever is asked, held or selected is judged again under lock ([`world`]): nothing is given
//!   that has become unlawful or was taken.
//! - Whatever waits has a [`deadline`] that is settled in the unit that ends the waiting.
//!
//! To add a step: add what it appends to [`unit::Entry`], what it announces to [`event::Event`],
//! write the function beside its noun, and follow the compiler into storage and contract.

pub mod admission;
pub mod answer;
pub mod approvals;
pub mod authorise;
pub mod calendar;
pub mod call_off;
pub mod clocks;
pub mod conditions;
pub mod deadline;
pub mod decision;
pub mod event;
pub mod hold;
pub mod kept;
pub mod key;
pub mod occupancy;
pub mod offer;
pub mod placement;
pub mod profile;
pub mod ranking;
pub mod referral;
pub mod refusal;
pub mod store;
pub mod supply;
pub mod unit;
pub mod world;

pub use event::Event;
pub use key::{EventKey, OfferSeal, ReferralKey, SettingKey, SupplyVersion};
pub use refusal::Refusal;
pub use store::{Store, StoreError, Wanted};
pub use unit::{Actor, Context, ReferralHead, RunHead, SettingHead, Unit};
pub use world::World;
