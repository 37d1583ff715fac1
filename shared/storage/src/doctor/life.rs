//! Checks of what leads from an offer to a placement.

use super::{MOST, Violation, violations};
use crate::{
    error::{Result, Sorted},
    store::PgStore,
};

impl PgStore {
    /// I4: no place and no child was ever had twice at a version of the supply, whatever the
    /// constraints say: swept anew from who had places when.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_never_taken_twice(&self) -> Result<Vec<Violation>> {
        let found = sqlx::query_scalar!(
            r#"WITH had AS (
                 SELECT 'place ' || place || ' of setting key ' || setting_key AS what,
                   supply_from, coalesce(supply_until, 9223372036854775807) AS supply_until
                 FROM occupancy, unnest(places) AS place
                 UNION ALL
                 SELECT 'child ' || (child ->> 'child_id') || ' of ' || authority, supply_from,
                   coalesce(supply_until, 9223372036854775807)
                 FROM occupancy, jsonb_array_elements(occupants) AS child)
               SELECT DISTINCT what AS "what!"
               FROM (
                 SELECT what, supply_from, max(supply_until) OVER (
                   PARTITION BY what ORDER BY supply_from, supply_until
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS free_from
                 FROM had WHERE supply_from < supply_until) AS swept
               WHERE supply_from < free_from
               LIMIT $1"#,
            MOST
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(violations("I4", found))
    }

    /// I10: referrals, offers, placements, approvals and deadlines stand where they can stand
    /// together, and each came there by steps that were taken.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_life(&self) -> Result<Vec<Violation>> {
        let mut found = sqlx::query_scalar!(
            r#"SELECT 'referral ' || authority || '/' || referral_id || ' is ' || state AS "what!"
               FROM referral
               WHERE (state = 'selected') <> EXISTS (
                   SELECT FROM placement WHERE referral_key = key AND placement.state = 'agreed')
                 OR (state = 'placed') <> EXISTS (SELECT FROM placement
                   WHERE referral_key = key AND placement.state IN ('started', 'ended'))
                 OR state IN ('selected', 'placed', 'withdrawn') AND EXISTS (SELECT FROM offer
                   WHERE referral_key = key AND offer.state IN ('approached', 'accepted'))
                 OR state IN ('selected', 'placed', 'withdrawn') AND EXISTS (SELECT FROM occupancy
                   WHERE referral_key = key AND supply_until IS NULL AND claim = 'held')
               UNION ALL
               SELECT 'offer ' || offer_id || ' is ' || offer.state FROM offer
               WHERE (offer.state = 'selected') <> EXISTS (SELECT FROM placement
                   WHERE placement.offer_id = offer.offer_id AND placement.state <> 'cancelled')
                 OR (offer.state = 'approached') <> EXISTS (SELECT FROM deadline
                   WHERE thing = offer_id AND kind = 'respond_by' AND settled_at IS NULL)
               UNION ALL
               SELECT 'hold ' || hold_id || ' is ' || claim FROM occupancy
               WHERE (claim = 'held' AND supply_until IS NULL) <> EXISTS (SELECT FROM deadline
                   WHERE thing = hold_id AND kind = 'hold_expires' AND settled_at IS NULL)
               UNION ALL
               SELECT 'placement ' || placement_id || ' is ' || state FROM placement
               WHERE state = 'agreed' AND NOT EXISTS (SELECT FROM occupancy
                   WHERE occupancy.hold_id = placement.hold_id AND supply_until IS NULL
                     AND claim = 'agreed' AND occupancy.placement_id = placement.placement_id)
                 OR state IN ('ended', 'cancelled') AND EXISTS (SELECT FROM occupancy
                   WHERE occupancy.hold_id = placement.hold_id AND supply_until IS NULL)
                 OR state IN ('started', 'ended') AND EXISTS (SELECT FROM approval
                   WHERE approval.placement_id = placement.placement_id AND blocks_start
                     AND granted IS NOT TRUE)
               UNION ALL
               SELECT 'condition ' || condition_id || ' is open' FROM condition
               JOIN referral ON referral.key = referral_key
               WHERE outcome IS NULL AND referral.state IN ('placed', 'withdrawn')
               UNION ALL
               SELECT 'condition ' || condition_id || ' is ' || outcome || ' and falls due'
               FROM condition WHERE outcome IS NOT NULL AND EXISTS (SELECT FROM deadline
                 WHERE thing = condition_id AND kind = 'condition_due' AND settled_at IS NULL)
               LIMIT $1"#,
            MOST
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        found.extend(
            sqlx::query_scalar!(
                r#"WITH after (act, earlier) AS (VALUES
                     ('offer.accepted', 'offer.approached'), ('offer.declined', 'offer.approached'),
                     ('offer.expired', 'offer.approached'),
                     ('placement.started', 'placement.agreed'),
                     ('placement.ended', 'placement.started'),
                     ('placement.cancelled', 'placement.agreed'))
                   SELECT act || ' of ' || thing || ' without ' || earlier AS "what!"
                   FROM audit AS line JOIN after USING (act)
                   WHERE NOT EXISTS (SELECT FROM audit AS before
                     WHERE before.authority = line.authority
                       AND before.referral_key = line.referral_key AND before.seq < line.seq
                       AND before.act = earlier AND before.thing = line.thing)
                   LIMIT $1"#,
                MOST
            )
            .fetch_all(&self.pool)
            .await
            .sorted()?,
        );
        Ok(violations("I10", found))
    }

    /// I3: nothing is offered twice: a referral has one offer of a setting, and a run is told once.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_offered_once(&self) -> Result<Vec<Violation>> {
        let found = sqlx::query_scalar!(
            r#"SELECT 'referral key ' || referral_key || ' has ' || count(*) || ' offers of setting key '
                 || setting_key AS "what!"
               FROM offer GROUP BY referral_key, setting_key HAVING count(*) > 1
               UNION ALL
               SELECT run_id || ' was told ' || count(*) || ' times'
               FROM (
                 SELECT told(payload) #>> '{data,run_id}' AS run_id
                 FROM outbox WHERE subject LIKE '%.offers.proposed') AS told
               GROUP BY run_id HAVING count(*) > 1
               LIMIT $1"#,
            MOST
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(violations("I3", found))
    }

    /// I14: nobody has less time than they were told: what waits for an offer's answer or a hold's end
    /// falls due when that was said to be, and no offer expired sooner.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_deadlines(&self) -> Result<Vec<Violation>> {
        let found = sqlx::query_scalar!(
            r#"SELECT 'deadline ' || deadline_id || ' of offer ' || offer_id AS "what!"
               FROM deadline JOIN offer ON offer_id = thing
               WHERE deadline.kind = 'respond_by' AND settled_at IS NULL
                 AND due_at IS DISTINCT FROM respond_by
               UNION ALL
               SELECT 'offer ' || offer_id || ' expired early' FROM offer
               -- The last time: it may have been asked for again.
               WHERE state = 'expired' AND respond_by > (SELECT max(at) FROM audit
                 WHERE audit.authority = offer.authority
                   AND audit.referral_key = offer.referral_key AND act = 'offer.expired'
                   AND thing = 'off_' || replace(offer_id::text, '-', ''))
               UNION ALL
               SELECT 'deadline ' || deadline_id || ' of hold ' || hold_id
               FROM deadline JOIN occupancy ON hold_id = thing
               WHERE kind = 'hold_expires' AND settled_at IS NULL AND due_at IS DISTINCT FROM until
               LIMIT $1"#,
            MOST
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(violations("I14", found))
    }

    /// I13: every decision and every approach goes back to a person, who is on the record; and
    /// whoever decided has not approved it too.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_decisions(&self) -> Result<Vec<Violation>> {
        let found = sqlx::query_scalar!(
            r#"SELECT 'placement ' || placement_id || ' by ' || decided_by AS "what!" FROM placement
               WHERE NOT EXISTS (SELECT FROM audit
                 WHERE audit.authority = placement.authority
                   AND audit.referral_key = placement.referral_key
                   AND act = 'placement.agreed' AND actor_kind = 'person' AND actor = decided_by
                   AND thing = 'plc_' || replace(placement_id::text, '-', ''))
               UNION ALL
               SELECT 'approach ' || offer_id || ' by ' || approached_by FROM offer
               WHERE approached_by IS NOT NULL AND NOT EXISTS (SELECT FROM audit
                 WHERE audit.authority = offer.authority AND audit.referral_key = offer.referral_key
                   AND act IN ('offer.approached', 'call_off.wave_opened')
                   AND actor_kind = 'person' AND actor = approached_by)
               UNION ALL
               SELECT 'approval ' || approval_id || ' by ' || recorded_by
               FROM approval JOIN placement USING (placement_id)
               -- A notice and a look-up are tasks and no permissions.
               WHERE code NOT IN ('A03', 'A17') AND recorded_by = decided_by
               LIMIT $1"#,
            MOST
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(violations("I13", found))
    }
}
