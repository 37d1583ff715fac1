//! Running the service: people, the policy in words, events that could not be handled.

use super::{
    acts::form::{Fields, Form, Notice, once},
    layout::{Layout, Menu, Page, Section},
    words,
};
use crate::{
    api::{dead_letters, find},
    app::App,
    problem::Fault,
    query::Parameters,
    session::Viewer,
};
use askama::Template;
use axum::{
    Form as Sent,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use oss_domain::{Approval, UserId, referral::Urgency, setting::Kind};
use oss_matching::{policy::Criterion, rules::rule};
use oss_storage::people::Person;
use oss_workflow::call_off::CallOff;

/// People and dead letters on a page.
const ON_A_PAGE: u32 = 100;

#[derive(Debug, Template)]
#[template(path = "admin_people.html")]
struct PeoplePage {
    layout: Layout,
    form: Form,
    rows: Vec<PersonRow>,
    next: Option<String>,
}

#[derive(Debug)]
struct PersonRow {
    user_id: String,
    name: String,
    roles: String,
    provider: String,
    signed_in: String,
    disabled: Option<String>,
    is_viewer: bool,
}

/// `GET /admin/people`
pub(crate) async fn people(
    State(app): State<App>,
    viewer: Viewer,
    parameters: Parameters,
) -> Result<Response, Fault> {
    let after = parameters.after(|text| text.parse().ok())?;
    people_page(&app, &viewer, after, None).await
}

async fn people_page(
    app: &App,
    viewer: &Viewer,
    after: Option<UserId>,
    notice: Option<Notice>,
) -> Result<Response, Fault> {
    let authority = viewer.authority();
    let people = app.store.list_people(authority, after, ON_A_PAGE).await?;
    let last = people.last().filter(|_| people.len() == ON_A_PAGE as usize);
    let next = last.map(|person| format!("/admin/people?after={}", person.user_id));
    let form = Form::new(app, viewer, notice);
    let status = form.status();
    let page = PeoplePage {
        layout: Layout::new(app, viewer, Section::At(Menu::People)),
        form,
        rows: people
            .iter()
            .map(|person| person_row(person, viewer))
            .collect(),
        next,
    };
    Ok((status, Page(page)).into_response())
}

fn person_row(person: &Person, viewer: &Viewer) -> PersonRow {
    let roles = person.roles.iter().map(|role| words::code(role.as_str()));
    PersonRow {
        user_id: person.user_id.to_string(),
        name: person.name.clone(),
        roles: roles.collect::<Vec<_>>().join(", "),
        provider: person
            .provider
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        signed_in: words::at(person.signed_in_at),
        disabled: person.disabled_at.map(words::at),
        is_viewer: person.user_id == viewer.user_id(),
    }
}

/// `POST /admin/people/{id}`: switch off or on, or end the sessions.
pub(crate) async fn change_person(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Result<Response, Fault> {
    let path = format!("/admin/people/{id}");
    let changing = async {
        let user_id: UserId = find::id(&id, "The person")?;
        let person = app.store.person(user_id).await?;
        let person = person.filter(|it| it.authority == viewer.authority());
        let person = person.ok_or_else(|| Fault::not_found("The person"))?;
        let (by, now) = (viewer.actor(), app.clock.now());
        match fields.get("what") {
            "disable" if user_id == viewer.user_id() => {
                let detail = "You cannot switch yourself off: ask another administrator.";
                return Err(Fault::conflict("oneself", "That is yourself", detail));
            }
            "disable" => drop(app.store.set_disabled(user_id, true, &by, now).await?),
            "enable" => drop(app.store.set_disabled(user_id, false, &by, now).await?),
            "end_sessions" => drop(app.store.end_sessions_of(&person, &by, now).await?),
            _ => {
                return Err(Fault::not_understood(
                    "bad_form",
                    "The form is not one of ours.",
                ));
            }
        }
        Ok("/admin/people".to_owned())
    };
    match once(&app, &viewer, &path, &fields, changing).await {
        Ok(done) => Ok(done),
        Err(fault) => people_page(&app, &viewer, None, Some(Notice::of(fault)?)).await,
    }
}

/// The call-off policy in words.
#[derive(Debug)]
struct CallOffWords {
    id: String,
    sha256: String,
    rows: Vec<(&'static str, String)>,
    text: String,
}

impl CallOffWords {
    fn new(policy: &CallOff) -> Self {
        let hours = |hours: u32| words::many(hours.into(), "hour");
        let rows = vec![
            (
                "A wave asks",
                format!("at most {} homes of a kind of sourcing", policy.wave_size),
            ),
            (
                "In an emergency, the first wave asks",
                format!("{} kinds of sourcing at once", policy.emergency_tiers),
            ),
            ("Time to answer, emergency", hours(policy.emergency_hours)),
            ("Time to answer, urgent", hours(policy.urgent_hours)),
            (
                "Time to answer, planned",
                words::many(policy.planned_working_days.into(), "working day"),
            ),
            (
                "Nobody is asked by itself",
                format!(
                    "from {}:00 to {}:00, emergencies excepted",
                    policy.quiet_from, policy.quiet_until
                ),
            ),
        ];
        Self {
            id: policy.id.to_string(),
            sha256: hex::encode(policy.sha256()),
            rows,
            text: policy.text.to_string(),
        }
    }
}

#[derive(Debug, Template)]
#[template(path = "admin_policy.html")]
struct PolicyPage {
    layout: Layout,
    id: String,
    sha256: String,
    weights: Vec<(String, u32)>,
    holds: Vec<(&'static str, String)>,
    approvers: Vec<(String, String)>,
    costs: Vec<(&'static str, String)>,
    text: String,
    call_off: CallOffWords,
}

/// `GET /admin/policy`
pub(crate) async fn policy(State(app): State<App>, viewer: Viewer) -> impl IntoResponse {
    let policy = &app.policy;
    let approver = |code: &Approval| {
        let rule = rule(*code);
        let text = format!("{} ({})", rule.text.trim_end_matches('.'), rule.code);
        (text, words::code(policy.approver(*code)))
    };
    let hold = |urgency: &Urgency| {
        (
            words::urgency(*urgency).text,
            words::many(policy.hold_hours(*urgency).into(), "hour"),
        )
    };
    Page(PolicyPage {
        layout: Layout::new(&app, &viewer, Section::At(Menu::Policy)),
        id: policy.id().to_owned(),
        sha256: hex::encode(policy.sha256()),
        weights: Criterion::ALL
            .iter()
            .map(|it| {
                (
                    super::facts::capital(it.in_words()),
                    policy.weights().get(*it),
                )
            })
            .collect(),
        holds: Urgency::ALL.iter().map(hold).collect(),
        approvers: Approval::ALL.iter().map(approver).collect(),
        costs: Kind::ALL
            .iter()
            .map(|kind| (words::kind(*kind), policy.benchmark(*kind).to_string()))
            .collect(),
        text: policy.text().to_owned(),
        call_off: CallOffWords::new(&app.call_off),
    })
}

#[derive(Debug, Template)]
#[template(path = "admin_dead_letters.html")]
struct DeadLettersPage {
    layout: Layout,
    form: Form,
    rows: Vec<DeadLetterRow>,
}

#[derive(Debug)]
struct DeadLetterRow {
    id: String,
    event: String,
    code: String,
    reason: String,
    attempts: u32,
    received: String,
    asked: Option<String>,
}

/// `GET /admin/dead-letters`
pub(crate) async fn letters(State(app): State<App>, viewer: Viewer) -> Result<Response, Fault> {
    letters_page(&app, &viewer, None).await
}

async fn letters_page(
    app: &App,
    viewer: &Viewer,
    notice: Option<Notice>,
) -> Result<Response, Fault> {
    let found = app.store.list_dead_letters(None, ON_A_PAGE).await?;
    let caller = viewer.caller();
    let seen = found
        .iter()
        .filter(|it| dead_letters::is_seen_by(&caller, it.authority));
    let rows = seen.map(|letter| DeadLetterRow {
        id: letter.dead_letter_id.to_string(),
        event: letter
            .event_type
            .clone()
            .unwrap_or_else(|| letter.subject.clone()),
        code: letter.code.clone(),
        reason: letter.reason.clone(),
        attempts: letter.attempts,
        received: words::at(letter.received_at),
        asked: letter.retry_requested_at.map(words::at),
    });
    let form = Form::new(app, viewer, notice);
    let status = form.status();
    let page = DeadLettersPage {
        layout: Layout::new(app, viewer, Section::At(Menu::Events)),
        form,
        rows: rows.collect(),
    };
    Ok((status, Page(page)).into_response())
}

/// `POST /admin/dead-letters/{id}/retry`
pub(crate) async fn retry(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Result<Response, Fault> {
    let path = format!("/admin/dead-letters/{id}/retry");
    let retrying = async {
        dead_letters::retry(State(app.clone()), viewer.caller(), Path(id)).await?;
        Ok("/admin/dead-letters".to_owned())
    };
    match once(&app, &viewer, &path, &fields, retrying).await {
        Ok(done) => Ok(done),
        Err(fault) => letters_page(&app, &viewer, Some(Notice::of(fault)?)).await,
    }
}
