//! An outcome written out: what is published, stored, explained and checked.

use crate::{
    policy::Values,
    rank::Band,
    sets::{ActSet, ApprovalSet, ReasonSet, WarningSet},
    values::Distances,
};
use oss_domain::{
    AuthorityCode, Exclusion, Level, Need, Pence, ProviderId, Reason, SettingId,
    setting::{Kind, Sourcing},
};
use oss_geography::Precision;
use std::collections::BTreeMap;

/// The full result of evaluating a referral over a register.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// How many settings were evaluated.
    pub evaluated: u32,
    /// The settings that may be offered, the best first.
    pub ranked: Vec<Offer>,
    /// The settings that may not, by id.
    pub excluded: Vec<ExcludedSetting>,
    /// Settings with one reason that might be overcome, by id.
    pub near_misses: Vec<NearMiss>,
    /// How many settings have a reason of each code.
    pub exclusion_counts: BTreeMap<Exclusion, u32>,
}

impl Evaluation {
    /// The settings that one named act would bring in, by id.
    pub fn conditional(&self) -> impl Iterator<Item = &ExcludedSetting> {
        self.excluded
            .iter()
            .filter(|setting| !setting.requires.is_empty())
    }
}

/// A setting that may be offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The setting.
    pub setting_id: SettingId,
    /// Who runs it.
    pub provider_id: ProviderId,
    /// What it is.
    pub kind: Kind,
    /// How the council comes by it.
    pub sourcing: Sourcing,
    /// How well needs are met, in steps.
    pub band: Band,
    /// The score, in hundredths of a point.
    pub score: u32,
    /// In area, or not far from home.
    pub near: bool,
    /// The upper-tier authority that it lies in.
    pub located_in: AuthorityCode,
    /// How precisely it is known where it lies.
    pub precision: Precision,
    /// How far it is from what matters.
    pub distances: Distances,
    /// The all-in cost a week.
    pub weekly_cost: Pence,
    /// What must be approved before the placement starts.
    pub approvals: ApprovalSet,
    /// What to bear in mind.
    pub warnings: WarningSet,
    /// What it falls short of.
    pub gaps: Vec<Gap>,
    /// The eight values, in parts per million; [`Values::fit`] is the fit that makes the band.
    pub values: Values,
}

/// A need that is not met in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gap {
    /// Which.
    pub need: Need,
    /// What is needed.
    pub level: Level,
    /// What the setting can do.
    pub has: Level,
}

/// A setting that may not be offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExcludedSetting {
    /// The setting.
    pub setting_id: SettingId,
    /// Every reason; never empty.
    pub reasons: ReasonSet,
    /// The acts that would each, alone, cure all reasons.
    pub requires: ActSet,
}

/// A setting with one reason that might be overcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The setting.
    pub setting_id: SettingId,
    /// The reason.
    pub reason: Reason,
}
