//! What falls due.

use super::column;
use crate::{
    commit::expect_rows,
    error::{Result, Sorted, broken},
    row,
    store::PgStore,
};
use chrono::{DateTime, Utc};
use oss_domain::DeadlineId;
use oss_workflow::{
    ReferralKey, StoreError,
    deadline::{Deadline, Due},
};
use sqlx::PgConnection;
use uuid::Uuid;

/// A row of the table, with the id that its key stands for.
struct Row {
    deadline_id: Uuid,
    authority: String,
    referral_key: i64,
    referral_id: String,
    kind: String,
    thing: Option<Uuid>,
    due_at: DateTime<Utc>,
}

impl TryFrom<Row> for Deadline {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        let kind = row::parse("deadline.kind", &row.kind)?;
        let due = Due::from_parts(kind, row.thing.map(Uuid::into_bytes));
        Ok(Self {
            deadline_id: DeadlineId::from_uuid(row.deadline_id),
            authority: row::parse("deadline.authority", &row.authority)?,
            referral: ReferralKey(row.referral_key),
            referral_id: row::parse("referral.referral_id", &row.referral_id)?,
            due: due.ok_or_else(|| broken("a deadline is about nothing"))?,
            due_at: row.due_at,
            settled_at: None,
        })
    }
}

/// What is still to fall due for any of `referrals`.
pub(super) async fn load_open(conn: &mut PgConnection, referrals: &[i64]) -> Result<Vec<Deadline>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT deadline_id, deadline.authority, referral_key, referral_id, kind, thing, due_at
         FROM deadline JOIN referral ON referral.key = referral_key
         WHERE referral_key = ANY ($1) AND settled_at IS NULL
         ORDER BY due_at, deadline_id",
        referrals,
    )
    .fetch_all(conn)
    .await
    .sorted()?;
    rows.into_iter().map(Deadline::try_from).collect()
}

pub(super) async fn write(conn: &mut PgConnection, mut rows: Vec<&Deadline>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_by_key(|it| it.settled_at.is_none());
    let rows = rows.as_slice();
    let written = sqlx::query!(
        "INSERT INTO deadline AS old (deadline_id, authority, referral_key, kind, thing, due_at,
           settled_at)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::uuid[],
           $6::timestamptz[], $7::timestamptz[])
         ON CONFLICT (deadline_id) DO UPDATE SET
           due_at = excluded.due_at,
           settled_at = excluded.settled_at
         -- What is settled stays so: nothing is acted on twice.
         WHERE old.settled_at IS NULL",
        &column(rows, |it| it.deadline_id.into_uuid()),
        &column(rows, |it| it.authority.as_str()) as &[&str],
        &column(rows, |it| it.referral.0),
        &column(rows, |it| it.due.kind().as_str()) as &[&str],
        &column(rows, |it| it.due.thing().copied().map(Uuid::from_bytes)) as &[Option<Uuid>],
        &column(rows, |it| it.due_at),
        &column(rows, |it| it.settled_at) as &[Option<DateTime<Utc>>],
    )
    .execute(conn)
    .await
    .sorted()?;
    expect_rows("deadline", rows.len(), written.rows_affected())
}

impl PgStore {
    /// At most `limit` deadlines that are due at `now` and not settled, the longest overdue first:
    /// cheap enough to ask often. Whoever acts on one opens a unit with it, which looks again.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn deadlines_due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<Deadline>> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT deadline_id, deadline.authority, referral_key, referral_id, kind, thing, due_at
             FROM deadline JOIN referral ON referral.key = referral_key
             WHERE settled_at IS NULL AND due_at <= $1
             ORDER BY due_at LIMIT $2",
            now,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        rows.into_iter().map(Deadline::try_from).collect()
    }

    /// What is still to fall due for a referral, the next first.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn deadlines_of(&self, referral: ReferralKey) -> Result<Vec<Deadline>> {
        load_open(&mut *self.conn().await?, &[referral.0]).await
    }
}
