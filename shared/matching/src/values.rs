//! The eight values of a ranked setting, in parts per million, and the score they add up to.

use crate::{
    bound::{Area, Bound},
    levels::PackedLevels,
    policy::{Anchor, Criterion, FULL_PPM, Values, Weights},
    supply::{Entry, Row},
};
use oss_domain::TenthsOfMile;
use oss_geography::miles_between;

/// How far a setting is from what matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Distances {
    /// From the child's home, or from the authority's centre where there is no home.
    pub home: TenthsOfMile,
    /// From the responsible authority's centre.
    pub derby: TenthsOfMile,
    /// From school, if there is one.
    pub school: Option<TenthsOfMile>,
}

impl Distances {
    pub(crate) fn of(bound: &Bound<'_>, row: &Row) -> Self {
        let query = bound.query;
        let derby = miles_between(query.centre, row.point);
        let home = query
            .home
            .map_or(derby, |home| miles_between(home, row.point));
        let school = if query.school == query.home && query.home.is_some() {
            Some(home)
        } else {
            query.school.map(|school| miles_between(school, row.point))
        };
        Self {
            home,
            derby,
            school,
        }
    }
}

/// The values, and what identity found on the way.
pub(crate) struct Valued {
    pub(crate) values: Values,
    /// Religion or language was asked for and is not met (W04).
    pub(crate) identity_unmet: bool,
    /// By how much each level is short.
    pub(crate) shortfall: PackedLevels,
}

pub(crate) fn value(
    bound: &Bound<'_>,
    row: &Row,
    entry: &Entry,
    area: &Area,
    distances: Distances,
) -> Valued {
    let anchors = bound.anchors;
    let shortfall = bound.query.levels.above(row.capabilities);
    let (identity, identity_unmet) = identity(bound, row, entry);
    let benchmark = bound
        .benchmarks
        .get(row.kind as usize)
        .copied()
        .unwrap_or(1);
    let values = Values {
        fit: fit(bound.query.levels.sum(), shortfall.sum()),
        home: by_distance(distances.home, anchors.home),
        derby: if area.responsible {
            FULL_PPM
        } else {
            by_distance(distances.derby, anchors.derby)
        },
        in_area: if area.responsible { FULL_PPM } else { 0 },
        education: distances
            .school
            .map_or(FULL_PPM, |school| by_distance(school, anchors.education)),
        identity,
        quality: bound
            .qualities
            .get(row.quality as usize)
            .copied()
            .unwrap_or(0),
        cost: lin(row.weekly_pence, benchmark, benchmark.saturating_mul(2)),
    };
    Valued {
        values,
        identity_unmet,
        shortfall,
    }
}

/// The share of the needs' levels that is met.
fn fit(levels: u32, short: u32) -> u32 {
    (levels.saturating_sub(short) * FULL_PPM)
        .checked_div(levels)
        .unwrap_or(FULL_PPM)
}

fn by_distance(distance: TenthsOfMile, anchor: Anchor) -> u32 {
    lin(
        distance.get().into(),
        anchor.full.get().into(),
        anchor.zero.get().into(),
    )
}

/// Full up to `full`, nothing from `zero`, even in between, rounded down.
fn lin(x: u32, full: u32, zero: u32) -> u32 {
    if x <= full {
        FULL_PPM
    } else if x >= zero {
        0
    } else {
        let ppm = u64::from(zero - x) * u64::from(FULL_PPM) / u64::from(zero - full);
        u32::try_from(ppm).unwrap_or(FULL_PPM)
    }
}

/// The mean of the dimensions asked for, and whether religion or language is unmet.
fn identity(bound: &Bound<'_>, row: &Row, entry: &Entry) -> (u32, bool) {
    let query = bound.query;
    let stated = &entry.setting().identity;
    let mut asked = 0;
    let mut met = 0;
    // A setting that states no ethnicity is not marked down for it.
    if query.ethnicities != 0 && row.ethnicities != 0 {
        asked += 1;
        met += u32::from(query.ethnicities & row.ethnicities != 0);
    }
    let ethnicity_unmet = asked - met;
    if !query.religion.is_empty() {
        asked += 1;
        met += u32::from(bound.religion.met_by(row.religions, || &stated.religions));
    }
    if !query.languages.is_empty() {
        asked += 1;
        met += u32::from(bound.languages.met_by(row.languages, || &stated.languages));
    }
    let mean = (met * FULL_PPM).checked_div(asked).unwrap_or(FULL_PPM);
    (mean, asked - met > ethnicity_unmet)
}

/// The weighted sum, in hundredths of a point.
#[must_use]
pub fn score(weights: &Weights, values: &Values) -> u32 {
    let sum: u64 = Criterion::ALL
        .iter()
        .map(|criterion| u64::from(weights.get(*criterion)) * u64::from(values.get(*criterion)))
        .sum();
    u32::try_from(sum / 10_000).unwrap_or(u32::MAX)
}
