//! A placement: agreed by a person, started, ended.

use crate::{
    approvals::{self, ApprovalTask},
    call_off, clocks, conditions,
    deadline::{self, Due},
    event::{Event, PlacementStage},
    hold,
    kept::Kept,
    key::ReferralKey,
    occupancy::{Claim, Occupancy, end as end_occupancy, put as put_occupancy},
    offer::{self, OfferState, Pair},
    refusal::Refusal,
    unit::{Context, Unit},
    world::{Judge, World},
};
use chrono::{DateTime, NaiveDate, Utc};
use oss_domain::{
    Approval, AuthorityCode, FieldError, HoldId, OfferId, Pence, PlacementId, ProviderId, Referral,
    ReferralId, RunId, SettingId, TenthsOfMile, codes,
    lifecycle::ReferralState,
    setting::{Kind, Sourcing},
    ssda903::{PlaceLocation, PlaceProvider, PlaceType, ReasonPlaceChange},
};
use oss_matching::Ranked;
use std::sync::Arc;

codes! {
    /// How far a placement has come.
    pub enum PlacementState {
        /// A person has decided.
        Agreed = "agreed",
        /// The child lives there.
        Started = "started",
        /// The child has left.
        Ended = "ended",
        /// It never started.
        Cancelled = "cancelled",
    }
}

/// What the SSDA903 return will ask of a placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReturnCodes {
    /// `PLACE`.
    pub place: PlaceType,
    /// `PLACE_PROVIDER`; `None` where the register does not tell private from voluntary.
    pub provider: Option<PlaceProvider>,
    /// `PL_LOCATION`.
    pub location: PlaceLocation,
    /// `PL_DISTANCE`; `None` without a home, and for an unaccompanied asylum-seeking child.
    pub distance: Option<TenthsOfMile>,
}

impl ReturnCodes {
    /// The codes of `referral`'s placement in the setting that was `ranked` for it.
    pub(crate) fn of(referral: &Referral, ranked: &Ranked) -> Self {
        let own = is_own(ranked.sourcing);
        let has_distance =
            referral.locations.home.is_some() && referral.children.iter().all(|child| !child.uasc);
        let inside = ranked.located_in == referral.authority;
        Self {
            place: match ranked.kind {
                Kind::ConnectedPerson => PlaceType::U3,
                Kind::FosteringHousehold => PlaceType::U6,
                Kind::ChildrensHome => PlaceType::K2,
                Kind::SupportedAccommodation => PlaceType::K3,
                Kind::ResidentialFamilyCentre => PlaceType::R3,
                Kind::SecureChildrensHome => PlaceType::K1,
            },
            provider: own.then_some(PlaceProvider::Pr1),
            location: if inside {
                PlaceLocation::In
            } else {
                PlaceLocation::Out
            },
            distance: has_distance.then_some(ranked.distances.home),
        }
    }
}

/// How a placement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The last day.
    pub ended_on: NaiveDate,
    /// Why, as the SSDA903 return codes it.
    pub reason: ReasonPlaceChange,
    /// Whether it was planned.
    pub planned: bool,
}

/// A placement, with the facts of its individual placement agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Its id.
    pub placement_id: PlacementId,
    /// The authority.
    pub authority: AuthorityCode,
    /// The referral.
    pub referral: ReferralKey,
    /// The referral's id.
    pub referral_id: ReferralId,
    /// The offer that was selected; it names the setting.
    pub offer_id: OfferId,
    /// The setting's id.
    pub setting_id: SettingId,
    /// Who runs it.
    pub provider_id: ProviderId,
    /// The places it takes.
    pub hold_id: HoldId,
    /// The state.
    pub state: PlacementState,
    /// The person who decided.
    pub decided_by: Arc<str>,
    /// When.
    pub decided_at: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// Why not the first of the list.
    pub reason_not_first: Option<String>,
    /// The run that the person saw.
    pub run_id: RunId,
    /// The agreed cost a week: the provider's price, or what the register says.
    pub weekly_cost: Pence,
    /// When it starts or started.
    pub starts_on: NaiveDate,
    /// For the statutory return.
    pub codes: ReturnCodes,
    /// For figures.
    pub kept: Kept,
    /// Until when a connected person's temporary approval lasts (reg 24).
    pub temporary_until: Option<NaiveDate>,
    /// Whether that was extended, which is once at most (reg 25).
    pub temporary_extended: bool,
    /// How it ended.
    pub ending: Option<Ending>,
}

/// Whether the council may decide without a provider's word: the place is its own.
pub(crate) const fn is_own(sourcing: Sourcing) -> bool {
    matches!(sourcing, Sourcing::InHouse | Sourcing::Connected)
}

/// The child moves in. Returns whether anything changed.
///
/// # Errors
/// `approval_missing`; `not_lawful_any_more` where the setting has closed or is barred since;
/// `not_agreed` where the placement has ended or was cancelled.
pub fn start(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    placement_id: PlacementId,
    started_on: Option<NaiveDate>,
) -> Result<bool, Refusal> {
    call_off::person(context)?;
    let placement = find(unit, placement_id)?;
    match placement.state {
        PlacementState::Started => return Ok(false),
        PlacementState::Agreed => {}
        PlacementState::Ended | PlacementState::Cancelled => {
            return Err(Refusal::Conflict {
                code: "not_agreed",
                why: format!("the placement is {}", placement.state),
            });
        }
    }
    let of_it = || {
        unit.approvals
            .values()
            .filter(|it| it.placement_id == placement_id)
    };
    let missing: Vec<_> = of_it()
        .filter(|it| it.holds_up_the_start())
        .map(|it| it.code.as_str())
        .collect();
    if !missing.is_empty() {
        return Err(Refusal::Conflict {
            code: "approval_missing",
            why: format!("not recorded yet: {}", missing.join(", ")),
        });
    }
    conditions::must_be_settled(unit, placement.offer_id)?;
    let codes: Vec<Approval> = of_it().map(|it| it.code).collect();
    let pair = Pair::open(unit, world, placement.offer_id)?;
    let judge = Judge::new(world, &pair.referral)?;
    judge.may_start(unit, &pair.setting, context.now)?;
    let hold_id = placement.hold_id;
    let group = hold::occupants_of(judge.referral());
    let Some(occupancy) = unit
        .occupancies
        .get(&hold_id)
        .filter(|it| it.is_live())
        .cloned()
    else {
        return Err(Refusal::Conflict {
            code: "place_gone",
            why: "the placement has no place".to_owned(),
        });
    };
    if occupancy.occupants != group {
        return Err(Refusal::Conflict {
            code: "referral_changed",
            why: "it was agreed for other children than the referral has now".to_owned(),
        });
    }

    let starts_on = started_on.unwrap_or(placement.starts_on);
    let mut placement = Placement {
        state: PlacementState::Started,
        starts_on,
        ..placement
    };
    put_occupancy(
        unit,
        Occupancy {
            claim: Claim::Started,
            ..occupancy
        },
    );
    let referral = placement.referral;
    conditions::let_go(unit, context, |it| it.referral == referral, "placed");
    clocks::start(unit, context, world, &pair, &mut placement, &codes);
    put(unit, placement.clone());
    unit.set_state(placement.referral, ReferralState::Placed);
    let (authority, referral) = (placement.authority, Some(placement.referral));
    unit.record(
        context,
        authority,
        referral,
        "placement.started",
        placement_id,
        None,
    );
    announce(unit, context, &placement, PlacementStage::Started);
    let event = Event::ReferralClosed {
        authority,
        referral_id: placement.referral_id.clone(),
        placement_id: Some(placement_id),
    };
    unit.announce(context, event);
    Ok(true)
}

/// The child has left, or never came: the place is free. Returns whether anything changed.
///
/// # Errors
/// [`Refusal::NotFound`]; an end before the start.
pub fn end(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    placement_id: PlacementId,
    ending: Ending,
) -> Result<bool, Refusal> {
    let placement = find(unit, placement_id)?;
    match placement.state {
        PlacementState::Ended | PlacementState::Cancelled => return Ok(false),
        PlacementState::Agreed => {
            cancel(unit, context, placement.referral, "never_started");
            return Ok(true);
        }
        PlacementState::Started => {}
    }
    if ending.ended_on < placement.starts_on {
        let error = FieldError::new("/ended_on", "before_start", "must not be before the start");
        return Err(Refusal::Invalid(vec![error]));
    }
    free(unit, context, &placement, "placement_ended");
    let (authority, referral) = (placement.authority, placement.referral);
    deadline::settle_of(unit, context, referral, |due| is_about(due, placement_id));
    let placement = Placement {
        state: PlacementState::Ended,
        ending: Some(ending),
        ..placement
    };
    announce(unit, context, &placement, PlacementStage::Closed);
    put(unit, placement);
    let reason = Some(ending.reason.as_str().to_owned());
    unit.record(
        context,
        authority,
        Some(referral),
        "placement.ended",
        placement_id,
        reason,
    );
    Ok(true)
}

/// Whether a deadline ends when a decision is taken or called off: a condition of another home is
/// seen to all the while.
pub(crate) const fn ends_with_decision(due: Due) -> bool {
    !matches!(due, Due::ConditionDue(_))
}

fn is_about(due: Due, placement_id: PlacementId) -> bool {
    due.thing() == Some(placement_id.as_bytes())
}

/// Calls an agreed placement of the referral off: frees the place, and a home is looked for again.
///
/// `why` is a stable code, such as `approval_refused`.
pub(crate) fn cancel(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    referral: ReferralKey,
    why: &'static str,
) {
    let agreed = unit.placements.values();
    let agreed = agreed.filter(|it| it.referral == referral && it.state == PlacementState::Agreed);
    let Some(placement) = agreed.max_by_key(|it| it.decided_at).cloned() else {
        return;
    };
    free(unit, context, &placement, why);
    offer::close(
        unit,
        context,
        placement.offer_id,
        OfferState::NotSelected,
        why,
    );
    let id = placement.placement_id;
    let open = unit
        .approvals
        .values()
        .filter(|it| it.placement_id == id && it.is_open());
    for task in open.cloned().collect::<Vec<_>>() {
        approvals::put(
            unit,
            ApprovalTask {
                cancelled: true,
                ..task
            },
        );
    }
    deadline::settle_of(unit, context, referral, ends_with_decision);
    let authority = placement.authority;
    let placement = Placement {
        state: PlacementState::Cancelled,
        ..placement
    };
    announce(unit, context, &placement, PlacementStage::Closed);
    put(unit, placement);
    let reason = Some(why.to_owned());
    unit.record(
        context,
        authority,
        Some(referral),
        "placement.cancelled",
        id,
        reason,
    );
    if unit
        .referral(referral)
        .is_some_and(|head| head.state == ReferralState::Selected)
    {
        unit.set_state(referral, ReferralState::Ranked);
    }
    unit.look_again(referral);
}

/// Ends what takes the place, and tells that it is free; the register may have taken it over.
fn free(unit: &mut Unit, context: &mut Context<'_, '_>, placement: &Placement, why: &'static str) {
    let hold_id = placement.hold_id;
    if !unit
        .occupancies
        .get(&hold_id)
        .is_some_and(Occupancy::is_live)
    {
        return;
    }
    end_occupancy(unit, context, hold_id);
    let event = Event::PlaceReleased {
        authority: placement.authority,
        hold_id,
        offer_id: placement.offer_id,
        referral_id: placement.referral_id.clone(),
        setting_id: placement.setting_id.clone(),
        reason: why,
    };
    unit.announce(context, event);
}

pub(crate) fn announce(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    placement: &Placement,
    stage: PlacementStage,
) {
    let event = Event::Placement {
        stage,
        authority: placement.authority,
        placement_id: placement.placement_id,
        referral_id: placement.referral_id.clone(),
        setting_id: placement.setting_id.clone(),
        decided_by: placement.decided_by.clone(),
        starts_on: placement.starts_on,
        ended_on: placement.ending.map(|ending| ending.ended_on),
    };
    unit.announce(context, event);
}

pub(crate) fn find(unit: &Unit, placement_id: PlacementId) -> Result<Placement, Refusal> {
    let placement = unit.placements.get(&placement_id).cloned();
    placement.ok_or_else(|| Refusal::NotFound {
        what: format!("placement {placement_id}"),
    })
}

/// Adds or changes a placement.
pub(crate) fn put(unit: &mut Unit, placement: Placement) {
    unit.changed_placements.insert(placement.placement_id);
    unit.placements.insert(placement.placement_id, placement);
}
