//! The outbox: what was committed and is to be published.

use crate::{
    error::{Result, Sorted},
    store::PgStore,
};
use chrono::{DateTime, Utc};
use oss_domain::EventId;
use sqlx::{Postgres, pool::PoolConnection};

/// An event that is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpublished {
    /// Its place in the order.
    pub sequence: i64,
    /// Its id: `Nats-Msg-Id`.
    pub event_id: EventId,
    /// Its subject.
    pub subject: String,
    /// Its body: a CloudEvent.
    pub payload: Vec<u8>,
    /// The W3C trace context of what caused it.
    pub traceparent: Option<String>,
    /// When it happened.
    pub created_at: DateTime<Utc>,
}

/// The right to publish: one at a time has it, until it is dropped or its connection breaks.
#[derive(Debug)]
pub struct Publisher {
    conn: PoolConnection<Postgres>,
}

/// The advisory lock of the one that publishes.
const PUBLISHER: i64 = 0x6f73_735f_6f75_7462;

impl PgStore {
    /// Takes the right to publish, or `None` where another has it.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn publisher(&self) -> Result<Option<Publisher>> {
        let mut conn = self.conn().await?;
        let ours = sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock($1) AS "ours!""#, PUBLISHER)
            .fetch_one(&mut *conn)
            .await
            .sorted()?;
        if !ours {
            return Ok(None);
        }
        // The lock is the connection's: it must not go back to the pool with it.
        conn.close_on_drop();
        sqlx::raw_sql(
            "-- A mark that a crash of the database loses is made again: the event is published
             -- under the same id, and the stream has it already. So no mark waits for the disk.
             SET synchronous_commit TO off;
             -- Every row is found by an index. A bitmap of it never learns which of its entries
             -- are dead: each look would pass all that was published since the last vacuum.
             SET enable_bitmapscan TO off;
             SET enable_seqscan TO off;
             -- Whoever publishes looks all the time. One that does not is stopped or cut off, and
             -- the right is another's.
             SET idle_session_timeout TO '5s'",
        )
        .execute(&mut *conn)
        .await
        .sorted()?;
        Ok(Some(Publisher { conn }))
    }

    /// Whether an event on the stream is one of ours: nothing is told that was not committed.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn outbox_has(&self, event_id: EventId) -> Result<bool> {
        sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM outbox WHERE event_id = $1) AS "has!""#,
            event_id.into_uuid()
        )
        .fetch_one(&self.pool)
        .await
        .sorted()
    }

    /// Deletes at most `limit` events that were published before `before`. Returns how many.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn purge_outbox(&self, before: DateTime<Utc>, limit: u32) -> Result<u64> {
        let done = sqlx::query!(
            "DELETE FROM outbox WHERE sequence IN (
               SELECT sequence FROM outbox WHERE published_at < $1 ORDER BY sequence LIMIT $2)",
            before,
            i64::from(limit),
        )
        .execute(&self.pool)
        .await
        .sorted()?;
        Ok(done.rows_affected())
    }
}

impl Publisher {
    /// Notes that the events with these sequences were `published`, and gives at most `limit` events
    /// that are to be published, in order, but for those `on_their_way`: one trip for both, since
    /// whoever has published something looks for more.
    ///
    /// Always from the start, never on from the last one seen: an earlier one may be committed
    /// later.
    ///
    /// # Errors
    ///
    /// Fails where the database is away; the right to publish is lost then, and what was published
    /// will be again.
    pub async fn next(
        &mut self,
        published: &[i64],
        at: DateTime<Utc>,
        on_their_way: &[i64],
        limit: u32,
    ) -> Result<Vec<Unpublished>> {
        let rows = sqlx::query!(
            "WITH published AS (
               UPDATE outbox SET published_at = $2 WHERE sequence = ANY ($1))
             SELECT sequence, event_id, subject, payload, traceparent, created_at FROM outbox
             -- Which sees what was published as it was before.
             WHERE published_at IS NULL AND sequence <> ALL ($1) AND sequence <> ALL ($3)
             ORDER BY sequence LIMIT $4",
            published,
            at,
            on_their_way,
            i64::from(limit),
        )
        .fetch_all(&mut *self.conn)
        .await
        .sorted()?;
        let unpublished = rows.into_iter().map(|row| Unpublished {
            sequence: row.sequence,
            event_id: EventId::from_uuid(row.event_id),
            subject: row.subject,
            payload: row.payload,
            traceparent: row.traceparent,
            created_at: row.created_at,
        });
        Ok(unpublished.collect())
    }
}
