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

/// What the menu leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Menu {
    Queue,
    Provider,
    Drafts,
    Approvals,
    Reports,
    Homes,
    Policy,
    People,
    Events,
}

impl Menu {
    /// In its order: with whose it is, what it is called and where it leads.
    const ALL: [(Self, Act, &'static str, &'static str); 9] = [
        (Self::Queue, Act::ListReferrals, "Queue", "/"),
        (
            Self::Provider,
            Act::AnswerOwn,
            "What you were asked",
            "/provider",
        ),
        (Self::Drafts, Act::WriteReferral, "Drafts", "/drafts"),
        (
            Self::Approvals,
            Act::ReadApprovals,
            "Approvals",
            "/approvals",
        ),
        (Self::Reports, Act::ReadApprovals, "Reports", "/reports"),
        (Self::Homes, Act::ReadSettings, "Homes", "/admin/settings"),
        (Self::Policy, Act::ReadFigures, "Policy", "/admin/policy"),
        (Self::People, Act::MendEvents, "People", "/admin/people"),
        (
            Self::Events,
            Act::MendEvents,
            "Events",
            "/admin/dead-letters",
        ),
    ];

    /// The first page of the menu that `viewer` may see.
    pub(crate) fn first(viewer: &Viewer) -> &'static str {
        let mut all = Self::ALL.into_iter();
        let first = all.find(|(_, act, ..)| viewer.may(*act));
        first.map_or("/about", |(.., href)| href)
    }
}

/// What a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section<'a> {
    /// It is what the menu leads to.
    At(Menu),
    /// It is reached from there.
    Within(Menu),
    /// It is of a referral of the queue, with who has taken it.
    Case(Option<&'a Taken>),
    Other,
}

/// An entry of the menu.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) text: &'static str,
    pub(crate) href: &'static str,
    /// What `aria-current` says of it, if the page belongs to it.
    pub(crate) current: Option<&'static str>,
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
    /// What the viewer may see of the menu.
    pub(crate) menu: Vec<Entry>,
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
            Section::At(_) | Section::Within(_) | Section::Other => None,
        };
        Self {
            viewer: viewer.name().to_owned(),
            csrf: viewer.csrf().to_owned(),
            menu: menu(viewer, section),
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
            menu: Vec::new(),
            printed: String::new(),
            colleague: None,
            seconds_left: None,
        }
    }
}

fn menu(viewer: &Viewer, section: Section<'_>) -> Vec<Entry> {
    let current = |of| match section {
        Section::At(at) if at == of => Some("page"),
        Section::Within(within) if within == of => Some("true"),
        Section::Case(_) if of == Menu::Queue => Some("true"),
        _ => None,
    };
    let seen = Menu::ALL.into_iter();
    let seen = seen.filter(|(_, act, ..)| viewer.may(*act));
    let entry = |(of, _, text, href)| Entry {
        text,
        href,
        current: current(of),
    };
    seen.map(entry).collect()
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
