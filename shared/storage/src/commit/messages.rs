//! What goes out, and what came in and cannot be handled.

use crate::{
    error::{Result, Sorted},
    row,
    seal::{InstallationKey, Place},
};
use oss_contract::{Message, subject::OUTBOUND_PREFIX};
use oss_domain::AuthorityCode;
use oss_workflow::{Event, StoreError, event::Outgoing, unit::DeadLetter};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::borrow::Cow;

/// An event that is to be told, with what it says.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) event: &'a Outgoing,
    pub(super) message: Message,
    /// The authority whose event it is.
    pub(super) owner: Option<AuthorityCode>,
}

impl<'a> Told<'a> {
    pub(super) fn new(event: &'a Outgoing, served: &[AuthorityCode]) -> Result<Self> {
        let message =
            oss_contract::render(event).map_err(|error| StoreError::Broken(error.into()))?;
        Ok(Self {
            owner: owner(&event.event, &message.subject, served),
            event,
            message,
        })
    }
}

/// The authority whose event it is: its token in the subject, if that is one.
///
/// That something was refused which came on the subject of a council that is not served here is
/// told on that subject, but as a row it is nobody's: such a council has none here.
fn owner(event: &Event, subject: &str, served: &[AuthorityCode]) -> Option<AuthorityCode> {
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
    (!refuses || served.contains(&authority)).then_some(authority)
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
