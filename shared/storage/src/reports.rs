//! What providers see of their own, and what managers see of the team.

mod figures;
mod now;

pub use figures::{Count, Figures, KindFigures, Share, Spread};
pub use now::Now;

use crate::{
    desk::count,
    error::{Result, Sorted},
    row,
    store::PgStore,
};
use oss_domain::{AuthorityCode, ProviderId, Setting};
use std::sync::Arc;

/// How much somebody has taken on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// What they are called.
    pub user_name: String,
    /// Open referrals.
    pub open: u64,
    /// Of those, emergencies.
    pub emergencies: u64,
}

impl PgStore {
    /// A provider's entries in the supply of `authority`'s register, by id.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn settings_of_provider(
        &self,
        authority: AuthorityCode,
        provider: &ProviderId,
    ) -> Result<Vec<Arc<Setting>>> {
        let documents = sqlx::query_scalar!(
            r#"SELECT document AS "document!" FROM setting
               WHERE authority = $1 AND open AND document -> 'provider' ->> 'provider_id' = $2
               ORDER BY setting_id"#,
            authority.as_str(),
            provider.as_str(),
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        documents.iter().map(row::setting).collect()
    }

    /// Who has taken how much of the queue of `authority`, the most first.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn team_load(&self, authority: AuthorityCode) -> Result<Vec<Load>> {
        let rows = sqlx::query!(
            r#"SELECT max(user_name) AS "user_name!", count(*) AS "open!",
                 count(*) FILTER (WHERE urgency = 'emergency') AS "emergencies!"
               FROM referral JOIN allocation ON referral_key = key
               WHERE referral.authority = $1
                 AND state IN ('received', 'ranked', 'unfilled', 'in_call_off', 'selected')
               GROUP BY user_id ORDER BY 2 DESC, 1"#,
            authority.as_str(),
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        let load = rows.into_iter().map(|row| Load {
            user_name: row.user_name,
            open: count(row.open),
            emergencies: count(row.emergencies),
        });
        Ok(load.collect())
    }
}
