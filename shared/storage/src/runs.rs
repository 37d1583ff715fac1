//! Reading runs, and keeping what is needed to make them again.

use crate::{
    error::{Result, Sorted, broken},
    row,
    run_record::{self, Supplied},
    store::PgStore,
};
use oss_domain::{Pence, RunId, SettingId};
use oss_matching::{Evaluation, Policy};
use oss_workflow::{ReferralKey, SettingKey, SupplyVersion, call_off::Ranking, ranking::RunFacts};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

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
    /// The keys of the settings that were evaluated: they make the offers' ids.
    pub setting_keys: HashMap<SettingId, SettingKey>,
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
                 evaluated_at, digest, record, document -> 'children' AS "children!"
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
        let (shown, setting_keys) = self
            .shown(&run.authority, run.supply_version, &run.children)
            .await?;
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
            setting_keys,
        }))
    }

    /// The order that a referral's current run put the settings in; `None` before the first run.
    ///
    /// # Errors
    ///
    /// Fails where the database is away, or the record is damaged.
    pub async fn ranking(&self, referral: ReferralKey) -> Result<Option<Ranking>> {
        let run_id = sqlx::query_scalar!("SELECT run_id FROM referral WHERE key = $1", referral.0)
            .fetch_optional(&self.pool)
            .await
            .sorted()?
            .flatten();
        let Some(run_id) = run_id.map(RunId::from_uuid) else {
            return Ok(None);
        };
        let run = self.run(run_id).await?;
        let run = run.ok_or_else(|| broken("a referral's current run is not there"))?;
        let ranked = run.evaluation.ranked.into_iter();
        Ok(Some(Ranking {
            run_id,
            order: ranked.map(|offer| offer.setting_id).collect(),
        }))
    }

    /// The settings that were evaluated for `children` in a supply, by id, with their keys.
    async fn shown(
        &self,
        authority: &str,
        version: i64,
        children: &Value,
    ) -> Result<(Vec<Supplied>, HashMap<SettingId, SettingKey>)> {
        let ids = |child: &Value| child.get("child_id").cloned();
        let children: Option<Value> = children
            .as_array()
            .and_then(|children| children.iter().map(ids).collect());
        let rows = sqlx::query!(
            r#"SELECT setting.key, setting_id,
                 past.document -> 'provider' ->> 'provider_id' AS "provider_id!",
                 past.document ->> 'kind' AS "kind!", past.document ->> 'sourcing' AS "sourcing!",
                 (past.document ->> 'weekly_cost_pence')::bigint AS "weekly_cost!"
               FROM setting_version AS past JOIN setting ON setting.key = past.key
               WHERE past.authority = $1 AND supply_from <= $2
                 AND (supply_until IS NULL OR supply_until > $2) AND past.document IS NOT NULL
                 -- A connected person is evaluated only where all the children are its own.
                 AND (past.document ->> 'kind' <> 'connected_person'
                   OR past.document -> 'connected_to_children' @> $3)
               ORDER BY setting_id COLLATE "C""#,
            authority,
            version,
            children,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        let mut shown = Vec::with_capacity(rows.len());
        let mut keys = HashMap::with_capacity(rows.len());
        for row in rows {
            let setting_id: SettingId = row::parse("setting.setting_id", &row.setting_id)?;
            keys.insert(setting_id.clone(), SettingKey(row.key));
            shown.push(Supplied {
                setting_id,
                provider_id: row::parse("setting_version.document", &row.provider_id)?,
                kind: row::parse("setting_version.document", &row.kind)?,
                sourcing: row::parse("setting_version.document", &row.sourcing)?,
                weekly_cost: Pence::new(row::whole("setting_version.document", row.weekly_cost)?),
            });
        }
        Ok((shown, keys))
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
