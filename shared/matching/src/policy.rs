//! What a council decides for itself: weights, anchors, benchmarks, thresholds, adjacency,
//! approvers and clocks. Rules are code; these are data, in a versioned TOML file.

use oss_domain::{
    Approval, AuthorityCode, Pence, Postcode, TenthsOfMile,
    referral::Urgency,
    setting::{Kind, Quality},
};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt};

mod parse;

/// Parts per million that stand for "entirely".
pub const FULL_PPM: u32 = 1_000_000;

/// The policy that is built in.
const EMBEDDED: &str = include_str!("../policy/derby-2026-11.toml");

/// What a value measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Criterion {
    /// How far the capabilities meet the needs.
    Fit,
    /// Distance from home.
    Home,
    /// Distance from the responsible authority's centre.
    Derby,
    /// Inside the responsible authority's area.
    InArea,
    /// Distance from school.
    Education,
    /// Ethnicity, religion and language.
    Identity,
    /// The inspectorate's judgement.
    Quality,
    /// The weekly cost.
    Cost,
}

impl Criterion {
    /// Every criterion, in the usual order.
    pub const ALL: [Self; 8] = [
        Self::Fit,
        Self::Home,
        Self::Derby,
        Self::InArea,
        Self::Education,
        Self::Identity,
        Self::Quality,
        Self::Cost,
    ];

    /// The code, as it is written on the wire and in a policy.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fit => "fit",
            Self::Home => "home",
            Self::Derby => "derby",
            Self::InArea => "in_area",
            Self::Education => "education",
            Self::Identity => "identity",
            Self::Quality => "quality",
            Self::Cost => "cost",
        }
    }

    /// What it stands for, in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Fit => "how well needs are met",
            Self::Home => "distance from home",
            Self::Derby => "distance from the council's centre",
            Self::InArea => "being inside the council's area",
            Self::Education => "distance from school",
            Self::Identity => "identity",
            Self::Quality => "quality",
            Self::Cost => "cost",
        }
    }
}

/// A number for each criterion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByCriterion {
    /// See [`Criterion::Fit`].
    pub fit: u32,
    /// See [`Criterion::Home`].
    pub home: u32,
    /// See [`Criterion::Derby`].
    pub derby: u32,
    /// See [`Criterion::InArea`].
    pub in_area: u32,
    /// See [`Criterion::Education`].
    pub education: u32,
    /// See [`Criterion::Identity`].
    pub identity: u32,
    /// See [`Criterion::Quality`].
    pub quality: u32,
    /// See [`Criterion::Cost`].
    pub cost: u32,
}

/// Parts per million for each criterion.
pub type Values = ByCriterion;

/// Points for each criterion, 100 in all.
pub type Weights = ByCriterion;

impl ByCriterion {
    /// The number for `criterion`.
    #[must_use]
    pub const fn get(&self, criterion: Criterion) -> u32 {
        match criterion {
            Criterion::Fit => self.fit,
            Criterion::Home => self.home,
            Criterion::Derby => self.derby,
            Criterion::InArea => self.in_area,
            Criterion::Education => self.education,
            Criterion::Identity => self.identity,
            Criterion::Quality => self.quality,
            Criterion::Cost => self.cost,
        }
    }

    /// The same numbers, but `number` for `criterion`.
    #[must_use]
    pub const fn with(mut self, criterion: Criterion, number: u32) -> Self {
        let slot = match criterion {
            Criterion::Fit => &mut self.fit,
            Criterion::Home => &mut self.home,
            Criterion::Derby => &mut self.derby,
            Criterion::InArea => &mut self.in_area,
            Criterion::Education => &mut self.education,
            Criterion::Identity => &mut self.identity,
            Criterion::Quality => &mut self.quality,
            Criterion::Cost => &mut self.cost,
        };
        *slot = number;
        self
    }
}

/// Full value up to one distance, none from another, evenly less in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Up to here the value is full.
    pub full: TenthsOfMile,
    /// From here on there is none.
    pub zero: TenthsOfMile,
}

/// The anchors of the values that are distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchors {
    /// From home.
    pub home: Anchor,
    /// From the authority's centre.
    pub derby: Anchor,
    /// From school.
    pub education: Anchor,
}

/// Where rules and bands begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Near: in area, or home no further than this.
    pub near: TenthsOfMile,
    /// W01: home further than this.
    pub far_from_home: TenthsOfMile,
    /// A10: school further than this.
    pub key_stage_4: TenthsOfMile,
    /// W13: capacity confirmed longer ago than this, in hours.
    pub vacancy_confirmed_hours: u32,
    /// Band A from this fit, in parts per million.
    pub band_a_fit: u32,
    /// Band B from this fit, in parts per million.
    pub band_b_fit: u32,
}

/// Statutory clocks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clocks {
    /// Reg 23: working days that an emergency outside the terms of approval may last.
    pub emergency_outside_terms_working_days: u32,
    /// Reg 24: weeks of a connected person's temporary approval.
    pub connected_person_weeks: u32,
    /// Reg 25: weeks that it may be extended by, once.
    pub connected_person_extension_weeks: u32,
    /// Days before the end at which to remind.
    pub connected_person_reminder_days: Vec<u32>,
    /// Reg 13: working days within which the host authority is told, in an emergency.
    pub host_notice_working_days: u32,
}

/// A council that the policy serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Council {
    /// Its ONS code.
    pub authority: AuthorityCode,
    /// Its name.
    pub name: String,
    /// Where distances run from when there is no home.
    pub centre: Postcode,
    /// The authorities whose areas touch its own (reg 11: not "at a distance").
    pub adjoining: Vec<AuthorityCode>,
}

/// A policy: checked, complete, and known by the hash of its text.
#[derive(Clone)]
pub struct Policy {
    id: String,
    sha256: [u8; 32],
    text: Box<str>,
    weights: Weights,
    anchors: Anchors,
    benchmarks: Vec<Pence>,
    quality: Vec<u32>,
    thresholds: Thresholds,
    n_offers: usize,
    n_near_misses: usize,
    hold_hours: Vec<u32>,
    clocks: Clocks,
    approvers: BTreeMap<Approval, String>,
    councils: Vec<Council>,
}

/// A text is not a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is not TOML of the right form.
    #[error("the policy cannot be read: {0}")]
    Form(String),
    /// It contradicts itself or leaves something out.
    #[error("the policy has {} problem(s): {}", .0.len(), .0.join("; "))]
    Content(Vec<String>),
}

impl Policy {
    /// The policy that is built in, `derby-2026-11`.
    ///
    /// # Panics
    /// Never: a test parses the same text.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a constant text, parsed by a test too")]
    pub fn embedded() -> Self {
        Self::parse(EMBEDDED).expect("the built-in policy is valid")
    }

    /// Reads a policy.
    ///
    /// # Errors
    /// With every problem of content at once.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        parse::parse(text)
    }

    /// Its name, such as `derby-2026-11`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The text it was read from, to be kept with the runs that were made under it.
    #[must_use]
    pub const fn text(&self) -> &str {
        &self.text
    }

    /// The SHA-256 of its text.
    #[must_use]
    pub const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The council of that code, if the policy serves it.
    #[must_use]
    pub fn authority(&self, code: AuthorityCode) -> Option<&Council> {
        self.councils
            .iter()
            .find(|council| council.authority == code)
    }

    /// Every council that the policy serves.
    #[must_use]
    pub fn councils(&self) -> &[Council] {
        &self.councils
    }

    /// The weights, 100 points in all.
    #[must_use]
    pub const fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The same policy with other weights, to ask "what if".
    ///
    /// It keeps the hash of the text it came from, so its runs are not to be stored.
    #[must_use]
    pub fn with_weights(mut self, weights: Weights) -> Self {
        self.weights = weights;
        self
    }

    /// The anchors of the distance values.
    #[must_use]
    pub const fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Where rules and bands begin.
    #[must_use]
    pub const fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// What a place of `kind` usually costs a week.
    #[must_use]
    pub fn benchmark(&self, kind: Kind) -> Pence {
        self.benchmarks
            .get(kind as usize)
            .copied()
            .unwrap_or_default()
    }

    /// What a judgement is worth, in parts per million.
    #[must_use]
    pub fn quality_ppm(&self, quality: Quality) -> u32 {
        self.quality
            .get(quality as usize)
            .copied()
            .unwrap_or_default()
    }

    /// How many offers an event carries.
    #[must_use]
    pub const fn n_offers(&self) -> usize {
        self.n_offers
    }

    /// How many near misses a run lists.
    #[must_use]
    pub const fn n_near_misses(&self) -> usize {
        self.n_near_misses
    }

    /// How many hours a place is kept.
    #[must_use]
    pub fn hold_hours(&self, urgency: Urgency) -> u32 {
        self.hold_hours
            .get(urgency as usize)
            .copied()
            .unwrap_or_default()
    }

    /// The statutory clocks.
    #[must_use]
    pub const fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    /// The role that records `approval`.
    #[must_use]
    pub fn approver(&self, approval: Approval) -> &str {
        self.approvers.get(&approval).map_or("", String::as_str)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Policy").field(&self.id).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_policy_is_the_one_of_matching_md() {
        let policy = Policy::embedded();
        assert_eq!(policy.id(), "derby-2026-11");
        let sum: u32 = Criterion::ALL
            .iter()
            .map(|c| policy.weights().get(*c))
            .sum();
        assert_eq!(sum, 100);
        assert_eq!(policy.benchmark(Kind::ConnectedPerson), Pence::new(40_000));
        assert_eq!(
            policy.benchmark(Kind::SecureChildrensHome),
            Pence::new(750_000)
        );
        assert_eq!(policy.quality_ppm(Quality::ConsistentlyStrong), 900_000);
        assert_eq!(policy.hold_hours(Urgency::Emergency), 4);
        assert_eq!(
            policy.approver(Approval::A02),
            "director_of_childrens_services"
        );
        let derby = policy.authority("E06000015".parse().unwrap()).unwrap();
        assert_eq!(derby.centre.as_str(), "DE1 2FS");
        assert!(policy.authority("E10000007".parse().unwrap()).is_none());
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let text = EMBEDDED.replace("identity = 10", "identiy = 10");
        assert!(matches!(Policy::parse(&text), Err(PolicyError::Form(_))));
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let text = EMBEDDED
            .replace("fit = 35", "fit = 36")
            .replace("band_b_fit_ppm = 700_000", "band_b_fit_ppm = 900_000")
            .replace("full = 20, zero = 400", "full = 400, zero = 400")
            .replace("A17 = \"commissioner\"", "A99 = \"commissioner\"")
            .replace("DE1 2FS", "nowhere")
            .replace("childrens_home = 600_000", "childrens_home = 0");
        let Err(PolicyError::Content(problems)) = Policy::parse(&text) else {
            panic!("accepted");
        };
        for about in [
            "weights",
            "band",
            "anchors",
            "A99",
            "A17",
            "centre",
            "childrens_home",
        ] {
            assert!(
                problems.iter().any(|problem| problem.contains(about)),
                "{about}: {problems:?}"
            );
        }
    }

    #[test]
    fn the_hash_is_of_the_text() {
        let other = Policy::parse(&format!("{EMBEDDED}\n")).unwrap();
        assert_ne!(other.sha256(), Policy::embedded().sha256());
    }
}
