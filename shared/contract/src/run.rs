//! A run on the wire: what `offers.proposed` and `referral.unfilled` carry, and the full record.

#![expect(clippy::struct_field_names, reason = "the contract names the fields")]

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use oss_domain::{
    Act, Approval, Exclusion, OfferId, Reason, SettingId, TenthsOfMile, Warning, reason::Detail,
};
use oss_matching::{Criterion, Evaluation, ExcludedSetting, explain};
use oss_workflow::ranking::{Proposal, RunFacts};
use serde::Serialize;
use std::collections::BTreeMap;

/// What is the same in the events and in the full record.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Common<'a> {
    referral_id: &'a str,
    /// The responsible council.
    authority: &'a str,
    revision: u64,
    run_id: String,
    policy: PolicyRef<'a>,
    /// The version of the rules.
    engine: &'a str,
    /// How many settings were evaluated.
    evaluated: u32,
    evaluated_at: DateTime<Utc>,
    /// The best, best first.
    offers: Vec<Offer<'a>>,
    /// Settings that one named act would bring in, by id.
    conditional: Vec<Conditional<'a>>,
    /// How many settings have a reason of each code.
    exclusion_counts: IndexMap<&'static str, u32>,
}

/// The policy that was applied.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct PolicyRef<'a> {
    id: &'a str,
    /// In lower-case hexadecimal digits.
    sha256: String,
}

/// A setting that may be offered.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Offer<'a> {
    /// Names the pair of referral and setting; survives re-ranking.
    offer_id: String,
    /// From 1.
    rank: u32,
    setting_id: &'a str,
    provider_id: &'a str,
    kind: &'static str,
    sourcing: &'static str,
    /// A, B or C: how well needs are met.
    band: &'static str,
    /// In parts per million.
    fit_ppm: u32,
    /// In hundredths of a point.
    score_hundredths: u32,
    /// In area, or not far from home.
    near: bool,
    /// The upper-tier authority that the setting lies in.
    located_in: &'a str,
    /// `unit`, or `sector` where only the postcode's sector is known.
    precision: &'static str,
    tenths_of_mile: Miles,
    weekly_cost_pence: u32,
    /// What must be recorded by a named role before the placement starts.
    approvals: Vec<&'static str>,
    warnings: Vec<&'static str>,
    gaps: Vec<Gap>,
    /// By criterion, in parts per million.
    values_ppm: IndexMap<&'static str, u32>,
}

/// Distances in tenths of a mile.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Miles {
    /// From home, or from the authority's centre where there is none.
    home: u16,
    /// From the responsible authority's centre.
    derby: u16,
    /// From school; null without one.
    school: Option<u16>,
}

/// A need that is not met in full.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Gap {
    need: &'static str,
    level: u8,
    has: u8,
}

/// A setting that any one of the acts would bring in.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Conditional<'a> {
    setting_id: &'a str,
    requires: Vec<&'static str>,
    reasons: Vec<&'static str>,
}

/// A setting with one reason that might be overcome.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct NearMiss<'a> {
    setting_id: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

/// A setting that may not be offered.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Excluded<'a> {
    setting_id: &'a str,
    reasons: Vec<ReasonInFull>,
    requires: Vec<&'static str>,
}

/// Why it may not.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct ReasonInFull {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    /// In words.
    text: String,
}

/// The data of `offers.proposed`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OffersProposed<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    /// Whether more settings are ranked than are listed.
    more: bool,
}

/// The data of `referral.unfilled`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReferralUnfilled<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    near_misses: Vec<NearMiss<'a>>,
    /// Always false: none is ranked.
    more: bool,
}

/// The full record of a run: identical for ever.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MatchRun<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    /// Every setting that may be offered, best first.
    ranked: Vec<Offer<'a>>,
    /// Every setting that may not, by id.
    excluded: Vec<Excluded<'a>>,
    near_misses: Vec<NearMiss<'a>>,
}

impl<'a> From<&'a Proposal> for OffersProposed<'a> {
    fn from(proposal: &'a Proposal) -> Self {
        Self {
            common: proposed(proposal),
            more: proposal.more,
        }
    }
}

impl<'a> From<&'a Proposal> for ReferralUnfilled<'a> {
    fn from(proposal: &'a Proposal) -> Self {
        Self {
            common: proposed(proposal),
            near_misses: near_misses(&proposal.near_misses),
            more: proposal.more,
        }
    }
}

impl<'a> MatchRun<'a> {
    /// The record of the run of `facts`, whose events carried `n_offers` at most; `offer_id` names
    /// the offer of a setting.
    pub fn new(
        facts: &'a RunFacts,
        evaluation: &'a Evaluation,
        n_offers: usize,
        offer_id: impl Fn(&SettingId) -> OfferId,
    ) -> Self {
        let ranked: Vec<_> = evaluation
            .ranked
            .iter()
            .zip(1..)
            .map(|(offer, rank)| wire_offer(offer, rank, offer_id(&offer.setting_id)))
            .collect();
        Self {
            common: Common {
                offers: ranked.iter().take(n_offers).cloned().collect(),
                conditional: evaluation.conditional().map(conditional).collect(),
                exclusion_counts: counts(&evaluation.exclusion_counts),
                ..common(facts, evaluation.evaluated)
            },
            ranked,
            excluded: evaluation.excluded.iter().map(excluded).collect(),
            near_misses: near_misses(&evaluation.near_misses),
        }
    }
}

fn proposed(proposal: &Proposal) -> Common<'_> {
    let offers = proposal.offers.iter();
    Common {
        offers: offers
            .map(|ranked| wire_offer(&ranked.offer, ranked.rank, ranked.offer_id))
            .collect(),
        conditional: proposal.conditional.iter().map(conditional).collect(),
        exclusion_counts: counts(&proposal.exclusion_counts),
        ..common(&proposal.facts, proposal.evaluated)
    }
}

fn common(facts: &RunFacts, evaluated: u32) -> Common<'_> {
    Common {
        referral_id: facts.referral_id.as_str(),
        authority: facts.authority.as_str(),
        revision: facts.revision,
        run_id: facts.run_id.to_string(),
        policy: PolicyRef {
            id: &facts.policy_id,
            sha256: hex::encode(facts.policy_sha256),
        },
        engine: &facts.engine,
        evaluated,
        evaluated_at: facts.evaluated_at,
        offers: Vec::new(),
        conditional: Vec::new(),
        exclusion_counts: IndexMap::new(),
    }
}

fn counts(counts: &BTreeMap<Exclusion, u32>) -> IndexMap<&'static str, u32> {
    let counts = counts.iter();
    counts
        .map(|(code, count)| (code.as_str(), *count))
        .collect()
}

fn near_misses(near_misses: &[oss_matching::NearMiss]) -> Vec<NearMiss<'_>> {
    near_misses
        .iter()
        .map(|near_miss| NearMiss {
            setting_id: near_miss.setting_id.as_str(),
            code: near_miss.reason.code.as_str(),
            detail: near_miss.reason.detail.map(Detail::as_str),
        })
        .collect()
}

fn wire_offer(offer: &oss_matching::Offer, rank: u32, offer_id: OfferId) -> Offer<'_> {
    Offer {
        offer_id: offer_id.to_string(),
        rank,
        setting_id: offer.setting_id.as_str(),
        provider_id: offer.provider_id.as_str(),
        kind: offer.kind.as_str(),
        sourcing: offer.sourcing.as_str(),
        band: offer.band.as_str(),
        fit_ppm: offer.values.fit,
        score_hundredths: offer.score,
        near: offer.near,
        located_in: offer.located_in.as_str(),
        precision: offer.precision.as_str(),
        tenths_of_mile: Miles {
            home: offer.distances.home.get(),
            derby: offer.distances.derby.get(),
            school: offer.distances.school.map(TenthsOfMile::get),
        },
        weekly_cost_pence: offer.weekly_cost.get(),
        approvals: offer.approvals.iter().map(Approval::as_str).collect(),
        warnings: offer.warnings.iter().map(Warning::as_str).collect(),
        gaps: offer
            .gaps
            .iter()
            .map(|gap| Gap {
                need: gap.need.as_str(),
                level: gap.level.get(),
                has: gap.has.get(),
            })
            .collect(),
        values_ppm: Criterion::ALL
            .into_iter()
            .map(|criterion| (criterion.as_str(), offer.values.get(criterion)))
            .collect(),
    }
}

fn conditional(setting: &ExcludedSetting) -> Conditional<'_> {
    Conditional {
        setting_id: setting.setting_id.as_str(),
        requires: setting.requires.iter().map(Act::as_str).collect(),
        reasons: setting.reasons.codes().map(Exclusion::as_str).collect(),
    }
}

fn excluded(setting: &ExcludedSetting) -> Excluded<'_> {
    Excluded {
        setting_id: setting.setting_id.as_str(),
        reasons: setting.reasons.iter().map(in_full).collect(),
        requires: setting.requires.iter().map(Act::as_str).collect(),
    }
}

fn in_full(reason: Reason) -> ReasonInFull {
    ReasonInFull {
        code: reason.code.as_str(),
        detail: reason.detail.map(Detail::as_str),
        text: explain::reason(reason),
    }
}
