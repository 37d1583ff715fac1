//! Places that are kept, with all that decided whether they might be: for the rules to be asked again.

use crate::{
    error::{Result, Sorted, broken},
    occupancy, row,
    store::PgStore,
};
use chrono::{DateTime, Utc};
use oss_domain::{HoldId, Referral, RunId, Setting};
use oss_workflow::occupancy::Occupancy;
use std::sync::Arc;

/// A place that is held or agreed, and what was true when it was taken.
#[derive(Clone, Debug)]
pub struct Booking {
    /// The hold.
    pub hold_id: HoldId,
    /// When it was taken.
    pub since: DateTime<Utc>,
    /// The setting, as the register had it.
    pub setting: Arc<Setting>,
    /// Whom else it had places for.
    pub others: Vec<Occupancy>,
    /// The referral, in its revision of then.
    pub referral: Arc<Referral>,
    /// The run that was current then: it names the policy and the postcodes.
    pub run_id: RunId,
}

impl PgStore {
    /// The places that are held or agreed, the newest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn bookings(&self, limit: u32) -> Result<Vec<Booking>> {
        let rows = sqlx::query!(
            "SELECT hold_id, since, setting_key, supply_from,
               (SELECT document FROM setting_version
                WHERE key = setting_key AND at <= since ORDER BY supply_from DESC LIMIT 1) AS setting,
               (SELECT document FROM referral_revision
                WHERE key = referral_key AND received_at <= since
                ORDER BY revision DESC LIMIT 1) AS referral,
               (SELECT run_id FROM match_run
                WHERE match_run.referral_key = occupancy.referral_key AND evaluated_at <= since
                ORDER BY evaluated_at DESC LIMIT 1) AS run_id
             FROM occupancy WHERE supply_until IS NULL AND claim IN ('held', 'agreed')
             ORDER BY since DESC, hold_id LIMIT $1",
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        let mut bookings = Vec::with_capacity(rows.len());
        let mut conn = self.conn().await?;
        for row in rows {
            let hold_id = HoldId::from_uuid(row.hold_id);
            let missing = |what| move || broken(format!("{hold_id} was taken without a {what}"));
            bookings.push(Booking {
                hold_id,
                since: row.since,
                setting: row::setting(&row.setting.ok_or_else(missing("setting"))?)?,
                others: occupancy::before(&mut conn, row.setting_key, row.supply_from).await?,
                referral: row::referral(&row.referral.ok_or_else(missing("referral"))?)?,
                run_id: RunId::from_uuid(row.run_id.ok_or_else(missing("run"))?),
            });
        }
        Ok(bookings)
    }
}
