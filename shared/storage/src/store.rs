//! The store of the services.

use crate::{
    audit::ChainEnd,
    connect::ConnectOptions,
    error::{Result, Sorted},
    keys::{Keys, Of},
    listing::Listings,
    migrate,
    seal::{DataKey, InstallationKey},
};
use oss_domain::AuthorityCode;
use oss_workflow::{ReferralKey, Store, StoreError, Unit, Wanted};
use sqlx::{Connection, PgPool, Postgres, Transaction, pool::PoolConnection};
use std::collections::{BTreeSet, HashMap};

/// PostgreSQL as the store, with a pool of connections.
#[derive(Debug)]
pub struct PgStore {
    pub(crate) pool: PgPool,
    /// Whose rows its connections may see and write.
    pub(crate) served: Vec<AuthorityCode>,
    pub(crate) key: InstallationKey,
    pub(crate) referral_keys: Keys,
    pub(crate) setting_keys: Keys,
    pub(crate) listings: Listings,
}

/// The locks of an open unit; dropping it lets them go and forgets the unit.
#[derive(Debug)]
pub struct PgUnit {
    /// `None` where nothing is locked, since nothing that was wanted is there yet.
    pub(crate) transaction: Option<Transaction<'static, Postgres>>,
    /// The authorities whose registers are locked.
    pub(crate) registers: BTreeSet<AuthorityCode>,
    pub(crate) referrals: HashMap<ReferralKey, Loaded>,
}

/// What the store itself must remember of a referral between opening and committing.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) chain: ChainEnd,
    pub(crate) data_key: Option<Vec<u8>>,
}

impl Loaded {
    /// The key of the referral's words; a new one where it has none yet.
    pub(crate) fn data_key(
        &mut self,
        installation: &InstallationKey,
        referral: ReferralKey,
    ) -> Result<DataKey> {
        if let Some(wrapped) = &self.data_key {
            return installation.data_key(referral.0, wrapped);
        }
        let (data_key, wrapped) = installation.new_data_key(referral.0)?;
        self.data_key = Some(wrapped);
        Ok(data_key)
    }
}

impl PgStore {
    /// A store that connects as it is used: nothing is asked of the database yet.
    ///
    /// # Errors
    ///
    /// Fails where the address is not understood.
    pub fn connect(options: &ConnectOptions, key: InstallationKey) -> Result<Self> {
        Ok(Self {
            pool: options.pool()?,
            served: options.authorities.clone(),
            key,
            referral_keys: Keys::new(Of::Referrals),
            setting_keys: Keys::new(Of::Settings),
            listings: Listings::default(),
        })
    }

    /// Sees to it that the database answers, its schema is ours, and it was made with our key.
    /// Returns how many migrations are pending; the key is checked where none is.
    ///
    /// # Errors
    ///
    /// Fails where the database is away or is not ours.
    pub async fn pending_migrations(&self) -> Result<usize> {
        let mut conn = self.conn().await?;
        let pending = migrate::pending(&mut conn).await?;
        if pending == 0 {
            migrate::check_key(&mut conn, &self.key).await?;
        }
        Ok(pending)
    }

    /// Sees whether the database answers.
    ///
    /// # Errors
    ///
    /// Fails where it is away.
    pub async fn ping(&self) -> Result<()> {
        self.conn().await?.ping().await.sorted()
    }

    /// The pool, for figures of its use.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Closes every connection, once those in use are given back.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) async fn conn(&self) -> Result<PoolConnection<Postgres>> {
        self.pool.acquire().await.sorted()
    }
}

impl Store for PgStore {
    type Transaction = PgUnit;

    async fn open(&self, wanted: &Wanted) -> std::result::Result<(Unit, PgUnit), StoreError> {
        self.open_unit(wanted).await
    }

    async fn commit(&self, unit: Unit, transaction: PgUnit) -> std::result::Result<(), StoreError> {
        // On the heap: its statements have many columns.
        Box::pin(self.commit_unit(unit, transaction)).await
    }
}
