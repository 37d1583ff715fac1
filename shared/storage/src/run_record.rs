//! A run's full result in a few bytes a setting.
//!
//! A record does not name its settings: they are those in supply at the run's version, by id. What
//! the supply tells of them (provider, kind, sourcing, cost) is not repeated either; a hash over it
//! sees to it that a record is never read with another supply. The rest lies in columns, split
//! into planes of bytes and compressed plane by plane. Where one number follows from others, as a
//! value does from a distance, only the rule is kept; what does not follow it is listed, so nothing
//! rests on the rule being right.
//!
//! Reason sets are kept by their bits, which belong to the engine's version: a new engine that
//! shifts them needs a new [`FORMAT`].

mod column;
mod offers;

use crate::error::{Result, broken};
use column::{Reader, Writer};
use offers::Row;
use oss_domain::{
    Exclusion, Pence, ProviderId, SettingId,
    setting::{Kind, Sourcing},
};
use oss_matching::{
    ActSet, Evaluation, ExcludedSetting, NearMiss, Offer, Outcome, PackedLevels, ReasonSet,
};
use sha2::{Digest, Sha256};
use std::{borrow::Cow, collections::BTreeMap};

/// The form of records that are written now.
const FORMAT: u8 = 1;

/// A setting of the supply that a run was made over, as far as the record leaves it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Supplied {
    pub(crate) setting_id: SettingId,
    pub(crate) provider_id: ProviderId,
    pub(crate) kind: Kind,
    pub(crate) sourcing: Sourcing,
    pub(crate) weekly_cost: Pence,
}

/// Hashes what a record leaves out.
#[derive(Default)]
struct Check(Vec<u8>);

impl Check {
    fn text(&mut self, text: &str) {
        self.0.extend(text.as_bytes());
        // No id has a zero byte.
        self.0.push(0);
    }

    fn ranked(&mut self, provider: &ProviderId, kind: Kind, sourcing: Sourcing, cost: Pence) {
        for text in [provider.as_str(), kind.as_str(), sourcing.as_str()] {
            self.text(text);
        }
        self.0.extend(u64::from(cost.get()).to_be_bytes());
    }

    fn finish(self) -> u64 {
        Sha256::digest(self.0)
            .iter()
            .take(8)
            .fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }
}

/// Packs `outcome`; `kinds` are the referral's, in the order of the care plan.
pub(crate) fn encode(outcome: &Outcome, kinds: &[Kind]) -> Result<Vec<u8>> {
    Sheet::of(outcome).encode(kinds)
}

/// An outcome as a record lays it out.
struct Sheet<'a> {
    /// Every setting that was evaluated, by id.
    settings: Vec<(&'a SettingId, ReasonSet, ActSet)>,
    /// Places in `settings`.
    near_misses: Vec<u64>,
    needed: PackedLevels,
    providers: Vec<&'a ProviderId>,
    /// The settings that may be offered, by id.
    rows: Vec<Row>,
    /// Places in `rows`, the best first.
    order: Cow<'a, [u32]>,
}

impl<'a> Sheet<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let mut rows = Vec::with_capacity(outcome.n_ranked());
        let mut providers = Vec::with_capacity(outcome.n_ranked());
        for (_, provider_id, ranked) in outcome.ranked_by_id() {
            providers.push(provider_id);
            rows.push(Row::from(ranked));
        }
        let mut missed = outcome.near_misses().peekable();
        let places = outcome.settings().zip(0..);
        let near_misses = places.filter_map(|((setting_id, ..), place)| {
            // Both are of the outcome's own list, where each is once.
            missed.next_if(|(near, _)| std::ptr::eq(*near, setting_id))?;
            Some(place)
        });
        Self {
            near_misses: near_misses.collect(),
            settings: outcome.settings().collect(),
            needed: outcome.needed(),
            providers,
            rows,
            order: outcome.order().into(),
        }
    }

    fn encode(&self, kinds: &[Kind]) -> Result<Vec<u8>> {
        let mut writer = Writer::default();
        writer.number(self.settings.len() as u64);
        writer.number(self.check());
        let reasons = self.settings.iter().map(|(_, reasons, _)| reasons.bits());
        writer.dictionary(reasons);
        let out = self
            .settings
            .iter()
            .filter(|(_, reasons, _)| !reasons.is_empty());
        writer.numbers(out.map(|(_, _, acts)| acts.bits().into()));
        writer.number(self.near_misses.len() as u64);
        writer.numbers(self.near_misses.iter().copied());
        offers::write(&mut writer, &self.rows, self.needed);
        self.write_order(&mut writer, kinds);
        writer.finish(FORMAT)
    }

    fn check(&self) -> u64 {
        // About what a setting and a ranked one take; growing by steps would copy it all.
        let mut check = Check(Vec::with_capacity(
            16 * self.settings.len() + 64 * self.rows.len(),
        ));
        let mut ranked = self.providers.iter().zip(&self.rows);
        for (setting_id, reasons, _) in &self.settings {
            check.text(setting_id.as_str());
            if reasons.is_empty()
                && let Some((provider_id, row)) = ranked.next()
            {
                check.ranked(provider_id, row.kind, row.sourcing, row.weekly_cost);
            }
        }
        check.finish()
    }

    /// Writes the kinds if they and the numbers give the order, as they should; else the order
    /// itself.
    fn write_order(&self, writer: &mut Writer, kinds: &[Kind]) {
        writer.number(kinds.len() as u64);
        writer.numbers(kinds.iter().map(|kind| *kind as u64));
        let follows = offers::usual_order(&self.rows, kinds) == *self.order;
        writer.number(follows.into());
        if !follows {
            writer.numbers(self.order.iter().map(|place| u64::from(*place)));
        }
    }
}

/// Unpacks a record over `shown`: the settings that were evaluated, by id.
pub(crate) fn decode(record: &[u8], shown: &[&Supplied]) -> Result<Evaluation> {
    let mut reader = Reader::new(record, FORMAT)?;
    let (n_shown, check) = (reader.number()?, reader.number()?);
    let other_supply = || broken("a run's record does not belong to this supply");
    if n_shown != shown.len() as u64 {
        return Err(other_supply());
    }
    let mut reasons = Vec::with_capacity(shown.len());
    for bits in reader.dictionary(shown.len())? {
        let set = ReasonSet::from_bits(bits);
        reasons.push(set.ok_or_else(|| broken("a run's record has an unknown reason"))?);
    }
    let mut actual = Check::default();
    for (it, reasons) in shown.iter().zip(&reasons) {
        actual.text(it.setting_id.as_str());
        if reasons.is_empty() {
            actual.ranked(&it.provider_id, it.kind, it.sourcing, it.weekly_cost);
        }
    }
    if actual.finish() != check {
        return Err(other_supply());
    }

    let out = || {
        shown
            .iter()
            .zip(&reasons)
            .filter(|(_, reasons)| !reasons.is_empty())
    };
    let requires = reader.numbers(out().count())?;
    let mut excluded = Vec::with_capacity(requires.len());
    for ((setting, reasons), bits) in out().zip(requires) {
        let requires = set(bits, ActSet::from_bits)?;
        let setting_id = setting.setting_id.clone();
        excluded.push(ExcludedSetting {
            setting_id,
            reasons: *reasons,
            requires,
        });
    }
    let n_near_misses = column::length(reader.number()?)?;
    let mut near_misses = Vec::with_capacity(n_near_misses.min(shown.len()));
    for place in reader.numbers(n_near_misses)? {
        let place = column::length(place)?;
        let miss = shown
            .get(place)
            .zip(reasons.get(place))
            .and_then(|(setting, reasons)| {
                let reason = reasons.iter().next()?;
                Some(NearMiss {
                    setting_id: setting.setting_id.clone(),
                    reason,
                })
            });
        near_misses.push(miss.ok_or_else(|| broken("a near miss is not among the settings"))?);
    }

    let offered = shown.iter().zip(&reasons).filter(|(_, it)| it.is_empty());
    let offered: Vec<_> = offered.map(|(setting, _)| *setting).collect();
    let (rows, offers) = offers::read(&mut reader, &offered)?;
    let ranked = read_order(&mut reader, &rows, offers)?;
    Ok(Evaluation {
        evaluated: u32::try_from(n_shown).map_err(|_| other_supply())?,
        ranked,
        exclusion_counts: count(&excluded),
        excluded,
        near_misses,
    })
}

/// A set of codes from its bits.
fn set<T>(bits: u64, from_bits: fn(u16) -> Option<T>) -> Result<T> {
    u16::try_from(bits)
        .ok()
        .and_then(from_bits)
        .ok_or_else(|| broken("a run's record has an unknown code"))
}

fn count(excluded: &[ExcludedSetting]) -> BTreeMap<Exclusion, u32> {
    let mut counts = BTreeMap::new();
    for code in excluded.iter().flat_map(|it| it.reasons.codes()) {
        *counts.entry(code).or_default() += 1;
    }
    counts
}

fn read_order(reader: &mut Reader<'_>, rows: &[Row], offers: Vec<Offer>) -> Result<Vec<Offer>> {
    let n_kinds = column::length(reader.number()?)?;
    let kinds: Vec<Kind> = reader
        .numbers(n_kinds)?
        .into_iter()
        .map(|kind| Kind::ALL.get(column::length(kind).ok()?).copied())
        .collect::<Option<_>>()
        .ok_or_else(|| broken("a run's record has an unknown kind"))?;
    let order = match reader.number()? {
        1 => {
            let order = offers::usual_order(rows, &kinds);
            order.into_iter().map(u64::from).collect()
        }
        _ => reader.numbers(offers.len())?,
    };
    let mut offers: Vec<_> = offers.into_iter().map(Some).collect();
    order
        .into_iter()
        .map(|place| offers.get_mut(column::length(place).ok()?)?.take())
        .collect::<Option<_>>()
        .ok_or_else(|| broken("a run's record has no order"))
}

#[cfg(test)]
mod tests;
