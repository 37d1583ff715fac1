//! Reading referrals, and finding those that a change of supply matters to.

use crate::{
    error::{Result, Sorted},
    row,
    store::{PgStore, PgUnit},
};
use chrono::{DateTime, Utc};
use oss_domain::{
    AuthorityCode, Referral, ReferralId, RunId, lifecycle::ReferralState, referral::Urgency,
};
use oss_workflow::{ReferralKey, SupplyVersion, Unit, Wanted};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A referral as it stands.
#[derive(Clone, Debug)]
pub struct StoredReferral {
    /// Its key.
    pub key: ReferralKey,
    /// The responsible authority.
    pub authority: AuthorityCode,
    /// Its id.
    pub referral_id: ReferralId,
    /// The highest revision seen; 0 where it was withdrawn before any arrived.
    pub revision: u64,
    /// Its state.
    pub state: ReferralState,
    /// When its first revision arrived.
    pub received_at: DateTime<Utc>,
    /// The current run.
    pub run_id: Option<RunId>,
    /// The supply that the current run is known to be right for.
    pub evaluated: Option<SupplyVersion>,
    /// The current revision: in lists without what is told in words.
    pub referral: Option<Arc<Referral>>,
}

/// Which referrals to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReferralFilter {
    /// Only those in this state.
    pub state: Option<ReferralState>,
    /// Only those of this urgency.
    pub urgency: Option<Urgency>,
}

/// A place in the list of referrals: after the one with these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferralCursor {
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// Its key.
    pub key: ReferralKey,
}

/// A row as the queries here give it.
struct Row {
    key: i64,
    authority: String,
    referral_id: String,
    revision: i64,
    state: String,
    received_at: DateTime<Utc>,
    run_id: Option<uuid::Uuid>,
    evaluated_version: Option<i64>,
    data_key: Option<Vec<u8>>,
    document: Option<Value>,
    narrative: Option<Vec<u8>>,
}

impl PgStore {
    /// A referral with all it tells.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn referral(
        &self,
        authority: AuthorityCode,
        referral_id: &ReferralId,
    ) -> Result<Option<StoredReferral>> {
        sqlx::query_as!(
            Row,
            r#"SELECT referral.key, referral.authority, referral_id, referral.revision, state,
                 referral.received_at, run_id, evaluated_version, data_key,
                 document AS "document?", narrative
               FROM referral
               LEFT JOIN referral_revision AS current
                 ON current.key = referral.key AND current.revision = referral.revision
               WHERE referral.authority = $1 AND referral_id = $2"#,
            authority.as_str(),
            referral_id.as_str(),
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()?
        .map(|row| self.read(row))
        .transpose()
    }

    /// A referral by its key, as an offer names it, with all it tells.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn referral_by_key(&self, key: ReferralKey) -> Result<Option<StoredReferral>> {
        sqlx::query_as!(
            Row,
            r#"SELECT referral.key, referral.authority, referral_id, referral.revision, state,
                 referral.received_at, run_id, evaluated_version, data_key,
                 document AS "document?", narrative
               FROM referral
               LEFT JOIN referral_revision AS current
                 ON current.key = referral.key AND current.revision = referral.revision
               WHERE referral.key = $1"#,
            key.0,
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()?
        .map(|row| self.read(row))
        .transpose()
    }

    /// At most `limit` referrals of `authority`, those received last first, after `cursor`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn list_referrals(
        &self,
        authority: AuthorityCode,
        filter: ReferralFilter,
        cursor: Option<ReferralCursor>,
        limit: u32,
    ) -> Result<Vec<StoredReferral>> {
        sqlx::query_as!(
            Row,
            r#"SELECT referral.key, referral.authority, referral_id, referral.revision, state,
                 referral.received_at, run_id, evaluated_version,
                 -- Lists never need what is told in words.
                 NULL::bytea AS data_key, document AS "document?", NULL::bytea AS narrative
               FROM referral
               LEFT JOIN referral_revision AS current
                 ON current.key = referral.key AND current.revision = referral.revision
               -- The condition of the list's index.
               WHERE referral.authority = $1 AND referral.received_at > '-infinity'
                 AND ($2::text IS NULL OR state = $2)
                 AND ($3::text IS NULL OR urgency = $3::urgency)
                 AND ($4::timestamptz IS NULL
                   OR (referral.received_at, referral.key) < ($4, $5::bigint))
               ORDER BY referral.received_at DESC, referral.key DESC
               LIMIT $6"#,
            authority.as_str(),
            filter.state.map(ReferralState::as_str),
            filter.urgency.map(Urgency::as_str),
            cursor.map(|cursor| cursor.received_at),
            cursor.map(|cursor| cursor.key.0),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?
        .into_iter()
        .map(|row| self.read(row))
        .collect()
    }

    /// Whether an open referral of `authorities` has no run that is right for its supply as it is.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn any_stale(&self, authorities: &[AuthorityCode]) -> Result<bool> {
        let names: Vec<_> = authorities.iter().map(AuthorityCode::as_str).collect();
        sqlx::query_scalar!(
            r#"SELECT EXISTS (
                 SELECT FROM unnest($1::text[]) AS w (authority) LEFT JOIN register USING (authority)
                 WHERE EXISTS (SELECT FROM referral
                   WHERE referral.authority = w.authority
                     AND state IN ('received', 'ranked', 'unfilled', 'in_call_off')
                     AND (evaluated_version IS NULL OR evaluated_version < supply_version)
                   -- Which holds it to one look at each authority's.
                   OFFSET 0)) AS "any!""#,
            &names as &[&str],
        )
        .fetch_one(&self.pool)
        .await
        .sorted()
    }

    /// How many open referrals of `authority` have no run that is right for its supply's `version`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn count_stale(
        &self,
        authority: AuthorityCode,
        version: SupplyVersion,
    ) -> Result<u64> {
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM referral
               WHERE authority = $1 AND state IN ('received', 'ranked', 'unfilled', 'in_call_off')
                 AND (evaluated_version IS NULL OR evaluated_version < $2)"#,
            authority.as_str(),
            version.0,
        )
        .fetch_one(&self.pool)
        .await
        .sorted()?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Opens a unit with at most `limit` open referrals of `authority` that have no run that is
    /// right for its supply's `version`, most urgent first. Those that another unit has are left
    /// out, so several may do this at once.
    ///
    /// # Errors
    ///
    /// As [`Store::open`](oss_workflow::Store::open).
    pub async fn open_stale(
        &self,
        authority: AuthorityCode,
        version: SupplyVersion,
        limit: u32,
    ) -> Result<(Unit, PgUnit)> {
        let mut transaction = self.pool.begin().await.sorted()?;
        let keys = sqlx::query_scalar!(
            "SELECT key FROM referral
             WHERE authority = $1 AND state IN ('received', 'ranked', 'unfilled', 'in_call_off')
               AND (evaluated_version IS NULL OR evaluated_version < $2)
             ORDER BY urgency, received_at
             LIMIT $3 FOR UPDATE SKIP LOCKED",
            authority.as_str(),
            version.0,
            i64::from(limit),
        )
        .fetch_all(&mut *transaction)
        .await
        .sorted()?;
        let referral_keys = keys.into_iter().map(ReferralKey).collect();
        self.open_in(
            transaction,
            &Wanted {
                referral_keys,
                ..Wanted::default()
            },
        )
        .await
    }

    /// A revision of a referral, without what is told in words: what its runs were made of.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn referral_revision(
        &self,
        key: ReferralKey,
        revision: u64,
    ) -> Result<Option<Arc<Referral>>> {
        let document = sqlx::query_scalar!(
            "SELECT document FROM referral_revision WHERE key = $1 AND revision = $2",
            key.0,
            revision.cast_signed(),
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()?;
        document.as_ref().map(row::referral).transpose()
    }

    fn read(&self, row: Row) -> Result<StoredReferral> {
        let referral = match row.document {
            None => None,
            Some(document) => {
                let narrative = match (&row.data_key, &row.narrative) {
                    (Some(wrapped), Some(sealed)) => {
                        let key = self.key.data_key(row.key, wrapped)?;
                        let text = key.open(row.key, row.revision, sealed)?;
                        serde_json::from_slice(&text)
                            .map_err(|error| oss_workflow::StoreError::Broken(error.into()))?
                    }
                    _ => Map::new(),
                };
                Some(row::referral(&row::join_narrative(document, narrative))?)
            }
        };
        Ok(StoredReferral {
            key: ReferralKey(row.key),
            authority: row::parse("referral.authority", &row.authority)?,
            referral_id: row::parse("referral.referral_id", &row.referral_id)?,
            revision: row::whole("referral.revision", row.revision)?,
            state: row::parse("referral.state", &row.state)?,
            received_at: row.received_at,
            run_id: row.run_id.map(RunId::from_uuid),
            evaluated: row.evaluated_version.map(SupplyVersion),
            referral,
        })
    }
}
