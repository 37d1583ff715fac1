//! Checks of live data: each looks for what must never be, and returns what it found.

mod bookings;
mod life;
mod told;
mod values;

pub use bookings::Booking;

use crate::{
    error::{Result, Sorted},
    store::PgStore,
};
use chrono::{DateTime, Utc};
use oss_domain::RunId;

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant that does not hold, as the documentation names it.
    pub invariant: &'static str,
    /// What was found, by keys and ids only.
    pub what: String,
}

pub(crate) fn violations(invariant: &'static str, found: Vec<String>) -> Vec<Violation> {
    found
        .into_iter()
        .map(|what| Violation { invariant, what })
        .collect()
}

/// No check lists more than this: the first ones tell enough.
pub(crate) const MOST: i64 = 100;

impl PgStore {
    /// I2: each referral stands at its highest revision, with that one's content.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_referral_heads(&self) -> Result<Vec<Violation>> {
        let found = sqlx::query_scalar!(
            r#"SELECT 'referral ' || authority || '/' || referral_id || ' is at revision ' || revision
                 AS "what!"
               FROM referral
               WHERE (revision > 0 AND NOT EXISTS (
                   SELECT FROM referral_revision AS stored WHERE stored.key = referral.key
                     AND stored.revision = referral.revision AND stored.content = referral.content
                     AND stored.authority = referral.authority))
                 OR EXISTS (SELECT FROM referral_revision AS stored WHERE stored.key = referral.key
                     AND stored.revision > referral.revision)
               LIMIT $1"#,
            MOST
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(violations("I2", found))
    }

    /// I4: exactly the places and the children of those who have some are taken.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_places(&self) -> Result<Vec<Violation>> {
        let found = sqlx::query_scalar!(
            r#"SELECT 'place ' || place || ' of setting key ' || setting_key AS "what!"
               FROM (
                 SELECT setting_key, unnest(places) AS place, hold_id FROM occupancy
                 WHERE supply_until IS NULL) AS had
               FULL JOIN place_taken USING (setting_key, place, hold_id)
               WHERE had IS NULL OR place_taken IS NULL
               UNION ALL
               SELECT 'child ' || child_id || ' of ' || authority
               FROM (
                 SELECT authority, child ->> 'child_id' AS child_id, hold_id
                 FROM occupancy, jsonb_array_elements(occupants) AS child
                 WHERE supply_until IS NULL) AS had
               FULL JOIN child_taken USING (authority, child_id, hold_id)
               WHERE had IS NULL OR child_taken IS NULL
               LIMIT $1"#,
            MOST
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(violations("I4", found))
    }

    /// I6: every revision, run, approval and step of a placement has its line in the audit, and no such
    /// line is without one.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_audit_is_complete(&self) -> Result<Vec<Violation>> {
        let found = sqlx::query_scalar!(
            r#"WITH step (act, states) AS (VALUES
                 ('placement.agreed', ARRAY['agreed', 'started', 'ended', 'cancelled']),
                 ('placement.started', ARRAY['started', 'ended']),
                 ('placement.ended', ARRAY['ended']),
                 ('placement.cancelled', ARRAY['cancelled']))
               SELECT act || ' of referral key ' || referral_key || ', ' || thing AS "what!"
               FROM (
                 SELECT key AS referral_key, 'referral.received' AS act,
                   'revision ' || revision AS thing
                 FROM referral_revision
                 UNION ALL
                 SELECT referral_key, 'referral.ranked', 'run_' || replace(run_id::text, '-', '')
                 FROM match_run
                 UNION ALL
                 SELECT referral_key, act, 'plc_' || replace(placement_id::text, '-', '')
                 FROM placement JOIN step ON state = ANY (states)
                 UNION ALL
                 SELECT referral_key, CASE WHEN granted THEN 'approval.granted'
                   ELSE 'approval.refused' END,
                   'apr_' || replace(approval_id::text, '-', '') || ' ' || code
                 FROM approval WHERE granted IS NOT NULL) AS done
               FULL JOIN (
                 SELECT referral_key, act, thing, seq FROM audit
                 WHERE act IN ('referral.received', 'referral.ranked', 'approval.granted',
                   'approval.refused') OR act IN (SELECT act FROM step)) AS line
                 USING (referral_key, act, thing)
               WHERE done IS NULL OR seq IS NULL
               LIMIT $1"#,
            MOST
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(violations("I6", found))
    }

    /// I8: nothing that was committed before `before` is still to be published.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_outbox(&self, before: DateTime<Utc>) -> Result<Vec<Violation>> {
        let found = sqlx::query_scalar!(
            r#"SELECT 'event ' || event_id || ' on ' || subject AS "what!" FROM outbox
               WHERE published_at IS NULL AND created_at < $2 ORDER BY sequence LIMIT $1"#,
            MOST,
            before,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(violations("I8", found))
    }

    /// I9: each referral's current run is there, and its state is the one the run leads to.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_current_runs(&self) -> Result<Vec<Violation>> {
        let found = sqlx::query_scalar!(
            r#"SELECT 'referral ' || referral.authority || '/' || referral_id AS "what!"
               FROM referral LEFT JOIN match_run AS run
                 ON run.run_id = referral.run_id AND run.referral_key = key
                 AND run.revision = run_revision AND run.digest = run_digest
               WHERE (referral.run_id IS NULL) <> (run.run_id IS NULL)
                 OR (state = 'received') <> (referral.run_id IS NULL) AND state <> 'withdrawn'
                 OR state = 'ranked' AND n_offers = 0 OR state = 'unfilled' AND n_offers > 0
               LIMIT $1"#,
            MOST
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(violations("I9", found))
    }

    /// I9: the runs after `after`, at most `limit`, for the caller to make again.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn run_ids(&self, after: Option<RunId>, limit: u32) -> Result<Vec<RunId>> {
        let ids = sqlx::query_scalar!(
            "SELECT run_id FROM match_run WHERE $1::uuid IS NULL OR run_id > $1
             ORDER BY run_id LIMIT $2",
            after.map(RunId::into_uuid),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(ids.into_iter().map(RunId::from_uuid).collect())
    }

    /// I10: each setting's states follow one another without a gap, the last one is where it
    /// stands, and each version of a supply is some change.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_supply_history(&self) -> Result<Vec<Violation>> {
        let mut found = sqlx::query_scalar!(
            r#"SELECT 'setting key ' || key || ' from version ' || supply_from AS "what!"
               FROM (
                 SELECT key, supply_from, supply_until,
                   lead(supply_from) OVER (PARTITION BY key ORDER BY supply_from) AS next
                 FROM setting_version) AS past
               WHERE supply_until IS DISTINCT FROM next
               LIMIT $1"#,
            MOST
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        found.extend(
            sqlx::query_scalar!(
                r#"SELECT 'setting ' || setting.authority || '/' || setting_id AS "what!"
                   FROM setting LEFT JOIN setting_version AS now
                     ON now.key = setting.key AND now.supply_until IS NULL
                     AND now.authority = setting.authority
                   WHERE now.supply_from IS DISTINCT FROM supply_version
                     OR now.document IS DISTINCT FROM CASE WHEN open THEN setting.document END
                   LIMIT $1"#,
                MOST
            )
            .fetch_all(&self.pool)
            .await
            .sorted()?,
        );
        found.extend(
            sqlx::query_scalar!(
                r#"WITH change AS (
                     SELECT authority, supply_from AS version FROM setting_version
                     UNION SELECT authority, supply_from FROM occupancy
                     UNION SELECT authority, supply_until FROM occupancy
                       WHERE supply_until IS NOT NULL)
                   SELECT 'the supply of ' || authority || ' has ' || supply_version || ' versions, '
                     || count(version) || ' with a change, up to ' || coalesce(max(version), 0)
                     AS "what!"
                   FROM register LEFT JOIN change USING (authority)
                   GROUP BY authority, supply_version
                   -- Changes of how firmly a place is held leave no trace of their version.
                   HAVING coalesce(max(version), 0) > supply_version
                     OR count(version) > supply_version
                   LIMIT $1"#,
                MOST
            )
            .fetch_all(&self.pool)
            .await
            .sorted()?,
        );
        Ok(violations("I10", found))
    }
}
