//! From what the product has to tell to the message that goes out: a CloudEvent in structured
//! mode, its subject and its id.

use crate::{
    body::{
        DeadLettered, OfferAnswer, OfferApproached, Place, Placement, ReferralClosed,
        ReferralReceived, ReferralRejected,
    },
    problem::Problem,
    run::{OffersProposed, ReferralUnfilled},
    subject::{self, UNKNOWN_AUTHORITY},
    write,
};
use oss_domain::{AuthorityCode, ProviderId};
use oss_workflow::{
    event::{Event, Outgoing, PlacementStage},
    ranking::RunFacts,
};
use serde::Serialize;
use std::{fmt::Display, sync::Arc};

/// The CloudEvents `source` of all we publish.
pub const SOURCE: &str = "/oss";

/// A message as it goes to the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The NATS subject.
    pub subject: String,
    /// `Nats-Msg-Id` and the CloudEvents `id`: a UUID.
    pub id: String,
    /// The CloudEvents `type`.
    pub event_type: String,
    /// The header `traceparent`, if there is one.
    pub traceparent: Option<String>,
    /// The payload, of the type [`CONTENT_TYPE`](crate::envelope::CONTENT_TYPE).
    pub payload: String,
}

/// The envelope, in the order it is written.
#[derive(Serialize)]
struct CloudEvent<'a, T> {
    specversion: &'static str,
    id: &'a str,
    source: &'static str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    time: String,
    datacontenttype: &'static str,
    dataschema: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    data: T,
}

/// Writes the message that tells of `outgoing`.
///
/// # Errors
/// Never in practice: all of it are texts, numbers and lists.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each event: where it goes and what it says"
)]
pub fn render(outgoing: &Outgoing) -> Result<Message, serde_json::Error> {
    let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
    let to = |noun_verb, authority: &AuthorityCode, about: &dyn Display| Address {
        outgoing,
        noun_verb,
        authority: Some(*authority),
        provider: None,
        about: Some(about.to_string()),
    };
    match &outgoing.event {
        Event::ReferralReceived {
            authority,
            referral_id,
            revision,
            received_at,
        } => to("referral.received", authority, referral_id).write(&ReferralReceived {
            referral_id: referral_id.to_string(),
            authority: authority.to_string(),
            revision: *revision,
            received_at: *received_at,
        }),
        Event::ReferralRejected {
            authority,
            referral_id,
            event_id,
            source,
            code,
            reason,
            errors,
        } => {
            let referral_id = referral_id.as_ref().map(ToString::to_string);
            let address = Address {
                outgoing,
                noun_verb: "referral.rejected",
                authority: *authority,
                provider: None,
                about: referral_id.clone(),
            };
            address.write(&ReferralRejected {
                event_id: text(event_id),
                source: text(source),
                authority: authority
                    .map_or_else(|| UNKNOWN_AUTHORITY.to_owned(), |code| code.to_string()),
                referral_id,
                problem: Problem::of_code(code, reason, errors),
            })
        }
        Event::Proposed(proposal) => {
            let RunFacts {
                authority,
                referral_id,
                ..
            } = &proposal.facts;
            if proposal.offers.is_empty() {
                to("referral.unfilled", authority, referral_id)
                    .write(&ReferralUnfilled::from(&**proposal))
            } else {
                to("offers.proposed", authority, referral_id)
                    .write(&OffersProposed::from(&**proposal))
            }
        }
        Event::ReferralClosed {
            authority,
            referral_id,
            placement_id,
        } => to("referral.closed", authority, referral_id).write(&ReferralClosed {
            referral_id: referral_id.to_string(),
            authority: authority.to_string(),
            outcome: match placement_id {
                Some(_) => "placed",
                None => "withdrawn",
            },
            placement_id: placement_id.as_ref().map(ToString::to_string),
        }),
        Event::DeadLettered {
            authority,
            event_id,
            source,
            event_type,
            subject,
            reason,
            attempts,
        } => {
            let address = Address {
                outgoing,
                noun_verb: "event.dead_lettered",
                authority: *authority,
                provider: None,
                about: text(event_id),
            };
            address.write(&DeadLettered {
                event_id: text(event_id),
                source: text(source),
                r#type: text(event_type),
                subject: subject.to_string(),
                reason: reason.clone(),
                attempts: *attempts,
            })
        }
        Event::OfferApproached {
            authority,
            offer_id,
            provider_id,
            setting_id,
            reference,
            profile,
            respond_by,
        } => to("offer.approached", authority, offer_id)
            .only_for(provider_id)
            .write(&OfferApproached {
                offer_id: offer_id.to_string(),
                authority: authority.to_string(),
                provider_id: provider_id.to_string(),
                setting_id: setting_id.to_string(),
                reference: reference.clone(),
                profile: (&**profile).into(),
                respond_by: *respond_by,
            }),
        Event::OfferRecorded {
            authority,
            offer_id,
            provider_id,
            answer,
        } => to("offer.recorded", authority, offer_id)
            .only_for(provider_id)
            .write(&OfferAnswer {
                answer: Some(answer.as_str()),
                ..OfferAnswer::none(authority, offer_id, provider_id)
            }),
        Event::OfferExpired {
            authority,
            offer_id,
            provider_id,
        } => to("offer.expired", authority, offer_id)
            .only_for(provider_id)
            .write(&OfferAnswer::none(authority, offer_id, provider_id)),
        Event::OfferWithdrawn {
            authority,
            offer_id,
            provider_id,
            reason,
        } => to("offer.withdrawn", authority, offer_id)
            .only_for(provider_id)
            .write(&OfferAnswer {
                reason: Some(reason),
                ..OfferAnswer::none(authority, offer_id, provider_id)
            }),
        Event::PlaceHeld {
            authority,
            hold_id,
            offer_id,
            referral_id,
            setting_id,
            until,
        } => to("place.held", authority, hold_id).write(&Place {
            hold_id: hold_id.to_string(),
            offer_id: offer_id.to_string(),
            referral_id: referral_id.to_string(),
            setting_id: setting_id.to_string(),
            authority: authority.to_string(),
            until: Some(*until),
            reason: None,
        }),
        Event::PlaceReleased {
            authority,
            hold_id,
            offer_id,
            referral_id,
            setting_id,
            reason,
        } => to("place.released", authority, hold_id).write(&Place {
            hold_id: hold_id.to_string(),
            offer_id: offer_id.to_string(),
            referral_id: referral_id.to_string(),
            setting_id: setting_id.to_string(),
            authority: authority.to_string(),
            until: None,
            reason: Some(reason),
        }),
        Event::Placement {
            stage,
            authority,
            placement_id,
            referral_id,
            setting_id,
            decided_by,
            starts_on,
            ended_on,
        } => {
            let noun_verb = match stage {
                PlacementStage::Agreed => "placement.agreed",
                PlacementStage::Started => "placement.started",
                PlacementStage::Closed => "placement.closed",
            };
            to(noun_verb, authority, placement_id).write(&Placement {
                placement_id: placement_id.to_string(),
                referral_id: referral_id.to_string(),
                setting_id: setting_id.to_string(),
                authority: authority.to_string(),
                decided_by: decided_by.to_string(),
                starts_on: *starts_on,
                ended_on: *ended_on,
            })
        }
    }
}

/// Where an event goes and what it is about.
struct Address<'a> {
    outgoing: &'a Outgoing,
    noun_verb: &'static str,
    /// Unknown, where an inbound event did not tell it.
    authority: Option<AuthorityCode>,
    /// On this provider's subject only.
    provider: Option<&'a ProviderId>,
    /// The noun's id.
    about: Option<String>,
}

impl<'a> Address<'a> {
    fn only_for(self, provider: &'a ProviderId) -> Self {
        Self {
            provider: Some(provider),
            ..self
        }
    }

    fn write(&self, data: &impl Serialize) -> Result<Message, serde_json::Error> {
        let noun_verb = self.noun_verb;
        let id = self.outgoing.event_id.into_uuid().to_string();
        let event_type = format!("uk.oss.{noun_verb}.v1");
        let traceparent = self.outgoing.traceparent.as_deref();
        let payload = serde_json::to_string(&CloudEvent {
            specversion: "1.0",
            id: &id,
            source: SOURCE,
            r#type: &event_type,
            subject: self.about.as_deref(),
            time: write::instant(self.outgoing.time),
            datacontenttype: "application/json",
            dataschema: format!("urn:oss:schema:out:{noun_verb}:v1"),
            traceparent,
            data,
        })?;
        Ok(Message {
            subject: subject::outbound(self.authority, self.provider, noun_verb),
            id,
            event_type,
            traceparent: traceparent.map(str::to_owned),
            payload,
        })
    }
}
