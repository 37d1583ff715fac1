//! A register's file: uploaded, shown before it is taken in, and what became of it; and that nobody's
//! upload is read who may not send one.

use super::{
    acts::ranked,
    browser::{Browser, Page, with_file},
    register::{change, filled, filled_of, manager, send, stored},
    support::{Desk, a_setting},
};
use crate::limits::{HEARD_OUT, MAX_FILE, MAX_UPLOAD, UPLOADS};
use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use futures::stream;
use oss_domain::role::Role;
use oss_workflow::{Store, Wanted};
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const PATH: &str = "/admin/import";

/// A body without end, and how many bytes of it were taken.
fn endless() -> (Body, Arc<AtomicUsize>) {
    const PIECE: &[u8] = &[b'x'; 64 * 1024];
    let taken = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&taken);
    let pieces = stream::repeat_with(move || {
        counts.fetch_add(PIECE.len(), Ordering::Relaxed);
        Ok::<_, Infallible>(Bytes::from_static(PIECE))
    });
    (Body::from_stream(pieces), taken)
}

#[tokio::test]
async fn of_an_upload_nothing_is_read_unless_whoever_sends_it_may_and_there_is_room() {
    let desk = Desk::new().await;
    let operator = Browser::signed_in(&desk, "oli", &[Role::Operator]).await.0;
    for (mut browser, status) in [
        (operator, StatusCode::FORBIDDEN),
        (Browser::new(&desk), StatusCode::SEE_OTHER),
    ] {
        let (body, taken) = endless();
        let refused = browser.send(with_file(PATH, body)).await;
        assert_eq!(refused.status, status, "{}", refused.text);
        assert_eq!(taken.load(Ordering::Relaxed), 0);
    }

    let mut max = manager(&desk).await;
    let all = u32::try_from(UPLOADS).unwrap();
    let others = desk.app.uploads.acquire_many(all).await.unwrap();
    let (body, taken) = endless();
    let refused = max.send(with_file(PATH, body)).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.text.contains("send it again in a minute"));
    assert_eq!(refused.header("retry-after"), "60");
    assert_eq!(taken.load(Ordering::Relaxed), 0);
    drop(others);

    // Of one that is too large, no more than it takes to be heard.
    let (body, taken) = endless();
    let refused = max.send(with_file(PATH, body)).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(refused.text.contains("at most 4 MiB"), "{}", refused.text);
    let most = MAX_UPLOAD + HEARD_OUT + 128 * 1024;
    assert!(taken.load(Ordering::Relaxed) <= most);
    assert_eq!(desk.app.uploads.available_permits(), UPLOADS);
}

#[tokio::test]
async fn a_file_may_be_as_large_when_it_comes_back_with_the_browsers_line_ends() {
    let desk = Desk::new().await;
    let mut max = manager(&desk).await;
    let csrf = max.csrf();
    let setting = a_setting("F1", 1).to_string();
    let file = |n_lines| format!("{}{setting}", "\n".repeat(n_lines));
    let fitting = MAX_FILE - setting.len();
    let asked = max
        .post_file(PATH, &[("csrf", &csrf)], &file(fitting))
        .await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text.len());
    let as_browsers_do = |n_lines| file(n_lines).replace('\n', "\r\n");
    let once = filled_of(&asked, "once");
    let form = [("csrf", &*csrf), ("once", &once), ("step", "confirmed")];
    let larger = max
        .post_file(PATH, &form, &as_browsers_do(fitting + 1))
        .await;
    assert_eq!(larger.status, StatusCode::PAYLOAD_TOO_LARGE);
    let done = max.post_file(PATH, &form, &as_browsers_do(fitting)).await;
    became(&mut max, &done, "The file was taken in").await;
    assert_eq!(stored(&desk, "F1").await.version, 1);
}

#[tokio::test]
async fn a_file_that_is_cut_off_says_what_it_did_and_the_rest_is_taken_in_when_it_comes_again() {
    let (desk, _) = ranked(&[a_setting("N1", 1), a_setting("N2", 1)]).await;
    let mut max = manager(&desk).await;
    let file = (1..=3).map(|n| a_setting(&format!("N{n}"), 1));
    let file = Value::from(file.collect::<Vec<_>>()).to_string();
    // Somebody has the register for longer than it is waited for.
    let at = ("E06000015".parse().unwrap(), "N1".parse().unwrap());
    let wanted = Wanted::settings([at]);
    let others = desk.store.open(&wanted).await.unwrap();
    let cut_off = take_in(&mut max, &file).await;
    let told = became(&mut max, &cut_off, "The work was cut off").await;
    // What the register has of it, by whomever, is not left.
    let left = [("In the register too", "2: N1, N2"), ("Left", "1: N3")];
    assert_eq!(rows(&told), left);
    drop(others);
    let (mut mia, _) = Browser::signed_in(&desk, "mia", &[Role::Manager]).await;
    let anothers = mia.get(cut_off.header("location")).await;
    assert_eq!(anothers.status, StatusCode::NOT_FOUND);

    let done = take_in(&mut max, &file).await;
    let told = became(&mut max, &done, "The file was taken in").await;
    assert_eq!(rows(&told), [("New", "1"), ("Unchanged", "2")]);
    // Of the one that was cut off nothing is left either, so nobody is asked to send it again.
    let told = became(&mut max, &cut_off, "The file was taken in").await;
    assert_eq!(rows(&told), [("In the register too", "3: N1, N2, N3")]);
    assert!(!told.text.contains("again"), "{}", told.text);
}

/// Takes in a file that was pasted.
async fn take_in(browser: &mut Browser, file: &str) -> Page {
    let asked = change(browser, PATH, &[("text", file)]).await;
    let confirmed = [("text", file), ("step", "confirmed")];
    send(browser, PATH, filled(&asked), &confirmed).await
}

/// The page of a file that was sent, once the work on it has ended as it says `told`.
async fn became(browser: &mut Browser, sent: &Page, told: &str) -> Page {
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let path = sent.header("location");
    assert!(path.starts_with("/admin/import/"), "{path}");
    let ended = async {
        loop {
            let page = browser.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.text);
            if !page.text.contains("being taken in") {
                return page;
            }
        }
    };
    let page = tokio::time::timeout(Duration::from_secs(30), ended).await;
    let page = page.unwrap();
    assert!(page.text.contains(told), "{}", page.text);
    page
}

/// What a page lists.
fn rows(page: &Page) -> Vec<(&str, &str)> {
    let rows = page.text.split("summary-list__key\">").skip(1);
    rows.map(|row| {
        let (key, rest) = row.split_once('<').unwrap();
        let (_, value) = rest.split_once("summary-list__value\">").unwrap();
        (key, value.split('<').next().unwrap())
    })
    .collect()
}

#[tokio::test]
async fn whoever_is_shown_what_a_file_changes_is_in_the_audit_first() {
    let (desk, _) = ranked(&[a_setting("F1", 1)]).await;
    let mut max = manager(&desk).await;
    let csrf = max.csrf();
    let file = a_setting("F1", 2).to_string();
    let lines = async || desk.store.walk_audit().await.unwrap().lines;
    let before = lines().await;
    let form = [("csrf", &*csrf), ("text", &file)];
    let asked = max.post(PATH, &form).await;
    assert!(asked.text.contains("Take in this file?"), "{}", asked.text);
    assert_eq!(lines().await, before + 1);
}

#[tokio::test]
async fn what_is_wrong_in_a_file_is_told_at_the_field_it_came_by() {
    let desk = Desk::new().await;
    let mut max = manager(&desk).await;
    let csrf = max.csrf();
    let pasted = change(&mut max, PATH, &[("text", "no JSON")]).await;
    assert!(pasted.text.contains("href=\"#text\"") && pasted.text.contains(">no JSON<"));
    let uploaded = max
        .post_file(PATH, &[("csrf", &csrf), ("text", "")], "no JSON")
        .await;
    assert_eq!(uploaded.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        uploaded.text.contains("href=\"#file\""),
        "{}",
        uploaded.text
    );
    assert!(!uploaded.text.contains("no JSON<"), "it is chosen anew");
}

#[tokio::test]
async fn a_file_is_shown_before_it_is_taken_in_and_what_is_refused_is_left_out() {
    let (desk, _) = ranked(&[a_setting("F1", 2), a_setting("F2", 2), a_setting("F3", 2)]).await;
    let mut max = manager(&desk).await;
    let path = "/admin/import";
    let page = max.get(path).await;
    let bad = send(&mut max, path, filled(&page), &[("text", "{\"a\":")]).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", bad.text);
    let empty = change(&mut max, path, &[("text", "")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);

    let mut dearer = a_setting("F1", 3);
    dearer["weekly_cost_pence"] = json!(99_900);
    let mut elsewhere = a_setting("F8", 1);
    elsewhere["authority"] = json!("E06000018");
    let mut old = a_setting("F3", 1);
    old["weekly_cost_pence"] = json!(1);
    let file = Value::from(vec![
        dearer,
        a_setting("F2", 2),
        old,
        a_setting("F9", 1),
        elsewhere,
        json!({}),
    ]);
    let asked = change(&mut max, path, &[("text", &file.to_string())]).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    for told in [
        "6 settings",
        "F1: Weekly cost pence: 99900, before 52000",
        "1: F9",
        "1: F2",
        "1: F3",
        "Setting 5 of the file: /authority must be the council that you work for",
        "Setting 6 of the file: /setting_id",
    ] {
        assert!(asked.text.contains(told), "{told}: {}", asked.text);
    }
    assert_eq!(
        stored(&desk, "F1").await.version,
        2,
        "nothing is changed yet"
    );
    // Meanwhile the register itself says more of one.
    desk.put("/settings/F2", &a_setting("F2", 4)).await.ok(200);
    let confirmed = [("text", &*file.to_string()), ("step", "confirmed")];
    let done = send(&mut max, path, filled(&asked), &confirmed).await;
    let told = became(&mut max, &done, "2 settings were refused").await;
    assert!(!told.text.contains("Success"), "{}", told.text);
    for refused in ["Setting 5 of the file: /authority", "Setting 6 of the file"] {
        assert!(told.text.contains(refused), "{}", told.text);
    }
    let ignored = "Ignored: not newer than what is stored";
    let counts = [
        ("New", "1"),
        ("Changed", "1"),
        (ignored, "2"),
        ("Refused", "2"),
    ];
    assert_eq!(rows(&told), counts);
    let cost = stored(&desk, "F1").await.setting.unwrap().weekly_cost.get();
    assert_eq!(cost, 99_900);
    assert_eq!(stored(&desk, "F9").await.version, 1);
    assert_eq!(
        stored(&desk, "F3").await.version,
        2,
        "what is older is ignored"
    );
}

#[tokio::test]
async fn a_file_that_changes_nothing_is_not_told_as_a_success() {
    let (desk, _) = ranked(&[a_setting("F1", 2)]).await;
    let mut max = manager(&desk).await;
    let known = take_in(&mut max, &a_setting("F1", 1).to_string()).await;
    let told = became(&mut max, &known, "The file changed nothing").await;
    assert!(!told.text.contains("Success"), "{}", told.text);

    // Where nothing can be taken in, nobody is asked whether to.
    let mut elsewhere = a_setting("F8", 1);
    elsewhere["authority"] = json!("E06000018");
    let file = Value::from(vec![elsewhere, json!({})]).to_string();
    let confirmed = [("text", &*file), ("step", "confirmed")];
    for sent in [&confirmed[..1], &confirmed] {
        let refused = change(&mut max, PATH, sent).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        for told in [
            "<title>Error: ",
            "href=\"#text\"",
            "Setting 1 of the file",
            "Setting 2 of the file",
        ] {
            assert!(refused.text.contains(told), "{told}: {}", refused.text);
        }
    }
}

#[tokio::test]
async fn a_file_is_uploaded_from_a_page_of_ours_and_from_nowhere_else() {
    let (desk, _) = ranked(&[a_setting("F1", 1)]).await;
    let mut max = manager(&desk).await;
    let path = "/admin/import";
    let csrf = max.csrf();
    let ours = ("csrf", &*csrf);
    // Far more than a form without a file may have.
    let many = (1..=400).map(|n| a_setting(&format!("N{n}"), 1));
    let file = format!("{:#}", Value::from(many.collect::<Vec<_>>()));
    assert!(file.len() > 256 * 1024);
    for (path, form) in [
        (path, &[("csrf", "another")][..]),
        (path, &[]),
        // Where no file is taken, none is looked into.
        ("/admin/settings/F1/close", &[ours]),
    ] {
        let refused = max.post_file(path, form, &file).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path} {form:?}");
    }
    let asked = max.post_file(path, &[ours, ("text", "")], &file).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    for told in ["400 settings", "multipart/form-data", "and 350 more"] {
        assert!(asked.text.contains(told), "{told}");
    }
    let once = filled_of(&asked, "once");
    let form = [ours, ("once", &*once), ("step", "confirmed")];
    let done = max.post_file(path, &form, &file).await;
    let told = became(&mut max, &done, "The file was taken in").await;
    assert_eq!(rows(&told), [("New", "400")]);
    assert_eq!(stored(&desk, "N400").await.version, 1);

    let large = format!("[\"{}\"]", "x".repeat(4 * 1024 * 1024));
    let refused = max.post_file(path, &[ours], &large).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(refused.text.contains("at most 4 MiB"), "{}", refused.text);
}
