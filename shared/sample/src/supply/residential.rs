//! Homes, supported accommodation, residential family centres, secure homes.

use super::{Register, framework, names, profile};
use names::Trade;
use oss_domain::{
    Level, Need, Setting,
    need::Levels,
    setting::{Kind, ParentAndChild, Quality, Sourcing},
};

/// What becomes of a place in a home.
#[derive(Clone, Copy, Debug)]
enum Bed {
    Taken,
    /// Empty, and kept so: nobody would fit with those who live there.
    Blocked,
    Free,
}

/// 84 % are taken; of the others a third is blocked. In 300ths.
const BEDS: [(Bed, u32); 3] = [(Bed::Taken, 252), (Bed::Blocked, 16), (Bed::Free, 32)];

/// How many places a home has, by hundredths of homes.
const SIZES: [(u16, u32); 10] = [
    (1, 8),
    (2, 17),
    (3, 32),
    (4, 21),
    (5, 11),
    (6, 6),
    (7, 2),
    (8, 1),
    (9, 1),
    (10, 1),
];

const QUALITY: [(Quality, u32); 5] = [
    (Quality::Good, 61),
    (Quality::Outstanding, 22),
    (Quality::RequiresImprovement, 8),
    (Quality::Inadequate, 1),
    // Not inspected yet.
    (Quality::None, 8),
];

impl Register {
    /// The council's own homes: of five, one is for autism and learning disability, and they have
    /// 24 places together.
    pub(super) fn own_homes(&mut self, n: usize) -> Vec<Setting> {
        let sizes = [5, 5, 5, 5, 4].into_iter().cycle().take(n);
        let mut homes = Vec::with_capacity(n);
        for (idx, places) in sizes.enumerate() {
            let own = self.council.clone();
            // C: the council's own homes, H: others.
            let id = format!("C{:03}", idx + 1);
            let mut home = self.setting(&id, Kind::ChildrensHome, Sourcing::InHouse, own);
            home.weekly_cost = self.chance.price(3_700.0, 0.12);
            home.registration.urn = Some(self.urn());
            home.approval.places = places;
            (home.approval.min_age, home.approval.max_age) = (8, 17);
            let disability = idx % 5 == 4;
            home.wheelchair_accessible = disability;
            home.capabilities = profile::levels(
                &mut self.chance,
                if disability {
                    profile::HOME_WITH_DISABILITY
                } else {
                    profile::HOME
                },
            );
            if disability {
                home.admission_criteria = disability_of_level_two();
            }
            homes.push(home);
        }
        self.fill(&mut homes);
        homes
    }

    /// Homes in D2N2, most of them private.
    pub(super) fn homes(&mut self, n: usize) -> Vec<Setting> {
        let sizes = self.chance.deal(n, &SIZES);
        let quality = self.chance.deal(n, &QUALITY);
        let private = self.chance.deal(n, &[(true, 83), (false, 17)]);
        // A company runs about four homes, a charity or another council about three.
        let n_companies = u32::try_from(n / 5).unwrap_or(u32::MAX).clamp(1, 160);
        let mut homes = Vec::with_capacity(n);
        for (idx, ((places, quality), private)) in
            sizes.into_iter().zip(quality).zip(private).enumerate()
        {
            let provider = if private {
                names::provider(Trade::Homes, self.chance.between(0, n_companies - 1))
            } else {
                names::provider(Trade::Homes, 160 + self.chance.between(0, 11))
            };
            let sourcing = self.bought(10, 35);
            let id = format!("H{:03}", idx + 1);
            let mut home = self.setting(&id, Kind::ChildrensHome, sourcing, provider);
            home.postcode = self.places.mostly_local(&mut self.chance, 12);
            home.registration.urn = Some(self.urn());
            home.registration.quality = quality;
            home.approval.places = places;
            let ages = [((8, 17), 50), ((10, 17), 25), ((11, 17), 15), ((7, 13), 10)];
            (home.approval.min_age, home.approval.max_age) = self.chance.weighted(&ages);
            home.approval.sexes = profile::sexes(&mut self.chance);
            self.specialise(&mut home, places);
            homes.push(home);
        }
        self.fill(&mut homes);
        homes
    }

    /// What a home is for, and so what it costs.
    fn specialise(&mut self, home: &mut Setting, places: u16) {
        let complex = places == 1 || (places == 2 && self.chance.percent(20));
        let (profile, category) = if complex {
            (profile::COMPLEX, "solo or complex")
        } else if self.chance.percent(18) {
            home.wheelchair_accessible = self.chance.percent(60);
            home.admission_criteria = disability_of_level_two();
            (profile::HOME_WITH_DISABILITY, "disability")
        } else {
            (profile::HOME, "emotional and behavioural")
        };
        home.weekly_cost = if complex {
            self.chance.price(10_500.0, 0.3)
        } else {
            self.chance.price(6_000.0, 0.28)
        };
        home.capabilities = profile::levels(&mut self.chance, profile);
        home.framework = framework(home, "HOMES", category);
    }

    /// Registered supported accommodation, for 16 and 17.
    pub(super) fn supported_accommodation(&mut self, n: usize) -> Vec<Setting> {
        let quality = [
            (Quality::ConsistentlyStrong, 50),
            (Quality::Inconsistent, 30),
            (Quality::SeriousWeaknesses, 5),
            (Quality::None, 15),
        ];
        let quality = self.chance.deal(n, &quality);
        let mut settings = Vec::with_capacity(n);
        for (idx, quality) in quality.into_iter().enumerate() {
            let provider =
                names::provider(Trade::SupportedAccommodation, self.chance.between(0, 19));
            let sourcing = self.bought(15, 20);
            let id = format!("S{:03}", idx + 1);
            let mut setting = self.setting(&id, Kind::SupportedAccommodation, sourcing, provider);
            setting.postcode = self.places.mostly_local(&mut self.chance, 45);
            setting.weekly_cost = self.chance.price(1_100.0, 0.5);
            setting.framework = framework(&setting, "SUPPORTED", "shared or group");
            setting.registration.urn = Some(self.urn());
            setting.registration.quality = quality;
            (setting.approval.min_age, setting.approval.max_age) = (16, 17);
            setting.approval.places =
                self.chance
                    .weighted(&[(1, 20), (2, 20), (3, 20), (4, 25), (6, 15)]);
            setting.approval.sexes = profile::sexes(&mut self.chance);
            setting.capabilities = profile::levels(&mut self.chance, profile::SUPPORTED);
            setting.identity = profile::identity(&mut self.chance);
            settings.push(setting);
        }
        self.fill(&mut settings);
        settings
    }

    /// Where a parent and a child are assessed together; prices are an assumption.
    pub(super) fn family_centres(&mut self, n: usize) -> Vec<Setting> {
        let mut centres = Vec::with_capacity(n);
        for idx in 0..n {
            let provider = names::provider(Trade::FamilyCentres, self.chance.between(0, 2));
            let id = format!("R{:03}", idx + 1);
            let kind = Kind::ResidentialFamilyCentre;
            let mut centre = self.setting(&id, kind, Sourcing::Spot, provider);
            centre.postcode = self.places.mostly_local(&mut self.chance, 0);
            centre.weekly_cost = self.chance.price(4_500.0, 0.15);
            centre.registration.urn = Some(self.urn());
            centre.approval.places = 6;
            centre.approval.parent_and_child = ParentAndChild::Only;
            centre.capabilities = profile::levels(&mut self.chance, profile::PARENT_AND_CHILD);
            centres.push(centre);
        }
        self.fill(&mut centres);
        centres
    }

    /// Where a court may let a child be locked in.
    pub(super) fn secure_homes(&mut self, n: usize) -> Vec<Setting> {
        let mut homes = Vec::with_capacity(n);
        for idx in 0..n {
            let provider = names::provider(Trade::Secure, self.chance.between(0, 2));
            let id = format!("X{:03}", idx + 1);
            let kind = Kind::SecureChildrensHome;
            let mut home = self.setting(&id, kind, Sourcing::Spot, provider);
            home.postcode = self.places.mostly_local(&mut self.chance, 0);
            home.weekly_cost = self.chance.price(8_000.0, 0.1);
            home.registration.urn = Some(self.urn());
            home.approval.places = 12;
            (home.approval.min_age, home.approval.max_age) = (10, 17);
            home.capabilities = profile::levels(&mut self.chance, profile::SECURE);
            homes.push(home);
        }
        self.fill(&mut homes);
        homes
    }

    /// Lets children move into homes, over all of their places.
    fn fill(&mut self, homes: &mut [Setting]) {
        let n_places: usize = homes.iter().map(|home| home.approval.places as usize).sum();
        let mut beds = self.chance.deal(n_places, &BEDS).into_iter();
        for home in homes {
            for bed in beds.by_ref().take(home.approval.places.into()) {
                match bed {
                    Bed::Taken => {
                        let resident = self.resident(&home.approval);
                        home.occupancy.residents.push(resident);
                    }
                    Bed::Blocked => home.occupancy.blocked_places += 1,
                    Bed::Free => {}
                }
            }
        }
    }
}

/// A home for disabled children takes those with a learning disability or autism.
fn disability_of_level_two() -> Levels {
    let level = Level::new(2).unwrap_or_default();
    [(Need::LearningDisability, level), (Need::Autism, level)]
        .into_iter()
        .collect()
}
