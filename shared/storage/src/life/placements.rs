//! Placements.

use super::{Sealed, column, offers::pence, words, words_of};
use crate::{
    commit::expect_rows,
    error::{Result, Sorted, broken},
    row,
    seal::InstallationKey,
    store::{Loaded, PgStore},
};
use chrono::{DateTime, NaiveDate, Utc};
use oss_domain::{HoldId, OfferId, PlacementId, RunId, TenthsOfMile, ssda903::PlaceProvider};
use oss_workflow::{
    ReferralKey, Unit,
    kept::Kept,
    placement::{Ending, Placement, PlacementState, ReturnCodes},
};
use serde_json::json;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// A row of the table, with the ids that its keys stand for.
struct Row {
    placement_id: Uuid,
    authority: String,
    referral_key: i64,
    referral_id: String,
    data_key: Option<Vec<u8>>,
    offer_id: Uuid,
    setting_id: String,
    provider_id: String,
    hold_id: Uuid,
    state: String,
    decided_by: String,
    decided_at: DateTime<Utc>,
    run_id: Uuid,
    weekly_cost: i64,
    starts_on: NaiveDate,
    place: String,
    place_provider: Option<String>,
    pl_location: String,
    pl_distance: Option<i32>,
    temporary_until: Option<NaiveDate>,
    temporary_extended: bool,
    ended_on: Option<NaiveDate>,
    end_reason: Option<String>,
    end_planned: Option<bool>,
    words: Vec<u8>,
    siblings_together: Option<bool>,
    school_near: Option<bool>,
    key_stage_4: bool,
    identity_met: Option<bool>,
}

impl Row {
    fn read(self, installation: &InstallationKey) -> Result<Placement> {
        let stored = words::Stored {
            referral_key: self.referral_key,
            data_key: self.data_key.as_deref(),
            words: Some(&self.words),
            table: "placement",
            id: self.placement_id,
        };
        let mut words = stored.open(installation)?;
        let distance = |tenths| {
            let tenths = u16::try_from(tenths);
            tenths
                .map(TenthsOfMile::new)
                .map_err(|_| broken("placement.pl_distance is out of range"))
        };
        let provider = |code: String| row::parse("placement.place_provider", &code);
        let ending = match (self.ended_on, &self.end_reason, self.end_planned) {
            (Some(ended_on), Some(reason), Some(planned)) => Some(Ending {
                ended_on,
                reason: row::parse("placement.end_reason", reason)?,
                planned,
            }),
            _ => None,
        };
        Ok(Placement {
            placement_id: PlacementId::from_uuid(self.placement_id),
            authority: row::parse("placement.authority", &self.authority)?,
            referral: ReferralKey(self.referral_key),
            referral_id: row::parse("referral.referral_id", &self.referral_id)?,
            offer_id: OfferId::from_uuid(self.offer_id),
            setting_id: row::parse("setting.setting_id", &self.setting_id)?,
            provider_id: row::parse("placement.provider_id", &self.provider_id)?,
            hold_id: HoldId::from_uuid(self.hold_id),
            state: row::parse("placement.state", &self.state)?,
            decided_by: self.decided_by.into(),
            decided_at: self.decided_at,
            reason: words.take("reason").unwrap_or_default(),
            reason_not_first: words.take("reason_not_first"),
            run_id: RunId::from_uuid(self.run_id),
            weekly_cost: pence(self.weekly_cost)?,
            starts_on: self.starts_on,
            codes: ReturnCodes {
                place: row::parse("placement.place", &self.place)?,
                provider: self.place_provider.map(provider).transpose()?,
                location: row::parse("placement.pl_location", &self.pl_location)?,
                distance: self.pl_distance.map(distance).transpose()?,
            },
            kept: Kept {
                siblings_together: self.siblings_together,
                school_near: self.school_near,
                key_stage_4: self.key_stage_4,
                identity_met: self.identity_met,
            },
            temporary_until: self.temporary_until,
            temporary_extended: self.temporary_extended,
            ending,
        })
    }
}

/// The placements of any of `referrals`, and those of `ids`.
pub(super) async fn load(
    conn: &mut PgConnection,
    installation: &InstallationKey,
    referrals: &[i64],
    ids: &[Uuid],
) -> Result<Vec<Placement>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT placement_id, placement.authority, referral_key, referral_id, data_key, offer_id,
           setting_id, provider_id, hold_id, placement.state, decided_by, decided_at,
           placement.run_id, weekly_cost, starts_on, place, place_provider, pl_location, pl_distance,
           temporary_until, temporary_extended, ended_on, end_reason, end_planned, words,
           siblings_together, school_near, key_stage_4, identity_met
         FROM placement
         JOIN referral ON referral.key = referral_key
         JOIN setting ON setting.key = setting_key
         WHERE referral_key = ANY ($1) OR placement_id = ANY ($2)
         ORDER BY placement_id",
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
    placement: &Placement,
) -> Result<()> {
    let words = json!({
        "reason": placement.reason,
        "reason_not_first": placement.reason_not_first,
    });
    let id = placement.placement_id.into_uuid();
    sealed.add(
        installation,
        loaded,
        placement.referral,
        "placement",
        id,
        &words,
    )
}

pub(super) async fn write(
    conn: &mut PgConnection,
    unit: &Unit,
    mut rows: Vec<&Placement>,
    sealed: &Sealed,
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_by_key(|it| matches!(it.state, PlacementState::Agreed | PlacementState::Started));
    let rows = rows.as_slice();
    let settings = rows.iter().map(|it| {
        let offer = unit.offers.get(&it.offer_id);
        offer
            .map(|offer| offer.setting.0)
            .ok_or_else(|| broken("a placement without its offer"))
    });
    let settings: Vec<_> = settings.collect::<Result<_>>()?;
    let written = sqlx::query!(
        "INSERT INTO placement AS old (placement_id, authority, referral_key, offer_id, setting_key,
           provider_id, hold_id, state, decided_by, decided_at, run_id, weekly_cost, starts_on, place,
           place_provider, pl_location, pl_distance, temporary_until, temporary_extended, ended_on,
           end_reason, end_planned, words, siblings_together, school_near, key_stage_4,
           identity_met, kind, sourcing, wave, urgency, received_at)
         SELECT new.*, kind, sourcing, wave, urgency, referral.received_at
         FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::bigint[],
           $6::text[], $7::uuid[], $8::text[], $9::text[], $10::timestamptz[], $11::uuid[],
           $12::bigint[], $13::date[], $14::text[], $15::text[], $16::text[], $17::integer[],
           $18::date[], $19::boolean[], $20::date[], $21::text[], $22::boolean[], $23::bytea[],
           $24::boolean[], $25::boolean[], $26::boolean[], $27::boolean[])
           AS new (placement_id, authority, referral_key, offer_id)
         JOIN offer ON offer.offer_id = new.offer_id
         JOIN referral ON referral.key = new.referral_key
         ON CONFLICT (placement_id) DO UPDATE SET
           state = excluded.state,
           starts_on = excluded.starts_on,
           temporary_until = excluded.temporary_until,
           temporary_extended = excluded.temporary_extended,
           ended_on = excluded.ended_on,
           end_reason = excluded.end_reason,
           end_planned = excluded.end_planned
         -- What is over stays as it was.
         WHERE old.state IN ('agreed', 'started')",
        &column(rows, |it| it.placement_id.into_uuid()),
        &column(rows, |it| it.authority.as_str()) as &[&str],
        &column(rows, |it| it.referral.0),
        &column(rows, |it| it.offer_id.into_uuid()),
        &settings,
        &column(rows, |it| it.provider_id.as_str()) as &[&str],
        &column(rows, |it| it.hold_id.into_uuid()),
        &column(rows, |it| it.state.as_str()) as &[&str],
        &column(rows, |it| &*it.decided_by) as &[&str],
        &column(rows, |it| it.decided_at),
        &column(rows, |it| it.run_id.into_uuid()),
        &column(rows, |it| i64::from(it.weekly_cost.get())),
        &column(rows, |it| it.starts_on),
        &column(rows, |it| it.codes.place.as_str()) as &[&str],
        &column(rows, |it| it.codes.provider.map(PlaceProvider::as_str)) as &[Option<&str>],
        &column(rows, |it| it.codes.location.as_str()) as &[&str],
        &column(rows, |it| it.codes.distance.map(|tenths| i32::from(tenths.get())))
            as &[Option<i32>],
        &column(rows, |it| it.temporary_until) as &[Option<NaiveDate>],
        &column(rows, |it| it.temporary_extended),
        &column(rows, |it| it.ending.map(|it| it.ended_on)) as &[Option<NaiveDate>],
        &column(rows, |it| it.ending.map(|it| it.reason.as_str())) as &[Option<&str>],
        &column(rows, |it| it.ending.map(|it| it.planned)) as &[Option<bool>],
        &words_of(rows, sealed, |it| it.placement_id.into_uuid()) as &[Option<&[u8]>],
        &column(rows, |it| it.kept.siblings_together) as &[Option<bool>],
        &column(rows, |it| it.kept.school_near) as &[Option<bool>],
        &column(rows, |it| it.kept.key_stage_4),
        &column(rows, |it| it.kept.identity_met) as &[Option<bool>],
    )
    .execute(&mut *conn)
    .await
    .sorted()?;
    expect_rows("placement", rows.len(), written.rows_affected())?;
    let agreed = rows.iter().filter(|it| it.state == PlacementState::Agreed);
    let agreed: Vec<_> = agreed.map(|it| it.placement_id.into_uuid()).collect();
    write_children(conn, &agreed).await
}

/// Writes for whom placements were decided: those whom their places are taken for.
async fn write_children(conn: &mut PgConnection, placements: &[Uuid]) -> Result<()> {
    if placements.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO placed_child (placement_id, child_id, authority)
         SELECT placement.placement_id, child ->> 'child_id', placement.authority
         FROM placement JOIN occupancy USING (hold_id)
         CROSS JOIN jsonb_array_elements(occupants) AS child
         WHERE placement.placement_id = ANY ($1)
         ON CONFLICT DO NOTHING",
        placements,
    )
    .execute(conn)
    .await
    .sorted()?;
    Ok(())
}

impl PgStore {
    /// The placements of a referral, those that were called off too.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn placements_of(&self, referral: ReferralKey) -> Result<Vec<Placement>> {
        load(&mut *self.conn().await?, &self.key, &[referral.0], &[]).await
    }

    /// A placement.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn placement(&self, placement_id: PlacementId) -> Result<Option<Placement>> {
        let ids = [placement_id.into_uuid()];
        let found = load(&mut *self.conn().await?, &self.key, &[], &ids).await?;
        Ok(found.into_iter().next())
    }
}
