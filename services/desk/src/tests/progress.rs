//! What is said of how far a search has come.

use super::{
    acting::{approve_all, commissioner, fill},
    acts::{bought, ranked},
    support::a_setting,
};
use axum::http::StatusCode;

#[tokio::test]
async fn progress_names_providers_and_offers_and_says_what_there_is_and_no_more() {
    let (desk, _) = ranked(&[a_setting("F1", 1), bought("F2")]).await;
    let mut casey = commissioner(&desk).await;
    let progress = "/referrals/R1/progress";
    let ask = "/referrals/R1/approach";
    let (asked, _) = fill(
        &mut casey,
        &format!("{ask}?setting=F2"),
        ask,
        &[("setting", "F2")],
    )
    .await;
    asked.leads_to(progress);
    let hold = "/referrals/R1/options/F1/hold";
    fill(&mut casey, hold, hold, &[]).await.0.leads_to(progress);

    let page = casey.get(progress).await.text;
    assert!(page.contains("Foster home, A company"), "{page}");
    assert!(page.contains("Foster home, Derby City Council"), "{page}");
    let decide = |home: &str| format!("href=\"/referrals/R1/options/{home}/decide\"");
    // The council's own needs no yes; whom the council asked has not said it yet.
    assert!(page.contains(&decide("F1")), "{page}");
    assert!(!page.contains(&decide("F2")), "{page}");

    let answer = "/referrals/R1/options/F2/answer";
    let free = |day| {
        [
            ("answer", "accepted"),
            ("available_from", day),
            ("available_from/month", "2"),
            ("available_from/year", "2027"),
        ]
    };
    let (wrong, _) = fill(&mut casey, answer, answer, &free("30")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.text.contains("The day it is free from"),
        "{}",
        wrong.text
    );
    for (name, typed) in &free("30")[1..] {
        let kept = format!(
            "name=\"{name}\" type=\"text\" inputmode=\"numeric\" autocomplete=\"off\" value=\"{typed}\""
        );
        assert!(wrong.text.contains(&kept), "{kept}: {}", wrong.text);
    }
    let yes = free("28");
    fill(&mut casey, answer, answer, &yes)
        .await
        .0
        .leads_to(progress);
    assert!(casey.get(progress).await.text.contains(&decide("F2")));

    let deciding = "/referrals/R1/options/F1/decide";
    let why = [("reason", "Near to school"), ("acknowledged", "yes")];
    fill(&mut casey, deciding, deciding, &why)
        .await
        .0
        .leads_to(progress);
    // What has happened is told by what people know, and leads to what there is.
    let history = casey.get("/referrals/R1").await.text;
    let (_, history) = history.split_once(">History<").unwrap();
    for told in [
        "<a class=\"govuk-link\" href=\"/referrals/R1/options\">Version 1: 2 options</a>",
        "<a class=\"govuk-link\" href=\"/referrals/R1/options/F2\">F2</a>. not selected",
    ] {
        assert!(history.contains(told), "{told}: {history}");
    }
    let placed = history.matches("href=\"/placements/plc_");
    assert_eq!(placed.count(), 1, "{history}");
    for id in [">run_", ">run run_", ">off_", ">hld_", ">plc_"] {
        assert!(!history.contains(id), "{id}: {history}");
    }

    let page = casey.get(progress).await.text;
    let (_, chosen) = page.split_once("options/F1\"").unwrap();
    let (chosen, _) = chosen.split_once("</tr>").unwrap();
    assert!(chosen.contains("Kept for the child"), "{chosen}");
    // Nobody has to approve a council's own home nearby.
    for path in [progress, "/referrals/R1", "/"] {
        let page = casey.get(path).await.text;
        assert!(page.contains("The start"), "{path}: {page}");
        assert!(!page.contains("Approvals, then"), "{path}: {page}");
    }
}

#[tokio::test]
async fn a_chosen_home_that_somebody_must_approve_says_so_until_it_is_approved() {
    let (desk, _) = ranked(&[bought("F1")]).await;
    let mut casey = commissioner(&desk).await;
    let ask = "/referrals/R1/approach";
    fill(
        &mut casey,
        &format!("{ask}?setting=F1"),
        ask,
        &[("setting", "F1")],
    )
    .await;
    let answer = "/referrals/R1/options/F1/answer";
    fill(&mut casey, answer, answer, &[("answer", "accepted")]).await;
    let decide = "/referrals/R1/options/F1/decide";
    let why = [("reason", "Near to school"), ("acknowledged", "yes")];
    fill(&mut casey, decide, decide, &why).await;
    let pages = ["/referrals/R1/progress", "/referrals/R1", "/"];
    for path in pages {
        let page = casey.get(path).await.text;
        assert!(page.contains("Approvals, then the start"), "{path}: {page}");
    }
    approve_all(&desk).await;
    for path in pages {
        let page = casey.get(path).await.text;
        assert!(
            !page.contains("Approvals, then the start"),
            "{path}: {page}"
        );
    }
}
