//! Ranking alone, in one thread.

use anyhow::Context;
use oss_domain::{Clock, Referral, Setting};
use oss_geography::Gazetteer;
use oss_matching::{Policy, Query, Supply, rank};
use oss_runtime::SystemClock;
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// How often each referral is ranked.
const PASSES: usize = 20;

/// The time of one pass over `settings`, with all values and every reason, for each pass.
pub(super) fn passes(
    settings: Vec<Setting>,
    referrals: impl Iterator<Item = Referral>,
) -> anyhow::Result<Vec<Duration>> {
    let (policy, gazetteer) = (Policy::embedded(), Gazetteer::embedded());
    let mut supply = Supply::new(oss_sample::authority());
    for setting in settings {
        let location = gazetteer
            .locate(&setting.postcode)
            .with_context(|| format!("setting {} has an unknown postcode", setting.setting_id))?;
        supply.upsert(setting, location)?;
    }
    let now = SystemClock.now();
    let mut times = Vec::new();
    for referral in referrals {
        let query = Query::compile(&referral, &gazetteer, &policy)
            .map_err(|faults| anyhow::anyhow!("a sample referral is not valid: {faults:?}"))?;
        for _ in 0..PASSES {
            let start = Instant::now();
            let outcome = black_box(rank(black_box(&query), &supply, &policy, now));
            times.push(start.elapsed());
            drop(outcome);
        }
    }
    Ok(times)
}
