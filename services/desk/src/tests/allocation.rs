//! Who works on a referral: one person at a time, who may be given it with a word.

use super::{
    acting::fill,
    acts::{bought, ranked},
    browser::Browser,
    support::Desk,
};
use axum::http::StatusCode;
use oss_domain::role::Role;

const HAND_OVER: &str = "/referrals/R1/hand-over";

async fn person(desk: &Desk, subject: &str, role: Role) -> (Browser, String) {
    let (browser, person) = Browser::signed_in(desk, subject, &[role]).await;
    (browser, person.user_id.to_string())
}

#[tokio::test]
async fn a_referral_is_handed_over_to_a_named_colleague_who_finds_it_with_the_word() {
    let (desk, _) = ranked(&[bought("F1")]).await;
    let (mut max, _) = person(&desk, "max", Role::Manager).await;
    let (mut casey, casey_id) = person(&desk, "casey", Role::Commissioner).await;
    let (_, provider) = person(&desk, "pat", Role::Provider).await;

    let (unsaid, _) = fill(&mut max, HAND_OVER, HAND_OVER, &[("note", "x")]).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        unsaid.text.contains("Choose who is to work on it"),
        "{}",
        unsaid.text
    );
    let (outsider, _) = fill(&mut max, HAND_OVER, HAND_OVER, &[("to", &provider)]).await;
    assert_eq!(outsider.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!outsider.text.contains("Name of pat"), "{}", outsider.text);

    let word = [("to", &*casey_id), ("note", "Grandmother rings at four")];
    let (given, _) = fill(&mut max, HAND_OVER, HAND_OVER, &word).await;
    given.leads_to("/referrals/R1");
    let queue = casey.get("/?whose=mine").await;
    assert!(queue.text.contains("from Name of max"), "{}", queue.text);
    let referral = casey.get("/referrals/R1").await;
    for told in [
        "Name of max handed it over to you",
        "Grandmother rings at four",
    ] {
        assert!(referral.text.contains(told), "{told}: {}", referral.text);
    }

    // Whoever acts on it besides is told whose it is, on each page.
    for page in [
        "options",
        "progress",
        "options/F1",
        "options/F1/hold",
        "unfilled",
    ] {
        let told = "Name of casey has this referral";
        let path = format!("/referrals/R1/{page}");
        assert!(max.get(&path).await.text.contains(told), "{page}");
        assert!(!casey.get(&path).await.text.contains(told), "{page}");
    }
}

#[tokio::test]
async fn a_stale_page_hands_nothing_over_and_shows_who_has_it_now() {
    let (desk, _) = ranked(&[bought("F1")]).await;
    let (mut max, max_id) = person(&desk, "max", Role::Manager).await;
    let (mut casey, casey_id) = person(&desk, "casey", Role::Commissioner).await;
    let take = "/referrals/R1/allocation";
    let token = casey.csrf();
    let form = [("csrf", &*token), ("to", "me"), ("back_to", "queue")];
    casey.post(take, &form).await.leads_to("/");

    let token = max.csrf();
    let form = [("csrf", &*token), ("to", "me"), ("back_to", "queue")];
    let late = max.post(take, &form).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let told = "Name of casey has referral R1 now";
    assert!(late.text.contains(told), "{}", late.text);
    assert!(
        late.text.contains("Take over from Name of casey"),
        "{}",
        late.text
    );
    // As if nobody had it: what the page showed before.
    let (late, _) = fill(
        &mut max,
        HAND_OVER,
        HAND_OVER,
        &[("to", &max_id), ("note", "Mine"), ("from", "")],
    )
    .await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(
        late.text.contains(told) && late.text.contains("Mine"),
        "{}",
        late.text
    );

    let over = [("csrf", &*token), ("to", "me"), ("from", &casey_id)];
    max.post(take, &over).await.leads_to("/referrals/R1");
    let history = casey.get("/referrals/R1").await;
    assert!(history.text.contains("Taken over"), "{}", history.text);
}
