//! What must hold: of every commit as it is made, and of everything that is committed.

use crate::{scene, tables::Tables};
use chrono::{DateTime, Utc};
use oss_domain::{AuthorityCode, ChildId, lifecycle::ReferralState};
use oss_matching::{Query, Verdict, evaluate};
use oss_workflow::{
    Event, ReferralHead, Unit,
    conditions::{Condition, Outcome, Record},
    deadline::Due,
    hold::occupants_of,
    occupancy::{Claim, Occupancy},
    offer::{OfferHead, OfferState},
    placement::{Placement, PlacementState},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

/// Gathers what is wrong.
#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn unless(&mut self, holds: bool, what: &str, of: &dyn Debug) {
        if !holds {
            self.0.push(format!("{what}: {of:?}"));
        }
    }
}

/// What a unit may not do to what is committed.
pub(crate) fn before_commit(tables: &Tables, unit: &Unit) -> Vec<String> {
    let mut found = Found::default();
    for event in &unit.handled {
        found.unless(
            !tables.seen.contains(event),
            "an event is handled twice",
            event,
        );
    }
    for at in &unit.changed_referrals {
        let (Some(old), Some(new)) = (tables.referrals.get(at), unit.referrals.get(at)) else {
            continue;
        };
        found.unless(new.revision >= old.revision, "a revision goes back", at);
        let step = (old.state, new.state);
        found.unless(may_follow(step), "an illegal transition", &(at, step));
    }
    for id in &unit.changed_deadlines {
        let old = tables.deadlines.get(id).and_then(|it| it.settled_at);
        found.unless(old.is_none(), "a deadline is acted on twice", id);
    }
    for (authority, new) in &unit.supply {
        let old = tables.supply_version(*authority);
        let expected = if unit.changed_supply.contains(authority) {
            old.next()
        } else {
            *new
        };
        found.unless(
            *new == expected,
            "a supply version is skipped",
            &(authority, old, new),
        );
    }
    found.0
}

/// What must hold once a unit is written.
///
/// `latest` is the latest that the clock has shown.
pub(crate) fn after_commit(tables: &Tables, unit: &Unit, latest: DateTime<Utc>) -> Vec<String> {
    let mut found = Found::default();
    audited(tables, unit, &mut found);
    walls(tables, unit, &mut found);
    places(tables, &mut found);
    decisions(tables, &mut found);
    waiting(tables, &mut found);
    conditions(tables, latest, &mut found);
    told(tables, unit, latest, &mut found);
    lawful(tables, unit, &mut found);
    found.0
}

/// Which states may follow each other, by way of one commit.
const fn may_follow((old, new): (ReferralState, ReferralState)) -> bool {
    use ReferralState::{InCallOff, Placed, Ranked, Received, Selected, Unfilled, Withdrawn};
    match (old, new) {
        (Received, Ranked | Unfilled | Withdrawn)
        | (Ranked, Unfilled | InCallOff | Selected | Withdrawn)
        | (Unfilled, Ranked | InCallOff | Selected | Withdrawn)
        | (InCallOff, Selected | Withdrawn)
        | (Selected, Ranked | Placed | Withdrawn) => true,
        (old, new) => old as u8 == new as u8,
    }
}

/// No change without a line of audit that says who and when.
fn audited(tables: &Tables, unit: &Unit, found: &mut Found) {
    let changed = !(unit.changed_occupancies.is_empty()
        && unit.changed_offers.is_empty()
        && unit.changed_placements.is_empty()
        && unit.changed_approvals.is_empty()
        && unit.changed_conditions.is_empty()
        && unit.changed_settings.is_empty()
        && unit.log.is_empty());
    let written = tables.audit.iter().rev().take(unit.audit.len());
    let complete = written.eq(unit.audit.iter().rev()) && !unit.audit.is_empty();
    found.unless(
        !changed || complete,
        "a change without its audit",
        &unit.audit,
    );
    let moved = !(unit.changed_occupancies.is_empty() && unit.changed_settings.is_empty());
    let authorities = unit.changed_supply.iter();
    for authority in authorities {
        let version = tables.supply_version(*authority);
        let expected = unit.supply.get(authority).copied();
        found.unless(
            Some(version) == expected,
            "a supply version is lost",
            authority,
        );
    }
    found.unless(
        !moved || !unit.changed_supply.is_empty(),
        "supply changes without a version",
        &unit.changed_occupancies,
    );
    for id in &unit.changed_occupancies {
        let written = tables.occupancies.get(id) == unit.occupancies.get(id);
        found.unless(written, "a place is not written", id);
    }
}

/// A unit sees, changes, tells and audits one council's things alone, whatever ids two of them share.
fn walls(tables: &Tables, unit: &Unit, found: &mut Found) {
    let councils: BTreeSet<AuthorityCode> = unit
        .referrals
        .keys()
        .map(|(council, _)| *council)
        .chain(unit.settings.keys().map(|(council, _)| *council))
        .chain(unit.supply.keys().copied())
        .chain(unit.occupancies.values().map(|it| it.authority))
        .chain(unit.offers.values().map(|it| it.authority))
        .chain(unit.placements.values().map(|it| it.authority))
        .chain(unit.approvals.values().map(|it| it.authority))
        .chain(unit.conditions.values().map(|it| it.authority))
        .chain(unit.deadlines.values().map(|it| it.authority))
        .chain(unit.audit.iter().map(|it| it.authority))
        .chain(unit.outgoing.iter().filter_map(|it| council_of(&it.event)))
        .collect();
    found.unless(councils.len() <= 1, "councils see each other", &councils);
    let register = |key| {
        let mut settings = tables.settings.iter();
        settings.find(|(_, it)| it.key == key).map(|(at, _)| at.0)
    };
    let of_one = |council, referral, setting| {
        let head = tables.referral(referral).map(|head| head.authority);
        head == Some(council) && register(setting) == Some(council)
    };
    let places = unit.changed_occupancies.iter();
    for place in places.filter_map(|id| tables.occupancies.get(id)) {
        let same = of_one(place.authority, place.referral, place.setting);
        found.unless(same, "a place in another council's register", place);
    }
    let proposals = unit.outgoing.iter().filter_map(|it| match &it.event {
        Event::Proposed(proposal) => Some(proposal),
        _ => None,
    });
    for proposal in proposals {
        for offer in &proposal.offers {
            let (referral, setting) = scene::seal().open(offer.offer_id);
            let same = of_one(proposal.facts.authority, referral, setting);
            found.unless(same, "an offer from another council's register", offer);
        }
    }
}

fn council_of(event: &Event) -> Option<AuthorityCode> {
    match event {
        Event::ReferralRejected { authority, .. } | Event::DeadLettered { authority, .. } => {
            *authority
        }
        Event::Proposed(proposal) => Some(proposal.facts.authority),
        Event::ReferralReceived { authority, .. }
        | Event::ReferralClosed { authority, .. }
        | Event::OfferApproached { authority, .. }
        | Event::OfferRecorded { authority, .. }
        | Event::OfferExpired { authority, .. }
        | Event::OfferWithdrawn { authority, .. }
        | Event::PlaceHeld { authority, .. }
        | Event::PlaceReleased { authority, .. }
        | Event::Placement { authority, .. } => Some(*authority),
    }
}

/// No place twice, no child twice, no more places than there are.
fn places(tables: &Tables, found: &mut Found) {
    let mut numbers = BTreeSet::new();
    let mut children: BTreeSet<(AuthorityCode, &ChildId)> = BTreeSet::new();
    let mut referrals = BTreeSet::new();
    for live in tables.live() {
        for number in &live.places {
            let free = numbers.insert((live.setting, *number));
            found.unless(free, "a place is taken twice", &(&live.setting_id, number));
        }
        for occupant in &live.occupants {
            let alone = children.insert((live.authority, &occupant.child_id));
            found.unless(alone, "a child is in two places", &occupant.child_id);
        }
        found.unless(
            referrals.insert(live.referral),
            "a referral has two places",
            live,
        );
        let known = tables.referral(live.referral);
        let closed = known.is_none_or(|head| head.state == ReferralState::Withdrawn);
        found.unless(!closed, "a withdrawn referral has a place", live);
        let group = known.and_then(|head| head.referral.as_deref().map(occupants_of));
        let same = live.claim != Claim::Held || group.is_none_or(|group| group == live.occupants);
        found.unless(same, "a place is held for another group", live);
    }
}

/// One decision a referral, and a place behind each.
fn decisions(tables: &Tables, found: &mut Found) {
    let mut decided = BTreeMap::new();
    for placement in tables.placements.values() {
        let takes_place = match placement.state {
            PlacementState::Agreed => Some(Claim::Agreed),
            PlacementState::Started => Some(Claim::Started),
            PlacementState::Ended | PlacementState::Cancelled => None,
        };
        let place = tables.occupancies.get(&placement.hold_id);
        let live = place.filter(|it| it.is_live()).map(|it| it.claim);
        // The register takes the count over from a started placement.
        let fits = live == takes_place
            || (live.is_none() && place.is_some() && placement.state == PlacementState::Started);
        found.unless(
            fits,
            "a placement and its place disagree",
            &(placement.state, place),
        );
        if placement.state == PlacementState::Cancelled {
            continue;
        }
        let first = decided
            .insert(placement.referral, placement.state)
            .is_none();
        found.unless(
            first,
            "a referral has two decisions",
            &placement.referral_id,
        );
        found.unless(
            !placement.decided_by.is_empty(),
            "nobody decided",
            &placement.placement_id,
        );
        if placement.state == PlacementState::Started {
            let missing = tables.approvals.values().any(|it| {
                it.placement_id == placement.placement_id
                    && it.blocks_start
                    && it.record.as_ref().is_none_or(|record| !record.granted)
            });
            found.unless(
                !missing,
                "started without an approval",
                &placement.placement_id,
            );
        }
    }
    for head in tables.referrals.values() {
        let fits = match (head.state, decided.get(&head.key)) {
            (ReferralState::Selected, decision) => decision == Some(&PlacementState::Agreed),
            (ReferralState::Placed, decision) => {
                matches!(
                    decision,
                    Some(PlacementState::Started | PlacementState::Ended)
                )
            }
            (_, decision) => decision.is_none(),
        };
        found.unless(
            fits,
            "a state without its decision",
            &(head.state, &head.referral_id),
        );
    }
}

/// A condition that is seen to has its end, nobody moves in before it is settled, and nobody is
/// placed where it was not met.
fn conditions(tables: &Tables, latest: DateTime<Utc>, found: &mut Found) {
    for condition in tables.conditions.values() {
        let due = Due::ConditionDue(condition.condition_id);
        let mut deadlines = tables.deadlines.values();
        let waits = deadlines.any(|it| it.due == due && it.settled_at.is_none());
        let must_wait = condition.is_open() && condition.due_at > latest;
        found.unless(waits || !must_wait, "a condition without an end", condition);
        found.unless(
            condition.is_open() || !waits,
            "an end without a condition",
            condition,
        );
        if !condition.is_open() {
            found.unless(
                !is_ignored(tables, condition),
                "chosen all the same",
                condition,
            );
            continue;
        }
        let head = tables.referral(condition.referral);
        let ended = [ReferralState::Withdrawn, ReferralState::Placed];
        let over = head.is_none_or(|head| ended.contains(&head.state));
        found.unless(!over, "a condition of a closed referral", condition);
        let offer = tables.offers.get(&condition.offer_id);
        let setting = offer.and_then(|offer| tables.setting(offer.setting));
        let open = setting.is_some_and(|head| head.open);
        found.unless(open, "a condition of a closed setting", condition);
    }
}

/// Whether a child is placed where this was not met, nobody has pursued it anew, and no other act
/// was met.
fn is_ignored(tables: &Tables, condition: &Condition) -> bool {
    let is_missed = |it: &&Record| it.outcome == Outcome::NotMet;
    let missed = |it: &Condition| it.record.as_ref().filter(is_missed).map(|it| it.at);
    let Some(at) = missed(condition) else {
        return false;
    };
    let mut placements = tables.placements.values();
    let chosen = |it: &Placement| {
        it.offer_id == condition.offer_id
            && matches!(it.state, PlacementState::Agreed | PlacementState::Started)
    };
    let mut others = tables.conditions.values();
    let settles = |it: &Condition| {
        let met = |record: &Record| record.outcome == Outcome::Met;
        let by_person = |record: &Record| record.outcome != Outcome::NotMet && record.by.is_some();
        let anew = it.act == condition.act && it.opened_at >= at;
        it.offer_id == condition.offer_id
            && if anew {
                it.record.as_ref().is_none_or(by_person)
            } else {
                it.act != condition.act && it.record.as_ref().is_some_and(met)
            }
    };
    placements.any(chosen) && !others.any(settles)
}

/// Whatever waits has a deadline, and nothing else does.
fn waiting(tables: &Tables, found: &mut Found) {
    let open: BTreeSet<_> = tables
        .deadlines
        .values()
        .filter(|it| it.settled_at.is_none())
        .map(|it| (it.due, it.referral))
        .collect();
    let open_things: BTreeSet<Due> = open.iter().map(|(due, _)| *due).collect();
    for place in tables.live().filter(|it| it.claim == Claim::Held) {
        let ends = open_things.contains(&Due::HoldExpires(place.hold_id));
        found.unless(
            ends && place.until.is_some(),
            "a hold without an end",
            &place.hold_id,
        );
        let closed = tables.setting(place.setting).is_none_or(|head| !head.open);
        found.unless(!closed, "a hold in a closed setting", &place.hold_id);
    }
    for offer in tables.offers.values() {
        let waits = offer.state == OfferState::Approached;
        let ends = open_things.contains(&Due::RespondBy(offer.offer_id));
        found.unless(
            waits == ends,
            "an approach and its deadline disagree",
            offer,
        );
        if offer.state.is_live() {
            let closed = tables.setting(offer.setting).is_none_or(|head| !head.open);
            found.unless(!closed, "a live offer on a closed setting", offer);
            let head = tables.referral(offer.referral);
            let is_open = head.is_some_and(|head| head.state.is_open());
            found.unless(is_open, "a live offer for a closed referral", offer);
            found.unless(offer.approached_by.is_some(), "nobody approached", offer);
        }
    }
    for deadline in tables.deadlines.values() {
        let early = deadline.settled_at.is_none()
            && matches!(
                deadline.due,
                Due::HoldExpires(id) if !tables.occupancies.get(&id).is_some_and(Occupancy::is_live)
            );
        found.unless(!early, "a deadline of a hold that has ended", deadline);
    }
}

/// What was done is told, and nothing else.
fn told(tables: &Tables, unit: &Unit, latest: DateTime<Utc>, found: &mut Found) {
    for at in &unit.changed_referrals {
        let Some(head) = tables.referrals.get(at) else {
            continue;
        };
        let Some(run) = head.run else { continue };
        let current = tables
            .outbox
            .iter()
            .rev()
            .find_map(|row| match &row.outgoing.event {
                Event::Proposed(proposal) => {
                    let facts = &proposal.facts;
                    let is_its = (facts.authority, &facts.referral_id) == (at.0, &at.1);
                    is_its.then_some(facts.run_id)
                }
                _ => None,
            });
        found.unless(
            current == Some(run.run_id),
            "the current outcome was not told",
            at,
        );
        found.unless(
            tables.runs.contains_key(&run.run_id),
            "a run was not kept",
            at,
        );
    }
    for id in &unit.changed_occupancies {
        let Some(place) = tables.occupancies.get(id) else {
            continue;
        };
        let held =
            |event: &Event| matches!(event, Event::PlaceHeld { hold_id, .. } if hold_id == id);
        let n = tables
            .outbox
            .iter()
            .filter(|row| held(&row.outgoing.event))
            .count();
        let expected = usize::from(place.until.is_some());
        found.unless(
            n >= expected && n <= 1,
            "a hold was not told once",
            &(id, n),
        );
    }
    for outgoing in &unit.outgoing {
        let Event::PlaceReleased {
            hold_id,
            reason: "expired",
            ..
        } = &outgoing.event
        else {
            continue;
        };
        let until = tables
            .outbox
            .iter()
            .find_map(|row| match &row.outgoing.event {
                Event::PlaceHeld {
                    hold_id: held,
                    until,
                    ..
                } if held == hold_id => Some(*until),
                _ => None,
            });
        let early = until.is_some_and(|until| until > latest);
        found.unless(!early, "a hold ended early", hold_id);
    }
}

/// Whoever is asked, and whatever place is taken, is lawful and free at that moment.
fn lawful(tables: &Tables, unit: &Unit, found: &mut Found) {
    let Some(now) = unit.audit.first().map(|line| line.at) else {
        return;
    };
    for id in &unit.changed_offers {
        let Some(offer) = tables.offers.get(id) else {
            continue;
        };
        if offer.state == OfferState::Approached && offer.approached_at == Some(now) {
            let reasons = reasons_against(tables, offer, now);
            found.unless(reasons.is_none(), "an unlawful approach", &(offer, reasons));
        }
    }
    for id in &unit.changed_occupancies {
        let Some(place) = tables.occupancies.get(id).filter(|it| it.is_live()) else {
            continue;
        };
        if place.since != now || place.claim == Claim::Started {
            continue;
        }
        let Some(offer) = tables.offers.get(&place.offer_id) else {
            found.unless(false, "a place without an offer", place);
            continue;
        };
        let reasons = reasons_against(tables, offer, now);
        found.unless(reasons.is_none(), "an unlawful place", &(place, reasons));
    }
}

fn reasons_against(tables: &Tables, offer: &OfferHead, now: DateTime<Utc>) -> Option<String> {
    let head: &ReferralHead = tables.referral(offer.referral)?;
    let referral = head.referral.as_ref()?;
    let query = Query::compile_with(referral, scene::locate, scene::policy()).ok()?;
    let supply = tables.supply(offer.authority);
    match evaluate(&query, &supply, &offer.setting_id, scene::policy(), now) {
        Some(Verdict::Ranked(_)) => None,
        other => Some(format!("{other:?}")),
    }
}

/// What must hold once the faults have stopped and the work is done.
pub(crate) fn at_rest(
    tables: &Tables,
    accepted: &[oss_workflow::EventKey],
    now: DateTime<Utc>,
) -> Vec<String> {
    let mut found = Found::default();
    for row in &tables.outbox {
        found.unless(
            row.sent,
            "an event was never published",
            &row.outgoing.event_id,
        );
    }
    for deadline in tables.deadlines.values() {
        found.unless(!deadline.is_due(now), "a deadline was missed", deadline);
    }
    for place in tables.live() {
        let over = place.until.is_some_and(|until| until <= now);
        found.unless(!over, "a hold did not expire", place);
    }
    for head in tables
        .referrals
        .values()
        .filter(|head| head.state.is_open())
    {
        let version = tables.supply_version(head.authority);
        let at = (&head.referral_id, head.evaluated, version);
        found.unless(
            head.evaluated == Some(version),
            "a referral was not ranked again",
            &at,
        );
    }
    for event in accepted {
        found.unless(
            tables.seen.contains(event),
            "an accepted event was lost",
            event,
        );
    }
    found.0
}
