//! Writing a referral and changing one by tasks: each page, what it refuses, and what comes of it.

use super::{
    acting::fill,
    browser::{Browser, Page},
    matching::rank,
    support::{Desk, NOTTINGHAM, a_setting},
};
use axum::http::StatusCode;
use oss_domain::role::Role;
use serde_json::json;

pub(super) type Pairs<'a> = &'a [(&'a str, &'a str)];

pub(super) const WHEN: Pairs<'_> = &[
    ("urgency", "planned"),
    ("start_date", "1"),
    ("start_date/month", "2"),
    ("start_date/year", "2027"),
];
pub(super) const KINDS: Pairs<'_> = &[
    ("placement_types", "fostering_household"),
    ("placement_types/2", "childrens_home"),
];
const CHILD: Pairs<'_> = &[
    ("children/0/child_id", "C-1"),
    ("children/0/date_of_birth", "6"),
    ("children/0/date_of_birth/month", "5"),
    ("children/0/date_of_birth/year", "2014"),
    ("children/0/sex", "F"),
    ("children/0/key_stage_4", "yes"),
];
const PLACES: Pairs<'_> = &[
    ("locations/home", "de1 2fs"),
    ("locations/contact", "DE22 3FN\n\nDE1 2FS"),
];
const NEEDS: Pairs<'_> = &[
    ("needs/EMO/level", "3"),
    ("needs/EMO/essential", "yes"),
    ("needs/LD/level", "0"),
];

pub(super) async fn social_worker(desk: &Desk) -> Browser {
    let roles = [Role::SocialWorker];
    Browser::signed_in(desk, "sam", &roles).await.0
}

pub(super) async fn start(browser: &mut Browser, id: &str) {
    let form = "/start-referral";
    let (begun, _) = fill(browser, form, form, &[("referral_id", id)]).await;
    begun.leads_to(&format!("/drafts/{id}"));
}

async fn task(browser: &mut Browser, id: &str, task: &str, fields: Pairs<'_>) -> Page {
    let path = format!("/drafts/{id}/task/{task}");
    fill(browser, &path, &path, fields).await.0
}

pub(super) async fn saved(browser: &mut Browser, id: &str, name: &str, fields: Pairs<'_>) {
    let done = task(browser, id, name, fields).await;
    done.leads_to(&format!("/drafts/{id}"));
}

/// Sends what the page of the answers shows.
pub(super) async fn sent(browser: &mut Browser, id: &str, fields: Pairs<'_>) -> Page {
    let path = format!("/drafts/{id}/check");
    fill(browser, &path, &path, fields).await.0
}

/// The text of a page without its tags, spaces made one.
fn text(page: &Page) -> String {
    let mut text = String::new();
    let mut parts = page.text.split('<');
    text.push_str(parts.next().unwrap());
    for part in parts {
        let (_, words) = part.split_once('>').unwrap_or_default();
        text.push(' ');
        text.push_str(words);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
pub(super) fn says(page: &Page, words: &str) {
    assert!(
        text(page).contains(words),
        "{words:?} is not in: {}",
        text(page)
    );
}

#[tokio::test]
async fn a_referral_is_written_task_by_task_sent_and_ranked() {
    let desk = Desk::new().await;
    let mut sam = social_worker(&desk).await;
    start(&mut sam, "N-1").await;
    says(&sam.get("/drafts").await, "N-1 You");
    says(
        &sam.get("/drafts/N-1").await,
        "5 tasks to do before it can be sent.",
    );

    // Nothing is sent that is not whole, and each thing missing is named with its page.
    let early = sent(&mut sam, "N-1", &[]).await;
    assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY);
    for missing in [
        "Choose how soon a home is needed",
        "Enter the child",
        "Enter the needs",
        "Go through “Home, school and the people the child sees”",
    ] {
        says(&early, missing);
    }
    assert!(
        early
            .text
            .contains("href=\"/drafts/N-1/task/when?back=check#urgency\"")
    );
    assert!(desk.get("/referrals/N-1").await.status == 404);

    for (name, fields) in [
        ("when", WHEN),
        ("kinds", KINDS),
        ("children", CHILD),
        ("places", PLACES),
        ("needs", NEEDS),
        (
            "wishes",
            &[("wishes_and_feelings", "CANARY to stay near friends")],
        ),
    ] {
        saved(&mut sam, "N-1", name, fields).await;
    }
    let list = sam.get("/drafts/N-1").await;
    says(&list, "Nothing is missing.");
    says(&list, "Wishes and feelings Completed");
    says(&list, "Legal status and orders Optional");
    let check = sam.get("/drafts/N-1/check").await;
    for answer in [
        "By the start date: planned",
        "1 February 2027",
        "Foster home Children’s home",
        "C-1, 6 May 2014, Female, In year 10 or 11 (key stage 4)",
        "Emotional and mental health: level 3, specialist support, essential",
        "CANARY to stay near friends",
    ] {
        says(&check, answer);
    }
    let done = sent(&mut sam, "N-1", &[]).await;
    done.leads_to("/referrals/N-1");

    // It is a referral like any other, and the draft has gone.
    let read = desk.get("/referrals/N-1").await.ok(200).body;
    assert_eq!(
        (&read["revision"], &read["state"]),
        (&json!(1), &json!("received"))
    );
    assert_eq!(
        read["placement_types"],
        json!(["fostering_household", "childrens_home"])
    );
    assert_eq!(
        read["locations"],
        json!({"home": "DE1 2FS", "contact": ["DE22 3FN", "DE1 2FS"]})
    );
    assert_eq!(
        read["needs"],
        json!({"EMO": {"level": 3, "essential": true}})
    );
    says(&sam.get("/drafts").await, "There are no drafts.");
    let received = sam.get("/referrals/N-1").await;
    says(&received, "Homes are being looked for");
    says(&received, "Referral received by Name of sam");
    let homes = [a_setting("F1", 1)];
    desk.put("/settings/F1", &homes[0]).await.ok(201);
    rank(&desk, &read, &homes).await;
    says(&sam.get("/referrals/N-1/options").await, "F1");
}

const NO_DAY: Pairs<'_> = &[
    ("urgency", "urgent"),
    ("start_date", "31"),
    ("start_date/month", "2"),
    ("start_date/year", "2027"),
];
const UNBORN: Pairs<'_> = &[
    ("children/0/child_id", "Jane Doe"),
    ("children/0/date_of_birth", "1"),
    ("children/0/date_of_birth/month", "1"),
    ("children/0/date_of_birth/year", "2040"),
];
const ZONE: Pairs<'_> = &[
    ("exclusion_zones/0/centre", "DE1 2FS"),
    ("exclusion_zones/0/radius_tenths_of_mile", "2.5"),
];
const FAR: Pairs<'_> = &[
    ("exclusion_zones/0/centre", "ZZ99 9ZZ"),
    ("exclusion_zones/0/radius_tenths_of_mile", "5"),
];
const ODD: Pairs<'_> = &[
    ("exclusion_zones/0/centre", "DE1 2FS"),
    ("exclusion_zones/0/radius_tenths_of_mile", "far"),
];
const WIDE: Pairs<'_> = &[
    ("exclusion_zones/0/centre", "DE1 2FS"),
    ("exclusion_zones/0/radius_tenths_of_mile", "500"),
];

/// Longer than a title may be.
const LONG: &str = include_str!("intake.rs");

/// More lines than a list may have.
const MANY: &str = include_str!("support.rs");

/// A task, what it refuses, with which words, what it takes, and how the answers show that.
type Case<'a> = (&'a str, Pairs<'a>, &'a [&'a str], Pairs<'a>, &'a str);

const CASES: &[Case<'_>] = &[
    (
        "when",
        &[],
        &[
            "Choose how soon a home is needed",
            "Enter the day it is to start",
        ],
        WHEN,
        "1 February 2027",
    ),
    (
        "when",
        NO_DAY,
        &["The day it is to start must be a real date, such as 27 3 2014"],
        WHEN,
        "planned",
    ),
    (
        "kinds",
        &[],
        &["Choose a kind of home"],
        KINDS,
        "Foster home",
    ),
    (
        "kinds",
        &[
            ("placement_types", "childrens_home"),
            ("placement_types/3", "childrens_home"),
        ],
        &["A kind of home is given twice"],
        KINDS,
        "Children’s home",
    ),
    ("children", &[], &["Enter the child’s id"], CHILD, "C-1"),
    (
        "children",
        UNBORN,
        &[
            "The child’s id may have up to 40 letters",
            "The date of birth must not be after the start date",
            "Choose the sex",
        ],
        CHILD,
        "Female",
    ),
    (
        "wishes",
        &[("wishes_and_feelings", "a\0b")],
        &["The wishes and feelings must not hold"],
        &[("wishes_and_feelings", "To stay")],
        "To stay",
    ),
    (
        "identity",
        &[("identity/ethnicities", "X")],
        &["Choose the ethnicities from the list"],
        &[
            ("identity/ethnicities", "APKN"),
            ("identity/religion", "Muslim"),
            ("identity/languages", "urdu\r\nen"),
        ],
        "Languages Urdu English Change languages Ethnicities Pakistani",
    ),
    (
        "places",
        &[
            ("locations/home", "Derby"),
            ("locations/contact", "DE1 2FS\nx"),
        ],
        &[
            "The postcode of home must be a full postcode",
            "Line 2: A postcode of people",
        ],
        PLACES,
        "de1 2fs",
    ),
    (
        "places",
        &[("locations/school", "ZZ99 9ZZ")],
        &["The postcode of school is not a postcode that is known"],
        PLACES,
        "de1 2fs",
    ),
    (
        "needs",
        &[("needs/EMO/level", "9")],
        &["The needs must be from 0 to 4"],
        NEEDS,
        "level 3",
    ),
    (
        "law",
        &[("legal_status", "X9")],
        &["Choose the legal status from the list"],
        &[
            ("legal_status", "C2"),
            ("legal_authority/secure_order", "yes"),
        ],
        "Full care order",
    ),
    (
        "areas",
        &[("excluded_authorities", "Nottingham\nAtlantis")],
        &["Line 2: Enter the full name"],
        &[("excluded_authorities", "nottingham")],
        "Nottingham",
    ),
    (
        "people",
        &[("siblings_elsewhere", MANY)],
        &["Siblings who live in a home already: at most 100 can be given"],
        &[("siblings_elsewhere", "C-8")],
        "Siblings who live in a home already C-8",
    ),
    (
        "people",
        &[
            ("matching/avoid_children", "Jane Doe"),
            ("previous_setting", "a b"),
        ],
        &[
            "Line 1: The id of a child to avoid",
            "The id of the home before may have",
        ],
        &[("matching/solo", "yes"), ("matching/avoid_children", "C-9")],
        "Children who must not live there C-9",
    ),
    (
        "zones",
        FAR,
        &["The postcode in the middle is not a postcode that is known"],
        ZONE,
        "DE1 2FS, 2.5 miles",
    ),
    (
        "zones",
        WIDE,
        &["The distance must be from 0.1 to 100 miles"],
        &[],
        "Place Not given",
    ),
    (
        "zones",
        ODD,
        &["The distance must be a number of miles"],
        &[],
        "Place Not given",
    ),
    (
        "story",
        &[("title", LONG)],
        &["The title must have at most 200 characters"],
        &[("reason", "Notice was given")],
        "Notice was given",
    ),
];

#[tokio::test]
async fn each_task_refuses_what_the_contract_refuses_in_plain_words_and_keeps_what_is_right() {
    let desk = Desk::new().await;
    let mut sam = social_worker(&desk).await;
    start(&mut sam, "N-1").await;
    for (name, wrong, words, right, shown) in CASES {
        let refused = task(&mut sam, "N-1", name, wrong).await;
        let status = refused.status;
        assert_eq!(
            status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{name} {wrong:?}: {}",
            text(&refused)
        );
        assert!(refused.text.contains("<title>Error: "), "{name}");
        says(&refused, "There is a problem");
        for words in *words {
            says(&refused, words);
        }
        // Each error leads to a field that is there.
        for (at, start) in refused.text.match_indices("<a href=\"#") {
            let id = refused.text[at + start.len()..].split('"').next().unwrap();
            let has = refused.text.contains(&format!("id=\"{id}\""));
            assert!(has || id == "main-content", "{name}: no field {id}");
        }
        saved(&mut sam, "N-1", name, right).await;
        says(&sam.get("/drafts/N-1/check").await, shown);
    }
    sent(&mut sam, "N-1", &[]).await.leads_to("/referrals/N-1");
    let read = desk.get("/referrals/N-1").await.ok(200).body;
    assert_eq!(read["identity"]["religion"], "muslim");
    assert_eq!(read["identity"]["languages"], json!(["en", "ur"]));
    assert_eq!(read["excluded_authorities"], json!([NOTTINGHAM]));
    assert_eq!(
        read["matching"],
        json!({"solo": true, "avoid_children": ["C-9"]})
    );
}

#[tokio::test]
async fn an_emergency_is_sent_with_the_minimum_and_completed_later() {
    let desk = Desk::new().await;
    let mut sam = social_worker(&desk).await;
    start(&mut sam, "E-1").await;
    let mut now = WHEN.to_vec();
    now[0].1 = "emergency";
    saved(&mut sam, "E-1", "when", &now).await;
    let list = text(&sam.get("/drafts/E-1").await);
    let (needed, later) = list.split_once("Can wait").unwrap();
    assert!(
        needed.contains("2 tasks to do") && needed.contains("Needed now"),
        "{list}"
    );
    assert!(
        needed.contains("The child, or the children") && !needed.contains("What the child needs")
    );
    assert!(
        later.contains("highest of its members Not started"),
        "{list}"
    );
    saved(&mut sam, "E-1", "kinds", KINDS).await;
    saved(&mut sam, "E-1", "children", CHILD).await;
    says(
        &sam.get("/drafts/E-1/check").await,
        "To be completed within one working day",
    );
    sent(&mut sam, "E-1", &[]).await.leads_to("/referrals/E-1");
    let read = desk.get("/referrals/E-1").await.ok(200).body;
    assert_eq!(read["completeness"], "emergency_minimum");

    says(
        &sam.get("/referrals/E-1").await,
        "The rest is due within one working day",
    );
    saved(&mut sam, "E-1", "needs", NEEDS).await;
    // Half of the rest is still the minimum.
    sent(&mut sam, "E-1", &[("reason", "Known now")])
        .await
        .leads_to("/referrals/E-1");
    let half = desk.get("/referrals/E-1").await.ok(200).body;
    assert_eq!(
        (&half["revision"], &half["completeness"]),
        (&json!(2), &json!("emergency_minimum"))
    );
    saved(&mut sam, "E-1", "places", &[]).await;
    sent(&mut sam, "E-1", &[("reason", "No fixed home")])
        .await
        .leads_to("/referrals/E-1");
    let whole = desk.get("/referrals/E-1").await.ok(200).body;
    assert_eq!(
        (&whole["revision"], whole.get("completeness")),
        (&json!(3), None)
    );
    assert_eq!(whole["locations"], json!({}));
}

#[tokio::test]
async fn a_group_is_entered_child_by_child() {
    let desk = Desk::new().await;
    let mut sam = social_worker(&desk).await;
    start(&mut sam, "G-1").await;
    let add = [CHILD, &[("step", "add/children")]].concat();
    let two = task(&mut sam, "G-1", "children", &add).await;
    assert_eq!(two.status, StatusCode::OK);
    assert!(two.text.contains("value=\"C-1\"") && two.text.contains("id=\"children/1/child_id\""));
    let same = [
        CHILD,
        &[("children/1/child_id", "C-1"), ("children/1/sex", "M")],
    ]
    .concat();
    let refused = task(&mut sam, "G-1", "children", &same).await;
    says(&refused, "The child’s id is given twice");
    says(&refused, "Enter the date of birth");
    let remove = [&same[..], &[("step", "remove/children/0")]].concat();
    let one = task(&mut sam, "G-1", "children", &remove).await;
    assert!(!one.text.contains("children/1/"), "{}", one.text);
    assert!(one.text.contains("value=\"M\" checked"), "{}", one.text);
    let ten: Vec<_> = (0..10)
        .map(|idx| format!("children/{idx}/child_id"))
        .collect();
    let ten = ten.iter().map(|name| (&**name, "x"));
    let more: Vec<_> = ten.chain([("step", "add/children")]).collect();
    let full = task(&mut sam, "G-1", "children", &more).await;
    assert_eq!(full.status, StatusCode::UNPROCESSABLE_ENTITY);
    says(&full, "Child: at most 10 can be given");
    assert!(!full.text.contains("children/10/"), "{}", full.text);
    // A child that was added and not filled in is none.
    let blank = [CHILD, &[("children/1/child_id", "")]].concat();
    saved(&mut sam, "G-1", "children", &blank).await;
    says(&sam.get("/drafts/G-1").await, "no names Completed");
}
