//! A referral is ranked: what the run was made of, what came out, and what is told of it.

use crate::{
    event::Event,
    key::{OfferSeal, ReferralKey, SettingKey, SupplyVersion},
    unit::{Context, Entry, RunHead, Unit},
};
use chrono::{DateTime, Utc};
use oss_domain::{
    AuthorityCode, Exclusion, OfferId, ReferralId, RunId, SettingId, lifecycle::ReferralState,
};
use oss_matching::{
    ENGINE_VERSION, ExcludedSetting, NearMiss, Offer, Outcome, Policy, Query, Supply, rank,
};
use std::{collections::BTreeMap, sync::Arc};

/// What a run was made of: enough to make it again, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFacts {
    /// The run.
    pub run_id: RunId,
    /// The responsible authority.
    pub authority: AuthorityCode,
    /// The referral.
    pub referral_id: ReferralId,
    /// The referral's revision.
    pub revision: u64,
    /// The supply: the register with the places held in it.
    pub supply: SupplyVersion,
    /// The policy's name.
    pub policy_id: Arc<str>,
    /// The SHA-256 of the policy's text.
    pub policy_sha256: [u8; 32],
    /// The version of the rules.
    pub engine: Arc<str>,
    /// The edition of the postcodes.
    pub gazetteer: Arc<str>,
    /// The one instant that time-bound rules speak of.
    pub evaluated_at: DateTime<Utc>,
}

/// A run to be stored: its facts and every setting's result.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it was made of.
    pub facts: RunFacts,
    /// The referral's key.
    pub key: ReferralKey,
    /// What came out. Its settings are those in supply at [`RunFacts::supply`], by id, so a record
    /// need not name them.
    pub outcome: Arc<Outcome>,
    /// [`Outcome::digest`], as a number.
    pub digest: u128,
}

/// An offer with its id and its rank from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankedOffer {
    /// Names the pair of referral and setting; survives re-ranking.
    pub offer_id: OfferId,
    /// The place in the order, from 1.
    pub rank: u32,
    /// The offer.
    pub offer: Offer,
}

/// What is told of a run: the best offers, or why there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What the run was made of.
    pub facts: RunFacts,
    /// How many settings were evaluated.
    pub evaluated: u32,
    /// The best offers, as many as the policy shows.
    pub offers: Vec<RankedOffer>,
    /// Whether there are more.
    pub more: bool,
    /// The settings that one act would bring in.
    pub conditional: Vec<ExcludedSetting>,
    /// How many settings have a reason of each code.
    pub exclusion_counts: BTreeMap<Exclusion, u32>,
    /// Settings with one reason that might be overcome; told where there are no offers.
    pub near_misses: Vec<NearMiss>,
}

/// What ranking reads besides the referral: all of it held still while it runs.
#[derive(Clone, Copy)]
pub struct Market<'a> {
    /// The register, with the places held in it.
    pub supply: &'a Supply,
    /// The supply's version.
    pub version: SupplyVersion,
    /// The policy.
    pub policy: &'a Policy,
    /// The edition of the postcodes.
    pub gazetteer: &'a Arc<str>,
    /// Makes offer ids.
    pub seal: &'a OfferSeal,
    /// The key of a setting in supply.
    pub key_of: &'a dyn Fn(&SettingId) -> Option<SettingKey>,
}

impl std::fmt::Debug for Market<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Market")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Whether ranking found anything new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reranked {
    /// There is a new run; so many offers.
    Changed {
        /// How many settings may be offered.
        n_offers: usize,
    },
    /// The outcome is that of the current run, which is kept; nothing is told.
    Same,
    /// The referral needs no home any more, or was never seen.
    NotOpen,
}

/// Ranks the referral `at` over `market`, and writes a run where the outcome is new.
///
/// `query` is the referral's current revision, compiled.
pub fn rank_referral(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    at: &(AuthorityCode, ReferralId),
    query: &Query,
    market: Market<'_>,
) -> Reranked {
    let Some(head) = unit
        .referrals
        .get_mut(at)
        .filter(|head| head.state.is_open())
    else {
        return Reranked::NotOpen;
    };
    let outcome = rank(query, market.supply, market.policy, context.now);
    let digest = u128::from_be_bytes(outcome.digest());
    head.evaluated = Some(market.version);
    unit.changed_referrals.insert(at.clone());
    if head
        .run
        .is_some_and(|run| run.revision == head.revision && run.digest == digest)
    {
        return Reranked::Same;
    }
    let facts = RunFacts {
        run_id: RunId::generate(context.ids),
        authority: head.authority,
        referral_id: head.referral_id.clone(),
        revision: head.revision,
        supply: market.version,
        policy_id: market.policy.id().into(),
        policy_sha256: market.policy.sha256(),
        engine: ENGINE_VERSION.into(),
        gazetteer: market.gazetteer.clone(),
        evaluated_at: context.now,
    };
    let n_offers = outcome.n_ranked();
    head.run = Some(RunHead {
        run_id: facts.run_id,
        revision: head.revision,
        digest,
    });
    // Once providers were approached, a new order does not take that back.
    if head.state != ReferralState::InCallOff {
        head.state = if n_offers > 0 {
            ReferralState::Ranked
        } else {
            ReferralState::Unfilled
        };
    }
    let key = head.key;
    let proposal = propose(&facts, key, &outcome, market);
    unit.record(
        context,
        at.0,
        Some(key),
        "referral.ranked",
        facts.run_id,
        None,
    );
    unit.announce(context, Event::Proposed(proposal.into()));
    unit.log.push(Entry::Run(Box::new(Run {
        facts,
        key,
        outcome: outcome.into(),
        digest,
    })));
    Reranked::Changed { n_offers }
}

fn propose(facts: &RunFacts, key: ReferralKey, outcome: &Outcome, market: Market<'_>) -> Proposal {
    let n_shown = market.policy.n_offers();
    let offers = outcome
        .ranked()
        .take(n_shown)
        .filter_map(|ranked| outcome.offer(ranked));
    let offers = offers.zip(1..).filter_map(|(offer, rank)| {
        let setting = (market.key_of)(&offer.setting_id)?;
        Some(RankedOffer {
            offer_id: market.seal.seal(key, setting),
            rank,
            offer,
        })
    });
    let conditional = outcome
        .conditional()
        .map(|(setting_id, reasons, requires)| ExcludedSetting {
            setting_id: setting_id.clone(),
            reasons,
            requires,
        });
    let near_misses = outcome.near_misses().map(|(setting_id, reason)| NearMiss {
        setting_id: setting_id.clone(),
        reason,
    });
    Proposal {
        facts: facts.clone(),
        evaluated: outcome.evaluated(),
        offers: offers.collect(),
        more: outcome.n_ranked() > n_shown,
        conditional: conditional.collect(),
        exclusion_counts: outcome.exclusion_counts().collect(),
        near_misses: near_misses.collect(),
    }
}
