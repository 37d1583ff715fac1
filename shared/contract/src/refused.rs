//! What is told of an event that is refused for good.

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
