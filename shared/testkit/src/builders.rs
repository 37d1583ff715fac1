//! Plain values of the domain, to be changed in what a test is about.
//!
//! ```
//! use oss_testkit::{a_referral, a_setting};
//! let setting = a_setting("F01").fostering().places(2).at("DE1 2FS").build();
//! let referral = a_referral("R01").child("C01", "2014-05-01", "F").need("EMO", 3).build();
//! ```

use chrono::NaiveDate;
use oss_domain::{
    AuthorityCode, Child, Needs, Pence, Referral, Setting, SexSet,
    child::Sex,
    identity::{IdentityOffered, IdentityWanted},
    need::{Level, Levels},
    referral::{Completeness, LegalAuthority, Locations, MatchingConditions, Narrative, Urgency},
    setting::{
        ApprovalStatus, Kind, Occupancy, ParentAndChild, Provider, Quality, Registration, Resident,
        Sourcing, TermsOfApproval,
    },
};
use std::{collections::BTreeSet, fmt::Display, str::FromStr};

/// Derby City Council.
pub const DERBY: &str = "E06000015";

/// Reads any of the domain's texts: an id, a code, a postcode, a date.
fn parse<T: FromStr<Err: Display>>(text: &str) -> T {
    text.parse()
        .unwrap_or_else(|error| panic!("`{text}` {error}"))
}

fn levels(levels: &mut Levels, need: &str, level: u8) {
    levels.set(
        parse(need),
        Level::new(level).expect("levels go from 0 to 4"),
    );
}

/// A referral of Derby's for one girl of twelve, planned, with home in the city and no needs.
#[must_use]
pub fn a_referral(id: &str) -> ReferralBuilder {
    ReferralBuilder {
        children_are_the_default: true,
        referral: Referral {
            referral_id: parse(id),
            authority: parse::<AuthorityCode>(DERBY),
            revision: 1,
            urgency: Urgency::Planned,
            start_date: parse("2026-12-01"),
            placement_types: vec![Kind::FosteringHousehold],
            children: vec![child(&format!("{id}-child"), "2014-05-01", "F")],
            completeness: Completeness::Full,
            needs: Needs::default(),
            locations: Locations {
                home: Some(parse("DE1 2FS")),
                school: None,
                contact: Vec::new(),
            },
            identity: IdentityWanted::default(),
            matching: MatchingConditions::default(),
            avoid_children: BTreeSet::default(),
            siblings_elsewhere: BTreeSet::default(),
            exclusion_zones: Vec::new(),
            excluded_authorities: BTreeSet::default(),
            legal_authority: LegalAuthority::default(),
            legal_status: None,
            category_of_need: None,
            previous_setting: None,
            narrative: Narrative::default(),
        },
    }
}

/// A child with nothing but what every referral says.
#[must_use]
pub fn child(id: &str, date_of_birth: &str, sex: &str) -> Child {
    Child {
        child_id: parse(id),
        date_of_birth: parse(date_of_birth),
        sex: parse(sex),
        ethnicity: None,
        key_stage_4: false,
        uasc: false,
    }
}

/// Makes a [`Referral`].
#[derive(Clone, Debug)]
pub struct ReferralBuilder {
    referral: Referral,
    children_are_the_default: bool,
}

impl ReferralBuilder {
    /// The referral as it is so far.
    #[must_use]
    pub fn build(self) -> Referral {
        self.referral
    }

    /// Changes anything.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Referral)) -> Self {
        change(&mut self.referral);
        self
    }

    /// Another revision.
    #[must_use]
    pub fn revision(self, revision: u64) -> Self {
        self.with(|referral| referral.revision = revision)
    }

    /// Another council's; its home should be moved too.
    #[must_use]
    pub fn of(self, authority: &str) -> Self {
        self.with(|referral| referral.authority = parse(authority))
    }

    /// Needed the same day.
    #[must_use]
    pub fn emergency(self) -> Self {
        self.with(|referral| referral.urgency = Urgency::Emergency)
    }

    /// Needed within 72 hours.
    #[must_use]
    pub fn urgent(self) -> Self {
        self.with(|referral| referral.urgency = Urgency::Urgent)
    }

    /// When the placement is to start.
    #[must_use]
    pub fn starting(self, date: &str) -> Self {
        self.with(|referral| referral.start_date = parse::<NaiveDate>(date))
    }

    /// The kinds of setting in the care plan, by their codes.
    #[must_use]
    pub fn kinds(self, kinds: &[&str]) -> Self {
        self.with(|referral| {
            referral.placement_types = kinds.iter().map(|kind| parse(kind)).collect();
        })
    }

    /// A child: the first one takes the place of the default child.
    #[must_use]
    pub fn child(mut self, id: &str, date_of_birth: &str, sex: &str) -> Self {
        if std::mem::take(&mut self.children_are_the_default) {
            self.referral.children.clear();
        }
        self.with(|referral| referral.children.push(child(id, date_of_birth, sex)))
    }

    /// A need, by its code, at a level from 0 to 4.
    #[must_use]
    pub fn need(self, need: &str, level: u8) -> Self {
        self.with(|referral| levels(&mut referral.needs.levels, need, level))
    }

    /// A need that must be met in full.
    #[must_use]
    pub fn essential(self, need: &str, level: u8) -> Self {
        self.need(need, level)
            .with(|referral| referral.needs.essential.insert(parse(need)))
    }

    /// Where home is.
    #[must_use]
    pub fn home(self, postcode: &str) -> Self {
        self.with(|referral| referral.locations.home = Some(parse(postcode)))
    }

    /// Where school is.
    #[must_use]
    pub fn school(self, postcode: &str) -> Self {
        self.with(|referral| referral.locations.school = Some(parse(postcode)))
    }

    /// No resident of the setting may be this child.
    #[must_use]
    pub fn avoiding(self, child: &str) -> Self {
        self.with(|referral| {
            referral.avoid_children.insert(parse(child));
        })
    }
}

/// A fostering household of Derby's own, in the city, good, with one place, for any child.
#[must_use]
pub fn a_setting(id: &str) -> SettingBuilder {
    SettingBuilder {
        setting: Setting {
            setting_id: parse(id),
            authority: parse::<AuthorityCode>(DERBY),
            version: 1,
            provider: Provider {
                provider_id: parse("DERBY"),
                name: "Derby City Council".to_owned(),
            },
            kind: Kind::FosteringHousehold,
            sourcing: Sourcing::InHouse,
            framework: None,
            postcode: parse("DE1 2FS"),
            registration: Registration {
                registered: true,
                urn: None,
                quality: Quality::LocalAuthority,
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
                bedrooms_free: Some(1),
                ..Occupancy::default()
            },
            capabilities: Levels::default(),
            admission_criteria: Levels::default(),
            wheelchair_accessible: false,
            no_male_household: false,
            identity: IdentityOffered::default(),
            weekly_cost: Pence::new(52_000),
            connected_to_children: BTreeSet::default(),
            capacity_confirmed_at: None,
        },
    }
}

/// Makes a [`Setting`].
#[derive(Clone, Debug)]
pub struct SettingBuilder {
    setting: Setting,
}

impl SettingBuilder {
    /// The setting as it is so far.
    #[must_use]
    pub fn build(self) -> Setting {
        self.setting
    }

    /// Changes anything.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Setting)) -> Self {
        change(&mut self.setting);
        self
    }

    /// A fostering household, which it is anyway: for tests that say so.
    #[must_use]
    pub fn fostering(self) -> Self {
        self.kind("fostering_household")
    }

    /// A children's home, judged good, bought one by one from a company.
    #[must_use]
    pub fn childrens_home(self) -> Self {
        self.kind("childrens_home")
            .provider("HOMES", "spot")
            .with(|setting| {
                setting.registration.quality = Quality::Good;
                setting.occupancy.bedrooms_free = None;
                setting.weekly_cost = Pence::new(550_000);
            })
    }

    /// The household of someone in the network of these children.
    #[must_use]
    pub fn connected_to(self, children: &[&str]) -> Self {
        self.kind("connected_person")
            .provider("DERBY", "connected")
            .with(|setting| {
                setting.registration.quality = Quality::None;
                setting.connected_to_children = children.iter().map(|child| parse(child)).collect();
            })
    }

    /// Another kind, by its code; nothing else changes.
    #[must_use]
    pub fn kind(self, kind: &str) -> Self {
        self.with(|setting| setting.kind = parse(kind))
    }

    /// Another version.
    #[must_use]
    pub fn version(self, version: u64) -> Self {
        self.with(|setting| setting.version = version)
    }

    /// Another council's register.
    #[must_use]
    pub fn of(self, authority: &str) -> Self {
        self.with(|setting| setting.authority = parse(authority))
    }

    /// Who runs it, and how the council comes by it.
    #[must_use]
    pub fn provider(self, id: &str, sourcing: &str) -> Self {
        self.with(|setting| {
            setting.provider.provider_id = parse(id);
            id.clone_into(&mut setting.provider.name);
            setting.sourcing = parse(sourcing);
        })
    }

    /// Where it is.
    #[must_use]
    pub fn at(self, postcode: &str) -> Self {
        self.with(|setting| setting.postcode = parse(postcode))
    }

    /// How many children it is approved for, with as many bedrooms free in a family.
    #[must_use]
    pub fn places(self, places: u16) -> Self {
        self.with(|setting| {
            setting.approval.places = places;
            setting.occupancy.bedrooms_free = setting.kind.is_family().then_some(places);
        })
    }

    /// The ages it is approved for.
    #[must_use]
    pub fn ages(self, min_age: u8, max_age: u8) -> Self {
        self.with(|setting| {
            setting.approval.min_age = min_age;
            setting.approval.max_age = max_age;
        })
    }

    /// What it can meet, by the need's code.
    #[must_use]
    pub fn meets(self, need: &str, level: u8) -> Self {
        self.with(|setting| levels(&mut setting.capabilities, need, level))
    }

    /// A child who lives there.
    #[must_use]
    pub fn resident(self, child: &str, sex: &str, age: u8) -> Self {
        self.with(|setting| {
            setting.occupancy.residents.push(Resident {
                child_id: parse(child),
                sex: parse::<Sex>(sex),
                age,
            });
        })
    }

    /// What it costs a week, in pence.
    #[must_use]
    pub fn weekly_pence(self, pence: u32) -> Self {
        self.with(|setting| setting.weekly_cost = Pence::new(pence))
    }

    /// The quality, by its code.
    #[must_use]
    pub fn quality(self, quality: &str) -> Self {
        self.with(|setting| setting.registration.quality = parse(quality))
    }
}
