//! The decision for a home.

use super::{
    Target,
    form::{Fields, Form, Notice, once},
};
use crate::{
    api::decision,
    app::App,
    body::Json,
    pages::{
        facts::Facts,
        layout::{Layout, Page, Section},
        words::Tag,
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
use oss_domain::setting::Sourcing;
use oss_workflow::offer::OfferState;
use serde_json::Value;

#[derive(Debug, Template)]
#[template(path = "decide.html")]
struct DecidePage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    rank: usize,
    facts: Facts,
    wishes: Option<String>,
    state: Tag,
    /// Whether the provider's word is still missing.
    must_accept: bool,
    /// Whether there is nothing left to decide.
    is_over: bool,
    reason: String,
    reason_not_first: String,
    acknowledged: bool,
}

/// `GET /referrals/{id}/options/{setting}/decide`
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
    let state = target
        .head
        .as_ref()
        .map_or(OfferState::Proposed, |head| head.state);
    let is_own = matches!(
        target.offer.sourcing,
        Sourcing::InHouse | Sourcing::Connected
    );
    let page = DecidePage {
        layout: Layout::new(app, viewer, Section::Queue),
        form,
        reference: target.matched.stored.referral_id.to_string(),
        link: target.link(),
        rank: target.rank,
        wishes: target
            .matched
            .referral
            .narrative
            .wishes_and_feelings
            .clone(),
        state: super::words::offer(state),
        must_accept: !is_own && state != OfferState::Accepted,
        is_over: !target.matched.stored.state.is_open(),
        facts: target.facts,
        reason: fields.get("reason").to_owned(),
        reason_not_first: fields.get("reason_not_first").to_owned(),
        acknowledged: fields.get("acknowledged") == "yes",
    };
    Ok((status, Page(page)).into_response())
}

/// `POST /referrals/{id}/options/{setting}/decide`
pub(crate) async fn send(
    State(app): State<App>,
    viewer: Viewer,
    Path((id, setting)): Path<(String, String)>,
    Sent(fields): Sent<Fields>,
) -> Result<Response, Fault> {
    let path = format!("/referrals/{id}/options/{setting}/decide");
    let deciding = async {
        let target = Target::load(&app, &viewer, &id, &setting).await?;
        if !target.facts.warnings.is_empty() && fields.get("acknowledged") != "yes" {
            let what = "tick the box to say that you have read what to bear in mind";
            return Err(Fault::invalid_field("/acknowledged", "required_tick", what));
        }
        let body = Json(Value::Object(fields.body(&["reason", "reason_not_first"])));
        let offer_id = Path(target.offer_id.to_string());
        decision::select(State(app.clone()), viewer.caller(), offer_id, body).await?;
        Ok(format!("/referrals/{id}/progress"))
    };
    match once(&app, &viewer, &path, &fields, deciding).await {
        Ok(done) => Ok(done),
        Err(fault) => {
            let notice = Notice::of(fault)?;
            page(&app, &viewer, &id, &setting, &fields, Some(notice)).await
        }
    }
}
