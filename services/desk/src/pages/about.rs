//! About the service, and its accessibility statement.

use super::layout::{Layout, Page, Section};
use crate::{app::App, session::Viewer};
use askama::Template;
use axum::{extract::State, response::IntoResponse};
use oss_geography::ATTRIBUTION;

#[derive(Debug, Template)]
#[template(path = "about.html")]
struct AboutPage {
    layout: Layout,
    attribution: &'static str,
    policy: String,
    engine: &'static str,
    gazetteer: String,
    version: &'static str,
}

#[derive(Debug, Template)]
#[template(path = "accessibility.html")]
struct AccessibilityPage {
    layout: Layout,
}

/// `GET /about`
pub(crate) async fn about(State(app): State<App>, viewer: Viewer) -> impl IntoResponse {
    Page(AboutPage {
        layout: Layout::new(&app, &viewer, Section::Other),
        attribution: ATTRIBUTION,
        policy: app.policy.id().to_owned(),
        engine: oss_matching::ENGINE_VERSION,
        gazetteer: app.gazetteer.edition().source.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// `GET /accessibility`
pub(crate) async fn accessibility() -> impl IntoResponse {
    Page(AccessibilityPage {
        layout: Layout::nobodys(),
    })
}
