//! A referral arrives, is amended, is withdrawn.

use crate::{
    call_off,
    event::Event,
    hold,
    key::ReferralKey,
    refusal::Refusal,
    unit::{ContentHash, Context, Entry, ReferralHead, Unit},
};
use oss_domain::{AuthorityCode, Referral, ReferralId, lifecycle::ReferralState};
use std::sync::Arc;

/// What became of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It was stored, and the referral is to be ranked for it.
    ToRank,
    /// It was stored; the referral is decided, so it is not ranked again.
    Stored,
    /// It was known already, is older than what is known, or the referral is withdrawn.
    Ignored,
}

/// Takes in a revision of a referral, whether it comes as submitted or as amended.
///
/// The highest revision wins, gaps are fine, and order does not matter (contract §1). The caller
/// has checked that its postcodes can be located. A place that is kept for another group than the
/// revision's is let go, and providers that wait are told what has changed for them.
///
/// # Errors
///
/// [`Refusal::RevisionConflict`] where the revision was received before with another content.
pub fn receive(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    referral: &Arc<Referral>,
    content: ContentHash,
) -> Result<Received, Refusal> {
    let at = (referral.authority, referral.referral_id.clone());
    let revision = referral.revision;
    let (key, state) = match unit.referrals.get(&at) {
        None => (spare_key(unit)?, ReferralState::Received),
        Some(head) if head.state == ReferralState::Withdrawn || revision < head.revision => {
            return Ok(Received::Ignored);
        }
        Some(head) if revision == head.revision && content == head.content => {
            return Ok(Received::Ignored);
        }
        Some(head) if revision == head.revision => {
            return Err(Refusal::RevisionConflict { revision });
        }
        Some(head) => (head.key, head.state),
    };
    let head = unit
        .referrals
        .entry(at.clone())
        .or_insert_with(|| ReferralHead {
            key,
            authority: at.0,
            referral_id: at.1.clone(),
            revision,
            content,
            state,
            run: None,
            evaluated: None,
            received_at: context.now,
            referral: None,
        });
    head.revision = revision;
    head.content = content;
    let before = head.referral.replace(referral.clone());
    // A run for an older revision is not right for any supply.
    head.evaluated = None;
    unit.log.push(Entry::Revision {
        key,
        referral: referral.clone(),
        content,
        received_at: context.now,
    });
    unit.record(
        context,
        at.0,
        Some(key),
        "referral.received",
        format!("revision {revision}"),
        None,
    );
    unit.announce(
        context,
        Event::ReferralReceived {
            authority: at.0,
            referral_id: at.1.clone(),
            revision,
            received_at: context.now,
        },
    );
    unit.changed_referrals.insert(at);
    hold::follow_revision(unit, context, referral, key);
    if let Some(before) = before {
        call_off::tell_revised(unit, context, key, &before, referral);
    }
    Ok(if state.is_open() {
        Received::ToRank
    } else {
        Received::Stored
    })
}

/// Closes a referral that needs no home any more; final, even when it arrives first. What was begun
/// for it is taken back.
///
/// Returns whether anything changed.
///
/// # Errors
///
/// None that a sender could mend; see [`receive`] for the store's part.
pub fn withdraw(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    authority: AuthorityCode,
    referral_id: &ReferralId,
    reason: &str,
) -> Result<bool, Refusal> {
    let at = (authority, referral_id.clone());
    match unit.referrals.get(&at).map(|head| head.state) {
        Some(ReferralState::Withdrawn | ReferralState::Placed) => return Ok(false),
        Some(_) => {}
        None => {
            let key = spare_key(unit)?;
            unit.referrals.insert(
                at.clone(),
                ReferralHead {
                    key,
                    authority,
                    referral_id: referral_id.clone(),
                    revision: 0,
                    content: [0; 32],
                    state: ReferralState::Received,
                    run: None,
                    evaluated: None,
                    received_at: context.now,
                    referral: None,
                },
            );
        }
    }
    let Some(head) = unit.referrals.get_mut(&at) else {
        return Ok(false);
    };
    head.state = ReferralState::Withdrawn;
    let key = head.key;
    unit.record(
        context,
        authority,
        Some(key),
        "referral.withdrawn",
        referral_id,
        Some(reason.to_owned()),
    );
    unit.announce(
        context,
        Event::ReferralClosed {
            authority,
            referral_id: referral_id.clone(),
            placement_id: None,
        },
    );
    unit.changed_referrals.insert(at);
    call_off::wind_up(unit, context, key, "referral_withdrawn");
    Ok(true)
}

fn spare_key(unit: &mut Unit) -> Result<ReferralKey, Refusal> {
    unit.spare_referral_keys
        .pop()
        .ok_or_else(|| Refusal::Conflict {
            code: "not_opened",
            why: "the referral was not part of the unit of work".to_owned(),
        })
}
