//! The columns of the settings that may be offered.

use super::{
    Supplied,
    column::{self, Reader, Writer},
    set,
};
use crate::error::{Result, broken};
use oss_domain::{
    AuthorityCode, Level, Need, Pence, TenthsOfMile,
    setting::{Kind, Sourcing},
};
use oss_geography::Precision;
use oss_matching::{
    ApprovalSet, Band, Criterion, Distances, Gap, Offer, PackedLevels, Ranked, Values, WarningSet,
    Weights,
};

/// A setting that may be offered: what the supply tells of it, and what a record does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) sourcing: Sourcing,
    pub(super) weekly_cost: Pence,
    pub(super) distances: Distances,
    pub(super) precision: Precision,
    pub(super) located_in: u64,
    pub(super) approvals: ApprovalSet,
    pub(super) warnings: WarningSet,
    pub(super) shortfall: PackedLevels,
    pub(super) values: Values,
    pub(super) band: Band,
    pub(super) near: bool,
    pub(super) score: u32,
}

impl From<&Ranked> for Row {
    fn from(it: &Ranked) -> Self {
        Self {
            kind: it.kind,
            sourcing: it.sourcing,
            weekly_cost: it.weekly_cost,
            distances: it.distances,
            precision: it.precision,
            located_in: authority_bits(it.located_in),
            approvals: it.approvals,
            warnings: it.warnings,
            shortfall: it.shortfall,
            values: it.values,
            band: it.band,
            near: it.near,
            score: it.score,
        }
    }
}

impl Row {
    /// The offer of `setting`, of whom `needed` is asked.
    fn offer(&self, setting: &Supplied, needed: PackedLevels) -> Result<Offer> {
        let gap = |need| {
            let level = needed.get(need);
            let has = level.saturating_sub(self.shortfall.get(need));
            Ok(Gap {
                need,
                level: self::level(level.into())?,
                has: self::level(has.into())?,
            })
        };
        Ok(Offer {
            setting_id: setting.setting_id.clone(),
            provider_id: setting.provider_id.clone(),
            kind: self.kind,
            sourcing: self.sourcing,
            band: self.band,
            score: self.score,
            near: self.near,
            located_in: authority(self.located_in)?,
            precision: self.precision,
            distances: self.distances,
            weekly_cost: self.weekly_cost,
            approvals: self.approvals,
            warnings: self.warnings,
            gaps: self.shortfall.present().map(gap).collect::<Result<_>>()?,
            values: self.values,
        })
    }

    fn home(&self) -> u64 {
        self.distances.home.get().into()
    }

    /// Zero where there is no school.
    fn school(&self) -> u64 {
        let school = self.distances.school;
        school.map_or(0, |miles| u64::from(miles.get()) + 1)
    }

    fn in_area(&self) -> u64 {
        u64::from(self.values.in_area > 0) << 32
    }

    /// What nearness follows from.
    fn place(&self) -> u64 {
        self.in_area() | self.home()
    }

    /// What a value follows from, as a rule; `None` where that is not here.
    fn cause(&self, criterion: Criterion) -> Option<u64> {
        match criterion {
            Criterion::Fit => Some(self.shortfall.sum().into()),
            Criterion::Home => Some(self.home()),
            Criterion::Derby => Some(self.in_area() | u64::from(self.distances.derby.get())),
            Criterion::Education => Some(self.school()),
            Criterion::Cost => Some((self.kind as u64) << 32 | u64::from(self.weekly_cost.get())),
            Criterion::InArea | Criterion::Identity | Criterion::Quality => None,
        }
    }
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

/// How the score follows from the values under the weights most in use: a guess.
pub(super) fn usual_score(values: &Values) -> u64 {
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

/// Writes the offers by id.
pub(super) fn write(writer: &mut Writer, rows: &[Row], needed: PackedLevels) {
    writer.numbers(rows.iter().map(Row::home));
    // Home, school and the council's centre are seldom far apart, so neither are these.
    writer.numbers(
        rows.iter()
            .map(|it| column::difference(it.home(), it.distances.derby.get().into())),
    );
    writer.numbers(
        rows.iter()
            .map(|it| column::difference(it.home(), it.school())),
    );
    writer.numbers(
        rows.iter()
            .map(|it| u64::from(it.precision == Precision::Unit)),
    );
    writer.dictionary(rows.iter().map(|it| it.located_in));
    writer.dictionary(rows.iter().map(|it| it.approvals.bits().into()));
    writer.dictionary(rows.iter().map(|it| it.warnings.bits().into()));
    write_gaps(writer, rows, needed);
    for criterion in CRITERIA {
        let numbers = rows.iter().map(|it| u64::from(it.values.get(criterion)));
        match causes(rows, criterion) {
            Some(causes) => writer.following(&causes, numbers),
            None => writer.dictionary(numbers),
        }
    }
    let fits: Vec<_> = rows.iter().map(|it| it.values.fit.into()).collect();
    writer.following(&fits, rows.iter().map(|it| it.band as u64));
    let places: Vec<_> = rows.iter().map(Row::place).collect();
    writer.following(&places, rows.iter().map(|it| it.near.into()));
    writer.numbers(
        rows.iter()
            .map(|it| column::difference(usual_score(&it.values), it.score.into())),
    );
}

fn causes(rows: &[Row], criterion: Criterion) -> Option<Vec<u64>> {
    rows.iter().map(|it| it.cause(criterion)).collect()
}

/// The level that is needed of each domain with a gap, and by how much each setting falls short.
fn write_gaps(writer: &mut Writer, rows: &[Row], needed: PackedLevels) {
    let short = |need: &Need| rows.iter().any(|it| it.shortfall.get(*need) > 0);
    let gaps: Vec<Need> = needed.present().filter(short).collect();
    for need in Need::ALL {
        let level = if gaps.contains(need) {
            needed.get(*need)
        } else {
            0
        };
        writer.number(level.into());
    }
    for need in gaps {
        writer.numbers(rows.iter().map(|it| it.shortfall.get(need).into()));
    }
}

/// Reads the offers of `settings`, which are by id.
pub(super) fn read(
    reader: &mut Reader<'_>,
    settings: &[&Supplied],
) -> Result<(Vec<Row>, Vec<Offer>)> {
    let n = settings.len();
    let homes = reader.numbers(n)?;
    let centres = reader.numbers(n)?;
    let schools = reader.numbers(n)?;
    let precise = reader.numbers(n)?;
    let located_in = reader.dictionary(n)?;
    let approvals = reader.dictionary(n)?;
    let warnings = reader.dictionary(n)?;
    let (needed, shortfalls) = read_gaps(reader, n)?;
    let mut rows = Vec::with_capacity(n);
    for ((idx, setting), shortfall) in settings.iter().enumerate().zip(shortfalls) {
        let at = |column: &[u64]| column.get(idx).copied().unwrap_or_default();
        let home = at(&homes);
        let school = column::add(home, at(&schools));
        rows.push(Row {
            kind: setting.kind,
            sourcing: setting.sourcing,
            weekly_cost: setting.weekly_cost,
            distances: Distances {
                home: miles(home)?,
                derby: miles(column::add(home, at(&centres)))?,
                school: if school == 0 {
                    None
                } else {
                    Some(miles(school - 1)?)
                },
            },
            precision: if at(&precise) == 1 {
                Precision::Unit
            } else {
                Precision::Sector
            },
            located_in: at(&located_in),
            approvals: set(at(&approvals), ApprovalSet::from_bits)?,
            warnings: set(at(&warnings), WarningSet::from_bits)?,
            shortfall,
            // What follows from the values comes after them.
            values: Values::default(),
            band: Band::C,
            near: false,
            score: 0,
        });
    }
    read_values(reader, &mut rows)?;
    let offers = rows
        .iter()
        .zip(settings)
        .map(|(row, setting)| row.offer(setting, needed));
    let offers = offers.collect::<Result<_>>()?;
    Ok((rows, offers))
}

fn read_values(reader: &mut Reader<'_>, rows: &mut [Row]) -> Result<()> {
    for criterion in CRITERIA {
        let numbers = match causes(rows, criterion) {
            Some(causes) => reader.following(&causes)?,
            None => reader.dictionary(rows.len())?,
        };
        for (row, number) in rows.iter_mut().zip(numbers) {
            row.values = row.values.with(criterion, small(number)?);
        }
    }
    let fits: Vec<_> = rows.iter().map(|it| it.values.fit.into()).collect();
    let bands = reader.following(&fits)?;
    let places: Vec<_> = rows.iter().map(Row::place).collect();
    let near = reader.following(&places)?;
    for (row, (band, near)) in rows.iter_mut().zip(bands.into_iter().zip(near)) {
        row.band = match band {
            0 => Band::A,
            1 => Band::B,
            _ => Band::C,
        };
        row.near = near == 1;
    }
    let differences = reader.numbers(rows.len())?;
    for (row, difference) in rows.iter_mut().zip(differences) {
        row.score = small(column::add(usual_score(&row.values), difference))?;
    }
    Ok(())
}

/// What is needed where any falls short, and by how much each does.
fn read_gaps(reader: &mut Reader<'_>, n: usize) -> Result<(PackedLevels, Vec<PackedLevels>)> {
    let mut needed = PackedLevels::default();
    for need in Need::ALL {
        needed = needed.with(*need, level(reader.number()?)?);
    }
    let mut shortfalls = vec![PackedLevels::default(); n];
    for need in needed.present() {
        for (shortfall, short) in shortfalls.iter_mut().zip(reader.numbers(n)?) {
            *shortfall = shortfall.with(need, level(short)?);
        }
    }
    Ok((needed, shortfalls))
}

/// The places of the offers, the best first, as matching.md orders them.
pub(super) fn usual_order(rows: &[Row], kinds: &[Kind]) -> Vec<u32> {
    let mut keyed: Vec<_> = rows
        .iter()
        .zip(0_u32..)
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

/// An authority's code in a number: a letter and eight digits.
pub(super) fn authority_bits(authority: AuthorityCode) -> u64 {
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
