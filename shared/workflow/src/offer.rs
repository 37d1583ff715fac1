//! An offer that was acted on: approached, answered, held, selected.
//!
//! Most offers are only ranked; those have an id and no row.

use crate::{
    event::Event,
    key::{ReferralKey, SettingKey},
    refusal::Refusal,
    unit::{Context, ReferralHead, SettingHead, Unit},
    world::World,
};
use chrono::{DateTime, NaiveDate, Utc};
use oss_domain::{
    AuthorityCode, OfferId, Pence, ProviderId, ReferralId, RunId, Setting, SettingId, codes,
    lifecycle::DeclineReason,
    setting::{Kind, Sourcing},
};
use std::sync::Arc;

codes! {
    /// Where an offer stands.
    pub enum OfferState {
        /// Acted on, but its provider was not asked.
        Proposed = "proposed",
        /// Its provider was asked, and has time to answer.
        Approached = "approached",
        /// Its provider would take the child.
        Accepted = "accepted",
        /// Its provider would not.
        Declined = "declined",
        /// Its provider did not answer in time; a late answer still counts.
        Expired = "expired",
        /// Taken back by the council.
        Withdrawn = "withdrawn",
        /// Decided for.
        Selected = "selected",
        /// Decided against.
        NotSelected = "not_selected",
    }
}

impl OfferState {
    /// Whether the provider waits for us, or we for the provider.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Approached | Self::Accepted)
    }
}

/// What a provider answered, besides yes or no.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// What the place would cost a week.
    pub weekly_cost: Option<Pence>,
    /// From when it is free.
    pub available_from: Option<NaiveDate>,
    /// How it would meet the needs, in words.
    pub statement: Option<String>,
    /// Why it declines.
    pub decline_reason: Option<DeclineReason>,
}

/// Where an offer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferHead {
    /// Names the pair of referral and setting.
    pub offer_id: OfferId,
    /// The responsible authority.
    pub authority: AuthorityCode,
    /// The referral.
    pub referral: ReferralKey,
    /// The referral's id.
    pub referral_id: ReferralId,
    /// The setting.
    pub setting: SettingKey,
    /// The setting's id.
    pub setting_id: SettingId,
    /// Who runs the setting: who is asked, and who may answer.
    pub provider_id: ProviderId,
    /// What the setting is.
    pub kind: Kind,
    /// How the council comes by it.
    pub sourcing: Sourcing,
    /// The state.
    pub state: OfferState,
    /// The provider's own reference for the referral.
    pub reference: String,
    /// The run that was current when the offer was first acted on.
    pub run_id: Option<RunId>,
    /// When the provider was asked.
    pub approached_at: Option<DateTime<Utc>>,
    /// The person who asked, or who began the waves.
    pub approached_by: Option<Arc<str>>,
    /// Until when an answer is waited for.
    pub respond_by: Option<DateTime<Utc>>,
    /// The wave it was asked in, from 1; 0 where it was asked by itself.
    pub wave: u16,
    /// When the last answer came.
    pub answered_at: Option<DateTime<Utc>>,
    /// The last answer's terms.
    pub terms: Terms,
}

/// The referral and the setting that an offer names, as the unit has them.
pub(crate) struct Pair {
    pub(crate) offer_id: OfferId,
    pub(crate) referral: ReferralHead,
    pub(crate) setting: SettingHead,
    /// The setting's entry, the last one where it has closed.
    pub(crate) entry: Arc<Setting>,
}

impl Pair {
    /// Finds what `offer_id` names.
    pub(crate) fn open(unit: &Unit, world: &World<'_>, offer_id: OfferId) -> Result<Self, Refusal> {
        let (referral, setting) = world.seal.open(offer_id);
        let found = unit.referral(referral).zip(unit.setting(setting));
        let pair = found.and_then(|(referral, setting)| Self::of(world, referral, setting));
        pair.ok_or_else(|| Refusal::NotFound {
            what: format!("offer {offer_id}"),
        })
    }

    /// The pair of a referral and a setting of its own authority's register.
    pub(crate) fn of(
        world: &World<'_>,
        referral: &ReferralHead,
        setting: &SettingHead,
    ) -> Option<Self> {
        let entry = setting.setting.clone()?;
        (entry.authority == referral.authority).then(|| Self {
            offer_id: world.seal.seal(referral.key, setting.key),
            referral: referral.clone(),
            setting: setting.clone(),
            entry,
        })
    }

    /// The offer's head, a new one where nobody has acted on it.
    pub(crate) fn head(&self, unit: &Unit, world: &World<'_>) -> OfferHead {
        let provider_id = &self.entry.provider.provider_id;
        let new = || OfferHead {
            offer_id: self.offer_id,
            authority: self.referral.authority,
            referral: self.referral.key,
            referral_id: self.referral.referral_id.clone(),
            setting: self.setting.key,
            setting_id: self.entry.setting_id.clone(),
            provider_id: provider_id.clone(),
            kind: self.entry.kind,
            sourcing: self.entry.sourcing,
            state: OfferState::Proposed,
            reference: crate::profile::reference(world.seal, self.referral.key, provider_id),
            run_id: self.referral.run.map(|run| run.run_id),
            approached_at: None,
            approached_by: None,
            respond_by: None,
            wave: 0,
            answered_at: None,
            terms: Terms::default(),
        };
        unit.offers.get(&self.offer_id).cloned().unwrap_or_else(new)
    }
}

/// Adds or changes an offer's head.
pub(crate) fn put(unit: &mut Unit, head: OfferHead) {
    unit.changed_offers.insert(head.offer_id);
    unit.offers.insert(head.offer_id, head);
}

/// Ends an offer as `state`; its provider is told where it was asked and not yet done with.
pub(crate) fn close(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    offer_id: OfferId,
    state: OfferState,
    why: &'static str,
) {
    let Some(head) = unit.offers.get(&offer_id).cloned() else {
        return;
    };
    let (authority, referral) = (head.authority, head.referral);
    let told = head.state.is_live() || head.state == OfferState::Selected;
    let provider_id = head.provider_id.clone();
    let asked = head.approached_at.is_some();
    put(unit, OfferHead { state, ..head });
    unit.record(
        context,
        authority,
        Some(referral),
        "offer.withdrawn",
        offer_id,
        Some(why.to_owned()),
    );
    if told && asked {
        let event = Event::OfferWithdrawn {
            authority,
            offer_id,
            provider_id,
            reason: why,
        };
        unit.announce(context, event);
    }
}
