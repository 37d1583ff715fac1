//! The names of languages. Registers know them by code (ISO 639-1); people read and write names.
//!
//! The names are British English ones of Unicode's CLDR 48.2 (npm: `cldr-localenames-full`), all of two letters;
//! its licence lies beside them. A language without such a code is a word, as the contract has it.

use std::{collections::BTreeMap, sync::LazyLock};

/// By code.
static NAMES: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../data/languages.json")).unwrap_or_default()
});

/// The language as people read it: what has no known code stays as it is.
pub(crate) fn name(code: &str) -> &str {
    NAMES.get(code).copied().unwrap_or(code)
}

/// The language as registers have it, of its name or its code.
pub(crate) fn code(written: &str) -> String {
    let written = written.to_lowercase();
    let mut names = NAMES.iter();
    let found = names.find(|(_, name)| name.to_lowercase() == written);
    found.map_or(written, |(code, _)| (*code).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_by_name_or_code_is_stored_by_code_and_read_by_name() {
        for (written, stored, read) in [
            ("Urdu", "ur", "Urdu"),
            ("punjabi", "pa", "Punjabi"),
            ("PL", "pl", "Polish"),
            (
                "British Sign Language",
                "british sign language",
                "british sign language",
            ),
        ] {
            assert_eq!(code(written), stored);
            assert_eq!(name(stored), read);
        }
        for (stored, read) in &*NAMES {
            assert_eq!(code(read), *stored, "no two have one name");
        }
        assert_eq!(NAMES.len(), 184);
    }
}
