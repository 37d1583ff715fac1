//! The acceptance scenarios, run over the pure core.
