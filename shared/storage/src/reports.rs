//! What providers see of their own, and figures for managers.
//!
//! These statements are checked by the tests that run them, not when the crate is compiled.

use crate::{
    error::{Result, Sorted},
    row,
    store::PgStore,
};
use chrono::{DateTime, Utc};
use oss_domain::{AuthorityCode, Pence, ProviderId, Setting};
use oss_workflow::ReferralKey;
use serde_json::Value;
use std::sync::Arc;

/// How much somebody has taken on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// What they are called.
    pub user_name: String,
    /// Open referrals.
    pub open: u64,
    /// Of those, emergencies.
    pub emergencies: u64,
}

/// How often something was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Its code.
    pub code: String,
    /// How often.
    pub count: u64,
}

/// What was done in a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Referrals that arrived.
    pub received: u64,
    /// Of those, emergencies.
    pub emergencies: u64,
    /// Placements that were decided, called-off ones left out.
    pub decided: u64,
    /// Of those, in the council's own area.
    pub inside: u64,
    /// Of those whose distance from home is known, at most 20 miles away.
    pub within_20_miles: u64,
    /// Those whose distance from home is known.
    pub with_distance: u64,
    /// Half of the decisions were taken in fewer hours from the referral's arrival.
    pub median_hours: Option<u64>,
    /// Nine in ten were.
    pub p90_hours: Option<u64>,
    /// What they cost a week, on average.
    pub weekly_cost: Option<Pence>,
    /// Placements that ended in the time.
    pub ended: u64,
    /// Of those, not planned.
    pub ended_unplanned: u64,
    /// Decisions by how the council comes by the place.
    pub by_sourcing: Vec<Count>,
    /// Approaches by what became of them.
    pub by_answer: Vec<Count>,
    /// Refusals by why.
    pub by_reason: Vec<Count>,
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

impl PgStore {
    /// The referrals that a provider of `authority` was asked about, the last first.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn asked_of_provider(
        &self,
        authority: AuthorityCode,
        provider: &ProviderId,
        limit: u32,
    ) -> Result<Vec<ReferralKey>> {
        let keys: Vec<i64> = sqlx::query_scalar(
            "SELECT referral_key FROM offer
             WHERE authority = $1 AND provider_id = $2 AND approached_at IS NOT NULL
             GROUP BY referral_key ORDER BY max(approached_at) DESC LIMIT $3",
        )
        .bind(authority.as_str())
        .bind(provider.as_str())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        Ok(keys.into_iter().map(ReferralKey).collect())
    }

    /// A provider's entries in the supply of `authority`'s register, by id.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn settings_of_provider(
        &self,
        authority: AuthorityCode,
        provider: &ProviderId,
    ) -> Result<Vec<Arc<Setting>>> {
        let documents: Vec<Value> = sqlx::query_scalar(
            "SELECT document FROM setting
             WHERE authority = $1 AND open AND document -> 'provider' ->> 'provider_id' = $2
             ORDER BY setting_id",
        )
        .bind(authority.as_str())
        .bind(provider.as_str())
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        documents.iter().map(row::setting).collect()
    }

    /// Who has taken how much of the queue of `authority`, the most first.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn team_load(&self, authority: AuthorityCode) -> Result<Vec<Load>> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT max(user_name), count(*), count(*) FILTER (WHERE urgency = 'emergency')
             FROM allocation JOIN referral ON referral.key = referral_key
             WHERE allocation.authority = $1
               AND state IN ('received', 'ranked', 'unfilled', 'in_call_off', 'selected')
             GROUP BY user_id ORDER BY 2 DESC, 1",
        )
        .bind(authority.as_str())
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        let load = rows.into_iter().map(|(user_name, open, emergencies)| Load {
            user_name,
            open: count(open),
            emergencies: count(emergencies),
        });
        Ok(load.collect())
    }

    /// What was done for `authority` from `since` to `until`, both included.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn figures(
        &self,
        authority: AuthorityCode,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Figures> {
        let (received, emergencies): (i64, i64) = sqlx::query_as(
            "SELECT count(*), count(*) FILTER (WHERE urgency = 'emergency')
             FROM referral WHERE authority = $1 AND received_at >= $2 AND received_at <= $3",
        )
        .bind(authority.as_str())
        .bind(since)
        .bind(until)
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        let decided: Decided = sqlx::query_as(
            "SELECT count(*) AS number,
               count(*) FILTER (WHERE pl_location = 'IN') AS inside,
               count(*) FILTER (WHERE pl_distance <= 200) AS near,
               count(pl_distance) AS with_distance,
               round(avg(weekly_cost))::bigint AS weekly_cost,
               ceil(percentile_cont(0.5) WITHIN GROUP (
                 ORDER BY extract(epoch FROM decided_at - received_at) / 3600))::bigint AS median,
               ceil(percentile_cont(0.9) WITHIN GROUP (
                 ORDER BY extract(epoch FROM decided_at - received_at) / 3600))::bigint AS p90
             FROM placement JOIN referral ON referral.key = referral_key
             WHERE placement.authority = $1 AND decided_at >= $2 AND decided_at <= $3
               AND placement.state <> 'cancelled'",
        )
        .bind(authority.as_str())
        .bind(since)
        .bind(until)
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        let (ended, unplanned): (i64, i64) = sqlx::query_as(
            "SELECT count(*), count(*) FILTER (WHERE NOT end_planned) FROM placement
             WHERE authority = $1 AND ended_on >= $2::date AND ended_on <= $3::date",
        )
        .bind(authority.as_str())
        .bind(since)
        .bind(until)
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        let counts = [
            "SELECT sourcing, count(*) FROM placement JOIN offer USING (offer_id)
             WHERE placement.authority = $1 AND decided_at >= $2 AND decided_at <= $3
               AND placement.state <> 'cancelled' GROUP BY 1 ORDER BY 2 DESC, 1",
            "SELECT state, count(*) FROM offer
             WHERE authority = $1 AND approached_at >= $2 AND approached_at <= $3
             GROUP BY 1 ORDER BY 2 DESC, 1",
            "SELECT decline_reason, count(*) FROM offer
             WHERE authority = $1 AND approached_at >= $2 AND approached_at <= $3
               AND state = 'declined' AND decline_reason IS NOT NULL
             GROUP BY 1 ORDER BY 2 DESC, 1",
        ];
        let [by_sourcing, by_answer, by_reason] = counts;
        let cost = decided
            .weekly_cost
            .map(|pence| row::whole("placement.weekly_cost", pence));
        Ok(Figures {
            received: count(received),
            emergencies: count(emergencies),
            decided: count(decided.number),
            inside: count(decided.inside),
            within_20_miles: count(decided.near),
            with_distance: count(decided.with_distance),
            median_hours: decided.median.map(count),
            p90_hours: decided.p90.map(count),
            weekly_cost: cost.transpose()?.map(Pence::new),
            ended: count(ended),
            ended_unplanned: count(unplanned),
            by_sourcing: self.counts(by_sourcing, authority, since, until).await?,
            by_answer: self.counts(by_answer, authority, since, until).await?,
            by_reason: self.counts(by_reason, authority, since, until).await?,
        })
    }

    async fn counts(
        &self,
        statement: &'static str,
        authority: AuthorityCode,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<Count>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(statement)
            .bind(authority.as_str())
            .bind(since)
            .bind(until)
            .fetch_all(&self.pool)
            .await
            .sorted()?;
        Ok(rows
            .into_iter()
            .map(|(code, number)| Count {
                code,
                count: count(number),
            })
            .collect())
    }
}

#[derive(sqlx::FromRow)]
struct Decided {
    number: i64,
    inside: i64,
    near: i64,
    with_distance: i64,
    weekly_cost: Option<i64>,
    median: Option<i64>,
    p90: Option<i64>,
}
