//! Acting on options by forms: once, by whom it is for, and told why where things have changed.

use super::{
    acts::{bought, ranked},
    browser::{Browser, Page},
    matching::rank,
    support::{Desk, a_referral, a_setting},
};
use axum::http::StatusCode;
use oss_domain::{Clock, role::Role};

/// The form of a token that no page was given.
const TOKEN: &str = "00000000000000000000000000000000";

/// Fills in the form at `path`, sends it to where it goes, and says yes if it is asked about.
pub(super) async fn fill(
    browser: &mut Browser,
    path: &str,
    to: &str,
    fields: &[(&str, &str)],
) -> (Page, Vec<(String, String)>) {
    let page = browser.get(path).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
    let mut sent: Vec<_> = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut hidden = hidden(&page, to);
    hidden.retain(|(name, _)| !fields.iter().any(|(it, _)| it == name));
    sent.extend(hidden);
    let answer = send(browser, to, &sent).await;
    if answer.status != StatusCode::OK {
        return (answer, sent);
    }
    sent.retain(|(name, _)| name != "once");
    sent.push(("once".to_owned(), token(&answer)));
    sent.push(("step".to_owned(), "confirmed".to_owned()));
    (send(browser, to, &sent).await, sent)
}

pub(super) async fn send(browser: &mut Browser, to: &str, fields: &[(String, String)]) -> Page {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    browser.post(to, &fields).await
}

/// What the form that is sent to `to`, or else the page's first, carries besides what people fill in.
pub(super) fn hidden(page: &Page, to: &str) -> Vec<(String, String)> {
    let (_, main) = page.text.split_once("<main").unwrap();
    let own = main.split_once(&format!(" action=\"{to}\""));
    let (_, form) = own.or_else(|| main.split_once("<form")).unwrap();
    let (form, _) = form.split_once("</form>").unwrap();
    let of = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}=\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    form.split("<input type=\"hidden\"")
        .skip(1)
        .map(|tag| (of(tag, "name"), of(tag, "value")))
        .collect()
}

pub(super) fn token(page: &Page) -> String {
    let (_, rest) = page.text.split_once("name=\"once\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

pub(super) async fn commissioner(desk: &Desk) -> Browser {
    Browser::signed_in(desk, "casey", &[Role::Commissioner])
        .await
        .0
}

/// A manager grants all that waits for managers.
pub(super) async fn approve_all(desk: &Desk) {
    let (mut manager, _) = Browser::signed_in(desk, "max", &[Role::Manager]).await;
    let list = manager.get("/approvals").await;
    assert_eq!(list.status, StatusCode::OK);
    let hrefs = list.text.match_indices("href=\"/approvals/");
    let ids: Vec<_> = hrefs
        .map(|(at, found)| {
            list.text[at + found.len()..]
                .split('"')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(!ids.is_empty(), "{}", list.text);
    for id in ids {
        let path = format!("/approvals/{id}");
        let (unsaid, _) = fill(&mut manager, &path, &path, &[("note", "x")]).await;
        assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
        let word = [("granted", "yes"), ("note", "In the child's interest")];
        fill(&mut manager, &path, &path, &word)
            .await
            .0
            .leads_to("/approvals");
    }
}

#[tokio::test]
async fn a_home_is_asked_answers_by_telephone_and_is_chosen_and_approved() {
    let (desk, _) = ranked(&[bought("F1")]).await;
    let mut casey = commissioner(&desk).await;
    let option = "/referrals/R1/options/F1";
    let form = (
        "/referrals/R1/approach?setting=F1",
        "/referrals/R1/approach",
    );
    let (asked, sent) = fill(&mut casey, form.0, form.1, &[("setting", "F1")]).await;
    asked.leads_to("/referrals/R1/progress");
    // The same form again is done once, and leads to the same page.
    send(&mut casey, form.1, &sent)
        .await
        .leads_to("/referrals/R1/progress");

    let answer = format!("{option}/answer");
    let (wrong, _) = fill(&mut casey, &answer, &answer, &[("answer", "declined")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.text.contains("Choose why the provider declines"),
        "{}",
        wrong.text
    );
    let yes = [
        ("answer", "accepted"),
        ("cost", "1,250.00"),
        ("statement", "Well & good"),
    ];
    fill(&mut casey, &answer, &answer, &yes)
        .await
        .0
        .leads_to("/referrals/R1/progress");
    let progress = casey.get("/referrals/R1/progress").await;
    assert!(progress.text.contains("Says yes"), "{}", progress.text);

    let decide = format!("{option}/decide");
    let (missing, _) = fill(&mut casey, &decide, &decide, &[("acknowledged", "yes")]).await;
    assert_eq!(
        missing.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        missing.text
    );
    let why = [("reason", "Close to school"), ("acknowledged", "yes")];
    let stale = token(&casey.get(&decide).await);
    let (chosen, sent) = fill(&mut casey, &decide, &decide, &why).await;
    chosen.leads_to("/referrals/R1/progress");
    send(&mut casey, &decide, &sent)
        .await
        .leads_to("/referrals/R1/progress");
    // Whoever comes later is shown how things are, and why nothing was done.
    let csrf = casey.csrf();
    let late = [why.as_slice(), &[("csrf", &csrf), ("once", &stale)]].concat();
    let late = casey.post(&decide, &late).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text.contains("things have changed"), "{}", late.text);

    let progress = casey.get("/referrals/R1/progress").await;
    let (_, rest) = progress.text.split_once("href=\"/placements/").unwrap();
    let placement = format!("/placements/{}", rest.split('"').next().unwrap());
    let agreement = casey.get(&placement).await;
    assert!(
        agreement.text.contains("Close to school"),
        "{}",
        agreement.text
    );
    let record = casey.get(&format!("{placement}/decision")).await;
    assert!(record.text.contains("Name of casey"), "{}", record.text);
    let why = format!("{placement}/why");
    let note = [("note", "We picked it for you")];
    fill(&mut casey, &why, &why, &note).await.0.leads_to(&why);
    assert!(casey.get(&why).await.text.contains("We picked it for you"));

    approve_all(&desk).await;
    let start = format!("{placement}/start");
    let day = [
        ("starts_on", "1"),
        ("starts_on/month", "12"),
        ("starts_on/year", "2026"),
    ];
    desk.clock.advance(chrono::TimeDelta::days(8));
    let (mut casey, _) = Browser::signed_in(&desk, "casey", &[Role::Commissioner]).await;
    fill(&mut casey, &placement, &start, &day)
        .await
        .0
        .leads_to(&placement);
    let end = format!("{placement}/end");
    let ending = [
        ("ended_on", "1"),
        ("ended_on/month", "12"),
        ("ended_on/year", "2026"),
        ("reason_place_change", "CARPL"),
        ("planned", "yes"),
    ];
    let progress = casey.get(&placement).await;
    assert!(progress.text.contains("Started"), "{}", progress.text);
    fill(&mut casey, &placement, &end, &ending)
        .await
        .0
        .leads_to(&placement);
}

#[tokio::test]
async fn a_place_is_held_and_released_and_a_second_release_is_told_why_not() {
    let mut own = a_setting("F1", 1);
    own["approval"]["places"] = serde_json::json!(1);
    let (desk, _) = ranked(&[own]).await;
    let mut casey = commissioner(&desk).await;
    let hold = "/referrals/R1/options/F1/hold";
    fill(&mut casey, hold, hold, &[])
        .await
        .0
        .leads_to("/referrals/R1/progress");
    let release = "/referrals/R1/options/F1/release";
    let (released, _) = fill(&mut casey, "/referrals/R1/progress", release, &[]).await;
    released.leads_to("/referrals/R1/progress");
    let (again, _) = fill(&mut casey, hold, release, &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(
        again.text.contains("No place is kept any more"),
        "{}",
        again.text
    );
}

#[tokio::test]
async fn what_cannot_be_undone_is_asked_about_first_and_what_was_typed_is_not_lost() {
    let (desk, _) = ranked(&[a_setting("F1", 1)]).await;
    let mut casey = commissioner(&desk).await;
    let decide = "/referrals/R1/options/F1/decide";
    let (csrf, once) = (casey.csrf(), token(&casey.get(decide).await));
    let mut form = vec![
        ("reason", "Near \"school\" & Gran"),
        ("acknowledged", "yes"),
        ("csrf", &*csrf),
        ("once", &*once),
    ];
    let typed = "Near &#34;school&#34; &#38; Gran";
    let question = casey.post(decide, &form).await;
    assert_eq!(question.status, StatusCode::OK, "{}", question.text);
    assert!(
        question.text.contains("Decide for F1?"),
        "{}",
        question.text
    );
    assert!(question.text.contains(typed), "{}", question.text);
    let progress = casey.get("/referrals/R1/progress").await;
    assert!(
        !progress.text.contains("/placements/"),
        "nothing is done yet"
    );

    form.push(("step", "change"));
    let changed = casey.post(decide, &form).await;
    assert_eq!(changed.status, StatusCode::OK);
    let area = format!("name=\"reason\" rows=\"4\" aria-describedby=\"reason-hint\">{typed}</");
    assert!(changed.text.contains(&area), "{}", changed.text);

    // Things change while the question is on the screen.
    let closing = serde_json::json!({ "reason": "Found with family" });
    desk.post("/referrals/R1/withdraw", &closing).await;
    form.pop();
    form.push(("step", "confirmed"));
    let late = casey.post(decide, &form).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
    assert!(late.text.contains("things have changed"), "{}", late.text);
    // And it would not be asked about any more.
    form.pop();
    assert_eq!(casey.post(decide, &form).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn an_approach_is_taken_back_and_the_provider_cannot_answer_it_any_more() {
    let (desk, _) = ranked(&[bought("F1")]).await;
    let mut casey = commissioner(&desk).await;
    let ask = "/referrals/R1/approach";
    fill(
        &mut casey,
        "/referrals/R1/approach?setting=F1",
        ask,
        &[("setting", "F1")],
    )
    .await
    .0
    .leads_to("/referrals/R1/progress");
    let withdraw = "/referrals/R1/options/F1/withdraw";
    let stale = token(&casey.get(withdraw).await);
    fill(&mut casey, withdraw, withdraw, &[])
        .await
        .0
        .leads_to("/referrals/R1/progress");
    let progress = casey.get("/referrals/R1/progress").await;
    assert!(progress.text.contains("Taken back"), "{}", progress.text);
    let answer = "/referrals/R1/options/F1/answer";
    let (late, _) = fill(&mut casey, answer, answer, &[("answer", "accepted")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
    let csrf = casey.csrf();
    let form = [("csrf", &*csrf), ("once", &*stale)];
    let again = casey.post(withdraw, &form).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
}

#[tokio::test]
async fn whoever_acts_on_a_home_that_is_no_option_any_more_gets_the_list_and_why() {
    let mut full = a_setting("F2", 1);
    full["approval"]["places"] = serde_json::json!(0);
    let (desk, _) = ranked(&[bought("F1"), full]).await;
    // Came and went after the homes were ranked; came, and is there.
    for later in ["F9", "F3"] {
        let path = format!("/settings/{later}");
        desk.put(&path, &a_setting(later, 1)).await.ok(201);
    }
    let (mut manager, _) = Browser::signed_in(&desk, "max", &[Role::Manager]).await;
    let close = "/admin/settings/F9/close";
    fill(&mut manager, close, close, &[]).await;
    let mut casey = commissioner(&desk).await;
    let csrf = casey.csrf();
    for (setting, why) in [
        ("F2", "free places"),
        ("F3", "It was not there when the homes were ranked."),
        ("F9", "It has left the register."),
    ] {
        let list = format!("/referrals/R1/options?gone={setting}");
        let option = format!("/referrals/R1/options/{setting}");
        casey.get(&option).await.leads_to(&list);
        for act in ["decide", "hold"] {
            let form = [("csrf", &*csrf), ("reason", "Near"), ("once", TOKEN)];
            let sent = casey.post(&format!("{option}/{act}"), &form).await;
            sent.leads_to(&list);
        }
        let page = casey.get(&list).await;
        for told in [&*format!("{setting} is not on the list any more"), why] {
            assert!(page.text.contains(told), "{told}: {}", page.text);
        }
    }
    // Anybody may write an address: what is not known is not repeated.
    for odd in ["BAD-WORDS", "%3Cb%3Ebad", "F1", ""] {
        let page = casey
            .get(&format!("/referrals/R1/options?gone={odd}"))
            .await;
        assert_eq!(page.status, StatusCode::OK, "{odd}");
        let told = page.text.contains("The register has no home of that id.");
        assert_eq!(told, odd == "BAD-WORDS", "{odd}: {}", page.text);
        assert!(!page.text.contains("WORDS") && !page.text.contains("bad"));
    }
}

#[tokio::test]
async fn no_suitable_option_is_written_into_the_history() {
    let (desk, _) = ranked(&[bought("F1")]).await;
    let mut casey = commissioner(&desk).await;
    let path = "/referrals/R1/unfilled";
    let (wrong, _) = fill(&mut casey, path, path, &[("note", "tried")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let why = [("why", "too_far"), ("note", "An hour from school")];
    fill(&mut casey, path, path, &why)
        .await
        .0
        .leads_to("/referrals/R1");
    let referral = casey.get("/referrals/R1").await;
    assert!(
        referral.text.contains("An hour from school"),
        "{}",
        referral.text
    );
}

#[tokio::test]
async fn nobody_acts_whose_role_does_not_allow_it_or_whose_form_is_not_ours() {
    let (desk, _) = ranked(&[bought("F1")]).await;
    let (mut worker, _) = Browser::signed_in(&desk, "sam", &[Role::SocialWorker]).await;
    let mut casey = commissioner(&desk).await;
    for path in [
        "/referrals/R1/approach",
        "/referrals/R1/unfilled",
        "/referrals/R1/options/F1/answer",
        "/referrals/R1/options/F1/hold",
        "/referrals/R1/options/F1/release",
        "/referrals/R1/options/F1/withdraw",
        "/referrals/R1/options/F1/decide",
        "/placements/00000000000000000000000000/start",
        "/placements/00000000000000000000000000/end",
        "/approvals/00000000000000000000000000",
    ] {
        let csrf = worker.csrf();
        let refused = worker.post(path, &[("csrf", &csrf)]).await;
        assert_eq!(
            refused.status,
            StatusCode::FORBIDDEN,
            "{path}: {}",
            refused.text
        );
        let refused = casey.post(path, &[("setting", "F1")]).await;
        assert_eq!(
            refused.status,
            StatusCode::FORBIDDEN,
            "{path}: {}",
            refused.text
        );
    }
}

#[tokio::test]
async fn a_provider_sees_and_answers_what_it_was_asked_and_nothing_else() {
    let (desk, _) = ranked(&[bought("F1")]).await;
    let mut casey = commissioner(&desk).await;
    let form = (
        "/referrals/R1/approach?setting=F1",
        "/referrals/R1/approach",
    );
    fill(&mut casey, form.0, form.1, &[("setting", "F1")])
        .await
        .0
        .leads_to("/referrals/R1/progress");
    let of = async |subject: &str, provider: &str| {
        let (browser, person) = Browser::signed_in(&desk, subject, &[Role::Provider]).await;
        let (by, now) = (oss_workflow::Actor::Service("desk"), desk.clock.now());
        let provider = provider.parse().unwrap();
        desk.store
            .set_provider(person.user_id, Some(&provider), &by, now)
            .await
            .unwrap();
        browser
    };
    let (mut own, mut other) = (of("pat", "IFA1").await, of("olly", "IFA2").await);
    own.get("/").await.leads_to("/provider");
    let home = own.get("/provider").await;
    assert_eq!(home.status, StatusCode::OK, "{}", home.text);
    let (_, rest) = home.text.split_once("href=\"/provider/offers/").unwrap();
    let path = format!("/provider/offers/{}", rest.split('"').next().unwrap());
    let offer = own.get(&path).await;
    assert_eq!(desk.last_line("R1").await.act, "offer.read");
    for secret in ["R1", "CANARY", "DE1 2FS", "2014"] {
        assert!(!offer.text.contains(secret), "{secret}: {}", offer.text);
    }
    assert!(offer.text.contains("Girl of 12"), "{}", offer.text);
    assert!(
        !other
            .get("/provider")
            .await
            .text
            .contains("/provider/offers/")
    );
    assert_eq!(other.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        other.get("/provider/homes/F1").await.status,
        StatusCode::NOT_FOUND
    );
    let answer = [("answer", "declined"), ("decline_reason", "staffing")];
    fill(&mut own, &path, &path, &answer)
        .await
        .0
        .leads_to("/provider");
    let (csrf, vacancy) = (own.csrf(), "/provider/homes/F1");
    assert_eq!(own.post(vacancy, &[]).await.status, StatusCode::FORBIDDEN);
    let free = [
        ("blocked_places", "1"),
        ("bedrooms_free", "0"),
        ("version", "1"),
    ];
    let (confirmed, _) = fill(&mut own, vacancy, vacancy, &free).await;
    confirmed.leads_to("/provider");
    let (stale, _) = fill(&mut own, vacancy, vacancy, &free).await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "{}", stale.text);
    assert_eq!(
        own.post("/referrals/R1/approach", &[("csrf", &csrf)])
            .await
            .status,
        403
    );

    let (mut manager, _) = Browser::signed_in(&desk, "max", &[Role::Manager]).await;
    let reports = manager.get("/reports").await;
    assert_eq!(reports.status, StatusCode::OK, "{}", reports.text);
    assert!(reports.text.contains("Staffing"), "{}", reports.text);
    let file = manager.get("/reports.csv?days=7").await;
    assert!(file.text.contains("Referrals received,1"), "{}", file.text);
}

#[tokio::test]
async fn an_administrator_switches_people_off_and_reads_the_policy_and_the_register() {
    let (desk, _) = ranked(&[bought("F1")]).await;
    let (mut admin, me) = Browser::signed_in(&desk, "ada", &[Role::Operator]).await;
    let (mut casey, person) = Browser::signed_in(&desk, "casey", &[Role::Commissioner]).await;
    for path in [
        "/admin/people",
        "/admin/policy",
        "/admin/settings",
        "/admin/settings/F1",
        "/admin/dead-letters",
    ] {
        let page = admin.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
    }
    assert_eq!(
        casey.get("/admin/people").await.status,
        StatusCode::FORBIDDEN
    );
    let of = |person: &oss_storage::people::Person| format!("/admin/people/{}", person.user_id);
    let (oneself, _) = fill(
        &mut admin,
        "/admin/people",
        &of(&me),
        &[("what", "disable")],
    )
    .await;
    assert_eq!(oneself.status, StatusCode::CONFLICT);
    let (off, _) = fill(
        &mut admin,
        "/admin/people",
        &of(&person),
        &[("what", "disable")],
    )
    .await;
    off.leads_to("/admin/people");
    casey.get("/").await.leads_to("/sign-in?notice=timed-out");
}

#[tokio::test]
async fn a_home_that_fell_off_the_list_is_still_answered_for_and_taken_back() {
    let (first, second) = (bought("F1"), bought("F2"));
    let (desk, _) = ranked(&[first.clone(), second.clone()]).await;
    let mut casey = commissioner(&desk).await;
    let ask = "/referrals/R1/approach";
    let homes = [("setting", "F1"), ("setting", "F2")];
    let (asked, _) = fill(&mut casey, "/referrals/R1/approach?setting=F1", ask, &homes).await;
    asked.leads_to("/referrals/R1/progress");

    // Both have no place any more that can be used, and the list is empty.
    let full = [first, second].map(|mut setting| {
        setting["blocked_places"] = serde_json::json!(1);
        setting["version"] = serde_json::json!(2);
        setting
    });
    for setting in &full {
        let path = format!("/settings/{}", setting["setting_id"].as_str().unwrap());
        desk.put(&path, setting).await.ok(200);
    }
    rank(&desk, &a_referral("R1", 1), &full).await;
    let gone = casey.get("/referrals/R1/options/F1/hold").await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER, "{}", gone.text);

    let answer = "/referrals/R1/options/F1/answer";
    let no = [("answer", "declined"), ("decline_reason", "no_vacancy")];
    let declined = fill(&mut casey, answer, answer, &no).await.0;
    declined.leads_to("/referrals/R1/progress");
    let withdraw = "/referrals/R1/options/F2/withdraw";
    let taken_back = fill(&mut casey, withdraw, withdraw, &[]).await.0;
    taken_back.leads_to("/referrals/R1/progress");
    let progress = casey.get("/referrals/R1/progress").await;
    for state in ["Says no", "Taken back"] {
        assert!(progress.text.contains(state), "{}", progress.text);
    }
}

#[tokio::test]
async fn texts_that_are_too_long_or_cannot_be_kept_are_refused_in_words() {
    let mut full = a_setting("F1", 1);
    full["blocked_places"] = serde_json::json!(2);
    full["approval"]["places"] = serde_json::json!(2);
    let (desk, _) = ranked(&[full]).await;
    let mut casey = commissioner(&desk).await;
    let forms = [
        ("/referrals/R1/conditional/F1", "task"),
        ("/referrals/R1/unfilled", "note"),
        ("/referrals/R1/hand-over", "note"),
    ];
    let others = [
        ("act", "C1"),
        ("due_on", "30"),
        ("due_on/month", "11"),
        ("due_on/year", "2026"),
        ("why", "other"),
    ];
    let long = "ä".repeat(10_001);
    for (path, field) in forms {
        for (text, why) in [(&*long, "at most 10000 characters"), ("a\0b", "U+0000")] {
            let fields = [others.as_slice(), &[(field, text)]].concat();
            let (refused, _) = fill(&mut casey, path, path, &fields).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
            assert!(refused.text.contains(why), "{path}: {}", refused.text);
        }
    }
}
