//! Sessions: when they are over, who ends them, and what a change needs besides.

use super::{
    browser::{Browser, Page, identity},
    support::{Desk, EVERYTHING, a_referral},
};
use axum::{
    body::Body,
    http::{HeaderName, Request, StatusCode, header},
};
use chrono::TimeDelta;
use oss_domain::{Clock, role::Role};
use oss_workflow::Actor;

const BACK: &str = "/sign-in?return_to=%2Fpage&notice=timed-out";

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it() {
    let desk = Desk::new().await;
    let (mut used, _) = Browser::signed_in(&desk, "used", &[Role::Commissioner]).await;
    let (mut idle, _) = Browser::signed_in(&desk, "idle", &[Role::Commissioner]).await;
    let (mut left_open, _) = Browser::signed_in(&desk, "open", &[Role::Commissioner]).await;
    left_open
        .headers
        .insert("sec-fetch-dest", "empty".parse().unwrap());
    for _ in 0..2 {
        desk.clock.advance(TimeDelta::minutes(16));
        assert_eq!(used.get("/page").await.status, StatusCode::OK);
        left_open.get("/page").await;
    }
    idle.get("/page").await.leads_to(BACK);
    left_open.get("/page").await.leads_to(BACK);
    assert_eq!(used.get("/page").await.text, "Name of used: commissioner");
}

#[tokio::test]
async fn a_session_ends_after_a_long_day_whatever_one_does() {
    let desk = Desk::new().await;
    let (mut browser, _) = Browser::signed_in(&desk, "a", &[Role::Manager]).await;
    for _ in 0..29 {
        desk.clock.advance(TimeDelta::minutes(20));
        assert_eq!(browser.get("/page").await.status, StatusCode::OK);
    }
    desk.clock.advance(TimeDelta::minutes(20));
    browser.get("/page").await.leads_to(BACK);
    let limits = oss_storage::people::SessionLimits::default();
    assert_eq!(
        desk.store
            .purge_sessions(limits, desk.clock.now())
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn a_page_can_ask_how_long_one_stays_signed_in_and_asking_to_stay_is_doing_something() {
    let desk = Desk::new().await;
    let (mut browser, _) = Browser::signed_in(&desk, "a", &[Role::Manager]).await;
    browser
        .headers
        .insert("sec-fetch-dest", "empty".parse().unwrap());
    let left = |page: &Page| {
        let left: serde_json::Value = serde_json::from_str(&page.text).unwrap();
        ["until_idle", "until_old"].map(|name| left[name].as_i64().unwrap() / 60)
    };
    desk.clock.advance(TimeDelta::minutes(29));
    for _ in 0..2 {
        assert_eq!(left(&browser.get("/session").await), [1, 571]);
    }
    let token = browser.csrf();
    let stays = browser.post("/session", &[("csrf", &token)]).await;
    assert_eq!(left(&stays), [30, 571]);
    assert_eq!(browser.get("/page").await.status, StatusCode::OK);
    // The long day ends whatever one does.
    for _ in 0..19 {
        desk.clock
            .advance(TimeDelta::minutes(30) - TimeDelta::seconds(1));
        browser.post("/session", &[("csrf", &token)]).await;
    }
    assert_eq!(left(&browser.get("/session").await), [1, 1]);
}

#[tokio::test]
async fn whoever_was_signed_out_is_told_so_and_comes_back_to_the_page_also_where_something_was_sent()
 {
    let desk = Desk::new().await;
    let (mut browser, _) = Browser::signed_in(&desk, "a", &[Role::Commissioner]).await;
    let token = browser.csrf();
    desk.clock.advance(TimeDelta::hours(1));
    browser.get("/page").await.leads_to(BACK);
    let why = browser.get(BACK).await;
    assert!(
        why.text.contains("nothing is done for half an hour"),
        "{}",
        why.text
    );
    let decide = "/referrals/R1/options/F1/decide";
    let sent = browser
        .post(decide, &[("csrf", &token), ("reason", "x")])
        .await;
    let back = format!(
        "/sign-in?return_to={}&notice=not-sent",
        decide.replace('/', "%2F")
    );
    sent.leads_to(&back);
    let why = browser.get(&back).await;
    assert!(why.text.contains("nothing was done"), "{}", why.text);
    // Whoever was never here is only asked to sign in.
    Browser::new(&desk)
        .get("/page")
        .await
        .leads_to("/sign-in?return_to=%2Fpage");
}

#[tokio::test]
async fn signing_out_ends_the_session_here_and_leaves_nothing_in_the_browser() {
    let desk = Desk::new().await;
    let (mut browser, _) = Browser::signed_in(&desk, "a", &[Role::Manager]).await;
    let stolen = browser.cookies.clone();
    let token = browser.csrf();
    let page = browser.post("/sign-out", &[("csrf", &token)]).await;
    page.leads_to("/sign-in?notice=signed-out");
    assert_eq!(
        page.header("clear-site-data"),
        r#""cache", "cookies", "storage""#
    );
    assert!(browser.cookies.is_empty());
    assert!(
        browser
            .get("/sign-in?notice=signed-out")
            .await
            .text
            .contains("You are signed out")
    );
    browser.cookies = stolen;
    browser.get("/page").await.leads_to(BACK);
}

#[tokio::test]
async fn signing_out_everywhere_ends_the_other_browsers_sessions_and_nobody_elses() {
    let desk = Desk::new().await;
    let (mut here, person) = Browser::signed_in(&desk, "a", &[Role::Manager]).await;
    let (mut there, _) = Browser::signed_in(&desk, "a", &[Role::Manager]).await;
    let (mut other, _) = Browser::signed_in(&desk, "b", &[Role::Manager]).await;
    let limits = oss_storage::people::SessionLimits::default();
    let open = desk
        .store
        .sessions_of(person.user_id, limits, desk.clock.now())
        .await
        .unwrap();
    assert_eq!(open.len(), 2);
    let token = here.csrf();
    here.post("/sign-out/everywhere", &[("csrf", &token)]).await;
    there.get("/page").await.leads_to(BACK);
    assert_eq!(other.get("/page").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_an_administrator_takes_away_is_gone_at_once() {
    let desk = Desk::new().await;
    let administrator = Actor::Person("usr_admin".into());
    let (mut browser, person) = Browser::signed_in(&desk, "a", &[Role::Manager]).await;
    let (_, now) = Browser::signed_in(&desk, "a", &[Role::Auditor]).await;
    assert_eq!(now.user_id, person.user_id, "the same person");
    assert_eq!(browser.get("/page").await.text, "Name of a: auditor");

    let disable = |off| {
        desk.store
            .set_disabled(person.user_id, off, &administrator, desk.clock.now())
    };
    assert!(disable(true).await.unwrap());
    browser.get("/page").await.leads_to(BACK);
    let listed = desk
        .store
        .list_people(oss_testkit::DERBY.parse().unwrap(), None, 10)
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].disabled_at, Some(desk.clock.now()));

    assert!(disable(false).await.unwrap());
    browser.get("/page").await.leads_to(BACK);
    let (mut again, _) = Browser::signed_in(&desk, "a", &[Role::Manager]).await;
    assert_eq!(again.get("/page").await.status, StatusCode::OK);
}

#[tokio::test]
async fn people_are_known_by_who_vouches_for_them_and_stay_with_their_council() {
    let desk = Desk::new().await;
    let (_, person) = Browser::signed_in(&desk, "a", &[Role::Provider]).await;
    let provider = "AGY01".parse().unwrap();
    let administrator = Actor::Person("usr_admin".into());
    let (store, now) = (&desk.store, desk.clock.now());
    let set = store
        .set_provider(person.user_id, Some(&provider), &administrator, now)
        .await;
    assert!(set.unwrap());
    let elsewhere = oss_storage::people::Identity {
        authority: super::support::NOTTINGHAM.parse().unwrap(),
        issuer: "https://other.example".to_owned(),
        ..identity("a", &[Role::Provider])
    };
    assert_ne!(elsewhere.issuer, person.issuer);
    let (_, again) = Browser::signed_in(&desk, "a", &[Role::Provider]).await;
    assert_eq!(
        again.provider,
        Some(provider),
        "what we set is not forgotten at the next sign-in"
    );
}

#[tokio::test]
async fn a_change_needs_the_sessions_token_and_a_page_of_ours() {
    let desk = Desk::new().await;
    let (mut browser, _) = Browser::signed_in(&desk, "a", &[Role::Manager]).await;
    let (other, _) = Browser::signed_in(&desk, "b", &[Role::Manager]).await;
    let (mine, others) = (browser.csrf(), other.csrf());
    assert_eq!(
        browser.post("/change", &[("csrf", &mine)]).await.text,
        "changed"
    );
    let twice = [("csrf", "wrong"), ("csrf", &*mine)];
    let refused: [&[(&str, &str)]; 5] = [
        &[],
        &[("csrf", "")],
        &[("csrf", &others)],
        &[("csrf", &mine[1..])],
        &twice,
    ];
    for form in refused {
        assert_eq!(
            browser.post("/change", form).await.status,
            StatusCode::FORBIDDEN,
            "{form:?}"
        );
    }
    let multipart = Request::post("/change")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
        .body(Body::from(format!(
            "--x\r\nContent-Disposition: form-data; name=csrf\r\n\r\n{mine}\r\n--x--"
        )));
    assert_eq!(
        browser.send(multipart.unwrap()).await.status,
        StatusCode::FORBIDDEN
    );

    let site = HeaderName::from_static("sec-fetch-site");
    for from in ["cross-site", "same-site", "none"] {
        browser.headers.insert(&site, from.parse().unwrap());
        let page = browser.post("/change", &[("csrf", &mine)]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{from}");
    }
    browser.headers.remove(&site);
    browser
        .headers
        .insert(header::ORIGIN, "https://evil.example".parse().unwrap());
    assert_eq!(
        browser.post("/change", &[("csrf", &mine)]).await.status,
        StatusCode::FORBIDDEN
    );
    browser
        .headers
        .insert(header::ORIGIN, "https://desk.example".parse().unwrap());
    assert_eq!(
        browser.post("/change", &[("csrf", &mine)]).await.text,
        "changed"
    );
    // Looking is no change.
    browser.headers.insert(&site, "cross-site".parse().unwrap());
    assert_eq!(
        browser.get("/page").await.status,
        StatusCode::OK,
        "a link from elsewhere"
    );
}

#[tokio::test]
async fn the_api_takes_a_session_and_a_change_needs_its_token_in_a_header() {
    let desk = Desk::new().await;
    let (mut browser, person) = Browser::signed_in(&desk, "a", &[Role::Commissioner]).await;
    assert_eq!(
        browser.get("/api/v1/referrals").await.status,
        StatusCode::OK
    );
    assert_eq!(
        browser.get("/api/v1/dead-letters").await.status,
        StatusCode::FORBIDDEN
    );
    let submit = || {
        Request::post("/api/v1/referrals")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(a_referral("R1", 1).to_string()))
            .unwrap()
    };
    assert_eq!(
        browser.send(submit()).await.status,
        StatusCode::FORBIDDEN,
        "without the token"
    );
    let mut with_token = submit();
    with_token
        .headers_mut()
        .insert("x-csrf-token", browser.csrf().parse().unwrap());
    assert_eq!(browser.send(with_token).await.status, StatusCode::ACCEPTED);

    // A bearer token counts alone: a wrong one is not made good by a cookie, a right one needs no more.
    let mut wrong = submit();
    wrong
        .headers_mut()
        .insert(header::AUTHORIZATION, "Bearer wrong".parse().unwrap());
    assert_eq!(browser.send(wrong).await.status, StatusCode::UNAUTHORIZED);
    let mut right = submit();
    let bearer = format!("Bearer {EVERYTHING}");
    right
        .headers_mut()
        .insert(header::AUTHORIZATION, bearer.parse().unwrap());
    assert_eq!(browser.send(right).await.status, StatusCode::ACCEPTED);

    let by = Actor::Person("usr_admin".into());
    assert_eq!(
        desk.store
            .end_sessions_of(&person, &by, desk.clock.now())
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        browser.get("/api/v1/referrals").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_browsers_in_check() {
    let desk = Desk::new().await;
    let (mut browser, _) = Browser::signed_in(&desk, "a", &[Role::Commissioner]).await;
    let mut nobody = Browser::new(&desk);
    let answers = [
        browser.get("/page").await,
        browser.get("/sign-in").await,
        nobody.get("/page").await,
        nobody.get("/sign-in").await,
        nobody.get("/sign-in/start").await,
        nobody.get("/sign-in/callback?code=1").await,
        nobody.post("/sign-out", &[]).await,
        nobody.get("/nowhere").await,
        nobody.get("/api/v1/referrals").await,
        browser.get("/api/v1/referrals").await,
        browser.post("/change", &[]).await,
    ];
    for answer in answers {
        let csp = answer.header("content-security-policy");
        assert!(csp.starts_with("default-src 'none'; "), "{answer:?}");
        assert!(
            csp.contains("base-uri 'none'; frame-ancestors 'none'"),
            "{csp}"
        );
        assert!(!csp.contains("unsafe"), "{csp}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            (
                "strict-transport-security",
                "max-age=63072000; includeSubDomains",
            ),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{name}: {answer:?}");
        }
        assert!(answer.header("permissions-policy").contains("camera=()"));
    }
    let page = nobody.get("/sign-in").await;
    assert!(
        page.header("content-security-policy")
            .contains("script-src 'self'; style-src 'self';")
    );
    assert!(
        !page.text.contains("style=") && !page.text.contains("<style"),
        "{}",
        page.text
    );
    // Every script is a file of ours; none stands in the page.
    for script in page.text.split("<script").skip(1) {
        assert!(script.starts_with(" src=\"/assets/"), "{script}");
        assert!(script.contains("></script>"), "{script}");
    }
}
