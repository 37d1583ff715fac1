//! Acting on options: the same calls as the API's, asked by forms.
//!
//! A file for each; what they have in common is in [`frame`]. Every form leads on to another page,
//! so that nothing is sent twice by going back, and carries a token by which the same form sent
//! twice is done once. Where things have changed since the page was shown, the page comes again as
//! things are now, and says why nothing was done.

pub(crate) mod answer;
pub(crate) mod approach;
mod asked;
pub(crate) mod conditions;
pub(crate) mod decide;
pub(crate) mod form;
pub(crate) mod frame;
pub(crate) mod hold;
pub(crate) mod placement;
pub(crate) mod progress;
pub(crate) mod unfilled;
pub(crate) mod withdraw;
pub(crate) mod words;

use super::{facts::Facts, layout::Section, matched::Matched};
use crate::{api::find, app::App, problem::Fault, query::Parameters, session::Viewer};
use frame::Subject;
use oss_domain::{Act, OfferId, SettingId};
use oss_matching::evaluation::Offer;
use oss_workflow::{
    SettingKey,
    conditions::not_met,
    offer::{OfferHead, OfferState},
};
use std::collections::BTreeSet;

/// The refusal to act on a setting that is not among the referral's options any more: their list
/// tells why.
pub(crate) fn option_gone(link: &str, setting_id: &SettingId) -> Fault {
    let detail = "The homes were ranked again, and without this one.";
    let fault = Fault::conflict("option_gone", "This option is gone", detail);
    fault.instead(format!("{link}/options?gone={setting_id}"))
}

/// An option that somebody acts on.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) matched: Matched,
    pub(crate) rank: usize,
    pub(crate) offer: Offer,
    pub(crate) offer_id: OfferId,
    /// What is stored of it, once somebody has acted on it.
    pub(crate) head: Option<OfferHead>,
    /// What would have brought it in and was not met.
    pub(crate) not_met: BTreeSet<Act>,
    pub(crate) facts: Facts,
}

impl Target {
    /// How far it has come.
    pub(crate) fn state(&self) -> OfferState {
        let head = self.head.as_ref();
        head.map_or(OfferState::Proposed, |head| head.state)
    }

    /// The address of the option's page.
    pub(crate) fn link(&self) -> String {
        format!("{}/options/{}", self.matched.link(), self.offer.setting_id)
    }

    /// The address of the page that acting on it leads to.
    pub(crate) fn progress(&self) -> String {
        format!("{}/progress", self.matched.link())
    }
}

impl Subject for Target {
    type At = (String, String);

    /// Finds it in the referral's current run.
    async fn load(app: &App, viewer: &Viewer, (id, setting): &Self::At) -> Result<Self, Fault> {
        let setting_id: SettingId = find::id(setting, "The option")?;
        let parameters = Parameters::default();
        let matched = Matched::load(app, viewer, id, &parameters, "options.read").await?;
        let found = matched
            .ranked()
            .find(|(_, offer)| offer.setting_id == setting_id);
        let (rank, offer) = found.ok_or_else(|| option_gone(&matched.link(), &setting_id))?;
        let offer = offer.clone();
        let offer_id = offer_id(app, &matched, &setting_id);
        let heads = app.store.offers_of(matched.run.key).await?;
        let seen_to = app.store.conditions_of(matched.run.key).await?;
        let names = matched.names(app).await?;
        let provider = names.get(&setting_id).map_or("", |name| &*name.provider);
        let facts = Facts::new(&offer, provider, &matched.policy);
        let head = heads.into_iter().find(|head| head.offer_id == offer_id);
        Ok(Self {
            matched,
            rank,
            offer,
            offer_id,
            head,
            not_met: not_met(seen_to.iter(), offer_id),
            facts,
        })
    }

    fn section(&self) -> Section<'_> {
        self.matched.section()
    }
}

/// The offer of a setting that the run evaluated.
pub(crate) fn offer_id(app: &App, matched: &Matched, setting_id: &SettingId) -> OfferId {
    let key = matched.run.setting_keys.get(setting_id).copied();
    // Every setting that was evaluated has a key; none has this one.
    app.seal.seal(matched.run.key, key.unwrap_or(SettingKey(0)))
}
