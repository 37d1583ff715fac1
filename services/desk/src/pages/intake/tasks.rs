//! The list of tasks, and the page of each.

use super::{
    ask::{Ask, Control, Field},
    draft::{Draft, Progress, faults_of, task_of},
    questions::{Needed, SECTIONS, Task, tasks},
};
use crate::{
    api::referrals::understood,
    app::App,
    pages::{
        acts::form::{Fields, Form, Notice},
        layout::{Layout, Page, Section},
        words::{self, Tag},
    },
    problem::Fault,
    query::Parameters,
    session::Viewer,
};
use askama::Template;
use axum::{
    Form as Sent,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use oss_domain::FieldError;
use serde_json::{Value, json};

#[derive(Debug, Template)]
#[template(path = "draft_tasks.html")]
struct TasksPage {
    layout: Layout,
    reference: String,
    link: String,
    is_amendment: bool,
    is_overtaken: bool,
    is_emergency: bool,
    /// How many tasks must still be done, in words; empty where none must.
    left: String,
    saved: Option<String>,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    title: &'static str,
    hint: &'static str,
    rows: Vec<TaskRow>,
}

#[derive(Debug)]
struct TaskRow {
    id: &'static str,
    title: &'static str,
    hint: &'static str,
    status: &'static str,
    /// None where the task is done: then there is nothing to look out for.
    tag: Option<Tag>,
}

/// `GET /drafts/{id}`
pub(crate) async fn list(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let draft = Draft::load(&app, &viewer, &id).await?;
    let document = draft.document();
    let faults = understood(&app, &document).err().unwrap_or_default();
    let row = |task: &Task| row(&draft, task, &document, &faults);
    let is_emergency = document.get("urgency") == Some(&"emergency".into());
    let of = |now: bool| tasks().filter(move |task| (task.needed == Needed::Now) == now);
    let groups = if is_emergency && !draft.is_amendment() {
        vec![
            Group {
                title: "Needed now",
                hint: "With these the search begins.",
                rows: of(true).map(row).collect(),
            },
            Group {
                title: "Can wait",
                hint: "To be completed within one working day.",
                rows: of(false).map(row).collect(),
            },
        ]
    } else {
        let sections = SECTIONS.iter().map(|section| Group {
            title: section.title,
            hint: "",
            rows: section.tasks.iter().map(row).collect(),
        });
        sections.collect()
    };
    let must = |task: &&Task| {
        let progress = draft.progress(task, &document, &faults);
        let waits = is_emergency && task.needed == Needed::InFull && progress == Progress::ToDo;
        matches!(progress, Progress::ToDo | Progress::Wrong) && !waits
    };
    let left = i64::try_from(tasks().filter(must).count()).unwrap_or(i64::MAX);
    let saved = draft.head.as_ref().map(|head| {
        format!(
            "Saved {} by {}",
            words::at(head.changed_at),
            head.changed_by
        )
    });
    Ok(Page(TasksPage {
        layout: Layout::new(&app, &viewer, Section::Other),
        link: draft.link(),
        is_amendment: draft.is_amendment(),
        is_overtaken: draft.is_overtaken(),
        is_emergency,
        left: if left == 0 {
            String::new()
        } else {
            words::many(left, "task")
        },
        saved,
        groups,
        reference: id,
    })
    .into_response())
}

fn row(draft: &Draft, task: &Task, document: &Value, faults: &[FieldError]) -> TaskRow {
    let (status, class) = match draft.progress(task, document, faults) {
        Progress::Wrong => ("There is a problem", "govuk-tag--red"),
        Progress::Changed => ("Changed", "govuk-tag--teal"),
        Progress::Done => ("Completed", ""),
        Progress::ToDo => ("Not started", "govuk-tag--blue"),
        Progress::Optional => ("Optional", "govuk-tag--grey"),
    };
    TaskRow {
        id: task.id,
        title: task.title,
        hint: task.hint,
        status,
        tag: (!class.is_empty()).then_some(Tag {
            text: status,
            class,
        }),
    }
}

#[derive(Debug, Template)]
#[template(path = "draft_task.html")]
struct TaskPage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    /// Where saving leads on to.
    back: String,
    is_check: bool,
    task: &'static Task,
    fields: Vec<Field>,
}

/// `GET /drafts/{id}/task/{task}`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    Path((id, task)): Path<(String, String)>,
    parameters: Parameters,
) -> Result<Response, Fault> {
    let task = task_of(&task)?;
    let draft = Draft::load(&app, &viewer, &id).await?;
    let is_check = parameters.get::<String>("back")?.as_deref() == Some("check");
    let document = draft.document();
    Ok(page(&app, &viewer, &draft, task, &document, is_check, None))
}

fn page(
    app: &App,
    viewer: &Viewer,
    draft: &Draft,
    task: &'static Task,
    document: &Value,
    is_check: bool,
    notice: Option<Notice>,
) -> Response {
    let form = Form::new(app, viewer, notice);
    let status = form.status();
    let link = draft.link();
    let questions = task.questions.iter();
    let page = TaskPage {
        layout: Layout::new(app, viewer, Section::Other),
        form,
        reference: draft.referral_id.to_string(),
        back: if is_check {
            format!("{link}/check")
        } else {
            link.clone()
        },
        link,
        is_check,
        task,
        fields: questions.map(|it| it.show("", document)).collect(),
    };
    (status, Page(page)).into_response()
}

/// `POST /drafts/{id}/task/{task}`
pub(crate) async fn send(
    State(app): State<App>,
    viewer: Viewer,
    Path((id, task)): Path<(String, String)>,
    Sent(fields): Sent<Fields>,
) -> Result<Response, Fault> {
    let task = task_of(&task)?;
    let draft = Draft::load(&app, &viewer, &id).await?;
    let is_check = fields.get("back") == "check";
    let mut document = draft.document();
    for question in task.questions {
        question.read("", &fields, &mut document);
    }
    // Not saving, but another item to fill in, or one less.
    if let Some(item) = fields.get("do").strip_prefix("remove/") {
        remove(&mut document, item);
        return Ok(page(&app, &viewer, &draft, task, &document, is_check, None));
    }
    if let Some(list) = fields.get("do").strip_prefix("add/") {
        add(task, &mut document, list);
        return Ok(page(&app, &viewer, &draft, task, &document, is_check, None));
    }
    for question in task.questions {
        question.tidy(&mut document);
    }
    let faults = faults_of(&app, task, &document);
    if !faults.is_empty() {
        let notice = Some(Notice::fields(faults));
        return Ok(page(
            &app, &viewer, &draft, task, &document, is_check, notice,
        ));
    }
    draft.save(&app, &viewer, task, &document).await?;
    let to = if is_check {
        format!("{}/check", draft.link())
    } else {
        draft.link()
    };
    Ok(Redirect::to(&to).into_response())
}

/// Adds an empty item to the list of that name, if the task has it.
fn add(task: &Task, document: &mut Value, list: &str) {
    let is_list = |it: &&super::questions::Question| {
        matches!(it.ask, Ask::Items(_)) && it.pointer.trim_start_matches('/') == list
    };
    let Some(question) = task.questions.iter().find(is_list) else {
        return;
    };
    let items = document.pointer(question.pointer).and_then(Value::as_array);
    let items = items.into_iter().flatten().cloned();
    let items: Vec<_> = items.chain([json!({})]).collect();
    super::ask::put(document, question.pointer, Some(items.into()));
}

/// Takes the item of that name, such as `children/1`, out of its list.
fn remove(document: &mut Value, item: &str) {
    let Some((list, idx)) = item.rsplit_once('/') else {
        return;
    };
    let items = document.pointer_mut(&format!("/{list}"));
    let (Some(items), Ok(idx)) = (items.and_then(Value::as_array_mut), idx.parse::<usize>()) else {
        return;
    };
    if idx < items.len() {
        items.remove(idx);
    }
}
