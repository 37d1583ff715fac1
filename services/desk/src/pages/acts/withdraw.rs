//! Taking back what a provider was asked.

use super::{
    Target,
    form::{Fields, Form},
    frame::{Deed, Sheet},
    words,
};
use crate::{
    act::act,
    api::acts,
    app::App,
    pages::{
        facts::Facts,
        layout::{Layout, Section},
        words::Tag,
    },
    problem::Fault,
    session::Viewer,
};
use askama::Template;
use oss_workflow::call_off;

#[derive(Debug, Template)]
#[template(path = "withdraw.html")]
pub(crate) struct WithdrawPage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    facts: Facts,
    state: Tag,
    /// Whether there is anything to take back.
    is_live: bool,
}

/// Taking back an approach: of a referral to a setting.
#[derive(Debug)]
pub(crate) enum Withdraw {}

impl Deed for Withdraw {
    type At = (String, String);
    type To = Target;
    type Page = WithdrawPage;

    fn path((id, setting): &Self::At) -> String {
        format!("/referrals/{id}/options/{setting}/withdraw")
    }

    async fn load(app: &App, viewer: &Viewer, at: &Self::At) -> Result<Target, Fault> {
        Target::load(app, viewer, at).await
    }

    fn section(target: &Target) -> Section<'_> {
        target.matched.section()
    }

    fn page(sheet: Sheet<'_>, target: Target) -> WithdrawPage {
        let state = target.state();
        WithdrawPage {
            layout: sheet.layout,
            form: sheet.form,
            reference: target.matched.stored.referral_id.to_string(),
            link: target.link(),
            facts: target.facts,
            state: words::offer(state),
            is_live: state.is_live(),
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        at: &Self::At,
        _: &Fields,
    ) -> Result<String, Fault> {
        let target = Target::load(app, viewer, at).await?;
        let (caller, offer_id) = (viewer.caller(), target.offer_id);
        let wanted = acts::wanted(app, offer_id);
        act(app, &caller, &wanted, |unit, context| {
            acts::authority_of(app, &caller, unit, offer_id)?;
            if call_off::withdraw(unit, context, offer_id)? {
                return Ok(());
            }
            let detail = "The provider was not asked, or the question is over already.";
            Err(Fault::conflict("not_approached", "Not asked", detail))
        })
        .await?;
        Ok(target.progress())
    }
}
