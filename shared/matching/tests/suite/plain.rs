//! Outcomes in plain numbers and texts: what the reference and the product are compared in.

use oss_matching::Evaluation;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) type Reasons = BTreeSet<(String, Option<String>)>;

/// An outcome in numbers and texts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) ranked: Vec<Offer>,
    pub(crate) excluded: Vec<(String, Reasons, Vec<String>)>,
    pub(crate) near_misses: Vec<(String, String, Option<String>)>,
    pub(crate) counts: BTreeMap<String, u32>,
    pub(crate) evaluated: u32,
}

/// A ranked setting in numbers and texts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) id: String,
    pub(crate) provider: String,
    pub(crate) band: char,
    pub(crate) fit: u64,
    pub(crate) score: u64,
    pub(crate) near: bool,
    pub(crate) located_in: String,
    pub(crate) sector: bool,
    pub(crate) tenths: (u64, u64, Option<u64>),
    pub(crate) pence: u64,
    pub(crate) approvals: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) gaps: Vec<(String, u8, u8)>,
    pub(crate) values: [u64; 8],
}

/// The product's own evaluation, in the reference's plain terms.
pub(crate) fn plain(evaluation: &Evaluation) -> Outcome {
    let text = |code: oss_domain::Exclusion| code.as_str().to_owned();
    let detail = |reason: oss_domain::Reason| reason.detail.map(|it| it.as_str().to_owned());
    let excluded = evaluation.excluded.iter().map(|setting| {
        let reasons = setting
            .reasons
            .iter()
            .map(|r| (text(r.code), detail(r)))
            .collect();
        let requires = setting
            .requires
            .iter()
            .map(|act| act.as_str().to_owned())
            .collect();
        (setting.setting_id.to_string(), reasons, requires)
    });
    let ranked = evaluation.ranked.iter().map(|offer| {
        let (values, distances) = (&offer.values, &offer.distances);
        Offer {
            id: offer.setting_id.to_string(),
            provider: offer.provider_id.to_string(),
            band: offer.band.as_str().chars().next().unwrap(),
            fit: values.fit.into(),
            score: offer.score.into(),
            near: offer.near,
            located_in: offer.located_in.to_string(),
            sector: offer.precision == oss_geography::Precision::Sector,
            tenths: (
                distances.home.get().into(),
                distances.derby.get().into(),
                distances.school.map(|miles| miles.get().into()),
            ),
            pence: offer.weekly_cost.get().into(),
            approvals: offer
                .approvals
                .iter()
                .map(|it| it.as_str().to_owned())
                .collect(),
            warnings: offer
                .warnings
                .iter()
                .map(|it| it.as_str().to_owned())
                .collect(),
            gaps: offer
                .gaps
                .iter()
                .map(|gap| (gap.need.as_str().to_owned(), gap.level.get(), gap.has.get()))
                .collect(),
            values: [
                values.fit,
                values.home,
                values.derby,
                values.in_area,
                values.education,
                values.identity,
                values.quality,
                values.cost,
            ]
            .map(u64::from),
        }
    });
    Outcome {
        ranked: ranked.collect(),
        excluded: excluded.collect(),
        near_misses: evaluation
            .near_misses
            .iter()
            .map(|miss| {
                (
                    miss.setting_id.to_string(),
                    text(miss.reason.code),
                    detail(miss.reason),
                )
            })
            .collect(),
        counts: evaluation
            .exclusion_counts
            .iter()
            .map(|(code, n)| (text(*code), *n))
            .collect(),
        evaluated: evaluation.evaluated,
    }
}
