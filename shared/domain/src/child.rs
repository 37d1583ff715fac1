//! A child, pseudonymous: an id of the case system, a date of birth, a sex.

use crate::{id::ChildId, ssda903::Ethnicity};
use chrono::{Datelike, NaiveDate};

codes! {
    /// Sex, as the SSDA903 return codes it.
    pub enum Sex {
        /// Male.
        Male = "M",
        /// Female.
        Female = "F",
        /// Unknown or not recorded as either.
        Unknown = "U",
    }
}

/// The sexes a setting is approved for: at least one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SexSet {
    /// Boys only.
    Male,
    /// Girls only.
    Female,
    /// Both.
    Both,
}

impl SexSet {
    /// Whether a child of `sex` is within the approval; unknown is never "yes" of itself.
    #[must_use]
    pub const fn contains(self, sex: Sex) -> bool {
        matches!(
            (self, sex),
            (Self::Both, _) | (Self::Male, Sex::Male) | (Self::Female, Sex::Female)
        )
    }
}

/// A child who needs a home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// The case system's pseudonym.
    pub child_id: ChildId,
    /// The date of birth: ages are worked out on the referral's start date.
    pub date_of_birth: NaiveDate,
    /// The recorded sex.
    pub sex: Sex,
    /// The SSDA903 ethnicity code, where given.
    pub ethnicity: Option<Ethnicity>,
    /// Whether the child is in key stage 4 (years 10 and 11).
    pub key_stage_4: bool,
    /// Whether the child is an unaccompanied asylum-seeking child.
    pub uasc: bool,
}

/// Completed years of life on `on`, or `None` where the birth is later than that.
///
/// Someone born on 29 February has the birthday on 1 March in other years (the rule of the Family
/// Law Reform Act 1969, s 9, as matching.md fixes it).
#[must_use]
pub fn age_on(date_of_birth: NaiveDate, on: NaiveDate) -> Option<u8> {
    if date_of_birth > on {
        return None;
    }
    let years = on.year() - date_of_birth.year();
    let had_birthday = (on.month(), on.day()) >= (date_of_birth.month(), date_of_birth.day());
    u8::try_from(years - i32::from(!had_birthday)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_completed_years() {
        let date = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (born, on, age) in [
            ("2010-12-20", "2026-12-19", Some(15)),
            ("2010-12-20", "2026-12-20", Some(16)),
            ("2012-02-29", "2026-02-28", Some(13)),
            ("2012-02-29", "2026-03-01", Some(14)),
            ("2012-02-29", "2028-02-29", Some(16)),
            ("2026-11-23", "2026-11-23", Some(0)),
            ("2026-11-24", "2026-11-23", None),
        ] {
            assert_eq!(age_on(date(born), date(on)), age, "{born} on {on}");
        }
    }
}
