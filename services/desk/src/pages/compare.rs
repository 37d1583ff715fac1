//! Up to four options side by side.

use super::{
    facts::{self, Facts, Need},
    layout::{Layout, Page},
    matched::Matched,
};
use crate::{app::App, problem::Fault, query::Parameters, session::Viewer};
use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
    response::IntoResponse,
};
use oss_domain::SettingId;
use oss_matching::explain;

/// As many as people can hold in their heads, and a page can hold side by side.
const AT_MOST: usize = 4;

#[derive(Debug, Template)]
#[template(path = "compare.html")]
struct ComparePage {
    layout: Layout,
    reference: String,
    link: String,
    columns: Vec<Column>,
    /// A row for each need.
    needs: Vec<Vec<Need>>,
    why: Vec<String>,
    too_many: bool,
    from_home: bool,
}

#[derive(Debug)]
struct Column {
    rank: usize,
    facts: Facts,
    residents: String,
}

/// `GET /referrals/{id}/compare?setting=…&setting=…`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<impl IntoResponse, Fault> {
    let query = query.unwrap_or_default();
    let parameters = Parameters::default();
    let mut wanted: Vec<SettingId> = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "setting")
        .filter_map(|(_, value)| value.parse().ok())
        .collect();
    wanted.dedup();
    let matched = Matched::load(&app, &viewer, &id, &parameters, "options.read").await?;
    let chosen = matched
        .ranked()
        .filter(|(_, offer)| wanted.contains(&offer.setting_id));
    let chosen: Vec<_> = chosen.take(AT_MOST).collect();
    let ids: Vec<_> = chosen
        .iter()
        .map(|(_, offer)| offer.setting_id.clone())
        .collect();
    let settings = matched.settings(&app, &ids).await?;
    let mut columns = Vec::new();
    let mut by_setting = Vec::new();
    for (rank, offer) in &chosen {
        let setting = settings
            .get(&offer.setting_id)
            .ok_or_else(Fault::internal)?;
        columns.push(Column {
            rank: *rank,
            facts: Facts::new(offer, &setting.provider.name, &matched.policy),
            residents: facts::residents(setting),
        });
        by_setting.push(facts::needs(&matched.referral, setting));
    }
    let rows = by_setting.first().map_or(0, Vec::len);
    let needs = (0..rows).map(|row| {
        by_setting
            .iter()
            .filter_map(|needs| needs.get(row).cloned())
            .collect()
    });
    let pairs = chosen.iter().zip(chosen.iter().skip(1));
    let page = ComparePage {
        layout: Layout::new(&app, &viewer, matched.section()),
        reference: matched.stored.referral_id.to_string(),
        link: matched.link(),
        needs: needs.collect(),
        why: pairs
            .map(|((_, above), (_, below))| explain::comparison(above, below))
            .collect(),
        too_many: wanted.len() > AT_MOST,
        from_home: matched.referral.locations.home.is_some(),
        columns,
    };
    Ok(Page(page))
}
