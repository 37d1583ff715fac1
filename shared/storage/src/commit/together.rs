//! What nearly every unit writes, in one statement: each takes a trip of its own, however little it
//! holds.

use super::{messages::Told, referrals::Revision};
use crate::{
    audit::Sealed,
    error::{Result, Sorted},
    store::Loaded,
};
use oss_domain::AuthorityCode;
use oss_workflow::{EventKey, ReferralHead, ranking::Run};
use sqlx::PgConnection;
use uuid::Uuid;

/// Heads, revisions and runs; what was handled and what is to be told; lines of the audit.
#[derive(Debug, Default)]
pub(crate) struct Together<'a> {
    /// Heads that changed, or whose chains did.
    pub(super) heads: Vec<(&'a ReferralHead, &'a Loaded)>,
    pub(super) revisions: Vec<Revision<'a>>,
    /// Runs with their records.
    pub(super) runs: Vec<(&'a Run, Vec<u8>)>,
    /// In one order for all units, so that two with the same events wait and do not lock in a
    /// circle.
    pub(super) handled: Vec<&'a EventKey>,
    pub(super) told: Vec<Told<'a>>,
    pub(super) audit: Sealed<'a>,
}

impl<'a> Together<'a> {
    /// Lines of the audit alone.
    pub(crate) fn lines(audit: Sealed<'a>) -> Self {
        Self {
            audit,
            ..Self::default()
        }
    }

    fn is_empty(&self) -> bool {
        self.heads.is_empty()
            && self.revisions.is_empty()
            && self.runs.is_empty()
            && self.handled.is_empty()
            && self.told.is_empty()
            && self.audit.lines.is_empty()
    }

    /// Writes all of it or nothing.
    #[expect(
        clippy::too_many_lines,
        reason = "one statement with a line for each column"
    )]
    pub(crate) async fn write(self, conn: &mut PgConnection) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let heads = || self.heads.iter().map(|(head, _)| head);
        let loaded = || self.heads.iter().map(|(_, loaded)| loaded);
        let last_run = || heads().map(|head| head.run.as_ref());
        let runs = || self.runs.iter().map(|(run, _)| run);
        let facts = || runs().map(|run| &run.facts);
        let lines = || self.audit.lines.iter();
        let n_heads = i64::try_from(self.heads.len()).unwrap_or(i64::MAX);
        sqlx::query!(
            r#"WITH head AS (
               INSERT INTO referral (authority, referral_id, key, revision, content, state, urgency,
                 received_at, run_id, run_revision, run_digest, evaluated_version, data_key, audit_seq,
                 audit_hash)
               SELECT authority, referral_id, key, revision, content, state, urgency::urgency,
                 received_at, run_id, run_revision, run_digest, evaluated_version, data_key, audit_seq,
                 audit_hash
               FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bytea[],
                 $6::text[], $7::text[], $8::timestamptz[], $9::uuid[], $10::bigint[], $11::bytea[],
                 $12::bigint[], $13::bytea[], $14::bigint[], $15::bytea[])
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
               -- Another key: somebody else made the referral since we looked.
               WHERE referral.key = excluded.key
               RETURNING 1),
             stored AS (
               INSERT INTO referral_revision (authority, key, revision, content, document, narrative,
                 received_at)
               SELECT authority, key, revision, content, document::jsonb, narrative, received_at
               FROM unnest($16::text[], $17::bigint[], $18::bigint[], $19::bytea[], $20::text[],
                 $21::bytea[], $22::timestamptz[])
                 AS w (authority, key, revision, content, document, narrative, received_at)),
             ran AS (
               INSERT INTO match_run (run_id, authority, referral_key, revision, supply_version,
                 policy_sha256, engine, gazetteer, evaluated_at, n_offers, digest, record)
               SELECT * FROM unnest($23::uuid[], $24::text[], $25::bigint[], $26::bigint[],
                 $27::bigint[], $28::bytea[], $29::text[], $30::text[], $31::timestamptz[],
                 $32::bigint[], $33::bytea[], $34::bytea[])),
             handled AS (
               INSERT INTO inbox (source, event_id) SELECT * FROM unnest($35::text[], $36::text[])),
             told AS (
               INSERT INTO outbox (event_id, authority, subject, payload, traceparent, created_at)
               SELECT event_id, authority, subject, payload, traceparent, created_at
               FROM unnest($37::uuid[], $38::text[], $39::text[], $40::bytea[], $41::text[],
                 $42::timestamptz[]) WITH ORDINALITY
                 AS w (event_id, authority, subject, payload, traceparent, created_at, place)
               -- The sequence is given in this order.
               ORDER BY place),
             remembered AS (
               INSERT INTO audit (authority, referral_key, seq, at, actor_kind, actor, act, thing,
                 reason, words, previous_hash, hash)
               SELECT authority, referral_key, seq,
                 'epoch'::timestamptz + at * interval '1 microsecond', actor_kind, actor, act, thing,
                 reason, words, previous_hash, hash
               FROM unnest($43::text[], $44::bigint[], $45::bigint[], $46::bigint[], $47::text[],
                 $48::text[], $49::text[], $50::text[], $51::text[], $52::bytea[], $53::bytea[],
                 $54::bytea[])
                 AS w (authority, referral_key, seq, at, actor_kind, actor, act, thing, reason, words,
                   previous_hash, hash))
             SELECT all_or_none(count(*), $55) AS written FROM head"#,
            &heads().map(|it| it.authority.as_str()).collect::<Vec<_>>() as &[&str],
            &heads().map(|it| it.referral_id.as_str()).collect::<Vec<_>>() as &[&str],
            &heads().map(|it| it.key.0).collect::<Vec<_>>(),
            &heads().map(|it| it.revision.cast_signed()).collect::<Vec<_>>(),
            &heads().map(|it| it.content.as_slice()).collect::<Vec<_>>() as &[&[u8]],
            &heads().map(|it| it.state.as_str()).collect::<Vec<_>>() as &[&str],
            &heads()
                .map(|it| it.referral.as_ref().map(|referral| referral.urgency.as_str()))
                .collect::<Vec<_>>() as &[Option<&str>],
            &heads().map(|it| it.received_at).collect::<Vec<_>>(),
            &last_run().map(|it| it.map(|run| run.run_id.into_uuid())).collect::<Vec<_>>()
                as &[Option<Uuid>],
            &last_run().map(|it| it.map(|run| run.revision.cast_signed())).collect::<Vec<_>>()
                as &[Option<i64>],
            &last_run().map(|it| it.map(|run| run.digest.to_be_bytes())).collect::<Vec<_>>()
                as &[Option<[u8; 16]>],
            &heads().map(|it| it.evaluated.map(|version| version.0)).collect::<Vec<_>>()
                as &[Option<i64>],
            &loaded().map(|it| it.data_key.as_deref()).collect::<Vec<_>>() as &[Option<&[u8]>],
            &loaded().map(|it| it.chain.seq).collect::<Vec<_>>(),
            &loaded().map(|it| it.chain.hash.as_slice()).collect::<Vec<_>>() as &[&[u8]],
            &self.revisions.iter().map(|it| it.authority.as_str()).collect::<Vec<_>>() as &[&str],
            &self.revisions.iter().map(|it| it.key.0).collect::<Vec<_>>(),
            &self.revisions.iter().map(|it| it.number).collect::<Vec<_>>(),
            &self.revisions.iter().map(|it| it.content.as_slice()).collect::<Vec<_>>() as &[&[u8]],
            &self.revisions.iter().map(|it| it.document.to_string()).collect::<Vec<_>>(),
            &self.revisions.iter().map(|it| it.narrative.as_deref()).collect::<Vec<_>>()
                as &[Option<&[u8]>],
            &self.revisions.iter().map(|it| it.received_at).collect::<Vec<_>>(),
            &facts().map(|it| it.run_id.into_uuid()).collect::<Vec<_>>(),
            &facts().map(|it| it.authority.as_str()).collect::<Vec<_>>() as &[&str],
            &runs().map(|it| it.key.0).collect::<Vec<_>>(),
            &facts().map(|it| it.revision.cast_signed()).collect::<Vec<_>>(),
            &facts().map(|it| it.supply.0).collect::<Vec<_>>(),
            &facts().map(|it| it.policy_sha256.as_slice()).collect::<Vec<_>>() as &[&[u8]],
            &facts().map(|it| it.engine.as_ref()).collect::<Vec<_>>() as &[&str],
            &facts().map(|it| it.gazetteer.as_ref()).collect::<Vec<_>>() as &[&str],
            &facts().map(|it| it.evaluated_at).collect::<Vec<_>>(),
            &runs()
                .map(|it| i64::try_from(it.outcome.n_ranked()).unwrap_or(i64::MAX))
                .collect::<Vec<_>>(),
            &runs().map(|it| it.digest.to_be_bytes()).collect::<Vec<_>>() as &[[u8; 16]],
            &self.runs.iter().map(|(_, record)| record.as_slice()).collect::<Vec<_>>() as &[&[u8]],
            &self.handled.iter().map(|it| it.source.as_ref()).collect::<Vec<_>>() as &[&str],
            &self.handled.iter().map(|it| it.id.as_ref()).collect::<Vec<_>>() as &[&str],
            &self.told.iter().map(|it| it.event.event_id.into_uuid()).collect::<Vec<_>>(),
            &self.told.iter().map(|it| it.owner.as_ref().map(AuthorityCode::as_str)).collect::<Vec<_>>()
                as &[Option<&str>],
            &self.told.iter().map(|it| it.message.subject.as_str()).collect::<Vec<_>>() as &[&str],
            &self.told.iter().map(|it| it.message.payload.as_bytes()).collect::<Vec<_>>()
                as &[&[u8]],
            &self.told.iter().map(|it| it.event.traceparent.as_deref()).collect::<Vec<_>>()
                as &[Option<&str>],
            &self.told.iter().map(|it| it.event.time).collect::<Vec<_>>(),
            &lines().map(|it| it.authority).collect::<Vec<_>>() as &[&str],
            &lines().map(|it| it.referral_key).collect::<Vec<_>>() as &[Option<i64>],
            &lines().map(|it| it.seq).collect::<Vec<_>>(),
            &lines().map(|it| it.at_micros).collect::<Vec<_>>(),
            &lines().map(|it| it.actor_kind).collect::<Vec<_>>() as &[&str],
            &lines().map(|it| it.actor).collect::<Vec<_>>() as &[&str],
            &lines().map(|it| it.act).collect::<Vec<_>>() as &[&str],
            &lines().map(|it| it.thing).collect::<Vec<_>>() as &[&str],
            &lines().map(|it| it.reason).collect::<Vec<_>>() as &[Option<&str>],
            &lines().map(|it| it.words.as_deref()).collect::<Vec<_>>() as &[Option<&[u8]>],
            &self.audit.previous.iter().map(<[u8; 32]>::as_slice).collect::<Vec<_>>() as &[&[u8]],
            &self.audit.hashes.iter().map(<[u8; 32]>::as_slice).collect::<Vec<_>>() as &[&[u8]],
            n_heads,
        )
        .fetch_one(conn)
        .await
        .sorted()?;
        Ok(())
    }
}
