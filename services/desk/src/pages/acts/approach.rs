//! Asking providers: one, or those that were chosen, as a wave.

use super::{
    form::{Fields, Form, Notice, once},
    offer_id,
};
use crate::{
    api::acts,
    app::App,
    body::JsonOrNothing,
    pages::{
        facts::Facts,
        layout::{Layout, Page},
        matched::Matched,
        words::{self, TimeLeft},
    },
    problem::Fault,
    query::Parameters,
    session::Viewer,
};
use askama::Template;
use axum::{
    Form as Sent,
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use oss_domain::SettingId;
use serde_json::Value;

/// Never "send to all": a wave asks a few.
const AT_MOST: usize = 10;

#[derive(Debug, Template)]
#[template(path = "approach.html")]
struct ApproachPage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    rows: Vec<Row>,
    wanted: usize,
    time_left: Option<TimeLeft>,
    /// Until when an answer is waited for.
    respond_by: String,
}

#[derive(Debug)]
struct Row {
    rank: usize,
    facts: Facts,
}

/// `GET /referrals/{id}/approach?setting=…&setting=…`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let query = query.unwrap_or_default();
    let pairs = form_urlencoded::parse(query.as_bytes());
    let chosen: Vec<String> = pairs
        .filter(|(name, _)| name == "setting")
        .map(|(_, value)| value.into_owned())
        .collect();
    page(&app, &viewer, &id, &chosen, None).await
}

async fn page(
    app: &App,
    viewer: &Viewer,
    id: &str,
    chosen: &[String],
    notice: Option<Notice>,
) -> Result<Response, Fault> {
    let matched = Matched::load(app, viewer, id, &Parameters::default(), "options.read").await?;
    let names = matched.names(app).await?;
    let is_chosen = |setting: &SettingId| chosen.iter().any(|it| it == setting.as_str());
    let rows = matched
        .ranked()
        .filter(|(_, offer)| is_chosen(&offer.setting_id));
    let rows: Vec<_> = rows
        .map(|(rank, offer)| {
            let provider = names
                .get(&offer.setting_id)
                .map_or("", |name| &*name.provider);
            Row {
                rank,
                facts: Facts::new(offer, provider, &matched.policy),
            }
        })
        .collect();
    let form = Form::new(app, viewer, notice);
    let status = form.status();
    let now = app.clock.now();
    let page = ApproachPage {
        layout: Layout::new(app, viewer, matched.section()),
        form,
        reference: matched.stored.referral_id.to_string(),
        link: matched.link(),
        wanted: chosen.len(),
        time_left: TimeLeft::of(&matched.stored, now),
        respond_by: words::at(app.call_off.respond_by(matched.referral.urgency, now)),
        rows,
    };
    Ok((status, Page(page)).into_response())
}

/// `POST /referrals/{id}/approach`
pub(crate) async fn send(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Result<Response, Fault> {
    let mut chosen: Vec<String> = fields.all("setting").map(str::to_owned).collect();
    chosen.dedup();
    if chosen.is_empty() || chosen.len() > AT_MOST {
        let text = format!("Choose from 1 to {AT_MOST} homes to ask");
        return page(
            &app,
            &viewer,
            &id,
            &chosen,
            Some(Notice::field("setting", &text)),
        )
        .await;
    }
    let path = format!("/referrals/{id}/approach");
    let mut refused = Vec::new();
    let asking = async {
        refused = ask(&app, &viewer, &id, &chosen, &fields).await?;
        if refused.is_empty() {
            return Ok(format!("/referrals/{id}/progress"));
        }
        Err(Fault::conflict(
            "partly_done",
            "Not all were asked",
            "Not all were asked.",
        ))
    };
    match once(&app, &viewer, &path, &fields, asking).await {
        Ok(done) => Ok(done),
        Err(fault) if fault.is("partly_done") => {
            let left: Vec<_> = refused.iter().map(|(setting, _)| setting.clone()).collect();
            let n_asked = chosen.len() - left.len();
            let first = (n_asked > 0).then(|| format!("{n_asked} of {} were asked.", chosen.len()));
            let texts = refused
                .iter()
                .map(|(setting, why)| format!("{setting}: {why}"));
            let notice = Notice::changed(first.into_iter().chain(texts));
            page(&app, &viewer, &id, &left, Some(notice)).await
        }
        Err(fault) => {
            let notice = Notice::of(fault)?;
            page(&app, &viewer, &id, &chosen, Some(notice)).await
        }
    }
}

/// Asks each in turn: which could not be asked, and why.
async fn ask(
    app: &App,
    viewer: &Viewer,
    id: &str,
    chosen: &[String],
    fields: &Fields,
) -> Result<Vec<(String, String)>, Fault> {
    let matched = Matched::load(app, viewer, id, &Parameters::default(), "options.read").await?;
    let body = Value::Object(fields.body(&["respond_by"]));
    let mut refused = Vec::new();
    for setting in chosen {
        let found = matched
            .ranked()
            .find(|(_, offer)| offer.setting_id.as_str() == setting);
        let Some((_, offer)) = found else {
            refused.push((
                setting.clone(),
                "It is not on the list any more.".to_owned(),
            ));
            continue;
        };
        let offer_id = offer_id(app, &matched, &offer.setting_id).to_string();
        let body = JsonOrNothing(body.clone());
        let asked = acts::approach(State(app.clone()), viewer.caller(), Path(offer_id), body).await;
        match asked.map(drop) {
            Ok(()) => {}
            Err(fault) if fault.status() == StatusCode::CONFLICT => {
                let why = super::words::conflict(fault.code(), &fault.problem().detail);
                refused.push((setting.clone(), why));
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(refused)
}
