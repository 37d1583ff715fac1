//! Runs, stored and read again.

use crate::support::*;
use oss_domain::SettingId;
use oss_geography::Gazetteer;
use oss_matching::{Policy, Query, Supply};
use oss_storage::PgStore;
use oss_workflow::{
    Context, SettingKey, SupplyVersion, Unit,
    ranking::{Market, Reranked, rank_referral},
};
use std::{collections::HashMap, sync::Arc};

/// The policy's own text, as the matcher has it.
const POLICY: &str = include_str!("../../../matching/policy/derby-2026-11.toml");

/// What a matcher keeps in memory.
struct Index {
    gazetteer: Gazetteer,
    edition: Arc<str>,
    policy: Policy,
    supply: Supply,
    version: SupplyVersion,
    keys: HashMap<SettingId, SettingKey>,
}

impl Index {
    async fn load(store: &PgStore) -> Self {
        let gazetteer = Gazetteer::embedded();
        let policy = Policy::parse(POLICY).unwrap();
        store.put_policy(&policy, POLICY).await.unwrap();
        let changes = store
            .changes_since(derby(), SupplyVersion(0))
            .await
            .unwrap();
        let mut supply = Supply::new(derby());
        let mut keys = HashMap::new();
        for (key, setting_id, setting) in changes.settings {
            let setting = setting.unwrap();
            let location = gazetteer.locate(&setting.postcode).unwrap();
            supply.upsert(setting, location).unwrap();
            keys.insert(setting_id, key);
        }
        let edition = "test".into();
        Self {
            gazetteer,
            edition,
            policy,
            supply,
            version: changes.version,
            keys,
        }
    }

    fn rank(
        &self,
        unit: &mut Unit,
        context: &mut Context<'_, '_>,
        id: &str,
        seal: &oss_workflow::OfferSeal,
    ) -> Reranked {
        let at = (derby(), rid(id));
        let referral = unit.referrals.get(&at).unwrap().referral.clone().unwrap();
        let query = Query::compile(&referral, &self.gazetteer, &self.policy).unwrap();
        let market = Market {
            supply: &self.supply,
            version: self.version,
            policy: &self.policy,
            gazetteer: &self.edition,
            seal,
            key_of: &|setting_id| self.keys.get(setting_id).copied(),
        };
        rank_referral(unit, context, &at, &query, market)
    }
}

#[tokio::test]
async fn a_run_is_read_again_as_it_was_made_also_after_the_supply_has_changed() {
    let database = Database::new().await;
    let store = database.store();
    for id in ["F01", "F02", "F03"] {
        change_setting(&store, derby(), id, 1).await;
    }
    // Connected persons of other children are not part of the run.
    for (id, child) in [("K01", "R01-C1"), ("K02", "somebody-else")] {
        run(&store, &want_setting(derby(), id), |unit, context| {
            let mut setting = setting(derby(), id, 1);
            setting.kind = oss_domain::setting::Kind::ConnectedPerson;
            setting.connected_to_children = [child.parse().unwrap()].into();
            oss_workflow::supply::change_setting(unit, context, setting).unwrap()
        })
        .await
        .unwrap();
    }
    let index = Index::load(&store).await;
    let seal = store.offer_seal().await.unwrap();
    receive(&store, derby(), "R01", 1).await;
    let (run_id, made) = run(&store, &want_referral(derby(), "R01"), |unit, context| {
        let reranked = index.rank(unit, context, "R01", &seal);
        assert_eq!(reranked, Reranked::Changed { n_offers: 3 });
        let Some(oss_workflow::unit::Entry::Run(run)) = unit.log.last() else {
            panic!("no run")
        };
        (run.facts.run_id, run.clone())
    })
    .await
    .unwrap();

    change_setting(&store, derby(), "F01", 2).await;
    change_setting(&store, derby(), "A01", 1).await;
    let stored = store.run(run_id).await.unwrap().unwrap();
    assert_eq!(stored.evaluation, made.outcome.expand());
    assert_eq!(stored.facts, made.facts);
    assert_eq!(stored.digest, made.digest);
    assert_eq!(stored.evaluation.evaluated, 4);
    assert_eq!(stored.setting_keys[&sid("F01")], index.keys[&sid("F01")]);
    assert_eq!(
        store
            .policy(&made.facts.policy_sha256)
            .await
            .unwrap()
            .unwrap()
            .id(),
        "derby-2026-11"
    );
    assert_eq!(store.run_ids(None, 9).await.unwrap(), [run_id]);
    assert_eq!(store.check_current_runs().await.unwrap(), []);
    assert_eq!(store.check_audit_is_complete().await.unwrap(), []);
}
