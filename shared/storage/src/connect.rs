//! How a service connects: as which role, for which authorities, and how long it waits.

use crate::error::{Result, broken};
use oss_domain::AuthorityCode;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use std::{fmt, time::Duration};

/// How a pool of connections is made.
#[derive(Clone)]
pub struct ConnectOptions {
    /// The database's address, such as `postgres://oss_app:…@host/oss`.
    pub url: String,
    /// The role of the service, as the database's own tools show it.
    pub application_name: String,
    /// Whose rows its connections may see and write.
    pub authorities: Vec<AuthorityCode>,
    /// The most connections at a time.
    pub max_connections: u32,
    /// How long a statement may take: 5 s for pages, 30 s for jobs.
    pub statement_timeout: Duration,
    /// How long a statement waits for a lock before the unit counts as clashed.
    pub lock_timeout: Duration,
}

impl ConnectOptions {
    /// The usual ones for a service.
    #[must_use]
    pub fn new(url: &str, application_name: &str, authorities: &[AuthorityCode]) -> Self {
        Self {
            url: url.to_owned(),
            application_name: application_name.to_owned(),
            authorities: authorities.to_vec(),
            max_connections: 6,
            statement_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(3),
        }
    }

    /// Makes the pool; connections are opened as they are needed, so a database that is away does
    /// not keep a service from starting.
    pub(crate) fn pool(&self) -> Result<PgPool> {
        let options: PgConnectOptions = self
            .url
            .parse()
            .map_err(|_| broken("the database's address is not understood"))?;
        let authorities: Vec<_> = self.authorities.iter().map(AuthorityCode::as_str).collect();
        let options = options.application_name(&self.application_name).options([
            ("oss.authorities", authorities.join(",")),
            (
                "statement_timeout",
                self.statement_timeout.as_millis().to_string(),
            ),
            // Statements are short: making machine code of one takes longer than it runs.
            ("jit", "off".to_owned()),
            ("lock_timeout", self.lock_timeout.as_millis().to_string()),
            (
                "idle_in_transaction_session_timeout",
                IDLE_IN_TRANSACTION.as_millis().to_string(),
            ),
        ]);
        Ok(PgPoolOptions::new()
            .max_connections(self.max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // A ping before each use costs a round trip; a connection that broke fails its first
            // statement instead, which is retried as any passing fault is.
            .test_before_acquire(false)
            .connect_lazy_with(options))
    }
}

/// Longer than this, and the caller had better be told to come back later.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// A unit that holds its locks this long has lost its owner.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);

impl fmt::Debug for ConnectOptions {
    /// Leaves out the address, which holds the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("application_name", &self.application_name)
            .field("authorities", &self.authorities)
            .field("max_connections", &self.max_connections)
            .field("statement_timeout", &self.statement_timeout)
            .field("lock_timeout", &self.lock_timeout)
            .finish_non_exhaustive()
    }
}
