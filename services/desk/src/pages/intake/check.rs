//! The answers, to be checked and sent: a new referral, or the next revision of one.

use super::{
    draft::{Draft, overtaken, told},
    questions::{Needed, SECTIONS, Task, tasks},
};
use crate::{
    api::referrals::{receive, understood},
    app::App,
    pages::{
        acts::{
            form::{Fields, Form},
            frame::{Deed, Sheet},
        },
        layout::Layout,
    },
    problem::Fault,
    session::Viewer,
};
use askama::Template;
use oss_domain::{FieldError, version};
use oss_storage::drafts::How;
use serde_json::Value;

#[derive(Debug, Template)]
#[template(path = "draft_check.html")]
pub(crate) struct CheckPage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    revision: u64,
    version: String,
    is_amendment: bool,
    is_overtaken: bool,
    /// What must be put right first: the words, and where.
    to_do: Vec<(String, String)>,
    /// What an emergency leaves for later.
    later: Vec<&'static str>,
    changes: Vec<Change>,
    groups: Vec<Group>,
    reason: String,
}

/// An answer that differs from what is stored.
#[derive(Debug)]
struct Change {
    label: String,
    before: Vec<String>,
    now: Vec<String>,
}

#[derive(Debug)]
struct Group {
    title: &'static str,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    label: &'static str,
    lines: Vec<String>,
    href: String,
}

/// Sending a draft, once its answers were checked: of a referral.
#[derive(Debug)]
pub(crate) enum Check {}

impl Deed for Check {
    type To = Draft;
    type Page = CheckPage;

    fn path(id: &String) -> String {
        format!("/drafts/{id}/check")
    }

    fn page(sheet: Sheet<'_>, draft: Draft) -> CheckPage {
        let document = draft.document();
        let faults = understood(sheet.app, &document).err().unwrap_or_default();
        let link = draft.link();
        let minimum = document.get("completeness").is_some();
        let later = tasks().filter(|task| task.needed != Needed::Now && !draft.is_saved(task));
        CheckPage {
            reference: draft.referral_id.to_string(),
            revision: draft.revision(),
            version: draft.version(),
            is_amendment: draft.is_amendment(),
            is_overtaken: draft.is_overtaken(),
            to_do: to_do(&faults, &link),
            later: later.filter(|_| minimum).map(|task| task.title).collect(),
            changes: changes(&draft, &document),
            groups: groups(&document, &link),
            reason: sheet.typed("reason"),
            link,
            layout: sheet.layout,
            form: sheet.form,
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        fields: &Fields,
    ) -> Result<String, Fault> {
        let draft = Draft::load(app, viewer, id).await?;
        // What the page did not show must be looked at first.
        draft.refuse_stale(app, fields.get("version")).await?;
        let document = draft.document();
        let referral = understood(app, &document).map_err(|_| {
            let detail = "put right what is listed on this page first";
            Fault::invalid_field("", "required_tick", detail)
        })?;
        let change = match (draft.is_amendment(), fields.text("reason")?) {
            (false, _) => None,
            (true, "") => {
                let detail = "must say why it changes";
                return Err(Fault::invalid_field("/reason", "required", detail));
            }
            (true, reason) => Some((what(&draft, &document), reason.to_owned())),
        };
        receive(app, &viewer.caller(), referral, change, |head| {
            let revision = head.map_or(0, |head| head.revision);
            let is_as_shown = revision == draft.revision();
            is_as_shown.then_some(()).ok_or_else(overtaken)
        })
        .await?;
        // What others saved while it was sent stays: a draft of the next revision.
        draft.end(app, viewer, How::Sent).await?;
        Ok(format!("/referrals/{id}"))
    }
}

/// The faults, each with the page to put it right on.
fn to_do(faults: &[FieldError], link: &str) -> Vec<(String, String)> {
    let all = told(faults).map(|(task, (field, text))| match task {
        Some(task) => (text, href(link, task, &field)),
        None => (text, String::new()),
    });
    all.collect()
}

fn href(link: &str, task: &Task, field: &str) -> String {
    format!("{link}/task/{}?back=check#{field}", task.id)
}

fn changes(draft: &Draft, document: &Value) -> Vec<Change> {
    let questions = tasks().flat_map(|task| task.questions);
    let change = |question: &crate::pages::ask::Question| {
        Some(Change {
            label: question.label.to_owned(),
            before: draft.change(question, document)?,
            now: question.in_words(document),
        })
    };
    let minimum = || vec!["Only what an emergency needs".to_owned()];
    let completed = draft.is_completed(document).then(|| Change {
        label: "How much is filled in".to_owned(),
        before: minimum(),
        now: vec!["All of it".to_owned()],
    });
    questions.filter_map(change).chain(completed).collect()
}

fn groups(document: &Value, link: &str) -> Vec<Group> {
    let group = |section: &super::questions::Section| {
        let questions = section.tasks.iter();
        let questions = questions.flat_map(|task| task.questions.iter().map(move |it| (task, it)));
        let rows = questions.map(|(task, question)| Row {
            label: question.label,
            lines: question.in_words(document),
            href: href(link, task, &question.field()),
        });
        Group {
            title: section.title,
            rows: rows.collect(),
        }
    };
    SECTIONS.iter().map(group).collect()
}

/// What changes, for the history: which revision it makes, and which tasks differ.
fn what(draft: &Draft, document: &Value) -> String {
    let completed = draft.is_completed(document).then_some("completed");
    let titles = draft.changed_tasks(document).map(|it| it.title);
    let titles: Vec<_> = titles.chain(completed).collect();
    format!(
        "revision {}: {}",
        version::next(draft.revision()),
        titles.join("; ")
    )
}
