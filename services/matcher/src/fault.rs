//! Why an event is not carried out.

use oss_contract::Refused;
use oss_domain::FieldError;
use oss_workflow::Refusal;

/// Why an event is not carried out.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// A stable code.
    pub(crate) code: &'static str,
    /// Why, in words.
    pub(crate) reason: String,
    /// What is wrong, field by field.
    pub(crate) errors: Vec<FieldError>,
    /// Whether it may work later.
    pub(crate) may_pass: bool,
}

impl Fault {
    pub(crate) fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
            errors: Vec::new(),
            may_pass: false,
        }
    }
}

impl From<&Refused> for Fault {
    fn from(refused: &Refused) -> Self {
        let errors = refused.errors.clone();
        Self {
            errors,
            ..Self::new(refused.kind.as_str(), refused.detail.clone())
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let reason = refusal.to_string();
        match refusal {
            Refusal::Invalid(errors) => Self {
                errors,
                ..Self::new("invalid_data", reason)
            },
            Refusal::RevisionConflict { .. } => {
                let error = FieldError::new("/revision", "revision_conflict", reason.clone());
                Self {
                    errors: vec![error],
                    ..Self::new("revision_conflict", reason)
                }
            }
            Refusal::NotKnownYet { .. } => Self {
                may_pass: true,
                ..Self::new("not_known", reason)
            },
            Refusal::NotFound { .. } => Self::new("not_found", reason),
            Refusal::Conflict { code, .. } => Self::new(code, reason),
        }
    }
}
