//! Ranking: one pass over the packed rows, then one sort.

use crate::{
    bound::{Area, Bound},
    outcome::{Outcome, Ranked, Results},
    policy::Policy,
    query::{NOT_IN_PLAN, Query},
    rules,
    sets::{ActSet, ReasonSet},
    supply::{Entry, Row, Supply, flag},
    values::{self, Distances},
};
use chrono::{DateTime, Utc};
use oss_domain::SettingId;
use oss_geography::Precision;

/// How far the capabilities meet the needs, in the steps that come before all else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    /// Well met.
    A,
    /// Met with support.
    B,
    /// Less than that.
    C,
}

impl Band {
    /// The band, as it is written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
        }
    }
}

/// What came out for one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be offered.
    Ranked(Ranked),
    /// It may not: every reason, and the acts that would each cure all of them.
    Excluded {
        /// Every reason.
        reasons: ReasonSet,
        /// The acts.
        requires: ActSet,
    },
}

/// Ranks a register for a referral, with every reason of every setting that is out.
///
/// Reads nothing but its arguments: the same ones give the same outcome, bit for bit. A supply of
/// another council's register offers nothing.
#[must_use]
pub fn rank(
    query: &Query,
    supply: &Supply,
    policy: &Policy,
    evaluated_at: DateTime<Utc>,
) -> Outcome {
    let bound = Bound::new(query, supply, policy, evaluated_at);
    let mut results = Results::with_capacity(supply.len(), policy.n_near_misses());
    if supply.authority() == query.authority {
        for (slot, (row, entry)) in supply.rows().iter().zip(supply.entries()).enumerate() {
            match judge(&bound, slot, row, entry) {
                None => results.not_shown(),
                Some(Verdict::Excluded { reasons, requires }) => {
                    results.excluded(reasons, requires);
                }
                Some(Verdict::Ranked(ranked)) => results.ranked(ranked),
            }
        }
    }
    Outcome::new(results, supply.roster(), query.levels)
}

/// Evaluates one setting, or `None` where it is not in the register or not to be shown for these
/// children.
#[must_use]
pub fn evaluate(
    query: &Query,
    supply: &Supply,
    setting_id: &SettingId,
    policy: &Policy,
    evaluated_at: DateTime<Utc>,
) -> Option<Verdict> {
    let slot = supply.find(setting_id).ok()?;
    let (row, entry) = (supply.rows().get(slot)?, supply.entries().get(slot)?);
    let bound = Bound::new(query, supply, policy, evaluated_at);
    (supply.authority() == query.authority)
        .then(|| judge(&bound, slot, row, entry))
        .flatten()
}

#[inline]
fn judge(bound: &Bound<'_>, slot: usize, row: &Row, entry: &Entry) -> Option<Verdict> {
    if !bound.shows(row, entry) {
        return None;
    }
    let place_of_kind = bound.place_of_kind(row);
    if place_of_kind == NOT_IN_PLAN {
        return Some(Verdict::Excluded {
            reasons: rules::NOT_IN_PLAN,
            requires: ActSet::EMPTY,
        });
    }
    let area = bound.area(row);
    let occupants = bound.occupants(row, entry);
    let reasons = rules::exclusions(bound, row, entry, &occupants, &area);
    if reasons.is_empty() {
        return Some(Verdict::Ranked(offer(
            bound,
            slot,
            row,
            entry,
            &area,
            place_of_kind,
        )));
    }
    let is_previous = bound.previous == Some(slot);
    Some(Verdict::Excluded {
        reasons,
        requires: rules::cures(bound, row, &occupants, is_previous, reasons),
    })
}

fn offer(
    bound: &Bound<'_>,
    slot: usize,
    row: &Row,
    entry: &Entry,
    area: &Area,
    place_of_kind: u8,
) -> Ranked {
    let distances = Distances::of(bound, row);
    let valued = values::value(bound, row, entry, area, distances);
    let thresholds = bound.thresholds;
    let band = if valued.values.fit >= thresholds.band_a_fit {
        Band::A
    } else if valued.values.fit >= thresholds.band_b_fit {
        Band::B
    } else {
        Band::C
    };
    Ranked {
        slot: u32::try_from(slot).unwrap_or(u32::MAX),
        shortfall: valued.shortfall,
        values: valued.values,
        score: values::score(bound.weights, &valued.values),
        weekly_cost: oss_domain::Pence::new(row.weekly_pence),
        located_in: area.code,
        distances,
        approvals: rules::approvals(bound, row, area, distances),
        warnings: rules::warnings(bound, row, distances, valued.identity_unmet),
        band,
        place_of_kind,
        near: area.responsible || distances.home <= thresholds.near,
        kind: row.kind,
        sourcing: row.sourcing,
        precision: if row.has(flag::SECTOR) {
            Precision::Sector
        } else {
            Precision::Unit
        },
    }
}
