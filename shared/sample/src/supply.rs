//! A council's register of settings.

mod family;
mod residential;

use crate::{
    chance::{Chance, split},
    made, names,
    places::{Area, Places},
    profile,
};
use chrono::{Days, NaiveDate};
use family::Household;
use oss_domain::{
    AuthorityCode, ChildId, Pence, Setting, Sex, SexSet,
    identity::IdentityOffered,
    need::Levels,
    setting::{
        ApprovalStatus, Framework, Kind, Occupancy, ParentAndChild, Provider, Quality,
        Registration, Resident, Sourcing, TermsOfApproval,
    },
};
use std::collections::BTreeSet;

/// The day that the register's dates lie about: reviews fall due within the year after it, and
/// some are late.
pub const REGISTER_DATE: NaiveDate = match NaiveDate::from_ymd_opt(2026, 11, 1) {
    Some(date) => date,
    None => NaiveDate::MIN,
};

/// How many settings there are of each group, in a register of Derby's size.
const DERBY: [(Group, u32); 8] = [
    (Group::InHouse, 75),
    (Group::Connected, 20),
    (Group::Agency, 600),
    (Group::OwnHomes, 5),
    (Group::Homes, 210),
    (Group::SupportedAccommodation, 60),
    (Group::FamilyCentres, 3),
    (Group::Secure, 2),
];

#[derive(Clone, Copy, Debug)]
enum Group {
    InHouse,
    Connected,
    Agency,
    OwnHomes,
    Homes,
    SupportedAccommodation,
    FamilyCentres,
    Secure,
}

/// `authority`'s register, of Derby's size: 975 settings.
#[must_use]
pub fn supply(seed: u64, authority: AuthorityCode) -> Vec<Setting> {
    let n = DERBY.iter().map(|(_, count)| *count as usize).sum();
    Register::new(seed, authority).filled(n)
}

/// Derby's register with `n` settings, in the same shares.
#[must_use]
pub fn scaled(seed: u64, n: usize) -> Vec<Setting> {
    Register::new(seed, crate::authority()).filled(n)
}

/// A register while it is being made.
#[derive(Debug)]
struct Register {
    chance: Chance,
    authority: AuthorityCode,
    places: Places,
    council: Provider,
    n_children: u32,
    n_urns: u32,
}

impl Register {
    fn new(seed: u64, authority: AuthorityCode) -> Self {
        let area = Area::of(authority);
        let (provider_id, name) = area.council();
        Self {
            chance: Chance::new(seed, 1),
            authority,
            places: Places::around(area),
            council: Provider {
                provider_id: made(provider_id),
                name: name.to_owned(),
            },
            n_children: 0,
            n_urns: 0,
        }
    }

    fn filled(mut self, n: usize) -> Vec<Setting> {
        let mut settings = Vec::with_capacity(n);
        let weights = DERBY.map(|(_, count)| count);
        for ((group, _), n) in DERBY.into_iter().zip(split(n, &weights)) {
            settings.extend(match group {
                Group::InHouse => self.households(n, Household::InHouse),
                Group::Connected => self.households(n, Household::Connected),
                Group::Agency => self.households(n, Household::Agency),
                Group::OwnHomes => self.own_homes(n),
                Group::Homes => self.homes(n),
                Group::SupportedAccommodation => self.supported_accommodation(n),
                Group::FamilyCentres => self.family_centres(n),
                Group::Secure => self.secure_homes(n),
            });
        }
        settings
    }

    /// A setting with what its group has in common; the rest is as plain as can be.
    fn setting(&mut self, id: &str, kind: Kind, sourcing: Sourcing, provider: Provider) -> Setting {
        Setting {
            setting_id: made(id),
            authority: self.authority,
            version: 1,
            provider,
            kind,
            sourcing,
            framework: None,
            postcode: self.places.local(&mut self.chance),
            registration: Registration {
                registered: true,
                urn: None,
                quality: Quality::Good,
            },
            approval: TermsOfApproval {
                places: 1,
                min_age: 0,
                max_age: 17,
                sexes: SexSet::Both,
                parent_and_child: ParentAndChild::No,
                review_due: None,
                status: ApprovalStatus::Approved,
            },
            occupancy: Occupancy {
                version: 1,
                ..Occupancy::default()
            },
            capabilities: Levels::default(),
            admission_criteria: Levels::default(),
            wheelchair_accessible: false,
            no_male_household: false,
            identity: IdentityOffered::default(),
            weekly_cost: Pence::default(),
            connected_to_children: BTreeSet::new(),
            capacity_confirmed_at: None,
        }
    }

    /// A provider that was not bought ahead: mostly by framework, some by spot.
    fn bought(&mut self, block: u32, spot: u32) -> Sourcing {
        self.chance.weighted(&[
            (Sourcing::Block, block),
            (Sourcing::Framework, 100 - block - spot),
            (Sourcing::Spot, spot),
        ])
    }

    /// The next invented registration number; Ofsted issues none that begins so.
    fn urn(&mut self) -> String {
        self.n_urns += 1;
        format!("ZZ{:06}", self.n_urns)
    }

    fn child(&mut self) -> ChildId {
        self.n_children += 1;
        made(&format!("C{:05}", self.n_children))
    }

    /// Someone who lives in a setting with these terms.
    fn resident(&mut self, approval: &TermsOfApproval) -> Resident {
        let sex = match approval.sexes {
            SexSet::Male => Sex::Male,
            SexSet::Female => Sex::Female,
            SexSet::Both => self.chance.pick(&[Sex::Male, Sex::Female]),
        };
        let (min, max) = (approval.min_age, approval.max_age);
        let age = self.chance.between(min.into(), max.into());
        Resident {
            child_id: self.child(),
            sex,
            age: u8::try_from(age).unwrap_or(max),
        }
    }

    /// When the next review is due: nearly always still to come.
    fn review_due(&mut self) -> Option<NaiveDate> {
        let days = Days::new(self.chance.between(0, 364).into());
        if self.chance.percent(4) {
            REGISTER_DATE.checked_sub_days(Days::new(30))
        } else {
            REGISTER_DATE.checked_add_days(days)
        }
    }
}

/// The invented framework that places of one kind are called off, where they are.
fn framework(setting: &Setting, reference: &str, category: &str) -> Option<Framework> {
    (setting.sourcing == Sourcing::Framework).then(|| Framework {
        reference: format!("SAMPLE-{reference}"),
        category: category.to_owned(),
        // A tenth above today's price, in whole pounds.
        max_weekly: Some(Pence::new(setting.weekly_cost.get() / 1_000 * 1_100)),
    })
}
