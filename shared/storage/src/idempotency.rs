//! Answers to requests with an `Idempotency-Key`: the same request gets the same answer for a day.

use crate::{
    error::{Result, Sorted, broken},
    store::PgStore,
};
use chrono::{DateTime, TimeDelta, Utc};
use oss_domain::AuthorityCode;

/// A request that is to be answered once.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The authority it is for.
    pub authority: AuthorityCode,
    /// Who asks, by user id.
    pub actor: &'a str,
    /// The key, 1 to 255 characters.
    pub key: &'a str,
    /// The method and path.
    pub route: &'a str,
    /// The SHA-256 of the body.
    pub body_hash: [u8; 32],
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is new, and now ours to answer.
    New,
    /// It was answered before.
    Answered {
        /// The status.
        status: u16,
        /// The body.
        response: Vec<u8>,
    },
    /// It is being answered at this moment.
    InProgress,
    /// The key was used for another request.
    OtherRequest,
}

/// How long answers are kept.
pub const KEPT: TimeDelta = TimeDelta::hours(24);

/// Who has not answered by then has gone.
const GIVEN_UP: TimeDelta = TimeDelta::seconds(60);

impl PgStore {
    /// Sees what is known of a request, and claims it where it is new.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn claim_request(&self, request: Request<'_>, now: DateTime<Utc>) -> Result<Known> {
        let claimed = sqlx::query!(
            "INSERT INTO idempotency AS known (authority, actor, key, route, body_hash, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (authority, actor, key) DO UPDATE SET
               route = excluded.route, body_hash = excluded.body_hash,
               created_at = excluded.created_at, status = NULL, response = NULL
             WHERE known.created_at < $7 OR (known.status IS NULL AND known.created_at < $8)",
            request.authority.as_str(),
            request.actor,
            request.key,
            request.route,
            &request.body_hash,
            now,
            now - KEPT,
            now - GIVEN_UP,
        )
        .execute(&self.pool)
        .await
        .sorted()?;
        if claimed.rows_affected() > 0 {
            return Ok(Known::New);
        }
        let known = sqlx::query!(
            "SELECT route, body_hash, status, response FROM idempotency
             WHERE authority = $1 AND actor = $2 AND key = $3",
            request.authority.as_str(),
            request.actor,
            request.key,
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()?;
        Ok(match known {
            // Whoever had it has let it go in between: the client may ask again.
            None => Known::InProgress,
            Some(known) if known.route != request.route || known.body_hash != request.body_hash => {
                Known::OtherRequest
            }
            Some(known) => match (known.status, known.response) {
                (Some(status), Some(response)) => Known::Answered {
                    status: u16::try_from(status)
                        .map_err(|_| broken("idempotency.status is not a status"))?,
                    response,
                },
                _ => Known::InProgress,
            },
        })
    }

    /// Keeps the answer to a request that was claimed, in place of one that was kept before.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn answer_request(
        &self,
        request: Request<'_>,
        status: u16,
        response: &[u8],
    ) -> Result<()> {
        sqlx::query!(
            "UPDATE idempotency SET status = $4, response = $5
             WHERE authority = $1 AND actor = $2 AND key = $3",
            request.authority.as_str(),
            request.actor,
            request.key,
            i16::try_from(status).unwrap_or(i16::MAX),
            response,
        )
        .execute(&self.pool)
        .await
        .sorted()?;
        Ok(())
    }

    /// The answer that is kept to `actor`'s request with that key, if there is one.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn kept_answer(
        &self,
        authority: AuthorityCode,
        actor: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>> {
        let kept = sqlx::query_scalar!(
            "SELECT response FROM idempotency WHERE authority = $1 AND actor = $2 AND key = $3",
            authority.as_str(),
            actor,
            key,
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()?;
        Ok(kept.flatten())
    }

    /// Lets a claimed request go that could not be answered, so that it may be tried again.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn release_request(&self, request: Request<'_>) -> Result<()> {
        sqlx::query!(
            "DELETE FROM idempotency
             WHERE authority = $1 AND actor = $2 AND key = $3 AND status IS NULL",
            request.authority.as_str(),
            request.actor,
            request.key,
        )
        .execute(&self.pool)
        .await
        .sorted()?;
        Ok(())
    }

    /// Deletes answers that are older than they are kept. Returns how many.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn purge_requests(&self, now: DateTime<Utc>) -> Result<u64> {
        let done = sqlx::query!("DELETE FROM idempotency WHERE created_at < $1", now - KEPT)
            .execute(&self.pool)
            .await
            .sorted()?;
        Ok(done.rows_affected())
    }
}
