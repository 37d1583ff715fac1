//! Approvals.

use super::{Sealed, column, words, words_of};
use crate::{
    commit::expect_rows,
    error::{Result, Sorted},
    row,
    seal::InstallationKey,
    store::{Loaded, PgStore},
};
use chrono::{DateTime, Utc};
use oss_domain::{ApprovalId, AuthorityCode, PlacementId};
use oss_workflow::{
    ReferralKey,
    approvals::{ApprovalTask, Check, Record},
};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// A place in the list of approvals that wait: after the one with these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApprovalCursor {
    /// When it is due.
    pub due_at: DateTime<Utc>,
    /// Its id.
    pub approval_id: ApprovalId,
}

/// Which approvals that wait to show.
#[derive(Clone, Copy, Debug, Default)]
pub struct WaitingFilter<'a> {
    /// Only those that one of these records, in the policy's words.
    pub approvers: Option<&'a [&'a str]>,
    /// Only those that were due before this.
    pub due_before: Option<DateTime<Utc>>,
}

/// A row of the table, with the ids that its keys stand for.
struct Row {
    approval_id: Uuid,
    authority: String,
    referral_key: i64,
    referral_id: String,
    data_key: Option<Vec<u8>>,
    placement_id: Uuid,
    code: String,
    approver: String,
    requested_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
    blocks_start: bool,
    granted: Option<bool>,
    recorded_by: Option<String>,
    recorded_at: Option<DateTime<Utc>>,
    confirmed: Vec<String>,
    words: Option<Vec<u8>>,
    cancelled: bool,
}

impl Row {
    fn read(self, installation: &InstallationKey) -> Result<ApprovalTask> {
        let stored = words::Stored {
            referral_key: self.referral_key,
            data_key: self.data_key.as_deref(),
            words: self.words.as_deref(),
            table: "approval",
            id: self.approval_id,
        };
        let record = match (self.granted, self.recorded_by, self.recorded_at) {
            (Some(granted), Some(by), Some(at)) => Some(Record {
                granted,
                by: by.into(),
                at,
                note: stored.open(installation)?.take("note").unwrap_or_default(),
                confirmed: self
                    .confirmed
                    .iter()
                    .map(|code| row::parse::<Check>("approval.confirmed", code))
                    .collect::<Result<BTreeSet<_>>>()?,
            }),
            _ => None,
        };
        Ok(ApprovalTask {
            approval_id: ApprovalId::from_uuid(self.approval_id),
            authority: row::parse("approval.authority", &self.authority)?,
            referral: ReferralKey(self.referral_key),
            referral_id: row::parse("referral.referral_id", &self.referral_id)?,
            placement_id: PlacementId::from_uuid(self.placement_id),
            code: row::parse("approval.code", &self.code)?,
            approver: self.approver.into(),
            requested_at: self.requested_at,
            due_at: self.due_at,
            blocks_start: self.blocks_start,
            record,
            cancelled: self.cancelled,
        })
    }
}

/// The approvals of any of `referrals`, and those of `ids`.
pub(super) async fn load(
    conn: &mut PgConnection,
    installation: &InstallationKey,
    referrals: &[i64],
    ids: &[Uuid],
) -> Result<Vec<ApprovalTask>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT approval_id, approval.authority, referral_key, referral_id, data_key, placement_id,
           code, approver, requested_at, due_at, blocks_start, granted, recorded_by, recorded_at,
           confirmed, words, cancelled
         FROM approval
         JOIN referral ON referral.key = referral_key
         WHERE referral_key = ANY ($1) OR approval_id = ANY ($2)
         ORDER BY due_at, approval_id",
        referrals,
        ids,
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
    task: &ApprovalTask,
) -> Result<()> {
    let Some(record) = &task.record else {
        return Ok(());
    };
    let words = json!({ "note": record.note });
    let id = task.approval_id.into_uuid();
    sealed.add(installation, loaded, task.referral, "approval", id, &words)
}

pub(super) async fn write(
    conn: &mut PgConnection,
    rows: Vec<&ApprovalTask>,
    sealed: &Sealed,
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.as_slice();
    let confirmed = |it: &ApprovalTask| -> Value {
        let codes = it.record.iter().flat_map(|record| &record.confirmed);
        codes.map(|check| Value::from(check.as_str())).collect()
    };
    let written = sqlx::query!(
        "INSERT INTO approval AS old (approval_id, authority, referral_key, placement_id, code,
           approver, requested_at, due_at, blocks_start, granted, recorded_by, recorded_at,
           confirmed, words, cancelled)
         SELECT approval_id, authority, referral_key, placement_id, code, approver, requested_at,
           due_at, blocks_start, granted, recorded_by, recorded_at,
           -- Arrays of arrays would all have to be of one length.
           ARRAY(SELECT jsonb_array_elements_text(confirmed)), words, cancelled
         FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::text[],
           $7::timestamptz[], $8::timestamptz[], $9::boolean[], $10::boolean[], $11::text[],
           $12::timestamptz[], $13::jsonb[], $14::bytea[], $15::boolean[])
           AS w (approval_id, authority, referral_key, placement_id, code, approver, requested_at,
             due_at, blocks_start, granted, recorded_by, recorded_at, confirmed, words, cancelled)
         ON CONFLICT (approval_id) DO UPDATE SET
           granted = excluded.granted,
           recorded_by = excluded.recorded_by,
           recorded_at = excluded.recorded_at,
           confirmed = excluded.confirmed,
           words = excluded.words,
           cancelled = excluded.cancelled
         -- A word that was given is never another, nor another's.
         WHERE old.granted IS NULL
           OR (old.granted, old.recorded_by) = (excluded.granted, excluded.recorded_by)",
        &column(rows, |it| it.approval_id.into_uuid()),
        &column(rows, |it| it.authority.as_str()) as &[&str],
        &column(rows, |it| it.referral.0),
        &column(rows, |it| it.placement_id.into_uuid()),
        &column(rows, |it| it.code.as_str()) as &[&str],
        &column(rows, |it| &*it.approver) as &[&str],
        &column(rows, |it| it.requested_at),
        &column(rows, |it| it.due_at),
        &column(rows, |it| it.blocks_start),
        &column(rows, |it| it.record.as_ref().map(|it| it.granted)) as &[Option<bool>],
        &column(rows, |it| it.record.as_ref().map(|it| &*it.by)) as &[Option<&str>],
        &column(rows, |it| it.record.as_ref().map(|it| it.at)) as &[Option<DateTime<Utc>>],
        &column(rows, confirmed),
        &words_of(rows, sealed, |it| it.approval_id.into_uuid()) as &[Option<&[u8]>],
        &column(rows, |it| it.cancelled),
    )
    .execute(conn)
    .await
    .sorted()?;
    expect_rows("approval", rows.len(), written.rows_affected())
}

impl PgStore {
    /// The approvals of a referral, recorded and cancelled ones too.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn approvals_of(&self, referral: ReferralKey) -> Result<Vec<ApprovalTask>> {
        load(&mut *self.conn().await?, &self.key, &[referral.0], &[]).await
    }

    /// At most `limit` approvals of `authority` that wait, the next due first, after `cursor`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn approvals_waiting(
        &self,
        authority: AuthorityCode,
        filter: WaitingFilter<'_>,
        cursor: Option<ApprovalCursor>,
        limit: u32,
    ) -> Result<Vec<ApprovalTask>> {
        let mut conn = self.conn().await?;
        let ids = sqlx::query_scalar!(
            "SELECT approval_id FROM approval
             WHERE authority = $1 AND granted IS NULL AND NOT cancelled
               AND ($2::text[] IS NULL OR approver = ANY ($2))
               AND ($6::timestamptz IS NULL OR due_at < $6)
               AND ($3::timestamptz IS NULL OR (due_at, approval_id) > ($3, $4::uuid))
             ORDER BY due_at, approval_id LIMIT $5",
            authority.as_str(),
            filter.approvers as Option<&[&str]>,
            cursor.map(|it| it.due_at),
            cursor.map(|it| it.approval_id.into_uuid()),
            i64::from(limit),
            filter.due_before,
        )
        .fetch_all(&mut *conn)
        .await
        .sorted()?;
        let mut found = load(&mut conn, &self.key, &[], &ids).await?;
        // One may have been recorded since.
        found.retain(ApprovalTask::is_open);
        Ok(found)
    }
}
