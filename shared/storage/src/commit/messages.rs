//! What came in, what goes out, and what is remembered of it.

use crate::{
    audit::Sealed,
    error::{Result, Sorted},
    row,
    seal::{InstallationKey, Place},
};
use oss_contract::subject::OUTBOUND_PREFIX;
use oss_domain::AuthorityCode;
use oss_workflow::{Event, EventKey, StoreError, event::Outgoing, unit::DeadLetter};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::borrow::Cow;

/// Appends what was handled, what is to be told and lines to the audit, in one statement: each takes
/// a trip of its own.
pub(crate) async fn append_messages_and_lines(
    conn: &mut PgConnection,
    served: &[AuthorityCode],
    handled: &[EventKey],
    outgoing: &[Outgoing],
    audit: &Sealed<'_>,
) -> Result<()> {
    let lines = &audit.lines;
    if handled.is_empty() && outgoing.is_empty() && lines.is_empty() {
        return Ok(());
    }
    // In one order for all units, so that two with the same events wait and do not lock in a circle.
    let mut handled: Vec<_> = handled.iter().collect();
    handled.sort_unstable();
    let (sources, ids): (Vec<_>, Vec<_>) = handled
        .iter()
        .map(|event| (event.source.as_ref(), event.id.as_ref()))
        .unzip();
    let mut messages = Vec::with_capacity(outgoing.len());
    for event in outgoing {
        messages.push(oss_contract::render(event).map_err(|e| StoreError::Broken(e.into()))?);
    }
    sqlx::query!(
        "WITH handled AS (
           INSERT INTO inbox (source, event_id) SELECT * FROM unnest($1::text[], $2::text[])),
         told AS (
           INSERT INTO outbox (event_id, authority, subject, payload, traceparent, created_at)
           SELECT event_id, authority, subject, payload, traceparent, created_at
           FROM unnest($3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::text[],
             $8::timestamptz[]) WITH ORDINALITY
             AS w (event_id, authority, subject, payload, traceparent, created_at, place)
           -- The sequence is given in this order.
           ORDER BY place)
         INSERT INTO audit (authority, referral_key, seq, at, actor_kind, actor, act, thing, reason,
           words, previous_hash, hash)
         SELECT authority, referral_key, seq, 'epoch'::timestamptz + at * interval '1 microsecond',
           actor_kind, actor, act, thing, reason, words, previous_hash, hash
         FROM unnest($9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[],
           $14::text[], $15::text[], $16::text[], $17::text[], $18::bytea[], $19::bytea[],
           $20::bytea[])
           AS w (authority, referral_key, seq, at, actor_kind, actor, act, thing, reason, words,
             previous_hash, hash)",
        &sources as &[&str],
        &ids as &[&str],
        &outgoing
            .iter()
            .map(|event| event.event_id.into_uuid())
            .collect::<Vec<_>>(),
        &outgoing
            .iter()
            .zip(&messages)
            .map(|(event, message)| owner(&event.event, &message.subject, served))
            .collect::<Vec<_>>() as &[Option<&str>],
        &messages
            .iter()
            .map(|message| message.subject.as_str())
            .collect::<Vec<_>>() as &[&str],
        &messages
            .iter()
            .map(|message| message.payload.as_bytes())
            .collect::<Vec<_>>() as &[&[u8]],
        &outgoing
            .iter()
            .map(|event| event.traceparent.as_deref())
            .collect::<Vec<_>>() as &[Option<&str>],
        &outgoing.iter().map(|event| event.time).collect::<Vec<_>>(),
        &lines.iter().map(|line| line.authority).collect::<Vec<_>>() as &[&str],
        &lines
            .iter()
            .map(|line| line.referral_key)
            .collect::<Vec<_>>() as &[Option<i64>],
        &lines.iter().map(|line| line.seq).collect::<Vec<_>>(),
        &lines.iter().map(|line| line.at_micros).collect::<Vec<_>>(),
        &lines.iter().map(|line| line.actor_kind).collect::<Vec<_>>() as &[&str],
        &lines.iter().map(|line| line.actor).collect::<Vec<_>>() as &[&str],
        &lines.iter().map(|line| line.act).collect::<Vec<_>>() as &[&str],
        &lines.iter().map(|line| line.thing).collect::<Vec<_>>() as &[&str],
        &lines.iter().map(|line| line.reason).collect::<Vec<_>>() as &[Option<&str>],
        &lines
            .iter()
            .map(|line| line.words.as_deref())
            .collect::<Vec<_>>() as &[Option<&[u8]>],
        &audit
            .previous
            .iter()
            .map(<[u8; 32]>::as_slice)
            .collect::<Vec<_>>() as &[&[u8]],
        &audit
            .hashes
            .iter()
            .map(<[u8; 32]>::as_slice)
            .collect::<Vec<_>>() as &[&[u8]],
    )
    .execute(conn)
    .await
    .sorted()?;
    Ok(())
}

/// The authority whose event it is: its token in the subject, if that is one.
///
/// That something was refused which came on the subject of a council that is not served here is
/// told on that subject, but as a row it is nobody's: such a council has none here.
fn owner<'a>(event: &Event, subject: &'a str, served: &[AuthorityCode]) -> Option<&'a str> {
    let token = subject
        .strip_prefix(OUTBOUND_PREFIX)?
        .strip_prefix('.')?
        .split('.')
        .next()?;
    let authority: AuthorityCode = token.parse().ok()?;
    let refuses = matches!(
        event,
        Event::DeadLettered { .. } | Event::ReferralRejected { .. }
    );
    (!refuses || served.contains(&authority)).then_some(token)
}

/// Where a dead letter's payload is stored.
pub(crate) fn payload_place(row: &uuid::Uuid) -> Place<'_> {
    Place {
        table: "dead_letter",
        column: "payload",
        row,
    }
}

pub(super) async fn insert_dead_letters(
    conn: &mut PgConnection,
    key: &InstallationKey,
    served: &[AuthorityCode],
    letters: &[&DeadLetter],
) -> Result<()> {
    if letters.is_empty() {
        return Ok(());
    }
    let mut payloads = Vec::with_capacity(letters.len());
    for letter in letters {
        let id = letter.dead_letter_id.into_uuid();
        payloads.push(key.seal(payload_place(&id), &letter.payload)?);
    }
    sqlx::query!(
        "INSERT INTO dead_letter (dead_letter_id, authority, subject, source, event_id, event_type,
           code, reason, errors, attempts, received_at, headers, payload)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
           $7::text[], $8::text[], $9::jsonb[], $10::bigint[], $11::timestamptz[], $12::jsonb[],
           $13::bytea[])",
        &letters.iter().map(|letter| letter.dead_letter_id.into_uuid()).collect::<Vec<_>>(),
        &letters
            .iter()
            .map(|letter| letter.authority.as_ref().filter(|it| served.contains(it)))
            .map(|authority| authority.map(AuthorityCode::as_str))
            .collect::<Vec<_>>() as &[Option<&str>],
        &letters.iter().map(|letter| row::text(&letter.subject)).collect::<Vec<_>>()
            as &[Cow<'_, str>],
        &letters
            .iter()
            .map(|letter| letter.source.as_deref().map(row::text))
            .collect::<Vec<_>>() as &[Option<Cow<'_, str>>],
        &letters
            .iter()
            .map(|letter| letter.event_id.as_deref().map(row::text))
            .collect::<Vec<_>>() as &[Option<Cow<'_, str>>],
        &letters
            .iter()
            .map(|letter| letter.event_type.as_deref().map(row::text))
            .collect::<Vec<_>>() as &[Option<Cow<'_, str>>],
        &letters.iter().map(|letter| letter.code).collect::<Vec<_>>() as &[&str],
        &letters.iter().map(|letter| row::text(&letter.reason)).collect::<Vec<_>>()
            as &[Cow<'_, str>],
        &letters.iter().map(|letter| errors(letter)).collect::<Vec<_>>(),
        &letters.iter().map(|letter| i64::from(letter.attempts)).collect::<Vec<_>>(),
        &letters.iter().map(|letter| letter.received_at).collect::<Vec<_>>(),
        &letters.iter().map(|letter| headers(letter)).collect::<Vec<_>>(),
        &payloads,
    )
    .execute(conn)
    .await
    .sorted()?;
    Ok(())
}

fn headers(letter: &DeadLetter) -> Value {
    letter
        .headers
        .iter()
        .map(|(name, value)| json!([row::text(name), row::text(value)]))
        .collect()
}

fn errors(letter: &DeadLetter) -> Value {
    letter
        .errors
        .iter()
        .map(|error| {
            json!({
                "pointer": row::text(&error.pointer),
                "code": error.code,
                "detail": row::text(&error.detail),
            })
        })
        .collect()
}
