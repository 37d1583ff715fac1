//! A provider answers, by event or by telephone.

use crate::{
    call_off::look_further,
    deadline::{self, Due},
    event::Event,
    hold::{self, Kept},
    offer::{self, OfferHead, OfferState, Pair, Terms},
    refusal::Refusal,
    unit::{Context, Unit},
    world::World,
};
use oss_domain::{AuthorityCode, FieldError, OfferId, ProviderId, lifecycle::Answer};

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Which offer.
    pub offer_id: OfferId,
    /// The responsible authority.
    pub authority: AuthorityCode,
    /// Who answers.
    pub provider_id: ProviderId,
    /// Yes or no.
    pub answer: Answer,
    /// The rest.
    pub terms: Terms,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was known already: nothing changed.
    Known,
    /// It was recorded; the place is kept where it could be.
    Accepted(Option<Kept>),
    /// It was recorded.
    Declined,
}

/// Records a provider's answer.
///
/// Late answers count while a home is looked for; the last answer wins over an earlier one; an
/// acceptance keeps the place if it is still free and lawful.
///
/// # Errors
/// `not_approached`; `too_late` after the decision, or after the approach was taken back; a price
/// above the framework's maximum; another's offer.
pub fn answer(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    world: &World<'_>,
    given: Given,
) -> Result<Recorded, Refusal> {
    let Given {
        offer_id,
        authority,
        provider_id,
        answer,
        terms,
    } = given;
    let pair = Pair::open(unit, world, offer_id)?;
    let not_found = || Refusal::NotFound {
        what: format!("offer {offer_id}"),
    };
    if pair.referral.authority != authority {
        return Err(not_found());
    }
    let head = unit
        .offers
        .get(&offer_id)
        .filter(|it| it.approached_at.is_some());
    let head = head.cloned().ok_or_else(|| Refusal::Conflict {
        code: "not_approached",
        why: "the provider was not asked".to_owned(),
    })?;
    if head.provider_id != provider_id {
        let error = FieldError::new(
            "/provider_id",
            "not_your_offer",
            "must be the one that was asked",
        );
        return Err(Refusal::Invalid(vec![error]));
    }
    let state = match answer {
        Answer::Accepted => OfferState::Accepted,
        Answer::Declined => OfferState::Declined,
    };
    if head.state == state && head.terms == terms {
        return Ok(Recorded::Known);
    }
    let taken_back = matches!(
        head.state,
        OfferState::Withdrawn | OfferState::Selected | OfferState::NotSelected
    );
    let gone = answer == Answer::Accepted && !pair.setting.open;
    if taken_back || gone || !pair.referral.state.is_open() {
        return Err(Refusal::Conflict {
            code: "too_late",
            why: "the council has decided or taken the approach back, or the setting has closed"
                .to_owned(),
        });
    }
    if answer == Answer::Accepted {
        within_maximum(&pair, &terms)?;
    }
    let may_hold = hold::may_hold(unit, world, &pair, context.now);

    offer::put(
        unit,
        OfferHead {
            state,
            answered_at: Some(context.now),
            terms,
            ..head
        },
    );
    deadline::settle(unit, context, |due| due == Due::RespondBy(offer_id));
    let act = match answer {
        Answer::Accepted => "offer.accepted",
        Answer::Declined => "offer.declined",
    };
    unit.record(
        context,
        authority,
        Some(pair.referral.key),
        act,
        offer_id,
        None,
    );
    unit.announce(
        context,
        Event::OfferRecorded {
            authority,
            offer_id,
            provider_id,
            answer,
        },
    );
    if answer == Answer::Declined {
        if let Some((hold_id, _)) = hold::held_for(unit, offer_id) {
            hold::release(unit, context, hold_id, "declined", None)?;
        }
        look_further(unit, context, pair.referral.key);
        return Ok(Recorded::Declined);
    }
    if let Some((hold_id, until)) = hold::held_for(unit, offer_id) {
        return Ok(Recorded::Accepted(Some(Kept { hold_id, until })));
    }
    let kept = may_hold
        .ok()
        .map(|lawful| hold::keep(unit, context, world, &pair, lawful, None));
    Ok(Recorded::Accepted(kept))
}

/// Refuses a price above the most that the framework allows.
fn within_maximum(pair: &Pair, terms: &Terms) -> Result<(), Refusal> {
    let framework = pair.entry.framework.as_ref();
    let maximum = framework.and_then(|framework| framework.max_weekly);
    match (terms.weekly_cost, maximum) {
        (Some(asked), Some(maximum)) if asked > maximum => {
            Err(Refusal::Invalid(vec![FieldError::new(
                "/weekly_cost_pence",
                "above_framework_maximum",
                format!("must be at most {maximum} a week, the framework's maximum"),
            )]))
        }
        _ => Ok(()),
    }
}
