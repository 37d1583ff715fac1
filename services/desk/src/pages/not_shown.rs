//! Not shown, and why: every setting that was ruled out, with all its reasons, near misses first.

use super::{
    layout::{Layout, Page},
    matched::Matched,
    words,
};
use crate::{app::App, problem::Fault, query::Parameters, session::Viewer};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use form_urlencoded::Serializer;
use oss_domain::{Exclusion, Reason, SettingId};
use oss_matching::{explain, rules::rule};
use std::collections::BTreeSet;

/// Settings on a page.
const ON_A_PAGE: usize = 25;

#[derive(Debug, Template)]
#[template(path = "not_shown.html")]
struct NotShownPage {
    layout: Layout,
    reference: String,
    link: String,
    wanted: String,
    evaluated: u32,
    excluded: usize,
    found: usize,
    rows: Vec<Row>,
    counts: Vec<(u32, &'static str, &'static str, &'static str)>,
    page: usize,
    pages: usize,
    next_page: Option<String>,
    previous_page: Option<String>,
}

#[derive(Debug)]
struct Row {
    setting_id: String,
    provider: String,
    kind: &'static str,
    /// Acts that would each bring it in.
    cures: Vec<String>,
    is_near_miss: bool,
    is_in_plan: bool,
    reasons: Vec<String>,
}

/// `GET /referrals/{id}/not-shown`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let matched = Matched::load(&app, &viewer, &id, &parameters, "options.read").await?;
    let wanted = parameters
        .get::<String>("q")?
        .unwrap_or_default()
        .trim()
        .to_owned();
    let page = parameters
        .get::<String>("page")?
        .and_then(|text| text.parse().ok());
    let names = matched.names(&app).await?;
    let evaluation = &matched.run.evaluation;
    let near: BTreeSet<&SettingId> = evaluation
        .near_misses
        .iter()
        .map(|miss| &miss.setting_id)
        .collect();
    let lower = wanted.to_lowercase();
    let mut rows: Vec<_> = evaluation
        .excluded
        .iter()
        .map(|excluded| {
            let name = names.get(&excluded.setting_id);
            Row {
                setting_id: excluded.setting_id.to_string(),
                provider: name.map(|name| name.provider.clone()).unwrap_or_default(),
                kind: name.map_or("", |name| words::kind(name.kind)),
                cures: excluded
                    .requires
                    .iter()
                    .map(|act| rule(act).text.to_owned())
                    .collect(),
                is_near_miss: near.contains(&excluded.setting_id),
                is_in_plan: !excluded.reasons.contains(Exclusion::H14),
                reasons: excluded.reasons.iter().map(text_of).collect(),
            }
        })
        .filter(|row| {
            row.setting_id.to_lowercase().contains(&lower)
                || row.provider.to_lowercase().contains(&lower)
        })
        .collect();
    // What could be cured first, then what lacks one thing only, and kinds that the plan leaves out
    // last; within that by id, as the run has it.
    rows.sort_by_key(|row| {
        (
            row.cures.is_empty(),
            !row.is_near_miss,
            !row.is_in_plan,
            row.reasons.len(),
        )
    });
    let found = rows.len();
    let pages = found.div_ceil(ON_A_PAGE).max(1);
    let page = page.unwrap_or(1).clamp(1, pages);
    let base = matched.link();
    let link = |page: usize| {
        let mut query = Serializer::new(String::new());
        query
            .append_pair("q", &wanted)
            .append_pair("page", &page.to_string());
        format!("{base}/not-shown?{}", query.finish())
    };
    let rows = rows
        .into_iter()
        .skip((page - 1) * ON_A_PAGE)
        .take(ON_A_PAGE)
        .collect();
    let counts = evaluation.exclusion_counts.iter();
    let mut counts: Vec<_> = counts
        .map(|(code, count)| {
            let rule = rule(*code);
            (*count, rule.code, rule.text, rule.source)
        })
        .collect();
    counts.sort_by_key(|(count, code, ..)| (std::cmp::Reverse(*count), *code));
    Ok(Page(NotShownPage {
        layout: Layout::new(&app, &viewer, matched.section()),
        reference: matched.stored.referral_id.to_string(),
        evaluated: evaluation.evaluated,
        excluded: evaluation.excluded.len(),
        found,
        rows,
        counts,
        next_page: (page < pages).then(|| link(page + 1)),
        previous_page: (page > 1).then(|| link(page - 1)),
        page,
        pages,
        link: base,
        wanted,
    }))
}

pub(crate) fn text_of(reason: Reason) -> String {
    format!(
        "{} ({})",
        explain::reason(reason).trim_end_matches('.'),
        reason.code
    )
}
