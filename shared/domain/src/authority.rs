//! Councils, by ONS code.

use std::{fmt, str::FromStr};

/// The ONS code of a local authority, such as `E06000015` (Derby City Council).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthorityCode([u8; 9]);

/// A text is not the code of an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an ONS authority code such as E06000015: a letter and eight digits")]
pub struct ParseAuthorityError;

impl AuthorityCode {
    /// The code's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether the authority lies in England: the English care planning law applies there.
    #[must_use]
    pub const fn in_england(self) -> bool {
        self.0[0] == b'E'
    }
}

impl FromStr for AuthorityCode {
    type Err = ParseAuthorityError;
    fn from_str(text: &str) -> Result<Self, ParseAuthorityError> {
        match text.as_bytes() {
            [b'A'..=b'Z', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => text
                .as_bytes()
                .try_into()
                .map(Self)
                .map_err(|_| ParseAuthorityError),
            _ => Err(ParseAuthorityError),
        }
    }
}

impl fmt::Display for AuthorityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for AuthorityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_to_the_form() {
        assert_eq!(
            "E06000015".parse::<AuthorityCode>().unwrap().as_str(),
            "E06000015"
        );
        for bad in [
            "",
            "E0600001",
            "E060000155",
            "e06000015",
            "E0600001x",
            "é6000015",
        ] {
            assert!(bad.parse::<AuthorityCode>().is_err(), "{bad}");
        }
        assert!(!"W06000015".parse::<AuthorityCode>().unwrap().in_england());
    }
}
