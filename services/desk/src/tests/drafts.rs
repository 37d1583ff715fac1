//! Drafts: changing a referral that is there, whose a draft is, and what is still not known.

use super::{
    acting::{fill, hidden, send},
    browser::{Browser, Page},
    intake::{KINDS, WHEN, saved, says, sent, social_worker, start},
    matching::rank,
    support::{Desk, NOTTINGHAM, a_referral, a_setting},
};
use axum::http::StatusCode;
use chrono::TimeDelta;
use oss_domain::{Clock, role::Role};
use oss_storage::drafts::Editor;
use oss_testkit::DERBY;
use serde_json::json;
use std::convert::Infallible;

#[tokio::test]
async fn a_change_is_prefilled_shows_what_differs_and_makes_the_next_revision() {
    let desk = Desk::new().await;
    desk.post("/referrals", &a_referral("R1", 1)).await.ok(202);
    let mut sam = social_worker(&desk).await;
    let form = sam.get("/drafts/R1/task/places").await;
    assert!(form.text.contains("value=\"DE1 2FS\""), "{}", form.text);
    says(
        &sam.get("/drafts/R1/check").await,
        "Nothing: every answer is what is stored already.",
    );
    saved(
        &mut sam,
        "R1",
        "places",
        &[
            ("locations/home", "DE1 2FS"),
            ("locations/school", "DE22 3FN"),
        ],
    )
    .await;
    says(&sam.get("/drafts/R1").await, "Postcodes only Changed");
    says(
        &sam.get("/drafts/R1/check").await,
        "Postcode of school Now: DE22 3FN Was: nothing",
    );
    let unsaid = sent(&mut sam, "R1", &[]).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
    says(&unsaid, "The reason is missing");
    let reason = [("reason", "School found")];
    sent(&mut sam, "R1", &reason)
        .await
        .leads_to("/referrals/R1");
    let read = desk.get("/referrals/R1").await.ok(200).body;
    assert_eq!(
        (&read["revision"], &read["locations"]["school"]),
        (&json!(2), &json!("DE22 3FN"))
    );
    assert_eq!(
        read["wishes_and_feelings"], "CANARY wishes of R1",
        "the rest is as it was"
    );
    let page = sam.get("/referrals/R1").await;
    says(&page, "Referral changed by Name of sam");
    says(
        &page,
        "revision 2: Home, school and the people the child sees. School found",
    );
}

#[tokio::test]
async fn whoever_changes_a_referral_that_others_changed_sees_it_afresh_and_loses_nothing() {
    let desk = Desk::new().await;
    desk.post("/referrals", &a_referral("R1", 1)).await.ok(202);
    let mut sam = social_worker(&desk).await;
    saved(&mut sam, "R1", "story", &[("title", "By the river")]).await;
    let shown = Shown::of(&mut sam, "/drafts/R1/check").await;
    let mut others = a_referral("R1", 2);
    others["locations"] = json!({"home": "DE22 3FN"});
    desk.put("/referrals/R1", &others).await.ok(202);

    let late = shown.sent(&mut sam, &[("reason", "x")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    says(&late, "The referral was changed meanwhile.");
    says(
        &late,
        "A short title Now: By the river Was: Home near school",
    );
    says(&late, "Postcode of home DE22 3FN");
    says(
        &sam.get("/drafts/R1").await,
        "The referral was changed by others",
    );
    sent(&mut sam, "R1", &[("reason", "x")])
        .await
        .leads_to("/referrals/R1");
    let read = desk.get("/referrals/R1").await.ok(200).body;
    assert_eq!(
        (
            &read["revision"],
            &read["title"],
            &read["locations"]["home"]
        ),
        (&json!(3), &json!("By the river"), &json!("DE22 3FN"))
    );
}

#[tokio::test]
async fn what_is_saved_untouched_is_no_change_whatever_ends_its_lines() {
    let desk = Desk::new().await;
    let mut referral = a_referral("R1", 1);
    referral["reason"] = json!("Notice was given.\r\nThe carer is ill.");
    referral["contact_plan"] = json!("Her mother,\non Sundays");
    desk.post("/referrals", &referral).await.ok(202);
    let mut sam = social_worker(&desk).await;
    let untouched = [
        ("title", "Home near school"),
        ("reason", "Notice was given.\r\nThe carer is ill."),
        ("contact_plan", "Her mother,\r\non Sundays"),
    ];
    saved(&mut sam, "R1", "story", &untouched).await;
    let check = sam.get("/drafts/R1/check").await;
    says(&check, "Nothing: every answer is what is stored already.");
}

/// A page with a form, as somebody has it open.
pub(super) struct Shown {
    pub(super) path: &'static str,
    pub(super) hidden: Vec<(String, String)>,
}

impl Shown {
    pub(super) async fn of(browser: &mut Browser, path: &'static str) -> Self {
        let page = browser.get(path).await;
        let hidden = hidden(&page, path);
        Self { path, hidden }
    }

    /// Filled in with `fields`, and sent now.
    pub(super) async fn sent(&self, browser: &mut Browser, fields: &[(&str, &str)]) -> Page {
        let filled = fields
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let all: Vec<_> = filled.chain(self.hidden.clone()).collect();
        send(browser, self.path, &all).await
    }
}

#[tokio::test]
async fn the_draft_of_a_withdrawn_referral_can_be_discarded_and_nothing_else() {
    let desk = Desk::new().await;
    desk.post("/referrals", &a_referral("R1", 1)).await.ok(202);
    let mut sam = social_worker(&desk).await;
    let story = [("title", "By the river")];
    saved(&mut sam, "R1", "story", &story).await;
    let task = Shown::of(&mut sam, "/drafts/R1/task/story").await;
    let check = Shown::of(&mut sam, "/drafts/R1/check").await;
    let reason = json!({ "reason": "x" });
    desk.post("/referrals/R1/withdraw", &reason).await.ok(202);

    let discard = "/drafts/R1/discard";
    sam.get("/drafts/R1").await.leads_to(discard);
    task.sent(&mut sam, &story).await.leads_to(discard);
    check
        .sent(&mut sam, &[("reason", "x")])
        .await
        .leads_to(discard);
    let page = sam.get(discard).await;
    says(&page, "The referral is withdrawn, which is final");
    fill(&mut sam, discard, discard, &[])
        .await
        .0
        .leads_to("/drafts");
    says(&sam.get("/drafts").await, "There are no drafts.");
    let over = sam.get("/drafts/R1").await;
    assert_eq!(over.status, StatusCode::CONFLICT);
    says(&over, "The referral is withdrawn");
}

#[tokio::test]
async fn what_a_colleague_saves_behind_an_open_page_is_neither_sent_unseen_nor_lost() {
    let desk = Desk::new().await;
    desk.post("/referrals", &a_referral("R1", 1)).await.ok(202);
    let mut sam = social_worker(&desk).await;
    let (mut casey, _) = Browser::signed_in(&desk, "casey", &[Role::Commissioner]).await;
    saved(&mut sam, "R1", "story", &[("title", "By the river")]).await;
    let check = Shown::of(&mut sam, "/drafts/R1/check").await;
    let discard = Shown::of(&mut sam, "/drafts/R1/discard").await;
    let wishes = [("wishes_and_feelings", "To keep the cat")];
    saved(&mut casey, "R1", "wishes", &wishes).await;

    for (shown, fields) in [(&check, &[("reason", "x")][..]), (&discard, &[])] {
        let late = shown.sent(&mut sam, fields).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", shown.path);
        says(&late, "Name of casey saved an answer meanwhile.");
        says(&late, "This page shows how things are now.");
    }
    assert_eq!(desk.get("/referrals/R1").await.ok(200).body["revision"], 1);
    says(&sam.get("/drafts/R1/check").await, "Now: To keep the cat");
    let reason = [("reason", "x")];
    sent(&mut sam, "R1", &reason)
        .await
        .leads_to("/referrals/R1");
    let read = desk.get("/referrals/R1").await.ok(200).body;
    assert_eq!(read["wishes_and_feelings"], "To keep the cat");

    // What was sent, or discarded, is not there to be sent again.
    let again = check.sent(&mut sam, &reason).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_page_left_open_lays_no_old_answer_over_a_newer_one_and_keeps_what_was_typed() {
    let desk = Desk::new().await;
    desk.post("/referrals", &a_referral("R1", 1)).await.ok(202);
    let mut sam = social_worker(&desk).await;
    let (mut casey, _) = Browser::signed_in(&desk, "casey", &[Role::Commissioner]).await;
    let path = "/drafts/R1/task/places";
    let open = Shown::of(&mut sam, path).await;
    let elsewhere = Shown::of(&mut sam, "/drafts/R1/task/story").await;
    let mut others = a_referral("R1", 2);
    others["locations"] = json!({"home": "DE22 3FN"});
    desk.put("/referrals/R1", &others).await.ok(202);

    let typed = [
        ("locations/home", "DE1 2FS"),
        ("locations/school", "DE22 1AA"),
    ];
    let stale = |page: &Page, now: &str| {
        assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.text);
        says(
            page,
            "Other answers were saved here after you opened this page.",
        );
        says(
            page,
            "What you typed, and was not saved Postcode of home DE1 2FS Postcode of school DE22 1AA",
        );
        assert!(
            page.text.contains(&format!("value=\"{now}\"")),
            "{}",
            page.text
        );
    };
    stale(&open.sent(&mut sam, &typed).await, "DE22 3FN");
    says(
        &sam.get("/drafts/R1/check").await,
        "Nothing: every answer is what is stored already.",
    );
    // What the change did not touch is saved as if nothing had been.
    let story = [("title", "By the river")];
    elsewhere
        .sent(&mut sam, &story)
        .await
        .leads_to("/drafts/R1");

    // A colleague's answers are newer too; the same ones twice are no conflict.
    let open = Shown::of(&mut sam, path).await;
    let newer = [("locations/home", "DE22 2AA")];
    saved(&mut casey, "R1", "places", &newer).await;
    stale(&open.sent(&mut sam, &typed).await, "DE22 2AA");
    open.sent(&mut sam, &newer).await.leads_to("/drafts/R1");
    // Looked at again, it is what the page showed that counts.
    saved(&mut sam, "R1", "places", &typed).await;
    says(
        &sam.get("/drafts/R1/check").await,
        "Now: DE1 2FS Was: DE22 3FN",
    );
}

#[tokio::test]
async fn a_draft_is_the_teams_and_goes_when_it_is_discarded() {
    let desk = Desk::new().await;
    let mut sam = social_worker(&desk).await;
    for (wrong, words) in [
        ("", "Enter the reference"),
        ("Jane Doe", "The reference may have"),
    ] {
        let form = "/start-referral";
        let (refused, _) = fill(&mut sam, form, form, &[("referral_id", wrong)]).await;
        says(&refused, words);
    }
    start(&mut sam, "N-1").await;
    saved(&mut sam, "N-1", "when", WHEN).await;
    let (mut casey, _) = Browser::signed_in(&desk, "casey", &[Role::Commissioner]).await;
    says(&casey.get("/drafts").await, "N-1 Name of sam");
    // Whoever starts it again takes it up.
    start(&mut casey, "N-1").await;
    let check = casey.get("/drafts/N-1/check").await;
    says(&check, "1 February 2027");
    saved(&mut casey, "N-1", "kinds", KINDS).await;
    says(&sam.get("/drafts/N-1").await, "by Name of casey");
    let form = "/drafts/N-1/discard";
    says(&casey.get(form).await, "All answers are lost.");
    fill(&mut casey, form, form, &[])
        .await
        .0
        .leads_to("/drafts");
    let gone = sam.get("/drafts/N-1").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    desk.post("/referrals", &a_referral("R1", 1)).await.ok(202);
    let form = "/start-referral";
    let (there, _) = fill(&mut sam, form, form, &[("referral_id", "R1")]).await;
    says(&there, "There is a referral with this reference.");
}

#[tokio::test]
async fn more_drafts_than_a_page_shows_are_on_the_next() {
    let desk = Desk::new().await;
    let mut sam = social_worker(&desk).await;
    let (mut casey, _) = Browser::signed_in(&desk, "casey", &[Role::Commissioner]).await;
    let by = Editor {
        user_id: "u",
        user_name: "n",
        now: desk.clock.now(),
    };
    for number in 0..51 {
        let (id, thing) = (format!("N-{number}").parse().unwrap(), "begun".to_owned());
        let council = DERBY.parse().unwrap();
        let change = desk.store.change_draft(council, &id, by, thing, |begun| {
            Ok::<_, Infallible>(begun.map(|(_, it)| it).unwrap_or_default())
        });
        let Ok(()) = change.await.unwrap();
    }
    let listed = |page: &Page| page.text.matches("href=\"/drafts/N-").count();
    let first = sam.get("/drafts").await;
    let (_, next) = first.text.split_once("href=\"/drafts?after=").unwrap();
    let next = format!("/drafts?after={}", next.split('"').next().unwrap());
    assert_eq!((listed(&first), listed(&sam.get(&next).await)), (50, 1));
    // Nobody's place is one that was made up, nor one of a time that no list has.
    for (list, id) in [
        ("/drafts", "N-1"),
        ("/approvals", "apr_00000000000000000000000000000001"),
    ] {
        for (micros, status) in [
            ("anything".to_owned(), 400),
            (i64::MIN.to_string(), 400),
            (i64::MAX.to_string(), 400),
            // The last moments of chrono, and of the years -1 and 10000; and the first of 0.
            ("-8334601228800000000".to_owned(), 400),
            ("8210266876799999999".to_owned(), 400),
            ("-62167219200000001".to_owned(), 400),
            ("253402300800000000".to_owned(), 400),
            ("-62167219200000000".to_owned(), 200),
            ("253402300799999999".to_owned(), 200),
        ] {
            let page = casey.get(&format!("{list}?after={micros}.{id}")).await;
            assert_eq!(page.status, status, "{list}: {micros}");
            assert!(page.text.contains("<h1"), "{list}: {micros} gets a page");
        }
    }
}

#[tokio::test]
async fn whoever_starts_a_referral_is_reminded_of_what_they_began_and_of_nobody_elses() {
    let desk = Desk::new().await;
    let mut sam = social_worker(&desk).await;
    start(&mut sam, "N-1").await;
    desk.clock.advance(TimeDelta::hours(50));
    let mut sam = social_worker(&desk).await;
    let (mut casey, _) = Browser::signed_in(&desk, "casey", &[Role::Commissioner]).await;
    start(&mut casey, "N-2").await;
    let page = sam.get("/start-referral").await;
    says(
        &page,
        "What you began and have not sent N-1 , begun 2 days ago",
    );
    assert!(!page.text.contains("N-2"), "{}", page.text);
    says(&sam.get("/drafts").await, "N-1 You, 2 days ago");
}

#[tokio::test]
async fn a_draft_of_another_council_is_not_there() {
    let desk = Desk::new().await;
    let by = Editor {
        user_id: "u",
        user_name: "n",
        now: desk.clock.now(),
    };
    let (council, id) = (NOTTINGHAM.parse().unwrap(), "N-1".parse().unwrap());
    let change = desk
        .store
        .change_draft(council, &id, by, "N-1: when".to_owned(), |begun| {
            let mut content = begun.map(|(_, it)| it).unwrap_or_default();
            content.insert("answers".to_owned(), json!({ "/title": "CANARY" }));
            Ok::<_, Infallible>(content)
        });
    let Ok(()) = change.await.unwrap();
    let mut sam = social_worker(&desk).await;
    says(&sam.get("/drafts").await, "There are no drafts.");
    for path in ["", "/task/story", "/check", "/discard"] {
        let page = sam.get(&format!("/drafts/N-1{path}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    // Its id is free here, and what is written here is another draft.
    start(&mut sam, "N-1").await;
    says(&sam.get("/drafts/N-1/task/story").await, "A short title");
    assert!(
        !sam.get("/drafts/N-1/task/story")
            .await
            .text
            .contains("CANARY")
    );
}

#[tokio::test]
async fn who_may_hand_in_referrals_may_write_them_and_nobody_else() {
    let desk = Desk::new().await;
    desk.post("/referrals", &a_referral("R1", 1)).await.ok(202);
    for role in Role::ALL {
        let (mut browser, _) = Browser::signed_in(&desk, role.as_str(), &[*role]).await;
        let may = matches!(
            role,
            Role::SocialWorker | Role::Commissioner | Role::Manager
        );
        for path in [
            "/drafts",
            "/start-referral",
            "/drafts/R1",
            "/drafts/R1/task/when",
            "/drafts/R1/check",
        ] {
            let status = browser.get(path).await.status;
            let expected = if may {
                StatusCode::OK
            } else {
                StatusCode::FORBIDDEN
            };
            assert_eq!(status, expected, "{role}: {path}");
        }
        let shown = browser
            .get("/referrals/R1")
            .await
            .text
            .contains("href=\"/drafts/R1\"");
        assert_eq!(shown, may, "{role}");
    }
}

#[tokio::test]
async fn what_is_not_known_says_how_many_homes_it_matters_to() {
    let desk = Desk::new().await;
    let mut referral = a_referral("R1", 1);
    referral["children"][0]["sex"] = json!("U");
    referral["locations"] = json!({});
    desk.post("/referrals", &referral).await.ok(202);
    let mut homes = ["F1", "F2", "F3", "F4"].map(|id| a_setting(id, 1));
    // Far away, for girls only; full by the usual limit; of unknown bedrooms.
    homes[1]["postcode"] = json!("SW1A 1AA");
    homes[1]["approval"]["sexes"] = json!(["F"]);
    homes[2]["approval"]["places"] = json!(4);
    homes[2]["residents"] =
        json!([1, 2, 3].map(|n| json!({"child_id": format!("S{n}"), "sex": "F", "age": 12})));
    homes[3]
        .as_object_mut()
        .unwrap()
        .shift_remove("bedrooms_free");
    for home in &homes {
        let path = format!("/settings/{}", home["setting_id"].as_str().unwrap());
        desk.put(&path, home).await.ok(201);
    }
    rank(&desk, &referral, &homes).await;
    let mut sam = social_worker(&desk).await;
    let page = sam.get("/referrals/R1").await;
    for words in [
        "School postcode Knowing it would let us judge the way to school from 2 homes.",
        "Home postcode Distances run from the council’s centre. Knowing it would tell whether 1 home outside the area is near.",
        "Siblings who live in a home already 1 home is out only for the usual limit of three",
        "Recorded sex Knowing it would spare an approval for 1 home.",
        "Bedrooms 1 home is out only because the register does not say how many bedrooms are free.",
    ] {
        says(&page, words);
    }
    assert!(page.text.contains("href=\"/drafts/R1/task/places\""));
}
