//! What steps read besides the unit, and whether a setting may take a child now.

use crate::{
    call_off::CallOff,
    key::OfferSeal,
    occupancy::{Occupancy, free_places, places_taken},
    refusal::Refusal,
    unit::{ReferralHead, SettingHead, Unit},
};
use chrono::{DateTime, Utc};
use oss_domain::{Exclusion, Postcode, Reason, Referral, Setting};
use oss_geography::Location;
use oss_matching::{
    ActSet, Held, Policy, Query, Ranked, ReasonSet, Supply, Verdict, evaluate, explain,
};
use std::sync::Arc;

/// What steps read besides the unit.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// Rules' numbers, hold hours, clocks and approvers.
    pub policy: &'a Policy,
    /// How providers are approached.
    pub call_off: &'a CallOff,
    /// Where postcodes are.
    pub locate: &'a (dyn Fn(&Postcode) -> Option<Location> + Sync),
    /// Makes offer ids.
    pub seal: &'a OfferSeal,
}

impl std::fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("policy", self.policy)
            .finish_non_exhaustive()
    }
}

/// Judges settings for one referral, by what a unit has locked.
pub(crate) struct Judge<'a> {
    world: &'a World<'a>,
    query: Query,
    referral: Arc<Referral>,
}

/// A setting that may take the child now.
pub(crate) struct Lawful {
    /// As ranking sees it.
    pub(crate) ranked: Ranked,
    /// The places it would take.
    pub(crate) places: Vec<u16>,
}

/// What keeps an agreed placement from starting: faults of the setting or the law, not of room,
/// which the placement has.
const BARS_START: [Exclusion; 7] = [
    Exclusion::H01,
    Exclusion::H02,
    Exclusion::H08,
    Exclusion::H11,
    Exclusion::H12,
    Exclusion::H15,
    Exclusion::H16,
];

/// What a setting lacks for want of room: as good as taken by others.
const ROOM: [Exclusion; 3] = [Exclusion::H05, Exclusion::H06, Exclusion::H07];

impl<'a> Judge<'a> {
    pub(crate) fn new(world: &'a World<'a>, head: &ReferralHead) -> Result<Self, Refusal> {
        let referral = head.referral.clone().ok_or_else(|| Refusal::NotFound {
            what: format!("referral {}", head.referral_id),
        })?;
        let query =
            Query::compile_with(&referral, world.locate, world.policy).map_err(Refusal::Invalid)?;
        Ok(Self {
            world,
            query,
            referral,
        })
    }

    /// The referral.
    pub(crate) const fn referral(&self) -> &Arc<Referral> {
        &self.referral
    }

    /// Whether the setting may take the child, and has the places.
    ///
    /// # Errors
    /// `place_gone` where only room is missing, or others' places are all that is against it; else `not_lawful_any_more`, with every reason.
    pub(crate) fn judge(
        &self,
        unit: &Unit,
        head: &SettingHead,
        now: DateTime<Utc>,
    ) -> Result<Lawful, Refusal> {
        let setting = in_supply(head)?;
        match self.verdict(unit, head, setting, now) {
            Some(Verdict::Ranked(ranked)) => {
                let n = places_taken(&self.referral.matching, self.referral.children.len());
                let others =
                    live_on(unit, head).filter(|it| it.referral_id != self.referral.referral_id);
                let places = free_places(setting, others, n)
                    .ok_or_else(|| place_gone(ReasonSet::of(Exclusion::H05, None)))?;
                Ok(Lawful { ranked, places })
            }
            Some(Verdict::Excluded { reasons, .. }) => {
                let only_room = || reasons.codes().all(|code| ROOM.contains(&code));
                let but_for_others = || self.evaluate(setting, Vec::new(), now);
                let gone = only_room() || matches!(but_for_others(), Some(Verdict::Ranked(_)));
                Err(if gone {
                    place_gone(reasons)
                } else {
                    not_lawful(words(reasons))
                })
            }
            None => Err(not_for_these()),
        }
    }

    /// Whether a placement that was agreed may start in the setting.
    pub(crate) fn may_start(
        &self,
        unit: &Unit,
        head: &SettingHead,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let setting = in_supply(head)?;
        match self.verdict(unit, head, setting, now) {
            Some(Verdict::Excluded { reasons, .. })
                if reasons.codes().any(|code| BARS_START.contains(&code)) =>
            {
                Err(not_lawful(words(reasons)))
            }
            Some(_) => Ok(()),
            None => Err(not_for_these()),
        }
    }

    /// The acts that would each, alone, bring the setting in: none where it is in, or beyond that.
    pub(crate) fn requires(&self, unit: &Unit, head: &SettingHead, now: DateTime<Utc>) -> ActSet {
        let setting = head.setting.as_ref().filter(|_| head.open);
        match setting.and_then(|setting| self.verdict(unit, head, setting, now)) {
            Some(Verdict::Excluded { requires, .. }) => requires,
            Some(Verdict::Ranked(_)) | None => ActSet::default(),
        }
    }

    fn verdict(
        &self,
        unit: &Unit,
        head: &SettingHead,
        setting: &Arc<Setting>,
        now: DateTime<Utc>,
    ) -> Option<Verdict> {
        let held = live_on(unit, head).flat_map(Occupancy::held);
        self.evaluate(setting, held.collect(), now)
    }

    fn evaluate(
        &self,
        setting: &Arc<Setting>,
        held: Vec<Held>,
        now: DateTime<Utc>,
    ) -> Option<Verdict> {
        let location = (self.world.locate)(&setting.postcode)?;
        let mut supply = Supply::new(setting.authority);
        supply.upsert(setting.clone(), location).ok()?;
        let setting_id = &setting.setting_id;
        supply.set_holds(setting_id, held);
        evaluate(&self.query, &supply, setting_id, self.world.policy, now)
    }
}

fn in_supply(head: &SettingHead) -> Result<&Arc<Setting>, Refusal> {
    let closed = || not_lawful("the setting has closed".to_owned());
    head.setting
        .as_ref()
        .filter(|_| head.open)
        .ok_or_else(closed)
}

/// The live occupancies of a setting.
pub(crate) fn live_on<'u>(
    unit: &'u Unit,
    head: &SettingHead,
) -> impl Iterator<Item = &'u Occupancy> {
    let key = head.key;
    unit.occupancies
        .values()
        .filter(move |it| it.setting == key && it.is_live())
}

fn words(reasons: ReasonSet) -> String {
    let words = |reason: Reason| format!("{}: {}", reason.code, explain::reason(reason));
    let words: Vec<_> = reasons.iter().map(words).collect();
    words.join("; ")
}

fn place_gone(reasons: ReasonSet) -> Refusal {
    Refusal::Conflict {
        code: "place_gone",
        why: words(reasons),
    }
}

fn not_for_these() -> Refusal {
    not_lawful("the setting is not for these children".to_owned())
}

fn not_lawful(why: String) -> Refusal {
    Refusal::Conflict {
        code: "not_lawful_any_more",
        why,
    }
}
