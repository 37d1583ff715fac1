//! The page of signing in.

use crate::{app::App, session::Viewer};
use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};

/// What the page shows.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub(super) struct Page<'a> {
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
            problem: "",
            notice: "",
            return_to,
            has_provider: app.sign_in.openid.is_some(),
            has_local: app.sign_in.has_local(),
            csrf: viewer.map_or("", Viewer::csrf),
        }
    }

    /// The same, saying what went wrong.
    pub(super) const fn with_problem(self, problem: &'a str) -> Self {
        Self { problem, ..self }
    }

    /// The same, saying what there is to say besides.
    pub(super) const fn with_notice(self, notice: &'a str) -> Self {
        Self { notice, ..self }
    }

    pub(super) fn answer(&self, status: StatusCode) -> Response {
        match self.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}
