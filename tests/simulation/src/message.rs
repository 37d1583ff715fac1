//! What comes over the stream.

use oss_domain::{
    AuthorityCode, PlacementId, Referral, ReferralId, Setting, SettingId, setting::VacancyChange,
};
use oss_workflow::{EventKey, answer::Given, placement::Ending};
use std::sync::Arc;

/// An event that somebody published to us.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) key: EventKey,
    pub(crate) fact: Fact,
}

/// What it says.
#[derive(Clone, Debug)]
pub(crate) enum Fact {
    Referral(Arc<Referral>),
    ReferralWithdrawn(AuthorityCode, ReferralId),
    Setting(Arc<Setting>),
    SettingClosed(AuthorityCode, SettingId, u64),
    Vacancy(VacancyChange),
    Answer(Given),
    PlacementEnded(PlacementId, Ending),
}
