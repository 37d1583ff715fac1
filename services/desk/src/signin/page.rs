//! The page of signing in.

use crate::{
    app::App,
    pages::{self, Layout},
    session::Viewer,
};
use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

/// What the page shows.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub(super) struct Page<'a> {
    layout: Layout,
    problem: &'a str,
    notice: &'a str,
    return_to: &'a str,
    has_provider: bool,
    has_local: bool,
    csrf: &'a str,
}

impl<'a> Page<'a> {
    pub(super) fn new(app: &App, viewer: Option<&'a Viewer>, return_to: &'a str) -> Self {
        Self {
            layout: Layout::nobodys(),
            problem: "",
            notice: "",
            return_to,
            has_provider: app.sign_in.openid.is_some(),
            has_local: app.sign_in.has_local(),
            csrf: viewer.map_or("", Viewer::csrf),
        }
    }

    /// The same, saying what went wrong.
    pub(super) fn with_problem(self, problem: &'a str) -> Self {
        Self { problem, ..self }
    }

    /// The same, saying what there is to say besides.
    pub(super) fn with_notice(self, notice: &'a str) -> Self {
        Self { notice, ..self }
    }

    pub(super) fn answer(self, status: StatusCode) -> Response {
        let mut page = pages::Page(self).into_response();
        if page.status() == StatusCode::OK {
            *page.status_mut() = status;
        }
        page
    }
}
