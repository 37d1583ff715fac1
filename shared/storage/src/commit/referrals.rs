//! Referrals' heads, revisions and runs, made ready to be written.

use crate::{
    audit::ChainEnd,
    error::{Result, broken},
    row, run_record,
    seal::InstallationKey,
    store::Loaded,
};
use chrono::{DateTime, Utc};
use oss_domain::{AuthorityCode, Referral};
use oss_workflow::{ReferralHead, ReferralKey, Unit, ranking::Run, unit::ContentHash};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Gives the referrals that the unit made something to remember, as the others have.
pub(super) fn expect_new(unit: &Unit, loaded: &mut HashMap<ReferralKey, Loaded>) {
    for head in unit.referrals.values() {
        loaded.entry(head.key).or_insert(Loaded {
            chain: ChainEnd::START,
            data_key: None,
        });
    }
}

/// A revision ready to be written.
#[derive(Debug)]
pub(super) struct Revision<'a> {
    pub(super) authority: AuthorityCode,
    pub(super) key: ReferralKey,
    pub(super) number: i64,
    pub(super) content: &'a ContentHash,
    pub(super) document: Value,
    pub(super) narrative: Option<Vec<u8>>,
    pub(super) received_at: DateTime<Utc>,
}

/// A revision that a unit appends.
pub(super) type Appended<'a> = (
    ReferralKey,
    &'a Arc<Referral>,
    &'a ContentHash,
    DateTime<Utc>,
);

/// Seals what the revisions tell in words, each referral's with its own key.
pub(super) fn seal_revisions<'a>(
    installation: &InstallationKey,
    revisions: &[Appended<'a>],
    loaded: &mut HashMap<ReferralKey, Loaded>,
) -> Result<Vec<Revision<'a>>> {
    let mut sealed = Vec::with_capacity(revisions.len());
    for &(key, referral, content, received_at) in revisions {
        let number = i64::try_from(referral.revision)
            .map_err(|_| broken("a revision is higher than any that is taken in"))?;
        let (document, narrative) = row::split_narrative(referral);
        let loaded = loaded
            .get_mut(&key)
            .ok_or_else(|| broken("a referral was not loaded"))?;
        let narrative = match narrative {
            None => None,
            Some(narrative) => {
                let data_key = loaded.data_key(installation, key)?;
                let text = Value::Object(narrative).to_string();
                Some(data_key.seal(key.0, number, text.as_bytes())?)
            }
        };
        sealed.push(Revision {
            authority: referral.authority,
            key,
            number,
            content,
            document,
            narrative,
            received_at,
        });
    }
    Ok(sealed)
}

/// Packs the outcomes of runs, in the order of their referrals' care plans.
pub(super) fn pack<'a>(unit: &Unit, runs: &[&'a Run]) -> Result<Vec<(&'a Run, Vec<u8>)>> {
    let referrals: BTreeMap<_, _> = unit
        .referrals
        .values()
        .filter_map(|head| Some((head.key, head.referral.as_ref()?)))
        .collect();
    runs.iter()
        .map(|run| {
            let referral = referrals.get(&run.key);
            let kinds = referral.map(|referral| referral.placement_types.as_slice());
            let record = run_record::encode(&run.outcome, kinds.unwrap_or_default())?;
            Ok((*run, record))
        })
        .collect()
}

/// Every head that changed, or whose chain in the audit did.
pub(super) fn changed<'a>(
    unit: &'a Unit,
    loaded: &'a HashMap<ReferralKey, Loaded>,
) -> Result<Vec<(&'a ReferralHead, &'a Loaded)>> {
    let mut audited: BTreeSet<_> = unit.audit.iter().filter_map(|line| line.referral).collect();
    // Their words may have given the referral its key.
    let offers = unit.changed_offers.iter();
    audited.extend(offers.filter_map(|id| Some(unit.offers.get(id)?.referral)));
    let mut heads = Vec::new();
    for (at, head) in &unit.referrals {
        if unit.changed_referrals.contains(at) || audited.contains(&head.key) {
            let loaded = loaded
                .get(&head.key)
                .ok_or_else(|| broken("a referral was not loaded"))?;
            heads.push((head, loaded));
        }
    }
    Ok(heads)
}
