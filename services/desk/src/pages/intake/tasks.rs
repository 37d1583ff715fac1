//! The list of tasks, and the page of each.

use super::{
    draft::{Draft, Progress, Unsaved, ended, faults_of, not_there, task_of},
    questions::{Needed, SECTIONS, Task, tasks},
};
use crate::{
    api::{find, referrals::understood},
    app::App,
    pages::{
        acts::form::{Fields, Form, Notice},
        ask::{self, Control, Field, Pressed, Question, press},
        layout::{Layout, Menu, Page, Section},
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
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use oss_domain::{FieldError, ReferralId};
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
        layout: Layout::new(&app, &viewer, Section::Within(Menu::Drafts)),
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
    version: String,
    begun: String,
    fields: Vec<Field>,
    /// What was typed over answers that have changed, and was not saved: in words.
    unsaved: Vec<(&'static str, Vec<String>)>,
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
    let about = About {
        app: &app,
        viewer: &viewer,
        draft,
        task,
        is_check,
    };
    Ok(about.page(&about.draft.document(), None))
}

/// What a task's page is about.
struct About<'a> {
    app: &'a App,
    viewer: &'a Viewer,
    draft: Draft,
    task: &'static Task,
    is_check: bool,
}

impl About<'_> {
    /// Where saving leads on to.
    fn back(&self) -> String {
        let link = self.draft.link();
        if self.is_check {
            format!("{link}/check")
        } else {
            link
        }
    }

    /// The page, filled in with what is in `document`.
    fn page(&self, document: &Value, notice: Option<Notice>) -> Response {
        self.page_with(document, notice, Vec::new())
    }

    fn page_with(
        &self,
        document: &Value,
        notice: Option<Notice>,
        unsaved: Vec<(&'static str, Vec<String>)>,
    ) -> Response {
        let form = Form::new(self.app, self.viewer, notice);
        let status = form.status();
        let questions = self.task.questions.iter();
        let page = TaskPage {
            layout: Layout::new(self.app, self.viewer, Section::Within(Menu::Drafts)),
            form,
            reference: self.draft.referral_id.to_string(),
            back: self.back(),
            link: self.draft.link(),
            is_check: self.is_check,
            task: self.task,
            version: Draft::version_of(self.task, &self.draft.document()),
            begun: self.draft.begun(),
            fields: questions.map(|it| it.show("", document)).collect(),
            unsaved,
        };
        (status, Page(page)).into_response()
    }

    /// The page as things are now, for whoever sent `fields`, with `answers` in them, and had them not
    /// saved.
    async fn unsaved(
        mut self,
        why: Unsaved,
        answers: &Value,
        fields: &Fields,
    ) -> Result<Response, Fault> {
        let Draft {
            authority,
            referral_id,
            ..
        } = self.draft;
        self.draft = match Draft::load(self.app, self.viewer, referral_id.as_str()).await {
            Err(fault) if fault.is("not_found") => {
                return gone(self.app, self.viewer, &referral_id, self.task, fields).await;
            }
            loaded => loaded?,
        };
        let now = self.draft.document();
        let typed = self.task.questions.iter().filter_map(|question| {
            let typed = question.in_words(answers);
            (typed != question.in_words(&now)).then_some((question.label, typed))
        });
        let happened = match why {
            Unsaved::Answered => {
                "Other answers were saved here after you opened this page.".to_owned()
            }
            Unsaved::Ended => not_there(ended(self.app, authority, &referral_id).await?),
        };
        let text =
            format!("{happened} What you typed was not saved: it stands below what is stored.");
        let notice = Notice::changed([text]);
        Ok(self.page_with(&now, Some(notice), typed.collect()))
    }
}

/// `POST /drafts/{id}/task/{task}`
pub(crate) async fn send(
    State(app): State<App>,
    viewer: Viewer,
    Path((id, task)): Path<(String, String)>,
    Sent(fields): Sent<Fields>,
) -> Result<Response, Fault> {
    let task = task_of(&task)?;
    let draft = match Draft::load(&app, &viewer, &id).await {
        Err(fault) if fault.is("not_found") => {
            let referral_id: ReferralId = find::id(&id, "The draft")?;
            if fields.pressed() != "anew" {
                return gone(&app, &viewer, &referral_id, task, &fields).await;
            }
            Draft::begin(&app, &viewer, &referral_id).await?;
            Draft::load(&app, &viewer, &id).await?
        }
        loaded => loaded?,
    };
    let mut document = draft.document();
    let version = Draft::version_of(task, &document);
    ask::read(task.questions, "", &fields, &mut document);
    let about = About {
        app: &app,
        viewer: &viewer,
        draft,
        task,
        is_check: fields.get("back") == "check",
    };
    let answers = tidied(task, &document);
    let begun = fields.get("begun");
    if !begun.is_empty() && begun != about.draft.begun() {
        return about.unsaved(Unsaved::Ended, &answers, &fields).await;
    }
    let is_stale = fields.get("version") != version;
    // Who sends the same twice finds it saved.
    if is_stale && Draft::version_of(task, &answers) != version {
        return about.unsaved(Unsaved::Answered, &answers, &fields).await;
    }
    match press(fields.pressed(), task.questions, &mut document) {
        Pressed::Other => {}
        Pressed::Done => return Ok(about.page(&document, None)),
        Pressed::Full(notice) => return Ok(about.page(&document, Some(notice))),
    }
    let faults = faults_of(&app, task, &answers);
    if !faults.is_empty() {
        return Ok(about.page(&answers, Some(Notice::fields(faults))));
    }
    match about.draft.save(&app, &viewer, task, &answers).await? {
        Ok(()) => Ok(Redirect::to(&about.back()).into_response()),
        Err(why) => about.unsaved(why, &answers, &fields).await,
    }
}

#[derive(Debug, Template)]
#[template(path = "draft_gone.html")]
struct GonePage<'a> {
    layout: Layout,
    form: Form,
    reference: &'a ReferralId,
    task: &'static Task,
    /// Who discarded it, and when.
    ended: String,
    /// What was typed: in words, and as it was sent.
    unsaved: Vec<(&'static str, Vec<String>)>,
    typed: Vec<(&'a str, &'a str)>,
    /// That of a draft without any answer.
    version: String,
}

/// The page for whoever sent answers to a draft that somebody has discarded: they are kept on it.
async fn gone(
    app: &App,
    viewer: &Viewer,
    referral_id: &ReferralId,
    task: &'static Task,
    fields: &Fields,
) -> Result<Response, Fault> {
    let mut document = json!({});
    ask::read(task.questions, "", fields, &mut document);
    let answers = tidied(task, &document);
    let in_words = |it: &Question| (it.label, it.in_words(&answers));
    let ended = ended(app, viewer.authority(), referral_id).await?;
    let page = GonePage {
        layout: Layout::new(app, viewer, Section::Within(Menu::Drafts)),
        form: Form::new(app, viewer, None),
        reference: referral_id,
        task,
        ended: ended.unwrap_or_default(),
        unsaved: task.questions.iter().map(in_words).collect(),
        typed: fields
            .typed()
            .filter(|(name, _)| !["version", "begun"].contains(name))
            .collect(),
        version: Draft::version_of(task, &json!({})),
    };
    Ok((StatusCode::CONFLICT, Page(page)).into_response())
}

/// The answers of `task` in `document`, without items in which nothing is filled in.
fn tidied(task: &Task, document: &Value) -> Value {
    let mut answers = document.clone();
    for question in task.questions {
        question.tidy(&mut answers);
    }
    answers
}
