//! A referral while it is being written.

use super::after;
use crate::{chance::Chance, made, places::Places};
use chrono::{Months, NaiveDate};
use oss_domain::{
    Child, Level, Need, Needs, Referral, Sex,
    identity::IdentityWanted,
    referral::{Completeness, LegalAuthority, Locations, MatchingConditions, Narrative, Urgency},
    setting::Kind,
    ssda903::{CategoryOfNeed, Ethnicity, LegalStatus},
};
use std::collections::BTreeSet;

/// Where referrals are written: what all of them draw on.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) chance: Chance,
    pub(super) places: Places,
    pub(super) today: NaiveDate,
    pub(super) n_referrals: u32,
    pub(super) n_children: u32,
}

impl Desk {
    /// A full referral without a child yet: a home and a school in the city, nothing special.
    pub(super) fn referral(&mut self, urgency: Urgency, title: &str, kinds: &[Kind]) -> Referral {
        self.n_referrals += 1;
        let days = match urgency {
            Urgency::Emergency => 0,
            Urgency::Urgent => self.chance.between(1, 3),
            Urgency::Planned => self.chance.between(14, 42),
        };
        Referral {
            referral_id: made(&format!("R{:04}", self.n_referrals)),
            authority: crate::authority(),
            revision: 1,
            urgency,
            start_date: after(self.today, days),
            placement_types: kinds.to_vec(),
            children: Vec::new(),
            completeness: Completeness::Full,
            needs: Needs::default(),
            locations: Locations {
                home: Some(self.places.local(&mut self.chance)),
                school: Some(self.places.local(&mut self.chance)),
                contact: Vec::new(),
            },
            identity: IdentityWanted::default(),
            matching: MatchingConditions::default(),
            avoid_children: BTreeSet::new(),
            siblings_elsewhere: BTreeSet::new(),
            exclusion_zones: Vec::new(),
            excluded_authorities: BTreeSet::new(),
            legal_authority: LegalAuthority::default(),
            legal_status: Some(LegalStatus::C1),
            category_of_need: Some(CategoryOfNeed::N1),
            previous_setting: None,
            narrative: Narrative {
                title: Some(title.to_owned()),
                ..Narrative::default()
            },
        }
    }

    /// A child who is `age` on the start date, one to eleven months past the birthday.
    pub(super) fn child(&mut self, start: NaiveDate, age: u8, sex: Sex) -> Child {
        self.n_children += 1;
        let months = u32::from(age) * 12 + self.chance.between(1, 11);
        Child {
            child_id: made(&format!("K{:04}", self.n_children)),
            date_of_birth: start
                .checked_sub_months(Months::new(months))
                .unwrap_or(start),
            sex,
            ethnicity: Some(Ethnicity::Wbri),
            key_stage_4: (14..=15).contains(&age),
            uasc: false,
        }
    }

    /// Adds a child to the group.
    pub(super) fn add(&mut self, referral: &mut Referral, age: u8, sex: Sex) {
        let child = self.child(referral.start_date, age, sex);
        referral.children.push(child);
    }
}

/// Needs from levels, those marked `true` to be met in full.
pub(super) fn needs(levels: &[(Need, u8, bool)]) -> Needs {
    Needs {
        levels: levels
            .iter()
            .map(|(need, level, _)| (*need, Level::new(*level).unwrap_or(Level::MAX)))
            .collect(),
        essential: levels
            .iter()
            .filter(|(_, _, essential)| *essential)
            .map(|(need, _, _)| *need)
            .collect(),
    }
}
