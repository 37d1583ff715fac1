//! Referrals' heads, revisions and runs.

use super::expect_rows;
use crate::{
    audit::ChainEnd,
    error::{Result, Sorted, broken},
    row, run_record,
    seal::InstallationKey,
    store::Loaded,
};
use chrono::{DateTime, Utc};
use oss_domain::Referral;
use oss_workflow::{ReferralHead, ReferralKey, Unit, ranking::Run, unit::ContentHash};
use serde_json::Value;
use sqlx::PgConnection;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};
use uuid::Uuid;

/// Gives the referrals that the unit made something to remember, as the others have.
pub(super) fn expect_new(unit: &Unit, loaded: &mut HashMap<ReferralKey, Loaded>) {
    for head in unit.referrals.values() {
        loaded.entry(head.key).or_insert(Loaded {
            chain: ChainEnd::START,
            data_key: None,
        });
    }
}

/// A revision ready to be written.
#[derive(Debug)]
pub(super) struct Revision<'a> {
    key: ReferralKey,
    number: i64,
    content: &'a ContentHash,
    document: Value,
    narrative: Option<Vec<u8>>,
    received_at: DateTime<Utc>,
}

/// A revision that a unit appends.
pub(super) type Appended<'a> = (
    ReferralKey,
    &'a Arc<Referral>,
    &'a ContentHash,
    DateTime<Utc>,
);

/// Seals what the revisions tell in words, each referral's with its own key.
pub(super) fn seal_revisions<'a>(
    installation: &InstallationKey,
    revisions: &[Appended<'a>],
    loaded: &mut HashMap<ReferralKey, Loaded>,
) -> Result<Vec<Revision<'a>>> {
    let mut sealed = Vec::with_capacity(revisions.len());
    for &(key, referral, content, received_at) in revisions {
        let number = referral.revision.cast_signed();
        let (document, narrative) = row::split_narrative(referral);
        let loaded = loaded
            .get_mut(&key)
            .ok_or_else(|| broken("a referral was not loaded"))?;
        let narrative = match narrative {
            None => None,
            Some(narrative) => {
                let data_key = loaded.data_key(installation, key)?;
                let text = Value::Object(narrative).to_string();
                Some(data_key.seal(key.0, number, text.as_bytes())?)
            }
        };
        sealed.push(Revision {
            key,
            number,
            content,
            document,
            narrative,
            received_at,
        });
    }
    Ok(sealed)
}

/// Writes the heads that changed, their revisions and the runs over them, in one statement: each
/// takes a trip of its own.
#[expect(
    clippy::too_many_lines,
    reason = "one statement with a line for each column"
)]
pub(super) async fn write(
    conn: &mut PgConnection,
    unit: &Unit,
    loaded: &HashMap<ReferralKey, Loaded>,
    revisions: &[Revision<'_>],
    runs: &[&Run],
) -> Result<()> {
    let heads = changed(unit, loaded)?;
    if heads.is_empty() && revisions.is_empty() && runs.is_empty() {
        return Ok(());
    }
    let by_key: BTreeMap<_, _> = unit.referrals.values().map(|it| (it.key, it)).collect();
    let authority = |revision: &Revision<'_>| {
        let head = by_key.get(&revision.key);
        head.map(|head| head.authority.as_str())
    };
    let mut records = Vec::with_capacity(runs.len());
    for run in runs {
        let referral = by_key.get(&run.key).and_then(|head| head.referral.as_ref());
        let kinds = referral.map(|referral| referral.placement_types.as_slice());
        records.push(run_record::encode(&run.outcome, kinds.unwrap_or_default())?);
    }
    let last_run = |get: fn(&oss_workflow::RunHead) -> i64| {
        heads
            .iter()
            .map(|(head, _)| head.run.as_ref().map(get))
            .collect::<Vec<_>>()
    };
    let last_digest: Vec<_> = heads
        .iter()
        .map(|(head, _)| head.run.map(|run| run.digest.to_be_bytes().to_vec()))
        .collect();
    let facts = || runs.iter().map(|run| &run.facts);
    let written = sqlx::query_scalar!(
        r#"WITH head AS (
           INSERT INTO referral (authority, referral_id, key, revision, content, state, urgency,
             received_at, run_id, run_revision, run_digest, evaluated_version, data_key, audit_seq,
             audit_hash)
           SELECT authority, referral_id, key, revision, content, state, urgency::urgency,
             received_at, run_id, run_revision, run_digest, evaluated_version, data_key, audit_seq,
             audit_hash
           FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bytea[], $6::text[],
             $7::text[], $8::timestamptz[], $9::uuid[], $10::bigint[], $11::bytea[], $12::bigint[],
             $13::bytea[], $14::bigint[], $15::bytea[])
             AS w (authority, referral_id, key, revision, content, state, urgency, received_at,
               run_id, run_revision, run_digest, evaluated_version, data_key, audit_seq, audit_hash)
           ON CONFLICT (authority, referral_id) DO UPDATE SET
             revision = excluded.revision,
             content = excluded.content,
             state = excluded.state,
             urgency = excluded.urgency,
             run_id = excluded.run_id,
             run_revision = excluded.run_revision,
             run_digest = excluded.run_digest,
             evaluated_version = excluded.evaluated_version,
             data_key = excluded.data_key,
             audit_seq = excluded.audit_seq,
             audit_hash = excluded.audit_hash
           -- Another key: somebody else made the referral since we looked. Then nothing of ours is
           -- written, and the number tells.
           WHERE referral.key = excluded.key
           RETURNING key),
         stored AS (
           INSERT INTO referral_revision (authority, key, revision, content, document, narrative,
             received_at)
           SELECT authority, key, revision, content, document::jsonb, narrative, received_at
           FROM unnest($16::text[], $17::bigint[], $18::bigint[], $19::bytea[], $20::text[],
             $21::bytea[], $22::timestamptz[])
             AS w (authority, key, revision, content, document, narrative, received_at)
           WHERE key IN (SELECT key FROM head)
           RETURNING 1),
         ran AS (
           INSERT INTO match_run (run_id, authority, referral_key, revision, supply_version,
             policy_sha256, engine, gazetteer, evaluated_at, n_offers, digest, record)
           SELECT run_id, authority, key, revision, supply_version, policy_sha256, engine, gazetteer,
             evaluated_at, n_offers, digest, record
           FROM unnest($23::uuid[], $24::text[], $25::bigint[], $26::bigint[], $27::bigint[],
             $28::bytea[], $29::text[], $30::text[], $31::timestamptz[], $32::bigint[], $33::bytea[],
             $34::bytea[])
             AS w (run_id, authority, key, revision, supply_version, policy_sha256, engine, gazetteer,
               evaluated_at, n_offers, digest, record)
           WHERE key IN (SELECT key FROM head)
           RETURNING 1)
         SELECT (SELECT count(*) FROM head) + (SELECT count(*) FROM stored)
           + (SELECT count(*) FROM ran) AS "written!""#,
        &heads.iter().map(|(head, _)| head.authority.as_str()).collect::<Vec<_>>() as &[&str],
        &heads.iter().map(|(head, _)| head.referral_id.as_str()).collect::<Vec<_>>() as &[&str],
        &heads.iter().map(|(head, _)| head.key.0).collect::<Vec<_>>(),
        &heads.iter().map(|(head, _)| head.revision.cast_signed()).collect::<Vec<_>>(),
        &heads.iter().map(|(head, _)| head.content.as_slice()).collect::<Vec<_>>() as &[&[u8]],
        &heads.iter().map(|(head, _)| head.state.as_str()).collect::<Vec<_>>() as &[&str],
        &heads
            .iter()
            .map(|(head, _)| head.referral.as_ref().map(|referral| referral.urgency.as_str()))
            .collect::<Vec<_>>() as &[Option<&str>],
        &heads.iter().map(|(head, _)| head.received_at).collect::<Vec<_>>(),
        &heads
            .iter()
            .map(|(head, _)| head.run.map(|run| run.run_id.into_uuid()))
            .collect::<Vec<_>>() as &[Option<Uuid>],
        &last_run(|run| run.revision.cast_signed()) as &[Option<i64>],
        &last_digest as &[Option<Vec<u8>>],
        &heads
            .iter()
            .map(|(head, _)| head.evaluated.map(|version| version.0))
            .collect::<Vec<_>>() as &[Option<i64>],
        &heads.iter().map(|(_, loaded)| loaded.data_key.as_deref()).collect::<Vec<_>>()
            as &[Option<&[u8]>],
        &heads.iter().map(|(_, loaded)| loaded.chain.seq).collect::<Vec<_>>(),
        &heads.iter().map(|(_, loaded)| loaded.chain.hash.as_slice()).collect::<Vec<_>>()
            as &[&[u8]],
        &revisions.iter().map(authority).collect::<Vec<_>>() as &[Option<&str>],
        &revisions.iter().map(|it| it.key.0).collect::<Vec<_>>(),
        &revisions.iter().map(|it| it.number).collect::<Vec<_>>(),
        &revisions
            .iter()
            .map(|it| it.content.as_slice())
            .collect::<Vec<_>>() as &[&[u8]],
        &revisions
            .iter()
            .map(|it| it.document.to_string())
            .collect::<Vec<_>>(),
        &revisions
            .iter()
            .map(|it| it.narrative.as_deref())
            .collect::<Vec<_>>() as &[Option<&[u8]>],
        &revisions
            .iter()
            .map(|it| it.received_at)
            .collect::<Vec<_>>(),
        &facts().map(|it| it.run_id.into_uuid()).collect::<Vec<_>>(),
        &facts().map(|it| it.authority.as_str()).collect::<Vec<_>>() as &[&str],
        &runs.iter().map(|run| run.key.0).collect::<Vec<_>>(),
        &facts()
            .map(|it| it.revision.cast_signed())
            .collect::<Vec<_>>(),
        &facts().map(|it| it.supply.0).collect::<Vec<_>>(),
        &facts()
            .map(|it| it.policy_sha256.as_slice())
            .collect::<Vec<_>>() as &[&[u8]],
        &facts().map(|it| it.engine.as_ref()).collect::<Vec<_>>() as &[&str],
        &facts().map(|it| it.gazetteer.as_ref()).collect::<Vec<_>>() as &[&str],
        &facts().map(|it| it.evaluated_at).collect::<Vec<_>>(),
        &runs.iter().map(|run| n_offers(run)).collect::<Vec<_>>(),
        &runs
            .iter()
            .map(|run| run.digest.to_be_bytes().to_vec())
            .collect::<Vec<_>>(),
        &records,
    )
    .fetch_one(conn)
    .await
    .sorted()?;
    let expected = heads.len() + revisions.len() + runs.len();
    expect_rows(
        "referrals, revisions and runs",
        expected,
        written.unsigned_abs(),
    )
}

/// Every head that changed, or whose chain in the audit did.
fn changed<'a>(
    unit: &'a Unit,
    loaded: &'a HashMap<ReferralKey, Loaded>,
) -> Result<Vec<(&'a ReferralHead, &'a Loaded)>> {
    let mut audited: BTreeSet<_> = unit.audit.iter().filter_map(|line| line.referral).collect();
    // Their words may have given the referral its key.
    let offers = unit.changed_offers.iter();
    audited.extend(offers.filter_map(|id| Some(unit.offers.get(id)?.referral)));
    let mut heads = Vec::new();
    for (at, head) in &unit.referrals {
        if unit.changed_referrals.contains(at) || audited.contains(&head.key) {
            let loaded = loaded
                .get(&head.key)
                .ok_or_else(|| broken("a referral was not loaded"))?;
            heads.push((head, loaded));
        }
    }
    Ok(heads)
}

fn n_offers(run: &Run) -> i64 {
    i64::try_from(run.outcome.ranked().len()).unwrap_or(i64::MAX)
}
