//! Why an event or act is not carried out.

use oss_domain::FieldError;

/// A step refused; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The data is wrong: for its sender to mend.
    #[error("the data is not valid")]
    Invalid(Vec<FieldError>),
    /// The same revision was received before with another content.
    #[error("revision {revision} was received before with another content")]
    RevisionConflict {
        /// The revision.
        revision: u64,
    },
    /// What it speaks of is not known yet; it may be later.
    #[error("{what} is not known")]
    NotKnownYet {
        /// What is missing, such as `setting F01`.
        what: String,
    },
    /// What it speaks of does not exist.
    #[error("{what} does not exist")]
    NotFound {
        /// What is missing.
        what: String,
    },
    /// It came too late, or clashes with what has happened meanwhile.
    #[error("{why}")]
    Conflict {
        /// A stable code, such as `place_gone`.
        code: &'static str,
        /// Why, in words.
        why: String,
    },
}
