//! Some twenty sample referrals, each with something of its own.

mod cases;
mod draft;

use crate::{chance::Chance, places::Places, supply};
use chrono::{Days, NaiveDate};
use draft::Desk;
use oss_domain::Referral;

/// Twenty-two referrals of Derby's as they might lie on the desk on `today`.
///
/// Some name children and carers of `supply(seed, authority())`: a sibling who lives there, a
/// former carer, an aunt.
#[must_use]
pub fn referrals(seed: u64, today: NaiveDate) -> Vec<Referral> {
    let register = supply(seed, crate::authority());
    let mut desk = Desk {
        chance: Chance::new(seed, 2),
        places: Places::around(crate::places::Area::of(crate::authority())),
        today,
        n_referrals: 0,
        n_children: 0,
    };
    let mut all = cases::families(&mut desk);
    all.extend(cases::older(&mut desk));
    all.extend(cases::protected(&mut desk));
    all.extend(cases::known_to_carers(&mut desk, &register));
    all
}

/// `days` after `today`; the calendar's end is far off.
fn after(today: NaiveDate, days: u32) -> NaiveDate {
    today
        .checked_add_days(Days::new(days.into()))
        .unwrap_or(today)
}
