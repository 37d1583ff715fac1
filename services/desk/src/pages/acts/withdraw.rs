//! Taking back what a provider was asked.

use super::{
    asked::Asked,
    form::{Fields, Form},
    frame::{Deed, Sheet, Subject as _},
    words,
};
use crate::{
    act::act,
    api::acts,
    app::App,
    pages::{
        layout::Layout,
        words::{self as said, Tag},
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
    setting_id: String,
    kind: &'static str,
    provider: String,
    state: Tag,
    /// Whether there is anything to take back.
    is_live: bool,
}

/// Taking back an approach: of a referral to a setting.
#[derive(Debug)]
pub(crate) enum Withdraw {}

impl Deed for Withdraw {
    type To = Asked;
    type Page = WithdrawPage;

    fn path((id, setting): &(String, String)) -> String {
        format!("/referrals/{id}/options/{setting}/withdraw")
    }

    fn page(sheet: Sheet<'_>, asked: Asked) -> WithdrawPage {
        let state = asked.state();
        WithdrawPage {
            layout: sheet.layout,
            form: sheet.form,
            reference: asked.reference(),
            setting_id: asked.setting.setting_id.to_string(),
            kind: said::kind(asked.setting.kind),
            provider: asked.setting.provider.name.clone(),
            state: words::offer(state),
            is_live: state.is_live(),
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        at: &(String, String),
        _: &Fields,
    ) -> Result<String, Fault> {
        let asked = Asked::load(app, viewer, at).await?;
        let (caller, offer_id) = (viewer.caller(), asked.must_be_asked()?.offer_id);
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
        Ok(asked.progress())
    }
}
