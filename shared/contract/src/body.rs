//! The data of what we publish, but for runs: ids and facts that identify no child.

#![expect(clippy::struct_field_names, reason = "the contract names the fields")]

use crate::problem::Problem;
use chrono::{DateTime, NaiveDate, Utc};
use indexmap::IndexMap;
use oss_domain::{AuthorityCode, OfferId, ProviderId};
use oss_workflow::event::Profile as WorkflowProfile;
use serde::Serialize;

/// Body types: serialised, and described where the published form is made.
macro_rules! bodies {
    ($($(#[$doc:meta])* struct $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)+
    })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub(crate) struct $name { $($(#[$field_doc])* pub(crate) $field: $type,)+ }
    )+};
}

bodies! {
    /// A revision of a referral is stored.
    struct ReferralReceived {
        referral_id: String,
        /// The responsible council.
        authority: String,
        revision: u64,
        received_at: DateTime<Utc>,
    }

    /// A referral event is refused for good.
    struct ReferralRejected {
        /// The event's own id, as far as it could be learned.
        #[serde(skip_serializing_if = "Option::is_none")]
        event_id: Option<String>,
        /// The event's producer, as far as it could be learned.
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<String>,
        /// Of the inbound subject, or `unknown`.
        authority: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        referral_id: Option<String>,
        problem: Problem,
    }

    /// A referral needs no home any more.
    struct ReferralClosed {
        referral_id: String,
        authority: String,
        /// `placed` or `withdrawn`.
        outcome: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        placement_id: Option<String>,
    }

    /// A provider is asked whether it can take a child.
    struct OfferApproached {
        offer_id: String,
        authority: String,
        provider_id: String,
        setting_id: String,
        /// This provider's own reference for the referral.
        reference: String,
        profile: Profile,
        respond_by: DateTime<Utc>,
    }

    /// What a provider may know before a match.
    struct Profile {
        /// In the referral's order.
        children: Vec<ProfileChild>,
        urgency: &'static str,
        start_date: NaiveDate,
        /// By need: its level, and whether it must be met in full.
        needs: IndexMap<&'static str, ProfileNeed>,
        #[serde(skip_serializing_if = "Option::is_none")]
        religion: Option<String>,
        languages: Vec<String>,
        wheelchair_accessible: bool,
        parent_and_child: bool,
        /// Whether no other child may live there.
        solo: bool,
    }

    /// A child, by no more than this.
    struct ProfileChild {
        /// On the start date.
        age: u8,
        sex: &'static str,
    }

    /// What is needed in one domain.
    struct ProfileNeed {
        level: u8,
        essential: bool,
    }

    /// An approach was answered, expired or was withdrawn.
    struct OfferAnswer {
        offer_id: String,
        authority: String,
        provider_id: String,
        /// `accepted` or `declined`.
        #[serde(skip_serializing_if = "Option::is_none")]
        answer: Option<&'static str>,
        /// A stable code.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str>,
    }

    /// A place is kept for a referral, or free again.
    struct Place {
        hold_id: String,
        offer_id: String,
        referral_id: String,
        setting_id: String,
        authority: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<DateTime<Utc>>,
        /// A stable code.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str>,
    }

    /// A placement was agreed by a person, has started, or has ended.
    struct Placement {
        placement_id: String,
        referral_id: String,
        setting_id: String,
        authority: String,
        /// The person who decided.
        decided_by: String,
        starts_on: NaiveDate,
        #[serde(skip_serializing_if = "Option::is_none")]
        ended_on: Option<NaiveDate>,
    }

    /// An inbound event could not be handled and was kept.
    struct DeadLettered {
        #[serde(skip_serializing_if = "Option::is_none")]
        event_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        r#type: Option<String>,
        /// The subject it came on.
        subject: String,
        /// Why, in words.
        reason: String,
        /// How often it was tried.
        attempts: u32,
    }
}

impl OfferAnswer {
    /// Without an answer and a reason.
    pub(crate) fn none(
        authority: &AuthorityCode,
        offer_id: &OfferId,
        provider_id: &ProviderId,
    ) -> Self {
        Self {
            offer_id: offer_id.to_string(),
            authority: authority.to_string(),
            provider_id: provider_id.to_string(),
            answer: None,
            reason: None,
        }
    }
}

impl From<&WorkflowProfile> for Profile {
    fn from(profile: &WorkflowProfile) -> Self {
        let needs = &profile.needs;
        Self {
            children: profile
                .children
                .iter()
                .map(|(age, sex)| ProfileChild {
                    age: *age,
                    sex: sex.as_str(),
                })
                .collect(),
            urgency: profile.urgency.as_str(),
            start_date: profile.start_date,
            needs: needs
                .levels
                .present()
                .map(|(need, level)| {
                    let essential = needs.essential.contains(need);
                    let level = level.get();
                    (need.as_str(), ProfileNeed { level, essential })
                })
                .collect(),
            religion: profile.religion.as_ref().map(ToString::to_string),
            languages: profile.languages.iter().map(ToString::to_string).collect(),
            wheelchair_accessible: profile.wheelchair_accessible,
            parent_and_child: profile.parent_and_child,
            solo: profile.solo,
        }
    }
}
