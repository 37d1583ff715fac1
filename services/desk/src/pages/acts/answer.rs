//! A provider's answer that came by telephone.

use super::{
    Target,
    form::{Fields, Form, decimal},
    frame::{Deed, Sheet},
    words,
};
use crate::{
    api::acts,
    app::App,
    body::Json,
    pages::{
        facts::Facts,
        layout::{Layout, Section},
    },
    problem::Fault,
    session::Viewer,
};
use askama::Template;
use axum::extract::{Path, State};
use oss_domain::lifecycle::DeclineReason;
use serde_json::{Map, Value};

#[derive(Debug, Template)]
#[template(path = "answer.html")]
pub(crate) struct AnswerPage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    facts: Facts,
    fields: AnswerFields,
    was_asked: bool,
}

/// What is filled in, and what there is to choose from.
#[derive(Debug)]
pub(crate) struct AnswerFields {
    pub(crate) answer: String,
    pub(crate) cost: String,
    pub(crate) available_from: String,
    pub(crate) statement: String,
    pub(crate) decline_reason: String,
    pub(crate) answers: Vec<(&'static str, &'static str)>,
    pub(crate) reasons: Vec<(&'static str, &'static str)>,
}

impl AnswerFields {
    pub(crate) fn new(fields: &Fields) -> Self {
        let get = |name| fields.get(name).to_owned();
        let reasons = DeclineReason::ALL.iter();
        Self {
            answer: get("answer"),
            cost: get("cost"),
            available_from: get("available_from"),
            statement: get("statement"),
            decline_reason: get("decline_reason"),
            answers: vec![("accepted", "Yes, can take the child"), ("declined", "No")],
            reasons: reasons
                .map(|reason| (reason.as_str(), words::decline(*reason)))
                .collect(),
        }
    }
}

/// The body of an answer as the API takes it.
///
/// # Errors
///
/// What is to be filled in otherwise.
pub(crate) fn body(fields: &Fields) -> Result<Map<String, Value>, Fault> {
    let missing = |field, what| Err(Fault::invalid_field(field, "required_tick", what));
    let mut body = match fields.get("answer") {
        "accepted" => fields.body(&["answer", "available_from", "statement"]),
        "declined" if fields.get("decline_reason").is_empty() => {
            return missing("/decline_reason", "choose why the provider declines");
        }
        "declined" => fields.body(&["answer", "decline_reason"]),
        _ => return missing("/answer", "choose what the provider answered"),
    };
    let cost = fields.get("cost");
    if !cost.is_empty() && fields.get("answer") == "accepted" {
        let Some(pence) = decimal(cost, 2) else {
            let what = "the price a week must be in pounds, such as 1250.00";
            return missing("/cost", what);
        };
        body.insert("weekly_cost_pence".to_owned(), pence.into());
    }
    Ok(body)
}

/// Recording an answer: of a referral and a setting.
#[derive(Debug)]
pub(crate) enum Answer {}

impl Deed for Answer {
    type At = (String, String);
    type To = Target;
    type Page = AnswerPage;

    fn path((id, setting): &Self::At) -> String {
        format!("/referrals/{id}/options/{setting}/answer")
    }

    async fn load(app: &App, viewer: &Viewer, at: &Self::At) -> Result<Target, Fault> {
        Target::load(app, viewer, at).await
    }

    fn section(target: &Target) -> Section<'_> {
        target.matched.section()
    }

    fn page(sheet: Sheet<'_>, target: Target) -> AnswerPage {
        let head = target.head.as_ref();
        AnswerPage {
            fields: AnswerFields::new(sheet.fields),
            layout: sheet.layout,
            form: sheet.form,
            reference: target.matched.stored.referral_id.to_string(),
            link: target.link(),
            was_asked: head.is_some_and(|head| head.approached_at.is_some()),
            facts: target.facts,
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        at: &Self::At,
        fields: &Fields,
    ) -> Result<String, Fault> {
        let mut body = body(fields)?;
        let target = Target::load(app, viewer, at).await?;
        let head = target.head.as_ref().ok_or_else(|| {
            let detail = "The provider was not asked yet.";
            Fault::conflict("not_approached", "Not asked", detail)
        })?;
        body.insert("authority".to_owned(), head.authority.to_string().into());
        let provider = head.provider_id.to_string();
        body.insert("provider_id".to_owned(), provider.into());
        let offer_id = Path(target.offer_id.to_string());
        let body = Json(Value::Object(body));
        acts::answer(State(app.clone()), viewer.caller(), offer_id, body).await?;
        Ok(target.progress())
    }
}
