//! The least that keeping a referral can cost, for `oss bench`: rows as many and as large as a
//! real referral's, in tables of their own that nothing else reads.

use crate::error::{Result, Sorted};
use sqlx::{Connection, PgConnection, PgPool, Row, postgres::PgPoolOptions};
use std::sync::atomic::{AtomicI64, Ordering};

/// What one referral leaves behind: of each table the stored row nearest to the average size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Its head, as long as that is stored.
    pub head: Vec<u8>,
    /// Its revision: JSON.
    pub document: String,
    /// Its run record, packed.
    pub record: Vec<u8>,
    /// The events told of it.
    pub events: Vec<Vec<u8>>,
    /// The lines of its audit.
    pub audit: Vec<Vec<u8>>,
}

impl Rows {
    /// Looks at what real referrals have left, as the owner at `url`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away or holds no run.
    pub async fn typical(url: &str) -> Result<Self> {
        let mut conn = PgConnection::connect(url).await.sorted()?;
        let one = async |conn: &mut PgConnection, statement: &'static str| {
            let row = sqlx::query(statement).fetch_one(conn).await.sorted()?;
            row.try_get::<Vec<u8>, _>(0).sorted()
        };
        let document: String = sqlx::query_scalar(
            "SELECT document::text FROM referral_revision ORDER BY abs(length(document::text)
               - (SELECT avg(length(document::text)) FROM referral_revision)) LIMIT 1",
        )
        .fetch_one(&mut conn)
        .await
        .sorted()?;
        let record = one(
            &mut conn,
            "SELECT record FROM match_run ORDER BY abs(octet_length(record)
               - (SELECT avg(octet_length(record)) FROM match_run)) LIMIT 1",
        )
        .await?;
        let offers = one(
            &mut conn,
            "SELECT payload FROM outbox WHERE subject NOT LIKE '%.received'
             ORDER BY abs(octet_length(payload) - (SELECT avg(octet_length(payload))
               FROM outbox WHERE subject NOT LIKE '%.received')) LIMIT 1",
        )
        .await?;
        let received = one(
            &mut conn,
            "SELECT payload FROM outbox WHERE subject LIKE '%.received' LIMIT 1",
        )
        .await?;
        let (head, line, lines): (i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT avg(pg_column_size(referral.*)) FROM referral)::bigint,
               (SELECT avg(pg_column_size(audit.*)) FROM audit)::bigint,
               (SELECT count(*) FROM audit WHERE referral_key IS NOT NULL)
                 / (SELECT count(*) FROM referral)",
        )
        .fetch_one(&mut conn)
        .await
        .sorted()?;
        conn.close().await.sorted()?;
        let filled = |n: i64| vec![b'x'; usize::try_from(n).unwrap_or_default()];
        Ok(Self {
            head: filled(head),
            document,
            record,
            events: vec![received, offers],
            audit: vec![filled(line); usize::try_from(lines).unwrap_or_default()],
        })
    }

    /// How many rows.
    #[must_use]
    pub fn count(&self) -> usize {
        // The inbox's, the head, the revision and the run.
        4 + self.events.len() + self.audit.len()
    }

    /// How many bytes these hold.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let len = |parts: &[Vec<u8>]| parts.iter().map(Vec::len).sum::<usize>();
        self.head.len()
            + self.document.len()
            + self.record.len()
            + len(&self.events)
            + len(&self.audit)
    }
}

/// Tables that take rows and do nothing else.
#[derive(Debug)]
pub struct Floor {
    pool: PgPool,
    next: AtomicI64,
}

const TABLES: &str = "
  DROP SCHEMA IF EXISTS floor CASCADE;
  CREATE SCHEMA floor;
  CREATE TABLE floor.inbox (source text, event_id text, PRIMARY KEY (source, event_id));
  CREATE TABLE floor.referral (n bigint PRIMARY KEY, head bytea NOT NULL);
  CREATE TABLE floor.revision (n bigint PRIMARY KEY, document jsonb NOT NULL);
  CREATE TABLE floor.run (n bigint PRIMARY KEY, record bytea NOT NULL);
  ALTER TABLE floor.run ALTER COLUMN record SET STORAGE EXTERNAL;
  CREATE TABLE floor.outbox (n bigint, m bigint, payload bytea NOT NULL, PRIMARY KEY (n, m));
  CREATE TABLE floor.audit (n bigint, m bigint, line bytea NOT NULL, PRIMARY KEY (n, m));
  DO $$
  BEGIN
    ALTER TABLE floor.outbox ALTER COLUMN payload SET COMPRESSION lz4;
  EXCEPTION
    WHEN feature_not_supported THEN NULL;
  END
  $$;
";

impl Floor {
    /// Makes the tables, as the owner at `url`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn make(url: &str, max_connections: u32) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .test_before_acquire(false)
            .connect(url)
            .await
            .sorted()?;
        sqlx::raw_sql(TABLES).execute(&pool).await.sorted()?;
        Ok(Self {
            pool,
            next: AtomicI64::new(0),
        })
    }

    /// Commits the rows of as many referrals as there are events, in one transaction.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn write(&self, rows: &Rows, sources: &[&str], ids: &[&str]) -> Result<()> {
        let n = i64::try_from(ids.len()).unwrap_or_default();
        let first = self.next.fetch_add(n, Ordering::Relaxed);
        let ns: Vec<i64> = (first..first + n).collect();
        let mut transaction = self.pool.begin().await.sorted()?;
        let conn = &mut *transaction;
        sqlx::query(
            "INSERT INTO floor.inbox SELECT * FROM unnest($1::text[], $2::text[])
             ON CONFLICT DO NOTHING",
        )
        .bind(sources)
        .bind(ids)
        .execute(&mut *conn)
        .await
        .sorted()?;
        for (statement, body) in [
            (
                "INSERT INTO floor.referral SELECT * FROM unnest($1::bigint[], $2::bytea[])",
                &rows.head,
            ),
            (
                "INSERT INTO floor.run SELECT * FROM unnest($1::bigint[], $2::bytea[])",
                &rows.record,
            ),
        ] {
            sqlx::query(statement)
                .bind(&ns)
                .bind(vec![body.as_slice(); ns.len()])
                .execute(&mut *conn)
                .await
                .sorted()?;
        }
        sqlx::query(
            "INSERT INTO floor.revision
             SELECT n, document::jsonb FROM unnest($1::bigint[], $2::text[]) AS w (n, document)",
        )
        .bind(&ns)
        .bind(vec![rows.document.as_str(); ns.len()])
        .execute(&mut *conn)
        .await
        .sorted()?;
        for (statement, parts) in [
            (
                "INSERT INTO floor.outbox SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])",
                &rows.events,
            ),
            (
                "INSERT INTO floor.audit SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])",
                &rows.audit,
            ),
        ] {
            let cells = || {
                ns.iter()
                    .flat_map(|n| parts.iter().zip(0_i64..).map(move |it| (*n, it)))
            };
            sqlx::query(statement)
                .bind(cells().map(|(n, _)| n).collect::<Vec<_>>())
                .bind(cells().map(|(_, (_, m))| m).collect::<Vec<_>>())
                .bind(
                    cells()
                        .map(|(_, (part, _))| part.as_slice())
                        .collect::<Vec<_>>(),
                )
                .execute(&mut *conn)
                .await
                .sorted()?;
        }
        transaction.commit().await.sorted()
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
