//! For managers: what is late, who has how much, and figures; and for a placement, the record of
//! its decision and a note for the child.

pub(crate) mod decision;
mod figures;
pub(crate) mod recent;

use super::{
    acts::progress::ApprovalRow,
    approvals,
    export::written,
    layout::{Layout, Menu, Page, Section},
    words,
};
use crate::{app::App, problem::Fault, query::Parameters, session::Viewer};
use askama::Template;
use axum::{extract::State, http::header, response::IntoResponse};
use chrono::{DateTime, Utc};
use figures::Report;
use oss_storage::{
    desk::{QueueFilter, QueueOrder, Queued},
    reports::Load,
};

/// Late referrals and late approvals on the page; it leads on to all of them.
const AT_MOST: usize = 10;

#[derive(Debug, Template)]
#[template(path = "reports.html")]
struct ReportsPage {
    layout: Layout,
    days: i64,
    late: Vec<LateRow>,
    more_late: bool,
    approvals: Vec<ApprovalRow>,
    more_approvals: bool,
    load: Vec<Load>,
    report: Report,
}

#[derive(Debug)]
struct LateRow {
    reference: String,
    late: String,
    next: &'static str,
    taken_by: String,
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

/// `GET /reports`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let (authority, now) = (viewer.authority(), app.clock.now());
    let days = days(&parameters)?;
    let one_more = u32::try_from(AT_MOST + 1).unwrap_or(u32::MAX);
    let late = QueueFilter {
        needed_before: Some(now),
        ..QueueFilter::default()
    };
    let late = app
        .store
        .queue(&[authority].into(), late, QueueOrder::Time, None, one_more)
        .await?;
    let waiting = app
        .store
        .approvals_waiting(authority, approvals::late_before(now), None, one_more)
        .await?;
    Ok(Page(ReportsPage {
        layout: Layout::new(&app, &viewer, Section::At(Menu::Reports)),
        days,
        more_late: late.len() > AT_MOST,
        late: late.iter().take(AT_MOST).map(|it| row(it, now)).collect(),
        more_approvals: waiting.len() > AT_MOST,
        approvals: waiting
            .iter()
            .take(AT_MOST)
            .map(|task| ApprovalRow::new(task, now))
            .collect(),
        load: app.store.team_load(authority).await?,
        report: report(&app, &viewer, days).await?,
    }))
}

async fn report(app: &App, viewer: &Viewer, days: i64) -> Result<Report, Fault> {
    let (authority, now) = (viewer.authority(), app.clock.now());
    let recent = app.recent_figures.figures(&app.store, authority, days, now);
    let (done, as_it_is) = recent.await?;
    Ok(Report::new(&done, &as_it_is))
}

fn row(queued: &Queued, now: DateTime<Utc>) -> LateRow {
    LateRow {
        reference: queued.referral_id.to_string(),
        late: words::time_left(now, queued.needed_by).0,
        next: words::next(queued.state, queued.waits_for_approval).0,
        taken_by: queued
            .taken
            .as_ref()
            .map_or("Nobody".to_owned(), |it| it.user_name.clone()),
    }
}

/// `GET /reports.csv`
pub(crate) async fn download(
    State(app): State<App>,
    viewer: Viewer,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let days = days(&parameters)?;
    let report = report(&app, &viewer, days).await?;
    let file = format!("attachment; filename=\"figures-{days}-days.csv\"");
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, file),
    ];
    Ok((
        headers,
        written(&report.cells()).ok_or_else(Fault::internal)?,
    ))
}
