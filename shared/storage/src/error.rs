//! What an error of the database means to the caller.

use oss_workflow::StoreError;
use sqlx::error::DatabaseError;

/// A result of this crate.
pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// Sorts an error of sqlx by what may be done about it.
pub(crate) fn from_sqlx(error: sqlx::Error) -> StoreError {
    use sqlx::Error;
    match &error {
        Error::Io(_)
        | Error::Tls(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::BeginFailed => StoreError::Unavailable(error.into()),
        Error::Database(database) => match sort(database.as_ref()) {
            Sort::Away => StoreError::Unavailable(error.into()),
            Sort::Clash => StoreError::Clash(error.into()),
            Sort::Broken => StoreError::Broken(error.into()),
        },
        _ => StoreError::Broken(error.into()),
    }
}

enum Sort {
    Away,
    Clash,
    Broken,
}

/// By SQLSTATE (PostgreSQL, appendix A).
fn sort(error: &dyn DatabaseError) -> Sort {
    // Two units saw the same thing for the first time: the slower one finds it there when it retries.
    if error.is_unique_violation() && FIRST_SIGHTS.contains(&error.constraint().unwrap_or_default())
    {
        return Sort::Clash;
    }
    let code = error.code().unwrap_or_default();
    match code.as_ref() {
        // serialization_failure, deadlock_detected, lock_not_available
        "40001" | "40P01" | "55P03" => Sort::Clash,
        // query_canceled (statement_timeout), idle_in_transaction_session_timeout,
        // read_only_sql_transaction (a replica that is not promoted yet)
        "57014" | "25P03" | "25006" => Sort::Away,
        // connection exceptions, insufficient resources, operator intervention, system errors
        _ if ["08", "53", "57", "58"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            Sort::Away
        }
        _ => Sort::Broken,
    }
}

/// Constraints that two units can run into which see the same event, noun or place for the first time.
const FIRST_SIGHTS: [&str; 7] = [
    "inbox_pkey",
    "referral_pkey",
    "setting_pkey",
    "place_taken_once",
    "child_taken_once",
    "occupancy_once",
    "audit_checkpoint_pkey",
];

/// Something stored, or to be stored, is not as it should be.
pub(crate) fn broken(what: impl Into<String>) -> StoreError {
    StoreError::Broken(what.into().into())
}

/// Turns errors of sqlx into those of the store.
pub(crate) trait Sorted<T> {
    /// The same, sorted.
    fn sorted(self) -> Result<T>;
}

impl<T> Sorted<T> for std::result::Result<T, sqlx::Error> {
    fn sorted(self) -> Result<T> {
        self.map_err(from_sqlx)
    }
}
