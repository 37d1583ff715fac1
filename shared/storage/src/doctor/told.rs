//! Checks of what was taken in, told and read, as far as the database alone shows it.
//!
//! What the streams hold besides (I1, I7), the log of a proxy (I11), and logs and metrics (I12) are
//! compared with it by tests, since nothing here can see them.

use super::{MOST, Violation, violations};
use crate::{
    error::{Result, Sorted},
    store::PgStore,
};
use chrono::{DateTime, Utc};

impl PgStore {
    /// I1: nothing that was taken in before `before` is left lying: each referral was ranked once,
    /// and each event that is to be tried again was.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_nothing_is_left(&self, before: DateTime<Utc>) -> Result<Vec<Violation>> {
        let found = sqlx::query_scalar!(
            r#"SELECT 'referral ' || authority || '/' || referral_id || ' was never ranked' AS "what!"
               FROM referral WHERE state = 'received' AND received_at < $2
               UNION ALL
               SELECT 'dead letter ' || dead_letter_id || ' was not tried again'
               FROM dead_letter WHERE resolved_at IS NULL AND retry_requested_at < $2
               LIMIT $1"#,
            MOST,
            before,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(violations("I1", found))
    }

    /// I7: each event can be read, and whatever it tells of is there.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_what_is_told(&self) -> Result<Vec<Violation>> {
        let found = sqlx::query_scalar!(
            r#"WITH event AS MATERIALIZED (
                 SELECT event_id, subject, told(payload) -> 'data' AS data FROM outbox)
               SELECT 'event ' || event_id || ' on ' || subject || ' cannot be read' AS "what!"
               FROM event WHERE data IS NULL
               UNION ALL
               SELECT 'event ' || event_id || ' tells of ' || thing
               FROM event
               CROSS JOIN LATERAL (VALUES (data ->> 'run_id'), (data ->> 'offer_id'),
                 (data ->> 'hold_id'), (data ->> 'placement_id')) AS named (thing)
               LEFT JOIN (
                 SELECT 'run_' || replace(run_id::text, '-', '') AS thing FROM match_run
                 UNION ALL SELECT 'off_' || replace(offer_id::text, '-', '') FROM offer
                 UNION ALL SELECT 'hld_' || replace(hold_id::text, '-', '') FROM occupancy
                 UNION ALL SELECT 'plc_' || replace(placement_id::text, '-', '') FROM placement)
                 AS stored USING (thing)
               WHERE thing IS NOT NULL AND stored.thing IS NULL
               UNION ALL
               SELECT 'event ' || event_id || ' tells of referral ' || (data ->> 'referral_id')
               FROM event LEFT JOIN referral
                 ON authority = data ->> 'authority' AND referral_id = data ->> 'referral_id'
               -- What was rejected need not be there.
               WHERE data ? 'referral_id' AND key IS NULL AND subject NOT LIKE '%.referral.rejected'
               LIMIT $1"#,
            MOST
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(violations("I7", found))
    }

    /// I11: each reading that is on the record is a person's, and says of what.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_readings(&self) -> Result<Vec<Violation>> {
        let found = sqlx::query_scalar!(
            r#"SELECT 'line ' || seq || ' of ' || coalesce('referral key ' || referral_key,
                 authority || '''s own acts') || ': ' || act AS "what!"
               FROM audit
               WHERE act LIKE '%.read' AND (actor_kind <> 'person' OR actor = '' OR thing = '')
               LIMIT $1"#,
            MOST
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(violations("I11", found))
    }

    /// I12: no provider was told which child it is about: no id, date of birth or postcode of it.
    /// Fields with a vocabulary of their own are passed over: a setting may be called as a child is.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_providers_are_told_of_nobody(&self) -> Result<Vec<Violation>> {
        let found = sqlx::query_scalar!(
            r#"WITH event AS MATERIALIZED (
                 SELECT event_id, subject, told(payload) AS event
                 FROM outbox WHERE subject LIKE '%.offer.approached'),
               field AS (
                 SELECT event_id, event #>> '{data,offer_id}' AS offer, text #>> '{}' AS text
                 FROM event
                 CROSS JOIN jsonb_path_query(event,
                   'strict $.** ? (@.type() == "object").keyvalue()') AS field
                 CROSS JOIN jsonb_path_query(field -> 'value',
                   'lax $[*] ? (@.type() == "string")') AS text
                 WHERE field ->> 'key' <> ALL (ARRAY['authority', 'provider_id', 'setting_id',
                   'urgency', 'start_date', 'sex', 'religion', 'languages'])
                 UNION ALL
                 SELECT event_id, event #>> '{data,offer_id}', token
                 FROM event CROSS JOIN string_to_table(subject, '.') AS token
                 -- One that is as the contract has it tells of nobody.
                 WHERE subject IS DISTINCT FROM 'oss.evt.v1.' || (event #>> '{data,authority}')
                   || '.provider.' || (event #>> '{data,provider_id}') || '.offer.approached')
               SELECT DISTINCT 'event ' || event_id || ' tells a provider ' || what AS "what!"
               FROM field
               JOIN offer ON field.offer = 'off_' || replace(offer_id::text, '-', '')
               JOIN referral ON referral.key = referral_key
               JOIN referral_revision AS past ON past.key = referral_key
               CROSS JOIN LATERAL (
                 SELECT 'the referral''s id', referral_id
                 UNION ALL SELECT 'a child''s id', child ->> 'child_id'
                 FROM jsonb_array_elements(document -> 'children') AS child
                 UNION ALL SELECT 'a date of birth', child ->> 'date_of_birth'
                 FROM jsonb_array_elements(document -> 'children') AS child
                 UNION ALL SELECT 'a postcode', value #>> '{}'
                 FROM jsonb_path_query(jsonb_build_array(document -> 'locations',
                   document -> 'exclusion_zones'), 'strict $.** ? (@.type() == "string")') AS value)
                 AS canary (what, secret)
               WHERE text = secret
               LIMIT $1"#,
            MOST
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(violations("I12", found))
    }
}
