//! From a NATS message to a fact, or to a refusal that says everything that is wrong.

use crate::{
    envelope::{Envelope, Headers, Raw},
    fact::{Fact, FactKind},
    refused::{Refused, RefusedKind, in_words},
    subject::{self, Inbound},
};
use oss_domain::{AuthorityCode, FieldError};
use serde_json::Value;

/// The largest payload, in bytes: 256 KiB.
pub const MAX_PAYLOAD: usize = 262_144;

/// An event that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Who says so, and when.
    pub envelope: Envelope,
    /// What has happened.
    pub fact: Fact,
}

/// Reads the message that came on `subject`.
///
/// # Errors
/// [`Refused`], a fault that no second try can mend.
pub fn decode(
    subject: &str,
    headers: &Headers<'_>,
    payload: &[u8],
) -> Result<Incoming, Box<Refused>> {
    let inbound = Inbound::parse(subject);
    let mut refused = Refused {
        kind: RefusedKind::TooLarge,
        detail: String::new(),
        errors: Vec::new(),
        authority: subject::authority_of(subject),
        about_referral: inbound.is_some_and(|inbound| inbound.noun_verb().starts_with("referral.")),
        referral_id: None,
        event_id: None,
        event_source: None,
        event_type: None,
        traceparent: headers.traceparent().map(str::to_owned),
    };
    let fault = match understand(inbound, headers, payload, &mut refused) {
        Ok(incoming) => return Ok(incoming),
        Err(fault) => fault,
    };
    Err(Box::new(Refused {
        kind: fault.kind,
        detail: fault.detail,
        errors: fault.errors,
        ..refused
    }))
}

/// Why it is refused.
struct Fault {
    kind: RefusedKind,
    detail: String,
    errors: Vec<FieldError>,
}

impl From<(RefusedKind, String)> for Fault {
    fn from((kind, detail): (RefusedKind, String)) -> Self {
        Self {
            kind,
            detail,
            errors: Vec::new(),
        }
    }
}

/// Does the work; what it learns on the way it leaves in `learned`.
fn understand(
    inbound: Option<Inbound<'_>>,
    headers: &Headers<'_>,
    payload: &[u8],
    learned: &mut Refused,
) -> Result<Incoming, Fault> {
    let raw = Raw::read(headers, payload);
    if let Ok(raw) = &raw {
        learn(raw, learned);
    }
    if payload.len() > MAX_PAYLOAD {
        let detail = format!(
            "the payload has {} bytes; at most {MAX_PAYLOAD} are taken",
            payload.len()
        );
        return Err((RefusedKind::TooLarge, detail).into());
    }
    let raw = raw?;
    let mut envelope = raw.envelope()?;
    envelope.traceparent.clone_from(&learned.traceparent);
    let Some(kind) = kind_of(&envelope.event_type) else {
        let detail = "the type is none of those that are taken in, such as \
                      uk.oss.referral.submitted.v1";
        return Err((RefusedKind::UnknownType, detail.into()).into());
    };
    let data = raw.data().map_err(Clone::clone)?;
    if data.is_null() {
        let error = FieldError::new("", "required", "the event has no data");
        return Err(invalid(RefusedKind::InvalidData, vec![error]));
    }
    let mismatches = mismatches(inbound, &envelope, kind, data);
    match kind.from_json(data) {
        Ok(fact) if mismatches.is_empty() => Ok(Incoming { envelope, fact }),
        Ok(_) => Err(invalid(RefusedKind::SubjectMismatch, mismatches)),
        Err(mut errors) => {
            errors.extend(mismatches);
            Err(invalid(RefusedKind::InvalidData, errors))
        }
    }
}

fn learn(raw: &Raw, learned: &mut Refused) {
    let text = |name| raw.text(name).map(str::to_owned);
    learned.event_id = text("id");
    learned.event_source = text("source");
    learned.event_type = text("type");
    if learned.traceparent.is_none() {
        learned.traceparent = raw.traceparent().map(str::to_owned);
    }
    let event_type = learned.event_type.as_deref().unwrap_or_default();
    learned.about_referral |= event_type.starts_with("uk.oss.referral.");
    if learned.about_referral
        && let Ok(data) = raw.data()
    {
        learned.referral_id = text_of(data, "referral_id").and_then(|id| id.parse().ok());
    }
}

fn kind_of(event_type: &str) -> Option<FactKind> {
    FactKind::of(event_type.strip_prefix("uk.oss.")?.strip_suffix(".v1")?)
}

fn text_of<'a>(data: &'a Value, field: &str) -> Option<&'a str> {
    Some(data.get(field)?.as_str()?.trim())
}

/// Where the NATS subject and the CloudEvents `subject` disagree with type and data.
///
/// A field that is missing or no text is told of elsewhere.
fn mismatches(
    inbound: Option<Inbound<'_>>,
    envelope: &Envelope,
    kind: FactKind,
    data: &Value,
) -> Vec<FieldError> {
    let mismatch = |pointer: &str, detail: &str| {
        FieldError::new(pointer, RefusedKind::SubjectMismatch.as_str(), detail)
    };
    let differs =
        |field: &str, expected: &str| text_of(data, field).is_some_and(|text| text != expected);
    let mut found = Vec::new();
    match inbound {
        None => found.push(mismatch(
            "",
            "the subject must be as oss.in.v1.E06000015.referral.submitted",
        )),
        Some(inbound) => {
            if inbound.noun_verb() != kind.as_str() {
                found.push(mismatch("", "the type is another than the subject's"));
            }
            if inbound.authority.parse::<AuthorityCode>().is_err() {
                found.push(mismatch("", "the subject names no authority"));
            } else if differs("authority", inbound.authority) {
                found.push(mismatch(
                    "/authority",
                    "the authority is another than the subject's",
                ));
            }
            match inbound.provider {
                Some(_) if kind != FactKind::OfferAnswered => found.push(mismatch(
                    "",
                    "only offer.answered is taken on a provider's subject",
                )),
                Some(provider) if differs("provider_id", provider) => found.push(mismatch(
                    "/provider_id",
                    "the provider is another than the subject's",
                )),
                _ => {}
            }
        }
    }
    if let Some(subject) = &envelope.subject
        && differs(kind.id_field(), subject.trim())
    {
        found.push(mismatch(
            &format!("/{}", kind.id_field()),
            "the event's subject attribute names another",
        ));
    }
    found
}

fn invalid(kind: RefusedKind, errors: Vec<FieldError>) -> Fault {
    Fault {
        kind,
        detail: in_words(&errors),
        errors,
    }
}
