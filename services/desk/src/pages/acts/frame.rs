//! The frame around everything that people do by a form: it is shown, filled in, asked again where
//! it cannot be undone, and carried out once. Where it is refused, the page comes again as things
//! are now, with all that was typed and why nothing was done.
//!
//! To add one: say in a [`Subject`] what it is done to, in a [`Deed`] what differs, and put [`route`]
//! of it among the routes.

use super::form::{Fields, Form, Notice, Step, once};
use crate::{
    app::App,
    pages::layout::{Layout, Page, Section},
    problem::Fault,
    session::Viewer,
};
use askama::Template;
use axum::{
    Form as Sent,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use serde::de::DeserializeOwned;
use std::future::ready;

/// What something is done to.
pub(crate) trait Subject: Sized + Send {
    /// What the address names, such as a referral, or that and a setting; nothing where the page
    /// is the only one of its kind.
    type At: DeserializeOwned + Send + Sync + 'static;

    /// It as it is now, after a line in the audit. Where that is gone, the fault says on which page
    /// it is told why (see [`Fault::instead`]).
    fn load(
        app: &App,
        viewer: &Viewer,
        at: &Self::At,
    ) -> impl Future<Output = Result<Self, Fault>> + Send;

    /// What its pages belong to.
    fn section(&self) -> Section<'_>;
}

/// What the address of a deed names.
pub(crate) type At<D> = <<D as Deed>::To as Subject>::At;

/// Something that people do by a form.
pub(crate) trait Deed: Sized + 'static {
    /// What it is done to.
    type To: Subject;
    /// The page with the form.
    type Page: Template + Send;
    /// Whether its form may carry a file; it is then put among the pages that take one.
    const HAS_FILE: bool = false;
    /// Where its form is sent to.
    fn path(at: &At<Self>) -> String;

    /// The page with the form, filled in with what was typed.
    fn page(sheet: Sheet<'_>, to: Self::To) -> Self::Page;

    /// What is asked once more before it is done: where it cannot be undone.
    fn question(_to: &Self::To, _fields: &Fields) -> Option<Question> {
        None
    }

    /// The same, where more is looked up for it than the page shows.
    fn looked_up_question(
        _app: &App,
        _viewer: &Viewer,
        to: &Self::To,
        fields: &Fields,
    ) -> impl Future<Output = Result<Option<Question>, Fault>> + Send {
        ready(Ok(Self::question(to, fields)))
    }

    /// Does it: the address that leads on. In a rehearsal everything is refused that would be, and
    /// nothing is kept (see [`App::rehearsal`]).
    fn carry_out(
        app: &App,
        viewer: &Viewer,
        at: &At<Self>,
        fields: &Fields,
    ) -> impl Future<Output = Result<String, Fault>> + Send;
}

/// What a page with a form is made of besides what the form is about.
#[derive(Debug)]
pub(crate) struct Sheet<'a> {
    pub(crate) app: &'a App,
    pub(crate) viewer: &'a Viewer,
    /// What was typed, or what the address fills in.
    pub(crate) fields: &'a Fields,
    pub(crate) layout: Layout,
    pub(crate) form: Form,
}

impl<'a> Sheet<'a> {
    /// Of a page that was not sent anything.
    pub(crate) fn empty(app: &'a App, viewer: &'a Viewer, section: Section<'_>) -> Self {
        Self {
            app,
            viewer,
            fields: Fields::none(),
            layout: Layout::new(app, viewer, section),
            form: Form::new(app, viewer, None),
        }
    }

    /// The three fields of the day `name` as they were typed.
    pub(crate) fn typed_day(&self, name: &str) -> [String; 3] {
        self.fields.day_month_year(name).map(str::to_owned)
    }

    /// The first field `name` as it was typed.
    pub(crate) fn typed(&self, name: &str) -> String {
        self.fields.get(name).to_owned()
    }
}

/// What somebody is asked before something is done that cannot be undone.
#[derive(Debug)]
pub(crate) struct Question {
    /// What it is about, such as `Referral R1`.
    pub(crate) caption: String,
    /// Such as `Decide for F1?`.
    pub(crate) title: String,
    /// What was filled in, to be checked.
    pub(crate) rows: Vec<(&'static str, String)>,
    /// What cannot be undone.
    pub(crate) warning: &'static str,
    /// What the button says that does it.
    pub(crate) button: &'static str,
}

#[derive(Debug, Template)]
#[template(path = "question.html")]
struct QuestionPage<'a> {
    layout: Layout,
    form: Form,
    question: Question,
    path: String,
    has_file: bool,
    typed: Vec<(&'a str, &'a str)>,
}

/// The page of `D`, and what its form is sent to.
pub(crate) fn route<D: Deed>() -> MethodRouter<App> {
    get(show::<D>).post(send::<D>)
}

async fn show<D: Deed>(
    State(app): State<App>,
    viewer: Viewer,
    Path(at): Path<At<D>>,
    Query(fields): Query<Fields>,
) -> Result<Response, Fault> {
    page::<D>(&app, &viewer, &at, &fields, None).await
}

async fn page<D: Deed>(
    app: &App,
    viewer: &Viewer,
    at: &At<D>,
    fields: &Fields,
    notice: Option<Notice>,
) -> Result<Response, Fault> {
    let to = D::To::load(app, viewer, at).await?;
    let form = Form::new(app, viewer, notice);
    let status = form.status();
    let layout = Layout::new(app, viewer, to.section());
    let sheet = Sheet {
        app,
        viewer,
        fields,
        layout,
        form,
    };
    Ok((status, Page(D::page(sheet, to))).into_response())
}

async fn send<D: Deed>(
    State(app): State<App>,
    viewer: Viewer,
    Path(at): Path<At<D>>,
    Sent(fields): Sent<Fields>,
) -> Result<Response, Fault> {
    let sent = match fields.step() {
        Step::Change => return page::<D>(&app, &viewer, &at, &fields, None).await,
        Step::Confirmed => carry_out_once::<D>(&app, &viewer, &at, &fields).await,
        Step::Filled => match ask::<D>(&app, &viewer, &at, &fields).await {
            Ok(None) => carry_out_once::<D>(&app, &viewer, &at, &fields).await,
            Ok(Some(asked)) => Ok(asked),
            Err(fault) => Err(fault),
        },
    };
    match sent {
        Ok(sent) => Ok(sent),
        Err(fault) => page::<D>(&app, &viewer, &at, &fields, Some(Notice::of(fault)?)).await,
    }
}

async fn carry_out_once<D: Deed>(
    app: &App,
    viewer: &Viewer,
    at: &At<D>,
    fields: &Fields,
) -> Result<Response, Fault> {
    let work = Box::pin(D::carry_out(app, viewer, at, fields));
    once(app, viewer, &D::path(at), fields, work).await
}

/// The question, if there is one, and if the answer can be yes.
async fn ask<D: Deed>(
    app: &App,
    viewer: &Viewer,
    at: &At<D>,
    fields: &Fields,
) -> Result<Option<Response>, Fault> {
    let to = D::To::load(app, viewer, at).await?;
    let Some(question) = D::looked_up_question(app, viewer, &to, fields).await? else {
        return Ok(None);
    };
    Box::pin(D::carry_out(&app.rehearsal(), viewer, at, fields)).await?;
    let page = QuestionPage {
        layout: Layout::new(app, viewer, to.section()),
        form: Form::new(app, viewer, None),
        question,
        path: D::path(at),
        has_file: D::HAS_FILE,
        typed: fields.typed().collect(),
    };
    Ok(Some(Page(page).into_response()))
}
