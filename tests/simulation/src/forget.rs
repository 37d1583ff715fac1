//! What planted mistakes leave out of a step's work: just that, as if nobody had thought of it.

use crate::{defect::Defect, message::Fact, tables::Tables};
use oss_workflow::{Event, Unit, deadline::Due};

/// Leaves out of `unit` what `defect` forgets of all that follows from `fact`.
pub(crate) fn what_follows(defect: Defect, unit: &mut Unit, fact: &Fact, tables: &Tables) {
    match (defect, fact) {
        (Defect::KeepsOldGroups, Fact::Referral(_)) => holds(unit, tables),
        (Defect::ForgetsClosedOffers, Fact::SettingClosed(..)) => offers(unit),
        (Defect::ForgetsToWindUp, Fact::ReferralWithdrawn(..)) => all(unit, tables),
        _ => {}
    }
}

/// Holds go on, and nobody is told otherwise.
fn holds(unit: &mut Unit, tables: &Tables) {
    unit.changed_occupancies.clear();
    for authority in std::mem::take(&mut unit.changed_supply) {
        let version = tables.supply_version(authority);
        unit.supply.insert(authority, version);
    }
    deadlines(unit, |due| matches!(due, Due::HoldExpires(_)));
    acts(unit, &["place.released"]);
    unit.outgoing
        .retain(|it| !matches!(it.event, Event::PlaceReleased { .. }));
}

/// Offers wait as they did.
fn offers(unit: &mut Unit) {
    unit.changed_offers.clear();
    deadlines(unit, |due| matches!(due, Due::RespondBy(_) | Due::WaveEnds));
    acts(unit, &["offer.withdrawn"]);
    unit.outgoing
        .retain(|it| !matches!(it.event, Event::OfferWithdrawn { .. }));
}

/// All that was begun for a referral goes on.
fn all(unit: &mut Unit, tables: &Tables) {
    holds(unit, tables);
    offers(unit);
    unit.changed_placements.clear();
    unit.changed_approvals.clear();
    unit.changed_conditions.clear();
    deadlines(unit, |_| true);
    acts(unit, &["placement.cancelled", "condition.not_needed"]);
    unit.outgoing
        .retain(|it| !matches!(it.event, Event::Placement { .. }));
}

fn deadlines(unit: &mut Unit, which: impl Fn(Due) -> bool) {
    let Unit {
        deadlines,
        changed_deadlines,
        ..
    } = unit;
    changed_deadlines.retain(|id| deadlines.get(id).is_none_or(|it| !which(it.due)));
}

fn acts(unit: &mut Unit, which: &[&str]) {
    unit.audit.retain(|line| !which.contains(&line.act));
}
