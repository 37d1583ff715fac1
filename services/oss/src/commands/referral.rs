//! Finding a referral, and its current run, by what was typed.

use crate::connection::Target;
use anyhow::{Context, bail};
use oss_domain::{AuthorityCode, ReferralId};
use oss_storage::{PgStore, referrals::StoredReferral, runs::StoredRun};

/// The authority that was named, or the only one served.
pub(crate) fn authority(
    target: &Target,
    named: Option<AuthorityCode>,
) -> anyhow::Result<AuthorityCode> {
    if let Some(named) = named {
        return Ok(named);
    }
    match target.config.authorities()?.as_slice() {
        [only] => Ok(*only),
        _ => bail!("several authorities are served; name one with --authority"),
    }
}

/// The referral.
pub(crate) async fn find(
    store: &PgStore,
    target: &Target,
    referral_id: &ReferralId,
    named: Option<AuthorityCode>,
) -> anyhow::Result<StoredReferral> {
    let authority = authority(target, named)?;
    store
        .referral(authority, referral_id)
        .await?
        .with_context(|| format!("there is no referral {referral_id} of {authority}"))
}

/// The referral's current run.
pub(crate) async fn current_run(
    store: &PgStore,
    stored: &StoredReferral,
) -> anyhow::Result<StoredRun> {
    let run_id = stored.run_id.with_context(|| {
        format!(
            "referral {} is {} and has not been ranked",
            stored.referral_id, stored.state
        )
    })?;
    store
        .run(run_id)
        .await?
        .with_context(|| format!("run {run_id} is not stored"))
}
