//! The options as a CSV file, safe to open in a spreadsheet.

use super::{facts::Facts, matched::Matched};
use crate::{app::App, problem::Fault, query::Parameters, session::Viewer};
use axum::{
    extract::{Path, State},
    http::header,
    response::IntoResponse,
};
use std::borrow::Cow;

const HEADINGS: [&str; 15] = [
    "rank",
    "setting",
    "provider",
    "kind",
    "sourcing",
    "band",
    "fit",
    "score",
    "miles_home",
    "miles_school",
    "miles_centre",
    "located_in",
    "weekly_cost_pence",
    "approvals",
    "warnings",
];

/// `GET /referrals/{id}/options.csv`
pub(crate) async fn download(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let matched = Matched::load(&app, &viewer, &id, &parameters, "options.exported").await?;
    let names = matched.names(&app).await?;
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    for (rank, offer) in matched.ranked() {
        let provider = names
            .get(&offer.setting_id)
            .map_or("", |name| &*name.provider);
        let facts = Facts::new(offer, provider, &matched.policy);
        let tenths = |tenths: u16| format!("{}.{}", tenths / 10, tenths % 10);
        let distances = &offer.distances;
        rows.push([
            rank.to_string(),
            facts.setting_id,
            facts.provider,
            facts.kind.to_owned(),
            facts.sourcing.to_owned(),
            facts.band.to_owned(),
            facts.fit,
            facts.score,
            tenths(distances.home.get()),
            distances
                .school
                .map(|it| tenths(it.get()))
                .unwrap_or_default(),
            tenths(distances.derby.get()),
            facts.located_in,
            offer.weekly_cost.get().to_string(),
            facts.approvals.join("; "),
            facts.warnings.join("; "),
        ]);
    }
    let file = format!(
        "attachment; filename=\"options-{}.csv\"",
        matched.stored.referral_id
    );
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, file),
    ];
    Ok((headers, written(&rows).ok_or_else(Fault::internal)?))
}

/// As RFC 4180 has it, with the mark that spreadsheets know UTF-8 by.
pub(crate) fn written<const N: usize>(rows: &[[String; N]]) -> Option<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    for row in rows {
        writer
            .write_record(row.iter().map(|cell| safe(cell).into_owned()))
            .ok()?;
    }
    writer.into_inner().ok()
}

/// A cell that no spreadsheet takes for a formula (OWASP, CSV injection).
fn safe(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{cell}").into()
    } else {
        cell.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_every_cell_comes_back() {
        let cells = ["=1+1", "+44", "-2", "@x", "\tx", "a,\"b\"\nc", "F01", ""].map(str::to_owned);
        let file = String::from_utf8(written(std::slice::from_ref(&cells)).unwrap()).unwrap();
        let text = file.strip_prefix('\u{feff}').unwrap();
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.as_bytes());
        let read = reader.records().next().unwrap().unwrap();
        for (cell, read) in cells.iter().zip(read.iter()) {
            assert_eq!(read.trim_start_matches('\''), cell);
            assert!(
                !read.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{read:?}"
            );
        }
    }
}
