//! The options for a child, the best first, with why; what filters hide is said.

use super::{
    facts::Facts,
    layout::{Layout, Page},
    map::Map,
    matched::Matched,
    not_shown,
    words::{self, Tag, TimeLeft},
};
use crate::{app::App, problem::Fault, query::Parameters, session::Viewer};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use form_urlencoded::Serializer;
use oss_domain::{
    Exclusion, Setting, SettingId,
    setting::{Kind, Sourcing},
};
use oss_matching::{evaluation::Offer, explain, rules::rule};
use oss_workflow::authorise::Act;
use std::{collections::HashMap, sync::Arc};

/// Options on a page.
const ON_A_PAGE: usize = 25;

#[derive(Debug, Template)]
#[template(path = "options.html")]
struct OptionsPage {
    layout: Layout,
    reference: String,
    link: String,
    state: Tag,
    time_left: Option<TimeLeft>,
    evaluated: u32,
    evaluated_at: String,
    policy: String,
    rows: Vec<Row>,
    ranked: usize,
    hidden: usize,
    excluded: usize,
    kinds: Vec<(&'static str, &'static str, bool)>,
    sourcings: Vec<(&'static str, &'static str, bool)>,
    miles: String,
    removable: Vec<(String, String)>,
    from_home: bool,
    may_act: bool,
    reasons: Vec<(u32, &'static str)>,
    map: Option<Map>,
    next_page: Option<String>,
    first_page: Option<String>,
    page: usize,
    gone: Option<Gone>,
}

/// A home that somebody wanted to act on, and that is no option any more.
#[derive(Debug)]
struct Gone {
    title: String,
    reasons: Vec<String>,
}

impl Gone {
    /// Of the home that the address names; anybody may have written that.
    async fn find(app: &App, matched: &Matched, named: &str) -> Result<Option<Self>, Fault> {
        let evaluation = &matched.run.evaluation;
        let Ok(setting_id) = named.parse::<SettingId>() else {
            return Ok(None);
        };
        let mut ranked = evaluation.ranked.iter();
        if ranked.any(|offer| offer.setting_id == setting_id) {
            return Ok(None);
        }
        let title = format!("{setting_id} is not on the list any more");
        let mut excluded = evaluation.excluded.iter();
        if let Some(found) = excluded.find(|it| it.setting_id == setting_id) {
            let reasons = found.reasons.iter().map(not_shown::text_of).collect();
            return Ok(Some(Self { title, reasons }));
        }
        let at = matched.stored.authority;
        let (title, reason) = match app.store.setting(at, &setting_id).await? {
            Some(head) if head.open => (title, "It was not there when the homes were ranked."),
            Some(_) => (title, "It has left the register."),
            // What is not known is not repeated.
            None => (
                "This home is not on the list".to_owned(),
                "The register has no home of that id.",
            ),
        };
        let reasons = vec![reason.to_owned()];
        Ok(Some(Self { title, reasons }))
    }
}

#[derive(Debug)]
struct Row {
    rank: usize,
    facts: Facts,
    /// Why it ranks above the next.
    why: Option<String>,
}

/// What to show of the options.
#[derive(Clone, Debug, Default)]
struct Filter {
    kind: Option<Kind>,
    sourcing: Option<Sourcing>,
    miles: Option<u16>,
    page: usize,
}

impl Filter {
    fn read(parameters: &Parameters) -> Result<Self, Fault> {
        let page = parameters
            .get::<String>("page")?
            .and_then(|text| text.parse().ok());
        // Whoever types no number of miles wants none: the page shows that nothing is hidden.
        let miles = parameters
            .get::<String>("miles")?
            .and_then(|text| text.trim().parse().ok());
        Ok(Self {
            kind: parameters.get("kind")?,
            sourcing: parameters.get("sourcing")?,
            miles: miles.filter(|miles| *miles > 0),
            page: page.unwrap_or(1).max(1),
        })
    }

    fn shows(&self, offer: &Offer) -> bool {
        self.kind.is_none_or(|kind| kind == offer.kind)
            && self
                .sourcing
                .is_none_or(|sourcing| sourcing == offer.sourcing)
            && self
                .miles
                .is_none_or(|miles| offer.distances.home.get() <= miles.saturating_mul(10))
    }

    fn link(&self, base: &str) -> String {
        let mut query = Serializer::new(String::new());
        if let Some(kind) = self.kind {
            query.append_pair("kind", kind.as_str());
        }
        if let Some(sourcing) = self.sourcing {
            query.append_pair("sourcing", sourcing.as_str());
        }
        if let Some(miles) = self.miles {
            query.append_pair("miles", &miles.to_string());
        }
        if self.page > 1 {
            query.append_pair("page", &self.page.to_string());
        }
        let query = query.finish();
        let sign = if query.is_empty() { "" } else { "?" };
        format!("{base}/options{sign}{query}")
    }

    /// The filters in force, each with the link that removes it.
    fn removable(&self, base: &str) -> Vec<(String, String)> {
        let first = Self {
            page: 1,
            ..self.clone()
        };
        let mut removable = Vec::new();
        if let Some(kind) = self.kind {
            let without = Self {
                kind: None,
                ..first.clone()
            };
            removable.push((words::kind(kind).to_owned(), without.link(base)));
        }
        if let Some(sourcing) = self.sourcing {
            let without = Self {
                sourcing: None,
                ..first.clone()
            };
            removable.push((words::sourcing(sourcing).to_owned(), without.link(base)));
        }
        if let Some(miles) = self.miles {
            let without = Self {
                miles: None,
                ..first
            };
            removable.push((
                format!("At most {miles} miles from home"),
                without.link(base),
            ));
        }
        removable
    }
}

/// `GET /referrals/{id}/options`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let filter = Filter::read(&parameters)?;
    let gone = parameters.get::<String>("gone")?.unwrap_or_default();
    let matched = Matched::load(&app, &viewer, &id, &parameters, "options.read").await?;
    let gone = Gone::find(&app, &matched, &gone).await?;
    let evaluation = &matched.run.evaluation;
    let shown: Vec<_> = matched
        .ranked()
        .filter(|(_, offer)| filter.shows(offer))
        .collect();
    let first = (filter.page - 1).saturating_mul(ON_A_PAGE);
    let on_page: Vec<_> = shown.iter().skip(first).take(ON_A_PAGE).copied().collect();
    let more = shown.len() > first.saturating_add(ON_A_PAGE);
    let ids: Vec<_> = on_page
        .iter()
        .map(|(_, offer)| offer.setting_id.clone())
        .collect();
    let settings = matched.settings(&app, &ids).await?;
    let rows = on_page.iter().map(|(rank, offer)| {
        let provider = settings
            .get(&offer.setting_id)
            .map_or("", |it| &*it.provider.name);
        let next = evaluation.ranked.get(*rank);
        Row {
            rank: *rank,
            facts: Facts::new(offer, provider, &matched.policy),
            why: next.map(|next| explain::comparison(offer, next)),
        }
    });
    let map = map(&app, &matched, &on_page, &settings);
    let base = matched.link();
    let at = |page| {
        Filter {
            page,
            ..filter.clone()
        }
        .link(&base)
    };
    let page = OptionsPage {
        gone,
        layout: Layout::new(&app, &viewer, matched.section()),
        reference: matched.stored.referral_id.to_string(),
        state: words::state(matched.stored.state),
        time_left: TimeLeft::of(&matched.stored, app.clock.now()),
        evaluated: evaluation.evaluated,
        evaluated_at: words::at(matched.run.facts.evaluated_at),
        policy: matched.run.facts.policy_id.to_string(),
        rows: rows.collect(),
        ranked: evaluation.ranked.len(),
        hidden: evaluation.ranked.len() - shown.len(),
        excluded: evaluation.excluded.len(),
        kinds: Kind::ALL
            .iter()
            .map(|kind| {
                (
                    kind.as_str(),
                    words::kind(*kind),
                    filter.kind == Some(*kind),
                )
            })
            .collect(),
        sourcings: Sourcing::ALL
            .iter()
            .map(|it| {
                (
                    it.as_str(),
                    words::sourcing(*it),
                    filter.sourcing == Some(*it),
                )
            })
            .collect(),
        miles: filter
            .miles
            .map(|miles| miles.to_string())
            .unwrap_or_default(),
        removable: filter.removable(&base),
        from_home: matched.referral.locations.home.is_some(),
        may_act: viewer.may(Act::Approach) && matched.stored.state.is_open(),
        reasons: reasons(&matched),
        map,
        next_page: more.then(|| at(filter.page + 1)),
        first_page: (filter.page > 1).then(|| at(1)),
        page: filter.page,
        link: base,
    };
    Ok(Page(page))
}

/// The map of the options on the page, around the child's home or the council's centre.
fn map(
    app: &App,
    matched: &Matched,
    on_page: &[(usize, &Offer)],
    settings: &HashMap<SettingId, Arc<Setting>>,
) -> Option<Map> {
    let points = on_page.iter().filter_map(|(rank, offer)| {
        let postcode = settings.get(&offer.setting_id)?.postcode;
        Some((*rank, app.gazetteer.locate(&postcode)?.point))
    });
    let points: Vec<_> = points.collect();
    let home = matched.referral.locations.home;
    let centre = || Some(matched.policy.authority(matched.stored.authority)?.centre);
    let from = app.gazetteer.locate(&home.or_else(centre)?)?;
    Some(Map::new(
        matched.stored.authority,
        from.point,
        home.is_some(),
        &points,
    ))
}

/// How many settings each rule keeps out, the most first.
fn reasons(matched: &Matched) -> Vec<(u32, &'static str)> {
    let counts = matched.run.evaluation.exclusion_counts.iter();
    let mut reasons: Vec<_> = counts
        .map(|(code, count): (&Exclusion, &u32)| (*count, rule(*code).text))
        .collect();
    reasons.sort_by_key(|(count, text)| (std::cmp::Reverse(*count), *text));
    reasons
}
