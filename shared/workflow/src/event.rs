//! What we tell others: facts without anything that identifies a child.

use crate::ranking::Proposal;
use chrono::{DateTime, NaiveDate, Utc};
use oss_domain::{
    AuthorityCode, EventId, FieldError, HoldId, OfferId, PlacementId, ProviderId, ReferralId,
    SettingId, lifecycle::Answer,
};
use std::sync::Arc;

/// An outgoing event, committed with the change it reports.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The event's id: the broker drops a second one within its window.
    pub event_id: EventId,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// What happened.
    pub event: Event,
    /// The W3C trace context of what caused it.
    pub traceparent: Option<Arc<str>>,
}

/// What happened. The wire's names and bodies are in `oss-contract`.
#[derive(Clone, Debug)]
pub enum Event {
    /// A referral's revision was stored.
    ReferralReceived {
        /// The responsible authority.
        authority: AuthorityCode,
        /// Which referral.
        referral_id: ReferralId,
        /// Which revision.
        revision: u64,
        /// When it was stored.
        received_at: DateTime<Utc>,
    },
    /// A referral event was refused for good.
    ReferralRejected {
        /// The authority, as far as the event told it.
        authority: Option<AuthorityCode>,
        /// The referral, as far as the event told it.
        referral_id: Option<ReferralId>,
        /// The event's own id.
        event_id: Option<Arc<str>>,
        /// The event's producer.
        source: Option<Arc<str>>,
        /// A stable code, such as `invalid_data`.
        code: &'static str,
        /// Why, in words.
        reason: String,
        /// The faults, field by field.
        errors: Vec<FieldError>,
    },
    /// A referral has ranked offers, or none: `offers.proposed` or `referral.unfilled`.
    Proposed(Arc<Proposal>),
    /// A referral needs no home any more.
    ReferralClosed {
        /// The responsible authority.
        authority: AuthorityCode,
        /// Which referral.
        referral_id: ReferralId,
        /// The placement it ended in; withdrawn without one.
        placement_id: Option<PlacementId>,
    },
    /// An event could not be handled and was kept.
    DeadLettered {
        /// The authority in the inbound subject, if it has one.
        authority: Option<AuthorityCode>,
        /// The event's own id.
        event_id: Option<Arc<str>>,
        /// The event's producer.
        source: Option<Arc<str>>,
        /// The event's type.
        event_type: Option<Arc<str>>,
        /// The subject it came on.
        subject: Arc<str>,
        /// Why, in words.
        reason: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// A provider is asked whether it can take a child, by a pseudonymous profile.
    OfferApproached {
        /// The responsible authority.
        authority: AuthorityCode,
        /// Which offer.
        offer_id: OfferId,
        /// Whom we ask.
        provider_id: ProviderId,
        /// For which setting.
        setting_id: SettingId,
        /// This provider's own reference for the referral.
        reference: String,
        /// What the provider may know.
        profile: Arc<Profile>,
        /// Until when we wait for the answer.
        respond_by: DateTime<Utc>,
    },
    /// A provider's answer was recorded.
    OfferRecorded {
        /// The responsible authority.
        authority: AuthorityCode,
        /// Which offer.
        offer_id: OfferId,
        /// Whose answer.
        provider_id: ProviderId,
        /// The answer.
        answer: Answer,
    },
    /// An approach ended without an answer in time.
    OfferExpired {
        /// The responsible authority.
        authority: AuthorityCode,
        /// Which offer.
        offer_id: OfferId,
        /// Whose.
        provider_id: ProviderId,
    },
    /// An approach was withdrawn.
    OfferWithdrawn {
        /// The responsible authority.
        authority: AuthorityCode,
        /// Which offer.
        offer_id: OfferId,
        /// Whose.
        provider_id: ProviderId,
        /// A stable code of why.
        reason: &'static str,
    },
    /// A place is kept for a referral.
    PlaceHeld {
        /// The responsible authority.
        authority: AuthorityCode,
        /// The hold.
        hold_id: HoldId,
        /// The offer it is for.
        offer_id: OfferId,
        /// The referral.
        referral_id: ReferralId,
        /// The setting.
        setting_id: SettingId,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// A kept place is free again.
    PlaceReleased {
        /// The responsible authority.
        authority: AuthorityCode,
        /// The hold.
        hold_id: HoldId,
        /// The offer it was for.
        offer_id: OfferId,
        /// The referral.
        referral_id: ReferralId,
        /// The setting.
        setting_id: SettingId,
        /// A stable code of why.
        reason: &'static str,
    },
    /// A placement was agreed, started or ended.
    Placement {
        /// Which of the three.
        stage: PlacementStage,
        /// The responsible authority.
        authority: AuthorityCode,
        /// The placement.
        placement_id: PlacementId,
        /// The referral.
        referral_id: ReferralId,
        /// The setting.
        setting_id: SettingId,
        /// The person who decided.
        decided_by: Arc<str>,
        /// When it starts or started.
        starts_on: NaiveDate,
        /// When it ended.
        ended_on: Option<NaiveDate>,
    },
}

/// How far a placement has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlacementStage {
    /// A person decided.
    Agreed,
    /// The child lives there.
    Started,
    /// The child has left.
    Closed,
}

/// What a provider may know before a match: no name, date of birth, address, school, zone or court.
///
/// UK GDPR data minimisation; the fields follow docs/information-governance.md.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Each child's age on the start date and sex, in the referral's order.
    pub children: Vec<(u8, oss_domain::Sex)>,
    /// How soon.
    pub urgency: oss_domain::referral::Urgency,
    /// When the placement is to start.
    pub start_date: NaiveDate,
    /// What care must meet.
    pub needs: oss_domain::Needs,
    /// Religion asked for.
    pub religion: Option<oss_domain::identity::Word>,
    /// Languages asked for.
    pub languages: Vec<oss_domain::identity::Word>,
    /// Whether wheelchair access is needed.
    pub wheelchair_accessible: bool,
    /// Whether the group is a parent and child.
    pub parent_and_child: bool,
    /// Whether no other child may live there.
    pub solo: bool,
}
