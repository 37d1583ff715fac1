//! What an inbound event says has happened, in the domain's types.

use crate::{
    read::{self, Node},
    referral, setting,
};
use chrono::NaiveDate;
use oss_domain::{
    AuthorityCode, FieldError, OfferId, Pence, PlacementId, ProviderId, Referral, ReferralId,
    Setting, SettingId,
    lifecycle::{Answer, DeclineReason},
    setting::VacancyChange,
    ssda903::ReasonPlaceChange,
};
use oss_workflow::{answer::Given, offer::Terms};
use serde_json::Value;

/// Something that others say has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A home is asked for.
    ReferralSubmitted(Referral),
    /// The request has changed; the whole of it.
    ReferralAmended(Referral),
    /// A home is no longer asked for.
    ReferralWithdrawn(ReferralWithdrawn),
    /// A register entry is new or has changed; the whole of it.
    SettingChanged(Setting),
    /// A setting has left its register.
    SettingClosed(SettingClosed),
    /// Who lives there, or what is free, has changed.
    VacancyChanged(VacancyChange),
    /// A provider has answered.
    OfferAnswered(OfferAnswered),
    /// A placement has ended.
    PlacementEnded(PlacementEnded),
}

/// A home is no longer asked for: final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferralWithdrawn {
    /// Which referral.
    pub referral_id: ReferralId,
    /// The responsible authority.
    pub authority: AuthorityCode,
    /// Why, in words.
    pub reason: String,
}

/// A setting has left its register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingClosed {
    /// Which setting.
    pub setting_id: SettingId,
    /// Whose register.
    pub authority: AuthorityCode,
    /// The version of the entry that says so.
    pub version: u64,
    /// Why, in words.
    pub reason: String,
}

/// A provider's answer to an approach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferAnswered {
    /// Which offer.
    pub offer_id: OfferId,
    /// The responsible authority.
    pub authority: AuthorityCode,
    /// Who answers.
    pub provider_id: ProviderId,
    /// Yes or no.
    pub answer: Answer,
    /// Why not: a code, or words.
    pub decline_reason: Option<String>,
    /// What the place would cost a week.
    pub weekly_cost: Option<Pence>,
    /// From when it is free.
    pub available_from: Option<NaiveDate>,
    /// What the provider says besides.
    pub statement: Option<String>,
}

impl OfferAnswered {
    /// As the workflow takes it in, with the reason as one of the codes.
    ///
    /// The contract lets the reason be any words: those that are no code count as
    /// [`DeclineReason::Other`], and are kept with the statement.
    #[must_use]
    pub fn into_given(self) -> Given {
        let code = self.decline_reason.as_deref().map(str::parse);
        let decline_reason = code.map(|code| code.unwrap_or(DeclineReason::Other));
        let words = self
            .decline_reason
            .filter(|words| words.parse::<DeclineReason>().is_err());
        let said: Vec<_> = words.into_iter().chain(self.statement).collect();
        Given {
            offer_id: self.offer_id,
            authority: self.authority,
            provider_id: self.provider_id,
            answer: self.answer,
            terms: Terms {
                weekly_cost: self.weekly_cost,
                available_from: self.available_from,
                statement: (!said.is_empty()).then(|| said.join("\n")),
                decline_reason,
            },
        }
    }
}

/// A placement has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacementEnded {
    /// Which placement.
    pub placement_id: PlacementId,
    /// The responsible authority.
    pub authority: AuthorityCode,
    /// The last day.
    pub ended_on: NaiveDate,
    /// Why, as the SSDA903 return codes it.
    pub reason_place_change: ReasonPlaceChange,
    /// Whether the end was planned.
    pub planned: bool,
}

impl Fact {
    /// The referral that a referral event is about.
    #[must_use]
    pub const fn referral_id(&self) -> Option<&ReferralId> {
        match self {
            Self::ReferralSubmitted(referral) | Self::ReferralAmended(referral) => {
                Some(&referral.referral_id)
            }
            Self::ReferralWithdrawn(withdrawn) => Some(&withdrawn.referral_id),
            _ => None,
        }
    }

    /// The responsible authority, or the one whose register it is.
    #[must_use]
    pub const fn authority(&self) -> AuthorityCode {
        match self {
            Self::ReferralSubmitted(referral) | Self::ReferralAmended(referral) => {
                referral.authority
            }
            Self::ReferralWithdrawn(withdrawn) => withdrawn.authority,
            Self::SettingChanged(setting) => setting.authority,
            Self::SettingClosed(closed) => closed.authority,
            Self::VacancyChanged(change) => change.authority,
            Self::OfferAnswered(answered) => answered.authority,
            Self::PlacementEnded(ended) => ended.authority,
        }
    }
}

/// The kinds of event that others publish to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    /// `referral.submitted`
    ReferralSubmitted,
    /// `referral.amended`
    ReferralAmended,
    /// `referral.withdrawn`
    ReferralWithdrawn,
    /// `setting.changed`
    SettingChanged,
    /// `setting.closed`
    SettingClosed,
    /// `vacancy.changed`
    VacancyChanged,
    /// `offer.answered`
    OfferAnswered,
    /// `placement.ended`
    PlacementEnded,
}

impl FactKind {
    /// Every kind, in the contract's order.
    pub const ALL: [Self; 8] = [
        Self::ReferralSubmitted,
        Self::ReferralAmended,
        Self::ReferralWithdrawn,
        Self::SettingChanged,
        Self::SettingClosed,
        Self::VacancyChanged,
        Self::OfferAnswered,
        Self::PlacementEnded,
    ];

    /// The noun and verb, such as `referral.submitted`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReferralSubmitted => "referral.submitted",
            Self::ReferralAmended => "referral.amended",
            Self::ReferralWithdrawn => "referral.withdrawn",
            Self::SettingChanged => "setting.changed",
            Self::SettingClosed => "setting.closed",
            Self::VacancyChanged => "vacancy.changed",
            Self::OfferAnswered => "offer.answered",
            Self::PlacementEnded => "placement.ended",
        }
    }

    /// The kind of that noun and verb.
    #[must_use]
    pub fn of(noun_verb: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == noun_verb)
    }

    /// The CloudEvents `type`, such as `uk.oss.referral.submitted.v1`.
    #[must_use]
    pub fn event_type(self) -> String {
        format!("uk.oss.{}.v1", self.as_str())
    }

    /// The field that holds the id which the CloudEvents `subject` repeats.
    #[must_use]
    pub const fn id_field(self) -> &'static str {
        match self {
            Self::ReferralSubmitted | Self::ReferralAmended | Self::ReferralWithdrawn => {
                "referral_id"
            }
            Self::SettingChanged | Self::SettingClosed | Self::VacancyChanged => "setting_id",
            Self::OfferAnswered => "offer_id",
            Self::PlacementEnded => "placement_id",
        }
    }

    /// Reads the data of an event of this kind, without its envelope.
    ///
    /// # Errors
    /// Every fault of every field, with its pointer.
    pub fn from_json(self, data: &Value) -> Result<Fact, Vec<FieldError>> {
        read::read(data, |node| self.read(node))
    }

    fn read(self, node: &Node<'_>) -> Option<Fact> {
        match self {
            Self::ReferralSubmitted => referral::referral(node).map(Fact::ReferralSubmitted),
            Self::ReferralAmended => referral::referral(node).map(Fact::ReferralAmended),
            Self::ReferralWithdrawn => referral_withdrawn(node).map(Fact::ReferralWithdrawn),
            Self::SettingChanged => setting::setting(node).map(Fact::SettingChanged),
            Self::SettingClosed => setting_closed(node).map(Fact::SettingClosed),
            Self::VacancyChanged => setting::vacancy_change(node).map(Fact::VacancyChanged),
            Self::OfferAnswered => offer_answered(node).map(Fact::OfferAnswered),
            Self::PlacementEnded => placement_ended(node).map(Fact::PlacementEnded),
        }
    }
}

fn referral_withdrawn(node: &Node<'_>) -> Option<ReferralWithdrawn> {
    node.object()?;
    let referral_id = node.required("referral_id", Node::id);
    let authority = node.required("authority", Node::authority);
    let reason = node.required("reason", Node::text);
    Some(ReferralWithdrawn {
        referral_id: referral_id?,
        authority: authority?,
        reason: reason?,
    })
}

fn setting_closed(node: &Node<'_>) -> Option<SettingClosed> {
    node.object()?;
    let setting_id = node.required("setting_id", Node::id);
    let authority = node.required("authority", Node::authority);
    let version = node.required("version", |node| node.version(1));
    let reason = node.required("reason", Node::text);
    Some(SettingClosed {
        setting_id: setting_id?,
        authority: authority?,
        version: version?,
        reason: reason?,
    })
}

fn offer_answered(node: &Node<'_>) -> Option<OfferAnswered> {
    node.object()?;
    let offer_id = node.required("offer_id", Node::id);
    let authority = node.required("authority", Node::authority);
    let provider_id = node.required("provider_id", Node::id);
    let answer = node.required("answer", Node::code);
    let decline_reason = node.optional("decline_reason", Node::text);
    let weekly_cost = node.optional("weekly_cost_pence", setting::pence);
    let available_from = node.optional("available_from", Node::date);
    let statement = node.optional("statement", Node::text);
    Some(OfferAnswered {
        offer_id: offer_id?,
        authority: authority?,
        provider_id: provider_id?,
        answer: answer?,
        decline_reason,
        weekly_cost,
        available_from,
        statement,
    })
}

fn placement_ended(node: &Node<'_>) -> Option<PlacementEnded> {
    node.object()?;
    let placement_id = node.required("placement_id", Node::id);
    let authority = node.required("authority", Node::authority);
    let ended_on = node.required("ended_on", Node::date);
    let reason_place_change = node.required("reason_place_change", Node::code);
    let planned = node.required("planned", Node::boolean);
    Some(PlacementEnded {
        placement_id: placement_id?,
        authority: authority?,
        ended_on: ended_on?,
        reason_place_change: reason_place_change?,
        planned: planned?,
    })
}
