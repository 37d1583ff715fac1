//! Problems (RFC 9457): what an HTTP client, and the sender of a referral, is told of a refusal.

use crate::refused::Refused;
use oss_domain::FieldError;
use serde::Serialize;

/// The media type of a problem over HTTP.
pub const PROBLEM_CONTENT_TYPE: &str = "application/problem+json";

/// A problem's details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// What kind of problem: `urn:oss:problem:` and a stable code.
    pub r#type: String,
    /// The kind, in a few words.
    pub title: String,
    /// The HTTP status, also where it is told by an event.
    pub status: u16,
    /// What is wrong this time, in words.
    pub detail: String,
    /// Where it happened: the path asked for, or the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Every fault, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<ProblemError>,
}

/// One fault of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProblemError {
    /// Where, as a JSON pointer into the data (RFC 6901); empty for the whole.
    pub pointer: String,
    /// A stable code, such as `required`.
    pub code: String,
    /// What to do about it, in words.
    pub detail: String,
}

impl From<&FieldError> for ProblemError {
    fn from(error: &FieldError) -> Self {
        Self {
            pointer: error.pointer.clone(),
            code: error.code.to_owned(),
            detail: error.detail.clone(),
        }
    }
}

impl From<&Refused> for Problem {
    fn from(refused: &Refused) -> Self {
        Self::of_code(refused.kind.as_str(), &refused.detail, &refused.errors)
    }
}

impl Problem {
    /// A problem of the kind `code`, such as `not_found`, answered with `status`.
    #[must_use]
    pub fn new(status: u16, code: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("urn:oss:problem:{code}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            instance: None,
            errors: Vec::new(),
        }
    }

    /// The problem of a refusal by its stable code, such as `invalid_data` or `revision_conflict`.
    #[must_use]
    pub fn of_code(code: &str, detail: impl Into<String>, errors: &[FieldError]) -> Self {
        let (status, title) = match code {
            "invalid_data" => (422, "Fields are missing or wrong"),
            "subject_mismatch" => (422, "Subject and event disagree"),
            "revision_conflict" => (409, "The revision was received before with another content"),
            "too_large" => (413, "The event is over 256 KiB"),
            "not_json" => (400, "The event is not JSON"),
            "not_cloudevent" => (400, "The message is not a CloudEvent"),
            "unsupported_version" => (400, "The CloudEvents version is not 1.0"),
            "unknown_type" => (400, "The type of the event is not known"),
            "withdrawn" => (409, "The referral is withdrawn"),
            _ => (409, "The event cannot be carried out"),
        };
        Self {
            errors: errors.iter().map(ProblemError::from).collect(),
            ..Self::new(status, code, title, detail)
        }
    }

    /// The problem of data that is wrong, with every fault.
    #[must_use]
    pub fn invalid(errors: &[FieldError]) -> Self {
        let detail = match errors.len() {
            1 => "One field is wrong.".to_owned(),
            n => format!("{n} fields are wrong."),
        };
        Self::of_code("invalid_data", detail, errors)
    }

    /// The same problem with where it happened.
    #[must_use]
    pub fn at(self, instance: impl Into<String>) -> Self {
        Self {
            instance: Some(instance.into()),
            ..self
        }
    }
}
