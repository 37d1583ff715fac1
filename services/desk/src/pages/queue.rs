//! The queue: open referrals by urgency and time left, and who works on which.

use super::{
    layout::{Layout, Menu, Page, Section},
    words::{self, Tag},
};
use crate::{api::find, app::App, problem::Fault, query::Parameters, session::Viewer};
use askama::Template;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc};
use form_urlencoded::Serializer;
use oss_domain::{AuthorityCode, ReferralId, lifecycle::ReferralState, referral::Urgency};
use oss_storage::desk::{
    IN_QUEUE, QueueCounts, QueueCursor, QueueFilter, QueueOrder, Queued, Whose,
};
use oss_workflow::{ReferralKey, authorise::Act};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Referrals on a page.
const ON_A_PAGE: usize = 25;

#[derive(Debug, Template)]
#[template(path = "queue.html")]
struct QueuePage {
    layout: Layout,
    counts: QueueCounts,
    rows: Vec<Row>,
    asked: Asked,
    states: Vec<Choice>,
    urgencies: Vec<Choice>,
    whose: Vec<Choice>,
    /// Filters in force, each with the link that removes it.
    removable: Vec<(String, String)>,
    sorts: [Sort; 3],
    first_page: Option<String>,
    next_page: Option<String>,
    /// Where scripts ask for news.
    updates: String,
    may_take: bool,
}

#[derive(Debug)]
struct Row {
    reference: String,
    children: String,
    sought: String,
    urgency: Tag,
    state: Tag,
    next: &'static str,
    from: &'static str,
    time_left: String,
    late: bool,
    needed_by: String,
    taken_by: Option<String>,
    given_by: Option<String>,
    own: bool,
}

#[derive(Debug)]
struct Choice {
    value: String,
    text: String,
    chosen: bool,
}

#[derive(Debug)]
struct Sort {
    text: &'static str,
    link: String,
    is_in_force: bool,
}

/// What the address says.
#[derive(Clone, Debug, Default)]
struct Asked {
    state: Option<ReferralState>,
    urgency: Option<Urgency>,
    whose: String,
    starts_with: String,
    late: bool,
    sort: String,
    after: Option<QueueCursor>,
}

impl Asked {
    fn read(parameters: &Parameters) -> Result<Self, Fault> {
        let text = |name| -> Result<String, Fault> {
            let text = parameters.get::<String>(name)?.unwrap_or_default();
            Ok(text.trim().chars().take(40).collect())
        };
        Ok(Self {
            state: parameters.get("state")?,
            urgency: parameters.get("urgency")?,
            whose: text("whose")?,
            starts_with: text("q")?,
            late: text("late")? == "yes",
            sort: text("sort")?,
            after: parameters.after(read_cursor)?,
        })
    }

    fn order(&self) -> QueueOrder {
        match &*self.sort {
            "time" => QueueOrder::Time,
            "newest" => QueueOrder::Newest,
            _ => QueueOrder::Urgency,
        }
    }

    fn filter<'a>(&'a self, user_id: &'a str, now: DateTime<Utc>) -> QueueFilter<'a> {
        QueueFilter {
            state: self.state,
            urgency: self.urgency,
            whose: match &*self.whose {
                "mine" => Whose::Of(user_id),
                "nobody" => Whose::Nobodys,
                _ => Whose::All,
            },
            starts_with: (!self.starts_with.is_empty()).then_some(&*self.starts_with),
            needed_before: self.late.then_some(now),
        }
    }

    /// The address of the page that is asked for like this.
    fn link(&self) -> String {
        let mut query = Serializer::new(String::new());
        let pairs = [
            ("urgency", self.urgency.map_or("", Urgency::as_str)),
            ("state", self.state.map_or("", ReferralState::as_str)),
            ("whose", &self.whose),
            ("q", &self.starts_with),
            ("late", if self.late { "yes" } else { "" }),
            ("sort", &self.sort),
        ];
        query.extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
        if let Some(QueueCursor { first, second, key }) = self.after {
            query.append_pair("after", &format!("{first}.{second}.{}", key.0));
        }
        let query = query.finish();
        if query.is_empty() {
            "/".to_owned()
        } else {
            format!("/?{query}")
        }
    }

    fn removable(&self) -> Vec<(String, String)> {
        let first = Self {
            after: None,
            ..self.clone()
        };
        let mut removable = Vec::new();
        if let Some(urgency) = self.urgency {
            let without = Self {
                urgency: None,
                ..first.clone()
            };
            removable.push((words::urgency(urgency).text.to_owned(), without.link()));
        }
        if let Some(state) = self.state {
            let without = Self {
                state: None,
                ..first.clone()
            };
            removable.push((words::state(state).text.to_owned(), without.link()));
        }
        let whose = match &*self.whose {
            "mine" => "Taken by me",
            "nobody" => "Taken by nobody",
            _ => "",
        };
        if !whose.is_empty() {
            let without = Self {
                whose: String::new(),
                ..first.clone()
            };
            removable.push((whose.to_owned(), without.link()));
        }
        if self.late {
            let without = Self {
                late: false,
                ..first.clone()
            };
            removable.push(("Late".to_owned(), without.link()));
        }
        if !self.starts_with.is_empty() {
            let without = Self {
                starts_with: String::new(),
                ..first
            };
            let text = format!("Reference begins with {}", self.starts_with);
            removable.push((text, without.link()));
        }
        removable
    }
}

fn read_cursor(text: &str) -> Option<QueueCursor> {
    let mut parts = text.split('.').map(str::parse);
    let mut part = || parts.next()?.ok();
    let cursor = QueueCursor {
        first: part()?,
        second: part()?,
        key: ReferralKey(part()?),
    };
    parts.next().is_none().then_some(cursor)
}

/// `GET /`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    parameters: Parameters,
) -> Result<Response, Fault> {
    let asked = Asked::read(&parameters)?;
    let caller = viewer.caller();
    let authorities = find::authorities(&caller, &parameters)?;
    if let Some(found) = by_reference(&app, &authorities, &asked.starts_with).await? {
        return Ok(Redirect::to(&format!("/referrals/{found}")).into_response());
    }
    let now = app.clock.now();
    let user_id = &*caller.principal.id;
    let limit = u32::try_from(ON_A_PAGE + 1).unwrap_or(u32::MAX);
    let filter = asked.filter(user_id, now);
    let mut found = app
        .store
        .queue(&authorities, filter, asked.order(), asked.after, limit)
        .await?;
    let more = found.len() > ON_A_PAGE;
    found.truncate(ON_A_PAGE);
    let next_page = found.last().filter(|_| more).map(|last| {
        Asked {
            after: Some(last.cursor),
            ..asked.clone()
        }
        .link()
    });
    let page = QueuePage {
        layout: Layout::new(&app, &viewer, Section::At(Menu::Queue)),
        counts: app.store.queue_counts(&authorities, user_id).await?,
        rows: found
            .iter()
            .map(|queued| row(queued, now, user_id))
            .collect(),
        states: states(&asked),
        urgencies: urgencies(&asked),
        whose: whose(&asked),
        removable: asked.removable(),
        sorts: sorts(&asked),
        first_page: asked.after.map(|_| {
            Asked {
                after: None,
                ..asked.clone()
            }
            .link()
        }),
        next_page,
        updates: format!("/updates?since={}", now.timestamp_micros()),
        may_take: viewer.may(Act::Approach),
        asked,
    };
    Ok(Page(page).into_response())
}

/// Whoever types a whole reference wants that referral, closed ones too.
async fn by_reference(
    app: &App,
    authorities: &BTreeSet<AuthorityCode>,
    text: &str,
) -> Result<Option<ReferralId>, Fault> {
    let Ok(referral_id) = text.parse::<ReferralId>() else {
        return Ok(None);
    };
    let mut found = Vec::new();
    for authority in authorities {
        found.extend(app.store.referral(*authority, &referral_id).await?);
    }
    Ok((found.len() == 1).then_some(referral_id))
}

fn row(queued: &Queued, now: DateTime<Utc>, user_id: &str) -> Row {
    let referral = &queued.referral;
    let (time_left, late) = words::time_left(now, queued.needed_by);
    let (next, from) = words::next(queued.state, queued.waits_for_approval);
    let sought: Vec<_> = referral
        .placement_types
        .iter()
        .map(|kind| words::kind(*kind))
        .collect();
    Row {
        reference: queued.referral_id.to_string(),
        children: words::children(referral),
        sought: sought.join(", "),
        urgency: words::urgency(referral.urgency),
        state: words::state(queued.state),
        next,
        from,
        time_left,
        late,
        needed_by: words::needed_by(referral.urgency, queued.needed_by),
        given_by: queued
            .taken
            .as_ref()
            .and_then(|taken| taken.given_by.clone()),
        taken_by: queued.taken.as_ref().map(|taken| taken.user_name.clone()),
        own: queued
            .taken
            .as_ref()
            .is_some_and(|taken| taken.user_id == user_id),
    }
}

fn states(asked: &Asked) -> Vec<Choice> {
    let choice = |state: &ReferralState| Choice {
        value: state.to_string(),
        text: words::state(*state).text.to_owned(),
        chosen: asked.state == Some(*state),
    };
    IN_QUEUE.iter().map(choice).collect()
}

fn urgencies(asked: &Asked) -> Vec<Choice> {
    let choice = |urgency: &Urgency| Choice {
        value: urgency.to_string(),
        text: words::urgency(*urgency).text.to_owned(),
        chosen: asked.urgency == Some(*urgency),
    };
    Urgency::ALL.iter().map(choice).collect()
}

fn whose(asked: &Asked) -> Vec<Choice> {
    let choice = |(value, text): (&str, &str)| Choice {
        value: value.to_owned(),
        text: text.to_owned(),
        chosen: asked.whose == value,
    };
    [("mine", "Me"), ("nobody", "Nobody")]
        .into_iter()
        .map(choice)
        .collect()
}

fn sorts(asked: &Asked) -> [Sort; 3] {
    let sort = |name: &str, text| Sort {
        text,
        link: Asked {
            sort: name.to_owned(),
            after: None,
            ..asked.clone()
        }
        .link(),
        is_in_force: asked.sort == name,
    };
    [
        sort("", "Most urgent"),
        sort("time", "Least time left"),
        sort("newest", "Newest"),
    ]
}

/// `GET /updates`: how many referrals came since; nothing that tells of a child.
pub(crate) async fn updates(
    State(app): State<App>,
    viewer: Viewer,
    parameters: Parameters,
) -> Result<Json<Value>, Fault> {
    let authorities = find::authorities(&viewer.caller(), &parameters)?;
    let since = parameters
        .get::<i64>("since")?
        .and_then(DateTime::from_timestamp_micros);
    let since = since.ok_or_else(|| {
        Fault::not_understood("bad_query", "The parameter since must be a moment.")
    })?;
    let new = app.store.new_in_queue(&authorities, since).await?;
    Ok(Json(json!({ "new": new })))
}
