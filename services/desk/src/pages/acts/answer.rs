//! A provider's answer that came by telephone.

use super::{
    Target,
    form::{Fields, Form, Notice, once},
    words,
};
use crate::{
    api::acts,
    app::App,
    body::Json,
    pages::{
        facts::Facts,
        layout::{Layout, Page, Section},
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
use oss_domain::lifecycle::DeclineReason;
use serde_json::{Map, Value};

#[derive(Debug, Template)]
#[template(path = "answer.html")]
struct AnswerPage {
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
pub(crate) fn body(fields: &Fields) -> Result<Map<String, Value>, Notice> {
    let mut body = match fields.get("answer") {
        "accepted" => fields.body(&["answer", "available_from", "statement"]),
        "declined" if fields.get("decline_reason").is_empty() => {
            return Err(Notice::field(
                "decline_reason",
                "Choose why the provider declines",
            ));
        }
        "declined" => fields.body(&["answer", "decline_reason"]),
        _ => return Err(Notice::field("answer", "Choose what the provider answered")),
    };
    let cost = fields.get("cost");
    if !cost.is_empty() && fields.get("answer") == "accepted" {
        let wrong = || {
            Notice::field(
                "cost",
                "The price a week must be in pounds, such as 1250.00",
            )
        };
        body.insert(
            "weekly_cost_pence".to_owned(),
            pence(cost).ok_or_else(wrong)?.into(),
        );
    }
    Ok(body)
}

/// `1,250`, `£1250.50`: in pence.
fn pence(text: &str) -> Option<u32> {
    let text = text.trim_start_matches('£').replace(',', "");
    let (pounds, pence) = text.split_once('.').unwrap_or((&text, "00"));
    let digits = |text: &str| text.bytes().all(|it| it.is_ascii_digit());
    if pence.len() != 2 || !digits(pence) || !digits(pounds) {
        return None;
    }
    let pounds: u32 = pounds.parse().ok()?;
    pounds.checked_mul(100)?.checked_add(pence.parse().ok()?)
}

/// `GET /referrals/{id}/options/{setting}/answer`
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
    let page = AnswerPage {
        layout: Layout::new(app, viewer, Section::Queue),
        form,
        reference: target.matched.stored.referral_id.to_string(),
        link: target.link(),
        was_asked: target
            .head
            .as_ref()
            .is_some_and(|head| head.approached_at.is_some()),
        facts: target.facts,
        fields: AnswerFields::new(fields),
    };
    Ok((status, Page(page)).into_response())
}

/// `POST /referrals/{id}/options/{setting}/answer`
pub(crate) async fn send(
    State(app): State<App>,
    viewer: Viewer,
    Path((id, setting)): Path<(String, String)>,
    Sent(fields): Sent<Fields>,
) -> Result<Response, Fault> {
    let body = match body(&fields) {
        Ok(body) => body,
        Err(notice) => return page(&app, &viewer, &id, &setting, &fields, Some(notice)).await,
    };
    let path = format!("/referrals/{id}/options/{setting}/answer");
    let answering = async {
        let target = Target::load(&app, &viewer, &id, &setting).await?;
        let not_asked = || {
            Fault::conflict(
                "not_approached",
                "Not asked",
                "The provider was not asked yet.",
            )
        };
        let provider = target
            .head
            .map(|head| head.provider_id)
            .ok_or_else(not_asked)?;
        let mut body = body;
        let authority = target.matched.stored.authority.to_string();
        body.insert("authority".to_owned(), authority.into());
        body.insert("provider_id".to_owned(), provider.to_string().into());
        let offer_id = Path(target.offer_id.to_string());
        let body = Json(Value::Object(body));
        acts::answer(State(app.clone()), viewer.caller(), offer_id, body).await?;
        Ok(format!("/referrals/{id}/progress"))
    };
    match once(&app, &viewer, &path, &fields, answering).await {
        Ok(done) => Ok(done),
        Err(fault) => {
            let notice = Notice::of(fault)?;
            page(&app, &viewer, &id, &setting, &fields, Some(notice)).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pence;

    #[test]
    fn prices_are_read_as_people_write_them() {
        assert_eq!(pence("1250"), Some(125_000));
        assert_eq!(pence("£1,250.50"), Some(125_050));
        for wrong in ["", "1.5", "-1", "1e3", "50000000", "1.2.3", "£"] {
            assert_eq!(pence(wrong), None, "{wrong:?}");
        }
    }
}
