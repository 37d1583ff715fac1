//! Keeping a home's place for a while, and giving it back.

use super::{
    Target,
    form::{Fields, Form},
    frame::{Deed, Sheet, Subject as _},
    progress::{Progress, ProgressPage},
};
use crate::{
    api::acts,
    app::App,
    body::JsonOrNothing,
    pages::{facts::Facts, layout::Layout, words as said},
    problem::Fault,
    session::Viewer,
};
use askama::Template;
use axum::extract::{Path, State};
use oss_workflow::occupancy::Claim;
use serde_json::Value;

#[derive(Debug, Template)]
#[template(path = "hold.html")]
pub(crate) struct HoldPage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    facts: Facts,
    reason: String,
    /// How long a place is kept, by the urgency.
    hours: String,
}

/// Keeping a place: a referral and a setting.
#[derive(Debug)]
pub(crate) enum Hold {}

impl Deed for Hold {
    type To = Target;
    type Page = HoldPage;

    fn path((id, setting): &(String, String)) -> String {
        format!("/referrals/{id}/options/{setting}/hold")
    }

    fn page(sheet: Sheet<'_>, target: Target) -> HoldPage {
        let hours = sheet.app.policy.hold_hours(target.matched.referral.urgency);
        HoldPage {
            reason: sheet.typed("reason"),
            layout: sheet.layout,
            form: sheet.form,
            reference: target.matched.stored.referral_id.to_string(),
            link: target.link(),
            hours: said::many(hours.into(), "hour"),
            facts: target.facts,
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        at: &(String, String),
        fields: &Fields,
    ) -> Result<String, Fault> {
        let target = Target::load(app, viewer, at).await?;
        let body = JsonOrNothing(Value::Object(fields.body(&["reason"])));
        let offer_id = Path(target.offer_id.to_string());
        acts::hold(State(app.clone()), viewer.caller(), offer_id, body).await?;
        Ok(target.progress())
    }
}

/// Giving a place back, from the page of the progress.
#[derive(Debug)]
pub(crate) enum Release {}

impl Deed for Release {
    type To = Progress;
    type Page = ProgressPage;

    fn path((id, setting): &(String, String)) -> String {
        format!("/referrals/{id}/options/{setting}/release")
    }

    fn page(sheet: Sheet<'_>, progress: Progress) -> ProgressPage {
        ProgressPage::new(sheet, &progress)
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        at: &(String, String),
        _: &Fields,
    ) -> Result<String, Fault> {
        let progress = Progress::load(app, viewer, at).await?;
        let (id, setting) = at;
        let mut occupancies = progress.occupancies.iter();
        let held = occupancies
            .find(|it| it.claim == Claim::Held && it.setting_id.as_str() == setting)
            .ok_or_else(|| {
                Fault::conflict("not_held", "No place is kept", "No place is kept any more.")
            })?;
        let hold_id = Path(held.hold_id.to_string());
        acts::release(State(app.clone()), viewer.caller(), hold_id).await?;
        Ok(format!("/referrals/{id}/progress"))
    }
}
