//! The decision: a person selects.

use crate::{
    approvals::{self, ApprovalTask},
    call_off::{self, Ranking},
    conditions, deadline,
    event::PlacementStage,
    hold,
    kept::Kept,
    occupancy::{Claim, Occupancy, put as put_occupancy},
    offer::{self, OfferHead, OfferState, Pair},
    placement::{self, Placement, PlacementState, ReturnCodes, is_own},
    refusal::Refusal,
    unit::{Context, Unit},
    world::{Judge, World, live_on},
};
use chrono::NaiveDate;
use oss_domain::{
    FieldError, HoldId, OfferId, PlacementId, lifecycle::ReferralState, setting::Sourcing,
};
use oss_matching::ApprovalSet;

/// A person's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The offer.
    pub offer_id: OfferId,
    /// Why.
    pub reason: String,
    /// Why not the first of the list; needed where it is another.
    pub reason_not_first: Option<String>,
    /// When it is to start, if not on the referral's day.
    pub starts_on: Option<NaiveDate>,
}

/// Whether a provider's yes is still to come before a person may decide for the offer.
#[must_use]
pub fn must_accept(sourcing: Sourcing, state: OfferState) -> bool {
    state != OfferState::Accepted && !is_own(sourcing)
}

/// Decides for an offer: takes its place, lets the others go, and asks for the approvals.
///
/// # Errors
/// `not_open`; `not_accepted` where a provider has not said yes; `ranking_changed`;
/// `condition_not_met`; `place_gone`, `not_lawful_any_more`; a missing reason.
pub fn select(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    ranking: &Ranking,
    choice: Choice,
) -> Result<(Placement, Vec<ApprovalTask>), Refusal> {
    let by = call_off::person(context)?;
    let offer_id = choice.offer_id;
    let pair = Pair::open(unit, world, offer_id)?;
    hold::must_be_open(&pair.referral)?;
    ranking.must_be_current(&pair.referral)?;
    let head = pair.head(unit, world);
    if must_accept(head.sourcing, head.state) {
        return Err(Refusal::Conflict {
            code: "not_accepted",
            why: "the provider has not accepted".to_owned(),
        });
    }
    conditions::must_not_be_missed(unit, offer_id)?;
    reasons_given(&choice, ranking, &head)?;
    let judge = Judge::new(world, &pair.referral)?;
    let lawful = judge.judge(unit, &pair.setting, context.now)?;
    hold::must_be_nowhere_else(unit, judge.referral(), |it| {
        it.referral == pair.referral.key
    })?;

    let referral = pair.referral.key;
    deadline::settle_of(unit, context, referral, placement::ends_with_decision);
    call_off::release_holds(
        unit,
        context,
        |it| it.referral == referral && it.offer_id != offer_id,
        "not_selected",
    );
    let mine = unit
        .occupancies
        .values()
        .find(|it| it.is_live() && it.offer_id == offer_id);
    // The same hold becomes the placement, with the children and places of now.
    let (hold_id, since) = match mine {
        Some(mine) => (mine.hold_id, mine.since),
        None => (HoldId::generate(context.ids), context.now),
    };
    let occupancy = hold::occupancy(&pair, hold_id, lawful.places, since);
    let placement_id = PlacementId::generate(context.ids);
    let placement = Placement {
        placement_id,
        authority: pair.referral.authority,
        referral,
        referral_id: pair.referral.referral_id.clone(),
        offer_id,
        setting_id: head.setting_id.clone(),
        provider_id: head.provider_id.clone(),
        hold_id: occupancy.hold_id,
        state: PlacementState::Agreed,
        decided_by: by,
        decided_at: context.now,
        reason: choice.reason,
        reason_not_first: choice.reason_not_first,
        run_id: ranking.run_id,
        weekly_cost: head.terms.weekly_cost.unwrap_or(lawful.ranked.weekly_cost),
        starts_on: choice.starts_on.unwrap_or(judge.referral().start_date),
        codes: ReturnCodes::of(judge.referral(), &lawful.ranked),
        kept: Kept::of(
            judge.referral(),
            &pair.entry,
            live_on(unit, &pair.setting),
            &lawful.ranked,
            world.policy,
        ),
        temporary_until: None,
        temporary_extended: false,
        ending: None,
    };
    let claim = Claim::Agreed;
    let placed = Some(placement_id);
    put_occupancy(
        unit,
        Occupancy {
            claim,
            placement_id: placed,
            until: None,
            ..occupancy
        },
    );
    offer::put(
        unit,
        OfferHead {
            state: OfferState::Selected,
            ..head
        },
    );
    let tasks = tell(
        unit,
        context,
        world,
        &pair,
        &placement,
        lawful.ranked.approvals,
    );
    Ok((placement, tasks))
}

/// What the decision means for everybody else.
fn tell(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    pair: &Pair,
    placement: &Placement,
    approvals: ApprovalSet,
) -> Vec<ApprovalTask> {
    let (authority, referral) = (placement.authority, placement.referral);
    let (not_selected, why) = (OfferState::NotSelected, "not_selected");
    call_off::close_offers(unit, context, referral, not_selected, why);
    unit.set_state(referral, ReferralState::Selected);
    placement::put(unit, placement.clone());
    let reason = Some(placement.reason.clone());
    let thing = placement.placement_id;
    unit.record(
        context,
        authority,
        Some(referral),
        "placement.agreed",
        thing,
        reason,
    );
    placement::announce(unit, context, placement, PlacementStage::Agreed);
    approvals::request(unit, context, world, &pair.referral, placement, approvals)
}

fn reasons_given(choice: &Choice, ranking: &Ranking, head: &OfferHead) -> Result<(), Refusal> {
    let mut errors = Vec::new();
    if choice.reason.trim().is_empty() {
        errors.push(FieldError::new(
            "/reason",
            "required",
            "must say why this offer",
        ));
    }
    let first = ranking
        .order
        .first()
        .is_some_and(|first| *first == head.setting_id);
    let why_not_first = choice.reason_not_first.as_deref().unwrap_or_default();
    if !first && why_not_first.trim().is_empty() {
        let detail = "must say why not the first of the list";
        errors.push(FieldError::new("/reason_not_first", "required", detail));
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Invalid(errors))
    }
}
