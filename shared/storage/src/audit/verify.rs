//! Walking the audit: every chain from its first line to its end, in one snapshot.
//!
//! Lines come as a stream in the chains' order, so that a walk needs the memory of one line however
//! many there are.

use super::{ChainEnd, Line, named};
use crate::{
    doctor::{MOST, Violation, violations},
    error::{Result, Sorted},
    row,
    store::PgStore,
};
use futures::TryStreamExt;
use sqlx::{PgConnection, Postgres, Transaction};
use std::borrow::Cow;

/// What a walk over every chain came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// How many lines there are.
    pub lines: u64,
    /// What is not as it was written.
    pub found: Vec<Violation>,
}

impl PgStore {
    /// I6: every chain of the audit is as it was written, to its end.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_audit_chains(&self) -> Result<Vec<Violation>> {
        Ok(self.walk_audit().await?.found)
    }

    /// The same, with how many lines were walked.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn walk_audit(&self) -> Result<Walk> {
        let mut snapshot = self.long_snapshot().await?;
        let (lines, mut found) = walk_lines(&mut snapshot).await?;
        found.extend(ends_that_differ(&mut snapshot).await?);
        Ok(Walk {
            lines,
            found: violations("I6", found),
        })
    }

    /// A view of one moment, in which a statement may take as long as it needs.
    pub(super) async fn long_snapshot(&self) -> Result<Transaction<'static, Postgres>> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut snapshot = self.pool.begin_with(begin).await.sorted()?;
        sqlx::query!("SELECT set_config('statement_timeout', '0', true)")
            .fetch_one(&mut *snapshot)
            .await
            .sorted()?;
        Ok(snapshot)
    }
}

/// Follows every line from the one before. Gives how many there are, and those that do not follow.
async fn walk_lines(conn: &mut PgConnection) -> Result<(u64, Vec<String>)> {
    let (mut n_lines, mut found) = (0, Vec::new());
    let mut chain: Option<(String, Option<i64>)> = None;
    let mut end = ChainEnd::START;
    let mut rows = sqlx::query!(
        "SELECT authority, referral_key, seq, at, actor_kind, actor, act, thing, reason,
           words, previous_hash, hash
         FROM audit ORDER BY authority, referral_key, seq"
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.sorted()? {
        n_lines += 1;
        let is_same = |(authority, key): &(String, Option<i64>)| {
            *authority == row.authority && *key == row.referral_key
        };
        if !chain.as_ref().is_some_and(is_same) {
            chain = Some((row.authority.clone(), row.referral_key));
            end = ChainEnd::START;
        }
        let line = Line {
            authority: &row.authority,
            referral_key: row.referral_key,
            seq: row.seq,
            at_micros: row.at.timestamp_micros(),
            actor_kind: &row.actor_kind,
            actor: &row.actor,
            act: &row.act,
            thing: &row.thing,
            reason: row.reason.as_deref(),
            words: row.words.as_deref().map(Cow::Borrowed),
        };
        let hash = row::bytes("audit.hash", &row.hash)?;
        let follows = line.seq == end.seq + 1 && row.previous_hash == end.hash;
        if (!follows || line.hash(&end.hash) != hash)
            && i64::try_from(found.len()).is_ok_and(|n| n < MOST)
        {
            let chain = named(&row.authority, row.referral_key);
            found.push(format!("line {} of {chain}", line.seq));
        }
        end = ChainEnd {
            seq: line.seq,
            hash,
        };
    }
    Ok((n_lines, found))
}

/// The chains whose last line is not where they are known to end: cut short, or not known at all.
async fn ends_that_differ(conn: &mut PgConnection) -> Result<Vec<String>> {
    let rows = sqlx::query!(
        r#"WITH last AS (
             SELECT DISTINCT ON (authority, referral_key) authority, coalesce(referral_key, 0) AS key,
               seq, hash
             FROM audit ORDER BY authority, referral_key, seq DESC),
           kept AS (
             SELECT authority, key, audit_seq AS seq, audit_hash AS hash FROM referral
             WHERE audit_seq > 0
             UNION ALL SELECT authority, 0, seq, hash FROM audit_chain WHERE seq > 0)
           SELECT authority AS "authority!", nullif(key, 0) AS key
           FROM kept FULL JOIN last USING (authority, key)
           WHERE (kept.seq, kept.hash) IS DISTINCT FROM (last.seq, last.hash)
           ORDER BY authority, key LIMIT $1"#,
        MOST
    )
    .fetch_all(conn)
    .await
    .sorted()?;
    let end = |authority: &str, key| format!("the end of {}", named(authority, key));
    Ok(rows
        .iter()
        .map(|row| end(&row.authority, row.key))
        .collect())
}
