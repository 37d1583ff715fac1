//! What is told of an event that is refused for good.

use crate::{envelope::Envelope, subject};
use oss_domain::{AuthorityCode, FieldError, ReferralId};

/// Why an event is refused: a stable code for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusedKind {
    /// The payload is over 256 KiB.
    TooLarge,
    /// The payload is not JSON.
    NotJson,
    /// The message is not a CloudEvent, or an attribute of it is wrong.
    NotCloudEvent,
    /// The CloudEvents version is not 1.0.
    UnsupportedVersion,
    /// The `type` is none of the contract's.
    UnknownType,
    /// The subject does not fit the type or the data.
    SubjectMismatch,
    /// Fields of the data are missing or wrong.
    InvalidData,
}

impl RefusedKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::TooLarge,
        Self::NotJson,
        Self::NotCloudEvent,
        Self::UnsupportedVersion,
        Self::UnknownType,
        Self::SubjectMismatch,
        Self::InvalidData,
    ];

    /// The stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::NotJson => "not_json",
            Self::NotCloudEvent => "not_cloudevent",
            Self::UnsupportedVersion => "unsupported_version",
            Self::UnknownType => "unknown_type",
            Self::SubjectMismatch => "subject_mismatch",
            Self::InvalidData => "invalid_data",
        }
    }
}

/// An event that is refused for good, with what could be learned of it.
///
/// Holds nothing that the sender wrote but ids, so it may be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event refused ({}): {detail}", kind.as_str())]
pub struct Refused {
    /// Why.
    pub kind: RefusedKind,
    /// Why, as a plain sentence.
    pub detail: String,
    /// Every fault, field by field, with pointers into the data.
    pub errors: Vec<FieldError>,
    /// The authority in the subject.
    pub authority: Option<AuthorityCode>,
    /// Whether it is about a referral, so that its sender is told by `referral.rejected`.
    pub about_referral: bool,
    /// Which referral.
    pub referral_id: Option<ReferralId>,
    /// The CloudEvents `id`.
    pub event_id: Option<String>,
    /// The CloudEvents `source`.
    pub event_source: Option<String>,
    /// The CloudEvents `type`.
    pub event_type: Option<String>,
    /// The W3C trace context it came with.
    pub traceparent: Option<String>,
}

impl Refused {
    /// An event that could be read, but whose data only the gazetteer and the policy could tell
    /// to be wrong.
    #[must_use]
    pub fn invalid(
        envelope: &Envelope,
        subject: &str,
        referral_id: Option<ReferralId>,
        errors: Vec<FieldError>,
    ) -> Self {
        Self {
            kind: RefusedKind::InvalidData,
            detail: in_words(&errors),
            errors,
            authority: subject::authority_of(subject),
            about_referral: referral_id.is_some(),
            referral_id,
            event_id: Some(envelope.id.clone()),
            event_source: Some(envelope.source.clone()),
            event_type: Some(envelope.event_type.clone()),
            traceparent: envelope.traceparent.clone(),
        }
    }
}

/// The first fault as a sentence; the rest is in the list.
pub(crate) fn in_words(errors: &[FieldError]) -> String {
    let first = errors.first().map(|error| match error.pointer.as_str() {
        "" => error.detail.clone(),
        pointer => format!("{pointer} {}", error.detail),
    });
    match (first, errors.len()) {
        (Some(first), n) if n > 1 => format!("{first} (and {} more)", n - 1),
        (first, _) => first.unwrap_or_default(),
    }
}
