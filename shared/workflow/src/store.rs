//! The port through which units of work are opened and committed.

use crate::{
    key::{EventKey, ReferralKey, SettingKey},
    unit::Unit,
};
use oss_domain::{
    ApprovalId, AuthorityCode, ConditionId, DeadlineId, HoldId, PlacementId, ReferralId, SettingId,
};
use std::{collections::BTreeSet, future::Future};

/// What a unit of work needs to see; what is there of it is locked until the unit commits or is
/// dropped. What was not there is not made twice: a unit that would commits nothing and clashes.
///
/// Ordered sets: units lock in the same order, so none waits for another in a circle.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The events to be handled, to see which were before.
    pub events: BTreeSet<EventKey>,
    /// Referrals by their authority's id.
    pub referrals: BTreeSet<(AuthorityCode, ReferralId)>,
    /// Referrals by key, as an offer names them.
    pub referral_keys: BTreeSet<ReferralKey>,
    /// Settings; their authority's register is locked with them.
    pub settings: BTreeSet<(AuthorityCode, SettingId)>,
    /// Settings by key, as an offer names them; their authority's register is locked with them.
    pub setting_keys: BTreeSet<SettingKey>,
    /// Settings that close: with every referral that has a live offer or place there.
    pub closing: BTreeSet<(AuthorityCode, SettingId)>,
    /// Holds: with their referral, its authority's register, and their setting.
    pub holds: BTreeSet<HoldId>,
    /// Placements: with their referral, its authority's register, and their setting.
    pub placements: BTreeSet<PlacementId>,
    /// Approvals: with their referral and its authority's register.
    pub approvals: BTreeSet<ApprovalId>,
    /// Conditions: with their referral and its authority's register.
    pub conditions: BTreeSet<ConditionId>,
    /// Deadlines: with their referral and its authority's register.
    pub deadlines: BTreeSet<DeadlineId>,
    /// Whether places may be freed: the registers of the wanted referrals' authorities are locked
    /// too. A unit that changes an occupancy has its register's lock.
    pub places: bool,
    /// Whether what became of the wanted referrals is read: offers, places, placements and what
    /// belongs to them. Good to be shown, not to decide by: to change any of it, or rely on who has
    /// a place, the register's lock is needed, as `places` takes it; a commit without it is refused.
    pub life: bool,
}

impl Wanted {
    /// These settings and nothing else.
    #[must_use]
    pub fn settings(settings: impl IntoIterator<Item = (AuthorityCode, SettingId)>) -> Self {
        Self {
            settings: settings.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is away or overloaded; the same may work later.
    #[error("the store is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Two units clashed; the same will work at once.
    #[error("the unit of work clashed with another")]
    Clash(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored, or what was to be stored, is not as it should be: a bug.
    #[error("the store refused the unit of work")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Opens and commits units of work.
pub trait Store: Send + Sync {
    /// What holds the locks between opening and committing; dropping it abandons the unit.
    type Transaction: Send;

    /// Locks and loads what is wanted.
    fn open(
        &self,
        wanted: &Wanted,
    ) -> impl Future<Output = Result<(Unit, Self::Transaction), StoreError>> + Send;

    /// Writes the unit's changed heads, its log, audit and outgoing events, all or nothing; nothing
    /// where [`Unit::changes_under`] refuses it.
    fn commit(
        &self,
        unit: Unit,
        transaction: Self::Transaction,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
