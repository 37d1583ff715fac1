//! A referral, compiled for ranking.

use crate::{
    levels::{PackedLevels, mask_of},
    policy::Policy,
    supply::{ethnicity_bits, signature},
};
use chrono::NaiveDate;
use oss_domain::{
    AuthorityCode, ChildId, FieldError, Level, Need, Postcode, Referral, ReferralId, SettingId,
    Sex, TenthsOfMile,
    child::age_on,
    identity::Word,
    referral::{LegalAuthority, MatchingConditions, Urgency},
    setting::Kind,
};
use oss_geography::{Gazetteer, GridPoint, Location};
use std::collections::BTreeSet;

/// The place of a kind that the care plan does not name.
pub(crate) const NOT_IN_PLAN: u8 = u8::MAX;

/// A referral with its ages, places and sets worked out: what ranking asks of every setting.
#[derive(Clone, Debug)]
pub struct Query {
    pub(crate) referral_id: ReferralId,
    pub(crate) authority: AuthorityCode,
    pub(crate) adjoining: Vec<AuthorityCode>,
    pub(crate) excluded_authorities: BTreeSet<AuthorityCode>,
    pub(crate) start_date: NaiveDate,
    pub(crate) emergency: bool,
    /// For each kind its place in the plan, or [`NOT_IN_PLAN`].
    pub(crate) places_of_kinds: [u8; Kind::ALL.len()],
    pub(crate) group: Group,
    pub(crate) levels: PackedLevels,
    pub(crate) essential: u64,
    pub(crate) conditions: MatchingConditions,
    pub(crate) legal: LegalAuthority,
    pub(crate) home: Option<GridPoint>,
    pub(crate) centre: GridPoint,
    pub(crate) school: Option<GridPoint>,
    pub(crate) zones: Vec<(GridPoint, TenthsOfMile)>,
    pub(crate) ethnicities: u32,
    /// At most one.
    pub(crate) religion: BTreeSet<Word>,
    pub(crate) languages: BTreeSet<Word>,
    pub(crate) avoid: BTreeSet<ChildId>,
    pub(crate) avoid_signature: u64,
    pub(crate) siblings_elsewhere: BTreeSet<ChildId>,
    pub(crate) previous_setting: Option<SettingId>,
}

/// The children, as a group that lives together.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is asked of every setting by itself"
)]
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) child_ids: Vec<ChildId>,
    pub(crate) signature: u64,
    pub(crate) n: u32,
    /// How many places the group takes.
    pub(crate) places: i32,
    pub(crate) youngest: u8,
    pub(crate) oldest: u8,
    pub(crate) male: bool,
    pub(crate) female: bool,
    pub(crate) sex_unknown: bool,
    pub(crate) key_stage_4: bool,
    /// Bedrooms needed: one for each child aged three or more.
    pub(crate) bedrooms: u16,
    /// Bedrooms needed if those of one sex share by twos.
    pub(crate) bedrooms_shared: u16,
}

impl Query {
    /// Compiles a referral.
    ///
    /// # Errors
    /// With every field that cannot be ranked on: a postcode that is not known, a birth after the
    /// start date, an authority that the policy does not serve.
    pub fn compile(
        referral: &Referral,
        gazetteer: &Gazetteer,
        policy: &Policy,
    ) -> Result<Self, Vec<FieldError>> {
        Self::compile_with(referral, |postcode| gazetteer.locate(postcode), policy)
    }

    /// Compiles a referral, finding postcodes with `locate`.
    ///
    /// # Errors
    /// As [`Query::compile`].
    pub fn compile_with(
        referral: &Referral,
        locate: impl Fn(&Postcode) -> Option<Location>,
        policy: &Policy,
    ) -> Result<Self, Vec<FieldError>> {
        let mut places = Places {
            locate,
            errors: Vec::new(),
        };
        for (idx, child) in referral.children.iter().enumerate() {
            if child.date_of_birth > referral.start_date {
                places.errors.push(FieldError::new(
                    format!("/children/{idx}/date_of_birth"),
                    "after_start_date",
                    "must not be after start_date",
                ));
            }
        }
        let council = policy.authority(referral.authority);
        if council.is_none() {
            places.errors.push(FieldError::new(
                "/authority",
                "unknown_authority",
                "must be a council that the policy has a centre and adjacency for",
            ));
        }
        let centre = council.and_then(|council| places.find(&council.centre, "/authority"));
        let locations = &referral.locations;
        let home = locations
            .home
            .and_then(|it| places.find(&it, "/locations/home"));
        let school = locations
            .school
            .and_then(|it| places.find(&it, "/locations/school"));
        for (idx, contact) in locations.contact.iter().enumerate() {
            places.find(contact, &format!("/locations/contact/{idx}"));
        }
        let mut zones = Vec::new();
        for (idx, zone) in referral.exclusion_zones.iter().enumerate() {
            let pointer = format!("/exclusion_zones/{idx}/centre");
            zones.extend(
                places
                    .find(&zone.centre, &pointer)
                    .map(|point| (point, zone.radius)),
            );
        }
        let (Some(council), Some(centre), true) = (council, centre, places.errors.is_empty())
        else {
            return Err(places.errors);
        };
        let mut places_of_kinds = [NOT_IN_PLAN; Kind::ALL.len()];
        for (place, kind) in (0..).zip(&referral.placement_types) {
            if let Some(slot) = places_of_kinds.get_mut(*kind as usize) {
                *slot = place;
            }
        }
        Ok(Self {
            referral_id: referral.referral_id.clone(),
            authority: referral.authority,
            adjoining: council.adjoining.clone(),
            excluded_authorities: referral.excluded_authorities.clone(),
            start_date: referral.start_date,
            emergency: referral.urgency == Urgency::Emergency,
            places_of_kinds,
            group: Group::of(referral),
            levels: (&referral.needs.levels).into(),
            essential: mask_of(referral.needs.essential),
            conditions: referral.matching,
            legal: referral.legal_authority,
            home,
            centre,
            school,
            zones,
            ethnicities: ethnicity_bits(referral.identity.ethnicities.iter()),
            religion: referral.identity.religion.iter().cloned().collect(),
            languages: referral.identity.languages.clone(),
            avoid: referral.avoid_children.clone(),
            avoid_signature: referral
                .avoid_children
                .iter()
                .fold(0, |all, id| all | signature(id)),
            siblings_elsewhere: referral.siblings_elsewhere.clone(),
            previous_setting: referral.previous_setting.clone(),
        })
    }

    /// The referral's id.
    #[must_use]
    pub const fn referral_id(&self) -> &ReferralId {
        &self.referral_id
    }

    /// The responsible authority.
    #[must_use]
    pub const fn authority(&self) -> AuthorityCode {
        self.authority
    }

    /// Whether home is known; else distances run from the authority's centre.
    #[must_use]
    pub const fn has_home(&self) -> bool {
        self.home.is_some()
    }

    /// The needs that are to be met.
    #[must_use]
    pub const fn levels(&self) -> PackedLevels {
        self.levels
    }
}

impl Group {
    fn of(referral: &Referral) -> Self {
        let children = &referral.children;
        // More than 255 years is over 17 all the same.
        let age = |born| age_on(born, referral.start_date).unwrap_or(u8::MAX);
        let ages = || children.iter().map(|child| age(child.date_of_birth));
        let has_sex = |sex| children.iter().any(|child| child.sex == sex);
        let over_two = |sex: Sex| {
            let counted = children
                .iter()
                .filter(|child| child.sex == sex && age(child.date_of_birth) >= 3)
                .count();
            u16::try_from(counted).unwrap_or(u16::MAX)
        };
        let n = u32::try_from(children.len()).unwrap_or(u32::MAX);
        let one_place = referral.matching.parent_and_child;
        Self {
            child_ids: children
                .iter()
                .map(|child| child.child_id.clone())
                .collect(),
            signature: children
                .iter()
                .fold(0, |all, child| all | signature(&child.child_id)),
            n,
            places: if one_place {
                1
            } else {
                i32::try_from(n).unwrap_or(i32::MAX)
            },
            youngest: ages().min().unwrap_or(0),
            oldest: ages().max().unwrap_or(0),
            male: has_sex(Sex::Male),
            female: has_sex(Sex::Female),
            sex_unknown: has_sex(Sex::Unknown),
            key_stage_4: children.iter().any(|child| child.key_stage_4),
            bedrooms: Sex::ALL.iter().map(|sex| over_two(*sex)).sum(),
            bedrooms_shared: Sex::ALL.iter().map(|sex| over_two(*sex).div_ceil(2)).sum(),
        }
    }

    /// Whether bedroom sharing is out of the question (C3): a lone child, or a known risk.
    pub(crate) const fn may_share(&self, levels: PackedLevels) -> bool {
        self.n > 1 && levels.get(Need::HarmfulSexualBehaviour) == Level::NONE.get()
    }
}

struct Places<F> {
    locate: F,
    errors: Vec<FieldError>,
}

impl<F: Fn(&Postcode) -> Option<Location>> Places<F> {
    fn find(&mut self, postcode: &Postcode, pointer: &str) -> Option<GridPoint> {
        let found = (self.locate)(postcode);
        if found.is_none() {
            self.errors.push(FieldError::new(
                pointer,
                "unknown_postcode",
                "must be a postcode of Great Britain, at least its sector known",
            ));
        }
        found.map(|location| location.point)
    }
}
