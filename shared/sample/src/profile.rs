//! What settings can typically meet, and what they are like in other ways that vary by draw.

use crate::{chance::Chance, made};
use oss_domain::{
    Level, Need, SexSet,
    identity::IdentityOffered,
    need::Levels,
    ssda903::Ethnicity::{self, Aind, Apkn, Bafr, Bcrb, Mwbc, Wbri, Woth},
};

/// A level for each need, in the order of `Need::ALL`:
/// EMO BEH REL RISK SELF SUB HSB OFF LD ASC PHY MED SEN EDU IND.
pub(crate) type Profile = [u8; Need::COUNT];

pub(crate) const MAINSTREAM: Profile = [2, 2, 2, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 2, 1];
pub(crate) const ENHANCED: Profile = [3, 3, 3, 2, 2, 2, 1, 2, 2, 2, 1, 1, 1, 2, 2];
pub(crate) const PARENT_AND_CHILD: Profile = [2, 1, 3, 2, 1, 2, 0, 1, 2, 1, 1, 2, 1, 1, 3];
pub(crate) const FAMILY_WITH_DISABILITY: Profile = [2, 2, 2, 1, 1, 0, 0, 0, 3, 3, 3, 3, 2, 2, 1];
pub(crate) const HOME: Profile = [3, 3, 3, 3, 2, 2, 1, 2, 1, 2, 1, 1, 1, 3, 2];
pub(crate) const HOME_WITH_DISABILITY: Profile = [3, 3, 2, 2, 2, 1, 1, 1, 4, 4, 3, 3, 2, 3, 2];
pub(crate) const COMPLEX: Profile = [4, 4, 4, 4, 4, 3, 3, 3, 2, 3, 1, 2, 1, 3, 2];
pub(crate) const SUPPORTED: Profile = [2, 1, 1, 2, 1, 2, 1, 2, 1, 1, 0, 1, 1, 2, 3];
pub(crate) const SECURE: Profile = [4, 4, 4, 4, 4, 4, 3, 4, 2, 3, 2, 2, 1, 4, 2];

/// Levels about `profile`: no two carers are alike.
pub(crate) fn levels(chance: &mut Chance, profile: Profile) -> Levels {
    Need::ALL
        .iter()
        .zip(profile)
        .map(|(need, usual)| {
            let level = match chance.between(1, 100) {
                1..=12 => usual.saturating_sub(1),
                88..=100 if usual > 0 => usual + 1,
                _ => usual,
            };
            (*need, Level::new(level).unwrap_or(Level::MAX))
        })
        .collect()
}

/// An age range of a family's household.
pub(crate) fn family_ages(chance: &mut Chance) -> (u8, u8) {
    chance.weighted(&[
        ((0, 4), 10),
        ((0, 10), 20),
        ((0, 17), 30),
        ((5, 12), 15),
        ((8, 17), 12),
        ((11, 17), 13),
    ])
}

/// The sexes that are taken.
pub(crate) fn sexes(chance: &mut Chance) -> SexSet {
    chance.weighted(&[(SexSet::Both, 80), (SexSet::Male, 10), (SexSet::Female, 10)])
}

/// One background in four is not White British, and half of those state a religion and a language.
pub(crate) fn identity(chance: &mut Chance) -> IdentityOffered {
    type Background = (Ethnicity, Option<&'static str>, Option<&'static str>);
    const BACKGROUNDS: [(Background, u32); 9] = [
        ((Wbri, None, None), 50),
        ((Wbri, Some("christian"), None), 25),
        ((Apkn, Some("muslim"), Some("ur")), 7),
        ((Aind, Some("sikh"), Some("pa")), 5),
        ((Aind, Some("hindu"), Some("gu")), 2),
        ((Bcrb, Some("christian"), None), 4),
        ((Bafr, Some("muslim"), Some("ar")), 2),
        ((Mwbc, None, None), 2),
        ((Woth, Some("christian"), Some("pl")), 3),
    ];
    let (ethnicity, religion, language) = chance.weighted(&BACKGROUNDS);
    let mut identity = IdentityOffered::default();
    // Not every register has asked.
    if chance.percent(80) {
        identity.ethnicities.insert(ethnicity);
        identity.religions.extend(religion.map(made));
    }
    identity.languages.extend(language.map(made));
    identity
}
