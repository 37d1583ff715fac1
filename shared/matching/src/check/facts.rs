//! The rules and values once more, straight from the referral and the setting as they are.

use crate::{
    policy::{Policy, Values},
    supply::Entry,
};
use chrono::{DateTime, Utc};
use oss_domain::{
    Act, Approval, AuthorityCode, ChildId, Exclusion, Need, Reason, Referral, Setting, Sex,
    Warning,
    reason::Detail,
    referral::Urgency,
    setting::{ApprovalStatus, Kind, ParentAndChild, Quality, Sourcing},
};
use oss_geography::{GridPoint, Location, miles_between};
use std::collections::BTreeSet;

/// A referral with its places found.
#[derive(Clone, Debug)]
pub(super) struct Asked<'a> {
    pub(super) referral: &'a Referral,
    pub(super) policy: &'a Policy,
    pub(super) evaluated_at: DateTime<Utc>,
    pub(super) centre: GridPoint,
    pub(super) home: Option<GridPoint>,
    pub(super) school: Option<GridPoint>,
    /// Each zone's centre and its radius in tenths of a mile.
    pub(super) zones: Vec<(GridPoint, u16)>,
}

/// One setting seen from a referral.
pub(super) struct Facts<'a> {
    asked: &'a Asked<'a>,
    referral: &'a Referral,
    setting: &'a Setting,
    location: &'a Location,
    ages: Vec<u8>,
    residents: Vec<(&'a ChildId, Sex, u8)>,
    bedrooms: Option<usize>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(asked: &'a Asked<'a>, entry: &'a Entry) -> Self {
        let setting = &**entry.setting();
        let listed = &setting.occupancy.residents;
        let mut residents: Vec<_> = listed.iter().map(|r| (&r.child_id, r.sex, r.age)).collect();
        let mut bedrooms = setting.occupancy.bedrooms_free.map(usize::from);
        let mut seen: BTreeSet<&ChildId> = listed.iter().map(|r| &r.child_id).collect();
        for held in entry.held() {
            if held.referral_id != asked.referral.referral_id && seen.insert(&held.child_id) {
                residents.push((&held.child_id, held.sex, held.age));
                if held.age > 2 {
                    bedrooms = bedrooms.map(|free| free.saturating_sub(1));
                }
            }
        }
        Self {
            asked,
            referral: asked.referral,
            setting,
            location: entry.location(),
            ages: asked.referral.ages().collect(),
            residents,
            bedrooms,
        }
    }

    /// Whether the setting may be shown for these children at all.
    pub(super) fn shown(&self) -> bool {
        let mine = &self.setting.connected_to_children;
        let children = &self.referral.children;
        self.setting.kind != Kind::ConnectedPerson
            || children
                .iter()
                .filter(|child| !mine.contains(&child.child_id))
                .count()
                == 0
    }

    fn has(&self, sex: Sex) -> bool {
        self.referral.children.iter().any(|child| child.sex == sex)
    }

    fn takes_a_place_each(&self) -> bool {
        !self.referral.matching.parent_and_child
    }

    fn wanted(&self) -> usize {
        if self.takes_a_place_each() {
            self.referral.children.len()
        } else {
            1
        }
    }

    /// Whether the group fits beside `n` others.
    fn fits_beside(&self, n: usize) -> bool {
        let taken = n + usize::from(self.setting.occupancy.blocked_places) + self.wanted();
        taken <= usize::from(self.setting.approval.places)
    }

    fn family(&self) -> bool {
        [Kind::ConnectedPerson, Kind::FosteringHousehold].contains(&self.setting.kind)
    }

    fn own_carer(&self) -> bool {
        match self.setting.kind {
            Kind::ConnectedPerson => true,
            Kind::FosteringHousehold => self.setting.sourcing == Sourcing::InHouse,
            _ => false,
        }
    }

    fn over_two(&self, sex: Option<Sex>) -> usize {
        let children = self.referral.children.iter().zip(&self.ages);
        children
            .filter(|(child, age)| **age > 2 && sex.is_none_or(|sex| child.sex == sex))
            .count()
    }

    fn outside_ages(&self) -> bool {
        let range = self.setting.approval.min_age..=self.setting.approval.max_age;
        self.ages.iter().any(|age| !range.contains(age))
    }

    fn authority(&self) -> AuthorityCode {
        self.location.authority
    }

    fn in_area(&self) -> bool {
        self.authority() == self.referral.authority
    }

    fn tenths_from(&self, point: GridPoint) -> u16 {
        miles_between(self.location.point, point).get()
    }

    /// From home (or the centre), from the centre, from school.
    pub(super) fn tenths(&self) -> (u16, u16, Option<u16>) {
        let derby = self.tenths_from(self.asked.centre);
        let home = self.asked.home.map_or(derby, |home| self.tenths_from(home));
        (
            home,
            derby,
            self.asked.school.map(|school| self.tenths_from(school)),
        )
    }

    pub(super) fn near(&self) -> bool {
        self.in_area() || self.tenths().0 <= self.asked.policy.thresholds().near.get()
    }

    /// Every reason against the setting.
    pub(super) fn reasons(&self) -> Vec<Reason> {
        let mut found = Vec::new();
        let mut add = |code, detail| found.push(Reason { code, detail });
        let (setting, referral) = (self.setting, self.referral);
        if !referral.placement_types.contains(&setting.kind) {
            add(Exclusion::H14, None);
            return found;
        }
        if !setting.registration.registered {
            add(Exclusion::H01, None);
        }
        if self.ages.iter().any(|age| *age > 17) {
            add(Exclusion::H02, Some(Detail::Over17));
        }
        if setting.kind == Kind::SupportedAccommodation && self.ages.iter().any(|age| *age < 16) {
            add(Exclusion::H02, Some(Detail::Under16));
        }
        let reg_23 = referral.urgency == Urgency::Emergency
            && setting.kind == Kind::FosteringHousehold
            && self.own_carer();
        if self.outside_ages() && !reg_23 {
            add(Exclusion::H03, None);
        }
        let sexes = setting.approval.sexes;
        if [Sex::Male, Sex::Female]
            .iter()
            .any(|sex| self.has(*sex) && !sexes.contains(*sex))
        {
            add(Exclusion::H04, None);
        }
        if !self.fits_beside(self.residents.len()) {
            let held = self.fits_beside(setting.occupancy.residents.len());
            add(Exclusion::H05, held.then_some(Detail::Held));
        }
        if self.family() && self.takes_a_place_each() {
            let siblings = &referral.siblings_elsewhere;
            let strangers = self.residents.iter().any(|(id, ..)| !siblings.contains(id));
            if strangers && self.residents.len() + referral.children.len() > 3 {
                add(Exclusion::H06, None);
            }
            let rooms = self.over_two(None);
            match self.bedrooms {
                Some(free) if free < rooms => add(Exclusion::H07, None),
                None if rooms > 0 => add(Exclusion::H07, Some(Detail::Unknown)),
                _ => (),
            }
        }
        let in_force: BTreeSet<_> = setting
            .occupancy
            .restrictions
            .iter()
            .filter(|restriction| {
                restriction
                    .until
                    .is_none_or(|day| day >= referral.start_date)
            })
            .map(|restriction| restriction.reason.as_str())
            .collect();
        for text in in_force {
            add(Exclusion::H08, text.parse().ok());
        }
        self.reasons_of_needs(&mut add);
        self.reasons_of_company(&mut add);
        let in_zone = |(centre, radius): &(GridPoint, u16)| self.tenths_from(*centre) < *radius;
        if self.asked.zones.iter().any(in_zone) {
            add(Exclusion::H11, None);
        }
        if setting.kind == Kind::SecureChildrensHome {
            if !referral.legal_authority.secure_order {
                add(Exclusion::H12, Some(Detail::Section25));
            }
            let under_13 = self.ages.iter().any(|age| *age < 13);
            if under_13 && !referral.legal_authority.secretary_of_state {
                add(Exclusion::H12, Some(Detail::Under13));
            }
        }
        match (
            referral.matching.parent_and_child,
            setting.approval.parent_and_child,
        ) {
            (true, ParentAndChild::No) => add(Exclusion::H13, Some(Detail::NotOffered)),
            (false, ParentAndChild::Only) => add(Exclusion::H13, Some(Detail::Only)),
            _ => (),
        }
        if referral.excluded_authorities.contains(&self.authority()) {
            add(Exclusion::H15, None);
        }
        if [Quality::Inadequate, Quality::SeriousWeaknesses].contains(&setting.registration.quality)
        {
            add(Exclusion::H16, None);
        }
        found
    }

    fn reasons_of_needs(&self, add: &mut impl FnMut(Exclusion, Option<Detail>)) {
        let (setting, needs) = (self.setting, &self.referral.needs);
        for need in needs.essential.iter() {
            if setting.capabilities.get(need) < needs.levels.get(need) {
                add(Exclusion::H09, need.as_str().parse().ok());
            }
        }
        let mut criteria = setting.admission_criteria.present().peekable();
        let has_criteria = criteria.peek().is_some();
        if has_criteria && !criteria.any(|(need, level)| needs.levels.get(need) >= level) {
            add(Exclusion::H09, Some(Detail::AdmissionCriteria));
        }
        if self.referral.matching.wheelchair_accessible && !setting.wheelchair_accessible {
            add(Exclusion::H09, Some(Detail::WheelchairAccessible));
        }
    }

    fn reasons_of_company(&self, add: &mut impl FnMut(Exclusion, Option<Detail>)) {
        let conditions = &self.referral.matching;
        if conditions.solo && !self.residents.is_empty() {
            add(Exclusion::H10, Some(Detail::Solo));
        }
        if self
            .residents
            .iter()
            .any(|(id, ..)| self.referral.avoid_children.contains(id))
        {
            add(Exclusion::H10, Some(Detail::NamedChild));
        }
        let youngest = self.ages.iter().min().copied().unwrap_or(0);
        let younger = self.residents.iter().any(|(_, _, age)| *age < youngest);
        if conditions.no_younger_children && younger {
            add(Exclusion::H10, Some(Detail::YoungerChild));
        }
        let opposite = |resident: Sex| match resident {
            Sex::Male => self.has(Sex::Female),
            Sex::Female => self.has(Sex::Male),
            Sex::Unknown => false,
        };
        if conditions.no_opposite_sex_children
            && self.residents.iter().any(|(_, sex, _)| opposite(*sex))
        {
            add(Exclusion::H10, Some(Detail::OppositeSex));
        }
    }

    /// The acts that would each cure every reason.
    pub(super) fn requires(&self, reasons: &[Reason]) -> Vec<Act> {
        let only = |codes: &[Exclusion]| reasons.iter().all(|reason| codes.contains(&reason.code));
        let mut acts = Vec::new();
        if !self.family() || reasons.is_empty() {
            return acts;
        }
        if only(&[Exclusion::H05])
            && self.residents.is_empty()
            && self.bedrooms.is_some_and(|free| free > 0)
            && self.takes_a_place_each()
        {
            acts.push(Act::C1);
        }
        let previous = self.referral.previous_setting.as_ref() == Some(&self.setting.setting_id);
        if only(&[Exclusion::H05, Exclusion::H06]) && previous {
            acts.push(Act::C2);
        }
        let known = reasons
            .iter()
            .all(|reason| reason.detail != Some(Detail::Unknown));
        let hsb = self
            .referral
            .needs
            .levels
            .get(Need::HarmfulSexualBehaviour)
            .get();
        let rooms: usize = Sex::ALL
            .iter()
            .map(|sex| self.over_two(Some(*sex)).div_ceil(2))
            .sum();
        if only(&[Exclusion::H07])
            && known
            && self.referral.children.len() > 1
            && hsb == 0
            && self.bedrooms.is_some_and(|free| free >= rooms)
        {
            acts.push(Act::C3);
        }
        acts
    }

    pub(super) fn approvals(&self) -> BTreeSet<Approval> {
        let (setting, location) = (self.setting, self.location);
        let mut all = BTreeSet::new();
        let adjoining = || {
            let council = self.asked.policy.authority(self.referral.authority);
            council.is_some_and(|council| council.adjoining.contains(&self.authority()))
        };
        if !self.in_area() {
            all.insert(Approval::A03);
            if !self.own_carer() {
                all.insert(if adjoining() {
                    Approval::A01
                } else {
                    Approval::A02
                });
            }
        }
        match (setting.kind, setting.sourcing) {
            (Kind::FosteringHousehold, Sourcing::Framework | Sourcing::Spot) => {
                all.insert(Approval::A04);
            }
            (
                Kind::ChildrensHome | Kind::SecureChildrensHome | Kind::ResidentialFamilyCentre,
                Sourcing::Block | Sourcing::Framework | Sourcing::Spot,
            ) => {
                all.insert(Approval::A05);
            }
            (Kind::ConnectedPerson, _) if setting.approval.status != ApprovalStatus::Approved => {
                all.insert(Approval::A09);
            }
            _ => (),
        }
        // A ranked setting is only outside the ages by reg 23.
        if self.outside_ages() {
            all.insert(Approval::A08);
        }
        let key_stage_4 = self.referral.children.iter().any(|child| child.key_stage_4);
        let limit = self.asked.policy.thresholds().key_stage_4.get();
        if key_stage_4 && self.tenths().2.is_some_and(|school| school > limit) {
            all.insert(Approval::A10);
        }
        if setting.sourcing == Sourcing::Spot {
            all.insert(Approval::A11);
        }
        if !self.authority().as_str().starts_with('E') {
            all.insert(Approval::A15);
        }
        let sexes = setting.approval.sexes;
        let both = sexes.contains(Sex::Male) && sexes.contains(Sex::Female);
        if self.has(Sex::Unknown) && !both {
            all.insert(Approval::A16);
        }
        if !location.authority_certain {
            all.insert(Approval::A17);
        }
        all
    }

    pub(super) fn warnings(&self) -> BTreeSet<Warning> {
        let (setting, thresholds) = (self.setting, self.asked.policy.thresholds());
        let mut all = BTreeSet::new();
        if self.asked.home.is_some() && self.tenths().0 > thresholds.far_from_home.get() {
            all.insert(Warning::W01);
        }
        let [_, religion, languages] = self.dimensions();
        if religion == Some(false) || languages == Some(false) {
            all.insert(Warning::W04);
        }
        if [Quality::RequiresImprovement, Quality::Inconsistent]
            .contains(&setting.registration.quality)
        {
            all.insert(Warning::W05);
        }
        if setting
            .approval
            .review_due
            .is_some_and(|due| self.referral.start_date > due)
        {
            all.insert(Warning::W06);
        }
        if self.referral.matching.prefers_no_male_household && !setting.no_male_household {
            all.insert(Warning::W08);
        }
        let fresh = chrono::TimeDelta::hours(thresholds.vacancy_confirmed_hours.into());
        if setting
            .capacity_confirmed_at
            .is_some_and(|at| self.asked.evaluated_at.signed_duration_since(at) > fresh)
        {
            all.insert(Warning::W13);
        }
        all
    }

    /// Ethnicity, religion, language: whether met, or `None` where it does not count.
    fn dimensions(&self) -> [Option<bool>; 3] {
        let (wanted, stated) = (&self.referral.identity, &self.setting.identity);
        let ethnicity = !wanted.ethnicities.is_empty() && !stated.ethnicities.is_empty();
        [
            ethnicity.then(|| !wanted.ethnicities.is_disjoint(&stated.ethnicities)),
            wanted
                .religion
                .as_ref()
                .map(|religion| stated.religions.contains(religion)),
            (!wanted.languages.is_empty())
                .then(|| !wanted.languages.is_disjoint(&stated.languages)),
        ]
    }

    pub(super) fn gaps(&self) -> Vec<(Need, u8, u8)> {
        let levels = self.referral.needs.levels;
        levels
            .present()
            .map(|(need, level)| (need, level.get(), self.setting.capabilities.get(need).get()))
            .filter(|(_, level, has)| has < level)
            .collect()
    }

    pub(super) fn values(&self) -> Values {
        const FULL: u64 = 1_000_000;
        let fraction = |x: u64, full: u64, zero: u64| match x {
            _ if x <= full => FULL,
            _ if x < zero => (zero - x) * FULL / (zero - full),
            _ => 0,
        };
        let (home, derby, school) = self.tenths();
        let policy = self.asked.policy;
        let anchored = |tenths: u16, anchor: crate::policy::Anchor| {
            fraction(
                tenths.into(),
                anchor.full.get().into(),
                anchor.zero.get().into(),
            )
        };
        let total: u64 = self
            .referral
            .needs
            .levels
            .present()
            .map(|(_, l)| u64::from(l.get()))
            .sum();
        let short: u64 = self
            .gaps()
            .iter()
            .map(|(_, level, has)| u64::from(level - has))
            .sum();
        let counted: Vec<bool> = self.dimensions().into_iter().flatten().collect();
        let met = counted.iter().filter(|met| **met).count() as u64;
        let benchmark = u64::from(policy.benchmark(self.setting.kind).get());
        let anchors = policy.anchors();
        let ppm = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        Values {
            fit: ppm(((total - short) * FULL).checked_div(total).unwrap_or(FULL)),
            home: ppm(anchored(home, anchors.home)),
            derby: ppm(if self.in_area() {
                FULL
            } else {
                anchored(derby, anchors.derby)
            }),
            in_area: ppm(if self.in_area() { FULL } else { 0 }),
            education: ppm(school.map_or(FULL, |tenths| anchored(tenths, anchors.education))),
            identity: ppm((met * FULL)
                .checked_div(counted.len() as u64)
                .unwrap_or(FULL)),
            quality: policy.quality_ppm(self.setting.registration.quality),
            cost: ppm(fraction(
                self.setting.weekly_cost.get().into(),
                benchmark,
                2 * benchmark,
            )),
        }
    }
}
