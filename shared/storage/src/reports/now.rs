//! How things are now.

use super::figures::{Count, Share};
use crate::{
    desk::count,
    error::{Result, Sorted},
    store::PgStore,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use oss_domain::AuthorityCode;
use oss_workflow::calendar;

/// How things are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Placements in which children live.
    pub live: u64,
    /// Of the children who live there, with three placements or more that began in the last year.
    pub three_placements: Share,
    /// Of those under 16 whose first placement began 2½ years ago or earlier, two years or more in
    /// the same one.
    pub stable: Share,
    /// What these cost a week together.
    pub weekly_cost: u64,
    /// Of those, at £10,000 a week and more.
    pub ten_thousand: u64,
    /// Of those, in settings that are not registered, or that the inspection found less than good.
    pub poor_quality: u64,
    /// Temporary approvals of connected persons that end within 28 days (reg 24).
    pub temporary_ending: u64,
    /// Placements outside terms of approval that end within 28 days (reg 23).
    pub outside_terms_ending: u64,
    /// Places of the council's own children's homes.
    pub own_places: u64,
    /// Of those, not to be used.
    pub own_blocked: u64,
    /// Children who live there.
    pub own_residents: u64,
    /// Children without a home, by age on their start date.
    pub unfilled_by_age: Vec<Count>,
    /// Referrals without a home, by essential need.
    pub unfilled_by_need: Vec<Count>,
}

/// A list of [`Count`]s: the statement selects `code` and `count`.
macro_rules! counts {
    ($store:expr, $statement:literal, $($bound:expr),+) => {{
        let rows = sqlx::query!($statement, $($bound),+).fetch_all(&$store.pool).await.sorted()?;
        rows.into_iter().map(|row| Count { code: row.code, count: count(row.count) }).collect()
    }};
}

impl PgStore {
    /// How things are for `authority` at `now`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn figures_now(&self, authority: AuthorityCode, now: DateTime<Utc>) -> Result<Now> {
        let live = sqlx::query!(
            r#"SELECT count(*) AS "live!", coalesce(sum(weekly_cost), 0)::bigint AS "cost!",
                 count(*) FILTER (WHERE weekly_cost >= 1000000) AS "ten_thousand!",
                 count(*) FILTER (WHERE document -> 'registration' ->> 'quality' = ANY (ARRAY[
                     'requires_improvement', 'inadequate', 'inconsistent', 'serious_weaknesses'])
                   OR NOT (document -> 'registration' ->> 'registered')::boolean) AS "poor!"
               FROM placement JOIN setting ON setting.key = setting_key
               WHERE placement.authority = $1 AND state = 'started'"#,
            authority.as_str(),
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        let (three_placements, stable) = self.moves(authority, calendar::today(now)).await?;
        let ending = sqlx::query!(
            r#"SELECT count(*) FILTER (WHERE kind = 'temporary_approval_ends') AS "temporary!",
                 count(*) FILTER (WHERE kind = 'outside_terms_ends') AS "outside!"
               FROM deadline
               WHERE authority = $1 AND settled_at IS NULL AND due_at <= $2
                 AND kind IN ('temporary_approval_ends', 'outside_terms_ends')"#,
            authority.as_str(),
            now + TimeDelta::days(28),
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        let own = sqlx::query!(
            r#"SELECT
                 coalesce(sum((document -> 'approval' ->> 'places')::bigint), 0)::bigint AS "places!",
                 coalesce(sum((document ->> 'blocked_places')::bigint), 0)::bigint AS "blocked!",
                 coalesce(sum(jsonb_array_length(document -> 'residents')), 0) AS "residents!"
               FROM setting
               WHERE authority = $1 AND open AND document ->> 'kind' = 'childrens_home'
                 AND document ->> 'sourcing' = 'in_house'"#,
            authority.as_str(),
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        Ok(Now {
            live: count(live.live),
            three_placements,
            stable,
            weekly_cost: count(live.cost),
            ten_thousand: count(live.ten_thousand),
            poor_quality: count(live.poor),
            temporary_ending: count(ending.temporary),
            outside_terms_ending: count(ending.outside),
            own_places: count(own.places),
            own_blocked: count(own.blocked),
            own_residents: count(own.residents),
            unfilled_by_age: counts!(
                self,
                r#"SELECT CASE WHEN age < 5 THEN '0 to 4' WHEN age < 10 THEN '5 to 9'
                     WHEN age < 16 THEN '10 to 15' ELSE '16 and over' END AS "code!",
                     count(*) AS "count!"
                   FROM (
                     SELECT extract(year FROM age((document ->> 'start_date')::date,
                       (child ->> 'date_of_birth')::date)) AS age
                     FROM referral
                     JOIN referral_revision AS current
                       ON current.key = referral.key AND current.revision = referral.revision
                     CROSS JOIN jsonb_array_elements(document -> 'children') AS child
                     WHERE referral.authority = $1 AND state = 'unfilled'
                   ) AS aged
                   GROUP BY 1 ORDER BY min(age)"#,
                authority.as_str()
            ),
            unfilled_by_need: counts!(
                self,
                r#"SELECT need AS "code!", count(*) AS "count!"
                   FROM referral
                   JOIN referral_revision AS current
                     ON current.key = referral.key AND current.revision = referral.revision
                   CROSS JOIN jsonb_each(document -> 'needs') AS asked (need, said)
                   WHERE referral.authority = $1 AND state = 'unfilled'
                     AND (said ->> 'essential')::boolean
                   GROUP BY 1 ORDER BY 2 DESC, 1"#,
                authority.as_str()
            ),
        })
    }

    /// Of the children who live somewhere on `today`: those who moved much, and who stayed long.
    /// Who has moved on from a placement that was not ended yet is in two of them, and one child.
    async fn moves(&self, authority: AuthorityCode, today: NaiveDate) -> Result<(Share, Share)> {
        let row = sqlx::query!(
            r#"WITH of_child AS MATERIALIZED (
                 SELECT lives.child_id, starts_on, of_year, first_on <= $2::date - interval '30 months' AND (
                     SELECT (child ->> 'date_of_birth')::date > $2::date - interval '16 years'
                     FROM referral
                     JOIN referral_revision AS current
                       ON current.key = referral.key AND current.revision = referral.revision
                     CROSS JOIN jsonb_array_elements(document -> 'children') AS child
                     WHERE referral.key = referral_key AND child ->> 'child_id' = lives.child_id
                   ) AS is_long
                 FROM placement JOIN placed_child AS lives USING (placement_id)
                 CROSS JOIN LATERAL (
                   SELECT min(past.starts_on) AS first_on,
                     count(*) FILTER (WHERE past.starts_on > $2::date - interval '1 year') AS of_year
                   FROM placed_child AS had JOIN placement AS past USING (placement_id)
                   WHERE had.authority = $1 AND had.child_id = lives.child_id
                     AND past.state IN ('started', 'ended')
                 ) AS life
                 WHERE placement.authority = $1 AND state = 'started'
               )
               SELECT count(DISTINCT child_id) AS "children!",
                 count(DISTINCT child_id) FILTER (WHERE of_year >= 3) AS "moved!",
                 count(DISTINCT child_id) FILTER (WHERE is_long) AS "long!",
                 count(DISTINCT child_id) FILTER (
                   WHERE is_long AND starts_on <= $2::date - interval '2 years') AS "stable!"
               FROM of_child"#,
            authority.as_str(),
            today,
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        let three_placements = Share::of(row.moved, row.children);
        Ok((three_placements, Share::of(row.stable, row.long)))
    }
}
