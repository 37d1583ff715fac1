//! A query bound to a supply and a policy: everything that is the same for every setting, worked
//! out once.

use crate::{
    policy::{Anchors, Policy, Thresholds, Weights},
    query::Query,
    supply::{Entry, Held, Occupants, Row, Supply, Wanted, flag},
};
use chrono::{DateTime, TimeDelta, Utc};
use oss_domain::{
    AuthorityCode, ChildId,
    setting::{Kind, Quality, is_shown_for},
};

/// What the query means for settings that lie in one authority.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    pub(crate) code: AuthorityCode,
    pub(crate) responsible: bool,
    pub(crate) adjoining: bool,
    pub(crate) excluded: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Bound<'a> {
    pub(crate) query: &'a Query,
    areas: Vec<Area>,
    pub(crate) religion: Wanted<'a>,
    pub(crate) languages: Wanted<'a>,
    pub(crate) previous: Option<usize>,
    /// W13 where capacity was confirmed before this.
    pub(crate) stale_before: DateTime<Utc>,
    pub(crate) weights: &'a Weights,
    pub(crate) anchors: &'a Anchors,
    pub(crate) thresholds: &'a Thresholds,
    pub(crate) benchmarks: [u32; Kind::ALL.len()],
    pub(crate) qualities: [u32; Quality::ALL.len()],
}

impl<'a> Bound<'a> {
    pub(crate) fn new(
        query: &'a Query,
        supply: &Supply,
        policy: &'a Policy,
        evaluated_at: DateTime<Utc>,
    ) -> Self {
        let lists = supply.lists();
        let area = |code: &AuthorityCode| Area {
            code: *code,
            responsible: *code == query.authority,
            adjoining: query.adjoining.contains(code),
            excluded: query.excluded_authorities.contains(code),
        };
        let thresholds = policy.thresholds();
        let fresh_for = TimeDelta::hours(thresholds.vacancy_confirmed_hours.into());
        let mut benchmarks = [1; Kind::ALL.len()];
        for (slot, kind) in benchmarks.iter_mut().zip(Kind::ALL) {
            *slot = policy.benchmark(*kind).get();
        }
        let mut qualities = [0; Quality::ALL.len()];
        for (slot, quality) in qualities.iter_mut().zip(Quality::ALL) {
            *slot = policy.quality_ppm(*quality);
        }
        Self {
            query,
            areas: lists.authorities.iter().map(area).collect(),
            religion: lists.religions.wanted(&query.religion),
            languages: lists.languages.wanted(&query.languages),
            previous: query
                .previous_setting
                .as_ref()
                .and_then(|setting_id| supply.find(setting_id).ok()),
            stale_before: evaluated_at
                .checked_sub_signed(fresh_for)
                .unwrap_or(DateTime::<Utc>::MIN_UTC),
            weights: policy.weights(),
            anchors: policy.anchors(),
            thresholds,
            benchmarks,
            qualities,
        }
    }

    /// What the query means where the setting lies.
    pub(crate) fn area(&self, row: &Row) -> Area {
        self.areas
            .get(usize::from(row.authority))
            .copied()
            .unwrap_or(Area {
                code: self.query.authority,
                responsible: false,
                adjoining: false,
                excluded: true,
            })
    }

    /// The place of the setting's kind in the care plan.
    pub(crate) fn place_of_kind(&self, row: &Row) -> u8 {
        self.query
            .places_of_kinds
            .get(row.kind as usize)
            .copied()
            .unwrap_or(crate::query::NOT_IN_PLAN)
    }

    /// Whether the setting may be shown for these children at all.
    pub(crate) fn shows(&self, row: &Row, entry: &Entry) -> bool {
        let group = &self.query.group;
        // The row alone tells of nearly all: their entries need not be fetched.
        if row.kind != Kind::ConnectedPerson {
            return true;
        }
        let connected_to = &entry.setting().connected_to_children;
        group.signature & !row.connected == 0
            && is_shown_for(row.kind, connected_to, &group.child_ids)
    }

    /// Who lives in the setting, without those for whom this very referral holds places.
    pub(crate) fn occupants(&self, row: &Row, entry: &Entry) -> Occupants {
        let holds_here = |held: &Held| held.referral_id == self.query.referral_id;
        if row.has(flag::HELD) && entry.held().iter().any(holds_here) {
            Occupants::count(entry.setting(), &self.held_by_others(entry))
        } else {
            row.occupants
        }
    }

    /// The ids of those who live in the setting; one may come twice.
    pub(crate) fn resident_ids<'e>(
        &'e self,
        entry: &'e Entry,
    ) -> impl Iterator<Item = &'e ChildId> {
        let listed = entry.setting().occupancy.residents.iter();
        listed
            .map(|resident| &resident.child_id)
            .chain(self.held_by_others(entry).map(|held| &held.child_id))
    }

    fn held_by_others<'e>(&'e self, entry: &'e Entry) -> impl Iterator<Item = &'e Held> + Clone {
        let referral_id = &self.query.referral_id;
        entry
            .held()
            .iter()
            .filter(move |held| held.referral_id != *referral_id)
    }
}
