//! The real binary with real servers, from event to offers.
