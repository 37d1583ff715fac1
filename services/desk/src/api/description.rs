//! `GET /openapi.json`: the description of this API, as it is checked in.

use axum::{http::header, response::IntoResponse};

#[cfg(test)]
mod generate;

/// OpenAPI 3.1, made from the types and held in step by a test.
const DOCUMENT: &str = include_str!("../../../../docs/contract/openapi.json");

/// `GET /openapi.json`
pub(crate) async fn read() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}

/// A validator of a schema of the document, by its name.
#[cfg(test)]
pub(crate) fn schema(name: &str) -> jsonschema::Validator {
    generate::validator(name).unwrap()
}
