//! Postcodes as text; `oss-geography` knows where they are.

use std::{fmt, str::FromStr};

/// A postcode in its normal form: upper case, one space before the last three characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Postcode {
    // Fixed size, so that supply of tens of thousands stays packed: `DE1 2FS` has 7 of 8.
    text: [u8; 8],
    len: u8,
}

/// A text does not have the form of a postcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a full postcode such as DE1 2FS")]
pub struct ParsePostcodeError;

impl Postcode {
    /// The normal form, such as `DE1 2FS`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text
            .get(..usize::from(self.len))
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }

    /// The part before the space, such as `DE1`: what a provider may be told of where.
    #[must_use]
    pub fn outcode(&self) -> &str {
        self.as_str().split(' ').next().unwrap_or_default()
    }

    /// The sector, such as `DE1 2`.
    #[must_use]
    pub fn sector(&self) -> &str {
        let text = self.as_str();
        text.get(..text.len().saturating_sub(2)).unwrap_or_default()
    }
}

impl FromStr for Postcode {
    type Err = ParsePostcodeError;

    /// Accepts any case and spacing; checks the form (one or two letters, a digit, at most one
    /// more letter or digit; a digit and two letters), not whether the postcode exists.
    fn from_str(text: &str) -> Result<Self, ParsePostcodeError> {
        let mut compact = [0_u8; 7];
        let mut len = 0;
        for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
            *compact.get_mut(len).ok_or(ParsePostcodeError)? = byte.to_ascii_uppercase();
            len += 1;
        }
        let compact = compact.get(..len).unwrap_or_default();
        let (outcode, incode) = compact
            .split_at_checked(len.wrapping_sub(3))
            .ok_or(ParsePostcodeError)?;
        let letters = outcode
            .iter()
            .take_while(|byte| byte.is_ascii_uppercase())
            .count();
        let district = outcode.get(letters..).unwrap_or_default();
        let well_formed = (1..=2).contains(&letters)
            && matches!(
                district,
                [b'0'..=b'9'] | [b'0'..=b'9', b'0'..=b'9' | b'A'..=b'Z']
            )
            && matches!(incode, [b'0'..=b'9', b'A'..=b'Z', b'A'..=b'Z']);
        // Newport's postcodes began NPT without a digit; they ended, but old addresses name them.
        let newport =
            outcode == b"NPT" && matches!(incode, [b'0'..=b'9', b'A'..=b'Z', b'A'..=b'Z']);
        if !well_formed && !newport {
            return Err(ParsePostcodeError);
        }
        let mut normal = Self {
            text: [b' '; 8],
            len: 0,
        };
        for (slot, byte) in normal
            .text
            .iter_mut()
            .zip(outcode.iter().chain(b" ").chain(incode))
        {
            *slot = *byte;
            normal.len += 1;
        }
        Ok(normal)
    }
}

impl fmt::Display for Postcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Postcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn is_normalised() {
        for text in ["DE1 2FS", "de12fs", " De1  2fS "] {
            let postcode: Postcode = text.parse().unwrap();
            assert_eq!(postcode.as_str(), "DE1 2FS");
            assert_eq!(postcode.sector(), "DE1 2");
            assert_eq!(postcode.outcode(), "DE1");
        }
        for good in ["M1 1AA", "EC1A 1BB", "W1A 0AX", "DE24 9HR", "NPT 0AD"] {
            assert_eq!(good.parse::<Postcode>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "DE1",
            "DE1 2F",
            "1DE 2FS",
            "DE123 2FS",
            "DEF1 2FS",
            "DE1 FFS",
            "D 2FS",
            "DE1 2FSX",
            "NPX 0AD",
        ] {
            assert!(bad.parse::<Postcode>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,12}") {
            let _ = text.parse::<Postcode>();
        }
    }
}
