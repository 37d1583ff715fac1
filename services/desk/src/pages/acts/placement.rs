//! A placement: the facts of its individual placement agreement, its start and its end.

use super::{
    form::{Fields, Form, Notice, once},
    progress::ApprovalRow,
    words,
};
use crate::{
    act::act,
    api::{decision, find},
    app::App,
    body::{Json, JsonOrNothing},
    pages::{
        layout::{Layout, Page, Section},
        words::{self as said, Tag},
    },
    problem::Fault,
    session::Viewer,
};
use askama::Template;
use axum::{
    Form as Sent,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use oss_domain::{PlacementId, ssda903::ReasonPlaceChange};
use oss_workflow::{
    Wanted,
    approvals::ApprovalTask,
    authorise::Act,
    placement::{Placement, PlacementState},
};
use serde_json::Value;

#[derive(Debug, Template)]
#[template(path = "agree.html")]
struct PlacementPage {
    layout: Layout,
    form: Form,
    reference: String,
    link: String,
    placement_id: String,
    state: Tag,
    rows: Vec<(&'static str, String)>,
    approvals: Vec<ApprovalRow>,
    /// What keeps it from starting.
    waits_for: usize,
    may_start: bool,
    may_end: bool,
    starts_on: String,
    ended_on: String,
    reason: String,
    planned: String,
    reasons: Vec<(&'static str, &'static str)>,
    yes_or_no: Vec<(&'static str, &'static str)>,
}

/// A placement with the approvals that it waits for, after a line in the audit.
pub(crate) async fn load(
    app: &App,
    viewer: &Viewer,
    id: &str,
    read: &'static str,
) -> Result<(Placement, Vec<ApprovalTask>), Fault> {
    let placement_id: PlacementId = find::id(id, "The placement")?;
    let caller = viewer.caller();
    let wanted = Wanted {
        placements: [placement_id].into(),
        ..Wanted::default()
    };
    act(app, &caller, &wanted, |unit, context| {
        let found = unit.placements.get(&placement_id).cloned();
        let authority = found.as_ref().map(|it| it.authority);
        let authority = find::own(&caller, authority, "The placement")?;
        let placement = found.ok_or_else(Fault::internal)?;
        unit.record(
            context,
            authority,
            Some(placement.referral),
            read,
            placement_id,
            None,
        );
        let approvals = unit
            .approvals
            .values()
            .filter(|it| it.placement_id == placement_id);
        Ok((placement, approvals.cloned().collect()))
    })
    .await
}

/// `GET /placements/{id}`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    page(&app, &viewer, &id, &Fields::default(), None).await
}

async fn page(
    app: &App,
    viewer: &Viewer,
    id: &str,
    fields: &Fields,
    notice: Option<Notice>,
) -> Result<Response, Fault> {
    let (placement, approvals) = load(app, viewer, id, "placement.read").await?;
    let now = app.clock.now();
    let form = Form::new(app, viewer, notice);
    let status = form.status();
    let waits_for = approvals
        .iter()
        .filter(|it| it.is_open() && it.blocks_start)
        .count();
    let may = viewer.may(Act::Place);
    let reasons = ReasonPlaceChange::ALL.iter();
    let page = PlacementPage {
        layout: Layout::new(app, viewer, Section::Queue),
        form,
        reference: placement.referral_id.to_string(),
        link: format!("/referrals/{}", placement.referral_id),
        placement_id: placement.placement_id.to_string(),
        state: words::placement(placement.state),
        rows: rows(&placement),
        approvals: approvals
            .iter()
            .map(|task| ApprovalRow::new(task, now))
            .collect(),
        waits_for,
        may_start: may && placement.state == PlacementState::Agreed,
        may_end: may
            && matches!(
                placement.state,
                PlacementState::Agreed | PlacementState::Started
            ),
        starts_on: match fields.get("starts_on") {
            "" => placement.starts_on.to_string(),
            typed => typed.to_owned(),
        },
        ended_on: fields.get("ended_on").to_owned(),
        reason: fields.get("reason_place_change").to_owned(),
        planned: fields.get("planned").to_owned(),
        reasons: reasons
            .map(|reason| (reason.as_str(), words::ending(*reason)))
            .collect(),
        yes_or_no: vec![("yes", "Yes"), ("no", "No")],
    };
    Ok((status, Page(page)).into_response())
}

/// What the agreement says.
pub(crate) fn rows(placement: &Placement) -> Vec<(&'static str, String)> {
    let codes = &placement.codes;
    let or_none = |code: Option<String>| code.unwrap_or_else(|| "not known".to_owned());
    let mut rows = vec![
        ("Home", placement.setting_id.to_string()),
        ("Provider", placement.provider_id.to_string()),
        ("Cost a week", placement.weekly_cost.to_string()),
        ("First day", said::date(placement.starts_on)),
        ("Decided", said::at(placement.decided_at)),
        ("Why this home", placement.reason.clone()),
    ];
    if let Some(reason) = &placement.reason_not_first {
        rows.push(("Why not the first of the list", reason.clone()));
    }
    if let Some(until) = placement.temporary_until {
        rows.push(("Temporary approval lasts until", said::date(until)));
    }
    let of_return = format!(
        "placement {}, provider {}, location {}, distance {}",
        codes.place,
        or_none(codes.provider.map(|it| it.to_string())),
        codes.location,
        or_none(codes.distance.map(|it| it.to_string())),
    );
    rows.push(("For the yearly return (SSDA903)", of_return));
    if let Some(ending) = placement.ending {
        let planned = if ending.planned {
            "planned"
        } else {
            "not planned"
        };
        rows.push(("Last day", said::date(ending.ended_on)));
        rows.push((
            "Why it ended",
            format!("{}, {planned}", words::ending(ending.reason)),
        ));
    }
    rows
}

/// `POST /placements/{id}/start`
pub(crate) async fn start(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Result<Response, Fault> {
    let starting = async {
        let body = JsonOrNothing(Value::Object(fields.body(&["starts_on"])));
        decision::start(State(app.clone()), viewer.caller(), Path(id.clone()), body).await?;
        Ok(format!("/placements/{id}"))
    };
    done(&app, &viewer, &id, "start", &fields, Box::pin(starting)).await
}

/// `POST /placements/{id}/end`
pub(crate) async fn end(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Result<Response, Fault> {
    let ending = async {
        let mut body = fields.body(&["ended_on", "reason_place_change"]);
        let planned = match fields.get("planned") {
            "yes" => true,
            "no" => false,
            _ => {
                let what = "choose whether the end was planned";
                return Err(Fault::invalid_field("/planned", "required_tick", what));
            }
        };
        body.insert("planned".to_owned(), planned.into());
        let body = Json(Value::Object(body));
        decision::end(State(app.clone()), viewer.caller(), Path(id.clone()), body).await?;
        Ok(format!("/placements/{id}"))
    };
    done(&app, &viewer, &id, "end", &fields, Box::pin(ending)).await
}

async fn done(
    app: &App,
    viewer: &Viewer,
    id: &str,
    what: &str,
    fields: &Fields,
    work: impl Future<Output = Result<String, Fault>> + Send,
) -> Result<Response, Fault> {
    let path = format!("/placements/{id}/{what}");
    match once(app, viewer, &path, fields, work).await {
        Ok(done) => Ok(done),
        Err(fault) => page(app, viewer, id, fields, Some(Notice::of(fault)?)).await,
    }
}
