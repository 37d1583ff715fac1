//! A unit of work: what was loaded, and what is to be written.

use crate::{
    approvals::ApprovalTask,
    conditions::Condition,
    deadline::Deadline,
    event::{Event, Outgoing},
    key::{EventKey, ReferralKey, SettingKey, SupplyVersion},
    occupancy::Occupancy,
    offer::OfferHead,
    placement::Placement,
    ranking::Run,
    store::StoreError,
};
use chrono::{DateTime, Utc};
use oss_domain::{
    ApprovalId, AuthorityCode, ConditionId, DeadLetterId, DeadlineId, EventId, FieldError, HoldId,
    Ids, OfferId, PlacementId, Referral, ReferralId, RunId, Setting, SettingId,
    lifecycle::ReferralState,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person, by user id.
    Person(Arc<str>),
    /// A producer of events, by CloudEvents source.
    Producer(Arc<str>),
    /// The product itself, by role.
    Service(&'static str),
}

/// What a step is given besides the unit: who acts, when, and where new ids come from.
#[derive(Debug)]
pub struct Context<'a, 'b> {
    /// Who acts.
    pub actor: Actor,
    /// When.
    pub now: DateTime<Utc>,
    /// The W3C trace context of the cause.
    pub traceparent: Option<Arc<str>>,
    /// Where new ids come from.
    pub ids: &'a mut Ids<'b>,
}

/// A content, told apart by its SHA-256.
pub type ContentHash = [u8; 32];

/// Where a referral stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferralHead {
    /// Its key.
    pub key: ReferralKey,
    /// The responsible authority.
    pub authority: AuthorityCode,
    /// Its id.
    pub referral_id: ReferralId,
    /// The highest revision seen; 0 where it was withdrawn before any arrived.
    pub revision: u64,
    /// That revision's content.
    pub content: ContentHash,
    /// Its state.
    pub state: ReferralState,
    /// The current run.
    pub run: Option<RunHead>,
    /// The supply that the current run is known to be right for.
    pub evaluated: Option<SupplyVersion>,
    /// When the first revision arrived.
    pub received_at: DateTime<Utc>,
    /// The current revision itself; loaded where it is wanted.
    pub referral: Option<Arc<Referral>>,
}

/// What is needed of the current run to tell whether a new one differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunHead {
    /// The run.
    pub run_id: RunId,
    /// The referral's revision that it ranked for.
    pub revision: u64,
    /// Its outcome.
    pub digest: u128,
}

/// Where a register's entry stands.
#[derive(Clone, Debug)]
pub struct SettingHead {
    /// Its key.
    pub key: SettingKey,
    /// The highest version seen.
    pub version: u64,
    /// Whether it is in supply.
    pub open: bool,
    /// The entry, with its occupancy merged in; `None` where it was closed before it was opened.
    pub setting: Option<Arc<Setting>>,
}

/// What a unit appends.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A revision of a referral.
    Revision {
        /// Of which referral.
        key: ReferralKey,
        /// The revision.
        referral: Arc<Referral>,
        /// Its content.
        content: ContentHash,
        /// When it was received.
        received_at: DateTime<Utc>,
    },
    /// A run, with every setting's result.
    Run(Box<Run>),
    /// A state of a setting from this supply version on; the one before ends with it.
    SettingVersion {
        /// Which setting.
        key: SettingKey,
        /// From which version of the supply on.
        from: SupplyVersion,
        /// When.
        at: DateTime<Utc>,
        /// The entry, or `None` where it leaves supply.
        setting: Option<Arc<Setting>>,
    },
    /// An event that cannot be handled, kept with its reason.
    DeadLetter(Box<DeadLetter>),
}

/// An inbound event that cannot be handled.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Its id in the list.
    pub dead_letter_id: DeadLetterId,
    /// The authority in the subject, if any.
    pub authority: Option<AuthorityCode>,
    /// The subject it came on.
    pub subject: Arc<str>,
    /// The CloudEvents source, if any.
    pub source: Option<Arc<str>>,
    /// The CloudEvents id, if any.
    pub event_id: Option<Arc<str>>,
    /// The CloudEvents type, if any.
    pub event_type: Option<Arc<str>>,
    /// A stable code, such as `not_json`.
    pub code: &'static str,
    /// Why, in words.
    pub reason: String,
    /// The faults, field by field.
    pub errors: Vec<FieldError>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first received.
    pub received_at: DateTime<Utc>,
    /// The headers as they came.
    pub headers: Vec<(String, String)>,
    /// The payload as it came.
    pub payload: Arc<[u8]>,
}

/// A line of the audit: who did what, when, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// The authority whose record it is.
    pub authority: AuthorityCode,
    /// The referral whose chain it belongs to, if any.
    pub referral: Option<ReferralKey>,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: Actor,
    /// What, as a stable code such as `referral.received`.
    pub act: &'static str,
    /// On what, such as a setting's or run's id.
    pub thing: String,
    /// Why, in words of the person who acted.
    pub reason: Option<String>,
}

/// What was loaded under lock, and what is to be written.
#[derive(Debug, Default)]
pub struct Unit {
    /// The wanted events that were handled before this unit.
    pub seen: BTreeSet<EventKey>,
    /// The wanted referrals that exist.
    pub referrals: BTreeMap<(AuthorityCode, ReferralId), ReferralHead>,
    /// The wanted settings that exist.
    pub settings: BTreeMap<(AuthorityCode, SettingId), SettingHead>,
    /// The live occupancies of the wanted settings and referrals, and of those referrals' children
    /// wherever they are; and the wanted holds, live or not.
    pub occupancies: BTreeMap<HoldId, Occupancy>,
    /// The offers of the wanted referrals that were acted on.
    pub offers: BTreeMap<OfferId, OfferHead>,
    /// The placements of the wanted referrals.
    pub placements: BTreeMap<PlacementId, Placement>,
    /// The approvals of the wanted referrals.
    pub approvals: BTreeMap<ApprovalId, ApprovalTask>,
    /// The conditions of the wanted referrals.
    pub conditions: BTreeMap<ConditionId, Condition>,
    /// The unsettled deadlines of the wanted referrals.
    pub deadlines: BTreeMap<DeadlineId, Deadline>,
    /// The version of the supply of each authority concerned.
    pub supply: BTreeMap<AuthorityCode, SupplyVersion>,
    /// Keys for referrals that are new, at least one for each that was wanted.
    pub spare_referral_keys: Vec<ReferralKey>,
    /// Keys for settings that are new, at least one for each that was wanted.
    pub spare_setting_keys: Vec<SettingKey>,

    /// The events handled in this unit, first sights only.
    pub handled: Vec<EventKey>,
    /// The referrals whose head changed.
    pub changed_referrals: BTreeSet<(AuthorityCode, ReferralId)>,
    /// The settings whose head changed.
    pub changed_settings: BTreeSet<(AuthorityCode, SettingId)>,
    /// The occupancies that are new or changed.
    pub changed_occupancies: BTreeSet<HoldId>,
    /// The offers that are new or changed.
    pub changed_offers: BTreeSet<OfferId>,
    /// The placements that are new or changed.
    pub changed_placements: BTreeSet<PlacementId>,
    /// The approvals that are new or changed.
    pub changed_approvals: BTreeSet<ApprovalId>,
    /// The conditions that are new or changed.
    pub changed_conditions: BTreeSet<ConditionId>,
    /// The deadlines that are new or changed.
    pub changed_deadlines: BTreeSet<DeadlineId>,
    /// The authorities whose supply changed; their version in `supply` is the new one.
    pub changed_supply: BTreeSet<AuthorityCode>,
    /// What is appended.
    pub log: Vec<Entry>,
    /// What is audited.
    pub audit: Vec<AuditLine>,
    /// What is announced.
    pub outgoing: Vec<Outgoing>,
}

impl Unit {
    /// Whether `event` is seen for the first time; from now on it is not.
    pub fn first_sight(&mut self, event: &EventKey) -> bool {
        let first = self.seen.insert(event.clone());
        if first {
            self.handled.push(event.clone());
        }
        first
    }

    /// Announces `event`.
    pub fn announce(&mut self, context: &mut Context<'_, '_>, event: Event) {
        self.outgoing.push(Outgoing {
            event_id: EventId::generate(context.ids),
            time: context.now,
            event,
            traceparent: context.traceparent.clone(),
        });
    }

    /// Writes a line of the audit.
    pub fn record(
        &mut self,
        context: &Context<'_, '_>,
        authority: AuthorityCode,
        referral: Option<ReferralKey>,
        act: &'static str,
        thing: impl std::fmt::Display,
        reason: Option<String>,
    ) {
        self.audit.push(AuditLine {
            authority,
            referral,
            at: context.now,
            actor: context.actor.clone(),
            act,
            thing: thing.to_string(),
            reason,
        });
    }

    /// Leaves a referral's current run as it is, also for the supply `version`.
    pub fn evaluated_as_it_is(&mut self, at: &(AuthorityCode, ReferralId), version: SupplyVersion) {
        if let Some(head) = self.referrals.get_mut(at) {
            head.evaluated = Some(version);
            self.changed_referrals.insert(at.clone());
        }
    }

    /// Whether there is anything to write.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.handled.is_empty()
            && self.changed_referrals.is_empty()
            && self.changed_settings.is_empty()
            && self.changed_occupancies.is_empty()
            && self.changed_offers.is_empty()
            && self.changed_placements.is_empty()
            && self.changed_approvals.is_empty()
            && self.changed_conditions.is_empty()
            && self.changed_deadlines.is_empty()
            && self.log.is_empty()
            && self.audit.is_empty()
            && self.outgoing.is_empty()
    }

    /// Sees to it that all that only one unit at a time may change is of authorities whose registers
    /// are `locked` for this one: the register's entries, and what became of referrals.
    ///
    /// # Errors
    /// [`StoreError::Broken`], which names an authority whose register's lock was not taken.
    pub fn changes_under(&self, locked: &BTreeSet<AuthorityCode>) -> Result<(), StoreError> {
        let occupancies =
            changed(&self.changed_occupancies, &self.occupancies).map(|it| it.authority);
        let offers = changed(&self.changed_offers, &self.offers).map(|it| it.authority);
        let placements = changed(&self.changed_placements, &self.placements).map(|it| it.authority);
        let approvals = changed(&self.changed_approvals, &self.approvals).map(|it| it.authority);
        let conditions = changed(&self.changed_conditions, &self.conditions).map(|it| it.authority);
        let deadlines = changed(&self.changed_deadlines, &self.deadlines).map(|it| it.authority);
        let settings = self
            .changed_settings
            .iter()
            .map(|(authority, _)| *authority);
        let life = occupancies.chain(offers).chain(placements).chain(approvals);
        let life = life.chain(conditions).chain(deadlines);
        let register = settings.chain(self.changed_supply.iter().copied());
        let mut all = life.chain(register);
        match all.find(|authority| !locked.contains(authority)) {
            None => Ok(()),
            Some(authority) => Err(StoreError::Broken(
                format!("something of {authority} changed without its register's lock").into(),
            )),
        }
    }

    /// The referral of that key.
    #[must_use]
    pub fn referral(&self, key: ReferralKey) -> Option<&ReferralHead> {
        self.referrals.values().find(|head| head.key == key)
    }

    /// The setting of that key.
    #[must_use]
    pub fn setting(&self, key: SettingKey) -> Option<&SettingHead> {
        self.settings.values().find(|head| head.key == key)
    }

    /// Moves a referral to `state`.
    pub(crate) fn set_state(&mut self, key: ReferralKey, state: ReferralState) {
        let head = self.referrals.iter_mut().find(|(_, head)| head.key == key);
        if let Some((at, head)) = head.filter(|(_, head)| head.state != state) {
            head.state = state;
            self.changed_referrals.insert(at.clone());
        }
    }

    /// Has a referral ranked again, whatever its supply.
    pub(crate) fn look_again(&mut self, key: ReferralKey) {
        if let Some((at, head)) = self.referrals.iter_mut().find(|(_, head)| head.key == key) {
            head.evaluated = None;
            self.changed_referrals.insert(at.clone());
        }
    }

    /// The supply's version after the changes of this unit: one more than before, once a unit.
    pub(crate) fn next_supply_version(&mut self, authority: AuthorityCode) -> SupplyVersion {
        let version = self.supply.entry(authority).or_default();
        if self.changed_supply.insert(authority) {
            *version = version.next();
        }
        *version
    }
}

/// The heads with a changed id.
pub fn changed<'u, I: Ord, T>(
    ids: &'u BTreeSet<I>,
    heads: &'u BTreeMap<I, T>,
) -> impl Iterator<Item = &'u T> {
    ids.iter().filter_map(|id| heads.get(id))
}
