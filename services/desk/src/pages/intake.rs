//! Writing a referral, and changing one, by a list of tasks with a page for each.
//!
//! What is asked is declared once, in `questions`; how a question is asked, in `pages/ask.rs`. Each page is
//! saved as a draft, which the whole team may take up. Answers are judged by the contract, and a
//! referral is sent by the same act as over the API, so it is ranked and audited like any other.
//!
//! To ask for one more field of the contract, add its question to `questions`.

pub(crate) mod check;
pub(crate) mod draft;
pub(crate) mod questions;
pub(crate) mod tasks;

use super::{
    acts::{
        form::{Fields, Form},
        frame::{Deed, Sheet, Subject},
    },
    layout::{Layout, Menu, Page, Section},
    words,
};
use crate::{
    app::App,
    problem::Fault,
    query::{Parameters, by_time, read_by_time},
    session::Viewer,
};
use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use draft::{Draft, changed_meanwhile};
use oss_domain::ReferralId;
use oss_storage::drafts::{DraftHead, How};

/// Drafts on a page of the list.
const ON_A_PAGE: usize = 50;
/// Of the viewer's own drafts, those named where a referral is started.
const REMINDED: u32 = 10;

#[derive(Debug, Template)]
#[template(path = "drafts.html")]
struct DraftsPage {
    layout: Layout,
    rows: Vec<DraftRow>,
    next: Option<String>,
}

#[derive(Debug)]
struct DraftRow {
    reference: String,
    begun_by: String,
    started: String,
    changed: String,
    changed_by: String,
}

impl DraftRow {
    fn new(draft: DraftHead, viewer: &Viewer, now: DateTime<Utc>) -> Self {
        let is_own = draft.user_id == viewer.user_id().to_string();
        Self {
            reference: draft.referral_id.to_string(),
            begun_by: if is_own {
                "You".to_owned()
            } else {
                draft.user_name
            },
            started: words::ago(now, draft.started_at),
            changed: words::at(draft.changed_at),
            changed_by: draft.changed_by,
        }
    }
}

/// `GET /drafts`
pub(crate) async fn list(
    State(app): State<App>,
    viewer: Viewer,
    parameters: Parameters,
) -> Result<Response, Fault> {
    let after = parameters.after(read_by_time)?;
    let after = after.as_ref().map(|(at, id)| (*at, id));
    let limit = u32::try_from(ON_A_PAGE + 1).unwrap_or(u32::MAX);
    let of = viewer.authority();
    let mut drafts = app.store.list_drafts(of, None, after, limit).await?;
    let more = drafts.len() > ON_A_PAGE;
    drafts.truncate(ON_A_PAGE);
    let next = drafts.last().filter(|_| more).map(|last| {
        let last = by_time(last.changed_at, &last.referral_id);
        format!("/drafts?after={last}")
    });
    let now = app.clock.now();
    let rows = drafts.into_iter().map(|it| DraftRow::new(it, &viewer, now));
    Ok(Page(DraftsPage {
        layout: Layout::new(&app, &viewer, Section::At(Menu::Drafts)),
        rows: rows.collect(),
        next,
    })
    .into_response())
}

#[derive(Debug, Template)]
#[template(path = "draft_start.html")]
pub(crate) struct StartPage {
    layout: Layout,
    form: Form,
    reference: String,
    /// What the viewer began before and has not sent.
    unfinished: Vec<DraftRow>,
}

/// The drafts that somebody began and has not sent, those changed last first.
#[derive(Debug)]
pub(crate) struct Unfinished(Vec<DraftHead>);

impl Subject for Unfinished {
    type At = ();

    async fn load(app: &App, viewer: &Viewer, (): &()) -> Result<Self, Fault> {
        let (of, me) = (viewer.authority(), viewer.user_id().to_string());
        let drafts = app.store.list_drafts(of, Some(&me), None, REMINDED);
        Ok(Self(drafts.await?))
    }

    fn section(&self) -> Section<'_> {
        Section::Within(Menu::Drafts)
    }
}

/// Starting a draft; who starts one that is there takes it up.
#[derive(Debug)]
pub(crate) enum Start {}

impl Deed for Start {
    type To = Unfinished;
    type Page = StartPage;

    fn path((): &()) -> String {
        "/start-referral".to_owned()
    }

    fn page(sheet: Sheet<'_>, Unfinished(drafts): Unfinished) -> StartPage {
        let now = sheet.app.clock.now();
        let unfinished = drafts.into_iter();
        let unfinished = unfinished.map(|it| DraftRow::new(it, sheet.viewer, now));
        StartPage {
            unfinished: unfinished.collect(),
            reference: sheet.typed("referral_id"),
            layout: sheet.layout,
            form: sheet.form,
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        (): &(),
        fields: &Fields,
    ) -> Result<String, Fault> {
        let wrong = |what| Fault::invalid_field("/referral_id", "required_tick", what);
        let reference = fields.get("referral_id");
        if reference.is_empty() {
            return Err(wrong("enter the reference"));
        }
        let referral_id: ReferralId = reference.parse().map_err(|_| {
            wrong("the reference may have up to 40 letters, digits, hyphens and underscores, and nothing else")
        })?;
        let authority = viewer.authority();
        if app.store.referral(authority, &referral_id).await?.is_some() {
            return Err(wrong(
                "there is a referral with this reference. To change it, find it in the queue",
            ));
        }
        if app.store.draft(authority, &referral_id).await?.is_none() {
            Draft::begin(app, viewer, &referral_id).await?;
        }
        Ok(format!("/drafts/{referral_id}"))
    }
}

#[derive(Debug, Template)]
#[template(path = "draft_discard.html")]
pub(crate) struct DiscardPage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    version: String,
    is_amendment: bool,
    is_withdrawn: bool,
}

/// Discarding a draft, which its page asks about: of a referral.
#[derive(Debug)]
pub(crate) enum Discard {}

/// A draft, of a withdrawn referral too.
#[derive(Debug)]
pub(crate) struct Discardable(Draft);

impl Subject for Discardable {
    type At = String;

    async fn load(app: &App, viewer: &Viewer, id: &String) -> Result<Self, Fault> {
        Draft::load_any(app, viewer, id).await.map(Self)
    }

    fn section(&self) -> Section<'_> {
        Section::Within(Menu::Drafts)
    }
}

impl Deed for Discard {
    type To = Discardable;
    type Page = DiscardPage;

    fn path(id: &String) -> String {
        format!("/drafts/{id}/discard")
    }

    fn page(sheet: Sheet<'_>, Discardable(draft): Discardable) -> DiscardPage {
        DiscardPage {
            layout: sheet.layout,
            form: sheet.form,
            reference: draft.referral_id.to_string(),
            link: draft.link(),
            version: draft.version(),
            is_amendment: draft.is_amendment(),
            is_withdrawn: draft.is_withdrawn(),
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        fields: &Fields,
    ) -> Result<String, Fault> {
        let draft = Draft::load_any(app, viewer, id).await?;
        draft.refuse_stale(app, fields.get("version")).await?;
        if !draft.end(app, viewer, How::Discarded).await? {
            return Err(changed_meanwhile("Somebody changed the draft meanwhile."));
        }
        Ok("/drafts".to_owned())
    }
}
