//! For tests: a real PostgreSQL and NATS of their own, builders, and waiting for a condition.
