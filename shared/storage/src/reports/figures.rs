//! Figures of what was done in a time.
//!
//! Each statement reads the rows of its time from one index, which has all that it asks for: none of
//! them grows with what is past.

use crate::{
    desk::count,
    error::{Result, Sorted},
    life::pence,
    store::PgStore,
};
use chrono::{DateTime, Utc};
use oss_domain::{AuthorityCode, Pence};
use sqlx::postgres::types::PgInterval;

/// How often something was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Its code.
    pub code: String,
    /// How often.
    pub count: u64,
}

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Those that it holds of.
    pub part: u64,
    /// Those that it could hold of.
    pub whole: u64,
}

impl Share {
    pub(super) fn of(part: i64, whole: i64) -> Self {
        Self {
            part: count(part),
            whole: count(whole),
        }
    }
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
    pub within_20_miles: Share,
    /// Of those with siblings who are looked after, all together in one home.
    pub siblings_together: Share,
    /// Of those with a school, as near to it as in key stage 4 it must be.
    pub school_near: Share,
    /// Of these, with a child in key stage 4.
    pub school_near_key_stage_4: Share,
    /// Of those for which religion or language was asked for, as asked for.
    pub identity_met: Share,
    /// Of those that were emergencies, for a child who had another in the twelve months before.
    pub repeat_emergencies: Share,
    /// Of the notices to host authorities that were due, given by then (reg 13).
    pub host_notices: Share,
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

type Period = (DateTime<Utc>, DateTime<Utc>);

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
        self.repeated(authority, period, &mut figures).await?;
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
               FROM referral WHERE authority = $1 AND received_at >= $2 AND received_at <= $3
                 -- The condition of the list's index.
                 AND received_at > '-infinity'"#,
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
                 count(*) FILTER (WHERE siblings_together) AS "together!",
                 count(siblings_together) AS "with_siblings!",
                 count(*) FILTER (WHERE school_near) AS "school_near!",
                 count(school_near) AS "with_school!",
                 count(*) FILTER (WHERE school_near AND key_stage_4) AS "key_stage_4_near!",
                 count(school_near) FILTER (WHERE key_stage_4) AS "key_stage_4!",
                 count(*) FILTER (WHERE identity_met) AS "met!",
                 count(identity_met) AS "with_identity!",
                 round(avg(weekly_cost))::bigint AS mean_cost,
                 percentile_disc(0.5) WITHIN GROUP (ORDER BY weekly_cost) AS median_cost,
                 percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (
                   ORDER BY decided_at - received_at) AS took
               FROM placement
               WHERE authority = $1 AND decided_at >= $2 AND decided_at <= $3
                 AND state <> 'cancelled'
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
                    figures.within_20_miles = Share::of(row.near, row.with_distance);
                    figures.siblings_together = Share::of(row.together, row.with_siblings);
                    figures.school_near = Share::of(row.school_near, row.with_school);
                    figures.school_near_key_stage_4 =
                        Share::of(row.key_stage_4_near, row.key_stage_4);
                    figures.identity_met = Share::of(row.met, row.with_identity);
                    figures.to_decision = spread(row.took.as_deref());
                    figures.weekly_cost = mean_cost.map(pence).transpose()?;
                }
            }
        }
        Ok(())
    }

    async fn repeated(
        &self,
        authority: AuthorityCode,
        (since, until): Period,
        figures: &mut Figures,
    ) -> Result<()> {
        let row = sqlx::query!(
            r#"SELECT count(*) AS "emergencies!", count(*) FILTER (WHERE EXISTS (
                 SELECT FROM placed_child AS child
                 JOIN placed_child AS again USING (authority, child_id)
                 JOIN placement AS before ON before.placement_id = again.placement_id
                 WHERE child.placement_id = placement.placement_id
                   AND before.urgency = 'emergency' AND before.state <> 'cancelled'
                   AND before.decided_at < placement.decided_at
                   AND before.decided_at >= placement.decided_at - interval '1 year')) AS "again!"
               FROM placement
               WHERE authority = $1 AND decided_at >= $2 AND decided_at <= $3
                 AND state <> 'cancelled' AND urgency = 'emergency'"#,
            authority.as_str(),
            since,
            until,
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        figures.repeat_emergencies = Share::of(row.again, row.emergencies);
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
                 percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (
                   ORDER BY first_yes - received_at) AS took
               FROM (
                 SELECT count(*) AS asked, max(received_at) AS received_at,
                   count(answered_at) FILTER (
                     WHERE state IN ('accepted', 'selected', 'not_selected')) AS yes,
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
        figures.to_first_yes = spread(row.took.as_deref());
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
                 percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (
                   ORDER BY recorded_at - requested_at) AS took
               FROM approval WHERE authority = $1 AND recorded_at >= $2 AND recorded_at <= $3"#,
            authority.as_str(),
            since,
            until,
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        figures.approvals = count(row.approvals);
        figures.to_approval = spread(row.took.as_deref());
        let row = sqlx::query!(
            r#"SELECT count(*) AS "due!", count(*) FILTER (
                 WHERE granted AND recorded_at <= due_at) AS "in_time!"
               FROM approval
               WHERE authority = $1 AND due_at >= $2 AND due_at <= $3
                 AND code = 'A03' AND NOT cancelled"#,
            authority.as_str(),
            since,
            until,
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        figures.host_notices = Share::of(row.in_time, row.due);
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

/// Of a median and a ninth decile, where there are any.
fn spread(took: Option<&[PgInterval]>) -> Spread {
    let hours = |interval: &PgInterval| {
        let (hour, day) = (3_600_000_000, 86_400_000_000);
        let microseconds = interval.microseconds + i64::from(interval.days) * day;
        count(microseconds).div_ceil(hour)
    };
    match took {
        Some([median, p90]) => Spread {
            median: Some(hours(median)),
            p90: Some(hours(p90)),
        },
        _ => Spread::default(),
    }
}
