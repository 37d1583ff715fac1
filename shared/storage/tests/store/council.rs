//! A council with a store of its own, and people who act by the real steps.

use crate::support::{Database, want_referral};
use chrono::{DateTime, Utc};
use oss_domain::{Clock as _, Ids, ManualClock, OfferId, Referral, Setting, SettingId};
use oss_matching::{Query, Supply};
use oss_simulation::{derby, policy, referral, seal, world};
use oss_storage::PgStore;
use oss_workflow::{
    Actor, Context, Refusal, SettingKey, Store, StoreError, Unit, Wanted,
    call_off::Ranking,
    deadline::Deadline,
    ranking::{Market, Reranked, rank_referral},
    referral::{self as referrals, Received},
    supply,
};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn morning() -> DateTime<Utc> {
    parse("2026-11-23T09:00:00Z")
}

/// A council with a store of its own.
pub(crate) struct Council {
    pub(crate) database: Database,
    pub(crate) store: Arc<PgStore>,
}

impl Council {
    pub(crate) async fn new() -> Self {
        Self::on(Database::new().await).await
    }

    pub(crate) async fn on(database: Database) -> Self {
        let store = database.store();
        store.put_policy(policy(), policy().text()).await.unwrap();
        Self {
            database,
            store: store.into(),
        }
    }

    pub(crate) async fn act<T>(
        &self,
        user: &str,
        wanted: Wanted,
        step: impl FnOnce(&mut Unit, &mut Context<'_, '_>) -> Result<T, Refusal>,
    ) -> T {
        let acted = act_at(&self.store, user, &wanted, morning(), step).await;
        acted.unwrap().unwrap()
    }

    pub(crate) async fn register(&self, setting: Setting) {
        let wanted = want_setting(setting.setting_id.as_str());
        self.act("register", wanted, |unit, context| {
            supply::change_setting(unit, context, setting)
        })
        .await;
    }

    pub(crate) async fn refer(&self, id: &str, child: &str, settings: &[Setting]) -> Ranking {
        let referral = Arc::new(referral(id, 1, &[child]));
        let at = (derby(), referral.referral_id.clone());
        let keys = self.keys(settings).await;
        self.act(
            "case system",
            want_referral(derby(), id),
            |unit, context| {
                let n_offers = settings.len();
                let ranked = take_in(unit, context, &referral, settings, &keys)?;
                assert_eq!(ranked, Some(Reranked::Changed { n_offers }));
                Ok(Ranking {
                    run_id: unit
                        .referrals
                        .get(&at)
                        .and_then(|it| it.run)
                        .unwrap()
                        .run_id,
                    order: settings.iter().map(|it| it.setting_id.clone()).collect(),
                })
            },
        )
        .await
    }

    /// The keys of settings of the register, as the matcher has them beside its supply.
    pub(crate) async fn keys(&self, settings: &[Setting]) -> BTreeMap<SettingId, SettingKey> {
        let mut keys = BTreeMap::new();
        for it in settings {
            let found = self.store.setting(derby(), &it.setting_id).await.unwrap();
            keys.insert(it.setting_id.clone(), found.unwrap().key);
        }
        keys
    }

    pub(crate) async fn offer(&self, referral: &str, setting: &str) -> OfferId {
        let referral = self
            .store
            .referral(derby(), &parse(referral))
            .await
            .unwrap()
            .unwrap();
        let setting = self
            .store
            .setting(derby(), &parse(setting))
            .await
            .unwrap()
            .unwrap();
        seal().seal(referral.key, setting.key)
    }

    /// What the doctor finds.
    pub(crate) async fn violations(&self) -> Vec<oss_storage::doctor::Violation> {
        let store = &self.store;
        let mut found = store.check_places().await.unwrap();
        found.extend(store.check_referral_heads().await.unwrap());
        found.extend(store.check_values().await.unwrap());
        found.extend(store.check_offered_once().await.unwrap());
        found.extend(store.check_deadlines().await.unwrap());
        found.extend(store.check_current_runs().await.unwrap());
        found.extend(store.check_audit_is_complete().await.unwrap());
        found.extend(store.check_never_taken_twice().await.unwrap());
        found.extend(store.check_life().await.unwrap());
        found.extend(store.check_decisions().await.unwrap());
        found.extend(store.check_supply_history().await.unwrap());
        let later = morning() + chrono::TimeDelta::days(1);
        found.extend(store.check_nothing_is_left(later).await.unwrap());
        found.extend(store.check_what_is_told().await.unwrap());
        found.extend(store.check_readings().await.unwrap());
        found.extend(store.check_providers_are_told_of_nobody().await.unwrap());
        found.extend(store.check_audit_chains().await.unwrap());
        found
    }

    pub(crate) async fn tamper(&self, statements: &str) {
        let mut owner = self.database.owner().await;
        let statements = sqlx::AssertSqlSafe(statements.to_owned());
        sqlx::raw_sql(statements).execute(&mut owner).await.unwrap();
    }
}

/// Takes a step at `now` and commits it, unless it is refused.
pub(crate) async fn act_at<T>(
    store: &PgStore,
    user: &str,
    wanted: &Wanted,
    now: DateTime<Utc>,
    step: impl FnOnce(&mut Unit, &mut Context<'_, '_>) -> Result<T, Refusal>,
) -> Result<Result<T, Refusal>, StoreError> {
    let (mut unit, opened) = store.open(wanted).await?;
    let clock = ManualClock::starting_at(now);
    let mut rng = crate::support::rng();
    let done = {
        let mut ids = Ids::new(&clock, &mut rng);
        let mut context = Context {
            actor: Actor::Person(user.into()),
            now: clock.now(),
            traceparent: None,
            ids: &mut ids,
        };
        step(&mut unit, &mut context)
    };
    if done.is_ok() {
        store.commit(unit, opened).await?;
    }
    Ok(done)
}

/// Takes a referral in as the matcher does, and ranks it over these settings where it is new.
pub(crate) fn take_in(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    referral: &Arc<Referral>,
    settings: &[Setting],
    keys: &BTreeMap<SettingId, SettingKey>,
) -> Result<Option<Reranked>, Refusal> {
    if referrals::receive(unit, context, referral, [1; 32])? != Received::ToRank {
        return Ok(None);
    }
    let locate = world().locate;
    let entries = settings
        .iter()
        .map(|it| (it.clone(), locate(&it.postcode).unwrap()));
    let supply = Supply::load(derby(), entries).unwrap();
    let query = Query::compile_with(referral, locate, policy()).unwrap();
    let market = Market {
        supply: &supply,
        version: *unit.supply.get(&derby()).unwrap(),
        policy: policy(),
        gazetteer: &Arc::from("simulated"),
        seal: seal(),
        key_of: &|id| keys.get(id).copied(),
    };
    let at = (derby(), referral.referral_id.clone());
    Ok(Some(rank_referral(unit, context, &at, &query, market)))
}

pub(crate) fn want_setting(id: &str) -> Wanted {
    Wanted::settings([(derby(), parse(id))])
}

pub(crate) fn want_closing(id: &str) -> Wanted {
    Wanted {
        closing: [(derby(), parse(id))].into(),
        ..Wanted::default()
    }
}

pub(crate) fn want_offer(offer: OfferId) -> Wanted {
    let (referral, setting) = seal().open(offer);
    Wanted {
        referral_keys: [referral].into(),
        setting_keys: [setting].into(),
        ..Wanted::default()
    }
}

pub(crate) fn want_deadline(deadline: &Deadline) -> Wanted {
    Wanted {
        deadlines: [deadline.deadline_id].into(),
        ..Wanted::default()
    }
}
