//! The store in memory: rows, locks, and commits that are all or nothing.

use crate::{
    check,
    defect::Defect,
    tables::{At, Tables},
};
use chrono::{DateTime, Utc};
use oss_domain::{AuthorityCode, ReferralId};
use oss_workflow::{
    ReferralKey, SettingKey, Store, StoreError, Unit, Wanted, offer::OfferState, unit::Entry,
};
use std::{
    collections::BTreeSet,
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// Something that one unit at a time may change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lock {
    Register(AuthorityCode),
    Referral(AuthorityCode, ReferralId),
}

/// How a store misbehaves next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The database is away.
    Unavailable,
    /// The transaction clashes.
    Clash,
}

/// PostgreSQL's part, in memory. It keeps the constraints to itself: what they would prove, the
/// checks look for.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
    locked: Arc<Mutex<BTreeSet<Lock>>>,
    violations: Mutex<Vec<String>>,
    fault: Mutex<Option<Fault>>,
    /// The latest that the clock has shown.
    latest: Mutex<DateTime<Utc>>,
    defect: Option<Defect>,
}

/// The locks of an open unit; dropping it lets them go.
#[derive(Debug)]
pub struct Locked {
    locks: BTreeSet<Lock>,
    locked: Arc<Mutex<BTreeSet<Lock>>>,
}

impl Locked {
    fn registers(&self) -> BTreeSet<AuthorityCode> {
        let registers = self.locks.iter().filter_map(|lock| match lock {
            Lock::Register(authority) => Some(*authority),
            Lock::Referral(..) => None,
        });
        registers.collect()
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        hold(&self.locked).retain(|lock| !self.locks.contains(lock));
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryStore {
    pub(crate) fn with(defect: Option<Defect>) -> Self {
        Self {
            defect,
            ..Self::default()
        }
    }

    /// What is committed.
    pub fn tables(&self) -> MutexGuard<'_, Tables> {
        hold(&self.tables)
    }

    /// What the checks have found so far.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        hold(&self.violations).clone()
    }

    pub(crate) fn first_violation(&self) -> Option<String> {
        hold(&self.violations).first().cloned()
    }

    pub(crate) fn violate(&self, what: String) {
        hold(&self.violations).push(what);
    }

    /// Lets the next opening or commit fail.
    pub(crate) fn fail_next(&self, fault: Fault) {
        *hold(&self.fault) = Some(fault);
    }

    /// Notes what the clock shows.
    pub fn note_time(&self, now: DateTime<Utc>) {
        let mut latest = hold(&self.latest);
        *latest = now.max(*latest);
    }

    fn fail(&self) -> Result<(), StoreError> {
        let why = || "simulated".into();
        match hold(&self.fault).take() {
            None => Ok(()),
            Some(Fault::Unavailable) => Err(StoreError::Unavailable(why())),
            Some(Fault::Clash) => Err(StoreError::Clash(why())),
        }
    }

    fn lock(&self, scope: &Scope) -> Option<Locked> {
        let registers = scope
            .registers
            .iter()
            .map(|authority| Lock::Register(*authority));
        let referrals = scope.referrals.iter().cloned();
        let referrals = referrals.map(|(authority, id)| Lock::Referral(authority, id));
        let locks: BTreeSet<_> = registers.chain(referrals).collect();
        let mut locked = hold(&self.locked);
        if self.defect == Some(Defect::NoLocks) {
            return Some(Locked {
                locks: BTreeSet::new(),
                locked: self.locked.clone(),
            });
        }
        if locks.iter().any(|lock| locked.contains(lock)) {
            return None;
        }
        locked.extend(locks.iter().cloned());
        Some(Locked {
            locks,
            locked: self.locked.clone(),
        })
    }

    fn load(&self, wanted: &Wanted, scope: &Scope) -> Unit {
        let mut tables = self.tables();
        let mut unit = Unit::default();
        if self.defect != Some(Defect::NoInbox) {
            unit.seen.extend(
                wanted
                    .events
                    .iter()
                    .filter(|it| tables.seen.contains(*it))
                    .cloned(),
            );
        }
        for at in &scope.referrals {
            match tables.referrals.get(at) {
                Some(head) => drop(unit.referrals.insert(at.clone(), head.clone())),
                None => unit
                    .spare_referral_keys
                    .push(ReferralKey(tables.next_key())),
            }
        }
        for at in &scope.settings {
            let found = match self.defect {
                Some(Defect::JudgesByOldRegister) if wanted.events.is_empty() => {
                    tables.first_settings.get(at)
                }
                _ => tables.settings.get(at),
            };
            match found {
                Some(head) => drop(unit.settings.insert(at.clone(), head.clone())),
                None => unit.spare_setting_keys.push(SettingKey(tables.next_key())),
            }
        }
        let referrals: BTreeSet<_> = unit.referrals.values().map(|head| head.key).collect();
        let settings: BTreeSet<_> = unit.settings.values().map(|head| head.key).collect();
        let heads = unit
            .referrals
            .values()
            .filter_map(|head| head.referral.as_ref());
        let children: BTreeSet<_> = heads
            .flat_map(|it| {
                let children = it.children.iter();
                children.map(|child| (it.authority, &child.child_id))
            })
            .collect();
        let mixes = self.defect == Some(Defect::MixesCouncils);
        let is_of = |authority, child| {
            children.contains(&(authority, child))
                || (mixes && children.iter().any(|(_, it)| *it == child))
        };
        let hides = self.defect == Some(Defect::HidesOthersPlaces) && !referrals.is_empty();
        for occupancy in tables.occupancies.values() {
            let wanted_hold = wanted.holds.contains(&occupancy.hold_id);
            let concerned = referrals.contains(&occupancy.referral)
                || (!hides && settings.contains(&occupancy.setting))
                || occupancy
                    .occupants
                    .iter()
                    .any(|it| is_of(occupancy.authority, &it.child_id));
            if wanted_hold || (occupancy.is_live() && concerned) {
                unit.occupancies
                    .insert(occupancy.hold_id, occupancy.clone());
            }
        }
        let offers = tables
            .offers
            .values()
            .filter(|it| referrals.contains(&it.referral));
        unit.offers
            .extend(offers.map(|it| (it.offer_id, it.clone())));
        let placements = tables.placements.values();
        let placements = placements.filter(|it| referrals.contains(&it.referral));
        unit.placements
            .extend(placements.map(|it| (it.placement_id, it.clone())));
        let approvals = tables
            .approvals
            .values()
            .filter(|it| referrals.contains(&it.referral));
        unit.approvals
            .extend(approvals.map(|it| (it.approval_id, it.clone())));
        let hides = self.defect == Some(Defect::HidesConditions);
        let conditions = tables
            .conditions
            .values()
            .filter(|it| !hides && referrals.contains(&it.referral));
        unit.conditions
            .extend(conditions.map(|it| (it.condition_id, it.clone())));
        let deadlines = tables.deadlines.values();
        let deadlines =
            deadlines.filter(|it| it.settled_at.is_none() && referrals.contains(&it.referral));
        unit.deadlines
            .extend(deadlines.map(|it| (it.deadline_id, it.clone())));
        let authorities = scope
            .registers
            .iter()
            .chain(scope.referrals.iter().map(|(it, _)| it));
        unit.supply
            .extend(authorities.map(|it| (*it, tables.supply_version(*it))));
        unit
    }

    fn apply(&self, mut unit: Unit) {
        let mut tables = self.tables();
        let mut found = check::before_commit(&tables, &unit);
        let lossy = |n: usize| n.is_multiple_of(5);
        if self.defect == Some(Defect::LosesEvents) && lossy(tables.audit.len()) {
            unit.outgoing.clear();
        }
        if self.defect == Some(Defect::LosesAudit) && lossy(tables.outbox.len()) {
            unit.audit.clear();
        }
        write(&mut tables, &unit, self.defect);
        found.extend(check::after_commit(&tables, &unit, *hold(&self.latest)));
        drop(tables);
        hold(&self.violations).extend(found);
    }
}

/// Writes what a unit changed.
fn write(tables: &mut Tables, unit: &Unit, defect: Option<Defect>) {
    tables.seen.extend(unit.handled.iter().cloned());
    for at in &unit.changed_referrals {
        if let Some(head) = unit.referrals.get(at) {
            tables.referrals.insert(at.clone(), head.clone());
        }
    }
    for at in &unit.changed_settings {
        if let Some(head) = unit.settings.get(at) {
            tables
                .first_settings
                .entry(at.clone())
                .or_insert_with(|| head.clone());
            tables.settings.insert(at.clone(), head.clone());
        }
    }
    if defect != Some(Defect::TearsCommits) || unit.changed_referrals.is_empty() {
        let changed = unit.changed_occupancies.iter();
        let changed = changed.filter_map(|id| Some((*id, unit.occupancies.get(id)?.clone())));
        tables.occupancies.extend(changed);
    }
    let changed = unit.changed_offers.iter();
    tables
        .offers
        .extend(changed.filter_map(|id| Some((*id, unit.offers.get(id)?.clone()))));
    let changed = unit.changed_placements.iter();
    let changed = changed.filter_map(|id| Some((*id, unit.placements.get(id)?.clone())));
    tables.placements.extend(changed);
    let changed = unit.changed_approvals.iter();
    tables
        .approvals
        .extend(changed.filter_map(|id| Some((*id, unit.approvals.get(id)?.clone()))));
    let changed = unit.changed_conditions.iter();
    tables
        .conditions
        .extend(changed.filter_map(|id| Some((*id, unit.conditions.get(id)?.clone()))));
    for id in &unit.changed_deadlines {
        let Some(deadline) = unit.deadlines.get(id) else {
            continue;
        };
        let known = tables.deadlines.contains_key(id);
        let lost = match defect {
            Some(Defect::LosesDeadlines) => !known,
            Some(Defect::KeepsDeadlines) => known,
            _ => false,
        };
        if !lost {
            tables.deadlines.insert(*id, deadline.clone());
        }
    }
    if defect != Some(Defect::KeepsSupplyVersion) {
        let changed = unit.changed_supply.iter();
        tables
            .supply
            .extend(changed.filter_map(|it| Some((*it, *unit.supply.get(it)?))));
    }
    for entry in &unit.log {
        if let Entry::Run(run) = entry {
            tables.keep_run(run);
        }
    }
    tables.audit.extend(unit.audit.iter().cloned());
    let rows = unit.outgoing.iter().cloned();
    tables
        .outbox
        .extend(rows.map(|outgoing| crate::tables::OutboxRow {
            outgoing,
            sent: false,
        }));
}

/// What a unit locks: found before the locks, by keys that never change.
#[derive(Debug, Default)]
struct Scope {
    registers: BTreeSet<AuthorityCode>,
    referrals: BTreeSet<At<ReferralId>>,
    settings: BTreeSet<At<oss_domain::SettingId>>,
}

impl Scope {
    fn of(wanted: &Wanted, tables: &Tables) -> Self {
        let mut scope = Self::default();
        scope.referrals.extend(wanted.referrals.iter().cloned());
        for key in &wanted.referral_keys {
            scope.referrals.extend(
                tables
                    .referral(*key)
                    .map(|it| (it.authority, it.referral_id.clone())),
            );
        }
        scope
            .settings
            .extend(wanted.settings.iter().chain(&wanted.closing).cloned());
        let by_key = |key| {
            tables
                .settings
                .iter()
                .find(move |(_, head)| head.key == key)
        };
        for key in &wanted.setting_keys {
            scope
                .settings
                .extend(by_key(*key).map(|(at, _)| at.clone()));
        }
        scope
            .registers
            .extend(scope.settings.iter().map(|(authority, _)| *authority));
        let mut add = |authority, referral_id: &ReferralId| {
            scope.registers.insert(authority);
            scope.referrals.insert((authority, referral_id.clone()));
        };
        for hold in wanted
            .holds
            .iter()
            .filter_map(|id| tables.occupancies.get(id))
        {
            add(hold.authority, &hold.referral_id);
            scope
                .settings
                .insert((hold.authority, hold.setting_id.clone()));
        }
        for placement in wanted
            .placements
            .iter()
            .filter_map(|id| tables.placements.get(id))
        {
            add(placement.authority, &placement.referral_id);
            scope
                .settings
                .insert((placement.authority, placement.setting_id.clone()));
        }
        for approval in wanted
            .approvals
            .iter()
            .filter_map(|id| tables.approvals.get(id))
        {
            add(approval.authority, &approval.referral_id);
        }
        for condition in wanted
            .conditions
            .iter()
            .filter_map(|id| tables.conditions.get(id))
        {
            add(condition.authority, &condition.referral_id);
        }
        for deadline in wanted
            .deadlines
            .iter()
            .filter_map(|id| tables.deadlines.get(id))
        {
            add(deadline.authority, &deadline.referral_id);
        }
        for at in &wanted.closing {
            let Some(key) = tables.settings.get(at).map(|head| head.key) else {
                continue;
            };
            let pursued = |id| {
                let mut conditions = tables.conditions.values();
                conditions.any(|it| it.offer_id == id && it.is_open())
            };
            let offers = tables.offers.values().filter(|it| {
                let is_open = it.state.is_live() || it.state == OfferState::Proposed;
                it.setting == key && (is_open || pursued(it.offer_id))
            });
            offers.for_each(|it| add(it.authority, &it.referral_id));
            let taken = tables.live().filter(|it| it.setting == key);
            taken.for_each(|it| add(it.authority, &it.referral_id));
        }
        if wanted.places {
            scope
                .registers
                .extend(scope.referrals.iter().map(|(authority, _)| *authority));
        }
        scope
    }
}

impl Store for MemoryStore {
    type Transaction = Locked;

    async fn open(&self, wanted: &Wanted) -> Result<(Unit, Locked), StoreError> {
        pause().await;
        self.fail()?;
        loop {
            let scope = Scope::of(wanted, &self.tables());
            if let Some(locked) = self.lock(&scope) {
                return Ok((self.load(wanted, &scope), locked));
            }
            pause().await;
        }
    }

    async fn commit(&self, unit: Unit, locked: Locked) -> Result<(), StoreError> {
        pause().await;
        self.fail()?;
        // The inbox's key is unique: of two at once, one clashes.
        let seen = |event| self.tables().seen.contains(event);
        if self.defect != Some(Defect::NoInbox) && unit.handled.iter().any(seen) {
            return Err(StoreError::Clash("the event was handled meanwhile".into()));
        }
        if self.defect != Some(Defect::NoLocks) {
            unit.changes_under(&locked.registers())?;
        }
        if !unit.is_idle() {
            self.apply(unit);
        }
        drop(locked);
        // The reply is on its way: whoever dies here does not know that it is done.
        pause().await;
        Ok(())
    }
}

/// Lets the simulator decide what happens next.
pub(crate) fn pause() -> impl Future<Output = ()> + Send {
    Pause { paused: false }
}

struct Pause {
    paused: bool,
}

impl Future for Pause {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.paused, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// Runs a future that never waits for anything but the simulator.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(done) = poll_once(future.as_mut()) {
            return done;
        }
    }
}

pub(crate) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
