//! Councils: which district lies in which upper-tier authority, their names, and dated sets.

use std::{collections::BTreeMap, sync::OnceLock};

use chrono::NaiveDate;
use oss_domain::AuthorityCode;
use serde::Deserialize;

/// District to upper tier, with names (ONS, November 2025). Scotland's are unnamed.
const TABLE: &str = include_str!("../data/authorities.csv");

/// Sets of upper-tier authorities, each as it stood on a date.
const SETS: &str = include_str!("../data/authority_sets.csv");

/// The table of Great Britain's authorities.
#[derive(Debug)]
pub struct Authorities {
    upper_tier: BTreeMap<AuthorityCode, AuthorityCode>,
    names: BTreeMap<AuthorityCode, String>,
    sets: BTreeMap<String, AuthoritySet>,
}

/// Some authorities that work together, as they stood on a date.
///
/// A set is not a legal area: being in one says nothing of being in the responsible authority's
/// area, nor of adjoining it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthoritySet {
    /// The day on which the set was checked.
    pub as_at: NaiveDate,
    /// Upper-tier authorities, by code.
    pub members: Vec<AuthorityCode>,
}

impl AuthoritySet {
    /// Whether `authority` (upper tier) is a member.
    #[must_use]
    pub fn contains(&self, authority: AuthorityCode) -> bool {
        self.members.binary_search(&authority).is_ok()
    }
}

#[derive(Deserialize)]
struct TableRow {
    lad: String,
    lad_name: String,
    upper_tier: String,
    upper_tier_name: String,
}

#[derive(Deserialize)]
struct SetRow {
    set: String,
    as_at: NaiveDate,
    authority: String,
}

impl Authorities {
    /// The tables in the program.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static EMBEDDED: OnceLock<Authorities> = OnceLock::new();
        EMBEDDED.get_or_init(Self::read)
    }

    /// Leaves out what it cannot read; a test shows that there is no such row.
    fn read() -> Self {
        let mut this = Self {
            upper_tier: BTreeMap::new(),
            names: BTreeMap::new(),
            sets: BTreeMap::new(),
        };
        for row in rows::<TableRow>(TABLE) {
            let (Ok(district), Ok(upper)) = (row.lad.parse(), row.upper_tier.parse()) else {
                continue;
            };
            this.upper_tier.insert(district, upper);
            for (code, name) in [(district, row.lad_name), (upper, row.upper_tier_name)] {
                if !name.is_empty() {
                    this.names.insert(code, name);
                }
            }
        }
        for row in rows::<SetRow>(SETS) {
            let Ok(authority) = row.authority.parse() else {
                continue;
            };
            let set = this.sets.entry(row.set).or_insert(AuthoritySet {
                as_at: row.as_at,
                members: Vec::new(),
            });
            set.members.push(authority);
            set.members.sort_unstable();
        }
        this
    }

    /// The upper-tier authority of `district`, which holds the duties for children.
    ///
    /// A unitary authority is its own upper tier, also when it is newer than the table. `None`
    /// for a shire district (`E07…`) that the table does not have: its county is not known.
    #[must_use]
    pub fn upper_tier(&self, district: AuthorityCode) -> Option<AuthorityCode> {
        self.upper_tier
            .get(&district)
            .copied()
            .or_else(|| (!district.as_str().starts_with("E07")).then_some(district))
    }

    /// The name of a district or an upper-tier authority, where the table has one.
    #[must_use]
    pub fn name(&self, authority: AuthorityCode) -> Option<&str> {
        self.names.get(&authority).map(String::as_str)
    }

    /// The upper-tier authority of that name, in any case, such as `Derbyshire`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<AuthorityCode> {
        let name = name.to_lowercase();
        let is_upper = |code: &AuthorityCode| self.upper_tier(*code) == Some(*code);
        self.names
            .iter()
            .find(|(code, known)| known.to_lowercase() == name && is_upper(code))
            .map(|(code, _)| *code)
    }

    /// The set of that name, such as `D2N2`.
    #[must_use]
    pub fn set(&self, name: &str) -> Option<&AuthoritySet> {
        self.sets.get(name)
    }

    /// Whether `authority` (upper tier) is one of the four of D2N2: Derby, Derbyshire,
    /// Nottingham and Nottinghamshire commission together.
    #[must_use]
    pub fn in_d2n2(&self, authority: AuthorityCode) -> bool {
        self.set("D2N2").is_some_and(|set| set.contains(authority))
    }
}

fn rows<T: serde::de::DeserializeOwned>(text: &str) -> impl Iterator<Item = T> {
    csv::Reader::from_reader(text.as_bytes())
        .into_deserialize()
        .filter_map(Result::ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> AuthorityCode {
        text.parse().unwrap()
    }

    #[test]
    fn every_row_is_read() {
        let table = Authorities::embedded();
        assert_eq!(table.upper_tier.len(), TABLE.lines().count() - 1);
        let members: usize = table.sets.values().map(|set| set.members.len()).sum();
        assert_eq!(members, SETS.lines().count() - 1);
    }

    #[test]
    fn a_district_lies_in_its_county_and_a_unitary_authority_in_itself() {
        let table = Authorities::embedded();
        let upper = |text: &str| table.upper_tier(code(text));
        assert_eq!(upper("E07000036"), Some(code("E10000007")), "Erewash");
        assert_eq!(upper("E07000170"), Some(code("E10000024")), "Ashfield");
        assert_eq!(upper("E06000015"), Some(code("E06000015")), "Derby");
        assert_eq!(upper("S12000033"), Some(code("S12000033")), "Aberdeen");
        assert_eq!(upper("W06000015"), Some(code("W06000015")), "Cardiff");
        assert_eq!(upper("E06999999"), Some(code("E06999999")), "newer");
        assert_eq!(upper("E07999999"), None);
        assert_eq!(table.name(code("E10000007")), Some("Derbyshire"));
        assert_eq!(table.name(code("S12000033")), None);
        assert_eq!(table.named("derbyshire"), Some(code("E10000007")));
        assert_eq!(table.named("Erewash"), None, "no upper tier");
    }

    #[test]
    fn d2n2_is_four_authorities() {
        let table = Authorities::embedded();
        let names = table.set("D2N2").unwrap().members.iter();
        let names: Vec<_> = names.map(|code| table.name(*code).unwrap()).collect();
        assert_eq!(
            names,
            ["Derby", "Nottingham", "Derbyshire", "Nottinghamshire"]
        );
        assert!(!table.in_d2n2(code("E10000028")), "Staffordshire");
    }
}
