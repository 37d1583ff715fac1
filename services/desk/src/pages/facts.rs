//! What a setting is to a child: each need met, partly met, not met, or not known.

use super::{
    languages,
    words::{self, Tag},
};
use oss_domain::{Level, Pence, Referral, Setting, identity::Word, reason::Approval};
use oss_matching::{Policy, evaluation::Offer, rules::rule};

/// How far something is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    Yes,
    Partly,
    No,
    NotKnown,
}

impl Met {
    pub(crate) const fn tag(self) -> Tag {
        match self {
            Self::Yes => Tag {
                text: "Meets",
                class: "govuk-tag--green",
            },
            Self::Partly => Tag {
                text: "Partly meets",
                class: "govuk-tag--yellow",
            },
            Self::No => Tag {
                text: "Does not meet",
                class: "govuk-tag--red",
            },
            Self::NotKnown => Tag {
                text: "Not known",
                class: "govuk-tag--grey",
            },
        }
    }
}

/// Something the child needs, and what the setting has.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    pub(crate) name: String,
    pub(crate) met: Tag,
    pub(crate) fact: String,
}

/// Every need of the referral, against the setting.
pub(crate) fn needs(referral: &Referral, setting: &Setting) -> Vec<Need> {
    let levels = referral.needs.levels.present().map(|(need, wanted)| {
        let has = setting.capabilities.get(need);
        let met = match has {
            has if has >= wanted => Met::Yes,
            Level::NONE => Met::No,
            _ => Met::Partly,
        };
        let essential = referral.needs.essential.contains(need);
        Need {
            name: format!(
                "{}{}",
                capital(need.in_words()),
                if essential { " (essential)" } else { "" }
            ),
            met: met.tag(),
            fact: format!(
                "Needs level {wanted}, {}. Has level {has}, {}.",
                words::level(wanted),
                words::level(has)
            ),
        }
    });
    let mut needs: Vec<_> = levels.collect();
    needs.extend(identity(referral, setting));
    let conditions = &referral.matching;
    if conditions.wheelchair_accessible {
        needs.push(yes_or_no(
            "Accessible by wheelchair",
            setting.wheelchair_accessible,
        ));
    }
    if conditions.prefers_no_male_household {
        needs.push(yes_or_no(
            "Household without men, preferred",
            setting.no_male_household,
        ));
    }
    needs
}

fn identity(referral: &Referral, setting: &Setting) -> Vec<Need> {
    let (wanted, has) = (&referral.identity, &setting.identity);
    let mut needs = Vec::new();
    if !wanted.ethnicities.is_empty() {
        let any = !wanted.ethnicities.is_disjoint(&has.ethnicities);
        let stated = !has.ethnicities.is_empty();
        needs.push(Need {
            name: "Ethnicity reflected".to_owned(),
            met: known(stated, any).tag(),
            fact: stated_words(&list(&wanted.ethnicities), &list(&has.ethnicities)),
        });
    }
    if let Some(religion) = &wanted.religion {
        needs.push(Need {
            name: "Religion".to_owned(),
            met: known(!has.religions.is_empty(), has.religions.contains(religion)).tag(),
            fact: stated_words(religion.as_str(), &list(&has.religions)),
        });
    }
    if !wanted.languages.is_empty() {
        let any = !wanted.languages.is_disjoint(&has.languages);
        needs.push(Need {
            name: "Language".to_owned(),
            met: known(!has.languages.is_empty(), any).tag(),
            fact: stated_words(&named(&wanted.languages), &named(&has.languages)),
        });
    }
    needs
}

const fn known(stated: bool, met: bool) -> Met {
    match (stated, met) {
        (_, true) => Met::Yes,
        (true, false) => Met::No,
        (false, false) => Met::NotKnown,
    }
}

fn yes_or_no(name: &str, met: bool) -> Need {
    let fact = if met {
        "The register says so."
    } else {
        "The register does not say so."
    };
    Need {
        name: name.to_owned(),
        met: known(true, met).tag(),
        fact: fact.to_owned(),
    }
}

fn stated_words(wanted: &str, has: &str) -> String {
    let has = if has.is_empty() {
        "nothing stated"
    } else {
        has
    };
    format!("Asked for: {wanted}. The home: {has}.")
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items
        .into_iter()
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn named<'a>(languages: impl IntoIterator<Item = &'a Word>) -> String {
    list(languages.into_iter().map(|it| languages::name(it.as_str())))
}

/// The first letter in upper case.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Who lives there, in words.
pub(crate) fn residents(setting: &Setting) -> String {
    let occupancy = &setting.occupancy;
    let residents: Vec<_> = occupancy
        .residents
        .iter()
        .map(|resident| {
            let sex = match resident.sex {
                oss_domain::Sex::Male => "boy",
                oss_domain::Sex::Female => "girl",
                oss_domain::Sex::Unknown => "child",
            };
            format!("a {sex} of {}", resident.age)
        })
        .collect();
    if residents.is_empty() {
        "Nobody else at present".to_owned()
    } else {
        capital(&residents.join(", "))
    }
}

/// What must be approved before the placement starts, by whom.
pub(crate) fn approvals(offer: &Offer, policy: &Policy) -> Vec<String> {
    let approval = |code: Approval| {
        let rule = rule(code);
        format!(
            "{} ({}, {})",
            rule.text.trim_end_matches('.'),
            words::code(policy.approver(code)),
            rule.code
        )
    };
    offer.approvals.iter().map(approval).collect()
}

/// What to bear in mind.
pub(crate) fn warnings(offer: &Offer) -> Vec<String> {
    let warnings = offer.warnings.iter().map(rule);
    warnings
        .map(|rule| format!("{} ({})", rule.text.trim_end_matches('.'), rule.code))
        .collect()
}

/// What an option is, in the words of lists and comparisons.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) setting_id: String,
    pub(crate) provider: String,
    pub(crate) kind: &'static str,
    pub(crate) sourcing: &'static str,
    pub(crate) band: &'static str,
    pub(crate) fit: String,
    pub(crate) score: String,
    pub(crate) home: String,
    pub(crate) school: String,
    pub(crate) centre: String,
    pub(crate) located_in: String,
    pub(crate) is_near: bool,
    pub(crate) weekly_cost: Pence,
    pub(crate) approvals: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

impl Facts {
    pub(crate) fn new(offer: &Offer, provider: &str, policy: &Policy) -> Self {
        Self {
            setting_id: offer.setting_id.to_string(),
            provider: provider.to_owned(),
            kind: words::kind(offer.kind),
            sourcing: words::sourcing(offer.sourcing),
            band: offer.band.as_str(),
            fit: words::percent(offer.values.fit),
            score: words::points(offer.score),
            home: offer.distances.home.to_string(),
            school: offer
                .distances
                .school
                .map_or("no school given".to_owned(), |it| it.to_string()),
            centre: offer.distances.derby.to_string(),
            located_in: words::authority(offer.located_in),
            is_near: offer.near,
            weekly_cost: offer.weekly_cost,
            approvals: approvals(offer, policy),
            warnings: warnings(offer),
        }
    }
}
