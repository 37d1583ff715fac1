//! Where invented people and settings are: ended postcodes, so that nobody lives there.

use crate::{chance::Chance, made};
use oss_domain::{AuthorityCode, Postcode};

/// The upper-tier councils of the D2N2 area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Area {
    Derby,
    Derbyshire,
    Nottingham,
    Nottinghamshire,
}

/// Who runs a council's own provision: the provider's id and name.
pub(crate) type Council = (&'static str, &'static str);

impl Area {
    const ALL: [Self; 4] = [
        Self::Derby,
        Self::Derbyshire,
        Self::Nottingham,
        Self::Nottinghamshire,
    ];

    /// The area of `authority`; Derby where the sample knows no other.
    pub(crate) fn of(authority: AuthorityCode) -> Self {
        Self::ALL
            .into_iter()
            .find(|area| area.code() == authority.as_str())
            .unwrap_or(Self::Derby)
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Derby => "E06000015",
            Self::Derbyshire => "E10000007",
            Self::Nottingham => "E06000018",
            Self::Nottinghamshire => "E10000024",
        }
    }

    /// The council, as the provider of its own settings.
    pub(crate) const fn council(self) -> Council {
        match self {
            Self::Derby => ("DERBY", "Derby City Council"),
            Self::Derbyshire => ("DERBYSHIRE", "Derbyshire County Council"),
            Self::Nottingham => ("NOTTINGHAM", "Nottingham City Council"),
            Self::Nottinghamshire => ("NOTTINGHAMSHIRE", "Nottinghamshire County Council"),
        }
    }

    const fn postcodes(self) -> &'static str {
        match self {
            Self::Derby => include_str!("../data/derby.txt"),
            Self::Derbyshire => include_str!("../data/derbyshire.txt"),
            Self::Nottingham => include_str!("../data/nottingham.txt"),
            Self::Nottinghamshire => include_str!("../data/nottinghamshire.txt"),
        }
    }
}

/// Draws postcodes, near a council or over the whole of D2N2.
#[derive(Debug)]
pub(crate) struct Places {
    home: Area,
    texts: [(Area, Vec<&'static str>); 4],
}

impl Places {
    /// Places as seen from `home`.
    pub(crate) fn around(home: Area) -> Self {
        Self {
            home,
            texts: Area::ALL.map(|area| (area, area.postcodes().lines().collect())),
        }
    }

    /// A postcode inside the council's own area.
    pub(crate) fn local(&self, chance: &mut Chance) -> Postcode {
        self.within(self.home, chance)
    }

    /// A postcode of which `percent` lie inside the council's own area, the others around it.
    pub(crate) fn mostly_local(&self, chance: &mut Chance, percent: u32) -> Postcode {
        if chance.percent(percent) {
            return self.local(chance);
        }
        // The counties are large, the other city is small.
        let area = chance.weighted(&[
            (Area::Derby, 15),
            (Area::Derbyshire, 40),
            (Area::Nottingham, 15),
            (Area::Nottinghamshire, 30),
        ]);
        self.within(area, chance)
    }

    fn within(&self, area: Area, chance: &mut Chance) -> Postcode {
        let texts = self.texts.iter().find(|(candidate, _)| *candidate == area);
        made(chance.pick(texts.map(|(_, texts)| texts.as_slice()).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_postcode_is_in_its_normal_form_and_there_once() {
        let mut seen = std::collections::BTreeSet::new();
        for area in Area::ALL {
            for text in area.postcodes().lines() {
                assert_eq!(text.parse::<Postcode>().unwrap().as_str(), text);
                assert!(seen.insert(text), "{text}");
            }
        }
        assert_eq!(seen.len(), 2_800);
    }
}
