//! A migrated database, stores on it, and units of work.

use oss_domain::{AuthorityCode, Ids, ManualClock, Referral, ReferralId, Setting, SettingId};
use oss_storage::{ConnectOptions, InstallationKey, PgStore, PgUnit, StoreError};
use oss_workflow::{Actor, Context, EventKey, Store, Unit, Wanted, unit::ContentHash};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

pub(crate) fn derby() -> AuthorityCode {
    "E06000015".parse().unwrap()
}

pub(crate) fn nottingham() -> AuthorityCode {
    "E06000018".parse().unwrap()
}

/// A database of the test's own, migrated.
pub(crate) struct Database {
    url: String,
}

impl Database {
    pub(crate) async fn new() -> Self {
        let server = oss_testkit::PostgresServer::shared().await;
        Self::at(server.create_database().await).await
    }

    /// The database at `url`, migrated.
    pub(crate) async fn at(url: String) -> Self {
        let database = Self { url };
        oss_storage::migrate::migrate(&database.url, &key(), &mut rng())
            .await
            .unwrap();
        database
    }

    /// A store as a service has it, for Derby.
    pub(crate) fn store(&self) -> PgStore {
        self.store_for(&[derby()])
    }

    pub(crate) fn store_for(&self, authorities: &[AuthorityCode]) -> PgStore {
        PgStore::connect(&self.options(authorities), key()).unwrap()
    }

    pub(crate) fn options(&self, authorities: &[AuthorityCode]) -> ConnectOptions {
        let url = self.url.replace("oss@", "oss_app@");
        ConnectOptions::new(&url, "test", authorities)
    }

    /// The owner, a superuser, whom row-level security does not hold.
    pub(crate) async fn owner(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    pub(crate) fn owner_url(&self) -> &str {
        &self.url
    }
}

pub(crate) fn key() -> InstallationKey {
    InstallationKey::new([42; 32])
}

static SEED: AtomicU64 = AtomicU64::new(1);

pub(crate) fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(SEED.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn clock() -> ManualClock {
    ManualClock::starting_at("2026-11-23T09:00:00Z".parse().unwrap())
}

pub(crate) fn referral_json(authority: AuthorityCode, id: &str, revision: u64) -> Value {
    json!({
        "referral_id": id, "authority": authority.as_str(), "revision": revision,
        "urgency": "urgent", "start_date": "2026-12-01",
        "placement_types": ["fostering_household"],
        "children": [{"child_id": format!("{id}-C1"), "date_of_birth": "2014-05-06", "sex": "F"}],
        "needs": {"EMO": {"level": 3, "essential": true}},
        "locations": {"home": "DE1 2FS"},
        "title": "Home near school",
        "wishes_and_feelings": format!("CANARY wishes of {id} at {revision}"),
    })
}

pub(crate) fn referral(authority: AuthorityCode, id: &str, revision: u64) -> Arc<Referral> {
    Arc::new(oss_contract::referral_from_json(&referral_json(authority, id, revision)).unwrap())
}

pub(crate) fn setting(authority: AuthorityCode, id: &str, version: u64) -> Setting {
    oss_contract::setting_from_json(&json!({
        "setting_id": id, "authority": authority.as_str(), "version": version,
        "provider": {"provider_id": "DERBY", "name": "Derby City Council"},
        "kind": "fostering_household", "sourcing": "in_house", "postcode": "DE22 3FN",
        "registration": {"registered": true, "quality": "good"},
        "approval": {"places": 2, "min_age": 0, "max_age": 17, "sexes": ["M", "F"],
            "parent_and_child": "no"},
        "residents": [{"child_id": "C77", "sex": "M", "age": 9}], "bedrooms_free": 1,
        "capabilities": {"EMO": 3}, "weekly_cost_pence": 52000,
        "occupancy_version": version,
    }))
    .unwrap()
}

/// A content that stands for this revision's.
pub(crate) fn content(revision: u64) -> ContentHash {
    let mut content = [0; 32];
    content[..8].copy_from_slice(&revision.to_le_bytes());
    content
}

pub(crate) fn event(id: &str) -> EventKey {
    EventKey {
        source: "/derby/case-system".into(),
        id: id.into(),
    }
}

pub(crate) fn rid(id: &str) -> ReferralId {
    id.parse().unwrap()
}

pub(crate) fn sid(id: &str) -> SettingId {
    id.parse().unwrap()
}

pub(crate) fn want_referral(authority: AuthorityCode, id: &str) -> Wanted {
    Wanted {
        referrals: [(authority, rid(id))].into(),
        ..Wanted::default()
    }
}

pub(crate) fn want_setting(authority: AuthorityCode, id: &str) -> Wanted {
    Wanted::settings([(authority, sid(id))])
}

/// Does `step` on a unit, as a producer would.
pub(crate) fn step<T>(
    unit: &mut Unit,
    step: impl FnOnce(&mut Unit, &mut Context<'_, '_>) -> T,
) -> T {
    let clock = clock();
    let mut rng = rng();
    let mut ids = Ids::new(&clock, &mut rng);
    let mut context = Context {
        actor: Actor::Producer("/derby/case-system".into()),
        now: oss_domain::Clock::now(&clock),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        ids: &mut ids,
    };
    step(unit, &mut context)
}

/// Opens, does one step, commits.
pub(crate) async fn run<T>(
    store: &PgStore,
    wanted: &Wanted,
    act: impl FnOnce(&mut Unit, &mut Context<'_, '_>) -> T,
) -> Result<T, StoreError> {
    let (mut unit, opened): (Unit, PgUnit) = store.open(wanted).await?;
    let result = step(&mut unit, act);
    store.commit(unit, opened).await?;
    Ok(result)
}

/// Takes in a revision of a referral.
pub(crate) async fn receive(store: &PgStore, authority: AuthorityCode, id: &str, revision: u64) {
    let referral = referral(authority, id, revision);
    run(store, &want_referral(authority, id), |unit, context| {
        oss_workflow::referral::receive(unit, context, &referral, content(revision)).unwrap()
    })
    .await
    .unwrap();
}

/// Takes in a register's entry.
pub(crate) async fn change_setting(
    store: &PgStore,
    authority: AuthorityCode,
    id: &str,
    version: u64,
) {
    run(store, &want_setting(authority, id), |unit, context| {
        oss_workflow::supply::change_setting(unit, context, setting(authority, id, version))
            .unwrap()
    })
    .await
    .unwrap();
}
