//! What ranking reads of a setting, in two cache lines.

use super::{Held, Vocabulary};
use crate::{levels::PackedLevels, sets::ReasonSet};
use chrono::{DateTime, NaiveDate, Utc};
use oss_domain::{
    AuthorityCode, ChildId, Setting, Sex, SexSet,
    setting::{ApprovalStatus, Kind, ParentAndChild, Quality, Sourcing},
    ssda903::Ethnicity,
};
use oss_geography::{GridPoint, Location, Precision};

/// Yes-or-no facts of a setting, one bit each.
pub(crate) mod flag {
    pub(crate) const REGISTERED: u16 = 1;
    pub(crate) const APPROVED: u16 = 1 << 1;
    pub(crate) const BOYS: u16 = 1 << 2;
    pub(crate) const GIRLS: u16 = 1 << 3;
    pub(crate) const WHEELCHAIR: u16 = 1 << 4;
    pub(crate) const NO_MALES: u16 = 1 << 5;
    pub(crate) const PARENTS_TOO: u16 = 1 << 6;
    pub(crate) const PARENTS_ONLY: u16 = 1 << 7;
    pub(crate) const SECTOR: u16 = 1 << 8;
    pub(crate) const AUTHORITY_UNCERTAIN: u16 = 1 << 9;
    /// Some restriction ends on a day: whether it holds is looked up in the setting.
    pub(crate) const DATED_RESTRICTION: u16 = 1 << 10;
    /// Places are held: those of the referral at hand do not count, so they are looked up.
    pub(crate) const HELD: u16 = 1 << 11;
}

/// Who lives in a setting, counting those for whom places are held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occupants {
    /// A bit for some children's ids: two sets without a common bit have no common child.
    pub(crate) signature: u64,
    /// How many live there.
    pub(crate) n: u32,
    /// Places free; below zero where more live there than are allowed.
    pub(crate) free: i32,
    /// Places that would be free but for the holds.
    pub(crate) free_but_for_holds: i32,
    /// Bedrooms free, where known.
    pub(crate) bedrooms: Option<u16>,
    /// The youngest one's age, or `u8::MAX` where nobody lives there.
    pub(crate) youngest: u8,
    /// Whether a boy lives there.
    pub(crate) male: bool,
    /// Whether a girl lives there.
    pub(crate) female: bool,
}

impl Occupants {
    /// The occupants of `setting` with the children for whom `held` keeps places, once each.
    pub(crate) fn count<'h>(
        setting: &Setting,
        held: &(impl Iterator<Item = &'h Held> + Clone),
    ) -> Self {
        let listed = &setting.occupancy.residents;
        let places = i32::from(setting.approval.places)
            - i32::from(setting.occupancy.blocked_places)
            - clamp(listed.len());
        let mut occupants = Self {
            signature: 0,
            n: 0,
            free: places,
            free_but_for_holds: places,
            bedrooms: setting.occupancy.bedrooms_free,
            youngest: u8::MAX,
            male: false,
            female: false,
        };
        for resident in listed {
            occupants.add(&resident.child_id, resident.sex, resident.age);
        }
        for (idx, held_child) in held.clone().enumerate() {
            let child_id = &held_child.child_id;
            let counted = listed.iter().any(|resident| resident.child_id == *child_id)
                || held
                    .clone()
                    .take(idx)
                    .any(|earlier| earlier.child_id == *child_id);
            if !counted {
                occupants.add(child_id, held_child.sex, held_child.age);
                occupants.free -= 1;
                if held_child.age >= 3 {
                    occupants.bedrooms = occupants.bedrooms.map(|free| free.saturating_sub(1));
                }
            }
        }
        occupants
    }

    fn add(&mut self, child_id: &ChildId, sex: Sex, age: u8) {
        self.signature |= signature(child_id);
        self.n += 1;
        self.youngest = self.youngest.min(age);
        self.male |= sex == Sex::Male;
        self.female |= sex == Sex::Female;
    }
}

/// What ranking reads of a setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) capabilities: PackedLevels,
    pub(crate) criteria: PackedLevels,
    /// The signature of the children that a connected person is connected to.
    pub(crate) connected: u64,
    pub(crate) religions: u64,
    pub(crate) languages: u64,
    pub(crate) occupants: Occupants,
    pub(crate) point: GridPoint,
    pub(crate) ethnicities: u32,
    pub(crate) weekly_pence: u32,
    pub(crate) confirmed_at: Option<DateTime<Utc>>,
    pub(crate) review_due: Option<NaiveDate>,
    pub(crate) flags: u16,
    /// The place of its authority in the supply's list.
    pub(crate) authority: u16,
    /// Restrictions without an end: [`ReasonSet`] bits, shifted down to the first of H08.
    pub(crate) restrictions: u8,
    pub(crate) min_age: u8,
    pub(crate) max_age: u8,
    pub(crate) kind: Kind,
    pub(crate) sourcing: Sourcing,
    pub(crate) quality: Quality,
}

/// Where the bits of H08 begin.
const H08_SHIFT: u32 = ReasonSet::all_of(oss_domain::Exclusion::H08)
    .bits()
    .trailing_zeros();

/// The reasons that [`Row::restrictions`] stands for.
pub(crate) const fn restrictions(bits: u8) -> u64 {
    (bits as u64) << H08_SHIFT
}

/// The lists that a row refers into.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    pub(crate) religions: Vocabulary,
    pub(crate) languages: Vocabulary,
    pub(crate) authorities: Vec<AuthorityCode>,
}

impl Lists {
    fn authority(&mut self, code: AuthorityCode) -> u16 {
        let known = self.authorities.iter().position(|known| *known == code);
        let idx = known.unwrap_or_else(|| {
            self.authorities.push(code);
            self.authorities.len() - 1
        });
        // There are some two hundred upper-tier authorities in Great Britain.
        u16::try_from(idx).unwrap_or(u16::MAX)
    }
}

impl Row {
    /// Packs a setting.
    pub(crate) fn pack(
        setting: &Setting,
        location: &Location,
        held: &[Held],
        lists: &mut Lists,
    ) -> Self {
        let endless = |set: ReasonSet, restriction: &oss_domain::setting::Restriction| {
            if restriction.until.is_none() {
                set.union(ReasonSet::of_restriction(restriction.reason))
            } else {
                set
            }
        };
        let restrictions = setting
            .occupancy
            .restrictions
            .iter()
            .fold(ReasonSet::EMPTY, endless);
        Self {
            capabilities: (&setting.capabilities).into(),
            criteria: (&setting.admission_criteria).into(),
            connected: setting
                .connected_to_children
                .iter()
                .fold(0, |all, id| all | signature(id)),
            religions: lists.religions.learn(&setting.identity.religions),
            languages: lists.languages.learn(&setting.identity.languages),
            occupants: Occupants::count(setting, &held.iter()),
            point: location.point,
            ethnicities: ethnicity_bits(setting.identity.ethnicities.iter()),
            weekly_pence: setting.weekly_cost.get(),
            confirmed_at: setting.capacity_confirmed_at,
            review_due: setting.approval.review_due,
            flags: flags(setting, location, held),
            authority: lists.authority(location.authority),
            restrictions: u8::try_from(restrictions.bits() >> H08_SHIFT).unwrap_or(u8::MAX),
            min_age: setting.approval.min_age,
            max_age: setting.approval.max_age,
            kind: setting.kind,
            sourcing: setting.sourcing,
            quality: setting.registration.quality,
        }
    }

    /// Whether `flag` is set.
    pub(crate) const fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// Whether it is a family's household.
    pub(crate) const fn is_family(&self) -> bool {
        self.kind.is_family()
    }
}

fn flags(setting: &Setting, location: &Location, held: &[Held]) -> u16 {
    let approval = &setting.approval;
    let dated = |restriction: &oss_domain::setting::Restriction| restriction.until.is_some();
    [
        (flag::REGISTERED, setting.registration.registered),
        (flag::APPROVED, approval.status == ApprovalStatus::Approved),
        (flag::BOYS, approval.sexes != SexSet::Female),
        (flag::GIRLS, approval.sexes != SexSet::Male),
        (flag::WHEELCHAIR, setting.wheelchair_accessible),
        (flag::NO_MALES, setting.no_male_household),
        (
            flag::PARENTS_TOO,
            approval.parent_and_child != ParentAndChild::No,
        ),
        (
            flag::PARENTS_ONLY,
            approval.parent_and_child == ParentAndChild::Only,
        ),
        (flag::SECTOR, location.precision == Precision::Sector),
        (flag::AUTHORITY_UNCERTAIN, !location.authority_certain),
        (
            flag::DATED_RESTRICTION,
            setting.occupancy.restrictions.iter().any(dated),
        ),
        (flag::HELD, !held.is_empty()),
    ]
    .into_iter()
    .filter(|(_, holds)| *holds)
    .fold(0, |flags, (flag, _)| flags | flag)
}

/// One of 64 bits for a child's id, always the same (FNV-1a, folded).
pub(crate) fn signature(child_id: &ChildId) -> u64 {
    let hash = child_id
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    1 << (hash >> 58)
}

/// A bit for each ethnicity, in the codes' order.
pub(crate) fn ethnicity_bits<'a>(ethnicities: impl Iterator<Item = &'a Ethnicity>) -> u32 {
    ethnicities.fold(0, |bits, ethnicity| bits | 1 << *ethnicity as u32)
}

fn clamp(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cache_lines_hold_a_row() {
        assert!(size_of::<Row>() <= 128, "{} bytes", size_of::<Row>());
    }
}
