//! From TOML to a checked [`Policy`].

use super::{
    Anchor, Anchors, Clocks, Council, Criterion, FULL_PPM, Policy, PolicyError, Thresholds, Weights,
};
use oss_domain::{
    Approval, Pence, TenthsOfMile,
    referral::Urgency,
    setting::{Kind, Quality},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt::Display, str::FromStr};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    weights: Weights,
    anchors_tenths_of_mile: FileAnchors,
    benchmark_pence_a_week: BTreeMap<String, u32>,
    quality_ppm: BTreeMap<String, u32>,
    thresholds: FileThresholds,
    shown: Shown,
    hold_hours: BTreeMap<String, u32>,
    clocks: Clocks,
    approvers: BTreeMap<String, String>,
    councils: Vec<FileCouncil>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileAnchors {
    home: FileAnchor,
    derby: FileAnchor,
    education: FileAnchor,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileAnchor {
    full: u16,
    zero: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileThresholds {
    near_tenths_of_mile: u16,
    far_from_home_tenths_of_mile: u16,
    key_stage_4_tenths_of_mile: u16,
    vacancy_confirmed_hours: u32,
    band_a_fit_ppm: u32,
    band_b_fit_ppm: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    offers: usize,
    near_misses: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCouncil {
    authority: String,
    name: String,
    centre: String,
    adjoining: Vec<String>,
}

/// Collects what is wrong, so that all of it is told at once.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    fn read<T: FromStr<Err: Display>>(&mut self, what: &str, text: &str) -> Option<T> {
        text.parse()
            .map_err(|error| self.add(format!("{what} `{text}` {error}")))
            .ok()
    }

    /// A table that must have exactly the codes of a set, in the set's order.
    fn complete<K: FromStr<Err: Display> + Ord, V>(
        &mut self,
        table: &str,
        codes: &[&str],
        entries: BTreeMap<String, V>,
    ) -> BTreeMap<K, V> {
        for code in codes {
            if !entries.contains_key(*code) {
                self.add(format!("[{table}] lacks {code}"));
            }
        }
        entries
            .into_iter()
            .filter_map(|(code, value)| {
                self.read(&format!("[{table}] key"), &code)
                    .map(|key| (key, value))
            })
            .collect()
    }
}

pub(super) fn parse(text: &str) -> Result<Policy, PolicyError> {
    let file: File = toml::from_str(text).map_err(|error| PolicyError::Form(error.to_string()))?;
    let mut problems = Problems::default();
    let policy = convert(file, text, &mut problems);
    if problems.0.is_empty() {
        Ok(policy)
    } else {
        Err(PolicyError::Content(problems.0))
    }
}

fn convert(file: File, text: &str, problems: &mut Problems) -> Policy {
    if file.id.is_empty() {
        problems.add("id is empty");
    }
    let points: u64 = Criterion::ALL
        .iter()
        .map(|criterion| u64::from(file.weights.get(*criterion)))
        .sum();
    if points != 100 {
        problems.add(format!("[weights] come to {points} points, not 100"));
    }
    let benchmarks: BTreeMap<Kind, u32> = problems.complete(
        "benchmark_pence_a_week",
        Kind::CODES,
        file.benchmark_pence_a_week,
    );
    for (kind, pence) in &benchmarks {
        // Twice the benchmark must still be an amount.
        if !(1..=u32::MAX / 2).contains(pence) {
            problems.add(format!("[benchmark_pence_a_week] {kind} is out of range"));
        }
    }
    let quality: BTreeMap<Quality, u32> =
        problems.complete("quality_ppm", Quality::CODES, file.quality_ppm);
    for (quality, ppm) in &quality {
        if *ppm > FULL_PPM {
            problems.add(format!("[quality_ppm] {quality} is over {FULL_PPM}"));
        }
    }
    let hold_hours: BTreeMap<Urgency, u32> =
        problems.complete("hold_hours", Urgency::CODES, file.hold_hours);
    let approvers: BTreeMap<Approval, String> =
        problems.complete("approvers", Approval::CODES, file.approvers);
    for (approval, role) in &approvers {
        if role.trim().is_empty() {
            problems.add(format!("[approvers] {approval} names no role"));
        }
    }
    Policy {
        id: file.id,
        sha256: Sha256::digest(text).into(),
        text: text.into(),
        weights: file.weights,
        anchors: Anchors {
            home: anchor("home", &file.anchors_tenths_of_mile.home, problems),
            derby: anchor("derby", &file.anchors_tenths_of_mile.derby, problems),
            education: anchor(
                "education",
                &file.anchors_tenths_of_mile.education,
                problems,
            ),
        },
        benchmarks: benchmarks.into_values().map(Pence::new).collect(),
        quality: quality.into_values().collect(),
        thresholds: thresholds(&file.thresholds, problems),
        n_offers: file.shown.offers,
        n_near_misses: file.shown.near_misses,
        hold_hours: hold_hours.into_values().collect(),
        clocks: file.clocks,
        approvers,
        councils: councils(&file.councils, problems),
    }
}

fn anchor(name: &str, anchor: &FileAnchor, problems: &mut Problems) -> Anchor {
    if anchor.full >= anchor.zero {
        problems.add(format!(
            "[anchors_tenths_of_mile] {name}: full is not below zero"
        ));
    }
    Anchor {
        full: TenthsOfMile::new(anchor.full),
        zero: TenthsOfMile::new(anchor.zero),
    }
}

fn thresholds(file: &FileThresholds, problems: &mut Problems) -> Thresholds {
    if file.band_a_fit_ppm <= file.band_b_fit_ppm || file.band_a_fit_ppm > FULL_PPM {
        problems.add(format!(
            "[thresholds] band A must begin above band B, at most at {FULL_PPM}"
        ));
    }
    Thresholds {
        near: TenthsOfMile::new(file.near_tenths_of_mile),
        far_from_home: TenthsOfMile::new(file.far_from_home_tenths_of_mile),
        key_stage_4: TenthsOfMile::new(file.key_stage_4_tenths_of_mile),
        vacancy_confirmed_hours: file.vacancy_confirmed_hours,
        band_a_fit: file.band_a_fit_ppm,
        band_b_fit: file.band_b_fit_ppm,
    }
}

fn councils(file: &[FileCouncil], problems: &mut Problems) -> Vec<Council> {
    if file.is_empty() {
        problems.add("[[councils]] names none");
    }
    let mut councils: Vec<Council> = Vec::new();
    for council in file {
        let authority = problems.read("[[councils]] authority", &council.authority);
        let centre = problems.read("[[councils]] centre", &council.centre);
        let adjoining = council
            .adjoining
            .iter()
            .filter_map(|code| problems.read("[[councils]] adjoining", code))
            .collect();
        let (Some(authority), Some(centre)) = (authority, centre) else {
            continue;
        };
        if councils.iter().any(|other| other.authority == authority) {
            problems.add(format!("[[councils]] names {authority} twice"));
        }
        councils.push(Council {
            authority,
            name: council.name.clone(),
            centre,
            adjoining,
        });
    }
    councils
}
