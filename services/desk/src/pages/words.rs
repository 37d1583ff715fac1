//! Codes, times and sums as people read them.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Europe::London;
use oss_domain::{
    AuthorityCode, Child, Level, Referral, Sex,
    child::age_on,
    lifecycle::ReferralState,
    referral::Urgency,
    setting::{Kind, Quality, Sourcing},
};
use oss_geography::Authorities;
use oss_storage::{desk::IN_QUEUE, referrals::StoredReferral};
use oss_workflow::calendar;

/// A status: its words, and its colour, which never stands alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) text: &'static str,
    pub(crate) class: &'static str,
}

/// `25 November 2026`
pub(crate) fn date(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

/// `25 November 2026, 2:15pm`, as clocks in England show it.
pub(crate) fn at(moment: DateTime<Utc>) -> String {
    let local = moment.with_timezone(&London);
    local.format("%-d %B %Y, %-I:%M%P").to_string()
}

/// `2 days left`, `3 hours late`: to the minute below an hour.
pub(crate) fn time_left(now: DateTime<Utc>, until: DateTime<Utc>) -> (String, bool) {
    let left = until - now;
    let late = left < TimeDelta::zero();
    let end = if late { "late" } else { "left" };
    (format!("{} {end}", how_long(left)), late)
}

/// `3 days ago`: to the minute below an hour.
pub(crate) fn ago(now: DateTime<Utc>, moment: DateTime<Utc>) -> String {
    format!("{} ago", how_long(now - moment))
}

fn how_long(time: TimeDelta) -> String {
    let time = time.abs();
    let (number, unit) = match (time.num_days(), time.num_hours(), time.num_minutes()) {
        (days, hours, _) if hours >= 48 => (days, "day"),
        (_, hours, _) if hours >= 1 => (hours, "hour"),
        (_, _, minutes) => (minutes, "minute"),
    };
    many(number, unit)
}

/// When a home is needed: to the minute where it matters.
pub(crate) fn needed_by(urgency: Urgency, moment: DateTime<Utc>) -> String {
    match urgency {
        Urgency::Emergency => {
            let day = (moment - TimeDelta::seconds(1))
                .with_timezone(&London)
                .date_naive();
            format!("by the end of {}", date(day))
        }
        Urgency::Urgent => format!("by {}", at(moment)),
        Urgency::Planned => format!("by {}", date(moment.with_timezone(&London).date_naive())),
    }
}

/// How much time there is to find a home.
#[derive(Clone, Debug)]
pub(crate) struct TimeLeft {
    /// `2 days left`
    pub(crate) text: String,
    /// `by 25 November 2026, 2:15pm`
    pub(crate) by: String,
    pub(crate) is_late: bool,
}

impl TimeLeft {
    /// For a referral that is in the queue; none for others.
    pub(crate) fn of(stored: &StoredReferral, now: DateTime<Utc>) -> Option<Self> {
        let referral = stored.referral.as_deref();
        let referral = referral.filter(|_| IN_QUEUE.contains(&stored.state))?;
        let urgency = referral.urgency;
        let until = calendar::needed_by(urgency, stored.received_at, referral.start_date);
        let (text, is_late) = time_left(now, until);
        Some(Self {
            text,
            by: needed_by(urgency, until),
            is_late,
        })
    }
}

/// `1 day`, `2 days`: for nouns that take an s.
pub(crate) fn many(number: i64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

pub(crate) const fn urgency(urgency: Urgency) -> Tag {
    match urgency {
        Urgency::Emergency => Tag {
            text: "Emergency",
            class: "govuk-tag--red",
        },
        Urgency::Urgent => Tag {
            text: "Urgent",
            class: "govuk-tag--orange",
        },
        Urgency::Planned => Tag {
            text: "Planned",
            class: "govuk-tag--grey",
        },
    }
}

pub(crate) const fn state(state: ReferralState) -> Tag {
    match state {
        ReferralState::Received => Tag {
            text: "New",
            class: "govuk-tag--blue",
        },
        ReferralState::Ranked => Tag {
            text: "Homes found",
            class: "govuk-tag--green",
        },
        ReferralState::Unfilled => Tag {
            text: "No home found",
            class: "govuk-tag--red",
        },
        ReferralState::InCallOff => Tag {
            text: "Homes asked",
            class: "govuk-tag--yellow",
        },
        ReferralState::Selected => Tag {
            text: "Home chosen",
            class: "govuk-tag--teal",
        },
        ReferralState::Placed => Tag {
            text: "Placed",
            class: "govuk-tag--grey",
        },
        ReferralState::Withdrawn => Tag {
            text: "Withdrawn",
            class: "govuk-tag--grey",
        },
    }
}

/// What is needed next, and from whom.
pub(crate) const fn next(
    state: ReferralState,
    waits_for_approval: bool,
) -> (&'static str, &'static str) {
    match state {
        ReferralState::Received => ("Find homes", "the service"),
        ReferralState::Ranked => ("Choose which homes to ask", "a commissioner"),
        ReferralState::Unfilled => ("Widen the search, or take it up", "a commissioner"),
        ReferralState::InCallOff => ("Answers", "providers"),
        ReferralState::Selected if waits_for_approval => {
            ("Approvals, then the start", "the approvers named")
        }
        ReferralState::Selected => ("The start", "a commissioner"),
        ReferralState::Placed | ReferralState::Withdrawn => ("Nothing", "nobody"),
    }
}

/// A kind of setting, one of it.
pub(crate) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::ConnectedPerson => "Connected person",
        Kind::FosteringHousehold => "Foster home",
        Kind::ChildrensHome => "Children’s home",
        Kind::SupportedAccommodation => "Supported accommodation",
        Kind::ResidentialFamilyCentre => "Residential family centre",
        Kind::SecureChildrensHome => "Secure children’s home",
    }
}

pub(crate) const fn sourcing(sourcing: Sourcing) -> &'static str {
    match sourcing {
        Sourcing::Connected => "Connected person",
        Sourcing::InHouse => "Council’s own",
        Sourcing::Block => "Bought ahead",
        Sourcing::Framework => "Framework",
        Sourcing::Spot => "Spot purchase",
    }
}

pub(crate) const fn quality(quality: Quality) -> &'static str {
    match quality {
        Quality::Outstanding => "Outstanding (Ofsted)",
        Quality::Good => "Good (Ofsted)",
        Quality::RequiresImprovement => "Requires improvement (Ofsted)",
        Quality::Inadequate => "Inadequate (Ofsted)",
        Quality::LocalAuthority => "Inspected with the council’s own services",
        Quality::ConsistentlyStrong => "Consistently strong (Ofsted)",
        Quality::Inconsistent => "Inconsistent (Ofsted)",
        Quality::SeriousWeaknesses => "Serious weaknesses (Ofsted)",
        Quality::None => "Not inspected yet",
    }
}

pub(crate) const fn level(level: Level) -> &'static str {
    match level.get() {
        0 => "none",
        1 => "everyday parenting",
        2 => "additional support",
        3 => "specialist support",
        _ => "intensive support",
    }
}

/// `Girl, 14`
pub(crate) fn child(child: &Child, on: NaiveDate) -> String {
    let sex = match child.sex {
        Sex::Male => "Boy",
        Sex::Female => "Girl",
        Sex::Unknown => "Child",
    };
    match age_on(child.date_of_birth, on) {
        Some(0) => format!("{sex}, under 1"),
        Some(age) => format!("{sex}, {age}"),
        None => sex.to_owned(),
    }
}

/// How many children a referral is for.
pub(crate) fn children(referral: &Referral) -> String {
    match referral.children.len() {
        _ if referral.matching.parent_and_child => "Parent and child".to_owned(),
        1 => "1 child".to_owned(),
        number => format!("{number} children together"),
    }
}

/// The name of an authority, or its code where we know no name.
pub(crate) fn authority(code: AuthorityCode) -> String {
    let name = Authorities::embedded().name(code);
    name.map_or_else(|| code.to_string(), str::to_owned)
}

/// A code of several words, such as `head_of_service`, to be read.
pub(crate) fn code(code: &str) -> String {
    code.replace(['_', '.'], " ")
        .replace("childrens", "children’s")
}

/// Parts per million as a whole percentage.
pub(crate) fn percent(ppm: u32) -> String {
    format!("{} %", ppm / 10_000)
}

/// Hundredths of a point.
pub(crate) fn points(hundredths: u32) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// A line of the audit, as a title.
pub(crate) fn act(act: &str) -> String {
    let known = match act {
        "referral.received" => "Referral received",
        "referral.amended" => "Referral changed",
        "referral.withdrawn" => "Referral withdrawn",
        "referral.read" => "Referral read",
        "referral.taken" => "Taken on",
        "referral.released" => "Given back",
        "referral.handed_over" => "Handed over",
        "referral.taken_over" => "Taken over",
        "referral.ranked" | "run.made" => "Homes ranked",
        "options.read" => "Options read",
        "options.exported" => "Options downloaded",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let text = code(act);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_those_of_clocks_in_england() {
        assert_eq!(at(moment("2026-07-01T13:05:00Z")), "1 July 2026, 2:05pm");
        assert_eq!(
            at(moment("2026-11-25T13:05:00Z")),
            "25 November 2026, 1:05pm"
        );
    }

    #[test]
    fn time_left_is_told_in_the_unit_that_matters() {
        let now = moment("2026-11-25T12:00:00Z");
        let left = |text| time_left(now, moment(text));
        assert_eq!(
            left("2026-11-25T12:01:30Z"),
            ("1 minute left".to_owned(), false)
        );
        assert_eq!(
            left("2026-11-26T12:00:00Z"),
            ("24 hours left".to_owned(), false)
        );
        assert_eq!(
            left("2026-11-30T12:00:00Z"),
            ("5 days left".to_owned(), false)
        );
        assert_eq!(
            left("2026-11-25T09:00:00Z"),
            ("3 hours late".to_owned(), true)
        );
    }
}
