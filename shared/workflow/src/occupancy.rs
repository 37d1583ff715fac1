//! Places: who has one, who is given one, and when it is free again.
//!
//! A setting's places that its register does not fill are given to referrals, one group a time:
//! first held, then agreed, then lived in until the register lists the child or the placement
//! ends. All three count as residents for everybody else's referral (matching.md, "residents").

use crate::{
    event::Event,
    key::{ReferralKey, SettingKey},
    refusal::Refusal,
    unit::{Context, Unit},
};
use chrono::{DateTime, Utc};
use oss_domain::{
    AuthorityCode, ChildId, HoldId, OfferId, PlacementId, ReferralId, Setting, SettingId, Sex,
    codes, referral::MatchingConditions,
};
use oss_matching::Held;
use std::collections::BTreeSet;

codes! {
    /// How firmly a place is taken.
    pub enum Claim {
        /// Kept for a while.
        Held = "held",
        /// A person has decided; the placement has not started.
        Agreed = "agreed",
        /// The child lives there; the register does not list the child yet.
        Started = "started",
    }
}

/// A child as a place knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupant {
    /// The pseudonym.
    pub child_id: ChildId,
    /// The sex.
    pub sex: Sex,
    /// The age on the referral's start date.
    pub age: u8,
}

/// Places of one setting, taken by one referral's group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// Its id: a hold's, and the same when the hold becomes a placement.
    pub hold_id: HoldId,
    /// The authority.
    pub authority: AuthorityCode,
    /// Which referral.
    pub referral: ReferralKey,
    /// The referral's id.
    pub referral_id: ReferralId,
    /// Which setting.
    pub setting: SettingKey,
    /// The setting's id.
    pub setting_id: SettingId,
    /// The offer it is for.
    pub offer_id: OfferId,
    /// How firmly.
    pub claim: Claim,
    /// The placement, once agreed.
    pub placement_id: Option<PlacementId>,
    /// The numbers of the places taken, from 1.
    pub places: Vec<u16>,
    /// The children.
    pub occupants: Vec<Occupant>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When a hold releases itself.
    pub until: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
}

impl Occupancy {
    /// Whether it takes a place now.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.ended.is_none()
    }

    /// Its children, as the matching core counts them.
    pub fn held(&self) -> impl Iterator<Item = Held> + '_ {
        self.occupants.iter().map(|occupant| Held {
            referral_id: self.referral_id.clone(),
            child_id: occupant.child_id.clone(),
            sex: occupant.sex,
            age: occupant.age,
        })
    }

    /// Whether `setting`'s register lists every child who lives here, so that counting them here
    /// would count them twice.
    #[must_use]
    pub fn is_listed_by(&self, setting: &Setting) -> bool {
        let residents: BTreeSet<&ChildId> = setting
            .occupancy
            .residents
            .iter()
            .map(|resident| &resident.child_id)
            .collect();
        self.occupants
            .iter()
            .all(|occupant| residents.contains(&occupant.child_id))
    }
}

/// How many places a group takes: a parent and child one, any other one each.
#[must_use]
pub fn places_taken(conditions: &MatchingConditions, n_children: usize) -> usize {
    if conditions.parent_and_child {
        1
    } else {
        n_children
    }
}

/// The lowest `n` place numbers of `setting` that no live occupancy has, or `None` where they are
/// too few.
///
/// Places that the register fills or blocks have no number: only their count matters.
#[must_use]
pub fn free_places<'a>(
    setting: &Setting,
    live: impl IntoIterator<Item = &'a Occupancy>,
    n: usize,
) -> Option<Vec<u16>> {
    let listed: BTreeSet<&ChildId> = setting
        .occupancy
        .residents
        .iter()
        .map(|resident| &resident.child_id)
        .collect();
    let live: Vec<_> = live.into_iter().filter(|it| it.is_live()).collect();
    // A child that the register lists as well is counted once, there; its place keeps its number.
    let is_listed = |it: &&&Occupancy| {
        it.occupants
            .iter()
            .all(|one| listed.contains(&one.child_id))
    };
    let counted: usize = live
        .iter()
        .filter(|it| !is_listed(it))
        .map(|it| it.places.len())
        .sum();
    let taken: BTreeSet<u16> = live
        .iter()
        .flat_map(|it| it.places.iter().copied())
        .collect();
    let gone = setting.occupancy.residents.len() + usize::from(setting.occupancy.blocked_places);
    let usable = usize::from(setting.approval.places).saturating_sub(gone);
    if counted + n > usable {
        return None;
    }
    let numbers: Vec<u16> = (1..=setting.approval.places)
        .filter(|number| !taken.contains(number))
        .take(n)
        .collect();
    (numbers.len() == n).then_some(numbers)
}

/// Frees the places of `hold_id`, for everyone whose referral it matters to.
///
/// `why` is a stable code, such as `expired`.
///
/// # Errors
///
/// [`Refusal::NotFound`] where the hold does not exist, [`Refusal::Conflict`] where it has become a
/// placement. A hold that has ended already is left as it is: the answer is `false`.
pub(crate) fn release(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    hold_id: HoldId,
    why: &'static str,
    reason: Option<String>,
) -> Result<bool, Refusal> {
    let hold = unit
        .occupancies
        .get(&hold_id)
        .ok_or_else(|| Refusal::NotFound {
            what: format!("hold {hold_id}"),
        })?;
    if !hold.is_live() {
        return Ok(false);
    }
    if hold.claim != Claim::Held {
        return Err(Refusal::Conflict {
            code: "already_agreed",
            why: "the place has become a placement; end the placement instead".to_owned(),
        });
    }
    end(unit, context, hold_id);
    let Some(hold) = unit.occupancies.get(&hold_id).cloned() else {
        return Ok(false);
    };
    unit.record(
        context,
        hold.authority,
        Some(hold.referral),
        "place.released",
        hold_id,
        reason,
    );
    unit.announce(
        context,
        Event::PlaceReleased {
            authority: hold.authority,
            hold_id,
            offer_id: hold.offer_id,
            referral_id: hold.referral_id,
            setting_id: hold.setting_id,
            reason: why,
        },
    );
    Ok(true)
}

/// Leaves the counting of started placements to the register, once it lists their children.
///
/// From then on a later entry without the child means that the child has left.
pub(crate) fn hand_over(
    unit: &mut Unit,
    context: &Context<'_, '_>,
    at: &(AuthorityCode, SettingId),
) {
    let Some(head) = unit.settings.get(at) else {
        return;
    };
    let Some(setting) = &head.setting else { return };
    let listed = unit.occupancies.values().filter(|it| {
        it.setting == head.key
            && it.is_live()
            && it.claim == Claim::Started
            && it.is_listed_by(setting)
    });
    for hold_id in listed.map(|it| it.hold_id).collect::<Vec<_>>() {
        end(unit, context, hold_id);
        unit.record(context, at.0, None, "place.listed", hold_id, None);
    }
}

/// Adds or changes an occupancy; the supply changes with it.
pub(crate) fn put(unit: &mut Unit, occupancy: Occupancy) {
    unit.next_supply_version(occupancy.authority);
    unit.changed_occupancies.insert(occupancy.hold_id);
    unit.occupancies.insert(occupancy.hold_id, occupancy);
}

/// Ends an occupancy.
pub(crate) fn end(unit: &mut Unit, context: &Context<'_, '_>, hold_id: HoldId) {
    if let Some(occupancy) = unit.occupancies.get(&hold_id).cloned() {
        put(
            unit,
            Occupancy {
                ended: Some(context.now),
                until: None,
                ..occupancy
            },
        );
    }
}
