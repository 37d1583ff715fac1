//! Providers' own systems, by the tokens that the configuration names.

use oss_end_to_end::{
    Api, data,
    roles::{Deployment, PROVIDERS},
};
use serde_json::{Value, json};

/// The homes of the two providers, in their order.
const HOMES: [&str; 2] = ["I02", "I03"];

#[tokio::test]
async fn a_providers_token_reaches_its_own_offers_and_nothing_else() {
    let deployment = Deployment::start().await;
    let supply = data::supply_file().display().to_string();
    let imported = deployment.run(&["import", "settings", &supply]).await;
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    let (producer, observer) = deployment.clients().await;
    let referral = data::referral("R01", "TOKENS");
    producer.publish("referral.submitted", &referral).await;
    let list = observer
        .first("offers.proposed", "referral_id", "TOKENS")
        .await;
    let offers = HOMES.map(|home| {
        let offers = list["offers"].as_array().unwrap();
        let offer = offers.iter().find(|it| it["setting_id"] == home);
        offer.unwrap()["offer_id"].as_str().unwrap().to_owned()
    });
    let council = deployment.api();
    for offer in &offers {
        let asked = council
            .post(&format!("/offers/{offer}/approach"), json!({}))
            .await;
        assert_eq!(asked.status, 202, "{}", asked.body);
    }

    let providers = PROVIDERS.map(|(_, token)| deployment.api_of(token));
    let no = json!({ "answer": "declined", "decline_reason": "staffing" });
    for (nth, provider) in providers.iter().enumerate() {
        let (own, others) = (&offers[nth], &offers[1 - nth]);
        assert_eq!(asked(provider).await, [own.as_str()]);
        let answer = |offer| format!("/provider/offers/{offer}/answer");
        let not_theirs = provider.post(&answer(others), no.clone()).await;
        assert_eq!(not_theirs.status, 404, "{}", not_theirs.body);
        for closed in [
            "/referrals",
            "/referrals/TOKENS",
            "/referrals/TOKENS/offers",
            "/settings",
        ] {
            assert_eq!(provider.get(closed).await.status, 403, "{closed}");
        }
        let hold = provider
            .post(&format!("/offers/{own}/hold"), json!({}))
            .await;
        assert_eq!(hold.status, 403, "{}", hold.body);
        let answered = provider.post(&answer(own), no.clone()).await;
        assert_eq!(answered.status, 200, "{}", answered.body);
    }
    let unknown = deployment.api_of("the-token-of-nobody-0123456789012345");
    assert_eq!(unknown.get("/provider/offers").await.status, 401);
    deployment.stop().await;
}

/// The offers that a provider is asked.
async fn asked(provider: &Api) -> Vec<String> {
    let list = provider.found("/provider/offers").await;
    let items = list["items"].as_array().unwrap().iter();
    let id = |it: &Value| it["offer_id"].as_str().unwrap().to_owned();
    items.map(id).collect()
}
