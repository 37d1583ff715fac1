//! Outcomes in words. Every sentence is derived from the same codes and the same order key that
//! ranking uses: nothing is said that was not computed.

use crate::{
    evaluation::Offer,
    policy::{Criterion, Policy, Weights},
    query::Query,
    rank::Band,
    rules::{Rule, rule},
    values::score,
};
use oss_domain::{
    Exclusion, Need, Reason,
    reason::Detail,
    setting::{Kind, Sourcing},
};
use std::cmp::Ordering;

/// Why a setting is out, in a sentence, with what exactly was found.
#[must_use]
pub fn reason(reason: Reason) -> String {
    let Rule { text, .. } = rule(reason.code);
    match (reason.code, reason.detail.and_then(found)) {
        (Exclusion::H05, Some(found)) => format!("The free places are spoken for: {found}."),
        (Exclusion::H08, Some(found)) => {
            format!("No new child may be placed there on the start date: {found}.")
        }
        (Exclusion::H09, Some(found)) => format!("It does not fit the child: {found}."),
        (_, Some(found)) => format!("{} ({found}).", text.trim_end_matches('.')),
        (_, None) => match need_of(reason.detail) {
            Some(need) => format!("The essential need “{}” cannot be met.", need.in_words()),
            None => text.to_owned(),
        },
    }
}

const fn found(detail: Detail) -> Option<&'static str> {
    Some(match detail {
        Detail::Held => "the group would fit but for places held for others",
        Detail::Under16 => "a child is under 16",
        Detail::Over17 => "someone is 18 or over",
        Detail::Unknown => "the number of free bedrooms is not known",
        Detail::WheelchairAccessible => "it is not accessible by wheelchair",
        Detail::AdmissionCriteria => "the child is outside its admission criteria",
        Detail::Solo => "the child must live alone and others live there",
        Detail::NamedChild => "a child lives there who must be avoided",
        Detail::YoungerChild => "a younger child lives there",
        Detail::OppositeSex => "a child of the opposite sex lives there",
        Detail::Section25 => "no order under section 25",
        Detail::Under13 => "under 13 without the Secretary of State's approval",
        Detail::NotOffered => "it takes no parents with children",
        Detail::Only => "it takes only parents with children",
        Detail::Section47 => "an enquiry under section 47",
        Detail::StandardsOfCare => "a concern about standards of care",
        Detail::Section22bNotice => "a notice under section 22B",
        Detail::FrameworkSuspension => "it is suspended from the framework",
        Detail::CarerUnavailable => "the carer is not available",
        Detail::NoticeGiven => "notice has been given",
        // The rest name a need.
        _ => return None,
    })
}

fn need_of(detail: Option<Detail>) -> Option<Need> {
    detail?.as_str().parse().ok()
}

/// The part of the order in which two offers first differ, and so why one is above the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It meets needs better.
    Band(Band, Band),
    /// Its kind comes first in the plan.
    Plan(Kind, Kind),
    /// It is near.
    Near,
    /// The council's own or bought-ahead places come first.
    Sourcing(Sourcing, Sourcing),
    /// It scores higher, in hundredths of a point.
    Score(u32, u32),
    /// It costs less.
    Cost(oss_domain::Pence, oss_domain::Pence),
    /// Nothing else tells them apart.
    SettingId,
}

/// Why `above` ranks above `below`: the first part of the order in which they differ.
#[must_use]
pub fn because(above: &Offer, below: &Offer) -> Because {
    if above.band != below.band {
        Because::Band(above.band, below.band)
    } else if above.kind != below.kind {
        Because::Plan(above.kind, below.kind)
    } else if above.near != below.near {
        Because::Near
    } else if above.sourcing != below.sourcing {
        Because::Sourcing(above.sourcing, below.sourcing)
    } else if above.score != below.score {
        Because::Score(above.score, below.score)
    } else if above.weekly_cost != below.weekly_cost {
        Because::Cost(above.weekly_cost, below.weekly_cost)
    } else {
        Because::SettingId
    }
}

/// "F01 ranks above F02 because …", in a sentence.
#[must_use]
pub fn comparison(above: &Offer, below: &Offer) -> String {
    let (first, second) = (&above.setting_id, &below.setting_id);
    let why = match because(above, below) {
        Because::Band(better, worse) => format!(
            "it meets the needs better (band {}, {} of them; {second} band {}, {})",
            better.as_str(),
            percent(above.values.fit),
            worse.as_str(),
            percent(below.values.fit),
        ),
        Because::Plan(kind, other) => format!(
            "the care plan prefers {} to {}",
            kind_in_words(kind),
            kind_in_words(other)
        ),
        Because::Near => format!(
            "it is near ({} from home) and {second} is not ({})",
            above.distances.home, below.distances.home
        ),
        Because::Sourcing(own, other) => format!(
            "{} come before {}",
            sourcing_in_words(own),
            sourcing_in_words(other)
        ),
        Because::Score(more, less) => format!(
            "it scores {} and {second} {}{}",
            points(more),
            points(less),
            main_difference(above, below)
        ),
        Because::Cost(less, more) => {
            format!("the scores are equal and it costs {less} a week, {second} {more}")
        }
        Because::SettingId => "nothing tells them apart but their ids".to_owned(),
    };
    format!("{first} ranks above {second} because {why}.")
}

/// The criterion that speaks most for the higher score, weights left aside.
fn main_difference(above: &Offer, below: &Offer) -> String {
    let gain = |criterion: Criterion| {
        i64::from(above.values.get(criterion)) - i64::from(below.values.get(criterion))
    };
    Criterion::ALL
        .into_iter()
        .filter(|criterion| gain(*criterion) > 0)
        .max_by_key(|criterion| (gain(*criterion), std::cmp::Reverse(*criterion)))
        .map(|criterion| format!(", most of all for {}", criterion.in_words()))
        .unwrap_or_default()
}

/// By how much one weight, alone, must move before two offers change places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap {
    /// Which weight.
    pub criterion: Criterion,
    /// What it is.
    pub from: u32,
    /// The nearest weight, 0 to 100, at which the order is the other.
    pub to: u32,
}

/// For each weight that could do so, how far it must move before `below` comes above `above`; the
/// smallest move first.
///
/// Empty where something that comes before the score decides: no weight changes that.
#[must_use]
pub fn swaps(above: &Offer, below: &Offer, policy: &Policy) -> Vec<Swap> {
    let decided_by_score = matches!(
        because(above, below),
        Because::Score(..) | Because::Cost(..) | Because::SettingId
    );
    if !decided_by_score {
        return Vec::new();
    }
    let weights = policy.weights();
    let mut swaps: Vec<Swap> = Criterion::ALL
        .into_iter()
        .filter_map(|criterion| {
            let from = weights.get(criterion);
            (0..=100)
                .filter(|to| precedes(below, above, &weights.with(criterion, *to)))
                .min_by_key(|to| (to.abs_diff(from), *to))
                .map(|to| Swap {
                    criterion,
                    from,
                    to,
                })
        })
        .collect();
    swaps.sort_by_key(|swap| (swap.to.abs_diff(swap.from), swap.criterion));
    swaps
}

/// "If the weight of … went from … to …, F02 would come first", in a sentence.
#[must_use]
pub fn swap(swap: &Swap, above: &Offer, below: &Offer) -> String {
    format!(
        "If the weight of {} went from {} to {}, {} would come before {}.",
        swap.criterion.in_words(),
        swap.from,
        swap.to,
        below.setting_id,
        above.setting_id
    )
}

/// Whether `a` comes before `b` under other weights, all before the score being equal.
fn precedes(a: &Offer, b: &Offer, weights: &Weights) -> bool {
    let order = score(weights, &b.values)
        .cmp(&score(weights, &a.values))
        .then_with(|| a.weekly_cost.cmp(&b.weekly_cost))
        .then_with(|| a.setting_id.cmp(&b.setting_id));
    order == Ordering::Less
}

/// An offer's strengths and gaps in a few sentences, for the page and the terminal.
#[must_use]
pub fn offer(offer: &Offer, query: &Query, policy: &Policy) -> Vec<String> {
    let mut lines = vec![format!(
        "Meets {} of the needs (band {}); scores {}.",
        percent(offer.values.fit),
        offer.band.as_str(),
        points(offer.score)
    )];
    for gap in &offer.gaps {
        lines.push(format!(
            "Needs level {} for {} and has {}: plan support.",
            gap.level,
            gap.need.in_words(),
            gap.has
        ));
    }
    let from = if query.has_home() {
        "home"
    } else {
        "the council's centre"
    };
    let school = offer
        .distances
        .school
        .map(|school| format!(", {school} from school"));
    lines.push(format!(
        "{} from {from}{}; {} a week.",
        offer.distances.home,
        school.unwrap_or_default(),
        offer.weekly_cost
    ));
    for approval in offer.approvals.iter() {
        let Rule { code, text, .. } = rule(approval);
        let approver = policy.approver(approval).replace('_', " ");
        lines.push(format!("{code} ({approver}): {text}"));
    }
    lines.extend(
        offer
            .warnings
            .iter()
            .map(rule)
            .map(|rule| format!("{} {}", rule.code, rule.text)),
    );
    lines
}

/// A kind of setting, in words, in the plural.
#[must_use]
pub const fn kind_in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::ConnectedPerson => "connected people",
        Kind::FosteringHousehold => "foster homes",
        Kind::ChildrensHome => "children's homes",
        Kind::SupportedAccommodation => "supported accommodation",
        Kind::ResidentialFamilyCentre => "residential family centres",
        Kind::SecureChildrensHome => "secure children's homes",
    }
}

const fn sourcing_in_words(sourcing: Sourcing) -> &'static str {
    match sourcing {
        Sourcing::Connected => "connected people",
        Sourcing::InHouse => "the council's own places",
        Sourcing::Block => "places bought ahead",
        Sourcing::Framework => "framework places",
        Sourcing::Spot => "places bought one by one",
    }
}

fn percent(ppm: u32) -> String {
    format!("{}.{} %", ppm / 10_000, ppm / 1_000 % 10)
}

fn points(hundredths: u32) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
