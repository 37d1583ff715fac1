//! Religion, language and ethnicity: what the care should reflect (Children Act 1989 s 22(5)(c)).

use crate::ssda903::Ethnicity;
use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

/// A lower-case word for a religion or a language, such as `muslim` or `en`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(Arc<str>);

/// A text is not such a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a lower-case word of 1 to 200 characters")]
pub struct ParseWordError;

impl Word {
    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Word {
    type Err = ParseWordError;
    fn from_str(text: &str) -> Result<Self, ParseWordError> {
        let n_chars = text.chars().count();
        let fits = (1..=200).contains(&n_chars)
            && text.trim() == text
            && !text.chars().any(|c| c.is_uppercase() || c.is_control());
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(ParseWordError)
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a child's care should reflect; an empty set asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityWanted {
    /// Any of these ethnicities.
    pub ethnicities: BTreeSet<Ethnicity>,
    /// This religion.
    pub religion: Option<Word>,
    /// Any of these languages.
    pub languages: BTreeSet<Word>,
}

/// What a setting states of itself; an empty set states nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityOffered {
    /// The ethnicities of the household or team.
    pub ethnicities: BTreeSet<Ethnicity>,
    /// The religions practised.
    pub religions: BTreeSet<Word>,
    /// The languages spoken.
    pub languages: BTreeSet<Word>,
}

impl Default for IdentityOffered {
    /// English is spoken, and nothing else is stated.
    fn default() -> Self {
        Self {
            ethnicities: BTreeSet::new(),
            religions: BTreeSet::new(),
            languages: BTreeSet::from([Word("en".into())]),
        }
    }
}
