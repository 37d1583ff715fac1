//! Reading the places that referrals' groups have.

use crate::{
    error::{Result, Sorted, broken},
    row,
};
use chrono::{DateTime, Utc};
use oss_domain::{HoldId, OfferId, PlacementId};
use oss_workflow::{
    ReferralKey, SettingKey,
    occupancy::{Occupancy, Occupant},
};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A row of the table, with the ids that its keys stand for.
#[derive(Debug)]
struct Row {
    hold_id: Uuid,
    authority: String,
    referral_key: i64,
    referral_id: String,
    setting_key: i64,
    setting_id: String,
    offer_id: Uuid,
    claim: String,
    placement_id: Option<Uuid>,
    places: Vec<i32>,
    occupants: Value,
    since: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
    ended: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Occupancy {
    type Error = oss_workflow::StoreError;

    fn try_from(row: Row) -> Result<Self> {
        let place = |place: i32| {
            u16::try_from(place).map_err(|_| broken(format!("occupancy.places holds {place}")))
        };
        Ok(Self {
            hold_id: HoldId::from_uuid(row.hold_id),
            authority: row::parse("occupancy.authority", &row.authority)?,
            referral: ReferralKey(row.referral_key),
            referral_id: row::parse("referral.referral_id", &row.referral_id)?,
            setting: SettingKey(row.setting_key),
            setting_id: row::parse("setting.setting_id", &row.setting_id)?,
            offer_id: OfferId::from_uuid(row.offer_id),
            claim: row::parse("occupancy.claim", &row.claim)?,
            placement_id: row.placement_id.map(PlacementId::from_uuid),
            places: row.places.into_iter().map(place).collect::<Result<_>>()?,
            occupants: occupants(&row.occupants)?,
            since: row.since,
            until: row.until,
            ended: row.ended,
        })
    }
}

fn occupants(value: &Value) -> Result<Vec<Occupant>> {
    let occupant = |value: &Value| -> Option<Result<Occupant>> {
        let text = |name| value.get(name)?.as_str();
        let age = u8::try_from(value.get("age")?.as_u64()?).ok()?;
        Some((|| {
            Ok(Occupant {
                child_id: row::parse("occupancy.occupants", text("child_id").unwrap_or_default())?,
                sex: row::parse("occupancy.occupants", text("sex").unwrap_or_default())?,
                age,
            })
        })())
    };
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .map(|item| {
            occupant(item).unwrap_or_else(|| Err(broken("occupancy.occupants is not readable")))
        })
        .collect()
}

/// Which occupancies are asked for.
#[derive(Debug, Default)]
pub(crate) struct Which<'a> {
    /// Those that last, of these referrals.
    pub(crate) referrals: Vec<i64>,
    /// Those that last, in these settings.
    pub(crate) settings: Vec<i64>,
    /// Whose the children below are, one by one.
    pub(crate) authorities: Vec<&'a str>,
    /// Those that last, of these children.
    pub(crate) children: Vec<&'a str>,
    /// These, whether they last or not.
    pub(crate) holds: Vec<Uuid>,
}

/// The occupancies that are asked for.
pub(crate) async fn find(conn: &mut PgConnection, which: &Which<'_>) -> Result<Vec<Occupancy>> {
    sqlx::query_as!(
        Row,
        "SELECT hold_id, occupancy.authority, referral_key, referral_id, setting_key, setting_id,
           offer_id, claim, placement_id, places, occupants, since, until, ended
         FROM occupancy
         JOIN referral ON referral.key = referral_key
         JOIN setting ON setting.key = setting_key
         -- One by one: all in one condition would be looked for in the whole table.
         WHERE hold_id IN (
           SELECT hold_id FROM occupancy WHERE referral_key = ANY ($1) AND supply_until IS NULL
           UNION SELECT hold_id FROM occupancy WHERE setting_key = ANY ($2) AND supply_until IS NULL
           UNION SELECT hold_id FROM unnest($3::text[], $4::text[]) AS w (authority, child_id)
             CROSS JOIN LATERAL (SELECT hold_id FROM child_taken
               WHERE child_taken.authority = w.authority AND child_taken.child_id = w.child_id
               LIMIT 1) AS taken
           UNION SELECT unnest($5::uuid[]))",
        &which.referrals,
        &which.settings,
        &which.authorities as &[&str],
        &which.children as &[&str],
        &which.holds,
    )
    .fetch_all(conn)
    .await
    .sorted()?
    .into_iter()
    .map(Occupancy::try_from)
    .collect()
}

/// Those of one authority that lasted at a version of its supply.
pub(crate) async fn at_version(
    conn: &mut PgConnection,
    authority: &str,
    version: i64,
) -> Result<Vec<Occupancy>> {
    sqlx::query_as!(
        Row,
        "SELECT hold_id, occupancy.authority, referral_key, referral_id, setting_key, setting_id,
           offer_id, claim, placement_id, places, occupants, since, until, ended
         FROM occupancy
         JOIN referral ON referral.key = referral_key
         JOIN setting ON setting.key = setting_key
         WHERE occupancy.authority = $1 AND supply_from <= $2
           AND (supply_until IS NULL OR supply_until > $2)",
        authority,
        version,
    )
    .fetch_all(conn)
    .await
    .sorted()?
    .into_iter()
    .map(Occupancy::try_from)
    .collect()
}

/// Those of one setting that lasted when a version of the supply came.
pub(crate) async fn before(
    conn: &mut PgConnection,
    setting_key: i64,
    version: i64,
) -> Result<Vec<Occupancy>> {
    sqlx::query_as!(
        Row,
        "SELECT hold_id, occupancy.authority, referral_key, referral_id, setting_key, setting_id,
           offer_id, claim, placement_id, places, occupants, since, until, ended
         FROM occupancy
         JOIN referral ON referral.key = referral_key
         JOIN setting ON setting.key = setting_key
         WHERE setting_key = $1 AND occupancy.supply_from < $2
           AND (supply_until IS NULL OR supply_until > $2)",
        setting_key,
        version,
    )
    .fetch_all(conn)
    .await
    .sorted()?
    .into_iter()
    .map(Occupancy::try_from)
    .collect()
}
