//! Figures of what was done in a time, and of how things are now.
//!
//! Each statement reads the rows of its time by an index, or those that are open or live: none of
//! them grows with what is past.

use crate::{
    desk::count,
    error::{Result, Sorted},
    life::pence,
    store::PgStore,
};
use chrono::{DateTime, TimeDelta, Utc};
use oss_domain::{AuthorityCode, Pence};

/// How often something was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Its code.
    pub code: String,
    /// How often.
    pub count: u64,
}

/// How long something took, in whole hours, begun ones counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Half took at most so many.
    pub median: Option<u64>,
    /// Nine in ten did.
    pub p90: Option<u64>,
}

/// What was decided for one kind of setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindFigures {
    /// The kind's code.
    pub kind: String,
    /// Placements that were decided.
    pub decided: u64,
    /// Of those, in the council's own settings.
    pub in_house: u64,
    /// What they cost a week, on average.
    pub mean_cost: Pence,
    /// Half of them cost at most so much a week.
    pub median_cost: Pence,
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
    /// From a referral's arrival to the decision.
    pub to_decision: Spread,
    /// What they cost a week, on average.
    pub weekly_cost: Option<Pence>,
    /// Referrals for which homes were asked.
    pub referrals_asked: u64,
    /// Homes that were asked about them.
    pub asked: u64,
    /// Of those, said yes.
    pub said_yes: u64,
    /// From a referral's arrival to the first yes.
    pub to_first_yes: Spread,
    /// Approvals that were given or refused.
    pub approvals: u64,
    /// From when an approval was asked for until it was given or refused.
    pub to_approval: Spread,
    /// Placements that ended in the time.
    pub ended: u64,
    /// Of those, not planned.
    pub ended_unplanned: u64,
    /// Decisions by the kind of setting.
    pub by_kind: Vec<KindFigures>,
    /// Decisions by how the council comes by the place.
    pub by_sourcing: Vec<Count>,
    /// Decisions by the wave in which the provider was asked; `0` is by itself.
    pub by_wave: Vec<Count>,
    /// Approaches by what became of them.
    pub by_answer: Vec<Count>,
    /// Refusals by why.
    pub by_reason: Vec<Count>,
    /// Endings by why.
    pub by_ending: Vec<Count>,
}

/// How things are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Placements in which children live.
    pub live: u64,
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

type Period = (DateTime<Utc>, DateTime<Utc>);

/// A list of [`Count`]s: the statement selects `code` and `count`.
macro_rules! counts {
    ($store:expr, $statement:literal, $($bound:expr),+) => {{
        let rows = sqlx::query!($statement, $($bound),+).fetch_all(&$store.pool).await.sorted()?;
        rows.into_iter().map(|row| Count { code: row.code, count: count(row.count) }).collect()
    }};
}

impl PgStore {
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
        let mut figures = Figures::default();
        let period = (since, until);
        self.arrived(authority, period, &mut figures).await?;
        self.decided(authority, period, &mut figures).await?;
        self.asked(authority, period, &mut figures).await?;
        self.approved_and_ended(authority, period, &mut figures)
            .await?;
        Ok(figures)
    }

    async fn arrived(
        &self,
        authority: AuthorityCode,
        (since, until): Period,
        figures: &mut Figures,
    ) -> Result<()> {
        let row = sqlx::query!(
            r#"SELECT count(*) AS "received!",
                 count(*) FILTER (WHERE urgency = 'emergency') AS "emergencies!"
               FROM referral WHERE authority = $1 AND received_at >= $2 AND received_at <= $3"#,
            authority.as_str(),
            since,
            until,
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        figures.received = count(row.received);
        figures.emergencies = count(row.emergencies);
        Ok(())
    }

    async fn decided(
        &self,
        authority: AuthorityCode,
        (since, until): Period,
        figures: &mut Figures,
    ) -> Result<()> {
        // All of it, by kind, by sourcing and by wave, in one walk.
        let rows = sqlx::query!(
            r#"SELECT kind AS "kind?", sourcing AS "sourcing?", wave AS "wave?", count(*) AS "decided!",
                 count(*) FILTER (WHERE sourcing = 'in_house') AS "in_house!",
                 count(*) FILTER (WHERE pl_location = 'IN') AS "inside!",
                 count(*) FILTER (WHERE pl_distance <= 200) AS "near!",
                 count(pl_distance) AS "with_distance!",
                 round(avg(placement.weekly_cost))::bigint AS mean_cost,
                 percentile_disc(0.5) WITHIN GROUP (ORDER BY placement.weekly_cost) AS median_cost,
                 ceil(percentile_cont(0.5) WITHIN GROUP (
                   ORDER BY extract(epoch FROM decided_at - received_at) / 3600))::bigint AS median,
                 ceil(percentile_cont(0.9) WITHIN GROUP (
                   ORDER BY extract(epoch FROM decided_at - received_at) / 3600))::bigint AS p90
               FROM placement JOIN offer USING (offer_id)
               JOIN referral ON referral.key = placement.referral_key
               WHERE placement.authority = $1 AND decided_at >= $2 AND decided_at <= $3
                 AND placement.state <> 'cancelled'
               GROUP BY GROUPING SETS ((), (kind), (sourcing), (wave))
               ORDER BY wave, 4 DESC, kind, sourcing"#,
            authority.as_str(),
            since,
            until,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        for row in rows {
            let decided = count(row.decided);
            let counted = |code| Count {
                code,
                count: decided,
            };
            match (row.kind, row.sourcing, row.wave, row.mean_cost) {
                (Some(kind), _, _, Some(mean_cost)) => figures.by_kind.push(KindFigures {
                    kind,
                    decided,
                    in_house: count(row.in_house),
                    mean_cost: pence(mean_cost)?,
                    median_cost: pence(row.median_cost.unwrap_or(mean_cost))?,
                }),
                (None, Some(sourcing), _, _) => figures.by_sourcing.push(counted(sourcing)),
                (None, None, Some(wave), _) => figures.by_wave.push(counted(wave.to_string())),
                (_, _, _, mean_cost) => {
                    figures.decided = decided;
                    figures.inside = count(row.inside);
                    figures.within_20_miles = count(row.near);
                    figures.with_distance = count(row.with_distance);
                    figures.to_decision = spread(row.median, row.p90);
                    figures.weekly_cost = mean_cost.map(pence).transpose()?;
                }
            }
        }
        Ok(())
    }

    async fn asked(
        &self,
        authority: AuthorityCode,
        (since, until): Period,
        figures: &mut Figures,
    ) -> Result<()> {
        let rows = sqlx::query!(
            r#"SELECT state, decline_reason, count(*) AS "count!" FROM offer
               WHERE authority = $1 AND approached_at >= $2 AND approached_at <= $3
               GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"#,
            authority.as_str(),
            since,
            until,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        for row in rows {
            let declined = row.decline_reason.filter(|_| row.state == "declined");
            figures.by_reason.extend(declined.map(|code| Count {
                code,
                count: count(row.count),
            }));
            add(&mut figures.by_answer, row.state, row.count);
        }
        let row = sqlx::query!(
            r#"SELECT count(*) AS "referrals!", sum(asked)::bigint AS asked, sum(yes)::bigint AS yes,
                 ceil(percentile_cont(0.5) WITHIN GROUP (
                   ORDER BY extract(epoch FROM first_yes - received_at) / 3600))::bigint AS median,
                 ceil(percentile_cont(0.9) WITHIN GROUP (
                   ORDER BY extract(epoch FROM first_yes - received_at) / 3600))::bigint AS p90
               FROM (
                 SELECT count(*) AS asked,
                   -- By its key, one by one: a join would read every referral there ever was.
                   (SELECT received_at FROM referral WHERE key = referral_key) AS received_at,
                   count(*) FILTER (WHERE state IN ('accepted', 'selected', 'not_selected')
                     AND answered_at IS NOT NULL) AS yes,
                   min(answered_at) FILTER (
                     WHERE state IN ('accepted', 'selected', 'not_selected')) AS first_yes
                 FROM offer
                 WHERE authority = $1 AND approached_at >= $2 AND approached_at <= $3
                 GROUP BY referral_key
               ) AS of_referral"#,
            authority.as_str(),
            since,
            until,
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        figures.referrals_asked = count(row.referrals);
        figures.asked = row.asked.map_or(0, count);
        figures.said_yes = row.yes.map_or(0, count);
        figures.to_first_yes = spread(row.median, row.p90);
        Ok(())
    }

    async fn approved_and_ended(
        &self,
        authority: AuthorityCode,
        (since, until): Period,
        figures: &mut Figures,
    ) -> Result<()> {
        let row = sqlx::query!(
            r#"SELECT count(*) AS "approvals!",
                 ceil(percentile_cont(0.5) WITHIN GROUP (
                   ORDER BY extract(epoch FROM recorded_at - requested_at) / 3600))::bigint AS median,
                 ceil(percentile_cont(0.9) WITHIN GROUP (
                   ORDER BY extract(epoch FROM recorded_at - requested_at) / 3600))::bigint AS p90
               FROM approval WHERE authority = $1 AND recorded_at >= $2 AND recorded_at <= $3"#,
            authority.as_str(),
            since,
            until,
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        figures.approvals = count(row.approvals);
        figures.to_approval = spread(row.median, row.p90);
        let rows = sqlx::query!(
            r#"SELECT end_reason AS "end_reason!", count(*) AS "ended!",
                 count(*) FILTER (WHERE NOT end_planned) AS "unplanned!"
               FROM placement
               WHERE authority = $1 AND ended_on >= ($2::timestamptz)::date
                 AND ended_on <= ($3::timestamptz)::date
               GROUP BY 1 ORDER BY 2 DESC, 1"#,
            authority.as_str(),
            since,
            until,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        for row in rows {
            figures.ended += count(row.ended);
            figures.ended_unplanned += count(row.unplanned);
            add(&mut figures.by_ending, row.end_reason, row.ended);
        }
        Ok(())
    }

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
}

/// Counts `number` more of `code`.
fn add(counts: &mut Vec<Count>, code: String, number: i64) {
    match counts.iter_mut().find(|it| it.code == code) {
        Some(known) => known.count += count(number),
        None => counts.push(Count {
            code,
            count: count(number),
        }),
    }
}

fn spread(median: Option<i64>, p90: Option<i64>) -> Spread {
    Spread {
        median: median.map(count),
        p90: p90.map(count),
    }
}
