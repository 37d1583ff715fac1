//! Made-up referrals and registers. Each comes from its own seed, so that a failing case shrinks by
//! dropping settings. Values crowd around the places where rules change their mind.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use oss_domain::{
    AuthorityCode, Child, ChildId, Level, Need, Needs, Pence, Postcode, Referral, ReferralId,
    Setting, SettingId, Sex, SexSet, TenthsOfMile,
    identity::{IdentityOffered, IdentityWanted, Word},
    need::Levels,
    referral::{
        Completeness, ExclusionZone, LegalAuthority, Locations, MatchingConditions, Narrative,
        Urgency,
    },
    setting::{
        ApprovalStatus, Kind, Occupancy, ParentAndChild, Provider, Quality, Registration, Resident,
        Restriction, RestrictionReason, Sourcing, TermsOfApproval,
    },
    ssda903::Ethnicity,
};
use oss_geography::{GridPoint, Location, Precision};
use oss_matching::{Checker, Evaluation, Finding, Held, Outcome, Policy, Query, Supply, rank};
use proptest::prelude::*;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::{collections::BTreeMap, str::FromStr, sync::LazyLock};

pub(crate) const DERBY: &str = "E06000015";
const CENTRE: GridPoint = GridPoint {
    easting: 435_250,
    northing: 336_390,
};

pub(crate) fn id<T: FromStr<Err: std::fmt::Debug>>(text: impl AsRef<str>) -> T {
    text.as_ref().parse().unwrap()
}

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The built-in policy, parsed once for all cases.
pub(crate) fn derby_policy() -> &'static Policy {
    static POLICY: LazyLock<Policy> = LazyLock::new(Policy::embedded);
    &POLICY
}

/// Everything that an evaluation reads.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) referral: Referral,
    pub(crate) supply: Supply,
    places: BTreeMap<Postcode, Location>,
    pub(crate) centre: GridPoint,
    pub(crate) policy: &'static Policy,
    pub(crate) evaluated_at: DateTime<Utc>,
}

impl World {
    pub(crate) fn new(referral_seed: u64, setting_seeds: &[u64]) -> Self {
        let mut dice = Dice::new(referral_seed);
        let policy = derby_policy();
        let derby = policy.authority(id(DERBY)).unwrap();
        let centre = Location {
            point: CENTRE,
            authority: derby.authority,
            precision: Precision::Unit,
            authority_certain: true,
        };
        let mut places = BTreeMap::from([(derby.centre, centre)]);
        let referral = dice.referral(&mut places);
        let settings = setting_seeds.iter().zip(0..).map(|(seed, idx)| {
            let mut dice = Dice::new(*seed);
            (
                dice.setting(idx, &referral),
                dice.location(),
                dice.held(&referral),
            )
        });
        let mut supply = Supply::new(id(DERBY));
        for (setting, location, held) in settings {
            let setting_id = setting.setting_id.clone();
            supply.upsert(setting, location).unwrap();
            supply.set_holds(&setting_id, held);
        }
        Self {
            referral,
            supply,
            places,
            centre: CENTRE,
            policy,
            evaluated_at: "2026-11-23T09:30:00.000000001Z".parse().unwrap(),
        }
    }

    pub(crate) fn locate(&self, postcode: &Postcode) -> Option<Location> {
        self.places.get(postcode).copied()
    }

    pub(crate) fn query(&self) -> Query {
        Query::compile_with(&self.referral, |it| self.locate(it), self.policy).unwrap()
    }

    pub(crate) fn rank(&self) -> Outcome {
        self.rank_over(&self.supply)
    }

    pub(crate) fn rank_over(&self, supply: &Supply) -> Outcome {
        rank(&self.query(), supply, self.policy, self.evaluated_at)
    }

    pub(crate) fn check(&self, evaluation: &Evaluation) -> Vec<Finding> {
        let checker = Checker::new(
            &self.referral,
            |it| self.locate(it),
            self.policy,
            self.evaluated_at,
        );
        checker.unwrap().check(evaluation, &self.supply)
    }

    /// A register of the same settings, without those that `keep` refuses.
    pub(crate) fn supply_of(&self, keep: impl Fn(usize) -> bool) -> Supply {
        let mut supply = Supply::new(id(DERBY));
        for (_, entry) in self.supply.iter().enumerate().filter(|(idx, _)| keep(*idx)) {
            supply
                .upsert(entry.setting().clone(), *entry.location())
                .unwrap();
            supply.set_holds(&entry.setting().setting_id, entry.held().to_vec());
        }
        supply
    }
}

/// Any world of up to a dozen settings.
pub(crate) fn any_world() -> impl Strategy<Value = World> {
    (any::<u64>(), proptest::collection::vec(any::<u64>(), 0..12))
        .prop_map(|(referral, settings)| World::new(referral, &settings))
}

/// As many cases as asked for, or more if `PROPTEST_CASES` says so.
pub(crate) fn cases(at_least: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases.max(at_least),
        failure_persistence: None,
        ..default
    }
}

struct Dice(ChaCha8Rng);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    fn below(&mut self, n: u32) -> u32 {
        self.0.next_u32() % n
    }

    fn percent(&mut self, chance: u32) -> bool {
        self.below(100) < chance
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize].clone()
    }

    fn maybe<T>(&mut self, chance: u32, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.percent(chance).then(|| make(self))
    }

    fn some<T: Clone + Ord, C: FromIterator<T>>(&mut self, from: &[T], chance: u32) -> C {
        from.iter()
            .filter(|_| self.percent(chance))
            .cloned()
            .collect()
    }

    fn child_id(&mut self) -> ChildId {
        id(format!("c{}", self.below(12)))
    }

    fn words(&mut self, words: &[&str], chance: u32) -> std::collections::BTreeSet<Word> {
        let words: Vec<Word> = words.iter().map(id).collect();
        self.some(&words, chance)
    }

    fn levels(&mut self, chance: u32) -> Levels {
        let level = |dice: &mut Self| Level::new(dice.below(5) as u8).unwrap();
        let mut levels = Levels::default();
        for need in Need::ALL {
            if self.percent(chance) {
                levels.set(*need, level(self));
            }
        }
        levels
    }

    /// A point at one of the distances where something changes, give or take.
    fn point(&mut self) -> GridPoint {
        let metres = self.pick(&[
            0, 300, 3_218, 8_046, 16_093, 24_140, 32_186, 64_372, 110_000,
        ]);
        let about = |dice: &mut Self, metres: u32| metres + dice.below(340) - 170.min(metres);
        let (east, north) = match self.below(3) {
            0 => (about(self, metres), 0),
            1 => (0, about(self, metres)),
            _ => (about(self, metres * 3 / 5), about(self, metres * 4 / 5)),
        };
        GridPoint {
            easting: CENTRE.easting + east,
            northing: CENTRE.northing - north,
        }
    }

    fn location(&mut self) -> Location {
        let codes = [
            DERBY,
            DERBY,
            DERBY,
            "E10000007",
            "E10000007",
            "E10000024",
            "W06000015",
        ];
        let sector = self.percent(15);
        Location {
            point: self.point(),
            authority: id(self.pick(&codes)),
            precision: if sector {
                Precision::Sector
            } else {
                Precision::Unit
            },
            authority_certain: !(sector && self.percent(50)),
        }
    }

    fn place(&mut self, places: &mut BTreeMap<Postcode, Location>) -> Postcode {
        if self.percent(25) {
            let known: Vec<_> = places.keys().copied().collect();
            return self.pick(&known);
        }
        let postcode = id(format!("ZZ{} 1AA", places.len()));
        places.insert(postcode, self.location());
        postcode
    }

    fn child(&mut self, idx: usize, start: NaiveDate) -> Child {
        let age = self.pick(&[
            0, 1, 2, 3, 4, 6, 8, 9, 10, 12, 13, 14, 15, 16, 16, 17, 17, 18,
        ]);
        let edge = self.pick(&[0_i64, 0, 1, -1, 40, 200]);
        let birthday = start - chrono::Months::new(12 * age);
        let born = birthday - TimeDelta::days(edge);
        let leap_day = date("2012-02-29");
        Child {
            child_id: id(format!("c{idx}")),
            date_of_birth: if self.percent(6) {
                leap_day
            } else {
                born.min(start)
            },
            sex: self.pick(&[Sex::Male, Sex::Male, Sex::Female, Sex::Female, Sex::Unknown]),
            ethnicity: None,
            key_stage_4: self.percent(20),
            uasc: false,
        }
    }

    fn referral(&mut self, places: &mut BTreeMap<Postcode, Location>) -> Referral {
        let starts = ["2026-12-07", "2027-02-28", "2027-03-01", "2028-02-29"];
        let start_date = date(self.pick(&starts));
        let n_children = self.pick(&[1, 1, 1, 1, 2, 2, 3, 4, 10]);
        let mut kinds = Kind::ALL.to_vec();
        let n_kinds = self.pick(&[1, 2, 3, 6, 6]);
        let mut plan = Vec::new();
        for _ in 0..n_kinds {
            plan.push(kinds.remove(self.below(kinds.len() as u32) as usize));
        }
        let sets = [Ethnicity::Wbri, Ethnicity::Apkn, Ethnicity::Bafr];
        Referral {
            referral_id: id("R1"),
            authority: id(DERBY),
            revision: 1,
            urgency: self.pick(Urgency::ALL),
            start_date,
            placement_types: plan,
            children: (0..n_children)
                .map(|idx| self.child(idx, start_date))
                .collect(),
            completeness: Completeness::Full,
            needs: Needs {
                levels: self.levels(25),
                essential: self.some(Need::ALL, 8),
            },
            locations: Locations {
                home: self.maybe(75, |dice| dice.place(places)),
                school: self.maybe(60, |dice| dice.place(places)),
                contact: Vec::new(),
            },
            identity: IdentityWanted {
                ethnicities: self.some(&sets, 20),
                religion: self.maybe(30, |dice| id(dice.pick(&["muslim", "christian", "sikh"]))),
                languages: self.words(&["en", "ur", "fa"], 20),
            },
            matching: MatchingConditions {
                solo: self.percent(5),
                no_younger_children: self.percent(12),
                no_opposite_sex_children: self.percent(12),
                prefers_no_male_household: self.percent(20),
                wheelchair_accessible: self.percent(8),
                parent_and_child: self.percent(12),
            },
            avoid_children: (0..self.below(3)).map(|_| self.child_id()).collect(),
            siblings_elsewhere: (0..self.below(5)).map(|_| self.child_id()).collect(),
            exclusion_zones: (0..self.pick(&[0, 0, 0, 1, 2]))
                .map(|_| ExclusionZone {
                    centre: self.place(places),
                    radius: TenthsOfMile::new(self.pick(&[1, 2, 20, 50, 100, 200])),
                })
                .collect(),
            excluded_authorities: self
                .maybe(12, |dice| {
                    id::<AuthorityCode>(dice.pick(&["E10000024", "E10000007", DERBY]))
                })
                .into_iter()
                .collect(),
            legal_authority: LegalAuthority {
                secure_order: self.percent(50),
                secretary_of_state: self.percent(50),
            },
            legal_status: None,
            category_of_need: None,
            previous_setting: self.maybe(50, |dice| id(format!("S{}", dice.below(6)))),
            narrative: Narrative::default(),
        }
    }

    fn resident(&mut self) -> Resident {
        Resident {
            child_id: self.child_id(),
            sex: self.pick(Sex::ALL),
            age: self.pick(&[0, 2, 3, 7, 8, 12, 13, 15, 16, 17]),
        }
    }

    fn restriction(&mut self, start: NaiveDate) -> Restriction {
        let ends = [start, start + Days::new(1), start - Days::new(1)];
        Restriction {
            reason: self.pick(RestrictionReason::ALL),
            until: self.maybe(60, |dice| dice.pick(&ends)),
        }
    }

    fn held(&mut self, referral: &Referral) -> Vec<Held> {
        (0..self.pick(&[0, 0, 0, 0, 1, 1, 2]))
            .map(|_| {
                let resident = self.resident();
                let other: ReferralId = id("R2");
                Held {
                    referral_id: self.pick(&[other.clone(), other, referral.referral_id.clone()]),
                    child_id: resident.child_id,
                    sex: resident.sex,
                    age: resident.age,
                }
            })
            .collect()
    }

    fn quality(&mut self) -> Quality {
        self.pick(&[
            Quality::Outstanding,
            Quality::Good,
            Quality::Good,
            Quality::LocalAuthority,
            Quality::RequiresImprovement,
            Quality::ConsistentlyStrong,
            Quality::Inconsistent,
            Quality::None,
            Quality::Inadequate,
            Quality::SeriousWeaknesses,
        ])
    }

    fn setting(&mut self, idx: usize, referral: &Referral) -> Setting {
        let start = referral.start_date;
        // Mostly such as the referral may get somewhere with.
        let kind = if self.percent(75) {
            self.pick(&referral.placement_types)
        } else {
            self.pick(Kind::ALL)
        };
        let mine: Vec<ChildId> = referral
            .children
            .iter()
            .map(|it| it.child_id.clone())
            .collect();
        let benchmark = derby_policy().benchmark(kind).get();
        let min_age = self.pick(&[0, 0, 0, 3, 5, 10, 16]);
        Setting {
            // Ids do not sort as they were made.
            setting_id: id::<SettingId>(format!("S{idx}")),
            authority: id(DERBY),
            version: 1,
            provider: Provider {
                provider_id: id(self.pick(&["DERBY", "P1"])),
                name: "P".into(),
            },
            kind,
            sourcing: self.pick(Sourcing::ALL),
            framework: None,
            postcode: id("ZZ1 1AA"),
            registration: Registration {
                registered: self.percent(95),
                urn: None,
                quality: self.quality(),
            },
            approval: TermsOfApproval {
                places: self.pick(&[0, 1, 1, 2, 2, 3, 3, 4, 6, 10]),
                min_age,
                max_age: self.pick(&[17, 17, 17, 18, 10, 12, 16]),
                sexes: self.pick(&[SexSet::Both, SexSet::Both, SexSet::Male, SexSet::Female]),
                parent_and_child: self.pick(&[
                    ParentAndChild::No,
                    ParentAndChild::Also,
                    ParentAndChild::Also,
                    ParentAndChild::Only,
                ]),
                review_due: self.maybe(50, |dice| {
                    dice.pick(&[start, start - Days::new(1), start + Days::new(1)])
                }),
                status: self.pick(ApprovalStatus::ALL),
            },
            occupancy: Occupancy {
                version: 1,
                residents: (0..self.pick(&[0, 0, 0, 1, 1, 2, 3]))
                    .map(|_| self.resident())
                    .collect(),
                blocked_places: self.pick(&[0, 0, 0, 0, 1, 2]),
                bedrooms_free: self.maybe(85, |dice| dice.pick(&[0, 1, 1, 2, 3, 4, 10])),
                restrictions: (0..self.pick(&[0, 0, 0, 0, 0, 1, 2]))
                    .map(|_| self.restriction(start))
                    .collect(),
            },
            capabilities: self.levels(70),
            admission_criteria: if self.percent(12) {
                self.levels(15)
            } else {
                Levels::default()
            },
            wheelchair_accessible: self.percent(40),
            no_male_household: self.percent(30),
            identity: IdentityOffered {
                ethnicities: self.some(&[Ethnicity::Wbri, Ethnicity::Apkn, Ethnicity::Bafr], 30),
                religions: self.words(&["muslim", "christian", "hindu"], 30),
                languages: self.words(&["en", "ur", "pa"], 50),
            },
            weekly_cost: Pence::new(match self.below(4) {
                0 => benchmark,
                1 => benchmark * 2,
                2 => benchmark + self.below(benchmark),
                _ => self.pick(&[0, 50_000, 50_000, 2_000_000]),
            }),
            connected_to_children: if self.percent(70) {
                mine.into_iter().collect()
            } else {
                self.some(&mine, 80)
            },
            capacity_confirmed_at: self.maybe(50, |dice| {
                let day_before: DateTime<Utc> = "2026-11-22T09:30:00Z".parse().unwrap();
                day_before + TimeDelta::nanoseconds(i64::from(dice.below(3)))
            }),
        }
    }
}
