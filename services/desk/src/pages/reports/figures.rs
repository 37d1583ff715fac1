//! Figures in words, and as bars: what the page shows and the file holds.

use super::recent::Counted;
use crate::pages::{acts::words as acts_words, facts::capital, words};
use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Utc};
use oss_domain::{
    Need, Pence,
    lifecycle::DeclineReason,
    setting::{Kind, Sourcing},
    ssda903::ReasonPlaceChange,
};
use oss_storage::reports::{Count, Figures, KindFigures, Now, Share, Spread};
use oss_workflow::{calendar, offer::OfferState};
use std::str::FromStr;

/// The width of the longest bar.
const LONGEST: u64 = 200;

/// Everything that is reported.
#[derive(Debug)]
pub(crate) struct Report {
    /// Of when it tells how things are.
    now_at: DateTime<Utc>,
    /// How things are.
    pub(crate) now: Table,
    /// Until when it tells what was done.
    done_at: DateTime<Utc>,
    /// What was done in the time.
    pub(crate) done: Table,
    /// Decisions by kind, with costs.
    pub(crate) kinds: Vec<KindRow>,
    /// Counts of the time.
    pub(crate) charts: Vec<Chart>,
    /// Counts of how things are.
    pub(crate) charts_now: Vec<Chart>,
}

/// What is reported, and its value in words.
pub(crate) type Table = Vec<(&'static str, String)>;

/// Decisions for one kind of setting.
#[derive(Debug)]
pub(crate) struct KindRow {
    pub(crate) kind: String,
    pub(crate) decided: u64,
    pub(crate) in_house: String,
    pub(crate) mean_cost: String,
    pub(crate) median_cost: String,
}

/// Numbers as bars: a count as long as its part of the greatest, a share as its part of all.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    pub(crate) bars: Vec<Bar>,
}

#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) text: String,
    pub(crate) value: String,
    /// Of [`LONGEST`].
    pub(crate) width: u64,
}

impl Chart {
    fn new(title: &'static str, counts: &[Count], name: impl Fn(&str) -> String) -> Self {
        let greatest = counts.iter().map(|it| it.count).max().unwrap_or(1).max(1);
        let bars = counts.iter().map(|it| Bar {
            text: name(&it.code),
            value: it.count.to_string(),
            width: it.count.saturating_mul(LONGEST) / greatest,
        });
        Self {
            title,
            bars: bars.collect(),
        }
    }

    fn of_shares(title: &'static str, shares: &[(&str, Share)]) -> Self {
        let bars = shares.iter().map(|(text, share)| Bar {
            text: (*text).to_owned(),
            value: of(*share),
            width: (share.part.saturating_mul(LONGEST))
                .checked_div(share.whole)
                .unwrap_or(0),
        });
        Self {
            title,
            bars: bars.collect(),
        }
    }
}

impl Report {
    pub(crate) fn new(done: &Counted<Figures>, as_it_is: &Counted<Now>) -> Self {
        let (figures, now) = (&done.figures, &as_it_is.figures);
        Self {
            now_at: as_it_is.at,
            now: now_rows(now, calendar::today(as_it_is.at)),
            done_at: done.at,
            done: done_rows(figures),
            kinds: figures.by_kind.iter().map(kind_row).collect(),
            charts: charts(figures),
            charts_now: charts_now(now),
        }
    }

    /// Of when it tells how things are, and until when what was done: in words.
    pub(crate) fn as_of(&self) -> [String; 2] {
        [self.now_at, self.done_at].map(words::at)
    }

    /// The same as cells of a file.
    pub(crate) fn cells(&self) -> Vec<[String; 2]> {
        let cell = |(name, value): &(&str, String)| [(*name).to_owned(), value.clone()];
        let at =
            |name, at: DateTime<Utc>| cell(&(name, at.to_rfc3339_opts(SecondsFormat::Secs, true)));
        let mut cells = vec![cell(&("figure", "value".to_owned()))];
        cells.push(at("Counted at", self.done_at));
        cells.extend(self.done.iter().map(cell));
        cells.push(at("How things are, counted at", self.now_at));
        cells.extend(self.now.iter().map(cell));
        for row in &self.kinds {
            let of = |what: &str, value: String| [format!("{}: {what}", row.kind), value];
            cells.extend([
                of("decided for", row.decided.to_string()),
                of("in the council’s own", row.in_house.clone()),
                of("cost a week, on average", row.mean_cost.clone()),
                of("cost a week, half at most", row.median_cost.clone()),
            ]);
        }
        for chart in self.charts.iter().chain(&self.charts_now) {
            let bars = chart.bars.iter();
            cells.extend(bars.map(|bar| {
                let name = format!("{}: {}", chart.title, bar.text);
                [name, bar.value.clone()]
            }));
        }
        cells
    }
}

fn share(part: u64, whole: u64) -> Share {
    Share { part, whole }
}

fn of(Share { part, whole }: Share) -> String {
    let percent = part.saturating_mul(100).checked_div(whole);
    percent.map_or("none".to_owned(), |percent| {
        format!("{part} of {whole} ({percent} %)")
    })
}

/// How many there were to each, with one decimal.
fn each(part: u64, whole: u64) -> String {
    let tenths = part.saturating_mul(10).checked_div(whole);
    tenths.map_or("none".to_owned(), |tenths| {
        format!("{}.{}", tenths / 10, tenths % 10)
    })
}

fn hours(hours: Option<u64>) -> String {
    hours.map_or("none".to_owned(), |hours| {
        words::many(i64::try_from(hours).unwrap_or(i64::MAX), "hour")
    })
}

fn done_rows(figures: &Figures) -> Table {
    let fostering = figures.by_kind.iter().filter(|it| is_fostering(it));
    let (fostered, own) = fostering.fold((0, 0), |(all, own), it| {
        (all + it.decided, own + it.in_house)
    });
    let mut rows = vec![
        ("Referrals received", figures.received.to_string()),
        (
            "Of those, emergencies",
            of(share(figures.emergencies, figures.received)),
        ),
        ("Homes decided for", figures.decided.to_string()),
        (
            "In the council’s own area",
            of(share(figures.inside, figures.decided)),
        ),
        ("At most 20 miles from home", of(figures.within_20_miles)),
        (
            "Emergencies of children who had one in the year before",
            of(figures.repeat_emergencies),
        ),
        (
            "Fostering with the council’s own carers",
            of(share(own, fostered)),
        ),
        (
            "Cost a week, on average",
            figures
                .weekly_cost
                .map_or("none".to_owned(), |cost| cost.to_string()),
        ),
        (
            "Homes asked for each referral",
            each(figures.asked, figures.referrals_asked),
        ),
        (
            "Offers for each referral",
            each(figures.said_yes, figures.referrals_asked),
        ),
        ("Approvals given or refused", figures.approvals.to_string()),
        (
            "Notices to host authorities given in time",
            of(figures.host_notices),
        ),
        ("Placements ended", figures.ended.to_string()),
        (
            "Of those, not planned",
            of(share(figures.ended_unplanned, figures.ended)),
        ),
    ];
    let spreads = [
        (
            "From referral to the first offer, half took at most",
            "From referral to the first offer, nine in ten took at most",
            figures.to_first_yes,
        ),
        (
            "From referral to decision, half took at most",
            "From referral to decision, nine in ten took at most",
            figures.to_decision,
        ),
        (
            "An approval, half took at most",
            "An approval, nine in ten took at most",
            figures.to_approval,
        ),
    ];
    for (half, most, Spread { median, p90 }) in spreads {
        rows.extend([(half, hours(median)), (most, hours(p90))]);
    }
    rows
}

fn is_fostering(figures: &KindFigures) -> bool {
    figures.kind == Kind::FosteringHousehold.as_str()
}

/// What `weekly` pence come to from the day after `today` to the end of the financial year on
/// 31 March, in whole thousands of pounds: as if nobody came, moved or left.
fn to_years_end(weekly: u64, today: NaiveDate) -> String {
    let is_over = today.month() > 3;
    let end = NaiveDate::from_ymd_opt(today.year() + i32::from(is_over), 3, 31);
    let days = end.map_or(0, |end| (end - today).num_days());
    let days = u64::try_from(days).unwrap_or_default();
    let thousands = (weekly.saturating_mul(days) / 7).saturating_add(50_000) / 100_000;
    let pounds = u32::try_from(thousands.saturating_mul(100)).unwrap_or(u32::MAX);
    match Pence::new(pounds) {
        nothing if pounds == 0 => nothing.to_string(),
        thousands => format!("{thousands},000"),
    }
}

fn now_rows(now: &Now, today: NaiveDate) -> Table {
    let pence = |pence: u64| Pence::new(u32::try_from(pence).unwrap_or(u32::MAX)).to_string();
    vec![
        ("Placements in which children live", now.live.to_string()),
        ("What these cost a week", pence(now.weekly_cost)),
        (
            "What they cost until 31 March if nobody comes, moves or leaves",
            to_years_end(now.weekly_cost, today),
        ),
        (
            "Of those, at £10,000 a week and more",
            of(share(now.ten_thousand, now.live)),
        ),
        (
            "Of those, in homes not registered, or found less than good",
            of(share(now.poor_quality, now.live)),
        ),
        (
            "Children with three placements or more begun in the last year",
            of(now.three_placements),
        ),
        (
            "Children under 16 placed first 2½ years ago or earlier, now two years or more in one place",
            of(now.stable),
        ),
        (
            "Temporary approvals that have ended, or end within 28 days (reg 24)",
            now.temporary_ending.to_string(),
        ),
        (
            "Placements outside terms that have ended, or end within 28 days (reg 23)",
            now.outside_terms_ending.to_string(),
        ),
        (
            "Places of the council’s own children’s homes",
            now.own_places.to_string(),
        ),
        (
            "Of those, that cannot be used",
            of(share(now.own_blocked, now.own_places)),
        ),
        (
            "Children who live there, as the homes say",
            of(share(now.own_residents, now.own_places)),
        ),
    ]
}

fn kind_row(figures: &KindFigures) -> KindRow {
    KindRow {
        kind: named(&figures.kind, |it: Kind| words::kind(it).to_owned()),
        decided: figures.decided,
        in_house: of(share(figures.in_house, figures.decided)),
        mean_cost: figures.mean_cost.to_string(),
        median_cost: figures.median_cost.to_string(),
    }
}

/// A code in words; one that is not known any more is shown as it is.
fn named<T: FromStr>(code: &str, name: impl Fn(T) -> String) -> String {
    code.parse().map_or(code.to_owned(), name)
}

fn charts(figures: &Figures) -> Vec<Chart> {
    vec![
        Chart::of_shares(
            "What decisions kept for the child",
            &[
                ("All siblings together", figures.siblings_together),
                ("School near enough to stay at", figures.school_near),
                (
                    "School near enough to stay at, in key stage 4",
                    figures.school_near_key_stage_4,
                ),
                ("Religion and language as asked for", figures.identity_met),
            ],
        ),
        Chart::new(
            "Decisions by how the council comes by the place",
            &figures.by_sourcing,
            |code| named(code, |it: Sourcing| words::sourcing(it).to_owned()),
        ),
        Chart::new(
            "Decisions by the wave in which the home was asked",
            &figures.by_wave,
            |wave| match wave {
                "0" => "Asked by itself, or not asked".to_owned(),
                wave => format!("Wave {wave}"),
            },
        ),
        Chart::new(
            "Homes asked, by what became of it",
            &figures.by_answer,
            |code| named(code, |it: OfferState| acts_words::offer(it).text.to_owned()),
        ),
        Chart::new("Why providers declined", &figures.by_reason, |code| {
            named(code, |it: DeclineReason| acts_words::decline(it).to_owned())
        }),
        Chart::new("Why placements ended", &figures.by_ending, |code| {
            named(code, |it: ReasonPlaceChange| {
                acts_words::ending(it).to_owned()
            })
        }),
    ]
}

fn charts_now(now: &Now) -> Vec<Chart> {
    vec![
        Chart::new(
            "Children without a suitable home now, by age",
            &now.unfilled_by_age,
            str::to_owned,
        ),
        Chart::new(
            "Referrals without a suitable home now, by essential need",
            &now.unfilled_by_need,
            |code| named(code, |it: Need| capital(it.in_words())),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forecast_begins_on_the_day_that_it_is_in_england() {
        let at = "2026-03-31T23:30:00Z".parse().unwrap();
        let done = Counted {
            at,
            figures: Figures::default(),
        };
        let figures = Now {
            weekly_cost: 70_000_000,
            ..Now::default()
        };
        let report = Report::new(&done, &Counted { at, figures });
        let mut told = report.now.iter().map(|(_, value)| &**value);
        assert!(told.any(|it| it == "£36,400,000"), "it is 1 April there");
    }

    #[test]
    fn what_placements_cost_until_the_financial_year_ends_is_forecast_as_by_hand() {
        // £700,000 a week is £100,000 a day.
        for (today, told) in [
            ("2026-03-30", "£100,000"),
            ("2026-03-31", "£0"),
            ("2026-04-01", "£36,400,000"),
            ("2026-12-31", "£9,000,000"),
            ("2028-02-28", "£3,200,000"),
        ] {
            assert_eq!(to_years_end(70_000_000, today.parse().unwrap()), told);
        }
        assert_eq!(
            to_years_end(350_000, "2026-03-30".parse().unwrap()),
            "£1,000"
        );
    }
}
