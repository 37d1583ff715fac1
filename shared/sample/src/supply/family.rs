//! Families: the council's own carers, connected persons, agencies' carers.

use super::{Register, framework, names, profile};
use crate::chance::Chance;
use chrono::Days;
use oss_domain::{
    Setting,
    setting::{
        ApprovalStatus, Kind, ParentAndChild, Quality, Restriction, RestrictionReason, Sourcing,
    },
};

/// How many agencies a register of any size knows.
const N_AGENCIES: u32 = 15;

/// Whose household it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Household {
    InHouse,
    Connected,
    Agency,
}

/// Whether there is room in a household.
#[derive(Clone, Copy, Debug)]
enum Room {
    Filled,
    Vacant,
    OnHold,
}

/// What a household offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    Mainstream,
    Enhanced,
    Disability,
    ParentAndChild,
}

impl Register {
    /// `n` households of one sort.
    pub(super) fn households(&mut self, n: usize, household: Household) -> Vec<Setting> {
        let (filled, vacant) = match household {
            Household::Agency => (62, 14),
            Household::InHouse | Household::Connected => (58, 10),
        };
        let on_hold = 100 - filled - vacant;
        let rooms = [
            (Room::Filled, filled),
            (Room::Vacant, vacant),
            (Room::OnHold, on_hold),
        ];
        let rooms = self.chance.deal(n, &rooms);
        let places = self.chance.deal(n, &[(1, 50), (2, 36), (3, 14)]);
        let offers = self.chance.deal(n, offers(household));
        let mut settings = Vec::with_capacity(n);
        for (idx, ((room, places), offer)) in rooms.into_iter().zip(places).zip(offers).enumerate()
        {
            let mut setting = self.household(household, idx + 1, places, offer);
            self.settle(&mut setting, room);
            settings.push(setting);
        }
        settings
    }

    fn household(
        &mut self,
        household: Household,
        number: usize,
        places: u16,
        offer: Offer,
    ) -> Setting {
        let mut setting = match household {
            // F: the council's own foster carers, P: connected persons, A: agencies' carers.
            Household::InHouse => {
                let (id, own) = (format!("F{number:04}"), self.council.clone());
                self.setting(&id, Kind::FosteringHousehold, Sourcing::InHouse, own)
            }
            Household::Connected => {
                let (id, own) = (format!("P{number:04}"), self.council.clone());
                self.setting(&id, Kind::ConnectedPerson, Sourcing::Connected, own)
            }
            Household::Agency => {
                let sourcing = self.bought(0, 12);
                let agency = self.chance.between(0, N_AGENCIES - 1);
                let provider = names::provider(names::Trade::Fostering, agency);
                let id = format!("A{number:04}");
                self.setting(&id, Kind::FosteringHousehold, sourcing, provider)
            }
        };
        let near = if household == Household::Agency {
            20
        } else {
            60
        };
        setting.postcode = self.places.mostly_local(&mut self.chance, near);
        let chance = &mut self.chance;
        setting.weekly_cost = price(chance, household, offer);
        setting.framework = framework(&setting, "FOSTERING", category(offer));
        setting.registration.quality = match household {
            Household::InHouse | Household::Connected => Quality::LocalAuthority,
            Household::Agency => chance.weighted(&[
                (Quality::Outstanding, 22),
                (Quality::Good, 66),
                (Quality::RequiresImprovement, 9),
                (Quality::None, 3),
            ]),
        };
        let (min_age, max_age) = match offer {
            Offer::ParentAndChild => (0, 17),
            Offer::Enhanced => chance.pick(&[(8, 17), (10, 17), (5, 17)]),
            Offer::Mainstream | Offer::Disability => profile::family_ages(chance),
        };
        let approval = &mut setting.approval;
        approval.places = places;
        (approval.min_age, approval.max_age) = (min_age, max_age);
        approval.sexes = profile::sexes(chance);
        if offer == Offer::ParentAndChild {
            approval.parent_and_child = chance.pick(&[ParentAndChild::Also, ParentAndChild::Only]);
        }
        if household == Household::Connected {
            approval.status = chance.weighted(&[
                (ApprovalStatus::Approved, 60),
                (ApprovalStatus::Temporary, 30),
                (ApprovalStatus::NotYetApproved, 10),
            ]);
        }
        setting.capabilities = profile::levels(chance, needs_met(offer));
        setting.identity = profile::identity(chance);
        setting.no_male_household = chance.percent(15);
        setting.wheelchair_accessible = chance.percent(match offer {
            Offer::Disability => 60,
            Offer::Mainstream | Offer::Enhanced | Offer::ParentAndChild => 5,
        });
        setting.approval.review_due = self.review_due();
        if household == Household::Agency {
            setting.registration.urn = Some(self.urn());
        }
        setting
    }

    /// Lets children move in, as far as `room` says, and closes the household where it is on hold.
    fn settle(&mut self, setting: &mut Setting, room: Room) {
        let places = setting.approval.places;
        let n_residents = match room {
            Room::Filled => u32::from(places),
            Room::Vacant => self.chance.between(0, u32::from(places) - 1),
            Room::OnHold => self.chance.between(0, places.into()),
        };
        for _ in 0..n_residents {
            let resident = self.resident(&setting.approval);
            if setting.kind == Kind::ConnectedPerson {
                setting
                    .connected_to_children
                    .insert(resident.child_id.clone());
            }
            setting.occupancy.residents.push(resident);
        }
        if setting.connected_to_children.is_empty() {
            let child = self.child();
            setting.connected_to_children = match setting.kind {
                Kind::ConnectedPerson => [child].into(),
                _ => [].into(),
            };
        }
        let free = places.saturating_sub(u16::try_from(n_residents).unwrap_or(places));
        setting.occupancy.bedrooms_free = match self.chance.between(1, 100) {
            // Not asked yet.
            1..=6 => None,
            // Two may share.
            7..=14 => Some(free.saturating_sub(1)),
            _ => Some(free),
        };
        if matches!(room, Room::OnHold) {
            setting.occupancy.restrictions.push(hold(&mut self.chance));
        }
    }
}

const fn offers(household: Household) -> &'static [(Offer, u32)] {
    match household {
        Household::InHouse => &[
            (Offer::Mainstream, 88),
            (Offer::Enhanced, 4),
            (Offer::Disability, 4),
            (Offer::ParentAndChild, 4),
        ],
        Household::Connected => &[(Offer::Mainstream, 100)],
        Household::Agency => &[
            (Offer::Mainstream, 78),
            (Offer::Enhanced, 12),
            (Offer::Disability, 5),
            (Offer::ParentAndChild, 5),
        ],
    }
}

fn price(chance: &mut Chance, household: Household, offer: Offer) -> oss_domain::Pence {
    match (household, offer) {
        (Household::InHouse, _) => chance.price(480.0, 0.2),
        // Allowances without a fee (assumption).
        (Household::Connected, _) => chance.price(350.0, 0.15),
        (Household::Agency, Offer::Mainstream) => chance.price(980.0, 0.15),
        (Household::Agency, _) => chance.price(1_500.0, 0.25),
    }
}

const fn category(offer: Offer) -> &'static str {
    match offer {
        Offer::Mainstream => "standard",
        Offer::Enhanced => "enhanced",
        Offer::Disability => "disability",
        Offer::ParentAndChild => "parent and child",
    }
}

const fn needs_met(offer: Offer) -> profile::Profile {
    match offer {
        Offer::Mainstream => profile::MAINSTREAM,
        Offer::Enhanced => profile::ENHANCED,
        Offer::Disability => profile::FAMILY_WITH_DISABILITY,
        Offer::ParentAndChild => profile::PARENT_AND_CHILD,
    }
}

/// Why a household takes nobody, and until when where that is known.
fn hold(chance: &mut Chance) -> Restriction {
    let reason = chance.weighted(&[
        (RestrictionReason::CarerUnavailable, 70),
        (RestrictionReason::NoticeGiven, 15),
        (RestrictionReason::StandardsOfCare, 10),
        (RestrictionReason::Section47, 5),
    ]);
    let weeks = u64::from(chance.between(4, 40));
    let until = super::REGISTER_DATE.checked_add_days(Days::new(weeks * 7));
    Restriction {
        reason,
        until: until.filter(|_| reason == RestrictionReason::CarerUnavailable && weeks % 2 == 0),
    }
}
