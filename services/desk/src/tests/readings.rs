//! Each page that tells of a child leaves a line in the audit: held over the table of pages.

use super::{
    acting::fill,
    acts::{bought, ranked},
    browser::Browser,
    support::{Desk, a_setting},
};
use crate::pages::paths;
use axum::http::StatusCode;
use oss_domain::role::Role;
use oss_testkit::DERBY;
use serde_json::json;

/// Pages that tell nothing of a child: lists of references, who has taken what, the register, and
/// what the service itself is about.
const OF_NO_CHILD: [&str; 20] = [
    "/",
    "/session",
    "/updates",
    "/about",
    "/referrals/{id}/allocation",
    "/referrals/{id}/hand-over",
    "/approvals",
    "/reports",
    "/reports.csv",
    "/provider",
    "/provider/homes/{id}",
    "/admin/people",
    "/admin/people/{id}",
    "/admin/policy",
    "/admin/settings",
    "/admin/new-setting",
    "/admin/import/{id}",
    "/admin/dead-letters",
    "/admin/dead-letters/{id}/retry",
    "/start-referral",
];

/// Pages whose line is in the council's own chain, which no history shows.
const IN_THE_COUNCILS_CHAIN: [&str; 9] = [
    "/drafts",
    "/drafts/{id}",
    "/drafts/{id}/task/{task}",
    "/drafts/{id}/check",
    "/drafts/{id}/discard",
    "/admin/settings/{id}",
    "/admin/settings/{id}/edit",
    "/admin/settings/{id}/close",
    "/admin/import",
];

/// A referral that was decided, with a home that a condition would bring in.
struct Decided {
    browser: Browser,
    placement: String,
    approval: String,
    condition: String,
}

/// What stands behind the first `before` of a page, up to the next quote.
fn id_behind(text: &str, before: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

async fn decided() -> (Desk, Decided) {
    let mut full = a_setting("F2", 1);
    full["approval"]["places"] = json!(1);
    full["blocked_places"] = json!(1);
    let (desk, offers) = ranked(&[bought("F1"), full]).await;
    let roles = [Role::SocialWorker, Role::Commissioner, Role::Manager];
    let (mut browser, _) = Browser::signed_in(&desk, "casey", &roles).await;
    let conditional = "/referrals/R1/conditional/F2";
    let task = [("act", "C1"), ("task", "Kim"), ("due_on", "2026-11-30")];
    let seen_to = fill(&mut browser, conditional, conditional, &task).await.0;
    seen_to.leads_to("/referrals/R1/progress");
    let offer = &offers[0];
    for (act, body) in [
        ("approach", json!({})),
        (
            "answer",
            json!({ "authority": DERBY, "provider_id": "IFA1", "answer": "accepted" }),
        ),
        ("select", json!({ "reason": "Close to school" })),
    ] {
        let done = desk.post(&format!("/offers/{offer}/{act}"), &body).await;
        assert!(done.status.is_success(), "{act}: {}", done.body);
    }
    let progress = browser.get("/referrals/R1/progress").await.text;
    let approvals = browser.get("/approvals").await.text;
    let decided = Decided {
        placement: id_behind(&progress, "href=\"/placements/"),
        condition: id_behind(&progress, "href=\"/conditions/"),
        approval: id_behind(&approvals, "href=\"/approvals/"),
        browser,
    };
    (desk, decided)
}

#[tokio::test]
async fn each_page_that_tells_of_a_child_leaves_a_line_that_it_was_read() {
    let (desk, mut decided) = decided().await;
    let addresses: Vec<_> = paths()
        .into_iter()
        .filter(|path| !OF_NO_CHILD.contains(path) && !IN_THE_COUNCILS_CHAIN.contains(path))
        // A provider's person is another; `acting` looks at what they read.
        .filter(|path| *path != "/provider/offers/{id}")
        .map(|path| {
            let setting = if path.contains("conditional") {
                "F2"
            } else {
                "F1"
            };
            let id = match path.split('/').nth(1) {
                Some("placements") => &*decided.placement,
                Some("approvals") => &decided.approval,
                Some("conditions") => &decided.condition,
                _ => "R1",
            };
            path.replace("{id}", id).replace("{setting}", setting)
        })
        .collect();
    for address in &addresses {
        let before = desk.last_line("R1").await.seq;
        let page = decided.browser.get(address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}: {}", page.text);
        let line = desk.last_line("R1").await;
        assert!(line.seq > before, "{address} leaves no line");
        let done = line.act.rsplit('.').next();
        let is_reading = matches!(done, Some("read" | "exported"));
        assert!(is_reading, "{address}: {}", line.act);
    }
}
