//! Style sheet, script and icon, made by `assets/build` and embedded when the program is compiled.

use crate::problem::Fault;
use axum::{
    extract::Path,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::IntoResponse,
};
use rust_embed::RustEmbed;
use std::{collections::HashMap, sync::OnceLock};

#[derive(RustEmbed)]
#[folder = "assets/dist"]
struct Dist;

/// Names change with the content, so what a browser has stays right for ever.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Where the asset `name` lies; `None` in a program that was built without assets.
pub(crate) fn path(name: &str) -> Option<String> {
    static NAMES: OnceLock<HashMap<String, String>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        Dist::get("manifest.json")
            .and_then(|file| serde_json::from_slice(&file.data).ok())
            .unwrap_or_default()
    });
    names.get(name).map(|name| format!("/assets/{name}"))
}

/// `GET /assets/{name}`
pub(crate) async fn serve(
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Fault> {
    let content_type = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => return Err(Fault::of_status(StatusCode::NOT_FOUND)),
    };
    let zipped = takes_gzip(&headers)
        .then(|| Dist::get(&format!("{name}.gz")))
        .flatten();
    let mut encoding = Vec::new();
    let file = match zipped {
        Some(file) => {
            encoding.push((header::CONTENT_ENCODING, "gzip"));
            file
        }
        None => Dist::get(&name).ok_or_else(|| Fault::of_status(StatusCode::NOT_FOUND))?,
    };
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, FOR_EVER),
        (header::VARY, "accept-encoding"),
    ];
    let encoding: HeaderMap = encoding
        .into_iter()
        .map(|(name, value)| (name, header::HeaderValue::from_static(value)))
        .collect();
    Ok((headers, encoding, file.data))
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| {
        accepted
            .split(',')
            .any(|coding| coding.trim().eq_ignore_ascii_case("gzip"))
    })
}
