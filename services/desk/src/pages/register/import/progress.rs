//! Taking a file in, as long as that may take: the work goes on after the answer to the form, and how
//! far it has come is kept with that answer, for a day, where its page finds it whichever process
//! shows it.
//!
//! A process that ends on the way takes nothing back: what was committed stays. When nothing was heard
//! of the work for a while, the page says so, and which settings the register does not have; the same
//! file, sent again, takes those in and nothing twice.

use super::{File, listed, one_by_one};
use crate::{
    act::act,
    api::settings,
    app::App,
    caller::Caller,
    pages::{
        acts::form::{Fields, is_once},
        layout::{Layout, Menu, Page, Section},
        words,
    },
    problem::Fault,
    session::{Viewer, csrf},
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use chrono::{DateTime, TimeDelta, Utc};
use oss_domain::{AuthorityCode, Setting, SettingId};
use oss_storage::idempotency::{Known, Request as Claim};
use oss_workflow::{
    Wanted,
    supply::{self, Effect},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tracing::Instrument;

/// So many settings are committed together.
pub(super) const CHUNK: usize = 200;
/// Most files are taken in by then, so that their page says at once what became of them.
const WAITED_FOR: Duration = Duration::from_secs(2);
/// If nothing was heard of it for so long, the process that did it has ended.
const SILENT: TimeDelta = TimeDelta::seconds(60);

/// What becomes of a setting of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fate {
    New,
    Changed,
    Unchanged,
    Ignored,
    Refused,
}

impl Fate {
    pub(super) const ALL: [Self; 5] = [
        Self::New,
        Self::Changed,
        Self::Unchanged,
        Self::Ignored,
        Self::Refused,
    ];

    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Changed => "Changed",
            Self::Unchanged => "Unchanged",
            Self::Ignored => "Ignored: not newer than what is stored",
            Self::Refused => "Refused",
        }
    }
}

impl From<Effect> for Fate {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::New => Self::New,
            Effect::Changed => Self::Changed,
            Effect::Unchanged => Self::Unchanged,
            Effect::Ignored => Self::Ignored,
        }
    }
}

/// How far a file is taken in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Progress {
    /// Of how many it is known what became of them.
    fates: BTreeMap<Fate, usize>,
    /// The others, by id and version, in the file's order.
    left: Vec<(String, u64)>,
    /// Which are refused, and why.
    refused: Vec<String>,
    /// When this was so.
    at: DateTime<Utc>,
    state: Work,
}

/// Where the work stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Work {
    GoesOn,
    Done,
    /// It could not go on.
    CutOff,
}

/// What is told of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    GoesOn,
    CutOff,
    /// All of it is in the register.
    TakenIn,
    /// The register had all of it.
    NothingNew,
    /// So many are refused; the others are in the register.
    Refused(usize),
}

impl Outcome {
    fn title(self) -> String {
        match self {
            Self::GoesOn => "The file is being taken in".to_owned(),
            Self::CutOff => "The file was not taken in to its end".to_owned(),
            Self::TakenIn => "The file was taken in".to_owned(),
            Self::NothingNew => "The file changed nothing".to_owned(),
            Self::Refused(n_settings) => {
                let number = i64::try_from(n_settings).unwrap_or(i64::MAX);
                let verb = if n_settings == 1 { "was" } else { "were" };
                format!("{} {verb} refused", words::many(number, "setting"))
            }
        }
    }
}

impl Progress {
    fn count(&self, fate: Fate) -> usize {
        self.fates.get(&fate).copied().unwrap_or_default()
    }

    fn outcome(&self, now: DateTime<Utc>) -> Outcome {
        match self.state {
            Work::GoesOn if now - self.at <= SILENT => Outcome::GoesOn,
            Work::GoesOn | Work::CutOff => Outcome::CutOff,
            Work::Done => match self.outcome_of_all() {
                Outcome::TakenIn if self.count(Fate::New) + self.count(Fate::Changed) == 0 => {
                    Outcome::NothingNew
                }
                outcome => outcome,
            },
        }
    }

    /// The outcome where the register has all that was not refused.
    fn outcome_of_all(&self) -> Outcome {
        match self.count(Fate::Refused) {
            0 => Outcome::TakenIn,
            n_refused => Outcome::Refused(n_refused),
        }
    }
}

/// A file that is being taken in.
struct Import {
    app: App,
    caller: Caller,
    authority: AuthorityCode,
    key: String,
    body_hash: [u8; 32],
    progress: Progress,
}

/// Begins to take the file in that was sent with `fields`, and waits for it a little.
///
/// # Errors
///
/// 503 where too many are being taken in, or the database is away; then nothing was begun.
pub(super) async fn begin(
    app: &App,
    viewer: &Viewer,
    fields: &Fields,
    file: File,
) -> Result<(), Fault> {
    let room = Arc::clone(&app.imports).try_acquire_owned();
    let room = room.map_err(|_| csrf::too_many_files())?;
    let mut import = Import {
        app: app.clone(),
        caller: viewer.caller(),
        authority: viewer.authority(),
        key: key(fields.once()),
        body_hash: fields.sha256(),
        progress: Progress {
            fates: BTreeMap::from([(Fate::Refused, file.refused.len())]),
            left: file.good.iter().map(id_and_version).collect(),
            refused: one_by_one(&file.refused),
            at: app.clock.now(),
            state: Work::GoesOn,
        },
    };
    let claimed = app
        .store
        .claim_request(import.claim(), app.clock.now())
        .await?;
    if claimed != Known::New {
        return Ok(());
    }
    if let Err(fault) = import.keep().await {
        // Else the same form, sent again, would lead to a page that there is not.
        app.store.release_request(import.claim()).await?;
        return Err(fault);
    }
    let work = async move {
        import.take_in(&file.good).await;
        drop(room);
    };
    let work = tokio::spawn(work.in_current_span());
    // It goes on in any case.
    drop(tokio::time::timeout(WAITED_FOR, work).await);
    Ok(())
}

impl Import {
    fn claim(&self) -> Claim<'_> {
        Claim {
            authority: self.authority,
            actor: &self.caller.principal.id,
            key: &self.key,
            route: "import",
            body_hash: self.body_hash,
        }
    }

    /// Keeps how far it has come.
    async fn keep(&mut self) -> Result<(), Fault> {
        self.progress.at = self.app.clock.now();
        let progress = serde_json::to_vec(&self.progress).map_err(|_| Fault::internal())?;
        let kept = self.app.store.answer_request(self.claim(), 200, &progress);
        Ok(kept.await?)
    }

    async fn take_in(&mut self, settings: &[Setting]) {
        let mut state = Work::Done;
        for chunk in settings.chunks(CHUNK) {
            if let Err(fault) = self.take_in_chunk(chunk).await {
                let code = fault.code();
                tracing::warn!(code, "a register's file was not taken in to its end");
                state = Work::CutOff;
                break;
            }
        }
        self.progress.state = state;
        // Where it cannot be told that it has ended, its page says so after a while.
        if let Err(fault) = self.keep().await {
            let code = fault.code();
            tracing::warn!(code, "what became of a register's file could not be kept");
        }
    }

    async fn take_in_chunk(&mut self, chunk: &[Setting]) -> Result<(), Fault> {
        let at = |it: &Setting| (it.authority, it.setting_id.clone());
        let wanted = Wanted::settings(chunk.iter().map(at));
        let fates = act(&self.app, &self.caller, &wanted, |unit, context| {
            let mut fates = Vec::new();
            for setting in chunk {
                // One that is too old is ignored, as from an event; so is one that became so
                // since it was asked about.
                let effect = supply::effect(unit.settings.get(&at(setting)), setting);
                if effect != Effect::Ignored {
                    settings::change(unit, context, setting)?;
                }
                fates.push(Fate::from(effect));
            }
            Ok(fates)
        });
        for fate in fates.await? {
            *self.progress.fates.entry(fate).or_default() += 1;
        }
        self.progress
            .left
            .drain(..chunk.len().min(self.progress.left.len()));
        self.keep().await
    }
}

fn id_and_version(setting: &Setting) -> (String, u64) {
    (setting.setting_id.to_string(), setting.version)
}

fn key(id: &str) -> String {
    format!("import {id}")
}

/// The page of the file that was sent with `fields`.
pub(super) fn page_of(fields: &Fields) -> String {
    format!("/admin/import/{}", fields.once())
}

#[derive(Debug, Template)]
#[template(path = "import_progress.html")]
struct ProgressPage {
    layout: Layout,
    id: String,
    outcome: Outcome,
    rows: Vec<(&'static str, String)>,
    refused: Vec<String>,
}

/// `GET /admin/import/{id}`: how far a file of the viewer's is taken in.
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Fault> {
    let not_there = || Fault::not_found("The file");
    if !is_once(&id) {
        return Err(not_there());
    }
    let actor = viewer.caller().principal.id.clone();
    let kept = app
        .store
        .kept_answer(viewer.authority(), &actor, &key(&id))
        .await?;
    let progress = kept.and_then(|kept| serde_json::from_slice::<Progress>(&kept).ok());
    let progress = progress.ok_or_else(not_there)?;
    let mut outcome = progress.outcome(app.clock.now());
    let told = progress.fates.iter().filter(|(_, count)| **count > 0);
    let mut rows: Vec<_> = told
        .map(|(fate, count)| (fate.in_words(), count.to_string()))
        .collect();
    if outcome == Outcome::CutOff {
        // Of the last of its work it may not be known that it was done: the register knows.
        let heads = app.store.setting_heads(viewer.authority()).await?;
        let has = |id: &str, version| {
            let id: Option<SettingId> = id.parse().ok();
            id.and_then(|id| heads.get(&id))
                .is_some_and(|head| head.version >= version)
        };
        let (done, left): (Vec<_>, Vec<_>) = progress
            .left
            .iter()
            .cloned()
            .partition(|(id, version)| has(id, *version));
        // It was cut off after its last act: nothing is to be sent again.
        if left.is_empty() {
            outcome = progress.outcome_of_all();
        }
        for (name, settings) in [("In the register too", done), ("Left", left)] {
            let ids: Vec<_> = settings.into_iter().map(|(id, _)| id).collect();
            rows.extend(listed(name, &ids, ", "));
        }
    } else if !progress.left.is_empty() {
        rows.push(("Left", progress.left.len().to_string()));
    }
    Ok(Page(ProgressPage {
        layout: Layout::new(&app, &viewer, Section::Within(Menu::Homes)),
        outcome,
        id,
        rows,
        refused: progress.refused,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(fates: &[(Fate, usize)], state: Work) -> Progress {
        Progress {
            fates: fates.iter().copied().collect(),
            left: Vec::new(),
            refused: Vec::new(),
            at: "2026-11-26T09:00:00Z".parse().unwrap(),
            state,
        }
    }

    #[test]
    fn work_that_nothing_was_heard_of_is_told_as_cut_off() {
        let mut progress = progress(&[(Fate::New, 200)], Work::GoesOn);
        let later = progress.at + SILENT + TimeDelta::seconds(1);
        assert_eq!(progress.outcome(progress.at + SILENT), Outcome::GoesOn);
        assert_eq!(progress.outcome(later), Outcome::CutOff);
        progress.state = Work::Done;
        assert_eq!(progress.outcome(later), Outcome::TakenIn);
    }

    #[test]
    fn a_file_was_taken_in_only_where_something_was_and_nothing_refused() {
        for (fates, outcome) in [
            (
                &[(Fate::Changed, 1), (Fate::Ignored, 2)][..],
                Outcome::TakenIn,
            ),
            (
                &[(Fate::Unchanged, 1), (Fate::Ignored, 2)],
                Outcome::NothingNew,
            ),
            (&[(Fate::New, 3), (Fate::Refused, 1)], Outcome::Refused(1)),
        ] {
            let progress = progress(fates, Work::Done);
            assert_eq!(progress.outcome(progress.at), outcome, "{fates:?}");
        }
    }
}
