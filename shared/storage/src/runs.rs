//! Reading runs, and keeping what is needed to make them again.

use crate::{
    error::{Result, Sorted, broken},
    row, run_record,
    store::PgStore,
};
use oss_domain::{RunId, SettingId};
use oss_matching::{Evaluation, Policy};
use oss_workflow::{ReferralKey, SettingKey, SupplyVersion, call_off::Ranking, ranking::RunFacts};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, sync::Arc};

/// A run, as it was made.
#[derive(Clone, Debug)]
pub struct StoredRun {
    /// What it was made of.
    pub facts: RunFacts,
    /// The referral's key.
    pub key: ReferralKey,
    /// What came out.
    pub evaluation: Evaluation,
    /// Its digest.
    pub digest: u128,
    /// The keys of the supply's settings: they make the offers' ids.
    pub setting_keys: Arc<HashMap<SettingId, SettingKey>>,
}

impl PgStore {
    /// A run with every setting's result.
    ///
    /// # Errors
    ///
    /// Fails where the database is away, or the record is damaged.
    pub async fn run(&self, run_id: RunId) -> Result<Option<StoredRun>> {
        let Some(run) = sqlx::query!(
            r#"SELECT match_run.authority, referral_id, referral_key, match_run.revision,
                 supply_version, policy_sha256, policy.id AS policy_id, engine, gazetteer,
                 evaluated_at, digest, record,
                 jsonb_path_query_array(document, '$.children[*].child_id') AS "children!"
               FROM match_run
               JOIN policy ON policy.sha256 = policy_sha256
               JOIN referral ON referral.key = referral_key
               JOIN referral_revision ON referral_revision.key = referral_key
                 AND referral_revision.revision = match_run.revision
               WHERE match_run.run_id = $1"#,
            run_id.into_uuid(),
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()?
        else {
            return Ok(None);
        };
        let listing = self.listing(&run.authority, run.supply_version).await?;
        let children: Vec<_> = row::children(&run.children)?;
        let shown = listing.shown(&children);
        let facts = RunFacts {
            run_id,
            authority: row::parse("match_run.authority", &run.authority)?,
            referral_id: row::parse("referral.referral_id", &run.referral_id)?,
            revision: row::whole("match_run.revision", run.revision)?,
            supply: SupplyVersion(run.supply_version),
            policy_id: run.policy_id.into(),
            policy_sha256: row::bytes("match_run.policy_sha256", &run.policy_sha256)?,
            engine: run.engine.into(),
            gazetteer: run.gazetteer.into(),
            evaluated_at: run.evaluated_at,
        };
        Ok(Some(StoredRun {
            facts,
            key: ReferralKey(run.referral_key),
            evaluation: run_record::decode(&run.record, &shown)?,
            digest: u128::from_be_bytes(row::bytes("match_run.digest", &run.digest)?),
            setting_keys: Arc::clone(&listing.keys),
        }))
    }

    /// A referral's current run; `None` before the first.
    ///
    /// # Errors
    ///
    /// Fails where the database is away, or the record is damaged.
    pub async fn current_run(&self, referral: ReferralKey) -> Result<Option<StoredRun>> {
        let run_id = sqlx::query_scalar!("SELECT run_id FROM referral WHERE key = $1", referral.0)
            .fetch_optional(&self.pool)
            .await
            .sorted()?
            .flatten();
        let Some(run_id) = run_id.map(RunId::from_uuid) else {
            return Ok(None);
        };
        let run = self.run(run_id).await?;
        run.map(Some)
            .ok_or_else(|| broken("a referral's current run is not there"))
    }

    /// The order that a referral's current run put the settings in; `None` before the first run.
    ///
    /// # Errors
    ///
    /// Fails where the database is away, or the record is damaged.
    pub async fn ranking(&self, referral: ReferralKey) -> Result<Option<Ranking>> {
        let run = self.current_run(referral).await?;
        Ok(run.map(|run| Ranking {
            run_id: run.facts.run_id,
            order: run
                .evaluation
                .ranked
                .into_iter()
                .map(|offer| offer.setting_id)
                .collect(),
        }))
    }

    /// Keeps a policy, to be called before the first run that uses it.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn put_policy(&self, policy: &Policy, text: &str) -> Result<()> {
        if policy.sha256() != <[u8; 32]>::from(Sha256::digest(text)) {
            return Err(broken("a policy was given with another one's text"));
        }
        sqlx::query!(
            "INSERT INTO policy (sha256, id, text) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            &policy.sha256(),
            policy.id(),
            text,
        )
        .execute(&self.pool)
        .await
        .sorted()?;
        Ok(())
    }

    /// The policy with a text of this SHA-256, if a run used it.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn policy(&self, sha256: &[u8; 32]) -> Result<Option<Policy>> {
        let text = sqlx::query_scalar!("SELECT text FROM policy WHERE sha256 = $1", sha256)
            .fetch_optional(&self.pool)
            .await
            .sorted()?;
        text.map(|text| {
            Policy::parse(&text)
                .map_err(|error| broken(format!("a stored policy is not one: {error}")))
        })
        .transpose()
    }
}
