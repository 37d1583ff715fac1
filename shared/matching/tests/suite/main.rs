//! Tests of the whole of matching: against a reference, by properties, and of its words.

mod explanations;
mod properties;
mod reference;
mod world;
