//! Conditions.

use super::{Sealed, column, words, words_of};
use crate::{
    commit::expect_rows,
    error::{Result, Sorted},
    row,
    seal::InstallationKey,
    store::{Loaded, PgStore},
};
use chrono::{DateTime, Utc};
use oss_domain::{ConditionId, OfferId};
use oss_workflow::{
    ReferralKey,
    conditions::{Condition, Record},
};
use serde_json::json;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// A row of the table, with the id that its key stands for.
struct Row {
    condition_id: Uuid,
    authority: String,
    referral_key: i64,
    referral_id: String,
    data_key: Option<Vec<u8>>,
    offer_id: Uuid,
    act: String,
    opened_by: String,
    opened_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
    outcome: Option<String>,
    recorded_by: Option<String>,
    recorded_at: Option<DateTime<Utc>>,
    words: Vec<u8>,
}

impl Row {
    fn read(self, installation: &InstallationKey) -> Result<Condition> {
        let stored = words::Stored {
            referral_key: self.referral_key,
            data_key: self.data_key.as_deref(),
            words: Some(&self.words),
            table: "condition",
            id: self.condition_id,
        };
        let mut words = stored.open(installation)?;
        let record = match (&self.outcome, self.recorded_at) {
            (Some(outcome), Some(at)) => Some(Record {
                outcome: row::parse("condition.outcome", outcome)?,
                by: self.recorded_by.map(Into::into),
                at,
                reason: words.take("reason").unwrap_or_default(),
                evidence: words.take("evidence").unwrap_or_default(),
            }),
            _ => None,
        };
        Ok(Condition {
            condition_id: ConditionId::from_uuid(self.condition_id),
            authority: row::parse("condition.authority", &self.authority)?,
            referral: ReferralKey(self.referral_key),
            referral_id: row::parse("referral.referral_id", &self.referral_id)?,
            offer_id: OfferId::from_uuid(self.offer_id),
            act: row::parse("condition.act", &self.act)?,
            task: words.take("task").unwrap_or_default(),
            opened_by: self.opened_by.into(),
            opened_at: self.opened_at,
            due_at: self.due_at,
            record,
        })
    }
}

/// The conditions of any of `referrals`.
pub(super) async fn load(
    conn: &mut PgConnection,
    installation: &InstallationKey,
    referrals: &[i64],
) -> Result<Vec<Condition>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT condition_id, condition.authority, referral_key, referral_id, data_key, offer_id,
           act, opened_by, opened_at, due_at, outcome, recorded_by, recorded_at, words
         FROM condition
         JOIN referral ON referral.key = referral_key
         WHERE referral_key = ANY ($1)
         ORDER BY due_at, condition_id",
        referrals,
    )
    .fetch_all(conn)
    .await
    .sorted()?;
    rows.into_iter().map(|row| row.read(installation)).collect()
}

pub(super) fn seal(
    sealed: &mut Sealed,
    installation: &InstallationKey,
    loaded: &mut HashMap<ReferralKey, Loaded>,
    it: &Condition,
) -> Result<()> {
    let record = it.record.as_ref();
    let words = json!({
        "task": it.task,
        "reason": record.map(|it| &it.reason),
        "evidence": record.map(|it| &it.evidence),
    });
    let id = it.condition_id.into_uuid();
    sealed.add(installation, loaded, it.referral, "condition", id, &words)
}

pub(super) async fn write(
    conn: &mut PgConnection,
    rows: Vec<&Condition>,
    sealed: &Sealed,
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.as_slice();
    let outcome = |it: &Condition| it.record.as_ref().map(|it| it.outcome.as_str());
    let at = |it: &Condition| it.record.as_ref().map(|it| it.at);
    let written = sqlx::query!(
        "INSERT INTO condition AS old (condition_id, authority, referral_key, offer_id, act,
           opened_by, opened_at, due_at, outcome, recorded_by, recorded_at, words)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::text[],
           $6::text[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[],
           $11::timestamptz[], $12::bytea[])
         ON CONFLICT (condition_id) DO UPDATE SET
           outcome = excluded.outcome,
           recorded_by = excluded.recorded_by,
           recorded_at = excluded.recorded_at,
           words = excluded.words
         -- What was recorded stays.
         WHERE old.outcome IS NULL",
        &column(rows, |it| it.condition_id.into_uuid()),
        &column(rows, |it| it.authority.as_str()) as &[&str],
        &column(rows, |it| it.referral.0),
        &column(rows, |it| it.offer_id.into_uuid()),
        &column(rows, |it| it.act.as_str()) as &[&str],
        &column(rows, |it| &*it.opened_by) as &[&str],
        &column(rows, |it| it.opened_at),
        &column(rows, |it| it.due_at),
        &column(rows, outcome) as &[Option<&str>],
        &column(rows, |it| it
            .record
            .as_ref()
            .and_then(|it| it.by.as_deref())) as &[Option<&str>],
        &column(rows, at) as &[Option<DateTime<Utc>>],
        &words_of(rows, sealed, |it| it.condition_id.into_uuid()) as &[Option<&[u8]>],
    )
    .execute(conn)
    .await
    .sorted()?;
    expect_rows("condition", rows.len(), written.rows_affected())
}

impl PgStore {
    /// The conditions of a referral, recorded ones too, the next due first.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn conditions_of(&self, referral: ReferralKey) -> Result<Vec<Condition>> {
        load(&mut *self.conn().await?, &self.key, &[referral.0]).await
    }
}
