//! Approvals that wait for one of the viewer's roles, and recording one.

use super::{
    acts::{
        form::{Fields, Form},
        frame::{Deed, Question, Sheet, Subject},
        placement,
        progress::ApprovalRow,
        words,
    },
    layout::{Layout, Menu, Page, Section},
};
use crate::{
    act::act,
    api::{decision, find},
    app::App,
    body::Json,
    problem::Fault,
    query::{Parameters, by_time, read_by_time},
    session::Viewer,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use chrono::{DateTime, Utc};
use oss_domain::{ApprovalId, Role};
use oss_storage::{ApprovalCursor, WaitingFilter};
use oss_workflow::{
    Wanted,
    approvals::{ApprovalTask, checklist, needs_four_eyes, role_of},
    placement::Placement,
};
use serde_json::Value;

/// Approvals on a page.
const ON_A_PAGE: usize = 50;
const ANSWERS: [(&str, &str); 2] = [("yes", "Grant"), ("no", "Refuse")];
/// Approvers in the policy's words that are no role's own code.
const OFFICES: [&str; 3] = [
    "nominated_officer",
    "head_of_service",
    "director_of_childrens_services",
];

#[derive(Debug, Template)]
#[template(path = "approvals.html")]
struct ApprovalsPage {
    layout: Layout,
    /// Everybody's that are late, instead of the viewer's.
    late: bool,
    rows: Vec<ApprovalRow>,
    next: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "approval.html")]
pub(crate) struct ApprovalPage {
    layout: Layout,
    form: Form,
    row: ApprovalRow,
    facts: Vec<(&'static str, String)>,
    checks: Vec<Check>,
    granted: String,
    note: String,
    recorded_note: Option<String>,
    may_record: bool,
    /// Whether the viewer took the decision that is to be approved.
    is_own: bool,
    yes_or_no: Vec<(&'static str, &'static str)>,
}

#[derive(Debug)]
struct Check {
    code: &'static str,
    text: &'static str,
    checked: bool,
}

/// What the policy may call whoever has one of the viewer's roles.
fn approvers(viewer: &Viewer) -> Vec<&'static str> {
    let codes = Role::ALL.iter().map(|role| role.as_str());
    let is_viewer = |code: &&str| role_of(code).is_some_and(|role| viewer.roles().contains(&role));
    OFFICES.into_iter().chain(codes).filter(is_viewer).collect()
}

/// `GET /approvals`: those that wait for the viewer; with `late=yes`, everybody's that are late.
pub(crate) async fn list(
    State(app): State<App>,
    viewer: Viewer,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let now = app.clock.now();
    let late = parameters
        .get::<String>("late")?
        .is_some_and(|it| it == "yes");
    let own = approvers(&viewer);
    let filter = if late {
        late_before(now)
    } else {
        WaitingFilter {
            approvers: Some(&own),
            ..WaitingFilter::default()
        }
    };
    let after = parameters.after(read_by_time)?;
    let after = after.map(|(due_at, approval_id)| ApprovalCursor {
        due_at,
        approval_id,
    });
    let limit = u32::try_from(ON_A_PAGE + 1).unwrap_or(u32::MAX);
    let mut waiting = app
        .store
        .approvals_waiting(viewer.authority(), filter, after, limit)
        .await?;
    let more = waiting.len() > ON_A_PAGE;
    waiting.truncate(ON_A_PAGE);
    let next = waiting.last().filter(|_| more).map(|last| {
        let late = if late { "late=yes&" } else { "" };
        let last = by_time(last.due_at, last.approval_id);
        format!("/approvals?{late}after={last}")
    });
    Ok(Page(ApprovalsPage {
        layout: Layout::new(&app, &viewer, Section::At(Menu::Approvals)),
        late,
        rows: waiting
            .iter()
            .map(|task| ApprovalRow::new(task, now))
            .collect(),
        next,
    }))
}

/// Everybody's that were due before `now`.
pub(crate) fn late_before(now: DateTime<Utc>) -> WaitingFilter<'static> {
    WaitingFilter {
        approvers: None,
        due_before: Some(now),
    }
}

type Asked = (ApprovalTask, Placement);

impl Subject for Asked {
    type At = String;

    async fn load(app: &App, viewer: &Viewer, id: &String) -> Result<Self, Fault> {
        let approval_id: ApprovalId = find::id(id, "The approval")?;
        let caller = viewer.caller();
        let wanted = Wanted {
            approvals: [approval_id].into(),
            ..Wanted::default()
        };
        act(app, &caller, &wanted, |unit, context| {
            let task = unit.approvals.get(&approval_id).cloned();
            let authority = task.as_ref().map(|task| task.authority);
            let authority = find::own(&caller, authority, "The approval")?;
            let task = task.ok_or_else(Fault::internal)?;
            let placement = unit.placements.get(&task.placement_id).cloned();
            let placement = placement.ok_or_else(Fault::internal)?;
            let read = "approval.read";
            unit.record(
                context,
                authority,
                Some(task.referral),
                read,
                approval_id,
                None,
            );
            Ok((task, placement))
        })
        .await
    }

    fn section(&self) -> Section<'_> {
        Section::Within(Menu::Approvals)
    }
}

/// Recording an approval.
#[derive(Debug)]
pub(crate) enum Record {}

impl Deed for Record {
    type To = Asked;
    type Page = ApprovalPage;

    fn path(id: &String) -> String {
        format!("/approvals/{id}")
    }

    fn page(sheet: Sheet<'_>, (task, placement): Asked) -> ApprovalPage {
        let viewer = sheet.viewer;
        let confirmed = task.record.as_ref().map(|record| &record.confirmed);
        let checks = checklist(task.code).iter().map(|check| Check {
            code: check.as_str(),
            text: words::check(*check),
            checked: sheet.fields.all("confirmed").any(|it| it == check.as_str())
                || confirmed.is_some_and(|confirmed| confirmed.contains(check)),
        });
        let is_viewers = role_of(&task.approver).is_some_and(|role| viewer.roles().contains(&role));
        let by_viewer = *placement.decided_by == *viewer.caller().principal.id;
        let is_own = needs_four_eyes(task.code) && by_viewer;
        ApprovalPage {
            checks: checks.collect(),
            granted: sheet.typed("granted"),
            note: sheet.typed("note"),
            row: ApprovalRow::new(&task, sheet.app.clock.now()),
            layout: sheet.layout,
            form: sheet.form,
            facts: placement::rows(&placement),
            recorded_note: task.record.as_ref().map(|record| record.note.clone()),
            may_record: task.is_open() && is_viewers && !is_own,
            is_own,
            yes_or_no: ANSWERS.to_vec(),
        }
    }

    fn question((task, placement): &Asked, fields: &Fields) -> Option<Question> {
        let grants = fields.get("granted") == "yes";
        let confirmed: Vec<_> = checklist(task.code)
            .iter()
            .filter(|check| fields.all("confirmed").any(|it| it == check.as_str()))
            .map(|check| words::check(*check))
            .collect();
        let mut rows = vec![
            ("Home", placement.setting_id.to_string()),
            ("What the decision rests on", fields.get("note").to_owned()),
        ];
        if !checklist(task.code).is_empty() {
            let none = || "Nothing yet".to_owned();
            let confirmed = (!confirmed.is_empty()).then(|| confirmed.join(". "));
            rows.push(("Confirmed", confirmed.unwrap_or_else(none)));
        }
        let (does, warning, button) = if grants {
            (
                "Grant",
                "It goes into the record in your name. This cannot be undone.",
                "Grant it",
            )
        } else {
            (
                "Refuse",
                "The placement is called off and its place is free for others at once. This cannot be undone.",
                "Refuse it",
            )
        };
        let text = oss_matching::rules::rule(task.code).text;
        Some(Question {
            caption: format!(
                "Referral {}, approval {}",
                task.referral_id,
                task.code.as_str()
            ),
            title: format!("{does}: {text}?"),
            rows,
            warning,
            button,
        })
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        fields: &Fields,
    ) -> Result<String, Fault> {
        let granted = match fields.get("granted") {
            "yes" => true,
            "no" => false,
            _ => {
                let what = "choose whether you grant or refuse it";
                return Err(Fault::invalid_field("/granted", "required_tick", what));
            }
        };
        let mut body = fields.body(&["note"]);
        body.insert("granted".to_owned(), granted.into());
        let confirmed: Vec<Value> = fields.all("confirmed").map(Value::from).collect();
        body.insert("confirmed".to_owned(), confirmed.into());
        let body = Json(Value::Object(body));
        decision::record(State(app.clone()), viewer.caller(), Path(id.clone()), body).await?;
        Ok("/approvals".to_owned())
    }
}
