//! The decision for a home.

use super::{
    Target,
    form::{Fields, Form},
    frame::{Deed, Question, Sheet, Subject as _},
};
use crate::{
    api::decision,
    app::App,
    body::Json,
    pages::{facts::Facts, layout::Layout, words::Tag},
    problem::Fault,
    session::Viewer,
};
use askama::Template;
use axum::extract::{Path, State};
use oss_matching::rules::rule;
use oss_workflow::decision::must_accept;
use serde_json::Value;

#[derive(Debug, Template)]
#[template(path = "decide.html")]
pub(crate) struct DecidePage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    rank: usize,
    facts: Facts,
    wishes: Option<String>,
    state: Tag,
    /// What would have brought the home in and was not met.
    not_met: Vec<&'static str>,
    /// Whether the provider's word is still missing.
    must_accept: bool,
    /// Whether there is nothing left to decide.
    is_over: bool,
    reason: String,
    reason_not_first: String,
    acknowledged: bool,
}

/// Deciding: for a referral and a setting.
#[derive(Debug)]
pub(crate) enum Decide {}

impl Deed for Decide {
    type To = Target;
    type Page = DecidePage;

    fn path((id, setting): &(String, String)) -> String {
        format!("/referrals/{id}/options/{setting}/decide")
    }

    fn page(sheet: Sheet<'_>, target: Target) -> DecidePage {
        let state = target.state();
        let narrative = &target.matched.referral.narrative;
        DecidePage {
            reason: sheet.typed("reason"),
            reason_not_first: sheet.typed("reason_not_first"),
            acknowledged: sheet.fields.get("acknowledged") == "yes",
            layout: sheet.layout,
            form: sheet.form,
            reference: target.matched.stored.referral_id.to_string(),
            link: target.link(),
            rank: target.rank,
            wishes: narrative.wishes_and_feelings.clone(),
            state: super::words::offer(state),
            not_met: target.not_met.iter().map(|it| rule(*it).text).collect(),
            must_accept: must_accept(target.offer.sourcing, state),
            is_over: !target.matched.stored.state.is_open(),
            facts: target.facts,
        }
    }

    fn question(target: &Target, fields: &Fields) -> Option<Question> {
        let facts = &target.facts;
        let home = format!("{}, {}, {}", facts.setting_id, facts.kind, facts.provider);
        let mut rows = vec![
            ("Home", home),
            ("Cost a week", facts.weekly_cost.to_string()),
            ("Why this home", fields.get("reason").to_owned()),
        ];
        match fields.get("reason_not_first") {
            "" => {}
            reason => rows.push(("Why not the first of the list", reason.to_owned())),
        }
        if !facts.approvals.is_empty() {
            let approvals = facts.approvals.join("; ");
            rows.push(("Approvals that will be asked for", approvals));
        }
        Some(Question {
            caption: format!("Referral {}", target.matched.stored.referral_id),
            title: format!("Decide for {}?", facts.setting_id),
            rows,
            warning: "The place is agreed, and the other homes are told at once that they were not chosen. This cannot be undone.",
            button: "Decide for this home",
        })
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        at: &(String, String),
        fields: &Fields,
    ) -> Result<String, Fault> {
        let target = Target::load(app, viewer, at).await?;
        if !target.facts.warnings.is_empty() && fields.get("acknowledged") != "yes" {
            let what = "tick the box to say that you have read what to bear in mind";
            return Err(Fault::invalid_field("/acknowledged", "required_tick", what));
        }
        let body = Json(Value::Object(fields.body(&["reason", "reason_not_first"])));
        let offer_id = Path(target.offer_id.to_string());
        decision::select(State(app.clone()), viewer.caller(), offer_id, body).await?;
        Ok(target.progress())
    }
}
