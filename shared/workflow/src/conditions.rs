//! Conditions: a setting that one act (C1 to C3) would bring in, pursued as a task.
//!
//! The matcher is never told to leave a rule out. What "met" changes is the register: varied terms,
//! or a room that is shared, come as `setting.changed` or `vacancy.changed`, and the next ranking
//! judges those. The task says who sees to it by when, and keeps what came of it: a placement in
//! the setting cannot start while it is open, and where it was not met the setting cannot be
//! selected before the act is pursued anew.

use crate::{
    call_off,
    deadline::{self, Due},
    hold,
    key::ReferralKey,
    offer::{self, Pair},
    placement::{self, PlacementState},
    refusal::Refusal,
    unit::{Context, Unit},
    world::{Judge, World},
};
use chrono::{DateTime, NaiveDate, Utc};
use oss_domain::{Act, AuthorityCode, ConditionId, FieldError, OfferId, ReferralId, codes};
use std::{collections::BTreeSet, sync::Arc};

codes! {
    /// What came of a condition.
    pub enum Outcome {
        /// The act was done: the register will say so, or does.
        Met = "met",
        /// It was refused, or could not be done.
        NotMet = "not_met",
        /// Nobody waits for it any more.
        NotNeeded = "not_needed",
    }
}

/// What was recorded of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What came of it.
    pub outcome: Outcome,
    /// By whom; `None` where it ended with its referral or setting.
    pub by: Option<Arc<str>>,
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// What shows it, such as the decision's date and reference.
    pub evidence: String,
}

/// An act that would bring a setting in, and who sees to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its id.
    pub condition_id: ConditionId,
    /// The authority.
    pub authority: AuthorityCode,
    /// The referral.
    pub referral: ReferralKey,
    /// The referral's id.
    pub referral_id: ReferralId,
    /// The offer that it would bring in.
    pub offer_id: OfferId,
    /// Which act.
    pub act: Act,
    /// Who does what, in words.
    pub task: String,
    /// Who began it.
    pub opened_by: Arc<str>,
    /// When.
    pub opened_at: DateTime<Utc>,
    /// By when it should be done.
    pub due_at: DateTime<Utc>,
    /// What was recorded.
    pub record: Option<Record>,
}

impl Condition {
    /// Whether it is still to be recorded.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.record.is_none()
    }

    /// Whether it makes up for `act`, which was not met at `refused`: pursued anew since, and not
    /// let go of by itself; or another act that was met.
    fn makes_up_for(&self, act: Act, refused: DateTime<Utc>) -> bool {
        let outcome = self.record.as_ref().map(|it| (it.outcome, it.by.is_some()));
        if self.act == act {
            let in_vain = matches!(
                outcome,
                Some((Outcome::NotMet, _) | (Outcome::NotNeeded, false))
            );
            self.opened_at >= refused && !in_vain
        } else {
            matches!(outcome, Some((Outcome::Met, _)))
        }
    }
}

/// What a person sets going.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pursuit {
    /// Which offer.
    pub offer_id: OfferId,
    /// Which act.
    pub act: Act,
    /// Who does what, in words.
    pub task: String,
    /// The last day for it.
    pub due_on: NaiveDate,
}

/// Sets going the act that would bring a setting in. The condition's id.
///
/// # Errors
/// `not_open`; `not_conditional` where the act would not cure everything that is against the
/// setting now, unless it was not met before; `already_pursued`; a day in the past, no task; an
/// actor who is not a person.
pub fn pursue(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    pursuit: Pursuit,
) -> Result<ConditionId, Refusal> {
    let by = call_off::person(context)?;
    let pair = Pair::open(unit, world, pursuit.offer_id)?;
    hold::must_be_open(&pair.referral)?;
    let (offer_id, act) = (pursuit.offer_id, pursuit.act);
    let due_at = crate::calendar::end_of(pursuit.due_on);
    let mut errors = Vec::new();
    if pursuit.task.trim().is_empty() {
        errors.push(FieldError::new(
            "/task",
            "required",
            "must say who does what",
        ));
    }
    if due_at <= context.now {
        errors.push(FieldError::new(
            "/due_on",
            "in_past",
            "must not be in the past",
        ));
    }
    if !errors.is_empty() {
        return Err(Refusal::Invalid(errors));
    }
    let mut same = unit.conditions.values();
    if same.any(|it| it.offer_id == offer_id && it.act == act && it.is_open()) {
        return Err(Refusal::Conflict {
            code: "already_pursued",
            why: "somebody sees to this already".to_owned(),
        });
    }
    let judge = Judge::new(world, &pair.referral)?;
    let would_help = judge.requires(unit, &pair.setting, context.now);
    let again = pair.setting.open && not_met(unit.conditions.values(), offer_id).contains(&act);
    if !would_help.contains(act) && !again {
        return Err(Refusal::Conflict {
            code: "not_conditional",
            why: format!("{act} alone would not bring the setting in, as things are now"),
        });
    }
    if !unit.offers.contains_key(&offer_id) {
        let head = pair.head(unit, world);
        offer::put(unit, head);
    }
    let condition_id = ConditionId::generate(context.ids);
    let (authority, referral) = (pair.referral.authority, pair.referral.key);
    let reason = Some(pursuit.task.clone());
    put(
        unit,
        Condition {
            condition_id,
            authority,
            referral,
            referral_id: pair.referral.referral_id.clone(),
            offer_id,
            act,
            task: pursuit.task,
            opened_by: by,
            opened_at: context.now,
            due_at,
            record: None,
        },
    );
    let due = Due::ConditionDue(condition_id);
    deadline::schedule(unit, context, &pair.referral, due, due_at);
    let thing = format!("{condition_id} {act}");
    unit.record(
        context,
        authority,
        Some(referral),
        "condition.pursued",
        thing,
        reason,
    );
    Ok(condition_id)
}

/// A person's word on a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What came of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// What shows it; needed where it was met.
    pub evidence: String,
}

/// Records what came of a condition. Where it was not met, a placement that was agreed in the
/// setting is called off and its place freed. Returns whether anything changed.
///
/// # Errors
/// `already_recorded` with another word; no reason, or no evidence of what was met.
pub fn record(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    condition_id: ConditionId,
    word: Word,
) -> Result<bool, Refusal> {
    let by = call_off::person(context)?;
    let condition = unit.conditions.get(&condition_id).cloned();
    let condition = condition.ok_or_else(|| Refusal::NotFound {
        what: format!("condition {condition_id}"),
    })?;
    let Word {
        outcome,
        reason,
        evidence,
    } = word;
    if let Some(record) = &condition.record {
        if (record.outcome, &record.reason, &record.evidence) == (outcome, &reason, &evidence) {
            return Ok(false);
        }
        return Err(Refusal::Conflict {
            code: "already_recorded",
            why: "it was recorded before; pursue it anew instead".to_owned(),
        });
    }
    let mut errors = Vec::new();
    if reason.trim().is_empty() {
        errors.push(FieldError::new("/reason", "required", "must say why"));
    }
    if outcome == Outcome::Met && evidence.trim().is_empty() {
        errors.push(FieldError::new(
            "/evidence",
            "required",
            "must say what shows it",
        ));
    }
    if !errors.is_empty() {
        return Err(Refusal::Invalid(errors));
    }
    let (referral, offer_id) = (condition.referral, condition.offer_id);
    let record = Record {
        outcome,
        by: Some(by),
        at: context.now,
        reason,
        evidence,
    };
    close(unit, context, condition, record);
    let mut placements = unit.placements.values();
    let agreed = placements.any(|it| it.offer_id == offer_id && it.state == PlacementState::Agreed);
    if outcome == Outcome::NotMet && agreed {
        placement::cancel(unit, context, referral, "condition_not_met");
    }
    Ok(true)
}

/// Lets go of the open conditions that `which` picks: nobody waits for them any more.
///
/// `why` is a stable code, such as `referral_withdrawn`.
pub(crate) fn let_go(
    unit: &mut Unit,
    context: &Context<'_, '_>,
    which: impl Fn(&Condition) -> bool,
    why: &'static str,
) {
    let open = unit
        .conditions
        .values()
        .filter(|it| it.is_open() && which(it));
    for condition in open.cloned().collect::<Vec<_>>() {
        let record = Record {
            outcome: Outcome::NotNeeded,
            by: None,
            at: context.now,
            reason: why.to_owned(),
            evidence: String::new(),
        };
        close(unit, context, condition, record);
    }
}

fn close(unit: &mut Unit, context: &Context<'_, '_>, condition: Condition, record: Record) {
    let condition_id = condition.condition_id;
    deadline::settle(unit, context, |due| due == Due::ConditionDue(condition_id));
    let act = match record.outcome {
        Outcome::Met => "condition.met",
        Outcome::NotMet => "condition.not_met",
        Outcome::NotNeeded => "condition.not_needed",
    };
    let thing = format!("{condition_id} {}", condition.act);
    let (authority, referral) = (condition.authority, Some(condition.referral));
    let reason = Some(record.reason.clone());
    unit.record(context, authority, referral, act, thing, reason);
    put(
        unit,
        Condition {
            record: Some(record),
            ..condition
        },
    );
}

/// Refuses where a condition of the offer is still open.
pub(crate) fn must_be_settled(unit: &Unit, offer_id: OfferId) -> Result<(), Refusal> {
    let open = unit.conditions.values();
    let open = open.filter(|it| it.offer_id == offer_id && it.is_open());
    let open: Vec<_> = open.map(|it| it.act.as_str()).collect();
    if open.is_empty() {
        return Ok(());
    }
    Err(Refusal::Conflict {
        code: "condition_open",
        why: format!("not recorded yet: {}", open.join(", ")),
    })
}

/// The acts that would bring the offer's setting in, were not met, and were neither pursued anew
/// since nor made needless by another act that was met: each act would do by itself.
pub fn not_met<'a>(
    all: impl Iterator<Item = &'a Condition> + Clone,
    offer_id: OfferId,
) -> BTreeSet<Act> {
    let of_it = all.filter(|it| it.offer_id == offer_id);
    let refused = of_it.clone().filter_map(|it| {
        let record = it.record.as_ref()?;
        (record.outcome == Outcome::NotMet).then_some((it.act, record.at))
    });
    let still_refused = refused.filter(|(act, at)| {
        let mut others = of_it.clone();
        !others.any(|it| it.makes_up_for(*act, *at))
    });
    still_refused.map(|(act, _)| act).collect()
}

/// Refuses where what would bring the setting in was not met.
pub(crate) fn must_not_be_missed(unit: &Unit, offer_id: OfferId) -> Result<(), Refusal> {
    let missed = not_met(unit.conditions.values(), offer_id);
    if missed.is_empty() {
        return Ok(());
    }
    let missed: Vec<_> = missed.into_iter().map(Act::as_str).collect();
    Err(Refusal::Conflict {
        code: "condition_not_met",
        why: format!("not met, and not pursued anew: {}", missed.join(", ")),
    })
}

/// Adds or changes a condition.
fn put(unit: &mut Unit, condition: Condition) {
    unit.changed_conditions.insert(condition.condition_id);
    unit.conditions.insert(condition.condition_id, condition);
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn offer_id() -> OfferId {
        OfferId::from_bytes([1; 16])
    }

    /// Opened in one minute and recorded in the next.
    fn condition(act: Act, minute: u8, record: Option<(Outcome, bool)>) -> Condition {
        let noon: DateTime<Utc> = "2026-11-25T12:00:00Z".parse().unwrap();
        let opened_at = noon + TimeDelta::minutes(minute.into());
        Condition {
            condition_id: ConditionId::from_bytes([minute; 16]),
            authority: "E06000015".parse().unwrap(),
            referral: ReferralKey(1),
            referral_id: "R1".parse().unwrap(),
            offer_id: offer_id(),
            act,
            task: "Kim takes it to the panel".to_owned(),
            opened_by: "usr_1".into(),
            opened_at,
            due_at: noon + TimeDelta::days(7),
            record: record.map(|(outcome, by_person)| Record {
                outcome,
                by: by_person.then(|| "usr_1".into()),
                at: opened_at + TimeDelta::minutes(1),
                reason: "minute 7".to_owned(),
                evidence: String::new(),
            }),
        }
    }

    fn missed(conditions: &[Condition]) -> Vec<Act> {
        not_met(conditions.iter(), offer_id()).into_iter().collect()
    }

    #[test]
    fn an_act_that_was_not_met_stands_in_the_way_until_another_is_met_or_it_is_pursued_anew() {
        let refused = condition(Act::C1, 0, Some((Outcome::NotMet, true)));
        assert_eq!(missed(std::slice::from_ref(&refused)), [Act::C1]);
        for (after, stands) in [
            (condition(Act::C1, 5, None), false),
            (condition(Act::C1, 5, Some((Outcome::Met, true))), false),
            (condition(Act::C1, 5, Some((Outcome::NotMet, true))), true),
            // Let go of because the setting closed: nobody has said anything else since.
            (
                condition(Act::C1, 5, Some((Outcome::NotNeeded, false))),
                true,
            ),
            // Each act would do by itself.
            (condition(Act::C2, 5, Some((Outcome::Met, true))), false),
            (condition(Act::C2, 5, None), true),
        ] {
            let told = format!("{} {:?}", after.act, after.record);
            let found = missed(&[refused.clone(), after]);
            assert_eq!(!found.is_empty(), stands, "{told}");
        }
    }
}
