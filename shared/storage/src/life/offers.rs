//! Offers that were acted on.

use super::{Sealed, column, words, words_of};
use crate::{
    commit::expect_rows,
    error::{Result, Sorted, broken},
    row,
    seal::InstallationKey,
    store::{Loaded, PgStore},
};
use chrono::{DateTime, NaiveDate, Utc};
use oss_domain::{AuthorityCode, OfferId, Pence, ProviderId, RunId, lifecycle::DeclineReason};
use oss_workflow::{
    ReferralKey, SettingKey,
    offer::{OfferHead, OfferState, Terms},
};
use serde_json::json;
use sqlx::PgConnection;
use std::{cmp::Reverse, collections::HashMap};
use uuid::Uuid;

/// A row of the table, with the ids that its keys stand for.
struct Row {
    offer_id: Uuid,
    authority: String,
    referral_key: i64,
    referral_id: String,
    data_key: Option<Vec<u8>>,
    setting_key: i64,
    setting_id: String,
    provider_id: String,
    kind: String,
    sourcing: String,
    state: String,
    reference: String,
    run_id: Option<Uuid>,
    approached_at: Option<DateTime<Utc>>,
    approached_by: Option<String>,
    respond_by: Option<DateTime<Utc>>,
    wave: i32,
    answered_at: Option<DateTime<Utc>>,
    weekly_cost: Option<i64>,
    available_from: Option<NaiveDate>,
    decline_reason: Option<String>,
    words: Option<Vec<u8>>,
}

impl Row {
    fn read(self, installation: &InstallationKey) -> Result<OfferHead> {
        let stored = words::Stored {
            referral_key: self.referral_key,
            data_key: self.data_key.as_deref(),
            words: self.words.as_deref(),
            table: "offer",
            id: self.offer_id,
        };
        let terms = Terms {
            weekly_cost: self.weekly_cost.map(pence).transpose()?,
            available_from: self.available_from,
            statement: stored.open(installation)?.take("statement"),
            decline_reason: self
                .decline_reason
                .map(|code| row::parse("offer.decline_reason", &code))
                .transpose()?,
        };
        Ok(OfferHead {
            offer_id: OfferId::from_uuid(self.offer_id),
            authority: row::parse("offer.authority", &self.authority)?,
            referral: ReferralKey(self.referral_key),
            referral_id: row::parse("referral.referral_id", &self.referral_id)?,
            setting: SettingKey(self.setting_key),
            setting_id: row::parse("setting.setting_id", &self.setting_id)?,
            provider_id: row::parse("offer.provider_id", &self.provider_id)?,
            kind: row::parse("offer.kind", &self.kind)?,
            sourcing: row::parse("offer.sourcing", &self.sourcing)?,
            state: row::parse("offer.state", &self.state)?,
            reference: self.reference,
            run_id: self.run_id.map(RunId::from_uuid),
            approached_at: self.approached_at,
            approached_by: self.approached_by.map(Into::into),
            respond_by: self.respond_by,
            wave: u16::try_from(self.wave)
                .map_err(|_| broken(format!("offer.wave holds {}", self.wave)))?,
            answered_at: self.answered_at,
            terms,
        })
    }
}

/// An amount of pence in a column.
pub(crate) fn pence(amount: i64) -> Result<Pence> {
    row::whole("weekly_cost", amount).map(Pence::new)
}

/// The offers of any of `referrals`, and those of `ids`.
pub(super) async fn load(
    conn: &mut PgConnection,
    installation: &InstallationKey,
    referrals: &[i64],
    ids: &[Uuid],
) -> Result<Vec<OfferHead>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT offer_id, offer.authority, referral_key, referral_id, data_key, setting_key, setting_id,
           provider_id, kind, sourcing, offer.state, reference, offer.run_id, approached_at,
           approached_by, respond_by, wave, answered_at, weekly_cost, available_from, decline_reason,
           words
         FROM offer
         JOIN referral ON referral.key = referral_key
         JOIN setting ON setting.key = setting_key
         WHERE referral_key = ANY ($1) OR offer_id = ANY ($2)
         ORDER BY offer_id",
        referrals,
        ids,
    )
    .fetch_all(conn)
    .await
    .sorted()?;
    rows.into_iter().map(|row| row.read(installation)).collect()
}

pub(super) fn seal(
    sealed: &mut Sealed,
    installation: &InstallationKey,
    loaded: &mut HashMap<ReferralKey, Loaded>,
    offer: &OfferHead,
) -> Result<()> {
    let Some(statement) = &offer.terms.statement else {
        return Ok(());
    };
    let words = json!({ "statement": statement });
    let id = offer.offer_id.into_uuid();
    sealed.add(installation, loaded, offer.referral, "offer", id, &words)
}

pub(super) async fn write(
    conn: &mut PgConnection,
    mut rows: Vec<&OfferHead>,
    sealed: &Sealed,
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_by_key(|it| it.state == OfferState::Selected);
    let rows = rows.as_slice();
    let written = sqlx::query!(
        "INSERT INTO offer AS old (offer_id, authority, referral_key, setting_key, provider_id, kind,
           sourcing, state, reference, run_id, approached_at, approached_by, respond_by, wave,
           answered_at, weekly_cost, available_from, decline_reason, words, received_at)
         SELECT new.*, received_at
         FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::text[],
           $6::text[], $7::text[], $8::text[], $9::text[], $10::uuid[], $11::timestamptz[],
           $12::text[], $13::timestamptz[], $14::integer[], $15::timestamptz[], $16::bigint[],
           $17::date[], $18::text[], $19::bytea[])
           AS new (offer_id, authority, referral_key)
         JOIN referral ON referral.key = new.referral_key
         ON CONFLICT (offer_id) DO UPDATE SET
           state = excluded.state,
           run_id = excluded.run_id,
           approached_at = excluded.approached_at,
           approached_by = excluded.approached_by,
           respond_by = excluded.respond_by,
           wave = excluded.wave,
           answered_at = excluded.answered_at,
           weekly_cost = excluded.weekly_cost,
           available_from = excluded.available_from,
           decline_reason = excluded.decline_reason,
           words = excluded.words
         WHERE old.referral_key = excluded.referral_key AND old.setting_key = excluded.setting_key",
        &column(rows, |it| it.offer_id.into_uuid()),
        &column(rows, |it| it.authority.as_str()) as &[&str],
        &column(rows, |it| it.referral.0),
        &column(rows, |it| it.setting.0),
        &column(rows, |it| it.provider_id.as_str()) as &[&str],
        &column(rows, |it| it.kind.as_str()) as &[&str],
        &column(rows, |it| it.sourcing.as_str()) as &[&str],
        &column(rows, |it| it.state.as_str()) as &[&str],
        &column(rows, |it| it.reference.as_str()) as &[&str],
        &column(rows, |it| it.run_id.map(RunId::into_uuid)) as &[Option<Uuid>],
        &column(rows, |it| it.approached_at) as &[Option<DateTime<Utc>>],
        &column(rows, |it| it.approached_by.as_deref()) as &[Option<&str>],
        &column(rows, |it| it.respond_by) as &[Option<DateTime<Utc>>],
        &column(rows, |it| i32::from(it.wave)),
        &column(rows, |it| it.answered_at) as &[Option<DateTime<Utc>>],
        &column(rows, |it| it.terms.weekly_cost.map(|cost| i64::from(cost.get())))
            as &[Option<i64>],
        &column(rows, |it| it.terms.available_from) as &[Option<NaiveDate>],
        &column(rows, |it| it.terms.decline_reason.map(DeclineReason::as_str))
            as &[Option<&str>],
        &words_of(rows, sealed, |it| it.offer_id.into_uuid()) as &[Option<&[u8]>],
    )
    .execute(conn)
    .await
    .sorted()?;
    expect_rows("offer", rows.len(), written.rows_affected())
}

impl PgStore {
    /// The offers of a referral that were acted on, with their answers.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn offers_of(&self, referral: ReferralKey) -> Result<Vec<OfferHead>> {
        load(&mut *self.conn().await?, &self.key, &[referral.0], &[]).await
    }

    /// Offers that a provider of `authority` was asked for: at most `limit` that wait for an answer,
    /// and at most so many of all, the last first.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn asked_of_provider(
        &self,
        authority: AuthorityCode,
        provider: &ProviderId,
        limit: u32,
    ) -> Result<Vec<OfferHead>> {
        let mut conn = self.conn().await?;
        let ids = sqlx::query_scalar!(
            r#"(SELECT offer_id AS "offer_id!" FROM offer
                WHERE authority = $1 AND provider_id = $2 AND state = 'approached'
                ORDER BY approached_at DESC LIMIT $3)
               UNION
               (SELECT offer_id FROM offer
                WHERE authority = $1 AND provider_id = $2 AND approached_at IS NOT NULL
                ORDER BY approached_at DESC LIMIT $3)"#,
            authority.as_str(),
            provider.as_str(),
            i64::from(limit),
        )
        .fetch_all(&mut *conn)
        .await
        .sorted()?;
        let mut found = load(&mut conn, &self.key, &[], &ids).await?;
        found.sort_by_key(|offer| {
            let waits = offer.state == OfferState::Approached;
            Reverse((waits, offer.approached_at))
        });
        Ok(found)
    }
}
