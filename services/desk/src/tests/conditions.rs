//! What would bring a home in, seen to by forms.

use super::{
    acting::{commissioner, fill},
    acts::{ranked, seeing_to},
    browser::Browser,
    matching::rank,
    support::{a_referral, a_setting},
};
use axum::http::StatusCode;
use oss_domain::role::Role;
use serde_json::json;

/// Carers approved for one child whose place cannot be used.
fn full() -> serde_json::Value {
    let mut full = a_setting("F1", 1);
    full["approval"]["places"] = json!(1);
    full["blocked_places"] = json!(1);
    full
}

/// The page of the only condition.
async fn only(browser: &mut Browser) -> String {
    let progress = browser.get("/referrals/R1/progress").await;
    let (_, rest) = progress.text.split_once("href=\"/conditions/").unwrap();
    format!("/conditions/{}", rest.split('"').next().unwrap())
}

#[tokio::test]
async fn a_home_whose_condition_was_not_met_is_not_chosen_before_it_is_seen_to_anew() {
    let (desk, _) = ranked(&[full()]).await;
    let mut casey = commissioner(&desk).await;
    let path = "/referrals/R1/conditional/F1";
    let task = seeing_to("C1", "Kim");
    let done = fill(&mut casey, path, path, &task).await.0;
    done.leads_to("/referrals/R1/progress");
    let one = only(&mut casey).await;
    let word = [("outcome", "not_met"), ("reason", "The panel refused")];
    let done = fill(&mut casey, &one, &one, &word).await.0;
    done.leads_to("/referrals/R1/progress");

    // The place can be used again: the home is an option, whatever the panel said.
    let free = a_setting("F1", 2);
    desk.put("/settings/F1", &free).await.ok(200);
    rank(&desk, &a_referral("R1", 1), &[free]).await;
    let decide = "/referrals/R1/options/F1/decide";
    let why = [("reason", "Close to school"), ("acknowledged", "yes")];
    let refused = casey.get(decide).await;
    assert!(refused.text.contains("was not met"), "{}", refused.text);
    assert!(refused.text.contains(path), "{}", refused.text);
    let offers = desk.get("/referrals/R1/offers").await.ok(200).body;
    let offer = offers["offers"][0]["offer_id"].as_str().unwrap();
    let select = format!("/offers/{offer}/select");
    let selected = desk.post(&select, &json!({ "reason": "Close" })).await;
    selected.problem(409, "condition_not_met");
    let done = fill(&mut casey, path, path, &task).await.0;
    done.leads_to("/referrals/R1/progress");
    let (chosen, _) = fill(&mut casey, decide, decide, &why).await;
    chosen.leads_to("/referrals/R1/progress");
}

#[tokio::test]
async fn a_home_that_lacks_one_act_is_seen_to_and_what_came_of_it_is_recorded() {
    let (desk, _) = ranked(&[full(), a_setting("F2", 1)]).await;
    let mut casey = commissioner(&desk).await;
    let path = "/referrals/R1/conditional/F1";
    let not_shown = casey.get("/referrals/R1/not-shown").await;
    assert!(not_shown.text.contains(path), "{}", not_shown.text);

    let (wrong, _) = fill(&mut casey, path, path, &[("act", "C1")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("The day is missing"), "{}", wrong.text);
    let no_help = seeing_to("C3", "x");
    let (no_help, _) = fill(&mut casey, path, path, &no_help).await;
    assert_eq!(no_help.status, StatusCode::CONFLICT, "{}", no_help.text);
    let task = seeing_to("C1", "Kim & the panel");
    let (going, _) = fill(&mut casey, path, path, &task).await;
    going.leads_to("/referrals/R1/progress");

    let progress = casey.get("/referrals/R1/progress").await;
    assert!(
        progress.text.contains("Kim &#38; the panel"),
        "{}",
        progress.text
    );
    let one = only(&mut casey).await;
    let (unsaid, _) = fill(&mut casey, &one, &one, &[("reason", "x")]).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
    let (mut worker, _) = Browser::signed_in(&desk, "sam", &[Role::SocialWorker]).await;
    assert_eq!(worker.get(&one).await.status, StatusCode::OK);

    let word = [
        ("outcome", "met"),
        ("reason", "The panel agreed"),
        ("evidence", "Minute 7"),
    ];
    let csrf = worker.csrf();
    let refused = [word.as_slice(), &[("csrf", &csrf)]].concat();
    let refused = worker.post(&one, &refused).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    fill(&mut casey, &one, &one, &word)
        .await
        .0
        .leads_to("/referrals/R1/progress");
    let shown = casey.get(&one).await;
    assert!(shown.text.contains("Minute 7"), "{}", shown.text);
    let nowhere = casey.get("/referrals/R1/conditional/F2").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
}
