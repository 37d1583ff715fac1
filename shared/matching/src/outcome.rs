//! What ranking leaves: a few bytes a setting, and the ways to read them.

use crate::{
    evaluation::{Evaluation, ExcludedSetting, Gap, NearMiss, Offer},
    levels::PackedLevels,
    policy::{Criterion, Values},
    rank::Band,
    rules,
    sets::{ActSet, ApprovalSet, ReasonSet, WarningSet},
    supply::Roster,
    values::Distances,
};
use oss_domain::{
    AuthorityCode, Exclusion, Level, Need, Pence, ProviderId, Reason, SettingId,
    setting::{Kind, Sourcing},
};
use oss_geography::Precision;
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, sync::Arc};

/// A setting that may be offered, in a few words of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    pub(crate) slot: u32,
    pub(crate) place_of_kind: u8,
    /// By how much it falls short in each domain of need.
    pub shortfall: PackedLevels,
    /// The eight values, in parts per million.
    pub values: Values,
    /// The score, in hundredths of a point.
    pub score: u32,
    /// The all-in cost a week.
    pub weekly_cost: Pence,
    /// The upper-tier authority that it lies in.
    pub located_in: AuthorityCode,
    /// How far it is from what matters.
    pub distances: Distances,
    /// What must be approved before the placement starts.
    pub approvals: ApprovalSet,
    /// What to bear in mind.
    pub warnings: WarningSet,
    /// How well needs are met, in steps.
    pub band: Band,
    /// In area, or not far from home.
    pub near: bool,
    /// What it is.
    pub kind: Kind,
    /// How the council comes by it.
    pub sourcing: Sourcing,
    /// How precisely it is known where it lies.
    pub precision: Precision,
}

impl Ranked {
    /// The order, but for the setting id: band, plan, near, sourcing, score, cost.
    fn order_key(&self) -> u64 {
        // Scores are at most 10,000: 20 bits leave room for weights that do not come to 100.
        const MAX_SCORE: u32 = (1 << 20) - 1;
        let worse = u64::from(MAX_SCORE - self.score.min(MAX_SCORE));
        u64::from(self.band as u8) << 59
            | u64::from(self.place_of_kind & 7) << 56
            | u64::from(!self.near) << 55
            | u64::from(self.sourcing as u8) << 52
            | worse << 32
            | u64::from(self.weekly_cost.get())
    }

    /// What it falls short of, in the order of the domains, given what is needed.
    pub fn gaps(&self, needed: PackedLevels) -> impl Iterator<Item = Gap> {
        let shortfall = self.shortfall;
        shortfall.present().map(move |need: Need| {
            let level = needed.get(need);
            let has = level.saturating_sub(shortfall.get(need));
            Gap {
                need,
                level: Level::new(level).unwrap_or(Level::MAX),
                has: Level::new(has).unwrap_or(Level::MAX),
            }
        })
    }
}

/// Marks a setting that is not to be shown for these children: not a reason's bit.
const NOT_SHOWN: u64 = 1 << 63;

/// Results as the pass over the settings leaves them.
pub(crate) struct Results {
    reasons: Vec<u64>,
    ranked: Vec<Ranked>,
    conditional: Vec<(u32, ActSet)>,
    near_misses: Vec<u32>,
    n_near_misses: usize,
    counts: [u32; Exclusion::ALL.len()],
    n_not_in_plan: u32,
    evaluated: u32,
}

impl Results {
    pub(crate) fn with_capacity(n_settings: usize, n_near_misses: usize) -> Self {
        Self {
            reasons: Vec::with_capacity(n_settings),
            // Untouched memory costs nothing; growing by steps would copy it all.
            ranked: Vec::with_capacity(n_settings),
            conditional: Vec::new(),
            near_misses: Vec::new(),
            n_near_misses,
            counts: [0; Exclusion::ALL.len()],
            n_not_in_plan: 0,
            evaluated: 0,
        }
    }

    pub(crate) fn not_shown(&mut self) {
        self.reasons.push(NOT_SHOWN);
    }

    pub(crate) fn ranked(&mut self, ranked: Ranked) {
        self.evaluated += 1;
        self.reasons.push(ReasonSet::EMPTY.bits());
        self.ranked.push(ranked);
    }

    pub(crate) fn excluded(&mut self, reasons: ReasonSet, requires: ActSet) {
        self.evaluated += 1;
        let slot = u32::try_from(self.reasons.len()).unwrap_or(u32::MAX);
        self.reasons.push(reasons.bits());
        if reasons == rules::NOT_IN_PLAN {
            self.n_not_in_plan += 1;
            return;
        }
        if !requires.is_empty() {
            self.conditional.push((slot, requires));
        }
        let near_miss = reasons.len() == 1 && reasons.is_subset(rules::NEAR_MISSES);
        if near_miss && self.near_misses.len() < self.n_near_misses {
            self.near_misses.push(slot);
        }
        for code in reasons.codes() {
            if let Some(count) = self.counts.get_mut(code as usize) {
                *count += 1;
            }
        }
    }
}

/// The outcome of ranking: needs no supply to be read, and is the same whatever happens to it.
#[derive(Clone)]
pub struct Outcome {
    roster: Arc<Roster>,
    needed: PackedLevels,
    /// For each setting of the roster its reasons, none where it is ranked, or [`NOT_SHOWN`].
    reasons: Vec<u64>,
    /// In the order of the roster.
    ranked: Vec<Ranked>,
    /// Places in `ranked`, the best first.
    order: Vec<u32>,
    conditional: Vec<(u32, ActSet)>,
    near_misses: Vec<u32>,
    counts: [u32; Exclusion::ALL.len()],
    evaluated: u32,
}

impl Outcome {
    pub(crate) fn new(results: Results, roster: Arc<Roster>, needed: PackedLevels) -> Self {
        let mut keyed: Vec<(u64, u32)> = results
            .ranked
            .iter()
            .map(Ranked::order_key)
            .zip(0..)
            .collect();
        // Equal keys go by place, which is the order of setting ids.
        keyed.sort_unstable();
        // An outcome may be kept for a while: room for what is not ranked need not be.
        let mut ranked = results.ranked;
        ranked.shrink_to_fit();
        let mut counts = results.counts;
        if let Some(count) = counts.get_mut(Exclusion::H14 as usize) {
            *count += results.n_not_in_plan;
        }
        Self {
            roster,
            needed,
            reasons: results.reasons,
            ranked,
            order: keyed.into_iter().map(|(_, place)| place).collect(),
            conditional: results.conditional,
            near_misses: results.near_misses,
            counts,
            evaluated: results.evaluated,
        }
    }

    /// How many settings were evaluated.
    #[must_use]
    pub const fn evaluated(&self) -> u32 {
        self.evaluated
    }

    /// What is needed: gaps are told against it.
    #[must_use]
    pub const fn needed(&self) -> PackedLevels {
        self.needed
    }

    /// The ranked settings, the best first.
    #[must_use]
    #[expect(
        clippy::indexing_slicing,
        reason = "`order` holds the places of `ranked`"
    )]
    pub fn ranked(&self) -> impl ExactSizeIterator<Item = &Ranked> {
        self.order.iter().map(|place| &self.ranked[*place as usize])
    }

    /// The ranked settings by id, with who they are and whose.
    pub fn ranked_by_id(&self) -> impl Iterator<Item = (&SettingId, &ProviderId, &Ranked)> {
        self.ranked.iter().filter_map(|ranked| {
            let (setting_id, provider_id) = self.roster.get(ranked.slot)?;
            Some((setting_id, provider_id, ranked))
        })
    }

    /// Places in [`Self::ranked_by_id`], the best first.
    #[must_use]
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// How many settings are ranked.
    #[must_use]
    pub fn n_ranked(&self) -> usize {
        self.ranked.len()
    }

    /// The id of a setting that this outcome ranks.
    #[must_use]
    pub fn setting_id(&self, ranked: &Ranked) -> Option<&SettingId> {
        self.id(ranked.slot)
    }

    /// The provider of a setting that this outcome ranks.
    #[must_use]
    pub fn provider_id(&self, ranked: &Ranked) -> Option<&ProviderId> {
        self.roster
            .get(ranked.slot)
            .map(|(_, provider_id)| provider_id)
    }

    /// Every setting that was evaluated, by id, with its reasons, none where it is ranked, and the
    /// acts that would each do.
    pub fn settings(&self) -> impl Iterator<Item = (&SettingId, ReasonSet, ActSet)> {
        let mut acts = self.conditional.iter().peekable();
        let slots = self.roster.entries().iter().zip(&self.reasons).zip(0_u32..);
        slots.filter_map(move |(((setting_id, _), bits), slot)| {
            let reasons = ReasonSet::from_bits(*bits)?;
            let acts = acts.next_if(|(at, _)| *at == slot).map(|(_, acts)| *acts);
            Some((setting_id, reasons, acts.unwrap_or_default()))
        })
    }

    /// Every setting that is out but for an act, by id, with the acts that would each do.
    pub fn conditional(&self) -> impl Iterator<Item = (&SettingId, ReasonSet, ActSet)> {
        self.conditional
            .iter()
            .filter_map(|(slot, acts)| Some((self.id(*slot)?, self.reasons_at(*slot), *acts)))
    }

    /// Settings with one reason that might be overcome, by id, as many as the policy lists.
    pub fn near_misses(&self) -> impl Iterator<Item = (&SettingId, Reason)> {
        self.near_misses
            .iter()
            .filter_map(|slot| Some((self.id(*slot)?, self.reasons_at(*slot).iter().next()?)))
    }

    /// How many settings have a reason of each code; codes without one are left out.
    pub fn exclusion_counts(&self) -> impl Iterator<Item = (Exclusion, u32)> {
        Exclusion::ALL
            .iter()
            .copied()
            .zip(self.counts)
            .filter(|(_, count)| *count > 0)
    }

    /// The outcome written out, with ids and words in place of places and bits.
    #[must_use]
    pub fn expand(&self) -> Evaluation {
        let offers = self.ranked().filter_map(|ranked| self.offer(ranked));
        let excluded = self
            .settings()
            .filter(|(_, reasons, _)| !reasons.is_empty());
        let excluded = excluded.map(|(setting_id, reasons, requires)| ExcludedSetting {
            setting_id: setting_id.clone(),
            reasons,
            requires,
        });
        Evaluation {
            evaluated: self.evaluated,
            ranked: offers.collect(),
            excluded: excluded.collect(),
            near_misses: self
                .near_misses()
                .map(|(setting_id, reason)| NearMiss {
                    setting_id: setting_id.clone(),
                    reason,
                })
                .collect(),
            exclusion_counts: self.exclusion_counts().collect::<BTreeMap<_, _>>(),
        }
    }

    /// One ranked setting written out.
    #[must_use]
    pub fn offer(&self, ranked: &Ranked) -> Option<Offer> {
        let (setting_id, provider_id) = self.roster.get(ranked.slot)?;
        Some(Offer {
            setting_id: setting_id.clone(),
            provider_id: provider_id.clone(),
            kind: ranked.kind,
            sourcing: ranked.sourcing,
            band: ranked.band,
            score: ranked.score,
            near: ranked.near,
            located_in: ranked.located_in,
            precision: ranked.precision,
            distances: ranked.distances,
            weekly_cost: ranked.weekly_cost,
            approvals: ranked.approvals,
            warnings: ranked.warnings,
            gaps: ranked.gaps(self.needed).collect(),
            values: ranked.values,
        })
    }

    /// The same for the same result, whatever run it came from: the first half of a SHA-256.
    #[must_use]
    pub fn digest(&self) -> [u8; 16] {
        digest(self)
    }

    fn id(&self, slot: u32) -> Option<&SettingId> {
        self.roster.get(slot).map(|(setting_id, _)| setting_id)
    }

    fn reasons_at(&self, slot: u32) -> ReasonSet {
        let bits = self.reasons.get(slot as usize).copied();
        bits.and_then(ReasonSet::from_bits).unwrap_or_default()
    }
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.expand().fmt(f)
    }
}

fn digest(outcome: &Outcome) -> [u8; 16] {
    let roster = &*outcome.roster;
    // About what a setting and a ranked one take; growing by steps would copy it all.
    let mut text = Vec::with_capacity(24 * outcome.reasons.len() + 144 * outcome.ranked.len());
    for (bits, slot) in outcome.reasons.iter().zip(0..) {
        if let Some(reasons) = ReasonSet::from_bits(*bits)
            && let Some([setting_id, _]) = roster.texts(slot)
        {
            text.extend_from_slice(setting_id);
            text.extend_from_slice(&reasons.bits().to_le_bytes());
        }
    }
    for (slot, acts) in &outcome.conditional {
        if let Some([setting_id, _]) = roster.texts(*slot) {
            text.extend_from_slice(setting_id);
            text.extend_from_slice(&acts.bits().to_le_bytes());
        }
    }
    for ranked in outcome.ranked() {
        for id in roster.texts(ranked.slot).into_iter().flatten() {
            text.extend_from_slice(id);
        }
        for word in [
            ranked.kind.as_str(),
            ranked.sourcing.as_str(),
            ranked.band.as_str(),
            ranked.located_in.as_str(),
        ] {
            text.extend_from_slice(word.as_bytes());
            text.push(0);
        }
        text.extend_from_slice(&[
            u8::from(ranked.near),
            u8::from(ranked.precision == Precision::Unit),
        ]);
        text.extend_from_slice(miles(ranked.distances).as_flattened());
        let values = Criterion::ALL.map(|it| ranked.values.get(it).to_le_bytes());
        text.extend_from_slice(values.as_flattened());
        text.extend_from_slice(&ranked.score.to_le_bytes());
        text.extend_from_slice(&ranked.weekly_cost.get().to_le_bytes());
        text.extend_from_slice(&ranked.approvals.bits().to_le_bytes());
        text.extend_from_slice(&ranked.warnings.bits().to_le_bytes());
        for gap in ranked.gaps(outcome.needed) {
            text.extend_from_slice(&[gap.need as u8, gap.level.get(), gap.has.get()]);
        }
    }
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(Sha256::digest(&text)) {
        *to = from;
    }
    half
}

fn miles(distances: Distances) -> [[u8; 4]; 3] {
    [
        Some(distances.home),
        Some(distances.derby),
        distances.school,
    ]
    .map(|it| {
        it.map_or(u32::MAX, |miles| miles.get().into())
            .to_le_bytes()
    })
}
