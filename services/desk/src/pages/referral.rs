//! A referral: the child first, then what is asked for, and what has happened.

use super::{
    acts::form::{Form, Notice},
    facts::capital,
    history::{Event, Teller},
    languages,
    layout::{Layout, Menu, Page, Section},
    missing::{Missing, missing},
    words::{self, Tag, TimeLeft},
};
use crate::{
    api::find, app::App, problem::Fault, query::Parameters, reading::record_reading,
    session::Viewer,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use oss_domain::{Need, Referral, SettingId, lifecycle::ReferralState, need::Needs};
use oss_storage::desk::Taken;
use oss_workflow::{approvals::ApprovalTask, authorise::Act};

/// Lines of history on the page.
const LINES: u32 = 30;

#[derive(Debug, Template)]
#[template(path = "referral.html")]
struct ReferralPage {
    layout: Layout,
    form: Form,
    reference: String,
    title: String,
    urgency: Option<Tag>,
    state: Tag,
    time_left: Option<TimeLeft>,
    next: &'static str,
    from: &'static str,
    start_date: String,
    received: String,
    revision: u64,
    children: Vec<String>,
    wishes: Option<String>,
    narrative: Vec<(&'static str, String)>,
    needs: Vec<NeedRow>,
    locations: Vec<(&'static str, String)>,
    plan: Vec<(&'static str, String)>,
    missing: Vec<Missing>,
    found: Option<Found>,
    taken: Option<Taken>,
    own: bool,
    may_take: bool,
    /// Where to change it, for those who may.
    change: Option<String>,
    news: Option<&'static str>,
    sees_options: bool,
    history: Vec<Event>,
    older: Option<i64>,
}

impl ReferralPage {
    /// The colleague who handed it over.
    fn given_by(&self) -> Option<&str> {
        self.taken.as_ref()?.given_by.as_deref()
    }
}

#[derive(Debug)]
struct NeedRow {
    name: String,
    level: String,
    essential: bool,
}

/// What the current run found.
#[derive(Debug)]
struct Found {
    ranked: usize,
    excluded: usize,
    at: String,
}

/// `GET /referrals/{id}`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Response, Fault> {
    page(&app, &viewer, &id, &parameters, None).await
}

/// The page, with why something was not done.
pub(crate) async fn page(
    app: &App,
    viewer: &Viewer,
    id: &str,
    parameters: &Parameters,
    notice: Option<Notice>,
) -> Result<Response, Fault> {
    let caller = viewer.caller();
    let stored = find::stored_referral(app, &caller, id, parameters).await?;
    let at = (stored.authority, Some(stored.key));
    let thing = format!("revision {}", stored.revision);
    record_reading(app, &caller, at, "referral.read", thing).await?;
    let before = parameters.get::<i64>("before")?;
    let lines = app
        .store
        .history(stored.authority, stored.key, before, LINES)
        .await?;
    let older = lines
        .last()
        .filter(|line| line.seq > 1 && lines.len() == LINES as usize);
    let older = older.map(|line| line.seq);
    let people = lines.iter().filter(|line| line.actor_kind == "person");
    let people = app.store.names_of(people.map(|line| &*line.actor)).await?;
    let teller = Teller {
        viewer,
        base: &format!("/referrals/{}", stored.referral_id),
        current: stored.run_id,
        people: &people,
        named: &app.store.named(&lines).await?,
    };
    let taken = app.store.taken(stored.key).await?;
    let run = match stored.run_id {
        Some(run_id) => app.store.run(run_id).await?,
        None => None,
    };
    let found = run.as_ref().map(|run| Found {
        ranked: run.evaluation.ranked.len(),
        excluded: run.evaluation.excluded.len(),
        at: words::at(run.facts.evaluated_at),
    });
    let may_change = viewer.may(Act::WriteReferral) && stored.state != ReferralState::Withdrawn;
    // What was found for another revision says nothing of this one's gaps.
    let current = run.filter(|run| run.facts.revision == stored.revision);
    let is_sought = current.is_none() && stored.state == ReferralState::Received;
    let approvals = match stored.state {
        ReferralState::Selected => app.store.approvals_of(stored.key).await?,
        _ => Vec::new(),
    };
    let waits_for_approval = approvals.iter().any(ApprovalTask::holds_up_the_start);
    let (next, from) = words::next(stored.state, waits_for_approval);
    let referral = stored.referral.as_deref();
    let form = Form::new(app, viewer, notice);
    let status = form.status();
    let page = ReferralPage {
        layout: Layout::new(app, viewer, Section::Within(Menu::Queue)),
        form,
        reference: stored.referral_id.to_string(),
        title: referral
            .and_then(|it| it.narrative.title.clone())
            .unwrap_or_default(),
        urgency: referral.map(|it| words::urgency(it.urgency)),
        state: words::state(stored.state),
        time_left: TimeLeft::of(&stored, app.clock.now()),
        next,
        from,
        start_date: referral
            .map(|it| words::date(it.start_date))
            .unwrap_or_default(),
        received: words::at(stored.received_at),
        revision: stored.revision,
        children: referral.map(children).unwrap_or_default(),
        wishes: referral.and_then(|it| it.narrative.wishes_and_feelings.clone()),
        narrative: referral.map(narrative).unwrap_or_default(),
        needs: referral.map(|it| needs(&it.needs)).unwrap_or_default(),
        locations: referral.map(locations).unwrap_or_default(),
        plan: referral.map(plan).unwrap_or_default(),
        missing: referral
            .map(|it| missing(it, current.as_ref().map(|run| &run.evaluation)))
            .unwrap_or_default(),
        own: taken
            .as_ref()
            .is_some_and(|taken| *taken.user_id == *caller.principal.id),
        taken,
        change: may_change.then(|| format!("/drafts/{}", stored.referral_id)),
        news: is_sought.then_some("Homes are being looked for, which takes a few seconds."),
        may_take: viewer.may(Act::Approach) && !matches!(next, "Nothing"),
        sees_options: viewer.may(Act::ReadOffers) && found.is_some(),
        found,
        history: lines.iter().map(|line| teller.tell(line)).collect(),
        older,
    };
    Ok((status, Page(page)).into_response())
}

fn children(referral: &Referral) -> Vec<String> {
    let one = |child: &oss_domain::Child| {
        let mut text = words::child(child, referral.start_date);
        if child.key_stage_4 {
            text.push_str(", in key stage 4");
        }
        if child.uasc {
            text.push_str(", unaccompanied and seeking asylum");
        }
        text
    };
    referral.children.iter().map(one).collect()
}

fn narrative(referral: &Referral) -> Vec<(&'static str, String)> {
    let narrative = &referral.narrative;
    let texts = [
        ("Why a home is needed", &narrative.reason),
        ("Whom the child is to see, and how", &narrative.contact_plan),
    ];
    texts
        .into_iter()
        .filter_map(|(name, text)| Some((name, text.clone()?)))
        .collect()
}

fn needs(needs: &Needs) -> Vec<NeedRow> {
    let row = |(need, level): (Need, oss_domain::Level)| NeedRow {
        name: capital(need.in_words()),
        level: format!("Level {level}: {}", words::level(level)),
        essential: needs.essential.contains(need),
    };
    let mut rows: Vec<_> = needs.levels.present().map(row).collect();
    rows.sort_by_key(|row| !row.essential);
    rows
}

fn locations(referral: &Referral) -> Vec<(&'static str, String)> {
    let not_given = || "Not given".to_owned();
    let at = &referral.locations;
    let contact: Vec<_> = at.contact.iter().map(ToString::to_string).collect();
    let mut rows = vec![
        ("Home", at.home.map_or_else(not_given, |it| it.to_string())),
        (
            "School",
            at.school.map_or_else(not_given, |it| it.to_string()),
        ),
        (
            "People the child sees",
            if contact.is_empty() {
                not_given()
            } else {
                contact.join(", ")
            },
        ),
    ];
    let zones: Vec<_> = referral
        .exclusion_zones
        .iter()
        .map(|zone| format!("within {} of {}", zone.radius, zone.centre))
        .collect();
    if !zones.is_empty() {
        rows.push(("No home may be", zones.join("; ")));
    }
    rows
}

fn plan(referral: &Referral) -> Vec<(&'static str, String)> {
    let kinds = referral
        .placement_types
        .iter()
        .map(|kind| words::kind(*kind));
    let mut rows = vec![("Kinds of home in the care plan, in order", join(kinds))];
    let conditions = &referral.matching;
    let asked = [
        (
            conditions.solo,
            "the child must live without other children",
        ),
        (conditions.no_younger_children, "no younger children"),
        (
            conditions.no_opposite_sex_children,
            "no children of the opposite sex",
        ),
        (
            conditions.prefers_no_male_household,
            "a household without men is preferred",
        ),
        (conditions.wheelchair_accessible, "accessible by wheelchair"),
        (conditions.parent_and_child, "a parent and child together"),
        (
            !referral.avoid_children.is_empty(),
            "certain children must not live there",
        ),
    ];
    let asked = join(
        asked
            .into_iter()
            .filter_map(|(is, text)| is.then_some(text)),
    );
    if !asked.is_empty() {
        rows.push(("Who else may live there", capital(&asked)));
    }
    let out = referral
        .excluded_authorities
        .iter()
        .map(|code| words::authority(*code));
    let out = join(out);
    if !out.is_empty() {
        rows.push(("Areas ruled out by a court or the plan", out));
    }
    let identity = &referral.identity;
    let reflected = identity
        .ethnicities
        .iter()
        .map(|it| format!("ethnicity: {}", it.in_words()));
    let reflected = reflected.chain(identity.religion.iter().map(|it| format!("religion: {it}")));
    let reflected = reflected.chain(
        identity
            .languages
            .iter()
            .map(|it| format!("language: {}", languages::name(it.as_str()))),
    );
    let reflected = join(reflected);
    if !reflected.is_empty() {
        rows.push(("What the care should reflect", capital(&reflected)));
    }
    let legal = &referral.legal_authority;
    let orders = [
        (
            legal.secure_order,
            "secure accommodation order (section 25)",
        ),
        (legal.secretary_of_state, "Secretary of State’s approval"),
    ];
    let orders = join(
        orders
            .into_iter()
            .filter_map(|(is, text)| is.then_some(text)),
    );
    if !orders.is_empty() {
        rows.push(("Orders", capital(&orders)));
    }
    if let Some(status) = referral.legal_status {
        rows.push(("Legal status", status.in_words().to_owned()));
    }
    if let Some(category) = referral.category_of_need {
        rows.push(("Category of need", category.in_words().to_owned()));
    }
    if let Some(setting) = &referral.previous_setting {
        rows.push(("Lived before in", SettingId::to_string(setting)));
    }
    rows
}

fn join<T: Into<String>>(items: impl Iterator<Item = T>) -> String {
    items.map(Into::into).collect::<Vec<String>>().join(", ")
}
