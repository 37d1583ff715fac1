//! What is committed.

use oss_domain::{
    Act, ApprovalId, AuthorityCode, ConditionId, DeadlineId, HoldId, OfferId, PlacementId,
    ReferralId, RunId, SettingId,
};
use oss_matching::Supply;
use oss_workflow::{
    EventKey, ReferralHead, ReferralKey, SettingHead, SettingKey, SupplyVersion,
    approvals::ApprovalTask, call_off::Ranking, conditions::Condition, deadline::Deadline,
    event::Outgoing, occupancy::Occupancy, offer::OfferHead, placement::Placement, ranking::Run,
    unit::AuditLine,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What names a referral or a setting among all councils'.
pub(crate) type At<T> = (AuthorityCode, T);

/// An event that waits to be published, or was.
#[derive(Clone, Debug)]
pub struct OutboxRow {
    /// The event.
    pub outgoing: Outgoing,
    /// Whether the relay has marked it as sent.
    pub sent: bool,
}

/// All rows of all tables.
#[derive(Debug, Default)]
pub struct Tables {
    /// The inbox.
    pub seen: BTreeSet<EventKey>,
    /// Referrals.
    pub referrals: BTreeMap<At<ReferralId>, ReferralHead>,
    /// Settings.
    pub settings: BTreeMap<At<SettingId>, SettingHead>,
    /// Each setting as it was when first heard of.
    pub(crate) first_settings: BTreeMap<At<SettingId>, SettingHead>,
    /// Occupancies, also ended ones.
    pub occupancies: BTreeMap<HoldId, Occupancy>,
    /// Offers that were acted on.
    pub offers: BTreeMap<OfferId, OfferHead>,
    /// Placements.
    pub placements: BTreeMap<PlacementId, Placement>,
    /// Approvals.
    pub approvals: BTreeMap<ApprovalId, ApprovalTask>,
    /// Conditions.
    pub conditions: BTreeMap<ConditionId, Condition>,
    /// Deadlines, also settled ones.
    pub deadlines: BTreeMap<DeadlineId, Deadline>,
    /// Runs: the order each made, and whose it is.
    pub runs: BTreeMap<RunId, (ReferralKey, Arc<Ranking>)>,
    /// The settings that each run found one act would bring in, and the act.
    pub(crate) conditional: BTreeMap<RunId, Vec<(SettingId, Act)>>,
    /// The version of each register.
    pub supply: BTreeMap<AuthorityCode, SupplyVersion>,
    /// The audit.
    pub audit: Vec<AuditLine>,
    /// The outbox.
    pub outbox: Vec<OutboxRow>,
    /// The last key that was given away.
    pub(crate) last_key: i64,
}

impl Tables {
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

    /// The order that a referral's current run made.
    #[must_use]
    pub fn ranking(&self, head: &ReferralHead) -> Option<Arc<Ranking>> {
        let (_, ranking) = self.runs.get(&head.run?.run_id)?;
        Some(ranking.clone())
    }

    /// The occupancies that take a place.
    pub fn live(&self) -> impl Iterator<Item = &Occupancy> {
        self.occupancies.values().filter(|it| it.is_live())
    }

    /// The version of a register.
    #[must_use]
    pub fn supply_version(&self, authority: AuthorityCode) -> SupplyVersion {
        self.supply.get(&authority).copied().unwrap_or_default()
    }

    /// The register with the places held in it, as ranking reads it.
    #[must_use]
    pub fn supply(&self, authority: AuthorityCode) -> Supply {
        let mut supply = Supply::new(authority);
        for ((of, setting_id), head) in &self.settings {
            let Some(setting) = head
                .setting
                .as_ref()
                .filter(|_| head.open && *of == authority)
            else {
                continue;
            };
            let Some(location) = crate::scene::locate(&setting.postcode) else {
                continue;
            };
            // Of this register by its key.
            let _same_register = supply.upsert(setting.clone(), location);
            let held = self.live().filter(|it| it.setting == head.key);
            supply.set_holds(setting_id, held.flat_map(Occupancy::held).collect());
        }
        supply
    }

    pub(crate) fn next_key(&mut self) -> i64 {
        self.last_key += 1;
        self.last_key
    }

    /// The settings that one act would bring in, as a referral's current run has them.
    pub(crate) fn conditional(&self, head: &ReferralHead) -> &[(SettingId, Act)] {
        let run = head.run.and_then(|run| self.conditional.get(&run.run_id));
        run.map_or(&[], Vec::as_slice)
    }

    pub(crate) fn keep_run(&mut self, run: &Run) {
        let conditional = run.outcome.conditional();
        let conditional =
            conditional.flat_map(|(id, _, acts)| acts.iter().map(move |act| (id.clone(), act)));
        self.conditional
            .insert(run.facts.run_id, conditional.collect());
        let order = run
            .outcome
            .ranked()
            .filter_map(|it| run.outcome.setting_id(it).cloned());
        let ranking = Ranking {
            run_id: run.facts.run_id,
            order: order.collect(),
        };
        self.runs
            .insert(run.facts.run_id, (run.key, ranking.into()));
    }
}
