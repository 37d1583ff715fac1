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
    /// What went wrong, if anything.
    pub(super) problem: &'a str,
    /// What there is to say besides.
    pub(super) notice: &'a str,
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

    pub(super) fn answer(&self, status: StatusCode) -> Response {
        match self.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}
