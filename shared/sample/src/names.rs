//! Invented providers. Each name says that it is a sample's: nobody is to be mistaken for it.

use crate::made;
use oss_domain::setting::Provider;

const FIRST: [&str; 16] = [
    "Quill",
    "Thistle",
    "Larkspur",
    "Ember",
    "Fennel",
    "Harrow",
    "Juniper",
    "Kestrel",
    "Lantern",
    "Marrow",
    "Nettle",
    "Ochre",
    "Pebble",
    "Rushlight",
    "Saffron",
    "Tansy",
];
const SECOND: [&str; 12] = [
    "mere", "wick", "holt", "ford", "gate", "moor", "croft", "stow", "garth", "beck", "lea",
    "combe",
];

/// What a provider does: the prefix of its id, and the end of its name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trade {
    Fostering,
    Homes,
    SupportedAccommodation,
    FamilyCentres,
    Secure,
}

/// The `number`th invented provider of a trade, counted from 0; there are 192 names for each.
pub(crate) fn provider(trade: Trade, number: u32) -> Provider {
    let (prefix, ending) = match trade {
        Trade::Fostering => ("AGY", "Fostering"),
        Trade::Homes => ("HOM", "Children's Homes"),
        Trade::SupportedAccommodation => ("SUP", "Supported Living"),
        Trade::FamilyCentres => ("FAM", "Family Assessment"),
        Trade::Secure => ("SEC", "Secure Care"),
    };
    let number = number as usize;
    let first = FIRST.iter().cycle().nth(number).unwrap_or(&"");
    // Nine more steps every sixteen: no pair comes again before all of them have been.
    let second = SECOND
        .iter()
        .cycle()
        .nth(number + number / FIRST.len() * 9)
        .unwrap_or(&"");
    Provider {
        provider_id: made(&format!("{prefix}{:02}", number + 1)),
        name: format!("{first}{second} {ending} (sample)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_providers_share_a_name() {
        let names: BTreeSet<String> = (0..192).map(|n| provider(Trade::Homes, n).name).collect();
        assert_eq!(names.len(), 192);
        assert!(names.iter().all(|name| name.ends_with("(sample)")));
    }
}
