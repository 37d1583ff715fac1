//! A home that was asked, by its offer: it need not be among the options any more.

use super::frame::Subject;
use crate::{
    api::find, app::App, pages::layout::Section, problem::Fault, query::Parameters,
    reading::record_reading, session::Viewer,
};
use oss_domain::{Setting, SettingId};
use oss_storage::{desk::Taken, referrals::StoredReferral};
use oss_workflow::offer::{OfferHead, OfferState};
use std::sync::Arc;

/// A referral and a home, with what was begun between them.
#[derive(Debug)]
pub(crate) struct Asked {
    stored: StoredReferral,
    taken: Option<Taken>,
    /// The home, as the register has it now.
    pub(crate) setting: Arc<Setting>,
    /// What is stored of the offer, once somebody has acted on it.
    head: Option<OfferHead>,
}

impl Asked {
    /// The referral's id.
    pub(crate) fn reference(&self) -> String {
        self.stored.referral_id.to_string()
    }

    /// How far it has come.
    pub(crate) fn state(&self) -> OfferState {
        let head = self.head.as_ref();
        head.map_or(OfferState::Proposed, |head| head.state)
    }

    /// What its provider was asked; `None` where that was nothing.
    pub(crate) fn question(&self) -> Option<&OfferHead> {
        let head = self.head.as_ref();
        head.filter(|head| head.approached_at.is_some())
    }

    /// The same, where something is to be done with it.
    pub(crate) fn must_be_asked(&self) -> Result<&OfferHead, Fault> {
        self.question().ok_or_else(|| {
            let detail = "The provider was not asked yet.";
            Fault::conflict("not_approached", "Not asked", detail)
        })
    }

    /// The address of the page that acting on it leads to.
    pub(crate) fn progress(&self) -> String {
        format!("/referrals/{}/progress", self.stored.referral_id)
    }
}

impl Subject for Asked {
    type At = (String, String);

    async fn load(app: &App, viewer: &Viewer, (id, setting): &Self::At) -> Result<Self, Fault> {
        let setting_id: SettingId = find::id(setting, "The home")?;
        let parameters = Parameters::default();
        let caller = viewer.caller();
        let stored = find::stored_referral(app, &caller, id, &parameters).await?;
        let setting = app.store.setting(stored.authority, &setting_id).await?;
        let setting = setting.and_then(|it| it.setting);
        let offers = app.store.offers_of(stored.key).await?;
        let head = offers.into_iter().find(|it| it.setting_id == setting_id);
        let at = (stored.authority, Some(stored.key));
        record_reading(app, &caller, at, "offer.read", &setting_id).await?;
        Ok(Self {
            taken: app.store.taken(stored.key).await?,
            stored,
            setting: setting.ok_or_else(|| Fault::not_found("The home"))?,
            head,
        })
    }

    fn section(&self) -> Section<'_> {
        Section::Case(self.taken.as_ref())
    }
}
