//! A draft: answers laid over what is stored of the referral, which may be nothing yet.
//!
//! Only what differs is kept, so whoever opens a draft sees it on top of the referral as it is now,
//! whoever changed that meanwhile.

use super::questions::{Needed, Task, asked_at, task, tasks};
use crate::{
    api::{find, referrals::understood},
    app::App,
    pages::{
        acts::frame::Subject,
        ask::{Question, put, same},
        layout::{Menu, Section},
        words,
    },
    problem::Fault,
    reading::record_reading,
    session::Viewer,
};
use oss_contract::referral_to_json;
use oss_domain::{
    AuthorityCode, FieldError, ReferralId, lifecycle::ReferralState, referral::Urgency, version,
};
use oss_storage::{
    drafts::{Answers, Begun, DraftHead, Editor, How},
    referrals::StoredReferral,
};
use oss_workflow::calendar;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, convert::Infallible};

/// A referral that somebody writes or changes.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) authority: AuthorityCode,
    pub(crate) referral_id: ReferralId,
    /// Who has it; nobody before anything was saved.
    pub(crate) head: Option<DraftHead>,
    stored: Option<StoredReferral>,
    /// What is stored, in the contract's form.
    base: Value,
    /// By pointer, what the answers are; null where one was taken away.
    answers: Answers,
    /// The tasks that were saved.
    saved: BTreeSet<String>,
    /// Over which revision the last answer was given.
    given_over: u64,
}

/// Why answers were not saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsaved {
    /// Others gave other ones.
    Answered,
    /// The draft was sent or discarded.
    Ended,
}

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Something must be put right.
    Wrong,
    /// It says another thing than what is stored.
    Changed,
    /// It was gone through.
    Done,
    /// It must be done.
    ToDo,
    /// It may be done.
    Optional,
}

impl Subject for Draft {
    type At = String;

    async fn load(app: &App, viewer: &Viewer, id: &String) -> Result<Self, Fault> {
        Self::load(app, viewer, id).await
    }

    fn section(&self) -> Section<'_> {
        Section::Within(Menu::Drafts)
    }
}

impl Draft {
    /// The draft for the referral `id`, to be written on, after a line in the audit.
    ///
    /// # Errors
    ///
    /// 404 where there is neither draft nor referral; 409 where the referral is withdrawn, which
    /// leads to where the draft, if there is one, is discarded.
    pub(crate) async fn load(app: &App, viewer: &Viewer, id: &str) -> Result<Self, Fault> {
        let draft = Self::load_any(app, viewer, id).await?;
        if !draft.is_withdrawn() {
            return Ok(draft);
        }
        let detail = "A withdrawal is final; start a new referral under another id.";
        let fault = Fault::conflict("withdrawn", "The referral is withdrawn", detail);
        Err(match draft.head {
            Some(_) => fault.instead(format!("{}/discard", draft.link())),
            None => fault,
        })
    }

    /// The same, of a withdrawn referral too.
    pub(crate) async fn load_any(app: &App, viewer: &Viewer, id: &str) -> Result<Self, Fault> {
        let (caller, authority) = (viewer.caller(), viewer.authority());
        let referral_id: ReferralId = find::id(id, "The draft")?;
        let draft = app.store.draft(authority, &referral_id).await?;
        let stored = app.store.referral(authority, &referral_id).await?;
        if draft.is_none() && stored.is_none() {
            let fault = Fault::not_found("The draft");
            return Err(match ended(app, authority, &referral_id).await? {
                None => fault,
                ended => fault.detailed(not_there(ended)),
            });
        }
        // In the council's own chain: each page of a draft would drown the referral's history.
        record_reading(app, &caller, (authority, None), "draft.read", &referral_id).await?;
        let (head, content) = draft.map(|it| (it.head, it.content)).unzip();
        let content = content.unwrap_or_default();
        let saved = content.get("saved").and_then(Value::as_array);
        let saved = saved.into_iter().flatten().filter_map(Value::as_str);
        let answers = content.get("answers").and_then(Value::as_object);
        let referral = stored.as_ref().and_then(|it| it.referral.as_deref());
        Ok(Self {
            authority,
            base: referral.map_or_else(|| json!({}), referral_to_json),
            answers: answers.cloned().unwrap_or_default(),
            saved: saved.map(str::to_owned).collect(),
            given_over: content
                .get("over")
                .and_then(Value::as_u64)
                .unwrap_or_default(),
            referral_id,
            head,
            stored,
        })
    }

    /// Begins a draft, for a referral that is new.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub(crate) async fn begin(
        app: &App,
        viewer: &Viewer,
        referral_id: &ReferralId,
    ) -> Result<(), Fault> {
        let by = viewer.caller();
        let by = editor(app, viewer, &by.principal.id);
        let thing = format!("{referral_id}: begun");
        let change = app
            .store
            .change_draft(viewer.authority(), referral_id, by, thing, |begun| {
                Ok::<_, Infallible>(begun.map(|(_, it)| it).unwrap_or_default())
            });
        let Ok(()) = change.await?;
        Ok(())
    }

    /// The address of its task list.
    pub(crate) fn link(&self) -> String {
        format!("/drafts/{}", self.referral_id)
    }

    /// The revision that is stored; 0 where none is.
    pub(crate) fn revision(&self) -> u64 {
        self.stored.as_ref().map_or(0, |stored| stored.revision)
    }

    /// The version of the whole, which a page shows: of the referral, and of the answers to it.
    pub(crate) fn version(&self) -> String {
        let head = self.head.as_ref();
        let changed = head.map_or(0, |head| head.changed_at.timestamp_micros());
        format!("{}.{changed}", self.revision())
    }

    /// Which draft it is, of those that its referral may have had; empty where there is none.
    pub(crate) fn begun(&self) -> String {
        let begun = |head: &DraftHead| head.started_at.timestamp_micros().to_string();
        self.head.as_ref().map(begun).unwrap_or_default()
    }

    /// Sees to it that nothing of it changed since a page showed it as `version`.
    ///
    /// # Errors
    ///
    /// 409 where it did: what is about to be done must be looked at first.
    pub(crate) async fn refuse_stale(&self, app: &App, version: &str) -> Result<(), Fault> {
        let revision = version.split('.').next().unwrap_or_default();
        if revision != self.revision().to_string() {
            return Err(overtaken());
        }
        match &self.head {
            _ if version == self.version() => Ok(()),
            Some(head) => Err(changed_meanwhile(&format!(
                "{} saved an answer meanwhile. It is in the draft now: look at it first.",
                head.changed_by
            ))),
            None => {
                let ended = ended(app, self.authority, &self.referral_id).await?;
                Err(changed_meanwhile(&not_there(ended)))
            }
        }
    }

    /// Whether its referral is withdrawn: then it cannot be sent any more.
    pub(crate) fn is_withdrawn(&self) -> bool {
        let stored = self.stored.as_ref();
        stored.is_some_and(|it| it.state == ReferralState::Withdrawn)
    }

    /// Whether it changes a referral that is there.
    pub(crate) const fn is_amendment(&self) -> bool {
        self.stored.is_some()
    }

    /// Whether the referral was changed by others after the last answer was given.
    pub(crate) fn is_overtaken(&self) -> bool {
        !self.answers.is_empty() && self.given_over < self.revision()
    }

    /// The referral as it would be sent.
    pub(crate) fn document(&self) -> Value {
        let mut document = self.base.clone();
        for (pointer, value) in &self.answers {
            let value = (!value.is_null()).then(|| value.clone());
            put(&mut document, pointer, value);
        }
        let emergency = document.get("urgency") == Some(&Urgency::Emergency.as_str().into());
        let in_full = || tasks().filter(|task| task.needed == Needed::InFull);
        for question in in_full()
            .filter(|it| self.is_saved(it))
            .flat_map(|it| it.questions)
        {
            // What was gone through and left empty is there, and empty.
            let answer = document.pointer(question.pointer).cloned();
            put(&mut document, question.pointer, answer);
        }
        let minimum = emergency && !in_full().all(|task| self.is_saved(task));
        put(
            &mut document,
            "/completeness",
            minimum.then(|| "emergency_minimum".into()),
        );
        put(
            &mut document,
            "/referral_id",
            Some(self.referral_id.as_str().into()),
        );
        put(
            &mut document,
            "/authority",
            Some(self.authority.as_str().into()),
        );
        put(
            &mut document,
            "/revision",
            Some(version::next(self.revision()).into()),
        );
        document
    }

    /// Whether the task was gone through, here or before the referral was sent.
    pub(crate) fn is_saved(&self, task: &Task) -> bool {
        let sent = self.is_amendment()
            && (task.needed != Needed::InFull
                || self.base.get("completeness").is_none()
                || task
                    .questions
                    .iter()
                    .any(|it| self.base.pointer(it.pointer).is_some()));
        sent || self.saved.contains(task.id)
    }

    /// What it says now and was stored otherwise, in words, where that differs.
    pub(crate) fn change(&self, question: &Question, document: &Value) -> Option<Vec<String>> {
        let before = question.in_words(&self.base);
        (self.is_amendment() && before != question.in_words(document)).then_some(before)
    }

    /// Whether it fills in what an emergency left for later.
    pub(crate) fn is_completed(&self, document: &Value) -> bool {
        let is_minimum = |it: &Value| it.get("completeness").is_some();
        is_minimum(&self.base) && !is_minimum(document)
    }

    /// The tasks that say another thing than what is stored.
    pub(crate) fn changed_tasks<'a>(
        &'a self,
        document: &'a Value,
    ) -> impl Iterator<Item = &'static Task> + 'a {
        let changed = |task: &Task| {
            let mut questions = task.questions.iter();
            questions.any(|it| self.change(it, document).is_some())
        };
        tasks().filter(move |task| changed(task))
    }

    /// How far `task` has come, given the faults of the whole.
    pub(crate) fn progress(
        &self,
        task: &Task,
        document: &Value,
        faults: &[FieldError],
    ) -> Progress {
        let mut faulty = faults.iter().filter_map(|it| asked_at(&it.pointer));
        let mut questions = task.questions.iter();
        match task.needed {
            _ if self.is_saved(task) && faulty.any(|(it, _)| it.id == task.id) => Progress::Wrong,
            _ if questions.any(|it| self.change(it, document).is_some()) => Progress::Changed,
            _ if self.is_saved(task) => Progress::Done,
            Needed::Never => Progress::Optional,
            Needed::Now | Needed::InFull => Progress::ToDo,
        }
    }

    /// The version of what `task` asks for in `document`, which a task's page shows.
    pub(crate) fn version_of(task: &Task, document: &Value) -> String {
        let answers = pointers(task).map(|pointer| document.pointer(&pointer).cloned());
        let answers: Value = answers.map(Option::unwrap_or_default).collect();
        hex::encode(Sha256::digest(answers.to_string()))
    }

    /// Saves a task's answers, which `document` has in it, unless they are in the way of what others
    /// did after this draft was loaded.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub(crate) async fn save(
        &self,
        app: &App,
        viewer: &Viewer,
        task: &Task,
        document: &Value,
    ) -> Result<Result<(), Unsaved>, Fault> {
        let answers = pointers(task).map(|pointer| {
            let answer = document.pointer(&pointer);
            // What is stored already is no answer: it may be changed by others.
            let differs = !same(answer, self.base.pointer(&pointer));
            let answer = differs.then(|| answer.cloned().unwrap_or_default());
            (pointer, answer)
        });
        let answers: Vec<_> = answers.collect();
        let revision = self.revision();
        let change = |begun: Option<Begun>| {
            let (started_at, content) = begun.unzip();
            // Nor may it be one that another has begun anew.
            if let Some(head) = &self.head
                && started_at != Some(head.started_at)
            {
                return Err(Unsaved::Ended);
            }
            let mut content = content.unwrap_or_default();
            let kept = content.entry("answers").or_insert_with(|| json!({}));
            if let Some(kept) = kept.as_object_mut() {
                let is_as_loaded =
                    |(pointer, _): &(String, _)| kept.get(pointer) == self.answers.get(pointer);
                if !answers.iter().all(is_as_loaded) {
                    return Err(Unsaved::Answered);
                }
                for (pointer, answer) in answers {
                    match answer {
                        Some(answer) => kept.insert(pointer, answer),
                        None => kept.shift_remove(&pointer),
                    };
                }
            }
            let saved = content.entry("saved").or_insert_with(|| json!([]));
            if let Some(saved) = saved.as_array_mut()
                && !saved.iter().any(|it| it == task.id)
            {
                saved.push(task.id.into());
            }
            content.insert("over".to_owned(), revision.into());
            Ok(content)
        };
        let thing = format!("{}: {}", self.referral_id, task.id);
        let by = viewer.caller();
        let by = editor(app, viewer, &by.principal.id);
        let at = (self.authority, &self.referral_id);
        let saved = app.store.change_draft(at.0, at.1, by, thing, change);
        Ok(saved.await?)
    }

    /// Ends it. Returns whether it did: not if others changed it after it was loaded.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub(crate) async fn end(&self, app: &App, viewer: &Viewer, how: How) -> Result<bool, Fault> {
        let Some(head) = &self.head else {
            return Ok(true);
        };
        let by = viewer.caller();
        let by = editor(app, viewer, &by.principal.id);
        let at = (self.authority, &self.referral_id);
        let ended = app.store.end_draft(at.0, at.1, head.changed_at, by, how);
        Ok(ended.await?)
    }
}

/// Who ended the last draft for a referral, how and when, in words; none where none is known of.
pub(crate) async fn ended(
    app: &App,
    authority: AuthorityCode,
    referral_id: &ReferralId,
) -> Result<Option<String>, Fault> {
    let end = app.store.draft_end(authority, referral_id).await?;
    Ok(end.map(|end| {
        let how = match end.how {
            How::Sent => "sent",
            How::Discarded => "discarded",
        };
        format!("{} {how} it on {}.", end.by, words::at(end.at))
    }))
}

/// That a draft is not there any more, and who `ended` it.
pub(crate) fn not_there(ended: Option<String>) -> String {
    const GONE: &str = "The draft is not there any more.";
    ended.map_or_else(|| GONE.to_owned(), |ended| format!("{GONE} {ended}"))
}

/// The refusal where the referral was changed since a page showed it.
pub(crate) fn overtaken() -> Fault {
    changed_meanwhile(
        "The referral was changed meanwhile. The answers are laid over it as it is now: check them first.",
    )
}

/// The refusal where something was changed since a page showed it.
pub(crate) fn changed_meanwhile(detail: &str) -> Fault {
    Fault::conflict("changed_meanwhile", "It has changed", detail)
}

/// The fields that `task` asks for, by JSON pointer.
fn pointers(task: &Task) -> impl Iterator<Item = String> {
    task.questions.iter().flat_map(Question::pointers)
}

/// Who edits, and when.
fn editor<'a>(app: &App, viewer: &'a Viewer, user_id: &'a str) -> Editor<'a> {
    Editor {
        user_id,
        user_name: viewer.name(),
        now: app.clock.now(),
    }
}

/// What is wrong with the answers of `task` in `document`, whatever else is still missing: the
/// field, and what a person is told.
///
/// The contract judges whole referrals, so what other tasks ask for is lent.
pub(crate) fn faults_of(app: &App, task: &Task, document: &Value) -> Vec<(String, String)> {
    let questions = task.questions.iter();
    let too_many: Vec<_> = questions
        .filter_map(|it| it.too_many(document, 0))
        .collect();
    if !too_many.is_empty() {
        return too_many;
    }
    let today = calendar::today(app.clock.now()).to_string();
    let mut whole = json!({
        "urgency": "planned", "start_date": today, "placement_types": ["fostering_household"],
        "children": [{ "child_id": "x", "date_of_birth": today, "sex": "U" }],
    });
    if let (Some(whole), Some(document)) = (whole.as_object_mut(), document.as_object()) {
        whole.extend(document.clone());
    }
    put(
        &mut whole,
        "/completeness",
        Some("emergency_minimum".into()),
    );
    for pointer in pointers(task) {
        put(&mut whole, &pointer, document.pointer(&pointer).cloned());
    }
    let faults = understood(app, &whole).err().unwrap_or_default();
    told(&faults)
        .filter(|(asked, _)| asked.is_some_and(|it| it.id == task.id))
        .map(|(_, told)| told)
        .collect()
}

/// What a person is told of each fault: the task, the field, and the words.
pub(crate) fn told(
    faults: &[FieldError],
) -> impl Iterator<Item = (Option<&'static Task>, (String, String))> + '_ {
    faults.iter().map(|fault| match asked_at(&fault.pointer) {
        Some((task, question)) if fault.pointer.starts_with(question.pointer) => {
            (Some(task), question.fault(fault))
        }
        // All that the task asks for together: each may be left empty, but not unseen.
        Some((task, question)) => {
            let text = format!("Go through “{}”", task.title);
            (Some(task), (question.field(), text))
        }
        None => (
            None,
            (String::new(), format!("{} {}", fault.pointer, fault.detail)),
        ),
    })
}

/// The task of that id.
///
/// # Errors
///
/// 404 where there is none.
pub(crate) fn task_of(id: &str) -> Result<&'static Task, Fault> {
    task(id).ok_or_else(|| Fault::not_found("The task"))
}
