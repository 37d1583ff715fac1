//! Writing a referral, and changing one, by a list of tasks with a page for each.
//!
//! What is asked is declared once, in `questions`; how a question is asked, in `ask`. Each page is
//! saved as a draft, which the whole team may take up. Answers are judged by the contract, and a
//! referral is sent by the same act as over the API, so it is ranked and audited like any other.
//!
//! To ask for one more field of the contract, add its question to `questions`.

pub(crate) mod ask;
pub(crate) mod check;
pub(crate) mod draft;
pub(crate) mod questions;
pub(crate) mod tasks;

use super::{
    acts::{
        form::{Fields, Form},
        frame::{Deed, Sheet},
    },
    layout::{Layout, Page, Section},
    words,
};
use crate::{app::App, problem::Fault, session::Viewer};
use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use draft::Draft;
use oss_domain::ReferralId;

/// Drafts on the list: more are not for people to have open.
const LISTED: u32 = 200;

#[derive(Debug, Template)]
#[template(path = "drafts.html")]
struct DraftsPage {
    layout: Layout,
    rows: Vec<DraftRow>,
}

#[derive(Debug)]
struct DraftRow {
    reference: String,
    begun_by: String,
    changed: String,
    changed_by: String,
}

/// `GET /drafts`
pub(crate) async fn list(State(app): State<App>, viewer: Viewer) -> Result<Response, Fault> {
    let drafts = app.store.list_drafts(viewer.authority(), LISTED).await?;
    let me = viewer.user_id().to_string();
    let row = |draft: oss_storage::drafts::DraftHead| DraftRow {
        reference: draft.referral_id.to_string(),
        begun_by: if draft.user_id == me {
            "You".to_owned()
        } else {
            draft.user_name
        },
        changed: words::at(draft.changed_at),
        changed_by: draft.changed_by,
    };
    Ok(Page(DraftsPage {
        layout: Layout::new(&app, &viewer, Section::Other),
        rows: drafts.into_iter().map(row).collect(),
    })
    .into_response())
}

#[derive(Debug, Template)]
#[template(path = "draft_start.html")]
pub(crate) struct StartPage {
    layout: Layout,
    form: Form,
    reference: String,
}

/// Starting a draft; who starts one that is there takes it up.
#[derive(Debug)]
pub(crate) enum Start {}

impl Deed for Start {
    type At = ();
    type To = ();
    type Page = StartPage;

    fn path((): &()) -> String {
        "/start-referral".to_owned()
    }

    async fn load(_: &App, _: &Viewer, (): &()) -> Result<(), Fault> {
        Ok(())
    }

    fn page(sheet: Sheet<'_>, (): ()) -> StartPage {
        StartPage {
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
    is_amendment: bool,
}

/// Discarding a draft, which its page asks about: of a referral.
#[derive(Debug)]
pub(crate) enum Discard {}

impl Deed for Discard {
    type At = String;
    type To = Draft;
    type Page = DiscardPage;

    fn path(id: &String) -> String {
        format!("/drafts/{id}/discard")
    }

    async fn load(app: &App, viewer: &Viewer, id: &String) -> Result<Draft, Fault> {
        Draft::load(app, viewer, id).await
    }

    fn page(sheet: Sheet<'_>, draft: Draft) -> DiscardPage {
        DiscardPage {
            layout: sheet.layout,
            form: sheet.form,
            reference: draft.referral_id.to_string(),
            link: draft.link(),
            is_amendment: draft.is_amendment(),
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        _: &Fields,
    ) -> Result<String, Fault> {
        let draft = Draft::load(app, viewer, id).await?;
        draft.end(app, viewer, "draft.discarded").await?;
        Ok("/drafts".to_owned())
    }
}
