//! Events that could not be handled: listing them, and trying them again.

use crate::{
    commit::payload_place,
    error::{Result, Sorted, broken},
    row,
    store::PgStore,
};
use chrono::{DateTime, Utc};
use oss_domain::{AuthorityCode, DeadLetterId};
use serde_json::Value;

/// A dead letter as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDeadLetter {
    /// Its id.
    pub dead_letter_id: DeadLetterId,
    /// The authority in the subject, if any.
    pub authority: Option<AuthorityCode>,
    /// The subject it came on.
    pub subject: String,
    /// The CloudEvents source, if any.
    pub source: Option<String>,
    /// The CloudEvents id, if any.
    pub event_id: Option<String>,
    /// The CloudEvents type, if any.
    pub event_type: Option<String>,
    /// A stable code of why, such as `not_json`.
    pub code: String,
    /// Why, in words.
    pub reason: String,
    /// The faults, field by field: `[{pointer, code, detail}]`.
    pub errors: Value,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first received.
    pub received_at: DateTime<Utc>,
    /// When a person asked to try it again.
    pub retry_requested_at: Option<DateTime<Utc>>,
    /// When it was done with.
    pub resolved_at: Option<DateTime<Utc>>,
    /// How it was done with, as a stable code.
    pub resolution: Option<String>,
}

/// A dead letter with what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterContent {
    /// What is known of it.
    pub letter: StoredDeadLetter,
    /// The headers as they came.
    pub headers: Vec<(String, String)>,
    /// The payload as it came.
    pub payload: Vec<u8>,
}

struct Row {
    dead_letter_id: uuid::Uuid,
    authority: Option<String>,
    subject: String,
    source: Option<String>,
    event_id: Option<String>,
    event_type: Option<String>,
    code: String,
    reason: String,
    errors: Value,
    attempts: i64,
    received_at: DateTime<Utc>,
    retry_requested_at: Option<DateTime<Utc>>,
    resolved_at: Option<DateTime<Utc>>,
    resolution: Option<String>,
    headers: Value,
    payload: Vec<u8>,
}

impl PgStore {
    /// At most `limit` dead letters that wait for a person, those that came last first, before
    /// `cursor`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn list_dead_letters(
        &self,
        cursor: Option<DeadLetterId>,
        limit: u32,
    ) -> Result<Vec<StoredDeadLetter>> {
        sqlx::query_as!(
            Row,
            r#"SELECT dead_letter_id, authority, subject, source, event_id, event_type, code, reason,
                 errors, attempts, received_at, retry_requested_at, resolved_at, resolution,
                 -- Lists never need what came.
                 '[]'::jsonb AS "headers!", ''::bytea AS "payload!"
               FROM dead_letter
               WHERE resolved_at IS NULL AND ($1::uuid IS NULL OR dead_letter_id < $1)
               ORDER BY dead_letter_id DESC LIMIT $2"#,
            cursor.map(DeadLetterId::into_uuid),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?
        .into_iter()
        .map(letter)
        .collect()
    }

    /// A dead letter with what came, also one that was done with.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetterContent>> {
        sqlx::query_as!(
            Row,
            "SELECT dead_letter_id, authority, subject, source, event_id, event_type, code, reason,
               errors, attempts, received_at, retry_requested_at, resolved_at, resolution, headers,
               payload
             FROM dead_letter WHERE dead_letter_id = $1",
            id.into_uuid(),
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()?
        .map(|row| self.content(row))
        .transpose()
    }

    /// Asks for a dead letter to be tried again. Returns whether it waits for that now.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn request_retry(&self, id: DeadLetterId, at: DateTime<Utc>) -> Result<bool> {
        let done = sqlx::query!(
            "UPDATE dead_letter SET retry_requested_at = coalesce(retry_requested_at, $2)
             WHERE dead_letter_id = $1 AND resolved_at IS NULL",
            id.into_uuid(),
            at,
        )
        .execute(&self.pool)
        .await
        .sorted()?;
        Ok(done.rows_affected() > 0)
    }

    /// Takes at most `limit` dead letters that are to be tried again; those that others took are
    /// left to them, unless they took them before `given_up`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn take_retries(
        &self,
        now: DateTime<Utc>,
        given_up: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DeadLetterContent>> {
        sqlx::query_as!(
            Row,
            "UPDATE dead_letter SET retry_taken_at = $1, attempts = attempts + 1
             WHERE dead_letter_id IN (
               SELECT dead_letter_id FROM dead_letter
               WHERE resolved_at IS NULL AND retry_requested_at IS NOT NULL
                 AND (retry_taken_at IS NULL OR retry_taken_at < $2)
               ORDER BY retry_requested_at LIMIT $3 FOR UPDATE SKIP LOCKED)
             RETURNING dead_letter_id, authority, subject, source, event_id, event_type, code, reason,
               errors, attempts, received_at, retry_requested_at, resolved_at, resolution, headers,
               payload",
            now,
            given_up,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?
        .into_iter()
        .map(|row| self.content(row))
        .collect()
    }

    /// Notes that trying it again failed too: it waits for a person again.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn retry_failed(&self, id: DeadLetterId, code: &str, reason: &str) -> Result<()> {
        let reason = row::text(reason);
        sqlx::query!(
            "UPDATE dead_letter SET code = $2, reason = $3, retry_requested_at = NULL,
               retry_taken_at = NULL
             WHERE dead_letter_id = $1 AND resolved_at IS NULL",
            id.into_uuid(),
            code,
            reason.as_ref(),
        )
        .execute(&self.pool)
        .await
        .sorted()?;
        Ok(())
    }

    /// Notes that it is done with; `resolution` is a stable code, such as `handled`. Returns
    /// whether it was not before.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn resolve_dead_letter(
        &self,
        id: DeadLetterId,
        resolution: &str,
        at: DateTime<Utc>,
    ) -> Result<bool> {
        let done = sqlx::query!(
            "UPDATE dead_letter SET resolved_at = $2, resolution = $3
             WHERE dead_letter_id = $1 AND resolved_at IS NULL",
            id.into_uuid(),
            at,
            resolution,
        )
        .execute(&self.pool)
        .await
        .sorted()?;
        Ok(done.rows_affected() > 0)
    }

    fn content(&self, row: Row) -> Result<DeadLetterContent> {
        let payload = self
            .key
            .open(payload_place(&row.dead_letter_id), &row.payload)?;
        let headers = serde_json::from_value(row.headers.clone())
            .map_err(|_| broken("dead_letter.headers is not readable"))?;
        Ok(DeadLetterContent {
            letter: letter(row)?,
            headers,
            payload,
        })
    }
}

fn letter(row: Row) -> Result<StoredDeadLetter> {
    let authority = row.authority.as_deref();
    Ok(StoredDeadLetter {
        dead_letter_id: DeadLetterId::from_uuid(row.dead_letter_id),
        authority: authority
            .map(|text| row::parse("dead_letter.authority", text))
            .transpose()?,
        subject: row.subject,
        source: row.source,
        event_id: row.event_id,
        event_type: row.event_type,
        code: row.code,
        reason: row.reason,
        errors: row.errors,
        attempts: row::whole("dead_letter.attempts", row.attempts)?,
        received_at: row.received_at,
        retry_requested_at: row.retry_requested_at,
        resolved_at: row.resolved_at,
        resolution: row.resolution,
    })
}
