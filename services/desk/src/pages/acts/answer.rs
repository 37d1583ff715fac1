//! A provider's answer that came by telephone.

use super::{
    asked::Asked,
    form::{Fields, Form, decimal},
    frame::{Deed, Sheet, Subject as _},
    words,
};
use crate::{
    api::acts,
    app::App,
    body::Json,
    pages::{layout::Layout, words as said},
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
    setting_id: String,
    kind: &'static str,
    provider: String,
    weekly_cost: String,
    fields: AnswerFields,
    was_asked: bool,
}

/// What is filled in, and what there is to choose from.
#[derive(Debug)]
pub(crate) struct AnswerFields {
    pub(crate) answer: String,
    pub(crate) cost: String,
    pub(crate) available_from: [String; 3],
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
            available_from: fields.day_month_year("available_from").map(str::to_owned),
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
    type To = Asked;
    type Page = AnswerPage;

    fn path((id, setting): &(String, String)) -> String {
        format!("/referrals/{id}/options/{setting}/answer")
    }

    fn page(sheet: Sheet<'_>, asked: Asked) -> AnswerPage {
        let setting = &asked.setting;
        AnswerPage {
            fields: AnswerFields::new(sheet.fields),
            layout: sheet.layout,
            form: sheet.form,
            reference: asked.reference(),
            setting_id: setting.setting_id.to_string(),
            kind: said::kind(setting.kind),
            provider: setting.provider.name.clone(),
            weekly_cost: setting.weekly_cost.to_string(),
            was_asked: asked.question().is_some(),
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        at: &(String, String),
        fields: &Fields,
    ) -> Result<String, Fault> {
        let mut body = body(fields)?;
        let asked = Asked::load(app, viewer, at).await?;
        let head = asked.must_be_asked()?;
        body.insert("authority".to_owned(), head.authority.to_string().into());
        let provider = head.provider_id.to_string();
        body.insert("provider_id".to_owned(), provider.into());
        let offer_id = Path(head.offer_id.to_string());
        let body = Json(Value::Object(body));
        acts::answer(State(app.clone()), viewer.caller(), offer_id, body).await?;
        Ok(asked.progress())
    }
}
