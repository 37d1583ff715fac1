//! How long texts may be, and what they may not hold: the same for events, the API and pages.

/// How long a text may be that is not marked as long, in characters.
pub const TEXT: usize = 200;
/// How long a text may be that is marked as long, in characters.
pub const LONG_TEXT: usize = 10_000;

/// What is wrong with a text, trimmed, that may have `max` characters: a code, and what to do about
/// it. `None` where nothing is.
#[must_use]
pub fn fault(text: &str, max: usize) -> Option<(&'static str, String)> {
    if text.is_empty() {
        return Some(("too_short", "must not be empty".to_owned()));
    }
    // Cheap first: a text has no more characters than bytes.
    if text.len() > max && text.chars().count() > max {
        return Some(("too_long", format!("must have at most {max} characters")));
    }
    if text.contains('\0') {
        // PostgreSQL has no such character.
        let detail = "must not hold the character U+0000";
        return Some(("invalid_text", detail.to_owned()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn texts_are_counted_in_characters() {
        let code = |text: &str| fault(text, 3).map(|(code, _)| code);
        assert_eq!(code("äöü"), None);
        assert_eq!(code("four"), Some("too_long"));
        assert_eq!(code(""), Some("too_short"));
        assert_eq!(code("a\0b"), Some("invalid_text"));
    }
}
