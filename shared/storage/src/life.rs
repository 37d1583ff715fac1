//! From offer to placement: what a unit loads and writes of it, a file for each noun.
//!
//! All of it changes under the locks of its authority's register and of its referral, and goes back
//! to an offer. So a unit that has neither the one nor asks to read it loads none of it, and one
//! whose referrals have no offers looks no further: ranking pays for nothing here.

mod approvals;
mod conditions;
mod deadlines;
mod offers;
mod placements;
mod words;

use crate::{
    error::Result,
    seal::InstallationKey,
    store::{Loaded, PgStore},
};
use oss_workflow::{ReferralKey, Unit, unit::changed};
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

pub use approvals::{ApprovalCursor, WaitingFilter};
pub(crate) use offers::pence;
pub(crate) use words::Sealed;

impl PgStore {
    /// Loads what was begun for the referrals that are to be told of.
    pub(crate) async fn load_life(
        &self,
        conn: &mut PgConnection,
        told: &BTreeSet<ReferralKey>,
        unit: &mut Unit,
    ) -> Result<()> {
        let referrals: Vec<_> = told.iter().map(|key| key.0).collect();
        if referrals.is_empty() {
            return Ok(());
        }
        let offers = offers::load(conn, &self.key, &referrals, &[]).await?;
        if offers.is_empty() {
            return Ok(());
        }
        unit.offers
            .extend(offers.into_iter().map(|it| (it.offer_id, it)));
        let deadlines = deadlines::load_open(conn, &referrals).await?;
        unit.deadlines
            .extend(deadlines.into_iter().map(|it| (it.deadline_id, it)));
        let conditions = conditions::load(conn, &self.key, &referrals).await?;
        unit.conditions
            .extend(conditions.into_iter().map(|it| (it.condition_id, it)));
        let placements = placements::load(conn, &self.key, &referrals, &[]).await?;
        if placements.is_empty() {
            return Ok(());
        }
        unit.placements
            .extend(placements.into_iter().map(|it| (it.placement_id, it)));
        let approvals = approvals::load(conn, &self.key, &referrals, &[]).await?;
        unit.approvals
            .extend(approvals.into_iter().map(|it| (it.approval_id, it)));
        Ok(())
    }
}

/// Seals what the unit's changes tell in words, each referral's with its own key.
pub(crate) fn seal(
    installation: &InstallationKey,
    unit: &Unit,
    loaded: &mut HashMap<ReferralKey, Loaded>,
) -> Result<Sealed> {
    let mut sealed = Sealed::default();
    for offer in changed(&unit.changed_offers, &unit.offers) {
        offers::seal(&mut sealed, installation, loaded, offer)?;
    }
    for placement in changed(&unit.changed_placements, &unit.placements) {
        placements::seal(&mut sealed, installation, loaded, placement)?;
    }
    for approval in changed(&unit.changed_approvals, &unit.approvals) {
        approvals::seal(&mut sealed, installation, loaded, approval)?;
    }
    for condition in changed(&unit.changed_conditions, &unit.conditions) {
        conditions::seal(&mut sealed, installation, loaded, condition)?;
    }
    Ok(sealed)
}

/// Writes what changed. What ends is written before what begins: there is one of some at a time.
pub(crate) async fn write(conn: &mut PgConnection, unit: &Unit, sealed: &Sealed) -> Result<()> {
    let offers = changed(&unit.changed_offers, &unit.offers).collect();
    offers::write(conn, offers, sealed).await?;
    let placements = changed(&unit.changed_placements, &unit.placements).collect();
    placements::write(conn, unit, placements, sealed).await?;
    let approvals = changed(&unit.changed_approvals, &unit.approvals).collect();
    approvals::write(conn, approvals, sealed).await?;
    let conditions = changed(&unit.changed_conditions, &unit.conditions).collect();
    conditions::write(conn, conditions, sealed).await?;
    let deadlines = changed(&unit.changed_deadlines, &unit.deadlines).collect();
    deadlines::write(conn, deadlines).await
}

/// A column of rows.
fn column<'r, T, U>(rows: &[&'r T], get: impl Fn(&'r T) -> U) -> Vec<U> {
    rows.iter().map(|row| get(row)).collect()
}

/// The sealed words of each row.
fn words_of<'s, T>(
    rows: &[&T],
    sealed: &'s Sealed,
    id: impl Fn(&T) -> Uuid,
) -> Vec<Option<&'s [u8]>> {
    rows.iter().map(|row| sealed.get(id(row))).collect()
}
