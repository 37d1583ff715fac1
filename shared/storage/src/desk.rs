//! What the desk's pages show: the queue, who has taken what, a referral's history, settings as they
//! were when a run saw them.

use crate::{
    audit,
    error::{Result, Sorted, broken},
    row,
    store::{PgStore, PgUnit},
};
use chrono::{DateTime, Utc};
use oss_domain::{
    AuthorityCode, Postcode, Referral, ReferralId, Setting, SettingId,
    lifecycle::ReferralState,
    referral::Urgency,
    setting::{Kind, Sourcing},
};
use oss_workflow::{ReferralKey, SupplyVersion};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// The states that leave somebody something to do.
pub const IN_QUEUE: [ReferralState; 5] = [
    ReferralState::Received,
    ReferralState::Ranked,
    ReferralState::Unfilled,
    ReferralState::InCallOff,
    ReferralState::Selected,
];

/// Who has taken a referral.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The user's id.
    pub user_id: String,
    /// The name as it was then.
    pub user_name: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The name of the colleague who handed it over, if one did.
    pub given_by: Option<String>,
}

/// Whose referrals to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Whose<'a> {
    /// Everybody's.
    #[default]
    All,
    /// Those that this user has taken.
    Of(&'a str),
    /// Those that nobody has taken.
    Nobodys,
}

/// Which referrals of the queue to show.
#[derive(Clone, Copy, Debug, Default)]
pub struct QueueFilter<'a> {
    /// Only those in this state.
    pub state: Option<ReferralState>,
    /// Only those of this urgency.
    pub urgency: Option<Urgency>,
    /// Whose.
    pub whose: Whose<'a>,
    /// Only those whose id begins like this, in any case.
    pub starts_with: Option<&'a str>,
    /// Only those for which a home was needed before this.
    pub needed_before: Option<DateTime<Utc>>,
}

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueOrder {
    /// The most urgent, and of those the ones with the least time left.
    #[default]
    Urgency,
    /// Those with the least time left.
    Time,
    /// Those that arrived last.
    Newest,
}

impl QueueOrder {
    const fn number(self) -> i32 {
        match self {
            Self::Urgency => 0,
            Self::Time => 1,
            Self::Newest => 2,
        }
    }
}

/// A place in the queue, in its order: after the referral with these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueCursor {
    /// What it is sorted by first.
    pub first: i64,
    /// What it is sorted by then.
    pub second: i64,
    /// Its key.
    pub key: ReferralKey,
}

/// A referral in the queue, without what is told in words.
#[derive(Clone, Debug)]
pub struct Queued {
    /// The responsible authority.
    pub authority: AuthorityCode,
    /// Its id.
    pub referral_id: ReferralId,
    /// Its state.
    pub state: ReferralState,
    /// Its current revision.
    pub referral: Arc<Referral>,
    /// When its first revision arrived.
    pub received_at: DateTime<Utc>,
    /// When a home is needed: an emergency by the end of the day it arrived, an urgent one 72 hours
    /// after, a planned one on its start date.
    pub needed_by: DateTime<Utc>,
    /// Who works on it.
    pub taken: Option<Taken>,
    /// Whether a home is chosen that may not be moved into before somebody approves it.
    pub waits_for_approval: bool,
    /// Its place.
    pub cursor: QueueCursor,
}

/// How much there is in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// All of it.
    pub all: u64,
    /// Emergencies.
    pub emergency: u64,
    /// Needed within 72 hours.
    pub urgent: u64,
    /// Taken by nobody.
    pub nobodys: u64,
    /// Taken by whoever asks.
    pub own: u64,
}

/// A line of a referral's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryLine {
    /// Its place in the chain.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// `person`, `producer` or `service`.
    pub actor_kind: String,
    /// Which.
    pub actor: String,
    /// What was done, such as `referral.read`.
    pub act: String,
    /// To what.
    pub thing: String,
    /// Why.
    pub reason: Option<String>,
}

/// A setting, by what people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingName {
    /// The provider's name.
    pub provider: String,
    /// What it is.
    pub kind: Kind,
    /// How the council comes by it.
    pub sourcing: Sourcing,
    /// Where it is.
    pub postcode: Postcode,
}

fn names(authorities: &BTreeSet<AuthorityCode>) -> Vec<String> {
    authorities.iter().map(ToString::to_string).collect()
}

pub(crate) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

impl PgStore {
    /// At most `limit` referrals of the queue of `authorities`, in `order`, after `cursor`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn queue(
        &self,
        authorities: &BTreeSet<AuthorityCode>,
        filter: QueueFilter<'_>,
        order: QueueOrder,
        cursor: Option<QueueCursor>,
        limit: u32,
    ) -> Result<Vec<Queued>> {
        let (whose, nobodys) = match filter.whose {
            Whose::All => (None, false),
            Whose::Of(user_id) => (Some(user_id), false),
            Whose::Nobodys => (None, true),
        };
        // needed_by: as `oss_workflow::calendar::needed_by` has it.
        sqlx::query!(
            r#"WITH open AS (
                 SELECT referral.key, referral.authority, referral_id, state, urgency, referral.received_at,
                   document, user_id, user_name, since, given_by,
                   CASE urgency
                     WHEN 'emergency' THEN ((referral.received_at AT TIME ZONE 'Europe/London')::date + 1)::timestamp
                       AT TIME ZONE 'Europe/London'
                     WHEN 'urgent' THEN referral.received_at + interval '72 hours'
                     ELSE (document ->> 'start_date')::timestamp AT TIME ZONE 'Europe/London'
                   END AS needed_by
                 FROM referral
                 JOIN referral_revision AS current
                   ON current.key = referral.key AND current.revision = referral.revision
                 LEFT JOIN allocation ON referral_key = referral.key
                 WHERE referral.authority = ANY ($1)
                   AND state IN ('received', 'ranked', 'unfilled', 'in_call_off', 'selected')
                   AND ($2::text IS NULL OR state = $2)
                   AND ($3::text IS NULL OR urgency = $3::urgency)
                   AND ($4::text IS NULL OR user_id = $4)
                   AND (NOT $5 OR user_id IS NULL)
                   AND ($6::text IS NULL OR starts_with(lower(referral_id), lower($6)))
               ), sorted AS (
                 SELECT *,
                   CASE WHEN $7 <> 0 THEN 0 WHEN urgency = 'emergency' THEN 0
                     WHEN urgency = 'urgent' THEN 1 ELSE 2 END::bigint AS first,
                   (extract(epoch FROM CASE WHEN $7 = 2 THEN received_at ELSE needed_by END) * 1000000)::bigint
                     * CASE WHEN $7 = 2 THEN -1 ELSE 1 END AS second
                 FROM open
               )
               SELECT key, authority, referral_id, state, received_at, document, needed_by AS "needed_by!",
                 user_id AS "user_id?", user_name AS "user_name?", since AS "since?", given_by,
                 first AS "first!", second AS "second!",
                 EXISTS (SELECT FROM approval WHERE referral_key = sorted.key
                   AND blocks_start AND granted IS NULL AND NOT cancelled) AS "waits_for_approval!"
               FROM sorted
               WHERE ($8::bigint IS NULL OR (first, second, key) > ($8, $9::bigint, $10::bigint))
                 AND ($12::timestamptz IS NULL OR needed_by < $12)
               ORDER BY first, second, key LIMIT $11"#,
            &names(authorities),
            filter.state.map(ReferralState::as_str),
            filter.urgency.map(Urgency::as_str),
            whose,
            nobodys,
            filter.starts_with,
            order.number(),
            cursor.map(|it| it.first),
            cursor.map(|it| it.second),
            cursor.map(|it| it.key.0),
            i64::from(limit),
            filter.needed_before,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?
        .into_iter()
        .map(|row| {
            Ok(Queued {
                authority: row::parse("referral.authority", &row.authority)?,
                referral_id: row::parse("referral.referral_id", &row.referral_id)?,
                state: row::parse("referral.state", &row.state)?,
                referral: row::referral(&row.document)?,
                received_at: row.received_at,
                needed_by: row.needed_by,
                taken: taken(row.user_id, row.user_name, row.since, row.given_by),
                waits_for_approval: row.waits_for_approval,
                cursor: QueueCursor {
                    first: row.first,
                    second: row.second,
                    key: ReferralKey(row.key),
                },
            })
        })
        .collect()
    }

    /// How much there is in the queue of `authorities`, seen by `user_id`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn queue_counts(
        &self,
        authorities: &BTreeSet<AuthorityCode>,
        user_id: &str,
    ) -> Result<QueueCounts> {
        let row = sqlx::query!(
            r#"SELECT count(*) AS "all!", count(*) FILTER (WHERE urgency = 'emergency') AS "emergency!",
                 count(*) FILTER (WHERE urgency = 'urgent') AS "urgent!",
                 count(*) FILTER (WHERE user_id IS NULL) AS "nobodys!",
                 count(*) FILTER (WHERE user_id = $2) AS "own!"
               FROM referral LEFT JOIN allocation ON referral_key = key
               WHERE referral.authority = ANY ($1)
                 AND state IN ('received', 'ranked', 'unfilled', 'in_call_off', 'selected')"#,
            &names(authorities),
            user_id,
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        Ok(QueueCounts {
            all: count(row.all),
            emergency: count(row.emergency),
            urgent: count(row.urgent),
            nobodys: count(row.nobodys),
            own: count(row.own),
        })
    }

    /// How many referrals of `authorities` in the queue arrived after `since`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn new_in_queue(
        &self,
        authorities: &BTreeSet<AuthorityCode>,
        since: DateTime<Utc>,
    ) -> Result<u64> {
        let new = sqlx::query_scalar!(
            r#"SELECT count(*) AS "new!" FROM referral
               WHERE authority = ANY ($1) AND received_at > $2
                 AND state IN ('received', 'ranked', 'unfilled', 'in_call_off', 'selected')"#,
            &names(authorities),
            since,
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        Ok(count(new))
    }

    /// Who has taken the referral.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn taken(&self, key: ReferralKey) -> Result<Option<Taken>> {
        let row = sqlx::query!(
            "SELECT user_id, user_name, since, given_by FROM allocation WHERE referral_key = $1",
            key.0
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()?;
        Ok(row.map(|row| Taken {
            user_id: row.user_id,
            user_name: row.user_name,
            since: row.since,
            given_by: row.given_by,
        }))
    }

    /// Gives the referral to somebody, or to nobody, within a unit of work that has it locked;
    /// `from` is the user who is believed to have it. Whether that was so, and it was done.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn hand_over(
        &self,
        unit: &mut PgUnit,
        key: ReferralKey,
        from: Option<&str>,
        to: Option<&Taken>,
    ) -> Result<bool> {
        let Some(transaction) = &mut unit.transaction else {
            return Err(broken("a referral is handed over that is not locked"));
        };
        let conn = &mut **transaction;
        let held = sqlx::query_scalar!(
            "SELECT user_id FROM allocation WHERE referral_key = $1",
            key.0
        )
        .fetch_optional(&mut *conn)
        .await
        .sorted()?;
        if held.as_deref() != from {
            return Ok(false);
        }
        match to {
            None => {
                sqlx::query!("DELETE FROM allocation WHERE referral_key = $1", key.0)
                    .execute(conn)
                    .await
                    .sorted()?;
            }
            Some(to) => {
                let (user_id, user_name) = (row::text(&to.user_id), row::text(&to.user_name));
                let given_by = to.given_by.as_deref().map(row::text);
                sqlx::query!(
                    "INSERT INTO allocation (referral_key, authority, user_id, user_name, since, given_by)
                     SELECT key, authority, $2, $3, $4, $5 FROM referral WHERE key = $1
                     ON CONFLICT (referral_key) DO UPDATE
                       SET user_id = excluded.user_id, user_name = excluded.user_name,
                         since = excluded.since, given_by = excluded.given_by",
                    key.0,
                    &*user_id,
                    &*user_name,
                    to.since,
                    given_by.as_deref(),
                )
                .execute(conn)
                .await
                .sorted()?;
            }
        }
        Ok(true)
    }

    /// At most `limit` lines of a referral's history, the last first, before line `before`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn history(
        &self,
        authority: AuthorityCode,
        key: ReferralKey,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<HistoryLine>> {
        let lines = sqlx::query!(
            "SELECT seq, at, actor_kind, actor, act, thing, reason, words, data_key FROM audit
             JOIN referral ON referral.key = referral_key
             WHERE audit.authority = $1 AND referral_key = $2
               AND ($3::bigint IS NULL OR seq < $3)
             ORDER BY seq DESC LIMIT $4",
            authority.as_str(),
            key.0,
            before,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        let mut history = Vec::with_capacity(lines.len());
        for line in lines {
            let reason = match (&line.data_key, &line.words) {
                (Some(wrapped), Some(words)) => {
                    let at = (key.0, line.seq);
                    Some(audit::open_words(&self.key, at, wrapped, words)?)
                }
                _ => line.reason,
            };
            history.push(HistoryLine {
                seq: line.seq,
                at: line.at,
                actor_kind: line.actor_kind,
                actor: line.actor,
                act: line.act,
                thing: line.thing,
                reason,
            });
        }
        Ok(history)
    }

    /// Settings of `authority`'s register as they were at `version` of its supply.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn settings_at(
        &self,
        authority: AuthorityCode,
        version: SupplyVersion,
        settings: &[SettingId],
    ) -> Result<HashMap<SettingId, Arc<Setting>>> {
        let ids: Vec<_> = settings.iter().map(ToString::to_string).collect();
        let documents = sqlx::query_scalar!(
            r#"SELECT past.document AS "document!"
               FROM setting JOIN setting_version AS past ON past.key = setting.key
               WHERE setting.authority = $1 AND past.authority = $1 AND setting_id = ANY ($3)
                 AND supply_from <= $2
                 AND (supply_until IS NULL OR supply_until > $2) AND past.document IS NOT NULL"#,
            authority.as_str(),
            version.0,
            &ids,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        documents
            .iter()
            .map(|document| {
                let setting = row::setting(document)?;
                Ok((setting.setting_id.clone(), setting))
            })
            .collect()
    }

    /// What people call the settings in `authority`'s supply at `version`.
    ///
    /// Connected people are among them: show those that were evaluated for the referral only.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn setting_names_at(
        &self,
        authority: AuthorityCode,
        version: SupplyVersion,
    ) -> Result<HashMap<SettingId, SettingName>> {
        let rows = sqlx::query!(
            r#"SELECT setting_id, past.document -> 'provider' ->> 'name' AS "provider!",
                 past.document ->> 'kind' AS "kind!", past.document ->> 'sourcing' AS "sourcing!",
                 past.document ->> 'postcode' AS "postcode!"
               FROM setting_version AS past JOIN setting ON setting.key = past.key
               WHERE past.authority = $1 AND supply_from <= $2
                 AND (supply_until IS NULL OR supply_until > $2) AND past.document IS NOT NULL"#,
            authority.as_str(),
            version.0,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        rows.into_iter()
            .map(|row| {
                let name = SettingName {
                    provider: row.provider,
                    kind: row::parse("setting_version.document", &row.kind)?,
                    sourcing: row::parse("setting_version.document", &row.sourcing)?,
                    postcode: row::parse("setting_version.document", &row.postcode)?,
                };
                Ok((row::parse("setting.setting_id", &row.setting_id)?, name))
            })
            .collect()
    }
}

fn taken(
    user_id: Option<String>,
    user_name: Option<String>,
    since: Option<DateTime<Utc>>,
    given_by: Option<String>,
) -> Option<Taken> {
    Some(Taken {
        user_id: user_id?,
        user_name: user_name?,
        since: since?,
        given_by,
    })
}
