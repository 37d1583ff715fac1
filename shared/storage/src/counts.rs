//! How much there is of what, for metrics.

use crate::{
    error::{Result, Sorted},
    row,
    store::PgStore,
};
use chrono::{DateTime, Utc};
use oss_domain::{lifecycle::ReferralState, referral::Urgency};

/// Open referrals of one state and urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenReferrals {
    /// Their state.
    pub state: ReferralState,
    /// Their urgency.
    pub urgency: Urgency,
    /// How many there are.
    pub count: u64,
    /// When the first of them arrived.
    pub oldest: DateTime<Utc>,
}

/// How many wait, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub count: u64,
    /// Since when the first of them has.
    pub oldest: Option<DateTime<Utc>>,
}

impl PgStore {
    /// The open referrals by state and urgency; those in state received are not ranked yet.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn open_referrals(&self) -> Result<Vec<OpenReferrals>> {
        let rows = sqlx::query!(
            r#"SELECT state, urgency::text AS "urgency!", count(*) AS "count!",
                 min(received_at) AS "oldest!"
               FROM referral
               WHERE state IN ('received', 'ranked', 'unfilled', 'in_call_off') AND urgency IS NOT NULL
               GROUP BY state, urgency"#
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        rows.into_iter()
            .map(|row| {
                Ok(OpenReferrals {
                    state: row::parse("referral.state", &row.state)?,
                    urgency: row::parse("referral.urgency", &row.urgency)?,
                    count: u64::try_from(row.count).unwrap_or_default(),
                    oldest: row.oldest,
                })
            })
            .collect()
    }

    /// The dead letters that wait for a person.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn open_dead_letters(&self) -> Result<Waiting> {
        let row = sqlx::query!(
            r#"SELECT count(*) AS "count!", min(received_at) AS oldest FROM dead_letter
               WHERE resolved_at IS NULL"#
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        Ok(Waiting {
            count: u64::try_from(row.count).unwrap_or_default(),
            oldest: row.oldest,
        })
    }

    /// The events that wait to be published.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn outbox_backlog(&self) -> Result<Waiting> {
        let row = sqlx::query!(
            r#"SELECT count(*) AS "count!", min(created_at) AS oldest FROM outbox
               WHERE published_at IS NULL"#
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        Ok(Waiting {
            count: u64::try_from(row.count).unwrap_or_default(),
            oldest: row.oldest,
        })
    }

    /// The settings in supply.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn open_settings(&self) -> Result<u64> {
        let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM setting WHERE open"#)
            .fetch_one(&self.pool)
            .await
            .sorted()?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}
