//! Whatever is sent, the answer is a problem of 4xx that says what to mend.

use super::{
    browser::Browser,
    support::{Answer, Desk, EVERYTHING, a_referral, a_setting, request},
};
use axum::{
    body::Body,
    http::{Request, header},
};
use oss_domain::role::Role;
use serde_json::{Value, json};

const JSON: &str = "application/json";

fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    request("POST", path, EVERYTHING)
        .header(header::CONTENT_TYPE, JSON)
        .body(body.into())
        .unwrap()
}

fn put(path: &str, body: &Value) -> Request<Body> {
    request("PUT", path, EVERYTHING)
        .header(header::CONTENT_TYPE, JSON)
        .body(Body::from(body.to_string()))
        .unwrap()
}

fn get(path: &str) -> Request<Body> {
    request("GET", path, EVERYTHING)
        .body(Body::empty())
        .unwrap()
}

/// A referral with the field at `pointer` set to `value`.
fn referral_with(pointer: &str, value: Value) -> Request<Body> {
    let mut referral = a_referral("R1", 1);
    set(&mut referral, pointer, value);
    post("/referrals", referral.to_string())
}

fn setting_with(pointer: &str, value: Value) -> Request<Body> {
    let mut setting = a_setting("F1", 1);
    set(&mut setting, pointer, value);
    put("/settings/F1", &setting)
}

fn set(whole: &mut Value, pointer: &str, value: Value) {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = whole.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items[field.parse::<usize>().unwrap()] = value,
        _ => parent[field] = value,
    }
}

#[tokio::test]
async fn a_place_in_a_list_that_is_none_is_refused_in_each_and_leads_to_its_first_page() {
    let desk = Desk::new().await;
    let (mut browser, _) = Browser::signed_in(&desk, "casey", Role::ALL).await;
    for list in [
        "/",
        "/drafts",
        "/approvals",
        "/admin/settings",
        "/admin/people",
    ] {
        for place in ["none!", "1.2.3.4", "1764147600000000.no!"] {
            let page = browser.get(&format!("{list}?after={place}")).await;
            assert_eq!(page.status, 400, "{list}: {place}: {}", page.text);
            let afresh = format!("<a class=\"govuk-link\" href=\"{list}\">Open the page afresh");
            assert!(page.text.contains(&afresh), "{}", page.text);
            assert_eq!(browser.get(list).await.status, 200);
        }
    }
    for list in ["/referrals", "/settings", "/dead-letters"] {
        let refused = desk.get(&format!("{list}?cursor=none")).await;
        refused.problem(400, "bad_cursor");
    }
}

#[tokio::test]
async fn wrong_fields_are_told_with_their_pointers() {
    let desk = Desk::new().await;
    let long = "x".repeat(201);
    let mut n_cases = 0;
    for (pointer, value) in [
        ("/referral_id", json!(null)),
        ("/referral_id", json!("a b")),
        ("/referral_id", json!("oss.>")),
        ("/referral_id", json!("../../etc/passwd")),
        ("/authority", json!("Derby")),
        ("/authority", json!("E99999999")),
        ("/revision", json!(0)),
        ("/revision", json!(-1)),
        ("/revision", json!(1.5)),
        ("/revision", json!("1")),
        ("/revision", json!(1e30)),
        ("/urgency", json!("asap")),
        ("/start_date", json!("2026-02-30")),
        ("/start_date", json!("01/12/2026")),
        ("/placement_types", json!([])),
        ("/placement_types/0", json!("hotel")),
        ("/children", json!([])),
        ("/children", json!({})),
        ("/children/0/sex", json!("X")),
        ("/children/0/date_of_birth", json!("2027-01-01")),
        ("/needs", json!(null)),
        ("/needs/EMO/level", json!(5)),
        ("/needs/EMOTIONAL", json!({"level": 1})),
        ("/locations", json!(null)),
        ("/locations/home", json!("ZZ99 9ZZ")),
        ("/locations/home", json!("Derby")),
        ("/title", json!(long)),
        ("/title", json!("nul \u{0}")),
        (
            "/exclusion_zones",
            json!([{"centre": "DE1 2FS", "radius_tenths_of_mile": 0}]),
        ),
        ("/excluded_authorities", json!(["Leeds"])),
        ("/matching", json!({"soloo": true})),
        ("/legal_status", json!("none")),
    ] {
        let answer = desk.send(referral_with(pointer, value.clone())).await;
        let answer = answer.problem(422, "invalid_data");
        assert!(
            answer.pointers().iter().any(|it| it.starts_with(pointer)),
            "{pointer} = {value}: {}",
            answer.body
        );
        n_cases += 1;
    }
    for (pointer, value) in [
        ("/setting_id", json!("F2")),
        ("/authority", json!("E99999999")),
        ("/version", json!(0)),
        ("/kind", json!("hotel")),
        ("/postcode", json!("ZZ99 9ZZ")),
        ("/registration/quality", json!("fine")),
        ("/approval/sexes", json!([])),
        ("/approval/places", json!(-1)),
        ("/weekly_cost_pence", json!(1.5)),
        ("/residents", json!(null)),
    ] {
        let answer = desk
            .send(setting_with(pointer, value))
            .await
            .problem(422, "invalid_data");
        assert!(
            answer.pointers().iter().any(|it| it.starts_with(pointer)),
            "{pointer}"
        );
        n_cases += 1;
    }
    assert_eq!(n_cases, 42);
    let list = desk.get("/referrals").await.ok(200);
    assert_eq!(list.body["items"], json!([]), "nothing was stored");
}

#[tokio::test]
async fn what_is_not_understood_is_400_or_its_kin() {
    let desk = Desk::new().await;
    let good = a_referral("R1", 1).to_string();
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let big = format!("{{\"title\": \"{}\"}}", "x".repeat(262_144));
    let typed = |content_type: &str| {
        request("POST", "/referrals", EVERYTHING)
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(good.clone()))
            .unwrap()
    };
    let untyped = request("POST", "/referrals", EVERYTHING)
        .body(Body::from(good.clone()))
        .unwrap();
    let mut wrong_url = put("/referrals/R1", &a_referral("R2", 1));
    *wrong_url.uri_mut() = "/api/v1/referrals/%FF".parse().unwrap();
    let cases: Vec<(&str, Request<Body>, u16)> = vec![
        ("no body", post("/referrals", ""), 400),
        ("not JSON", post("/referrals", "{"), 400),
        (
            "trailing text",
            post("/referrals", format!("{good} x")),
            400,
        ),
        ("not UTF-8", post("/referrals", vec![b'"', 0xff, b'"']), 400),
        (
            "a lone surrogate",
            post("/referrals", r#"{"title": "\ud800"}"#),
            400,
        ),
        ("10,000 deep", post("/referrals", deep), 400),
        (
            "not a number",
            post("/referrals", r#"{"revision": NaN}"#),
            400,
        ),
        (
            "an infinite number",
            post("/referrals", r#"{"revision": 1e999}"#),
            400,
        ),
        ("an array", post("/referrals", "[]"), 422),
        ("a null", post("/referrals", "null"), 422),
        ("a text", post("/referrals", "\"R1\""), 422),
        ("over 256 KiB", post("/referrals", big), 413),
        ("no content type", untyped, 415),
        ("XML", typed("application/xml"), 415),
        ("a form", typed("application/x-www-form-urlencoded"), 415),
        ("text", typed("text/plain"), 415),
        ("a path that is no text", wrong_url, 400),
        (
            "another id in the path",
            put("/referrals/R2", &a_referral("R1", 1)),
            422,
        ),
    ];
    each_is_refused(&desk, cases).await;
}

#[tokio::test]
async fn what_does_not_exist_or_is_asked_for_wrongly_is_told_apart() {
    let desk = Desk::new().await;
    let cases: Vec<(&str, Request<Body>, u16)> = vec![
        ("limit 0", get("/referrals?limit=0"), 400),
        ("limit 201", get("/referrals?limit=201"), 400),
        ("limit as a word", get("/referrals?limit=all"), 400),
        ("limit below 0", get("/settings?limit=-1"), 400),
        ("limit twice", get("/referrals?limit=1&limit=2"), 400),
        ("an unknown state", get("/referrals?state=lost"), 400),
        ("an unknown urgency", get("/referrals?urgency=asap"), 400),
        ("a cursor made up", get("/referrals?cursor=abc"), 400),
        (
            "a cursor of another kind",
            get("/referrals?cursor=2222"),
            400,
        ),
        (
            "a cursor made up for settings",
            get("/settings?cursor=zz"),
            400,
        ),
        (
            "a cursor made up for dead letters",
            get("/dead-letters?cursor=2e2e"),
            400,
        ),
        (
            "an authority of no form",
            get("/settings?authority=Derby"),
            400,
        ),
        (
            "another's authority",
            get("/settings?authority=E06000018"),
            403,
        ),
        ("an unknown referral", get("/referrals/R404"), 404),
        ("its offers", get("/referrals/R404/offers"), 404),
        ("a referral's id of no form", get("/referrals/a%20b"), 404),
        (
            "a referral's id with a zero byte",
            get("/referrals/a%00b"),
            404,
        ),
        ("a run's id of no form", get("/match-runs/1"), 404),
        (
            "an unknown run",
            get("/match-runs/run_018bcfe56800715b9d39b5bf90ae8891"),
            404,
        ),
        ("an unknown setting", get("/settings/F404"), 404),
        (
            "a dead letter's id of no form",
            post("/dead-letters/1/retry", ""),
            404,
        ),
        (
            "an unknown dead letter",
            post(
                "/dead-letters/ded_018bcfe56800715b9d39b5bf90ae8891/retry",
                "",
            ),
            404,
        ),
        (
            "withdrawing what is unknown",
            post("/referrals/R404/withdraw", r#"{"reason": "x"}"#),
            404,
        ),
        (
            "withdrawing without a reason",
            post("/referrals/R404/withdraw", "{}"),
            422,
        ),
        (
            "withdrawing with a blank reason",
            post("/referrals/R404/withdraw", r#"{"reason": " "}"#),
            422,
        ),
        ("an unknown path", get("/children"), 404),
        ("the API's root", get("/"), 404),
        (
            "a path too long",
            get(&format!("/referrals/{}", "x".repeat(5_000))),
            404,
        ),
    ];
    each_is_refused(&desk, cases).await;
    for (method, path) in [
        ("DELETE", "/referrals"),
        ("PATCH", "/referrals/R1"),
        ("PUT", "/referrals"),
    ] {
        let wrong = request(method, path, EVERYTHING)
            .body(Body::empty())
            .unwrap();
        let answer = desk.send(wrong).await.problem(405, "method_not_allowed");
        assert!(answer.header("allow").contains("GET"), "{method} {path}");
    }
}

async fn each_is_refused(desk: &Desk, cases: Vec<(&str, Request<Body>, u16)>) {
    for (name, request, status) in cases {
        let answer: Answer = desk.send(request).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{name}"
        );
        assert_eq!(answer.body["status"], status, "{name}");
    }
}

#[tokio::test]
async fn what_was_sent_is_not_repeated() {
    let desk = Desk::new().await;
    let canary = "CANARY";
    for (pointer, value) in [
        ("/urgency", json!(canary)),
        ("/children/0/date_of_birth", json!(canary)),
        ("/locations/home", json!(canary)),
        ("/referral_id", json!("CANARY of a name")),
    ] {
        let answer = desk
            .send(referral_with(pointer, value))
            .await
            .problem(422, "invalid_data");
        assert!(!answer.body.to_string().contains(canary), "{}", answer.body);
    }
}

#[tokio::test]
async fn what_no_text_of_the_database_can_hold_is_no_fault_of_ours() {
    let desk = Desk::new().await;
    let (mut max, _) = Browser::signed_in(&desk, "max", &[Role::Manager]).await;
    for path in [
        "/?q=%00",
        "/?reference=%00",
        "/?next=%00",
        "/admin/settings?q=%00",
        "/admin/settings/%00",
        "/admin/import/%00",
        "/drafts/%00",
        "/referrals/%00",
    ] {
        let page = max.get(path).await;
        assert!(!page.status.is_server_error(), "{path}: {}", page.text);
    }
    let csrf = max.csrf();
    let once = "\0".repeat(32);
    let form = [("csrf", &*csrf), ("once", &once), ("step", "confirmed")];
    for path in ["/start-referral", "/admin/new-setting", "/admin/import"] {
        let page = max.post(path, &form).await;
        assert!(page.status.is_client_error(), "{path}: {}", page.text);
    }
    for path in ["/referrals/%00", "/settings/%00", "/referrals?state=%00"] {
        let answer = desk.get(path).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.body);
    }
}
