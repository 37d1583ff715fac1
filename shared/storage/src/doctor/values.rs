//! Values that each event writes: held by types when they are written, and looked after here.

use super::{MOST, Violation, violations};
use crate::{
    error::{Result, Sorted},
    store::PgStore,
};

impl PgStore {
    /// I10: heads, revisions, runs, handled events and lines of the audit have no value that they
    /// cannot have, and each run's policy is kept.
    ///
    /// For these the database has no constraints: it would pay for them with each event.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_values(&self) -> Result<Vec<Violation>> {
        let found = sqlx::query_scalar!(
            r#"SELECT 'the head of referral key ' || key AS "what!" FROM referral
               WHERE referral_id !~ '^[A-Za-z0-9_-]{1,40}$' OR revision < 0 OR octet_length(content) <> 32
                 OR state NOT IN ('received', 'ranked', 'unfilled', 'in_call_off', 'selected',
                   'placed', 'withdrawn')
                 -- Without a revision it was withdrawn before any arrived.
                 OR (revision = 0) <> (urgency IS NULL) OR revision = 0 AND state <> 'withdrawn'
                 OR num_nulls(run_id, run_revision, run_digest) NOT IN (0, 3)
                 OR octet_length(run_digest) <> 16
                 OR audit_seq < 0 OR octet_length(audit_hash) <> 32
               UNION ALL
               SELECT 'revision ' || revision || ' of referral key ' || key FROM referral_revision
               WHERE revision < 1 OR octet_length(content) <> 32
               UNION ALL
               SELECT 'run ' || run_id FROM match_run
               WHERE n_offers < 0 OR octet_length(digest) <> 16
                 OR policy_sha256 NOT IN (SELECT sha256 FROM policy)
               UNION ALL
               SELECT 'handled event ' || event_id || ' of ' || source FROM inbox
               WHERE length(source) > 2048 OR length(event_id) NOT BETWEEN 1 AND 128
               UNION ALL
               SELECT 'line ' || seq || ' of the audit of ' || authority || ', referral key '
                 || coalesce(referral_key::text, 'none') FROM audit
               WHERE seq < 1 OR actor_kind NOT IN ('person', 'producer', 'service')
                 OR octet_length(previous_hash) <> 32 OR octet_length(hash) <> 32
               LIMIT $1"#,
            MOST
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(violations("I10", found))
    }
}
