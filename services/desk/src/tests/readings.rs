//! Each page that tells of a child leaves a line in the audit: held over the table of pages.

use super::{
    acting::fill,
    acts::{bought, ranked, seeing_to},
    browser::Browser,
    intake::start,
    support::{Desk, a_referral, a_setting},
};
use crate::pages::paths;
use axum::http::StatusCode;
use futures::join;
use oss_domain::role::Role;
use oss_testkit::{DERBY, wait};
use oss_workflow::{Store, Wanted};
use serde_json::json;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// Pages that tell nothing of a child: lists of references, who has taken what, the register, and
/// what the service itself is about.
const OF_NO_CHILD: [&str; 22] = [
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
    // What it asks about a file does: `import` looks at that.
    "/admin/import",
    "/admin/import/{id}",
    "/admin/dead-letters",
    "/admin/dead-letters/{id}/retry",
    "/drafts",
    "/start-referral",
];

/// Pages whose line is in the council's own chain, which no history shows.
const IN_THE_COUNCILS_CHAIN: [&str; 7] = [
    "/drafts/{id}",
    "/drafts/{id}/task/{task}",
    "/drafts/{id}/check",
    "/drafts/{id}/discard",
    "/admin/settings/{id}",
    "/admin/settings/{id}/edit",
    "/admin/settings/{id}/close",
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
    let task = seeing_to("C1", "Kim");
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

#[tokio::test]
async fn a_page_of_a_draft_or_of_the_register_leaves_one_line_in_the_councils_chain() {
    let (desk, _) = ranked(&[a_setting("F1", 1)]).await;
    let (mut max, _) = Browser::signed_in(&desk, "max", &[Role::Manager]).await;
    start(&mut max, "N-1").await;
    let lines = async || desk.store.walk_audit().await.unwrap().lines;
    let others = [
        ("/drafts", 0),
        ("/start-referral", 0),
        ("/admin/settings", 0),
    ];
    for (path, read) in IN_THE_COUNCILS_CHAIN
        .map(|path| (path, 1))
        .into_iter()
        .chain(others)
    {
        let id = if path.starts_with("/drafts") {
            "N-1"
        } else {
            "F1"
        };
        let address = path.replace("{id}", id).replace("{task}", "story");
        let (all, of_r1) = (lines().await, desk.last_line("R1").await.seq);
        let page = max.get(&address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}: {}", page.text);
        assert_eq!(lines().await, all + read, "{address}");
        assert_eq!(desk.last_line("R1").await.seq, of_r1, "{address}");
    }
}

#[tokio::test]
async fn nobody_is_refused_for_a_referral_that_another_reads_and_others_have_locked() {
    let desk = Desk::new().await;
    for id in ["R1", "R2"] {
        desk.post("/referrals", &a_referral(id, 1)).await.ok(202);
    }
    let wanted = Wanted {
        referrals: [(DERBY.parse().unwrap(), "R1".parse().unwrap())].into(),
        ..Wanted::default()
    };
    let others = desk.store.open(&wanted).await.unwrap();
    // Both wait for a turn, so their lines are written together.
    let turns = desk.app.turns.available_permits();
    let turns = desk.app.turns.acquire_many(u32::try_from(turns).unwrap());
    let turns = turns.await.unwrap();
    let both_wait = async {
        wait::until(SOON, async || desk.app.readings.n_waiting() == 2).await;
        drop(turns);
    };
    let (locked, free, ()) = join!(
        desk.get("/referrals/R1"),
        desk.get("/referrals/R2"),
        both_wait
    );
    free.ok(200);
    assert_eq!(locked.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(desk.last_line("R2").await.act, "referral.read");
    drop(others);
    desk.get("/referrals/R1").await.ok(200);
}
