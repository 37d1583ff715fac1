//! Keeping a home's place for a while, and giving it back.

use super::{
    Target,
    form::{Fields, Form, Notice, once},
    progress::{self, Progress},
};
use crate::{
    api::acts,
    app::App,
    body::JsonOrNothing,
    pages::{
        facts::Facts,
        layout::{Layout, Page, Section},
        words as said,
    },
    problem::Fault,
    session::Viewer,
};
use askama::Template;
use axum::{
    Form as Sent,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use oss_domain::HoldId;
use oss_workflow::occupancy::Claim;
use serde_json::Value;

#[derive(Debug, Template)]
#[template(path = "hold.html")]
struct HoldPage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    facts: Facts,
    reason: String,
    /// How long a place is kept, by the urgency.
    hours: String,
}

/// `GET /referrals/{id}/options/{setting}/hold`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    Path((id, setting)): Path<(String, String)>,
) -> Result<Response, Fault> {
    page(&app, &viewer, &id, &setting, &Fields::default(), None).await
}

async fn page(
    app: &App,
    viewer: &Viewer,
    id: &str,
    setting: &str,
    fields: &Fields,
    notice: Option<Notice>,
) -> Result<Response, Fault> {
    let target = Target::load(app, viewer, id, setting).await?;
    let form = Form::new(app, viewer, notice);
    let status = form.status();
    let hours = app.policy.hold_hours(target.matched.referral.urgency);
    let page = HoldPage {
        layout: Layout::new(app, viewer, Section::Queue),
        form,
        reference: target.matched.stored.referral_id.to_string(),
        link: target.link(),
        hours: said::many(hours.into(), "hour"),
        facts: target.facts,
        reason: fields.get("reason").to_owned(),
    };
    Ok((status, Page(page)).into_response())
}

/// `POST /referrals/{id}/options/{setting}/hold`
pub(crate) async fn send(
    State(app): State<App>,
    viewer: Viewer,
    Path((id, setting)): Path<(String, String)>,
    Sent(fields): Sent<Fields>,
) -> Result<Response, Fault> {
    let path = format!("/referrals/{id}/options/{setting}/hold");
    let holding = async {
        let target = Target::load(&app, &viewer, &id, &setting).await?;
        let body = JsonOrNothing(Value::Object(fields.body(&["reason"])));
        let offer_id = Path(target.offer_id.to_string());
        acts::hold(State(app.clone()), viewer.caller(), offer_id, body).await?;
        Ok(format!("/referrals/{id}/progress"))
    };
    match once(&app, &viewer, &path, &fields, holding).await {
        Ok(done) => Ok(done),
        Err(fault) => {
            let notice = Notice::of(fault)?;
            page(&app, &viewer, &id, &setting, &fields, Some(notice)).await
        }
    }
}

/// `POST /referrals/{id}/options/{setting}/release`
pub(crate) async fn release(
    State(app): State<App>,
    viewer: Viewer,
    Path((id, setting)): Path<(String, String)>,
    Sent(fields): Sent<Fields>,
) -> Result<Response, Fault> {
    let path = format!("/referrals/{id}/options/{setting}/release");
    let releasing = async {
        let hold_id = held(&app, &viewer, &id, &setting).await?;
        let gone = || Fault::conflict("not_held", "No place is kept", "No place is kept any more.");
        let hold_id = Path(hold_id.ok_or_else(gone)?.to_string());
        acts::release(State(app.clone()), viewer.caller(), hold_id).await?;
        Ok(format!("/referrals/{id}/progress"))
    };
    match once(&app, &viewer, &path, &fields, releasing).await {
        Ok(done) => Ok(done),
        Err(fault) => progress::page(&app, &viewer, &id, Some(Notice::of(fault)?)).await,
    }
}

async fn held(
    app: &App,
    viewer: &Viewer,
    id: &str,
    setting: &str,
) -> Result<Option<HoldId>, Fault> {
    let progress = Progress::load(app, viewer, id).await?;
    let mut held = progress
        .occupancies
        .iter()
        .filter(|it| it.claim == Claim::Held);
    Ok(held
        .find(|it| it.setting_id.as_str() == setting)
        .map(|it| it.hold_id))
}
