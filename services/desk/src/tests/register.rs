//! The register in pages: found, changed, closed; by whom it is for.

use super::{
    acts::ranked,
    browser::{Browser, Page},
    support::{Desk, a_setting},
};
use axum::http::StatusCode;
use oss_domain::{SettingId, role::Role, setting::VacancyChange};
use oss_workflow::{SettingHead, Wanted, supply};
use serde_json::json;

const EDIT: &str = "/admin/settings/F1/edit";

pub(super) async fn manager(desk: &Desk) -> Browser {
    Browser::signed_in(desk, "max", &[Role::Manager]).await.0
}

pub(super) async fn stored(desk: &Desk, id: &str) -> SettingHead {
    let (authority, id) = (
        "E06000015".parse().unwrap(),
        id.parse::<SettingId>().unwrap(),
    );
    desk.store.setting(authority, &id).await.unwrap().unwrap()
}

/// Every field of the page's form as it is filled in.
pub(super) fn filled(page: &Page) -> Vec<(String, String)> {
    let of = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
        Some(rest.split('"').next().unwrap().to_owned())
    };
    let (_, form) = page.text.split_once(" action=\"/admin").unwrap();
    let (form, _) = form.split_once("</form>").unwrap();
    let mut fields = Vec::new();
    for tag in form.split("<input").skip(1) {
        let tag = tag.split('>').next().unwrap();
        fields.push((
            of(tag, "name").unwrap(),
            of(tag, "value").unwrap_or_default(),
        ));
    }
    for select in form.split("<select").skip(1) {
        let chosen = select.split("<option").find(|it| it.contains(" selected"));
        let value = chosen.and_then(|it| of(it, "value")).unwrap_or_default();
        fields.push((of(select, "name").unwrap(), value));
    }
    fields
}

/// What the form's field `name` is filled in with.
pub(super) fn filled_of(page: &Page, name: &str) -> String {
    let mut fields = filled(page).into_iter();
    fields.find(|(it, _)| it == name).unwrap().1
}

/// Fills in the form at `path` with `changes`, the rest as it is shown, and sends it.
pub(super) async fn change(browser: &mut Browser, path: &str, changes: &[(&str, &str)]) -> Page {
    let page = browser.get(path).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
    send(browser, path, filled(&page), changes).await
}

pub(super) async fn send(
    browser: &mut Browser,
    path: &str,
    mut fields: Vec<(String, String)>,
    changes: &[(&str, &str)],
) -> Page {
    for (name, value) in changes {
        fields.retain(|(it, _)| it != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    browser.post(path, &fields).await
}

#[tokio::test]
async fn a_setting_is_changed_in_its_next_version_and_its_history_says_how() {
    let (desk, _) = ranked(&[a_setting("F1", 1)]).await;
    let mut max = manager(&desk).await;
    let found = max.get("/admin/settings?q=derby+city").await;
    assert!(found.text.contains("/admin/settings/F1"), "{}", found.text);
    let none = max.get("/admin/settings?q=zzz").await;
    assert!(!none.text.contains("/admin/settings/F1"), "{}", none.text);

    let before = stored(&desk, "F1").await.setting.unwrap();
    let stale = filled(&max.get(EDIT).await);
    let wrong = [
        ("approval/min_age", "18"),
        ("weekly_cost_pence", "dear"),
        ("postcode", "ZZ1 1ZZ"),
    ];
    let refused = change(&mut max, EDIT, &wrong).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        refused.text
    );
    assert!(
        refused.text.contains("value=\"dear\""),
        "what was typed stays"
    );
    let changes = [
        ("approval/places", "3"),
        ("weekly_cost_pence", "1,250.00"),
        ("capabilities/EMO", "4"),
    ];
    change(&mut max, EDIT, &changes)
        .await
        .leads_to("/admin/settings/F1");
    let after = stored(&desk, "F1").await.setting.unwrap();
    assert_eq!((after.version, after.approval.places), (2, 3));
    assert_eq!(after.weekly_cost.get(), 125_000);
    let mut expected = (*before).clone();
    expected.version = 2;
    expected.approval.places = 3;
    expected.weekly_cost = after.weekly_cost;
    expected.capabilities = after.capabilities;
    assert_eq!(*after, expected, "nothing else changes");
    let page = max.get("/admin/settings/F1").await;
    assert!(
        page.text.contains("Approval places: 3, before 2"),
        "{}",
        page.text
    );

    // Whoever has the page from before is shown the entry as it is, and changes nothing.
    let late = send(&mut max, EDIT, stale, &[("approval/places", "9")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
    let shown = filled(&late);
    assert!(shown.contains(&("approval/places".to_owned(), "3".to_owned())));
    assert!(shown.contains(&("version".to_owned(), "2.1".to_owned())));
    assert_eq!(stored(&desk, "F1").await.version, 2);
}

#[tokio::test]
async fn what_became_free_meanwhile_is_not_taken_back_by_an_older_page() {
    let (desk, _) = ranked(&[a_setting("F1", 1)]).await;
    let mut max = manager(&desk).await;
    let before = filled(&max.get(EDIT).await);
    let at = (
        "E06000015".parse().unwrap(),
        "F1".parse::<SettingId>().unwrap(),
    );
    let wanted = Wanted {
        settings: [at.clone()].into(),
        ..Wanted::default()
    };
    desk.unit(&wanted, |unit, context| {
        let change = VacancyChange {
            setting_id: at.1.clone(),
            authority: at.0,
            occupancy_version: 2,
            residents: None,
            blocked_places: Some(2),
            bedrooms_free: Some(0),
            restrictions: None,
            capacity_confirmed_at: None,
        };
        supply::change_vacancy(unit, context, change).unwrap()
    })
    .await;
    let late = send(&mut max, EDIT, before, &[("approval/places", "3")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
    let stored = stored(&desk, "F1").await.setting.unwrap();
    assert_eq!((stored.version, stored.occupancy.blocked_places), (1, 2));
}

#[tokio::test]
async fn no_child_is_named_where_the_register_is_read() {
    let mut home = a_setting("F1", 1);
    home["residents"] = json!([{ "child_id": "CANARY-7", "sex": "F", "age": 9 }]);
    let (desk, _) = ranked(&[home]).await;
    let (mut operator, _) = Browser::signed_in(&desk, "oli", &[Role::Operator]).await;
    let page = operator.get("/admin/settings/F1").await;
    assert!(page.text.contains("A girl of 9"), "{}", page.text);
    assert!(!page.text.contains("CANARY"), "{}", page.text);
}

#[tokio::test]
async fn a_setting_is_closed_once_and_stays_to_be_read() {
    let (desk, _) = ranked(&[a_setting("F1", 1)]).await;
    let mut max = manager(&desk).await;
    let (home, close) = ("/admin/settings/F1", "/admin/settings/F1/close");
    let open = filled(&max.get(EDIT).await);
    change(&mut max, close, &[]).await.leads_to(home);
    assert!(!stored(&desk, "F1").await.open);
    // Whoever has a page of it open, or its address, is told on its own page.
    max.get(close).await.leads_to(home);
    max.get(EDIT).await.leads_to(home);
    send(&mut max, EDIT, open, &[("approval/places", "9")])
        .await
        .leads_to(home);
    let page = max.get(home).await;
    assert!(page.text.contains("This home is closed.") && !page.text.contains("Change it"));
}

#[tokio::test]
async fn each_role_reaches_of_the_register_what_is_its_own() {
    let (desk, _) = ranked(&[a_setting("F1", 1)]).await;
    for role in Role::ALL {
        let (mut browser, _) = Browser::signed_in(&desk, role.as_str(), &[*role]).await;
        let reads = matches!(
            role,
            Role::Commissioner | Role::Manager | Role::Director | Role::Operator
        );
        let changes = matches!(role, Role::Commissioner | Role::Manager);
        for (path, may) in [
            ("/admin/settings", reads),
            ("/admin/settings/F1", reads),
            (EDIT, changes),
            ("/admin/settings/F1/close", changes),
            ("/admin/import", changes),
        ] {
            let expected = if may {
                StatusCode::OK
            } else {
                StatusCode::FORBIDDEN
            };
            assert_eq!(browser.get(path).await.status, expected, "{role} {path}");
        }
        for path in [EDIT, "/admin/settings/F1/close", "/admin/import"] {
            let csrf = browser.csrf();
            let status = browser.post(path, &[("csrf", &csrf)]).await.status;
            assert_eq!(
                status == StatusCode::FORBIDDEN,
                !changes,
                "{role} {path}: {status}"
            );
        }
    }
}
