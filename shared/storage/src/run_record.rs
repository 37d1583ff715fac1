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

use crate::error::{Result, broken};
use column::{Reader, Writer};
use oss_domain::{
    AuthorityCode, Exclusion, Level, Need, Pence, ProviderId, SettingId, TenthsOfMile,
    setting::{Kind, Sourcing},
};
use oss_geography::Precision;
use oss_matching::{
    ActSet, ApprovalSet, Band, Criterion, Distances, Evaluation, ExcludedSetting, Gap, NearMiss,
    Offer, ReasonSet, Values, WarningSet, Weights,
};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

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

impl Supplied {
    fn of(offer: &Offer) -> Self {
        Self {
            setting_id: offer.setting_id.clone(),
            provider_id: offer.provider_id.clone(),
            kind: offer.kind,
            sourcing: offer.sourcing,
            weekly_cost: offer.weekly_cost,
        }
    }
}

/// Hashes what a record leaves out.
#[derive(Default)]
struct Check(Sha256);

impl Check {
    fn text(&mut self, text: &str) {
        self.0.update(text);
        // No id has a zero byte.
        self.0.update([0]);
    }

    fn ranked(&mut self, setting: &Supplied) {
        for text in [
            setting.provider_id.as_str(),
            setting.kind.as_str(),
            setting.sourcing.as_str(),
        ] {
            self.text(text);
        }
        self.0
            .update(u64::from(setting.weekly_cost.get()).to_be_bytes());
    }

    fn finish(self) -> u64 {
        self.0
            .finalize()
            .iter()
            .take(8)
            .fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }
}

/// Packs `evaluation`; `kinds` are the referral's, in the order of the care plan.
pub(crate) fn encode(evaluation: &Evaluation, kinds: &[Kind]) -> Result<Vec<u8>> {
    let mut ranked: Vec<&Offer> = evaluation.ranked.iter().collect();
    ranked.sort_unstable_by(|a, b| a.setting_id.cmp(&b.setting_id));
    let shown = by_id(&ranked, &evaluation.excluded);

    let mut check = Check::default();
    for (setting_id, offer) in &shown {
        check.text(setting_id.as_str());
        if let Shown::Ranked(offer) = offer {
            check.ranked(&Supplied::of(offer));
        }
    }
    let mut writer = Writer::new(FORMAT)?;
    writer.number(shown.len() as u64)?;
    writer.number(check.finish())?;
    writer.dictionary(shown.iter().map(|(_, shown)| shown.reasons().bits()))?;
    writer.numbers(
        evaluation
            .excluded
            .iter()
            .map(|it| u64::from(it.requires.bits())),
    )?;
    let place: HashMap<&SettingId, u64> = shown
        .iter()
        .zip(0..)
        .map(|((setting_id, _), place)| (*setting_id, place))
        .collect();
    let near_misses: Vec<u64> = evaluation
        .near_misses
        .iter()
        .map(|it| place.get(&it.setting_id).copied())
        .collect::<Option<_>>()
        .ok_or_else(|| broken("a near miss is not among the settings"))?;
    writer.number(near_misses.len() as u64)?;
    writer.numbers(near_misses)?;

    write_offers(&mut writer, &ranked)?;
    write_order(&mut writer, evaluation, &ranked, kinds)?;
    writer.finish()
}

/// What came out for a setting.
enum Shown<'a> {
    Ranked(&'a Offer),
    Excluded(&'a ExcludedSetting),
}

impl Shown<'_> {
    fn reasons(&self) -> ReasonSet {
        match self {
            Self::Ranked(_) => ReasonSet::EMPTY,
            Self::Excluded(setting) => setting.reasons,
        }
    }
}

/// Both lists in one, by id.
fn by_id<'a>(
    ranked: &[&'a Offer],
    excluded: &'a [ExcludedSetting],
) -> Vec<(&'a SettingId, Shown<'a>)> {
    let ranked = ranked.iter().map(|it| (&it.setting_id, Shown::Ranked(it)));
    let excluded = excluded
        .iter()
        .map(|it| (&it.setting_id, Shown::Excluded(it)));
    let mut shown: Vec<_> = ranked.chain(excluded).collect();
    shown.sort_by_key(|(setting_id, _)| *setting_id);
    shown
}

/// The order in which values are written: what others follow from comes first.
const CRITERIA: [Criterion; 8] = [
    Criterion::InArea,
    Criterion::Fit,
    Criterion::Home,
    Criterion::Derby,
    Criterion::Education,
    Criterion::Identity,
    Criterion::Quality,
    Criterion::Cost,
];

/// What a value follows from, as a rule; `None` where that is not here.
fn cause(offer: &Offer, criterion: Criterion) -> Option<u64> {
    let at = &offer.distances;
    match criterion {
        Criterion::Fit => {
            let short = |gap: &Gap| gap.level.get().saturating_sub(gap.has.get());
            Some(offer.gaps.iter().map(|gap| u64::from(short(gap))).sum())
        }
        Criterion::Home => Some(home(offer)),
        Criterion::Derby => {
            Some(u64::from(offer.values.in_area > 0) << 32 | u64::from(at.derby.get()))
        }
        Criterion::Education => Some(school(*at)),
        Criterion::Cost => Some((offer.kind as u64) << 32 | u64::from(offer.weekly_cost.get())),
        Criterion::InArea | Criterion::Identity | Criterion::Quality => None,
    }
}

/// What nearness follows from.
fn place(offer: &Offer) -> u64 {
    u64::from(offer.values.in_area > 0) << 32 | home(offer)
}

fn home(offer: &Offer) -> u64 {
    offer.distances.home.get().into()
}

/// Zero where there is no school.
fn school(distances: Distances) -> u64 {
    distances
        .school
        .map_or(0, |miles| u64::from(miles.get()) + 1)
}

/// How the score follows from the values under the weights most in use: a guess.
fn usual_score(values: &Values) -> u64 {
    const WEIGHTS: Weights = Weights {
        fit: 35,
        home: 12,
        derby: 8,
        in_area: 5,
        education: 10,
        identity: 10,
        quality: 5,
        cost: 15,
    };
    let weighted = |it: &Criterion| u64::from(values.get(*it)) * u64::from(WEIGHTS.get(*it));
    CRITERIA.iter().map(weighted).sum::<u64>() / 10_000
}

fn write_offers(writer: &mut Writer, ranked: &[&Offer]) -> Result<()> {
    writer.numbers(ranked.iter().map(|it| u64::from(it.distances.home.get())))?;
    // Home, school and the council's centre are seldom far apart, so neither are these.
    writer.numbers(
        ranked
            .iter()
            .map(|it| column::difference(home(it), it.distances.derby.get().into())),
    )?;
    writer.numbers(
        ranked
            .iter()
            .map(|it| column::difference(home(it), school(it.distances))),
    )?;
    writer.numbers(
        ranked
            .iter()
            .map(|it| u64::from(it.precision == Precision::Unit)),
    )?;
    writer.dictionary(ranked.iter().map(|it| authority_bits(it.located_in)))?;
    writer.dictionary(ranked.iter().map(|it| u64::from(it.approvals.bits())))?;
    writer.dictionary(ranked.iter().map(|it| u64::from(it.warnings.bits())))?;
    write_gaps(writer, ranked)?;
    for criterion in CRITERIA {
        let numbers = ranked.iter().map(|it| u64::from(it.values.get(criterion)));
        match ranked
            .iter()
            .map(|it| cause(it, criterion))
            .collect::<Option<Vec<_>>>()
        {
            Some(causes) => writer.following(&causes, numbers)?,
            None => writer.dictionary(numbers)?,
        }
    }
    let fits: Vec<_> = ranked.iter().map(|it| it.values.fit.into()).collect();
    writer.following(&fits, ranked.iter().map(|it| it.band as u64))?;
    let places: Vec<_> = ranked.iter().map(|it| place(it)).collect();
    writer.following(&places, ranked.iter().map(|it| it.near.into()))?;
    writer.numbers(
        ranked
            .iter()
            .map(|it| column::difference(usual_score(&it.values), it.score.into())),
    )
}

/// The level that is needed of each domain with a gap, and by how much each setting falls short.
fn write_gaps(writer: &mut Writer, ranked: &[&Offer]) -> Result<()> {
    let mut needed: BTreeMap<Need, Level> = BTreeMap::new();
    for gap in ranked.iter().flat_map(|it| &it.gaps) {
        if *needed.entry(gap.need).or_insert(gap.level) != gap.level {
            return Err(broken("one referral needs two levels of a domain"));
        }
    }
    for need in Need::ALL {
        writer.number(needed.get(need).map_or(0, |level| level.get().into()))?;
    }
    for need in needed.keys() {
        writer.numbers(ranked.iter().map(|it| {
            let gap = it.gaps.iter().find(|gap| gap.need == *need);
            gap.map_or(0, |gap| {
                u64::from(gap.level.get().saturating_sub(gap.has.get()))
            })
        }))?;
    }
    Ok(())
}

/// An authority's code in a number: a letter and eight digits.
fn authority_bits(authority: AuthorityCode) -> u64 {
    let text = authority.as_str().as_bytes();
    text.iter().skip(1).fold(
        u64::from(text.first().copied().unwrap_or(b'A')),
        |number, digit| number * 10 + u64::from(digit.wrapping_sub(b'0') % 10),
    )
}

fn authority(bits: u64) -> Result<AuthorityCode> {
    const DIGITS: u64 = 100_000_000;
    let letter = u8::try_from(bits / DIGITS).map_or('?', char::from);
    crate::row::parse("match_run.record", &format!("{letter}{:08}", bits % DIGITS))
}

/// Writes the kinds if they and the numbers give the order, as they should; else the order itself.
fn write_order(
    writer: &mut Writer,
    evaluation: &Evaluation,
    ranked: &[&Offer],
    kinds: &[Kind],
) -> Result<()> {
    let place: HashMap<&SettingId, u64> = ranked
        .iter()
        .zip(0..)
        .map(|(it, place)| (&it.setting_id, place))
        .collect();
    let order: Vec<u64> = evaluation
        .ranked
        .iter()
        .map(|it| place.get(&it.setting_id).copied())
        .collect::<Option<_>>()
        .ok_or_else(|| broken("an offer is missing"))?;
    writer.number(kinds.len() as u64)?;
    writer.numbers(kinds.iter().map(|kind| *kind as u64))?;
    let follows = usual_order(ranked.iter().copied(), kinds) == order;
    writer.number(follows.into())?;
    if follows {
        Ok(())
    } else {
        writer.numbers(order)
    }
}

/// The places of the offers, the best first, as matching.md orders them.
fn usual_order<'a>(ranked: impl Iterator<Item = &'a Offer>, kinds: &[Kind]) -> Vec<u64> {
    let mut keyed: Vec<_> = ranked
        .zip(0_u64..)
        .map(|(it, place)| {
            let plan = kinds.iter().position(|kind| *kind == it.kind);
            let score = std::cmp::Reverse(it.score);
            (
                (it.band, plan, !it.near, it.sourcing, score, it.weekly_cost),
                place,
            )
        })
        .collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, place)| place).collect()
}

/// Unpacks a record over `shown`: the settings that were evaluated, by id.
pub(crate) fn decode(record: &[u8], shown: &[Supplied]) -> Result<Evaluation> {
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
    for (setting, reasons) in shown.iter().zip(&reasons) {
        actual.text(setting.setting_id.as_str());
        if reasons.is_empty() {
            actual.ranked(setting);
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

    let offered = shown
        .iter()
        .zip(&reasons)
        .filter(|(_, reasons)| reasons.is_empty());
    let offers = read_offers(&mut reader, offered.map(|(setting, _)| setting).collect())?;
    let ranked = read_order(&mut reader, offers)?;
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

fn read_offers(reader: &mut Reader<'_>, settings: Vec<&Supplied>) -> Result<Vec<Offer>> {
    let n = settings.len();
    let homes = reader.numbers(n)?;
    let centres = reader.numbers(n)?;
    let schools = reader.numbers(n)?;
    let precise = reader.numbers(n)?;
    let located_in = reader.dictionary(n)?;
    let approvals = reader.dictionary(n)?;
    let warnings = reader.dictionary(n)?;
    let gaps = read_gaps(reader, n)?;
    let mut offers = Vec::with_capacity(n);
    for ((idx, setting), gaps) in settings.into_iter().enumerate().zip(gaps) {
        let at = |column: &[u64]| column.get(idx).copied().unwrap_or_default();
        let home = at(&homes);
        let school = column::add(home, at(&schools));
        offers.push(Offer {
            setting_id: setting.setting_id.clone(),
            provider_id: setting.provider_id.clone(),
            kind: setting.kind,
            sourcing: setting.sourcing,
            // What follows from the values comes after them.
            band: Band::C,
            score: 0,
            near: false,
            located_in: authority(at(&located_in))?,
            precision: if at(&precise) == 1 {
                Precision::Unit
            } else {
                Precision::Sector
            },
            distances: Distances {
                home: miles(home)?,
                derby: miles(column::add(home, at(&centres)))?,
                school: if school == 0 {
                    None
                } else {
                    Some(miles(school - 1)?)
                },
            },
            weekly_cost: setting.weekly_cost,
            approvals: set(at(&approvals), ApprovalSet::from_bits)?,
            warnings: set(at(&warnings), WarningSet::from_bits)?,
            gaps,
            values: Values::default(),
        });
    }
    read_values(reader, &mut offers)?;
    Ok(offers)
}

fn read_values(reader: &mut Reader<'_>, offers: &mut [Offer]) -> Result<()> {
    for criterion in CRITERIA {
        let causes = offers
            .iter()
            .map(|it| cause(it, criterion))
            .collect::<Option<Vec<_>>>();
        let numbers = match causes {
            Some(causes) => reader.following(&causes)?,
            None => reader.dictionary(offers.len())?,
        };
        for (offer, number) in offers.iter_mut().zip(numbers) {
            offer.values = offer.values.with(criterion, small(number)?);
        }
    }
    let fits: Vec<_> = offers.iter().map(|it| it.values.fit.into()).collect();
    let bands = reader.following(&fits)?;
    let places: Vec<_> = offers.iter().map(place).collect();
    let near = reader.following(&places)?;
    for (offer, (band, near)) in offers.iter_mut().zip(bands.into_iter().zip(near)) {
        offer.band = match band {
            0 => Band::A,
            1 => Band::B,
            _ => Band::C,
        };
        offer.near = near == 1;
    }
    let differences = reader.numbers(offers.len())?;
    for (offer, difference) in offers.iter_mut().zip(differences) {
        offer.score = small(column::add(usual_score(&offer.values), difference))?;
    }
    Ok(())
}

fn read_gaps(reader: &mut Reader<'_>, n: usize) -> Result<Vec<Vec<Gap>>> {
    let mut needed = Vec::new();
    for need in Need::ALL {
        match reader.number()? {
            0 => {}
            level => needed.push((*need, level)),
        }
    }
    let mut gaps = vec![Vec::new(); n];
    for (need, level) in needed {
        for (gaps, short) in gaps.iter_mut().zip(reader.numbers(n)?) {
            if short > 0 {
                let has = self::level(level.saturating_sub(short))?;
                gaps.push(Gap {
                    need,
                    level: self::level(level)?,
                    has,
                });
            }
        }
    }
    Ok(gaps)
}

fn read_order(reader: &mut Reader<'_>, offers: Vec<Offer>) -> Result<Vec<Offer>> {
    let n_kinds = column::length(reader.number()?)?;
    let kinds: Vec<Kind> = reader
        .numbers(n_kinds)?
        .into_iter()
        .map(|kind| Kind::ALL.get(column::length(kind).ok()?).copied())
        .collect::<Option<_>>()
        .ok_or_else(|| broken("a run's record has an unknown kind"))?;
    let order = match reader.number()? {
        1 => usual_order(offers.iter(), &kinds),
        _ => reader.numbers(offers.len())?,
    };
    let mut offers: Vec<_> = offers.into_iter().map(Some).collect();
    order
        .into_iter()
        .map(|place| offers.get_mut(column::length(place).ok()?)?.take())
        .collect::<Option<_>>()
        .ok_or_else(|| broken("a run's record has no order"))
}

fn small(number: u64) -> Result<u32> {
    u32::try_from(number).map_err(|_| broken("a run's record has too large a number"))
}

fn miles(number: u64) -> Result<TenthsOfMile> {
    u16::try_from(number)
        .map(TenthsOfMile::new)
        .map_err(|_| broken("a run's record has too large a distance"))
}

fn level(number: u64) -> Result<Level> {
    let level = u8::try_from(number).ok().and_then(Level::new);
    level.ok_or_else(|| broken("a run's record has a wrong level"))
}

#[cfg(test)]
mod tests;
