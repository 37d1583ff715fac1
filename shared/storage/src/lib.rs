//! PostgreSQL: migrations, the unit of work, inbox, outbox, dead letters, run records.
