//! Places that referrals' groups have.

use super::expect_rows;
use crate::error::{Result, Sorted};
use chrono::{DateTime, Utc};
use oss_domain::PlacementId;
use oss_workflow::{Unit, occupancy::Occupancy};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

pub(super) async fn write_occupancies(conn: &mut PgConnection, unit: &Unit) -> Result<()> {
    let mut changed: Vec<_> = unit
        .changed_occupancies
        .iter()
        .filter_map(|hold_id| unit.occupancies.get(hold_id))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    // What ends comes first: a referral may leave a setting's places and take some there again.
    changed.sort_by_key(|it| it.is_live());
    upsert(conn, unit, &changed).await?;
    let ids: Vec<_> = changed.iter().map(|it| it.hold_id.into_uuid()).collect();
    sqlx::query!(
        "WITH places AS (DELETE FROM place_taken WHERE hold_id = ANY ($1))
         DELETE FROM child_taken WHERE hold_id = ANY ($1)",
        &ids
    )
    .execute(&mut *conn)
    .await
    .sorted()?;
    let live: Vec<_> = changed.iter().filter(|it| it.is_live()).collect();
    if live.is_empty() {
        return Ok(());
    }
    let places = live.iter().flat_map(|it| {
        let id = it.hold_id.into_uuid();
        it.places.iter().map(move |place| (id, i32::from(*place)))
    });
    let (holds_of_places, places): (Vec<_>, Vec<_>) = places.unzip();
    let children = live.iter().flat_map(|it| {
        let id = it.hold_id.into_uuid();
        let children = it.occupants.iter();
        children.map(move |child| (id, child.child_id.as_str()))
    });
    let (holds_of_children, children): (Vec<_>, Vec<_>) = children.unzip();
    sqlx::query!(
        "WITH children AS (
           INSERT INTO child_taken (authority, child_id, hold_id)
           SELECT authority, child_id, hold_id
           FROM unnest($3::uuid[], $4::text[]) AS w (hold_id, child_id)
           JOIN occupancy USING (hold_id))
         INSERT INTO place_taken (setting_key, place, authority, hold_id)
         SELECT setting_key, place, authority, hold_id
         FROM unnest($1::uuid[], $2::integer[]) AS w (hold_id, place)
         JOIN occupancy USING (hold_id)",
        &holds_of_places,
        &places,
        &holds_of_children,
        &children as &[&str],
    )
    .execute(conn)
    .await
    .sorted()?;
    Ok(())
}

async fn upsert(conn: &mut PgConnection, unit: &Unit, changed: &[&Occupancy]) -> Result<()> {
    let version = |it: &Occupancy| {
        unit.supply
            .get(&it.authority)
            .copied()
            .unwrap_or_default()
            .0
    };
    let until = |it: &Occupancy| (!it.is_live()).then(|| version(it));
    let places = |it: &Occupancy| json!(it.places);
    let written = sqlx::query!(
        "INSERT INTO occupancy AS old (hold_id, authority, referral_key, setting_key, offer_id, claim,
           placement_id, places, occupants, since, until, ended, supply_from, supply_until)
         SELECT hold_id, authority, referral_key, setting_key, offer_id, claim, placement_id,
           -- Arrays of arrays would all have to be of one length.
           ARRAY(SELECT jsonb_array_elements(places)::integer), occupants, since, until, ended,
           supply_from, supply_until
         FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::uuid[], $6::text[],
           $7::uuid[], $8::jsonb[], $9::jsonb[], $10::timestamptz[], $11::timestamptz[],
           $12::timestamptz[], $13::bigint[], $14::bigint[])
           AS w (hold_id, authority, referral_key, setting_key, offer_id, claim, placement_id, places,
             occupants, since, until, ended, supply_from, supply_until)
         ON CONFLICT (hold_id) DO UPDATE SET
           claim = excluded.claim,
           placement_id = excluded.placement_id,
           places = excluded.places,
           until = excluded.until,
           ended = excluded.ended,
           supply_until = excluded.supply_until
         -- What has ended stays as it was.
         WHERE old.supply_until IS NULL",
        &changed.iter().map(|it| it.hold_id.into_uuid()).collect::<Vec<_>>(),
        &changed.iter().map(|it| it.authority.as_str()).collect::<Vec<_>>() as &[&str],
        &changed.iter().map(|it| it.referral.0).collect::<Vec<_>>(),
        &changed.iter().map(|it| it.setting.0).collect::<Vec<_>>(),
        &changed.iter().map(|it| it.offer_id.into_uuid()).collect::<Vec<_>>(),
        &changed.iter().map(|it| it.claim.as_str()).collect::<Vec<_>>() as &[&str],
        &changed.iter().map(|it| it.placement_id.map(PlacementId::into_uuid)).collect::<Vec<_>>()
            as &[Option<Uuid>],
        &changed.iter().map(|it| places(it)).collect::<Vec<_>>(),
        &changed.iter().map(|it| occupants(it)).collect::<Vec<_>>(),
        &changed.iter().map(|it| it.since).collect::<Vec<_>>(),
        &changed.iter().map(|it| it.until).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &changed.iter().map(|it| it.ended).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &changed.iter().map(|it| version(it)).collect::<Vec<_>>(),
        &changed.iter().map(|it| until(it)).collect::<Vec<_>>() as &[Option<i64>],
    )
    .execute(conn)
    .await
    .sorted()?;
    expect_rows("occupancy", changed.len(), written.rows_affected())
}

fn occupants(occupancy: &Occupancy) -> Value {
    occupancy
        .occupants
        .iter()
        .map(
            |it| json!({ "child_id": it.child_id.as_str(), "sex": it.sex.as_str(), "age": it.age }),
        )
        .collect()
}
