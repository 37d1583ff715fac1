//! From a message to what is to be done about it, before the database is asked anything.

use crate::Matcher;
use chrono::{DateTime, Utc};
use oss_contract::{Fact, Headers, Refused, content_hash, decode};
use oss_domain::{
    AuthorityCode, FieldError, PlacementId, Referral, ReferralId, Setting, SettingId,
    setting::VacancyChange,
};
use oss_matching::Query;
use oss_workflow::{
    EventKey, ReferralKey, SettingKey, Wanted, admission, answer::Given, placement::Ending,
    unit::ContentHash,
};
use std::{collections::BTreeMap, sync::Arc};

/// A message as it came.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) subject: Arc<str>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) payload: Arc<[u8]>,
}

/// A message with what it says.
#[derive(Debug)]
pub(crate) struct Job {
    /// The message as it came.
    pub(crate) raw: Raw,
    /// What makes it the same event for ever.
    pub(crate) key: EventKey,
    /// The CloudEvents type, where it could be read.
    pub(crate) event_type: Option<Arc<str>>,
    /// When it happened, as its sender says.
    pub(crate) time: Option<DateTime<Utc>>,
    /// The trace context it came with.
    pub(crate) traceparent: Option<Arc<str>>,
    /// What is to be done.
    pub(crate) task: Task,
}

/// What is to be done about a message.
#[derive(Debug)]
pub(crate) enum Task {
    /// A referral's revision is to be stored and ranked.
    Rank(Box<ToRank>),
    /// A referral is to be closed.
    Withdraw {
        authority: AuthorityCode,
        referral_id: ReferralId,
        reason: String,
    },
    /// A register's entry is to be stored.
    ChangeSetting(Box<Setting>),
    /// A register's entry is to be closed.
    CloseSetting {
        authority: AuthorityCode,
        setting_id: SettingId,
        version: u64,
    },
    /// A register's entry has other places free.
    ChangeVacancy(Box<VacancyChange>),
    /// A provider has answered.
    Answer(Box<ToRecord>),
    /// A placement is over.
    EndPlacement {
        authority: AuthorityCode,
        placement_id: PlacementId,
        ending: Ending,
    },
    /// It can never be handled.
    Refuse(Box<Refused>),
}

/// What an event is about: the sender of a referral is told of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// A referral, named or not.
    Referral(Option<ReferralId>),
    /// Anything else.
    Other,
}

/// A referral, checked and compiled.
#[derive(Debug)]
pub(crate) struct ToRank {
    pub(crate) referral: Arc<Referral>,
    pub(crate) content: ContentHash,
    pub(crate) query: Query,
}

/// An answer, with what its offer names.
#[derive(Debug)]
pub(crate) struct ToRecord {
    pub(crate) given: Given,
    pub(crate) referral: ReferralKey,
    pub(crate) setting: SettingKey,
}

/// Whether a task changes the supply or asks it.
///
/// Tasks of one lane share a transaction; ranking sees the supply as committed before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Supply,
    Referrals,
}

/// The source of the key of a message that has no id of its own: its place in the stream.
const STREAM_SOURCE: &str = "nats:OSS_IN";

impl Job {
    /// Reads a message. `place` names it where it has no id of its own.
    pub(crate) fn read(raw: Raw, place: &str, matcher: &Matcher) -> Self {
        let headers: Headers<'_> = raw
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let by_place = || EventKey {
            source: STREAM_SOURCE.into(),
            id: place.into(),
        };
        match decode(&raw.subject, &headers, &raw.payload) {
            Ok(incoming) => {
                let oss_contract::Incoming { envelope, fact } = incoming;
                let about_referral = fact.referral_id().cloned();
                let task = task(fact, matcher).unwrap_or_else(|errors| {
                    Task::Refuse(Box::new(Refused::invalid(
                        &envelope,
                        &raw.subject,
                        about_referral,
                        errors,
                    )))
                });
                Self {
                    key: EventKey {
                        source: envelope.source.into(),
                        id: envelope.id.into(),
                    },
                    event_type: Some(envelope.event_type.into()),
                    time: envelope.time,
                    traceparent: envelope.traceparent.map(Into::into),
                    task,
                    raw,
                }
            }
            Err(refused) => Self {
                key: match (&refused.event_source, &refused.event_id) {
                    (Some(source), Some(id)) => EventKey {
                        source: source.as_str().into(),
                        id: id.as_str().into(),
                    },
                    _ => by_place(),
                },
                event_type: refused.event_type.as_deref().map(Into::into),
                time: None,
                traceparent: refused.traceparent.as_deref().map(Into::into),
                task: Task::Refuse(refused),
                raw,
            },
        }
    }

    /// Whether the event was read far enough to know who sent it.
    pub(crate) fn has_identity(&self) -> bool {
        &*self.key.source != STREAM_SOURCE
    }

    /// What it is about, as far as it told.
    pub(crate) fn about(&self) -> About {
        match &self.task {
            Task::Rank(to_rank) => About::Referral(Some(to_rank.referral.referral_id.clone())),
            Task::Withdraw { referral_id, .. } => About::Referral(Some(referral_id.clone())),
            Task::Refuse(refused) if refused.about_referral => {
                About::Referral(refused.referral_id.clone())
            }
            _ => About::Other,
        }
    }

    /// The lane it goes in.
    pub(crate) const fn lane(&self) -> Lane {
        match self.task {
            // An answer or an end changes who has places.
            Task::ChangeSetting(_)
            | Task::CloseSetting { .. }
            | Task::ChangeVacancy(_)
            | Task::Answer(_)
            | Task::EndPlacement { .. } => Lane::Supply,
            Task::Rank(_) | Task::Withdraw { .. } | Task::Refuse(_) => Lane::Referrals,
        }
    }

    /// Adds what its step needs to see.
    pub(crate) fn want(&self, wanted: &mut Wanted) {
        wanted.events.insert(self.key.clone());
        match &self.task {
            Task::Rank(to_rank) => {
                let referral = &to_rank.referral;
                wanted
                    .referrals
                    .insert((referral.authority, referral.referral_id.clone()));
                // A first revision finds no place kept for it, and need not wait for the register.
                wanted.places |= referral.revision > 1;
            }
            Task::Withdraw {
                authority,
                referral_id,
                ..
            } => {
                wanted.referrals.insert((*authority, referral_id.clone()));
                wanted.places = true;
            }
            Task::ChangeSetting(setting) => {
                wanted
                    .settings
                    .insert((setting.authority, setting.setting_id.clone()));
            }
            Task::CloseSetting {
                authority,
                setting_id,
                ..
            } => {
                wanted.closing.insert((*authority, setting_id.clone()));
            }
            Task::ChangeVacancy(change) => {
                wanted
                    .settings
                    .insert((change.authority, change.setting_id.clone()));
            }
            Task::Answer(to_record) => {
                wanted.referral_keys.insert(to_record.referral);
                wanted.setting_keys.insert(to_record.setting);
            }
            Task::EndPlacement { placement_id, .. } => {
                wanted.placements.insert(*placement_id);
            }
            Task::Refuse(_) => {}
        }
    }
}

/// What is to be done about a fact, or what is wrong with it that only the gazetteer and the
/// policy can tell.
fn task(fact: Fact, matcher: &Matcher) -> Result<Task, Vec<FieldError>> {
    let (gazetteer, policy) = (&*matcher.gazetteer, &*matcher.policy);
    let served = |authority| admission::served(policy, authority).map_err(|error| vec![error]);
    Ok(match fact {
        Fact::ReferralSubmitted(referral) | Fact::ReferralAmended(referral) => {
            let query = Query::compile(&referral, gazetteer, policy)?;
            let content = content_hash(&referral);
            Task::Rank(Box::new(ToRank {
                referral: referral.into(),
                content,
                query,
            }))
        }
        Fact::ReferralWithdrawn(it) => {
            served(it.authority)?;
            Task::Withdraw {
                authority: it.authority,
                referral_id: it.referral_id,
                reason: it.reason,
            }
        }
        Fact::SettingChanged(setting) => {
            let faults = admission::setting_faults(&setting, gazetteer, policy);
            if !faults.is_empty() {
                return Err(faults);
            }
            Task::ChangeSetting(Box::new(setting))
        }
        Fact::SettingClosed(it) => {
            served(it.authority)?;
            Task::CloseSetting {
                authority: it.authority,
                setting_id: it.setting_id,
                version: it.version,
            }
        }
        Fact::VacancyChanged(change) => {
            served(change.authority)?;
            Task::ChangeVacancy(Box::new(change))
        }
        Fact::OfferAnswered(answered) => {
            served(answered.authority)?;
            let (referral, setting) = matcher.seal.open(answered.offer_id);
            Task::Answer(Box::new(ToRecord {
                given: answered.into_given(),
                referral,
                setting,
            }))
        }
        Fact::PlacementEnded(ended) => {
            served(ended.authority)?;
            Task::EndPlacement {
                authority: ended.authority,
                placement_id: ended.placement_id,
                ending: Ending {
                    ended_on: ended.ended_on,
                    reason: ended.reason_place_change,
                    planned: ended.planned,
                },
            }
        }
    })
}
