//! Tests of the whole of matching: against a reference, by properties, and of its words.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "made-up data of known size; a fault fails the test"
)]

mod explanations;
mod plain;
mod properties;
mod reference;
mod world;
