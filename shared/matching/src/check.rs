//! An independent look at an evaluation: recomputes every fact from the plain referral and
//! settings, in other ways than ranking does, and tells what is wrong.
//!
//! A finding is a bug of ours. Whoever commits an outcome checks its offers first and refuses to
//! commit on a finding; the sweep and the tests check the whole.

use crate::{
    evaluation::{Evaluation, ExcludedSetting, Offer},
    policy::Policy,
    supply::Supply,
};
use chrono::{DateTime, Utc};
use oss_domain::{Exclusion, Postcode, Reason, Referral, SettingId};
use oss_geography::{Gazetteer, Location};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

mod facts;

use facts::{Asked, Facts};

/// Something that is wrong with an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The referral cannot be placed on the map, so it cannot have been evaluated.
    NoSuchPlace,
    /// A setting that is not in the supply.
    NoSuchSetting(SettingId),
    /// A setting that appears more than once.
    Repeated(SettingId),
    /// A setting that was not evaluated.
    LeftOut(SettingId),
    /// A connected person of other children.
    NotForTheseChildren(SettingId),
    /// A setting is offered that must not be.
    MustNotBeOffered(SettingId, Vec<Reason>),
    /// A setting is excluded with other reasons than it has.
    WrongReasons(SettingId, Vec<Reason>),
    /// A conditional setting with other acts than would cure it.
    WrongActs(SettingId),
    /// A fact of an offer is another.
    WrongFact(SettingId, &'static str),
    /// An offer comes after one that it should come before.
    WrongOrder(SettingId),
    /// A list or a number about the whole is wrong.
    WrongTotal(&'static str),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchPlace => f.write_str("the referral's postcodes or authority are unknown"),
            Self::NoSuchSetting(id) => write!(f, "{id} is not in the supply"),
            Self::Repeated(id) => write!(f, "{id} appears more than once"),
            Self::LeftOut(id) => write!(f, "{id} was not evaluated"),
            Self::NotForTheseChildren(id) => write!(f, "{id} is for other children"),
            Self::MustNotBeOffered(id, reasons) => {
                write!(f, "{id} must not be offered: {}", codes(reasons))
            }
            Self::WrongReasons(id, reasons) => {
                write!(f, "{id} is out for other reasons: {}", codes(reasons))
            }
            Self::WrongActs(id) => write!(f, "{id} has the wrong acts"),
            Self::WrongFact(id, fact) => write!(f, "{id} has the wrong {fact}"),
            Self::WrongOrder(id) => write!(f, "{id} is in the wrong place"),
            Self::WrongTotal(what) => write!(f, "wrong {what}"),
        }
    }
}

fn codes(reasons: &[Reason]) -> String {
    let texts: Vec<_> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    texts.join(" ")
}

/// Everything that is wrong with an evaluation of `referral` over `supply`, whoever made it.
#[must_use]
pub fn check(
    evaluation: &Evaluation,
    referral: &Referral,
    supply: &Supply,
    gazetteer: &Gazetteer,
    policy: &Policy,
    evaluated_at: DateTime<Utc>,
) -> Vec<Finding> {
    match Checker::new(
        referral,
        |postcode| gazetteer.locate(postcode),
        policy,
        evaluated_at,
    ) {
        Some(checker) => checker.check(evaluation, supply),
        None => vec![Finding::NoSuchPlace],
    }
}

/// Checks evaluations of one referral.
#[derive(Clone, Debug)]
pub struct Checker<'a> {
    asked: Asked<'a>,
}

impl<'a> Checker<'a> {
    /// A checker, or `None` where the referral cannot be placed on the map.
    #[must_use]
    pub fn new(
        referral: &'a Referral,
        locate: impl Fn(&Postcode) -> Option<Location>,
        policy: &'a Policy,
        evaluated_at: DateTime<Utc>,
    ) -> Option<Self> {
        let find = |postcode: &Postcode| locate(postcode).map(|location| location.point);
        let optional = |postcode: &Option<Postcode>| match postcode {
            Some(postcode) => find(postcode).map(Some),
            None => Some(None),
        };
        let zones = referral.exclusion_zones.iter();
        Some(Self {
            asked: Asked {
                referral,
                policy,
                evaluated_at,
                centre: find(&policy.authority(referral.authority)?.centre)?,
                home: optional(&referral.locations.home)?,
                school: optional(&referral.locations.school)?,
                zones: zones
                    .map(|zone| Some((find(&zone.centre)?, zone.radius.get())))
                    .collect::<Option<_>>()?,
            },
        })
    }

    /// Everything that is wrong with the whole evaluation.
    #[must_use]
    pub fn check(&self, evaluation: &Evaluation, supply: &Supply) -> Vec<Finding> {
        let mut findings = self.check_offers(&evaluation.ranked, supply);
        for excluded in &evaluation.excluded {
            self.check_excluded(excluded, supply, &mut findings);
        }
        self.check_presence(evaluation, supply, &mut findings);
        self.check_totals(evaluation, &mut findings);
        findings
    }

    /// Everything that is wrong with a list of offers: what must hold before they are published.
    #[must_use]
    pub fn check_offers(&self, offers: &[Offer], supply: &Supply) -> Vec<Finding> {
        let mut findings = Vec::new();
        for offer in offers {
            self.check_offer(offer, supply, &mut findings);
        }
        for (above, below) in offers.iter().zip(offers.iter().skip(1)) {
            if self.place(above) >= self.place(below) {
                findings.push(Finding::WrongOrder(below.setting_id.clone()));
            }
        }
        findings
    }

    fn check_offer(&self, offer: &Offer, supply: &Supply, findings: &mut Vec<Finding>) {
        let id = &offer.setting_id;
        let Some(entry) = supply.entry(id) else {
            findings.push(Finding::NoSuchSetting(id.clone()));
            return;
        };
        let (setting, location) = (entry.setting(), entry.location());
        let facts = Facts::new(&self.asked, entry);
        if !facts.shown() {
            findings.push(Finding::NotForTheseChildren(id.clone()));
        }
        let reasons = facts.reasons();
        if !reasons.is_empty() {
            findings.push(Finding::MustNotBeOffered(id.clone(), reasons));
        }
        let values = facts.values();
        let distances = &offer.distances;
        let told = (
            distances.home.get(),
            distances.derby.get(),
            distances.school.map(oss_domain::TenthsOfMile::get),
        );
        let gaps = offer
            .gaps
            .iter()
            .map(|gap| (gap.need, gap.level.get(), gap.has.get()));
        let facts = [
            (
                "provider",
                offer.provider_id == setting.provider.provider_id,
            ),
            ("kind", offer.kind == setting.kind),
            ("sourcing", offer.sourcing == setting.sourcing),
            ("weekly cost", offer.weekly_cost == setting.weekly_cost),
            ("authority", offer.located_in == location.authority),
            ("precision", offer.precision == location.precision),
            ("nearness", offer.near == facts.near()),
            ("distances", told == facts.tenths()),
            (
                "approvals",
                offer.approvals.iter().collect::<BTreeSet<_>>() == facts.approvals(),
            ),
            (
                "warnings",
                offer.warnings.iter().collect::<BTreeSet<_>>() == facts.warnings(),
            ),
            ("gaps", gaps.collect::<Vec<_>>() == facts.gaps()),
            ("values", offer.values == values),
            ("score", offer.score == self.score(offer)),
            ("band", offer.band.as_str() == self.band(values.fit)),
        ];
        for (fact, right) in facts {
            if !right {
                findings.push(Finding::WrongFact(id.clone(), fact));
            }
        }
    }

    fn check_excluded(
        &self,
        excluded: &ExcludedSetting,
        supply: &Supply,
        findings: &mut Vec<Finding>,
    ) {
        let id = &excluded.setting_id;
        let Some(entry) = supply.entry(id) else {
            findings.push(Finding::NoSuchSetting(id.clone()));
            return;
        };
        let facts = Facts::new(&self.asked, entry);
        if !facts.shown() {
            findings.push(Finding::NotForTheseChildren(id.clone()));
        }
        let mut reasons = facts.reasons();
        reasons.sort_by_key(Reason::sort_key);
        let acts = facts.requires(&reasons);
        if reasons.is_empty() || !excluded.reasons.iter().eq(reasons.iter().copied()) {
            findings.push(Finding::WrongReasons(id.clone(), reasons));
        }
        if !excluded.requires.iter().eq(acts) {
            findings.push(Finding::WrongActs(id.clone()));
        }
    }

    /// Each setting that may be shown is there, once.
    fn check_presence(
        &self,
        evaluation: &Evaluation,
        supply: &Supply,
        findings: &mut Vec<Finding>,
    ) {
        let ranked = evaluation.ranked.iter().map(|offer| &offer.setting_id);
        let excluded = evaluation
            .excluded
            .iter()
            .map(|setting| &setting.setting_id);
        let mut seen = BTreeSet::new();
        for id in ranked.chain(excluded) {
            if !seen.insert(id) {
                findings.push(Finding::Repeated(id.clone()));
            }
        }
        if supply.authority() != self.asked.referral.authority {
            return;
        }
        for entry in supply {
            let id = &entry.setting().setting_id;
            if !seen.contains(id) && Facts::new(&self.asked, entry).shown() {
                findings.push(Finding::LeftOut(id.clone()));
            }
        }
    }

    fn check_totals(&self, evaluation: &Evaluation, findings: &mut Vec<Finding>) {
        let Evaluation {
            evaluated,
            ranked,
            excluded,
            near_misses,
            exclusion_counts,
        } = evaluation;
        if *evaluated as usize != ranked.len() + excluded.len() {
            findings.push(Finding::WrongTotal("number of settings evaluated"));
        }
        if !excluded.is_sorted_by(|a, b| a.setting_id < b.setting_id) {
            findings.push(Finding::WrongTotal("order of excluded settings"));
        }
        let mut counts: BTreeMap<Exclusion, u32> = BTreeMap::new();
        let mut near = Vec::new();
        for setting in excluded {
            let reasons: Vec<Reason> = setting.reasons.iter().collect();
            let codes: BTreeSet<_> = reasons.iter().map(|reason| reason.code).collect();
            for code in codes {
                *counts.entry(code).or_default() += 1;
            }
            if let [reason] = reasons.as_slice()
                && ["H05", "H07", "H09", "H16"].contains(&reason.code.as_str())
                && near.len() < self.asked.policy.n_near_misses()
            {
                near.push((&setting.setting_id, *reason));
            }
        }
        if counts != *exclusion_counts {
            findings.push(Finding::WrongTotal("exclusion counts"));
        }
        if !near_misses
            .iter()
            .map(|miss| (&miss.setting_id, miss.reason))
            .eq(near)
        {
            findings.push(Finding::WrongTotal("near misses"));
        }
    }

    /// Where an offer belongs: the order of matching.md, word for word.
    fn place<'o>(
        &self,
        offer: &'o Offer,
    ) -> (
        &'static str,
        usize,
        bool,
        usize,
        Reverse<u32>,
        u32,
        &'o SettingId,
    ) {
        let plan = &self.asked.referral.placement_types;
        let sourcing = ["connected", "in_house", "block", "framework", "spot"];
        (
            self.band(offer.values.fit),
            plan.iter()
                .position(|kind| *kind == offer.kind)
                .unwrap_or(plan.len()),
            !offer.near,
            sourcing
                .iter()
                .position(|code| *code == offer.sourcing.as_str())
                .unwrap_or(5),
            Reverse(self.score(offer)),
            offer.weekly_cost.get(),
            &offer.setting_id,
        )
    }

    fn score(&self, offer: &Offer) -> u32 {
        let (w, v) = (self.asked.policy.weights(), &offer.values);
        let pairs = [
            (w.fit, v.fit),
            (w.home, v.home),
            (w.derby, v.derby),
            (w.in_area, v.in_area),
            (w.education, v.education),
            (w.identity, v.identity),
            (w.quality, v.quality),
            (w.cost, v.cost),
        ];
        let sum: u64 = pairs
            .iter()
            .map(|(w, v)| u64::from(*w) * u64::from(*v))
            .sum();
        u32::try_from(sum / 10_000).unwrap_or(u32::MAX)
    }

    fn band(&self, fit: u32) -> &'static str {
        let thresholds = self.asked.policy.thresholds();
        match fit {
            _ if fit >= thresholds.band_a_fit => "A",
            _ if fit >= thresholds.band_b_fit => "B",
            _ => "C",
        }
    }
}
