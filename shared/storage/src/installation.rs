//! What there is one of: the installation's secret, and the postcodes that were imported.

use crate::{
    error::{Result, Sorted},
    row,
    store::PgStore,
};
use chrono::{DateTime, Utc};
use oss_workflow::OfferSeal;

impl PgStore {
    /// What makes offers' ids in this installation.
    ///
    /// # Errors
    ///
    /// Fails where the database is away or not migrated.
    pub async fn offer_seal(&self) -> Result<OfferSeal> {
        let secret = sqlx::query_scalar!("SELECT secret FROM installation")
            .fetch_one(&self.pool)
            .await
            .sorted()?;
        Ok(OfferSeal::new(row::bytes("installation.secret", &secret)?))
    }

    /// Keeps a pack of postcodes: the one to be used from now on.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn put_postcodes(&self, edition: &str, pack: &[u8], at: DateTime<Utc>) -> Result<()> {
        sqlx::query!(
            "INSERT INTO postcode_edition (edition, pack, installed_at) VALUES ($1, $2, $3)
             ON CONFLICT DO NOTHING",
            edition,
            pack,
            at,
        )
        .execute(&self.pool)
        .await
        .sorted()?;
        Ok(())
    }

    /// The edition of postcodes that was imported last, if one was.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn newest_postcodes(&self) -> Result<Option<String>> {
        sqlx::query_scalar!(
            "SELECT edition FROM postcode_edition ORDER BY installed_at DESC, edition DESC LIMIT 1"
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()
    }

    /// The pack of an edition of postcodes that was imported.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn postcodes(&self, edition: &str) -> Result<Option<Vec<u8>>> {
        sqlx::query_scalar!(
            "SELECT pack FROM postcode_edition WHERE edition = $1",
            edition
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()
    }
}
