//! A postcode as a number that sorts as the postcode does, within its postcode area.

use oss_domain::Postcode;

/// The letters a postcode begins with, such as `DE`, padded with spaces.
pub(crate) type AreaLetters = [u8; 3];

/// Units a sector can hold: two letters.
pub(crate) const UNITS: u32 = 26 * 26;

/// One more than the number of the last sector that [`place`] can give.
pub(crate) const SECTORS: u32 = 11 * 37 * 10;

/// The area of `postcode`, the number of its sector in the area, and of its unit in the sector.
pub(crate) fn place(postcode: &Postcode) -> Option<(AreaLetters, u32, u32)> {
    let (outcode, incode) = postcode.as_str().split_once(' ')?;
    let district = outcode.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let mut area = [b' '; 3];
    let letters = outcode.strip_suffix(district)?.as_bytes();
    area.get_mut(..letters.len())?.copy_from_slice(letters);

    // 0 stands for no character, so that `DE1` sorts before `DE10` and `EC1A`.
    let symbol = |byte: Option<&u8>| match byte {
        Some(digit @ b'0'..=b'9') => u32::from(digit - b'0') + 1,
        Some(letter @ b'A'..=b'Z') => u32::from(letter - b'A') + 11,
        _ => 0,
    };
    let district = district.as_bytes();
    let district = symbol(district.first()) * 37 + symbol(district.get(1));
    let &[
        digit @ b'0'..=b'9',
        first @ b'A'..=b'Z',
        second @ b'A'..=b'Z',
    ] = incode.as_bytes()
    else {
        return None;
    };
    let sector = district * 10 + u32::from(digit - b'0');
    let unit = u32::from(first - b'A') * 26 + u32::from(second - b'A');
    Some((area, sector, unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> (AreaLetters, u32, u32) {
        place(&text.parse().unwrap()).unwrap()
    }

    proptest! {
        #[test]
        fn sorts_as_the_postcode_does_and_stays_in_bounds(
            a in "[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}",
            b in "[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}",
        ) {
            prop_assert_eq!(at(&a).cmp(&at(&b)), a.cmp(&b));
            prop_assert!(at(&a).1 < SECTORS && at(&a).2 < UNITS);
        }
    }
}
