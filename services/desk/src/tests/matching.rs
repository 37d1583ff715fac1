//! What was proposed, as it is read over HTTP.

use super::support::{Desk, POLICY, a_referral, a_setting};
use crate::api::description::schema;
use oss_domain::{Referral, Setting};
use oss_matching::{Query, Supply};
use oss_testkit::DERBY;
use oss_workflow::{
    SettingKey, Store as _, Wanted,
    ranking::{Market, rank_referral},
};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Ranks a referral over what is in the register, as the matcher does.
pub(super) async fn rank(desk: &Desk, referral: &Value, settings: &[Value]) {
    let app = &desk.app;
    let referral: Referral = oss_contract::referral_from_json(referral).unwrap();
    let query = Query::compile(&referral, &app.gazetteer, &app.policy).unwrap();
    let mut supply = Supply::new(referral.authority);
    let mut keys: HashMap<_, SettingKey> = HashMap::new();
    for setting in settings {
        let setting: Setting = oss_contract::setting_from_json(setting).unwrap();
        let head = desk
            .store
            .setting(setting.authority, &setting.setting_id)
            .await
            .unwrap();
        keys.insert(setting.setting_id.clone(), head.unwrap().key);
        let location = app.gazetteer.locate(&setting.postcode).unwrap();
        supply.upsert(setting, location).unwrap();
    }
    desk.store.put_policy(&app.policy, POLICY).await.unwrap();
    let at = (referral.authority, referral.referral_id.clone());
    let wanted = Wanted {
        referrals: [at.clone()].into(),
        ..Wanted::default()
    };
    desk.unit(&wanted, |unit, context| {
        let version = unit.supply[&DERBY.parse().unwrap()];
        let market = Market {
            supply: &supply,
            version,
            policy: &app.policy,
            gazetteer: &"test".into(),
            seal: &app.seal,
            key_of: &|id| keys.get(id).copied(),
        };
        rank_referral(unit, context, &at, &query, market)
    })
    .await;
}

#[tokio::test]
async fn offers_are_read_in_the_form_of_the_event_and_the_run_in_full() {
    let desk = Desk::new().await;
    let referral = a_referral("R1", 1);
    let good = a_setting("F1", 1);
    let mut full = a_setting("F2", 1);
    full["blocked_places"] = json!(2);
    desk.put("/settings/F1", &good).await.ok(201);
    desk.put("/settings/F2", &full).await.ok(201);
    desk.post("/referrals", &referral).await.ok(202);
    desk.get("/referrals/R1/offers")
        .await
        .problem(404, "not_found");
    rank(&desk, &referral, &[good, full]).await;

    let offers = desk.get("/referrals/R1/offers").await.ok(200).body;
    let faults: Vec<_> = schema("OffersProposed")
        .iter_errors(&offers)
        .map(|error| error.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:?} in {offers}");
    assert_eq!(
        (&offers["evaluated"], &offers["more"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(offers["offers"][0]["setting_id"], "F1");
    assert_eq!(offers["offers"].as_array().unwrap().len(), 1);

    let run_id = offers["run_id"].as_str().unwrap();
    let run = desk
        .get(&format!("/match-runs/{run_id}"))
        .await
        .ok(200)
        .body;
    let faults: Vec<_> = schema("MatchRun")
        .iter_errors(&run)
        .map(|error| error.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:?} in {run}");
    assert_eq!(run["offers"], offers["offers"]);
    assert_eq!(run["ranked"], offers["offers"]);
    assert_eq!(run["excluded"][0]["setting_id"], "F2");
    assert!(run["excluded"][0]["reasons"][0]["text"].as_str().is_some());
    assert_eq!(run.get("more"), None);

    let read = desk.get("/referrals/R1").await.ok(200).body;
    assert_eq!(
        (&read["state"], &read["run_id"]),
        (&json!("ranked"), &json!(run_id))
    );
    // Closed, it still shows the last run; the run itself never changes.
    desk.post("/referrals/R1/withdraw", &json!({ "reason": "x" }))
        .await
        .ok(202);
    desk.put("/settings/F1", &a_setting("F1", 2)).await.ok(200);
    assert_eq!(desk.get("/referrals/R1/offers").await.ok(200).body, offers);
    assert_eq!(
        desk.get(&format!("/match-runs/{run_id}"))
            .await
            .ok(200)
            .body,
        run
    );
}

#[tokio::test]
async fn what_was_found_for_a_child_is_told_to_nobody_unrecorded() {
    let desk = Desk::new().await;
    let (referral, home) = (a_referral("R1", 1), a_setting("F1", 1));
    desk.put("/settings/F1", &home).await.ok(201);
    desk.post("/referrals", &referral).await.ok(202);
    rank(&desk, &referral, &[home]).await;
    let offers = desk.get("/referrals/R1/offers").await.ok(200).body;
    let run = format!("/match-runs/{}", offers["run_id"].as_str().unwrap());
    desk.get(&run).await.ok(200);
    let authority = DERBY.parse().unwrap();
    let stored = desk.store.referral(authority, &"R1".parse().unwrap()).await;
    let key = stored.unwrap().unwrap().key;
    let lines = desk.store.history(authority, key, None, 10).await.unwrap();
    let n_read = lines.iter().filter(|it| it.act == "options.read").count();
    assert_eq!(n_read, 2, "{lines:?}");

    // Whoever has the referral locked keeps its chain of the audit from being added to.
    let wanted = Wanted {
        referral_keys: [key].into(),
        ..Wanted::default()
    };
    let locked = desk.store.open(&wanted).await.unwrap();
    for path in ["/referrals/R1/offers", &run] {
        let refused = desk.get(path).await.problem(503, "unavailable");
        assert!(!refused.body.to_string().contains("F1"), "{path}");
    }
    drop(locked);
}

#[tokio::test]
async fn unfilled_is_an_answer_too() {
    let desk = Desk::new().await;
    let referral = a_referral("R1", 1);
    desk.post("/referrals", &referral).await.ok(202);
    let mut full = a_setting("F2", 1);
    full["blocked_places"] = json!(2);
    desk.put("/settings/F2", &full).await.ok(201);
    rank(&desk, &referral, &[full]).await;
    let answer = desk.get("/referrals/R1/offers").await.ok(200).body;
    let faults: Vec<_> = schema("ReferralUnfilled")
        .iter_errors(&answer)
        .map(|error| error.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:?} in {answer}");
    assert_eq!(answer["offers"], json!([]));
    assert_eq!(
        desk.get("/referrals/R1").await.ok(200).body["state"],
        "unfilled"
    );
}
