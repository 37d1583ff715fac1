//! What a decision keeps of the child's life: siblings, school, religion and language.
//!
//! Written down when it is made, since who lives where changes afterwards.

use crate::occupancy::{Claim, Occupancy};
use oss_domain::{ChildId, Referral, Setting, Warning};
use oss_matching::{Policy, Ranked};
use std::collections::BTreeSet;

/// What a decision keeps of the child's life; `None` where there is nothing to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Whether all siblings who are looked after live together (Children Act 1989 s 22C(8)(c)).
    pub siblings_together: Option<bool>,
    /// Whether school is as near as it must be in key stage 4 (s 22C(8)(b); A10).
    pub school_near: Option<bool>,
    /// Whether a child is in key stage 4.
    pub key_stage_4: bool,
    /// Whether religion and language are as asked for (s 22(5)(c); W04).
    pub identity_met: Option<bool>,
}

impl Kept {
    /// By the home of `setting` for `referral`, where those of `living` have places besides the
    /// register's residents.
    pub(crate) fn of<'a>(
        referral: &Referral,
        setting: &Setting,
        living: impl Iterator<Item = &'a Occupancy>,
        ranked: &Ranked,
        policy: &Policy,
    ) -> Self {
        let (children, elsewhere) = (&referral.children, &referral.siblings_elsewhere);
        let has_siblings =
            !elsewhere.is_empty() || children.len() > 1 && !referral.matching.parent_and_child;
        let asks = referral.identity.religion.is_some() || !referral.identity.languages.is_empty();
        let limit = policy.thresholds().key_stage_4;
        Self {
            siblings_together: has_siblings
                .then(|| elsewhere.is_subset(&residents(setting, living))),
            school_near: ranked.distances.school.map(|school| school <= limit),
            key_stage_4: children.iter().any(|child| child.key_stage_4),
            identity_met: asks.then(|| !ranked.warnings.contains(Warning::W04)),
        }
    }
}

/// Everybody who lives in a setting, or will by a decision; a hold may go as it came.
fn residents<'a>(
    setting: &Setting,
    living: impl Iterator<Item = &'a Occupancy>,
) -> BTreeSet<ChildId> {
    let listed = setting.occupancy.residents.iter().map(|it| &it.child_id);
    let placed = living.filter(|it| it.claim != Claim::Held);
    let placed = placed.flat_map(|it| &it.occupants).map(|it| &it.child_id);
    listed.chain(placed).cloned().collect()
}
