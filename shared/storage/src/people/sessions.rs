//! Sessions: made at sign-in, looked up by the hash of their token, over when idle or old.

use super::{Person, Row, SignIn, note};
use crate::{
    error::{Result, Sorted},
    store::PgStore,
};
use chrono::{DateTime, TimeDelta, Utc};
use oss_domain::{SessionId, UserId};
use oss_workflow::Actor;
use sqlx::PgConnection;

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// So long without a request.
    pub idle: TimeDelta,
    /// So long in all.
    pub absolute: TimeDelta,
}

impl Default for SessionLimits {
    /// Half an hour idle, a long working day in all (OWASP ASVS 5.0, 7.3).
    fn default() -> Self {
        Self {
            idle: TimeDelta::minutes(30),
            absolute: TimeDelta::hours(10),
        }
    }
}

/// How exactly it is kept when a session was last used: a write a minute, not one a request.
const SEEN_TO: TimeDelta = TimeDelta::minutes(1);

/// How long a browser may be away at the identity provider.
const ATTEMPT_FOR: TimeDelta = TimeDelta::minutes(10);

/// A session, with whoever it is of, as they are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The session.
    pub session: StoredSession,
    /// Whose it is.
    pub person: Person,
}

/// A session as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// Its id.
    pub session_id: SessionId,
    /// When the person signed in.
    pub started_at: DateTime<Utc>,
    /// When they last asked for something, to the minute.
    pub seen_at: DateTime<Utc>,
}

/// A browser that was sent to the identity provider.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What must come back with it.
    pub state: String,
    /// What must be in the token.
    pub nonce: String,
    /// What the code is exchanged with (RFC 7636).
    pub verifier: String,
    /// The path that was asked for before.
    pub return_to: String,
}

impl std::fmt::Debug for Attempt {
    /// Leaves out what is secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempt")
            .field("return_to", &self.return_to)
            .finish_non_exhaustive()
    }
}

impl PgStore {
    /// The session of a token, unless it is over. `used` says that the person did something.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn session(
        &self,
        token_sha256: &[u8; 32],
        limits: SessionLimits,
        used: bool,
        now: DateTime<Utc>,
    ) -> Result<Option<Session>> {
        let found = sqlx::query!(
            "SELECT session_id, started_at, seen_at, user_id, person.authority, issuer, subject,
               name, provider, roles, signed_in_at, disabled_at
             FROM session JOIN person USING (user_id)
             WHERE token_sha256 = $1 AND seen_at > $2 AND started_at > $3 AND disabled_at IS NULL",
            token_sha256,
            now - limits.idle,
            now - limits.absolute,
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()?;
        let Some(found) = found else { return Ok(None) };
        let mut session = StoredSession {
            session_id: SessionId::from_uuid(found.session_id),
            started_at: found.started_at,
            seen_at: found.seen_at,
        };
        if used && now - session.seen_at >= SEEN_TO {
            sqlx::query!(
                "UPDATE session SET seen_at = $2 WHERE token_sha256 = $1 AND seen_at < $2",
                token_sha256,
                now,
            )
            .execute(&self.pool)
            .await
            .sorted()?;
            session.seen_at = now;
        }
        let person = Row {
            user_id: found.user_id,
            authority: found.authority,
            issuer: found.issuer,
            subject: found.subject,
            name: found.name,
            provider: found.provider,
            roles: found.roles,
            signed_in_at: found.signed_in_at,
            disabled_at: found.disabled_at,
        };
        Ok(Some(Session {
            session,
            person: person.try_into()?,
        }))
    }

    /// The sessions of a person that are not over, the newest first.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn sessions_of(
        &self,
        user_id: UserId,
        limits: SessionLimits,
        now: DateTime<Utc>,
    ) -> Result<Vec<StoredSession>> {
        let rows = sqlx::query!(
            "SELECT session_id, started_at, seen_at FROM session
             WHERE user_id = $1 AND seen_at > $2 AND started_at > $3 ORDER BY started_at DESC",
            user_id.into_uuid(),
            now - limits.idle,
            now - limits.absolute,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        let stored = |session_id, started_at, seen_at| StoredSession {
            session_id: SessionId::from_uuid(session_id),
            started_at,
            seen_at,
        };
        let rows = rows.into_iter();
        Ok(rows
            .map(|row| stored(row.session_id, row.started_at, row.seen_at))
            .collect())
    }

    /// Ends one session of a person, as they or somebody else asked. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn end_session(
        &self,
        person: &Person,
        session_id: SessionId,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let mut transaction = self.pool.begin().await.sorted()?;
        let done = sqlx::query!(
            "DELETE FROM session WHERE session_id = $1 AND user_id = $2",
            session_id.into_uuid(),
            person.user_id.into_uuid(),
        )
        .execute(&mut *transaction)
        .await
        .sorted()?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        note(&mut transaction, person, by, "person.signed_out", None, now).await?;
        transaction.commit().await.sorted()?;
        Ok(true)
    }

    /// Ends every session of a person. Returns how many there were.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn end_sessions_of(
        &self,
        person: &Person,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<u64> {
        let mut transaction = self.pool.begin().await.sorted()?;
        let ended = delete_of(&mut transaction, person.user_id).await?;
        if ended > 0 {
            note(
                &mut transaction,
                person,
                by,
                "person.signed_out_everywhere",
                None,
                now,
            )
            .await?;
        }
        transaction.commit().await.sorted()?;
        Ok(ended)
    }

    /// Deletes sessions and attempts to sign in that are over. Returns how many.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn purge_sessions(&self, limits: SessionLimits, now: DateTime<Utc>) -> Result<u64> {
        let sessions = sqlx::query!(
            "DELETE FROM session WHERE seen_at <= $1 OR started_at <= $2",
            now - limits.idle,
            now - limits.absolute,
        )
        .execute(&self.pool)
        .await
        .sorted()?;
        let attempts = sqlx::query!(
            "DELETE FROM sign_in_attempt WHERE started_at <= $1",
            now - ATTEMPT_FOR
        )
        .execute(&self.pool)
        .await
        .sorted()?;
        Ok(sessions.rows_affected() + attempts.rows_affected())
    }

    /// Keeps what a browser that is sent to the identity provider must come back with.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn put_attempt(
        &self,
        token_sha256: &[u8; 32],
        attempt: &Attempt,
        now: DateTime<Utc>,
    ) -> Result<()> {
        sqlx::query!(
            "INSERT INTO sign_in_attempt (token_sha256, state, nonce, verifier, return_to, started_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
            token_sha256,
            attempt.state,
            attempt.nonce,
            attempt.verifier,
            attempt.return_to,
            now,
        )
        .execute(&self.pool)
        .await
        .sorted()?;
        Ok(())
    }

    /// Takes it away again: whoever comes back a second time comes in vain.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn take_attempt(
        &self,
        token_sha256: &[u8; 32],
        now: DateTime<Utc>,
    ) -> Result<Option<Attempt>> {
        let taken = sqlx::query!(
            "DELETE FROM sign_in_attempt WHERE token_sha256 = $1
             RETURNING state, nonce, verifier, return_to, started_at",
            token_sha256,
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()?;
        Ok(taken
            .filter(|it| it.started_at > now - ATTEMPT_FOR)
            .map(|it| Attempt {
                state: it.state,
                nonce: it.nonce,
                verifier: it.verifier,
                return_to: it.return_to,
            }))
    }
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    sign_in: &SignIn,
    person: &Person,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO session (token_sha256, session_id, authority, user_id, started_at, seen_at)
         VALUES ($1, $2, $3, $4, $5, $5)",
        &sign_in.token_sha256,
        sign_in.session_id.into_uuid(),
        person.authority.as_str(),
        person.user_id.into_uuid(),
        now,
    )
    .execute(conn)
    .await
    .sorted()?;
    Ok(())
}

/// Deletes the session of a token, if there is one.
pub(super) async fn delete(conn: &mut PgConnection, token_sha256: &[u8; 32]) -> Result<()> {
    sqlx::query!("DELETE FROM session WHERE token_sha256 = $1", token_sha256)
        .execute(conn)
        .await
        .sorted()?;
    Ok(())
}

/// Deletes every session of a person. Returns how many there were.
pub(super) async fn delete_of(conn: &mut PgConnection, user_id: UserId) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM session WHERE user_id = $1",
        user_id.into_uuid()
    )
    .execute(conn)
    .await
    .sorted()?;
    Ok(done.rows_affected())
}
