//! The audit: a chain of lines for each referral, and one for each authority's other acts.
//!
//! A line's hash covers all of it and the hash of the line before, and the end of a chain is kept
//! apart from the lines: so a changed, missing, added or moved line shows.
//!
//! The reason of a line about a referral is a person's words about a child: sealed with the
//! referral's key. The hash covers it as stored, so chains are verified without any key.

mod checkpoint;
mod verify;

pub use checkpoint::{Checkpoint, CheckpointKey, PublicKey};
pub use verify::Walk;

use crate::{
    commit::Together,
    error::{Result, Sorted, broken},
    seal::{InstallationKey, Place},
    store::Loaded,
};
use oss_domain::AuthorityCode;
use oss_workflow::{Actor, ReferralKey, StoreError, unit::AuditLine};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};

/// Where a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChainEnd {
    /// The last line's place, from 1; 0 where there is none.
    pub(crate) seq: i64,
    /// The last line's hash.
    pub(crate) hash: [u8; 32],
}

impl ChainEnd {
    /// The end of a chain without lines.
    pub(crate) const START: Self = Self {
        seq: 0,
        hash: [0; 32],
    };
}

/// A chain in words.
fn named(authority: &str, referral_key: Option<i64>) -> String {
    match referral_key {
        Some(key) => format!("the chain of referral key {key} of {authority}"),
        None => format!("the chain of {authority}'s own acts"),
    }
}

/// A line as it is stored and sealed.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) authority: &'a str,
    pub(crate) referral_key: Option<i64>,
    pub(crate) seq: i64,
    /// PostgreSQL keeps microseconds.
    pub(crate) at_micros: i64,
    pub(crate) actor_kind: &'a str,
    pub(crate) actor: &'a str,
    pub(crate) act: &'a str,
    pub(crate) thing: &'a str,
    pub(crate) reason: Option<&'a str>,
    pub(crate) words: Option<Cow<'a, [u8]>>,
}

impl Line<'_> {
    /// The line's hash. Every part has its length before it, so no two lines read the same.
    pub(crate) fn hash(&self, previous: &[u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(b"oss audit line 1");
        part(previous);
        part(self.authority.as_bytes());
        part(
            &self
                .referral_key
                .map_or_else(Vec::new, |key| key.to_be_bytes().to_vec()),
        );
        part(&self.seq.to_be_bytes());
        part(&self.at_micros.to_be_bytes());
        for text in [self.actor_kind, self.actor, self.act, self.thing] {
            part(text.as_bytes());
        }
        if let Some(reason) = self.reason {
            part(reason.as_bytes());
        }
        if let Some(words) = &self.words {
            part(b"sealed");
            part(words);
        }
        hash.finalize().into()
    }
}

/// Lines with their places in their chains, column by column.
#[derive(Debug, Default)]
pub(crate) struct Sealed<'a> {
    pub(crate) lines: Vec<Line<'a>>,
    pub(crate) previous: Vec<[u8; 32]>,
    pub(crate) hashes: Vec<[u8; 32]>,
}

impl<'a> Sealed<'a> {
    /// Puts a line at the end of its chain; `words` are its reason, sealed, instead of it.
    fn push(&mut self, line: &'a AuditLine, words: Option<Vec<u8>>, end: &mut ChainEnd) {
        let (actor_kind, actor) = match &line.actor {
            Actor::Person(id) => ("person", id.as_ref()),
            Actor::Producer(source) => ("producer", source.as_ref()),
            Actor::Service(role) => ("service", *role),
        };
        let line = Line {
            authority: line.authority.as_str(),
            referral_key: line.referral.map(|key| key.0),
            seq: end.seq + 1,
            at_micros: line.at.timestamp_micros(),
            actor_kind,
            actor,
            act: line.act,
            thing: &line.thing,
            reason: line.reason.as_deref().filter(|_| words.is_none()),
            words: words.map(Cow::Owned),
        };
        let hash = line.hash(&end.hash);
        self.previous.push(end.hash);
        self.hashes.push(hash);
        *end = ChainEnd {
            seq: line.seq,
            hash,
        };
        self.lines.push(line);
    }
}

fn row_of(referral: i64, seq: i64) -> String {
    format!("{referral}/{seq}")
}

fn place(row: &String) -> Place<'_> {
    Place {
        table: "audit",
        column: "words",
        row,
    }
}

/// Opens the reason of a line about a referral.
pub(crate) fn open_words(
    installation: &InstallationKey,
    (referral, seq): (i64, i64),
    wrapped_key: &[u8],
    words: &[u8],
) -> Result<String> {
    let data_key = installation.data_key(referral, wrapped_key)?;
    let text = data_key.open_at(place(&row_of(referral, seq)), words)?;
    String::from_utf8(text).map_err(|error| StoreError::Broken(error.into()))
}

/// Puts the lines about referrals at the ends of their chains, and moves those ends on.
pub(crate) fn seal_referrals<'a>(
    installation: &InstallationKey,
    lines: &'a [AuditLine],
    referrals: &mut HashMap<ReferralKey, Loaded>,
) -> Result<Sealed<'a>> {
    let mut sealed = Sealed::default();
    for line in lines {
        if let Some(key) = line.referral {
            let loaded = referrals
                .get_mut(&key)
                .ok_or_else(|| broken("an audit line is about a referral outside the unit"))?;
            let words = match &line.reason {
                None => None,
                Some(reason) => {
                    let row = row_of(key.0, loaded.chain.seq + 1);
                    let data_key = loaded.data_key(installation, key)?;
                    Some(data_key.seal_at(place(&row), reason.as_bytes())?)
                }
            };
            sealed.push(line, words, &mut loaded.chain);
        }
    }
    Ok(sealed)
}

/// Appends the lines that are about no referral to their authorities' chains.
///
/// To be called last in a unit: an authority's chain is one row, locked from here to the commit.
pub(crate) async fn append_others(conn: &mut PgConnection, lines: &[AuditLine]) -> Result<()> {
    let own = || lines.iter().filter(|line| line.referral.is_none());
    let authorities: BTreeSet<_> = own().map(|line| line.authority).collect();
    if authorities.is_empty() {
        return Ok(());
    }
    let authorities: Vec<_> = authorities.iter().map(AuthorityCode::as_str).collect();
    let rows = sqlx::query!(
        "INSERT INTO audit_chain AS chain (authority, seq, hash)
         SELECT authority, 0, $2 FROM unnest($1::text[]) AS w (authority) ORDER BY authority
         ON CONFLICT (authority) DO UPDATE SET seq = chain.seq
         RETURNING authority, seq, hash",
        &authorities as &[&str],
        &ChainEnd::START.hash,
    )
    .fetch_all(&mut *conn)
    .await
    .sorted()?;
    let mut ends = BTreeMap::new();
    for row in rows {
        let hash = crate::row::bytes("audit_chain.hash", &row.hash)?;
        ends.insert(row.authority, ChainEnd { seq: row.seq, hash });
    }
    let mut sealed = Sealed::default();
    for line in own() {
        let end = ends
            .get_mut(line.authority.as_str())
            .ok_or_else(|| broken("an authority's chain is not to be seen"))?;
        sealed.push(line, None, end);
    }
    let (authorities, ends): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
    sqlx::query!(
        "UPDATE audit_chain SET seq = w.seq, hash = w.hash
         FROM unnest($1::text[], $2::bigint[], $3::bytea[]) AS w (authority, seq, hash)
         WHERE audit_chain.authority = w.authority",
        &authorities,
        &ends.iter().map(|end| end.seq).collect::<Vec<_>>(),
        &ends
            .iter()
            .map(|end| end.hash.as_slice())
            .collect::<Vec<_>>() as &[&[u8]],
    )
    .execute(&mut *conn)
    .await
    .sorted()?;
    Together::lines(sealed).write(conn).await
}
