//! For managers: what is late, who has how much, and figures; and for a placement, the record of
//! its decision and a note for the child.

pub(crate) mod decision;

use super::{
    acts::progress::ApprovalRow,
    acts::words as acts_words,
    approvals,
    export::written,
    layout::{Layout, Page, Section},
    words,
};
use crate::{app::App, problem::Fault, query::Parameters, session::Viewer};
use askama::Template;
use axum::{extract::State, http::header, response::IntoResponse};
use chrono::{DateTime, TimeDelta, Utc};
use oss_domain::{lifecycle::DeclineReason, setting::Sourcing};
use oss_storage::{
    desk::{QueueFilter, QueueOrder},
    reports::{Count, Figures, Load},
};
use oss_workflow::offer::OfferState;

/// Referrals and approvals that are looked through for late ones.
const AT_MOST: u32 = 200;

#[derive(Debug, Template)]
#[template(path = "reports.html")]
struct ReportsPage {
    layout: Layout,
    days: i64,
    late: Vec<LateRow>,
    approvals: Vec<ApprovalRow>,
    load: Vec<Load>,
    figures: Vec<(&'static str, String)>,
    charts: Vec<Chart>,
}

#[derive(Debug)]
struct LateRow {
    reference: String,
    late: String,
    next: &'static str,
    taken_by: String,
}

/// Counts as bars, each as long as its part of the greatest.
#[derive(Debug)]
struct Chart {
    title: &'static str,
    bars: Vec<Bar>,
}

#[derive(Debug)]
struct Bar {
    text: String,
    count: u64,
    /// Of 200.
    width: u64,
}

impl Chart {
    fn new(title: &'static str, counts: &[Count], name: impl Fn(&str) -> String) -> Self {
        let greatest = counts.iter().map(|it| it.count).max().unwrap_or(1).max(1);
        let bars = counts.iter().map(|it| Bar {
            text: name(&it.code),
            count: it.count,
            width: it.count.saturating_mul(200) / greatest,
        });
        Self {
            title,
            bars: bars.collect(),
        }
    }
}

/// How many days the figures are for.
fn days(parameters: &Parameters) -> Result<i64, Fault> {
    let days = parameters.get::<i64>("days")?.unwrap_or(30);
    if (1..=3660).contains(&days) {
        return Ok(days);
    }
    Err(Fault::not_understood(
        "bad_query",
        "The parameter days must be from 1 to 3660.",
    ))
}

fn since(now: DateTime<Utc>, days: i64) -> DateTime<Utc> {
    now - TimeDelta::days(days)
}

/// `GET /reports`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let (authority, now) = (viewer.authority(), app.clock.now());
    let days = days(&parameters)?;
    let figures = app.store.figures(authority, since(now, days), now).await?;
    let approvers = approvals::every_approver();
    let waiting = app
        .store
        .approvals_waiting(authority, &approvers, None, AT_MOST)
        .await?;
    let late = waiting.iter().filter(|task| task.due_at < now);
    Ok(Page(ReportsPage {
        layout: Layout::new(&app, &viewer, Section::Other),
        days,
        late: late_rows(&app, &viewer, now).await?,
        approvals: late.map(|task| ApprovalRow::new(task, now)).collect(),
        load: app.store.team_load(authority).await?,
        figures: rows(&figures),
        charts: charts(&figures),
    }))
}

async fn late_rows(app: &App, viewer: &Viewer, now: DateTime<Utc>) -> Result<Vec<LateRow>, Fault> {
    let authorities = [viewer.authority()].into();
    let filter = QueueFilter::default();
    let queue = app
        .store
        .queue(&authorities, filter, QueueOrder::Time, None, AT_MOST)
        .await?;
    let late = queue.iter().filter(|queued| queued.needed_by < now);
    let row = |queued: &oss_storage::desk::Queued| LateRow {
        reference: queued.referral_id.to_string(),
        late: words::time_left(now, queued.needed_by).0,
        next: words::next(queued.state).0,
        taken_by: queued
            .taken
            .as_ref()
            .map_or("Nobody".to_owned(), |it| it.user_name.clone()),
    };
    Ok(late.map(row).collect())
}

fn of(part: u64, whole: u64) -> String {
    let percent = part.saturating_mul(100).checked_div(whole);
    percent.map_or("none".to_owned(), |percent| {
        format!("{part} of {whole} ({percent} %)")
    })
}

fn rows(figures: &Figures) -> Vec<(&'static str, String)> {
    let hours = |hours: Option<u64>| hours.map_or("none".to_owned(), |it| format!("{it} hours"));
    vec![
        ("Referrals received", figures.received.to_string()),
        (
            "Of those, emergencies",
            of(figures.emergencies, figures.received),
        ),
        ("Homes decided for", figures.decided.to_string()),
        (
            "In the council’s own area",
            of(figures.inside, figures.decided),
        ),
        (
            "At most 20 miles from home",
            of(figures.within_20_miles, figures.with_distance),
        ),
        (
            "From referral to decision, half took at most",
            hours(figures.median_hours),
        ),
        (
            "From referral to decision, nine in ten took at most",
            hours(figures.p90_hours),
        ),
        (
            "Cost a week, on average",
            figures
                .weekly_cost
                .map_or("none".to_owned(), |cost| cost.to_string()),
        ),
        ("Placements ended", figures.ended.to_string()),
        (
            "Of those, not planned",
            of(figures.ended_unplanned, figures.ended),
        ),
    ]
}

fn charts(figures: &Figures) -> Vec<Chart> {
    // A code that is not known any more is shown as it is.
    let sourcing = |code: &str| {
        code.parse::<Sourcing>()
            .map_or(code.to_owned(), |it| words::sourcing(it).to_owned())
    };
    let state = |code: &str| {
        let state = code.parse::<OfferState>();
        state.map_or(code.to_owned(), |it| acts_words::offer(it).text.to_owned())
    };
    let reason = |code: &str| {
        let reason = code.parse::<DeclineReason>();
        reason.map_or(code.to_owned(), |it| acts_words::decline(it).to_owned())
    };
    vec![
        Chart::new(
            "Decisions by how the council comes by the place",
            &figures.by_sourcing,
            sourcing,
        ),
        Chart::new(
            "Homes asked, by what became of it",
            &figures.by_answer,
            state,
        ),
        Chart::new("Why providers declined", &figures.by_reason, reason),
    ]
}

/// `GET /reports.csv`
pub(crate) async fn download(
    State(app): State<App>,
    viewer: Viewer,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let (authority, now) = (viewer.authority(), app.clock.now());
    let days = days(&parameters)?;
    let figures = app.store.figures(authority, since(now, days), now).await?;
    let mut cells = vec![["figure".to_owned(), "value".to_owned()]];
    cells.extend(
        rows(&figures)
            .into_iter()
            .map(|(name, value)| [name.to_owned(), value]),
    );
    for chart in charts(&figures) {
        let bars = chart.bars.into_iter();
        cells.extend(bars.map(|bar| {
            [
                format!("{}: {}", chart.title, bar.text),
                bar.count.to_string(),
            ]
        }));
    }
    let file = format!("attachment; filename=\"figures-{days}-days.csv\"");
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, file),
    ];
    Ok((headers, written(&cells).ok_or_else(Fault::internal)?))
}
