//! What all pages have around them, and how they are sent.

use super::{assets, words};
use crate::{app::App, problem::Told, session::Viewer};
use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};
use oss_storage::desk::Taken;
use oss_workflow::authorise::Act;

/// What a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section<'a> {
    /// The queue itself.
    Queue,
    /// A referral of the queue, with who has taken it.
    Case(Option<&'a Taken>),
    Other,
}

/// Around every page.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) css: Option<String>,
    pub(crate) js: Option<String>,
    pub(crate) icon: Option<String>,
    /// Who looks; empty where nobody is known.
    pub(crate) viewer: String,
    pub(crate) csrf: String,
    pub(crate) in_queue: bool,
    pub(crate) sees_queue: bool,
    /// Other pages in the menu that the viewer may see: text and address.
    pub(crate) menu: Vec<(&'static str, &'static str)>,
    /// For paper: by whom and when.
    pub(crate) printed: String,
    /// Who else has taken the referral that the page is about.
    pub(crate) colleague: Option<String>,
    /// Seconds for which the viewer stays signed in if nothing is done.
    pub(crate) seconds_left: Option<i64>,
}

impl Layout {
    /// Around a page for `viewer`.
    pub(crate) fn new(app: &App, viewer: &Viewer, section: Section<'_>) -> Self {
        let is_other = |taken: &&Taken| *taken.user_id != *viewer.caller().principal.id;
        let colleague = match section {
            Section::Case(taken) => taken.filter(is_other).map(|it| it.user_name.clone()),
            Section::Queue | Section::Other => None,
        };
        Self {
            viewer: viewer.name().to_owned(),
            csrf: viewer.csrf().to_owned(),
            in_queue: section != Section::Other,
            sees_queue: viewer.may(Act::ListReferrals),
            menu: menu(viewer),
            printed: format!("{} by {}", words::at(app.clock.now()), viewer.name()),
            colleague,
            seconds_left: Some(viewer.left(app).until_idle),
            ..Self::nobodys()
        }
    }

    /// Around a page for anybody.
    pub(crate) fn nobodys() -> Self {
        Self {
            css: assets::path("desk.css"),
            js: assets::path("desk.js"),
            icon: assets::path("favicon.svg"),
            viewer: String::new(),
            csrf: String::new(),
            in_queue: false,
            sees_queue: false,
            menu: Vec::new(),
            printed: String::new(),
            colleague: None,
            seconds_left: None,
        }
    }
}

/// The pages of the menu besides the queue that `viewer` may see.
pub(crate) fn menu(viewer: &Viewer) -> Vec<(&'static str, &'static str)> {
    let pages = [
        (Act::AnswerOwn, "What you were asked", "/provider"),
        (Act::WriteReferral, "Drafts", "/drafts"),
        (Act::ReadApprovals, "Approvals", "/approvals"),
        (Act::ReadApprovals, "Reports", "/reports"),
        (Act::ReadSettings, "Homes", "/admin/settings"),
        (Act::ReadFigures, "Policy", "/admin/policy"),
        (Act::MendEvents, "People", "/admin/people"),
        (Act::MendEvents, "Events", "/admin/dead-letters"),
    ];
    let seen = pages.into_iter().filter(|(act, ..)| viewer.may(*act));
    seen.map(|(_, text, href)| (text, href)).collect()
}

/// A page on its way out.
#[derive(Debug)]
pub(crate) struct Page<T>(pub(crate) T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            // Its headers are those of every page: see `answer`.
            Ok(html) => Html(html).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

#[derive(Debug, Template)]
#[template(path = "fault.html")]
struct FaultPage {
    layout: Layout,
    title: String,
    detail: String,
    /// The same page without what its address says besides, where that was not understood.
    afresh: Option<String>,
}

/// People get pages where programs get problems.
pub(crate) async fn faults_as_pages(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let asks_with_query = request.method().is_safe() && request.uri().query().is_some();
    let mut response = next.run(request).await;
    let Some(told) = response.extensions_mut().remove::<Told>() else {
        return response;
    };
    if let Some(instead) = told.instead {
        return Redirect::to(&instead).into_response();
    }
    let problem = told.problem;
    let is_of_query = response.status() == StatusCode::BAD_REQUEST && asks_with_query;
    let page = Page(FaultPage {
        layout: Layout::nobodys(),
        afresh: is_of_query.then_some(path),
        title: problem.title,
        detail: problem.detail,
    });
    let mut page = page.into_response();
    *page.status_mut() = response.status();
    for name in [header::RETRY_AFTER, header::WWW_AUTHENTICATE, header::ALLOW] {
        let value: Option<HeaderValue> = response.headers_mut().remove(&name);
        page.headers_mut().extend(value.map(|value| (name, value)));
    }
    page
}
