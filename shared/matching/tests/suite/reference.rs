//! matching.md, written down as plainly as can be, sentence by sentence. Slow on purpose: it is
//! the other opinion that ranking is compared with, so it shares nothing with it but the nouns.

use crate::{
    plain::{Offer, Outcome, Reasons},
    world::World,
};
use oss_domain::{
    ChildId, Need, Sex,
    referral::Urgency,
    setting::{ApprovalStatus, Kind, ParentAndChild, Quality, Sourcing},
};
use oss_geography::{GridPoint, Location};
use oss_matching::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// sqrt(dE²+dN²)/1000/1.6093 in tenths, rounded half up: t fits while t − ½ is not beyond it.
fn tenths(a: GridPoint, b: GridPoint) -> u64 {
    let (east, north) = (
        u128::from(a.easting.abs_diff(b.easting)),
        u128::from(a.northing.abs_diff(b.northing)),
    );
    let square = east * east + north * north;
    let mut t = 0_u128;
    // t + ½ tenths of a mile are (2t + 1) · 80.465 metres.
    while ((2 * t + 1) * 80_465).pow(2) <= square * 1_000_000 {
        t += 1;
    }
    u64::try_from(t).unwrap()
}

fn lin(x: u64, full: u64, zero: u64) -> u64 {
    if x <= full {
        1_000_000
    } else if x >= zero {
        0
    } else {
        (zero - x) * 1_000_000 / (zero - full)
    }
}

struct Case<'a> {
    world: &'a World,
    entry: &'a Entry,
    ages: Vec<u8>,
    residents: Vec<(ChildId, Sex, u8)>,
    bedrooms: Option<u16>,
    home: u64,
    derby: u64,
    school: Option<u64>,
}

impl<'a> Case<'a> {
    fn new(world: &'a World, entry: &'a Entry) -> Self {
        let (referral, setting) = (&world.referral, entry.setting());
        let mut residents: Vec<(ChildId, Sex, u8)> = setting
            .occupancy
            .residents
            .iter()
            .map(|r| (r.child_id.clone(), r.sex, r.age))
            .collect();
        let mut bedrooms = setting.occupancy.bedrooms_free;
        for held in entry.held() {
            let known = residents.iter().any(|(id, ..)| *id == held.child_id);
            if held.referral_id == referral.referral_id || known {
                continue;
            }
            residents.push((held.child_id.clone(), held.sex, held.age));
            if held.age >= 3 {
                bedrooms = bedrooms.map(|free| if free == 0 { 0 } else { free - 1 });
            }
        }
        let here = entry.location().point;
        let from = |postcode| tenths(world.locate(postcode).unwrap().point, here);
        let derby = tenths(world.centre, here);
        Self {
            world,
            entry,
            ages: referral
                .children
                .iter()
                .map(|c| years(c.date_of_birth, referral.start_date))
                .collect(),
            residents,
            bedrooms,
            home: referral.locations.home.as_ref().map_or(derby, from),
            derby,
            school: referral.locations.school.as_ref().map(from),
        }
    }

    fn location(&self) -> &Location {
        self.entry.location()
    }

    fn in_area(&self) -> bool {
        self.location().authority == self.world.referral.authority
    }

    fn youngest(&self) -> u8 {
        *self.ages.iter().min().unwrap()
    }

    fn any_child(&self, sex: Sex) -> bool {
        self.world
            .referral
            .children
            .iter()
            .any(|child| child.sex == sex)
    }

    fn is_family(&self) -> bool {
        let kind = self.entry.setting().kind;
        kind == Kind::FosteringHousehold || kind == Kind::ConnectedPerson
    }

    fn is_own_carer(&self) -> bool {
        let setting = self.entry.setting();
        setting.kind == Kind::ConnectedPerson
            || setting.kind == Kind::FosteringHousehold && setting.sourcing == Sourcing::InHouse
    }

    fn taken(&self) -> i64 {
        if self.world.referral.matching.parent_and_child {
            1
        } else {
            self.ages.len() as i64
        }
    }

    fn free(&self, n_residents: usize) -> i64 {
        let setting = self.entry.setting();
        i64::from(setting.approval.places)
            - n_residents as i64
            - i64::from(setting.occupancy.blocked_places)
    }

    fn outside_age_range(&self) -> bool {
        let approval = &self.entry.setting().approval;
        self.ages
            .iter()
            .any(|age| *age < approval.min_age || *age > approval.max_age)
    }

    #[expect(clippy::too_many_lines, reason = "the table of exclusions, row by row")]
    fn reasons(&self) -> Reasons {
        let (referral, setting) = (&self.world.referral, self.entry.setting());
        let mut out = Reasons::new();
        let mut add = |code: &str, detail: &str| {
            let detail = (!detail.is_empty()).then(|| detail.to_owned());
            out.insert((code.to_owned(), detail));
        };
        if !referral.placement_types.contains(&setting.kind) {
            add("H14", "");
            return out;
        }
        if !setting.registration.registered {
            add("H01", "");
        }
        if setting.kind == Kind::SupportedAccommodation && self.youngest() < 16 {
            add("H02", "under_16");
        }
        if *self.ages.iter().max().unwrap() >= 18 {
            add("H02", "over_17");
        }
        if self.outside_age_range() {
            let reg_23 = setting.kind == Kind::FosteringHousehold
                && setting.sourcing == Sourcing::InHouse
                && referral.urgency == Urgency::Emergency;
            if !reg_23 {
                add("H03", "");
            }
        }
        for sex in [Sex::Male, Sex::Female] {
            if self.any_child(sex) && !setting.approval.sexes.contains(sex) {
                add("H04", "");
            }
        }
        if self.free(self.residents.len()) < self.taken() {
            let fits = self.free(setting.occupancy.residents.len()) >= self.taken();
            add("H05", if fits { "held" } else { "" });
        }
        if self.is_family() && !referral.matching.parent_and_child {
            let stranger = self
                .residents
                .iter()
                .any(|(id, ..)| !referral.siblings_elsewhere.contains(id));
            if stranger && self.residents.len() + self.ages.len() > 3 {
                add("H06", "");
            }
            let needed = self.ages.iter().filter(|age| **age >= 3).count();
            match self.bedrooms {
                None if needed > 0 => add("H07", "unknown"),
                Some(free) if usize::from(free) < needed => add("H07", ""),
                _ => {}
            }
        }
        for restriction in &setting.occupancy.restrictions {
            if restriction.until.is_none() || restriction.until >= Some(referral.start_date) {
                add("H08", restriction.reason.as_str());
            }
        }
        for need in Need::ALL {
            let level = referral.needs.levels.get(*need);
            if referral.needs.essential.contains(*need) && setting.capabilities.get(*need) < level {
                add("H09", need.as_str());
            }
        }
        if referral.matching.wheelchair_accessible && !setting.wheelchair_accessible {
            add("H09", "wheelchair_accessible");
        }
        let criteria: Vec<_> = setting.admission_criteria.present().collect();
        let met = criteria
            .iter()
            .filter(|(need, l)| referral.needs.levels.get(*need) >= *l)
            .count();
        if !criteria.is_empty() && met == 0 {
            add("H09", "admission_criteria");
        }
        for (id, sex, age) in &self.residents {
            if referral.matching.solo {
                add("H10", "solo");
            }
            if referral.avoid_children.contains(id) {
                add("H10", "named_child");
            }
            if referral.matching.no_younger_children && *age < self.youngest() {
                add("H10", "younger_child");
            }
            let opposite = match sex {
                Sex::Male => self.any_child(Sex::Female),
                Sex::Female => self.any_child(Sex::Male),
                Sex::Unknown => false,
            };
            if referral.matching.no_opposite_sex_children && opposite {
                add("H10", "opposite_sex");
            }
        }
        for zone in &referral.exclusion_zones {
            let centre = self.world.locate(&zone.centre).unwrap().point;
            if tenths(centre, self.location().point) < u64::from(zone.radius.get()) {
                add("H11", "");
            }
        }
        if setting.kind == Kind::SecureChildrensHome {
            if !referral.legal_authority.secure_order {
                add("H12", "section_25");
            }
            if self.youngest() < 13 && !referral.legal_authority.secretary_of_state {
                add("H12", "under_13");
            }
        }
        let group = referral.matching.parent_and_child;
        if group && setting.approval.parent_and_child == ParentAndChild::No {
            add("H13", "not_offered");
        }
        if !group && setting.approval.parent_and_child == ParentAndChild::Only {
            add("H13", "only");
        }
        if referral
            .excluded_authorities
            .contains(&self.location().authority)
        {
            add("H15", "");
        }
        if matches!(
            setting.registration.quality,
            Quality::Inadequate | Quality::SeriousWeaknesses
        ) {
            add("H16", "");
        }
        out
    }

    fn requires(&self, reasons: &Reasons) -> Vec<String> {
        let referral = &self.world.referral;
        let within = |cured: &[&str]| {
            reasons.iter().all(|(code, detail)| {
                cured.contains(&code.as_str()) && (code != "H07" || detail.is_none())
            })
        };
        let family = self.is_family();
        let c1 = family
            && self.residents.is_empty()
            && self.bedrooms.unwrap_or(0) >= 1
            && !referral.matching.parent_and_child;
        let c2 =
            family && referral.previous_setting.as_ref() == Some(&self.entry.setting().setting_id);
        let mut shared = 0;
        for sex in [Sex::Male, Sex::Female, Sex::Unknown] {
            let children = referral.children.iter().zip(&self.ages);
            let n = children
                .filter(|(child, age)| child.sex == sex && **age >= 3)
                .count();
            shared += n / 2 + n % 2;
        }
        let c3 = referral.children.len() > 1
            && referral
                .needs
                .levels
                .get(Need::HarmfulSexualBehaviour)
                .get()
                == 0
            && self
                .bedrooms
                .is_some_and(|free| usize::from(free) >= shared);
        [
            ("C1", c1 && within(&["H05"])),
            ("C2", c2 && within(&["H05", "H06"])),
            ("C3", c3 && within(&["H07"])),
        ]
        .iter()
        .filter(|(_, cures)| *cures)
        .map(|(act, _)| (*act).to_owned())
        .collect()
    }

    fn approvals(&self) -> Vec<String> {
        let (referral, setting) = (&self.world.referral, self.entry.setting());
        let outside = !self.in_area();
        let adjoins = self.location().authority.as_str() == "E10000007";
        let (kind, sourcing) = (setting.kind, setting.sourcing);
        let fostering = kind == Kind::FosteringHousehold;
        let connected = kind == Kind::ConnectedPerson;
        let residential = matches!(
            kind,
            Kind::ChildrensHome | Kind::SecureChildrensHome | Kind::ResidentialFamilyCentre
        );
        let (block, framework, spot) = (
            sourcing == Sourcing::Block,
            sourcing == Sourcing::Framework,
            sourcing == Sourcing::Spot,
        );
        let sexes = setting.approval.sexes;
        let both = sexes.contains(Sex::Male) && sexes.contains(Sex::Female);
        let key_stage_4 = referral.children.iter().any(|child| child.key_stage_4);
        [
            ("A01", outside && !self.is_own_carer() && adjoins),
            ("A02", outside && !self.is_own_carer() && !adjoins),
            ("A03", outside),
            ("A04", fostering && (framework || spot)),
            ("A05", residential && (block || framework || spot)),
            ("A08", self.outside_age_range()),
            (
                "A09",
                connected && setting.approval.status != ApprovalStatus::Approved,
            ),
            ("A10", key_stage_4 && self.school > Some(100)),
            ("A11", spot),
            ("A15", !self.location().authority.as_str().starts_with('E')),
            ("A16", self.any_child(Sex::Unknown) && !both),
            ("A17", !self.location().authority_certain),
        ]
        .iter()
        .filter(|(_, needed)| *needed)
        .map(|(code, _)| (*code).to_owned())
        .collect()
    }

    /// Religion and language: asked for and not met; then all dimensions that count.
    fn identity(&self) -> (bool, Vec<bool>) {
        let (asked, stated) = (
            &self.world.referral.identity,
            &self.entry.setting().identity,
        );
        let mut dimensions = Vec::new();
        if !asked.ethnicities.is_empty() && !stated.ethnicities.is_empty() {
            dimensions.push(
                asked
                    .ethnicities
                    .iter()
                    .any(|it| stated.ethnicities.contains(it)),
            );
        }
        let mut unmet = false;
        if let Some(religion) = &asked.religion {
            dimensions.push(stated.religions.contains(religion));
            unmet |= !stated.religions.contains(religion);
        }
        if !asked.languages.is_empty() {
            let met = asked
                .languages
                .iter()
                .any(|it| stated.languages.contains(it));
            dimensions.push(met);
            unmet |= !met;
        }
        (unmet, dimensions)
    }

    fn warnings(&self) -> Vec<String> {
        let (referral, setting) = (&self.world.referral, self.entry.setting());
        let quality = setting.registration.quality;
        let age_of_vacancy = setting
            .capacity_confirmed_at
            .map(|at| self.world.evaluated_at - at);
        [
            ("W01", referral.locations.home.is_some() && self.home > 200),
            ("W04", self.identity().0),
            (
                "W05",
                matches!(
                    quality,
                    Quality::RequiresImprovement | Quality::Inconsistent
                ),
            ),
            (
                "W06",
                setting
                    .approval
                    .review_due
                    .is_some_and(|due| due < referral.start_date),
            ),
            (
                "W08",
                referral.matching.prefers_no_male_household && !setting.no_male_household,
            ),
            (
                "W13",
                age_of_vacancy.is_some_and(|age| age > chrono::TimeDelta::days(1)),
            ),
        ]
        .iter()
        .filter(|(_, holds)| *holds)
        .map(|(code, _)| (*code).to_owned())
        .collect()
    }

    fn offer(&self) -> Offer {
        let (referral, setting) = (&self.world.referral, self.entry.setting());
        let mut gaps = Vec::new();
        let (mut levels, mut short) = (0, 0);
        for need in Need::ALL {
            let level = referral.needs.levels.get(*need).get();
            let has = setting.capabilities.get(*need).get();
            levels += u64::from(level);
            if level > has {
                short += u64::from(level - has);
                gaps.push((need.as_str().to_owned(), level, has));
            }
        }
        let fit = ((levels - short) * 1_000_000)
            .checked_div(levels)
            .unwrap_or(1_000_000);
        let (_, dimensions) = self.identity();
        let met = dimensions.iter().filter(|met| **met).count() as u64;
        let identity = match dimensions.len() as u64 {
            0 => 1_000_000,
            n => met * 1_000_000 / n,
        };
        let quality = match setting.registration.quality {
            Quality::Outstanding => 1_000_000,
            Quality::ConsistentlyStrong => 900_000,
            Quality::Good | Quality::LocalAuthority => 800_000,
            Quality::RequiresImprovement | Quality::Inconsistent => 400_000,
            Quality::Inadequate | Quality::SeriousWeaknesses | Quality::None => 0,
        };
        // Pence a week.
        let benchmark = match setting.kind {
            Kind::FosteringHousehold => 100_000,
            Kind::ConnectedPerson => 40_000,
            Kind::ChildrensHome => 600_000,
            Kind::SecureChildrensHome => 750_000,
            Kind::SupportedAccommodation => 120_000,
            Kind::ResidentialFamilyCentre => 450_000,
        };
        let pence = u64::from(setting.weekly_cost.get());
        let values = [
            fit,
            lin(self.home, 20, 400),
            if self.in_area() {
                1_000_000
            } else {
                lin(self.derby, 50, 400)
            },
            if self.in_area() { 1_000_000 } else { 0 },
            self.school.map_or(1_000_000, |school| lin(school, 50, 200)),
            identity,
            quality,
            lin(pence, benchmark, 2 * benchmark),
        ];
        let weights = [35, 12, 8, 5, 10, 10, 5, 15];
        Offer {
            id: setting.setting_id.to_string(),
            provider: setting.provider.provider_id.to_string(),
            band: match fit {
                850_000.. => 'A',
                700_000.. => 'B',
                _ => 'C',
            },
            fit,
            score: weights.iter().zip(values).map(|(w, v)| w * v).sum::<u64>() / 10_000,
            near: self.in_area() || self.home <= 200,
            located_in: self.location().authority.to_string(),
            sector: self.location().precision == oss_geography::Precision::Sector,
            tenths: (self.home, self.derby, self.school),
            pence,
            approvals: self.approvals(),
            warnings: self.warnings(),
            gaps,
            values,
        }
    }
}

fn years(born: chrono::NaiveDate, on: chrono::NaiveDate) -> u8 {
    let mut years = 0;
    loop {
        let next = chrono::Months::new(12 * (years + 1));
        let mut birthday = born + next;
        // chrono moves 29 February to the 28th; the birthday is on 1 March.
        if chrono::Datelike::day(&born) != chrono::Datelike::day(&birthday) {
            birthday = birthday.succ_opt().unwrap();
        }
        if birthday > on {
            return u8::try_from(years).unwrap();
        }
        years += 1;
    }
}

/// Evaluates every setting of the world's supply.
pub(crate) fn evaluate(world: &World) -> Outcome {
    let referral = &world.referral;
    let mut outcome = Outcome {
        ranked: Vec::new(),
        excluded: Vec::new(),
        near_misses: Vec::new(),
        counts: BTreeMap::new(),
        evaluated: 0,
    };
    let mut keyed = Vec::new();
    for entry in &world.supply {
        let setting = entry.setting();
        let all_connected = referral
            .children
            .iter()
            .all(|child| setting.connected_to_children.contains(&child.child_id));
        if setting.kind == Kind::ConnectedPerson && !all_connected {
            continue;
        }
        outcome.evaluated += 1;
        let case = Case::new(world, entry);
        let reasons = case.reasons();
        let id = setting.setting_id.to_string();
        if reasons.is_empty() {
            let offer = case.offer();
            let place = referral
                .placement_types
                .iter()
                .position(|kind| *kind == setting.kind);
            let sourcing = match setting.sourcing {
                Sourcing::Connected => 0,
                Sourcing::InHouse => 1,
                Sourcing::Block => 2,
                Sourcing::Framework => 3,
                Sourcing::Spot => 4,
            };
            let minus_score = -i64::try_from(offer.score).unwrap();
            let key = (
                offer.band,
                place,
                !offer.near,
                sourcing,
                minus_score,
                offer.pence,
                id,
            );
            keyed.push((key, offer));
            continue;
        }
        let codes: BTreeSet<_> = reasons.iter().map(|(code, _)| code.clone()).collect();
        for code in codes {
            *outcome.counts.entry(code).or_insert(0) += 1;
        }
        let (code, detail) = reasons.first().unwrap().clone();
        let near_miss = ["H05", "H07", "H09", "H16"].contains(&code.as_str());
        if reasons.len() == 1 && near_miss {
            outcome.near_misses.push((id.clone(), code, detail));
        }
        let requires = case.requires(&reasons);
        outcome.excluded.push((id, reasons, requires));
    }
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    outcome.ranked = keyed.into_iter().map(|(_, offer)| offer).collect();
    outcome.excluded.sort();
    outcome.near_misses.sort();
    outcome.near_misses.truncate(20);
    outcome
}
