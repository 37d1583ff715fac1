//! The register in pages: found, changed, closed; by whom it is for.

use super::{
    acts::ranked,
    browser::{Browser, Page},
    support::{Desk, a_setting},
};
use axum::http::StatusCode;
use chrono::TimeDelta;
use oss_domain::{Clock, SettingId, role::Role, setting::VacancyChange};
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
        let is_box = ["radio", "checkbox"].contains(&&*of(tag, "type").unwrap());
        if !is_box || tag.contains(" checked") {
            let value = of(tag, "value").unwrap_or_default();
            fields.push((of(tag, "name").unwrap(), value));
        }
    }
    for area in form.split("<textarea").skip(1) {
        let (tag, rest) = area.split_once('>').unwrap();
        let (text, _) = rest.split_once("</textarea>").unwrap();
        fields.push((of(tag, "name").unwrap(), text.to_owned()));
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

/// The same, and says yes to what is asked about it.
async fn save(browser: &mut Browser, path: &str, changes: &[(&str, &str)]) -> Page {
    let asked = change(browser, path, changes).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    send(browser, path, filled(&asked), &CONFIRMED).await
}

const CONFIRMED: [(&str, &str); 1] = [("step", "confirmed")];

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
    for told in [
        "href=\"#weekly_cost_pence\">The cost a week must be pounds and pence",
        "href=\"#approval/max_age\">The oldest age must not be below the youngest age",
    ] {
        assert!(refused.text.contains(told), "{told}: {}", refused.text);
    }
    let changes = [
        ("approval/places", "3"),
        ("weekly_cost_pence", "1,250.00"),
        ("capabilities/EMO", "4"),
    ];
    let asked = change(&mut max, EDIT, &changes).await;
    for told in [
        "Change F1?",
        "Approval places: 3, before 2",
        "Weekly cost pence: 125000, before 52000",
    ] {
        assert!(asked.text.contains(told), "{told}: {}", asked.text);
    }
    assert_eq!(stored(&desk, "F1").await.version, 1, "not yet");
    send(&mut max, EDIT, filled(&asked), &CONFIRMED)
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

    // Whoever has the page from before is told so whatever they press; is shown the entry as it is,
    // and changes nothing.
    let more = [("step", "add/residents")];
    let late = send(&mut max, EDIT, stale.clone(), &more).await;
    assert!(late.text.contains("an event, changed this entry meanwhile"));
    let late = send(&mut max, EDIT, stale, &[("approval/places", "9")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
    let shown = filled(&late);
    assert!(shown.contains(&("approval/places".to_owned(), "3".to_owned())));
    assert!(shown.contains(&("version".to_owned(), "2.1".to_owned())));
    assert_eq!(stored(&desk, "F1").await.version, 2);
}

#[tokio::test]
async fn a_home_is_added_with_all_that_the_contract_has_of_one() {
    const NEW: &str = "/admin/new-setting";
    let (desk, _) = ranked(&[a_setting("F1", 1)]).await;
    let mut max = manager(&desk).await;
    let empty = change(&mut max, NEW, &[]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    for told in [
        "href=\"#setting_id\">Enter the id<",
        "href=\"#kind\">Choose the kind of home<",
        "href=\"#registration/registered\">Choose whether it is registered<",
        "href=\"#approval/sexes\">Choose whom it takes<",
        "href=\"#weekly_cost_pence\">Enter the cost a week<",
    ] {
        assert!(empty.text.contains(told), "{told}: {}", empty.text);
    }

    let home = [
        ("setting_id", "F1"),
        ("kind", "childrens_home"),
        ("sourcing", "framework"),
        ("provider/provider_id", "IFA1"),
        ("provider/name", "Harbour Homes"),
        ("postcode", "DE22 3FN"),
        ("framework/reference", "EM-2026"),
        ("framework/category", "Residential"),
        ("weekly_cost_pence", "4200.00"),
        ("registration/registered", "true"),
        ("registration/urn", "SC123456"),
        ("registration/quality", "good"),
        ("approval/places", "4"),
        ("approval/min_age", "8"),
        ("approval/max_age", "17"),
        ("approval/sexes", "M"),
        ("approval/parent_and_child", "no"),
        ("residents/0/child_id", "C-7"),
        ("residents/0/sex", "M"),
        ("residents/0/age", "old"),
        ("restrictions/0/reason", "notice_given"),
        ("restrictions/0/until", "1"),
        ("restrictions/0/until/month", "2"),
        ("restrictions/0/until/year", "2027"),
        ("identity/languages", "English\r\nUrdu"),
        ("identity/religions", "Muslim"),
        ("identity/ethnicities", "APKN"),
        ("capabilities/EMO", "3"),
        ("admission_criteria/BEH", "1"),
    ];
    let wrong = change(&mut max, NEW, &home).await;
    let told = "href=\"#residents/0/age\">The age must be a whole number<";
    assert!(wrong.text.contains(told), "{}", wrong.text);
    let taken = send(&mut max, NEW, filled(&wrong), &[("residents/0/age", "15")]).await;
    let told = "href=\"#setting_id\">The register has, or had, another home of this id<";
    assert!(taken.text.contains(told), "{}", taken.text);
    // A second child, who is taken away again.
    let more = [("step", "add/residents")];
    let two = send(&mut max, NEW, filled(&taken), &more).await;
    assert!(two.text.contains("Child 2"), "{}", two.text);
    let fewer = [("step", "remove/residents/1"), ("setting_id", "H1")];
    let one = send(&mut max, NEW, filled(&two), &fewer).await;
    assert!(!one.text.contains("Child 2"), "{}", one.text);
    let asked = send(&mut max, NEW, filled(&one), &[]).await;
    for told in ["Add H1 to the register?", "A boy of 15", "Harbour Homes"] {
        assert!(asked.text.contains(told), "{told}: {}", asked.text);
    }
    assert!(!asked.text.contains(">C-7<"), "no child is named");
    send(&mut max, NEW, filled(&asked), &CONFIRMED)
        .await
        .leads_to("/admin/settings/H1");
    let read = desk.get("/settings/H1").await.ok(200).body;
    let expected = json!({
        "setting_id": "H1", "authority": "E06000015", "version": 1,
        "provider": { "provider_id": "IFA1", "name": "Harbour Homes" },
        "kind": "childrens_home", "sourcing": "framework",
        "framework": { "reference": "EM-2026", "category": "Residential" },
        "postcode": "DE22 3FN",
        "registration": { "registered": true, "urn": "SC123456", "quality": "good" },
        "approval": { "places": 4, "min_age": 8, "max_age": 17, "sexes": ["M"],
            "parent_and_child": "no" },
        "residents": [{ "child_id": "C-7", "sex": "M", "age": 15 }],
        "capabilities": { "EMO": 3 }, "admission_criteria": { "BEH": 1 },
        "identity": { "ethnicities": ["APKN"], "religions": ["muslim"], "languages": ["en", "ur"] },
        "weekly_cost_pence": 420_000,
        "restrictions": [{ "reason": "notice_given", "until": "2027-02-01" }],
        "occupancy_version": 1, "capacity_confirmed_at": "2026-11-23T09:00:00Z",
    });
    assert_eq!(read, expected);
}

#[tokio::test]
async fn who_lives_there_changes_by_the_form_and_what_is_not_touched_stays() {
    let mut home = a_setting("F1", 1);
    home["residents"] = json!([
        { "child_id": "C-1", "sex": "F", "age": 9 },
        { "child_id": "C-2", "sex": "F", "age": 9 },
    ]);
    home["identity"] = json!({ "languages": [] });
    let (desk, _) = ranked(&[home]).await;
    let mut max = manager(&desk).await;
    let home = "/admin/settings/F1";
    let before = stored(&desk, "F1").await.setting.unwrap();
    save(&mut max, EDIT, &[]).await.leads_to(home);
    let mut expected = (*before).clone();
    expected.version = 2;
    assert_eq!(*stored(&desk, "F1").await.setting.unwrap(), expected);

    // That it was checked, with nothing changed, is said by a tick alone.
    let checked = [("confirmed/vacancy", "yes")];
    let asked = change(&mut max, EDIT, &checked).await;
    let told = "Capacity confirmed at: 23 November 2026, 9:00am, before nothing said";
    assert!(asked.text.contains(told), "{}", asked.text);
    save(&mut max, EDIT, &checked).await.leads_to(home);
    expected.version = 3;
    expected.capacity_confirmed_at = Some(desk.clock.now());
    assert_eq!(*stored(&desk, "F1").await.setting.unwrap(), expected);
    let ticked = max.get(EDIT).await;
    assert!(
        !filled(&ticked)
            .iter()
            .any(|(name, _)| name == "confirmed/vacancy")
    );
    desk.clock.advance(TimeDelta::minutes(10));
    let dearer = [("weekly_cost_pence", "600.00")];
    save(&mut max, EDIT, &dearer).await.leads_to(home);
    let confirmed = async || {
        stored(&desk, "F1")
            .await
            .setting
            .unwrap()
            .capacity_confirmed_at
    };
    assert_eq!(confirmed().await, expected.capacity_confirmed_at);

    // One child for another of the same age; and nobody's name in what is asked.
    let other = [("residents/1/child_id", "C-3")];
    let asked = change(&mut max, EDIT, &other).await;
    let told = "Residents: other children of the same ages";
    assert!(asked.text.contains(told), "{}", asked.text);
    save(&mut max, EDIT, &other).await.leads_to(home);
    let fewer = [("step", "remove/residents/0")];
    let page = change(&mut max, EDIT, &fewer).await;
    let asked = send(&mut max, EDIT, filled(&page), &[]).await;
    send(&mut max, EDIT, filled(&asked), &CONFIRMED)
        .await
        .leads_to(home);
    let after = stored(&desk, "F1").await.setting.unwrap();
    let ids = after.occupancy.residents.iter();
    let ids: Vec<_> = ids.map(|it| it.child_id.to_string()).collect();
    assert_eq!((ids, after.occupancy.version), (vec!["C-3".to_owned()], 3));
    assert_eq!(confirmed().await, Some(desk.clock.now()));
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
    let wanted = Wanted::settings([at.clone()]);
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
async fn a_home_whose_sender_gave_the_highest_version_is_closed_all_the_same() {
    let highest = oss_domain::version::MAX;
    let (desk, _) = ranked(&[a_setting("F1", highest)]).await;
    let mut max = manager(&desk).await;
    let (home, close) = ("/admin/settings/F1", "/admin/settings/F1/close");
    change(&mut max, close, &[]).await.leads_to(home);
    let after = stored(&desk, "F1").await;
    assert_eq!((after.version, after.open), (highest, false));
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
            ("/admin/new-setting", changes),
            ("/admin/import", changes),
        ] {
            let expected = if may {
                StatusCode::OK
            } else {
                StatusCode::FORBIDDEN
            };
            assert_eq!(browser.get(path).await.status, expected, "{role} {path}");
        }
        for path in [
            EDIT,
            "/admin/settings/F1/close",
            "/admin/new-setting",
            "/admin/import",
        ] {
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
