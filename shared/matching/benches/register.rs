//! Made-up registers for measuring: one such as a city has, and one where every setting fits.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "made-up data of known size"
)]

use chrono::{DateTime, Utc};
use oss_domain::{
    Child, Level, Need, Needs, Pence, Postcode, Referral, Setting, Sex, SexSet,
    identity::{IdentityOffered, IdentityWanted},
    need::Levels,
    referral::{Completeness, LegalAuthority, Locations, MatchingConditions, Narrative, Urgency},
    setting::{
        ApprovalStatus, Kind, Occupancy, ParentAndChild, Provider, Quality, Registration, Resident,
        Restriction, RestrictionReason, Sourcing, TermsOfApproval,
    },
    ssda903::Ethnicity,
};
use oss_geography::{GridPoint, Location, Precision};
use oss_matching::{Policy, Query, Supply};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

const DERBY: &str = "E06000015";

/// What share of the register can be ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Register {
    /// As in a city: most settings are of another kind, full or otherwise out.
    Typical,
    /// Every setting fits.
    AllRanked,
}

/// The instant at which everything is evaluated.
pub(crate) fn evaluated_at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_425_000, 0).unwrap_or_default()
}

fn place(easting: u32, northing: u32, authority: &str) -> Location {
    Location {
        point: GridPoint { easting, northing },
        authority: authority.parse().unwrap(),
        precision: Precision::Unit,
        authority_certain: true,
    }
}

/// A boy of twelve, as referrals mostly are.
pub(crate) fn query(register: Register, policy: &Policy) -> Query {
    let levels = [
        (Need::Emotional, 2),
        (Need::Behaviour, 2),
        (Need::Relationships, 2),
        (Need::Risk, 1),
    ];
    let referral = Referral {
        referral_id: "R1".parse().unwrap(),
        authority: DERBY.parse().unwrap(),
        revision: 1,
        urgency: Urgency::Planned,
        start_date: "2026-12-07".parse().unwrap(),
        placement_types: match register {
            Register::Typical => vec![Kind::FosteringHousehold, Kind::ChildrensHome],
            Register::AllRanked => Kind::ALL.to_vec(),
        },
        children: vec![Child {
            child_id: "c1".parse().unwrap(),
            date_of_birth: "2014-05-02".parse().unwrap(),
            sex: Sex::Male,
            ethnicity: None,
            key_stage_4: false,
            uasc: false,
        }],
        completeness: Completeness::Full,
        needs: Needs {
            levels: levels
                .into_iter()
                .map(|(need, level)| (need, Level::new(level).unwrap()))
                .collect(),
            essential: match register {
                Register::Typical => std::iter::once(Need::Behaviour).collect(),
                Register::AllRanked => std::iter::empty().collect(),
            },
        },
        locations: Locations {
            home: Some("DE21 6AG".parse().unwrap()),
            school: Some("DE22 3NE".parse().unwrap()),
            contact: Vec::new(),
        },
        identity: IdentityWanted {
            ethnicities: [Ethnicity::Wbri].into(),
            religion: None,
            languages: ["en".parse().unwrap()].into(),
        },
        matching: MatchingConditions {
            no_younger_children: register == Register::Typical,
            ..MatchingConditions::default()
        },
        avoid_children: ["k7".parse().unwrap()].into(),
        siblings_elsewhere: std::iter::empty().collect(),
        exclusion_zones: Vec::new(),
        excluded_authorities: std::iter::empty().collect(),
        legal_authority: LegalAuthority::default(),
        legal_status: None,
        category_of_need: None,
        previous_setting: Some("S000007".parse().unwrap()),
        narrative: Narrative::default(),
    };
    let locate = |postcode: &Postcode| {
        Some(match postcode.as_str() {
            "DE21 6AG" => place(436_400, 337_000, DERBY),
            "DE22 3NE" => place(432_900, 335_500, DERBY),
            _ => place(435_461, 336_327, DERBY),
        })
    };
    Query::compile_with(&referral, locate, policy).unwrap()
}

/// A register of `n` settings.
pub(crate) fn supply(register: Register, n: usize) -> Supply {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(7));
    let settings = (0..n).map(|idx| dice.setting(register, idx));
    Supply::load(DERBY.parse().unwrap(), settings).unwrap()
}

struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, n: u32) -> u32 {
        self.0.next_u32() % n
    }

    fn percent(&mut self, chance: u32) -> bool {
        self.below(100) < chance
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize].clone()
    }

    fn levels(&mut self, lowest: u32) -> Levels {
        Need::ALL
            .iter()
            .map(|need| {
                (
                    *need,
                    Level::new((lowest + self.below(5 - lowest)) as u8).unwrap(),
                )
            })
            .collect()
    }

    fn resident(&mut self) -> Resident {
        Resident {
            child_id: format!("k{}", self.below(100_000)).parse().unwrap(),
            sex: self.pick(&[Sex::Male, Sex::Female]),
            age: self.below(18) as u8,
        }
    }

    fn approval(&mut self, typical: bool) -> TermsOfApproval {
        TermsOfApproval {
            places: if typical { 1 + self.below(4) as u16 } else { 4 },
            min_age: if typical {
                self.pick(&[0, 0, 5, 10, 13])
            } else {
                0
            },
            max_age: if typical {
                self.pick(&[17, 17, 12, 10])
            } else {
                17
            },
            sexes: if typical {
                self.pick(&[SexSet::Both, SexSet::Both, SexSet::Male, SexSet::Female])
            } else {
                SexSet::Both
            },
            parent_and_child: if typical && self.percent(5) {
                ParentAndChild::Only
            } else {
                ParentAndChild::No
            },
            review_due: Some("2027-03-31".parse().unwrap()),
            status: ApprovalStatus::Approved,
        }
    }

    fn setting(&mut self, register: Register, idx: usize) -> (Setting, Location) {
        let typical = register == Register::Typical;
        let kind = if typical {
            self.pick(&[
                Kind::FosteringHousehold,
                Kind::FosteringHousehold,
                Kind::FosteringHousehold,
                Kind::ChildrensHome,
                Kind::SupportedAccommodation,
                Kind::ConnectedPerson,
            ])
        } else {
            self.pick(&[
                Kind::FosteringHousehold,
                Kind::FosteringHousehold,
                Kind::ChildrensHome,
                Kind::ResidentialFamilyCentre,
            ])
        };
        let n_residents = if typical {
            self.below(4)
        } else {
            self.below(2)
        };
        let setting = Setting {
            setting_id: format!("S{idx:06}").parse().unwrap(),
            authority: DERBY.parse().unwrap(),
            version: 1,
            provider: Provider {
                provider_id: format!("P{}", self.below(80)).parse().unwrap(),
                name: "A provider".into(),
            },
            kind,
            sourcing: self.pick(&[Sourcing::InHouse, Sourcing::Framework, Sourcing::Spot]),
            framework: None,
            postcode: "DE1 2FS".parse().unwrap(),
            registration: Registration {
                registered: !typical || self.percent(97),
                urn: None,
                quality: self.pick(&[
                    Quality::Outstanding,
                    Quality::Good,
                    Quality::LocalAuthority,
                    Quality::RequiresImprovement,
                ]),
            },
            approval: self.approval(typical),
            occupancy: Occupancy {
                version: 1,
                residents: (0..n_residents).map(|_| self.resident()).collect(),
                blocked_places: 0,
                bedrooms_free: Some(if typical { self.below(3) as u16 } else { 3 }),
                restrictions: if typical && self.percent(4) {
                    vec![Restriction {
                        reason: RestrictionReason::Section47,
                        until: None,
                    }]
                } else {
                    Vec::new()
                },
            },
            capabilities: self.levels(u32::from(!typical)),
            admission_criteria: Levels::default(),
            wheelchair_accessible: self.percent(20),
            no_male_household: self.percent(10),
            identity: IdentityOffered {
                ethnicities: [self.pick(Ethnicity::ALL)].into(),
                religions: [self.pick(&["muslim", "christian", "sikh"]).parse().unwrap()].into(),
                languages: [self.pick(&["en", "ur", "pa", "pl"]).parse().unwrap()].into(),
            },
            weekly_cost: Pence::new(40_000 + self.below(800_000)),
            connected_to_children: (kind == Kind::ConnectedPerson)
                .then(|| format!("k{}", self.below(100_000)).parse().unwrap())
                .into_iter()
                .collect(),
            capacity_confirmed_at: DateTime::from_timestamp(
                1_795_425_000 - i64::from(self.below(200_000)),
                0,
            ),
        };
        let authority = self.pick(&[DERBY, DERBY, "E10000007", "E10000024", "E06000018"]);
        let location = place(
            405_000 + self.below(60_000),
            306_000 + self.below(60_000),
            authority,
        );
        (setting, location)
    }
}
