//! Places that are kept, with all that decided whether they might be: for the rules to be asked again.

use super::Violation;
use crate::{
    error::{Result, Sorted, broken},
    occupancy, row,
    store::PgStore,
};
use chrono::{DateTime, Utc};
use oss_domain::{HoldId, Referral, Setting};
use oss_workflow::{StoreError, occupancy::Occupancy};
use serde_json::Value;
use sqlx::PgConnection;
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
    /// The policy of the run that was current then.
    pub policy_sha256: [u8; 32],
    /// The edition of its postcodes.
    pub gazetteer: String,
}

/// What is stored of one.
struct Row {
    hold_id: uuid::Uuid,
    since: DateTime<Utc>,
    setting_key: i64,
    supply_from: i64,
    setting: Option<Value>,
    referral: Option<Value>,
    policy_sha256: Option<Vec<u8>>,
    gazetteer: Option<String>,
}

impl PgStore {
    /// The places that are held or agreed, the newest first, at most `limit`; in place of one of which
    /// something is missing or damaged, the row that is so (I5).
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn bookings(
        &self,
        limit: u32,
    ) -> Result<Vec<std::result::Result<Booking, Violation>>> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT hold_id, since, setting_key, supply_from,
               (SELECT document FROM setting_version
                WHERE key = setting_key AND at <= since ORDER BY supply_from DESC LIMIT 1) AS setting,
               (SELECT document FROM referral_revision
                WHERE key = referral_key AND received_at <= since
                ORDER BY revision DESC LIMIT 1) AS referral,
               run.policy_sha256 AS \"policy_sha256?\", run.gazetteer AS \"gazetteer?\"
             FROM occupancy
             LEFT JOIN LATERAL (SELECT policy_sha256, gazetteer FROM match_run
                WHERE match_run.referral_key = occupancy.referral_key AND evaluated_at <= since
                ORDER BY evaluated_at DESC LIMIT 1) AS run ON true
             WHERE supply_until IS NULL AND claim IN ('held', 'agreed')
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
            bookings.push(match booking(&mut conn, row).await {
                Ok(booking) => Ok(booking),
                Err(StoreError::Broken(why)) => Err(Violation {
                    invariant: "I5",
                    what: format!("hold {hold_id}: {why}"),
                }),
                Err(error) => return Err(error),
            });
        }
        Ok(bookings)
    }
}

async fn booking(conn: &mut PgConnection, row: Row) -> Result<Booking> {
    let missing = |what| move || broken(format!("was taken without a {what}"));
    let policy_sha256 = row.policy_sha256.ok_or_else(missing("run"))?;
    Ok(Booking {
        hold_id: HoldId::from_uuid(row.hold_id),
        since: row.since,
        setting: row::setting(&row.setting.ok_or_else(missing("setting"))?)?,
        others: occupancy::before(conn, row.setting_key, row.supply_from).await?,
        referral: row::referral(&row.referral.ok_or_else(missing("referral"))?)?,
        policy_sha256: row::bytes("match_run.policy_sha256", &policy_sha256)?,
        gazetteer: row.gazetteer.ok_or_else(missing("run"))?,
    })
}
