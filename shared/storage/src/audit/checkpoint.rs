//! Checkpoints: where the chains of an authority's audit ended, signed.
//!
//! A chain shows any change but one: whoever may write everything could cut off its last lines, or
//! all of it, and move its end back. A checkpoint says where each chain had come to. It names only
//! the chains that had grown since the checkpoint before and seals that one's digest, so it is as
//! small as what happened; and its signed head alone, kept outside the database, holds all ends
//! that were ever in one.

use super::{ChainEnd, named};
use crate::{
    doctor::{MOST, Violation, violations},
    error::{Result, Sorted, broken},
    row,
    store::PgStore,
};
use chrono::{DateTime, SubsecRound, Utc};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use futures::TryStreamExt;
use oss_domain::AuthorityCode;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use std::{collections::BTreeMap, fmt};

/// The key that checkpoints are signed with: to be kept where nobody who runs the database is.
pub struct CheckpointKey(SigningKey);

impl CheckpointKey {
    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(bytes))
    }

    /// What its signatures are verified with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }
}

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckpointKey(***)")
    }
}

/// What signatures of checkpoints are verified with; no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key with these bytes, if they are one.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Option<Self> {
        VerifyingKey::from_bytes(bytes).ok().map(Self)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// The head of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose audit.
    pub authority: AuthorityCode,
    /// Which one, from 1.
    pub number: i64,
    /// When it was made, to the microsecond.
    pub at: DateTime<Utc>,
    /// The digest of the one before; zeros in the first.
    pub previous: [u8; 32],
    /// SHA-256 over all of this and the ends of the chains that had grown.
    pub digest: [u8; 32],
    /// Ed25519 over the digest.
    pub signature: [u8; 64],
}

impl Checkpoint {
    /// Whether one of `keys` has signed it.
    #[must_use]
    pub fn is_signed_by(&self, keys: &[PublicKey]) -> bool {
        let signature = Signature::from_bytes(&self.signature);
        keys.iter()
            .any(|key| key.0.verify_strict(&self.digest, &signature).is_ok())
    }
}

/// Where a chain ended: a referral's, or that of the authority's own acts.
type End = (Option<i64>, ChainEnd);

/// Makes a checkpoint's digest, an end at a time, in the order of their referrals' keys.
struct Digester(Sha256);

impl Digester {
    fn new(authority: &str, number: i64, at: DateTime<Utc>, previous: &[u8; 32]) -> Self {
        let mut hash = Sha256::new_with_prefix(b"oss audit checkpoint 1");
        hash.update((authority.len() as u64).to_be_bytes());
        hash.update(authority);
        hash.update(number.to_be_bytes());
        hash.update(at.timestamp_micros().to_be_bytes());
        hash.update(previous);
        Self(hash)
    }

    fn end(&mut self, (referral, end): &End) {
        // Keys are positive, so none is that of the authority's own chain.
        self.0.update(referral.unwrap_or_default().to_be_bytes());
        self.0.update(end.seq.to_be_bytes());
        self.0.update(end.hash);
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

impl PgStore {
    /// Makes, signs and stores the next checkpoint of `authority`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away, or another one is made at this moment.
    pub async fn make_checkpoint(
        &self,
        authority: AuthorityCode,
        key: &CheckpointKey,
        now: DateTime<Utc>,
    ) -> Result<Checkpoint> {
        // One snapshot, so that the ends belong together.
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ";
        let mut transaction = self.pool.begin_with(begin).await.sorted()?;
        let conn = &mut *transaction;
        let last = sqlx::query!(
            "SELECT number, digest FROM audit_checkpoint
             WHERE authority = $1 ORDER BY number DESC LIMIT 1",
            authority.as_str()
        )
        .fetch_optional(&mut *conn)
        .await
        .sorted()?;
        let (number, previous) = match last {
            None => (1, [0; 32]),
            Some(last) => {
                let digest = row::bytes("audit_checkpoint.digest", &last.digest)?;
                (last.number + 1, digest)
            }
        };
        let at = now.trunc_subsecs(6);
        let ends = grown(conn, authority).await?;
        let mut digester = Digester::new(authority.as_str(), number, at, &previous);
        for end in &ends {
            digester.end(end);
        }
        let digest = digester.finish();
        let checkpoint = Checkpoint {
            authority,
            number,
            at,
            previous,
            digest,
            signature: key.0.sign(&digest).to_bytes(),
        };
        insert(conn, &checkpoint, &ends).await?;
        transaction.commit().await.sorted()?;
        Ok(checkpoint)
    }

    /// I6: the stored checkpoints are as they were signed, and every chain has come at least as far
    /// as each of them says, by the same lines. Those in `kept`, from outside, are among them.
    ///
    /// Signatures are those of `keys`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn check_checkpoints(
        &self,
        keys: &[PublicKey],
        kept: &[Checkpoint],
    ) -> Result<Vec<Violation>> {
        let mut snapshot = self.long_snapshot().await?;
        let conn = &mut *snapshot;
        let stored = stored(conn).await?;
        let digests = digests(conn, &stored).await?;
        let mut found = Vec::new();
        for (checkpoint, digest) in stored.values().zip(digests) {
            let before = (checkpoint.authority, checkpoint.number - 1);
            let previous = stored.get(&before).map_or([0; 32], |it| it.digest);
            let is_first = checkpoint.number == 1;
            if checkpoint.previous != previous || is_first == stored.contains_key(&before) {
                found.push(format!("{} does not follow another", called(checkpoint)));
            }
            if checkpoint.digest != digest {
                found.push(format!("{} is not as it was made", called(checkpoint)));
            }
            if !checkpoint.is_signed_by(keys) {
                found.push(format!("{} is not signed by us", called(checkpoint)));
            }
        }
        for checkpoint in kept {
            let it = called(checkpoint);
            if !checkpoint.is_signed_by(keys) {
                found.push(format!("{it}, as kept outside, is not signed by us"));
            }
            match stored.get(&(checkpoint.authority, checkpoint.number)) {
                None => found.push(format!("{it} is no longer in the database")),
                Some(stored) if stored != checkpoint => {
                    found.push(format!("{it} is another one in the database"));
                }
                Some(_) => {}
            }
        }
        found.extend(lines_that_are_gone(conn).await?);
        Ok(violations("I6", found))
    }
}

fn called(checkpoint: &Checkpoint) -> String {
    let Checkpoint {
        authority,
        number,
        at,
        ..
    } = checkpoint;
    format!("checkpoint {number} of {authority} of {at:?}")
}

/// The ends of the chains that have grown since the last checkpoint that named them.
async fn grown(conn: &mut PgConnection, authority: AuthorityCode) -> Result<Vec<End>> {
    let rows = sqlx::query!(
        r#"SELECT NULL::bigint AS key, seq AS "seq!", hash AS "hash!" FROM audit_chain
           WHERE authority = $1 AND seq > coalesce((
             SELECT max(kept.seq) FROM audit_checkpoint_end AS kept
             WHERE kept.authority = $1 AND kept.referral_key IS NULL), 0)
           UNION ALL
           SELECT key, audit_seq, audit_hash FROM referral
           WHERE authority = $1 AND audit_seq > coalesce((
             SELECT max(kept.seq) FROM audit_checkpoint_end AS kept
             WHERE kept.authority = $1 AND kept.referral_key = key), 0)
           ORDER BY 1 NULLS FIRST"#,
        authority.as_str()
    )
    .fetch_all(conn)
    .await
    .sorted()?;
    rows.into_iter()
        .map(|row| {
            let hash = row::bytes("audit_hash", &row.hash)?;
            Ok((row.key, ChainEnd { seq: row.seq, hash }))
        })
        .collect()
}

async fn insert(conn: &mut PgConnection, checkpoint: &Checkpoint, ends: &[End]) -> Result<()> {
    sqlx::query!(
        "INSERT INTO audit_checkpoint (authority, number, at, previous, digest, signature)
         VALUES ($1, $2, $3, $4, $5, $6)",
        checkpoint.authority.as_str(),
        checkpoint.number,
        checkpoint.at,
        &checkpoint.previous,
        &checkpoint.digest,
        &checkpoint.signature,
    )
    .execute(&mut *conn)
    .await
    .sorted()?;
    sqlx::query!(
        "INSERT INTO audit_checkpoint_end (authority, number, referral_key, seq, hash)
         SELECT $1, $2, referral_key, seq, hash
         FROM unnest($3::bigint[], $4::bigint[], $5::bytea[]) AS w (referral_key, seq, hash)",
        checkpoint.authority.as_str(),
        checkpoint.number,
        &ends.iter().map(|(key, _)| *key).collect::<Vec<_>>() as &[Option<i64>],
        &ends.iter().map(|(_, end)| end.seq).collect::<Vec<_>>(),
        &ends
            .iter()
            .map(|(_, end)| end.hash.as_slice())
            .collect::<Vec<_>>() as &[&[u8]],
    )
    .execute(conn)
    .await
    .sorted()?;
    Ok(())
}

type Stored = BTreeMap<(AuthorityCode, i64), Checkpoint>;

async fn stored(conn: &mut PgConnection) -> Result<Stored> {
    let rows = sqlx::query!(
        "SELECT authority, number, at, previous, digest, signature FROM audit_checkpoint"
    )
    .fetch_all(conn)
    .await
    .sorted()?;
    rows.into_iter()
        .map(|row| {
            let checkpoint = Checkpoint {
                authority: row::parse("audit_checkpoint.authority", &row.authority)?,
                number: row.number,
                at: row.at,
                previous: row::bytes("audit_checkpoint.previous", &row.previous)?,
                digest: row::bytes("audit_checkpoint.digest", &row.digest)?,
                signature: row::bytes("audit_checkpoint.signature", &row.signature)?,
            };
            Ok(((checkpoint.authority, checkpoint.number), checkpoint))
        })
        .collect()
}

/// Makes the digest of each stored checkpoint anew, from the ends that are stored with it.
async fn digests(conn: &mut PgConnection, stored: &Stored) -> Result<Vec<[u8; 32]>> {
    let mut digesters: BTreeMap<_, _> = stored
        .iter()
        .map(|(at, it)| {
            let digester = Digester::new(it.authority.as_str(), it.number, it.at, &it.previous);
            (*at, digester)
        })
        .collect();
    let mut rows = sqlx::query!(
        "SELECT authority, number, referral_key, seq, hash FROM audit_checkpoint_end
         ORDER BY authority, number, referral_key NULLS FIRST, seq"
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.sorted()? {
        let authority = row::parse("audit_checkpoint_end.authority", &row.authority)?;
        let hash = row::bytes("audit_checkpoint_end.hash", &row.hash)?;
        let digester = digesters.get_mut(&(authority, row.number));
        let digester = digester.ok_or_else(|| broken("an end belongs to no checkpoint"))?;
        digester.end(&(row.referral_key, ChainEnd { seq: row.seq, hash }));
    }
    Ok(digesters.into_values().map(Digester::finish).collect())
}

/// Lines that a checkpoint saw at the end of their chains, and that are not there any more.
async fn lines_that_are_gone(conn: &mut PgConnection) -> Result<Vec<String>> {
    let rows = sqlx::query!(
        // A referral's lines and the others apart: by key the index finds each line, null is no key.
        r#"SELECT authority AS "authority!", referral_key, seq AS "seq!"
           FROM audit_checkpoint_end AS kept
           WHERE referral_key IS NOT NULL AND hash IS DISTINCT FROM (
             SELECT hash FROM audit WHERE audit.authority = kept.authority
               AND audit.referral_key = kept.referral_key AND audit.seq = kept.seq)
           UNION ALL
           SELECT authority, referral_key, seq FROM audit_checkpoint_end AS kept
           WHERE referral_key IS NULL AND hash IS DISTINCT FROM (
             SELECT hash FROM audit WHERE audit.authority = kept.authority
               AND audit.referral_key IS NULL AND audit.seq = kept.seq)
           ORDER BY 1, 2, 3 LIMIT $1"#,
        MOST
    )
    .fetch_all(conn)
    .await
    .sorted()?;
    let gone = |authority: &str, key, seq| {
        let chain = named(authority, key);
        format!("line {seq} of {chain}, which a checkpoint saw, is gone")
    };
    Ok(rows
        .iter()
        .map(|row| gone(&row.authority, row.referral_key, row.seq))
        .collect())
}
