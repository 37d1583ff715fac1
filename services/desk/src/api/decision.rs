//! What people decide: the selection, approvals, the placement's start and end.

use crate::{
    act::act,
    api::{
        acts::{authority_of, wanted},
        find,
    },
    app::App,
    body::{Json, JsonOrNothing},
    caller::Caller,
    problem::Fault,
};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use oss_contract::act::{Act as _, EndPlacement, RecordApproval, Select, StartPlacement};
use oss_domain::{ApprovalId, OfferId, PlacementId};
use oss_workflow::{
    Wanted,
    approvals::{self, ApprovalTask, Check, Word},
    authorise::{Act, Thing},
    call_off::Ranking,
    decision::{self, Choice},
    placement::{self, Ending},
};
use serde_json::{Value, json};

/// How often a decision is tried that a new ranking came in between of.
const TRIES: u32 = 5;

/// `POST /offers/{id}/select`
pub(crate) async fn select(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json,
) -> Result<impl IntoResponse, Fault> {
    let Select {
        reason,
        reason_not_first,
    } = Select::from_json(&body).map_err(|errors| Fault::invalid(&errors))?;
    let offer_id: OfferId = find::id(&id, "The offer")?;
    let choice = Choice {
        offer_id,
        reason,
        reason_not_first,
        starts_on: None,
    };
    let mut tries = 0;
    let (placement_id, approvals) = loop {
        tries += 1;
        let ranking = ranking(&app, &caller, offer_id).await?;
        let selected = act(&app, &caller, &wanted(&app, offer_id), |unit, context| {
            authority_of(&app, &caller, unit, offer_id)?;
            let (placement, tasks) = app.with_world(|world| {
                decision::select(unit, context, world, &ranking, choice.clone())
            })?;
            Ok((
                placement.placement_id,
                tasks.iter().map(task).collect::<Vec<_>>(),
            ))
        })
        .await;
        match selected {
            Err(fault) if fault.is("ranking_changed") && tries < TRIES => {}
            selected => break selected?,
        }
    };
    let body = json!({ "placement_id": placement_id.to_string(), "approvals": approvals });
    Ok((StatusCode::CREATED, axum::Json(body)))
}

/// The order that the current run put the settings in: whoever departs from it says why.
async fn ranking(app: &App, caller: &Caller, offer_id: OfferId) -> Result<Ranking, Fault> {
    let (referral, _) = app.seal.open(offer_id);
    let stored = app.store.referral_by_key(referral).await?;
    find::own(caller, stored.as_ref().map(|it| it.authority), "The offer")?;
    let ranking = app.store.ranking(referral).await?;
    ranking.ok_or_else(|| Fault::not_found("The offer"))
}

fn task(task: &ApprovalTask) -> Value {
    let role = approvals::role_of(&task.approver);
    json!({
        "approval_id": task.approval_id.to_string(),
        "code": task.code.as_str(),
        "role": role.map_or(&*task.approver, |role| role.as_str()),
        "approver": &*task.approver,
        "due_at": task.due_at,
        "blocks_start": task.blocks_start,
        "checks": task.outstanding_checks().map(Check::as_str).collect::<Vec<_>>(),
    })
}

/// `POST /approvals/{id}/record`
pub(crate) async fn record(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json,
) -> Result<impl IntoResponse, Fault> {
    let RecordApproval {
        granted,
        note,
        confirmed,
    } = RecordApproval::from_json(&body).map_err(|errors| Fault::invalid(&errors))?;
    let word = Word {
        granted,
        note,
        confirmed: confirmed.unwrap_or_default(),
    };
    let approval_id: ApprovalId = find::id(&id, "The approval")?;
    let wanted = Wanted {
        approvals: [approval_id].into(),
        places: true,
        ..Wanted::default()
    };
    let roles: Vec<_> = caller.principal.roles.iter().copied().collect();
    act(&app, &caller, &wanted, |unit, context| {
        let task = unit.approvals.get(&approval_id);
        let authority = find::own(&caller, task.map(|task| task.authority), "The approval")?;
        let approver = task.map(|task| &*task.approver);
        let thing = Thing {
            approver,
            ..Thing::of(authority)
        };
        caller
            .authorise(Act::RecordApproval, thing)
            .map_err(|_| Fault::forbidden("This approval is for another role to record."))?;
        Ok(approvals::record(
            unit,
            context,
            approval_id,
            &roles,
            word.clone(),
        )?)
    })
    .await?;
    Ok(axum::Json(
        json!({ "approval_id": approval_id.to_string(), "granted": granted }),
    ))
}

/// `POST /placements/{id}/start`
pub(crate) async fn start(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonOrNothing(body): JsonOrNothing,
) -> Result<impl IntoResponse, Fault> {
    let StartPlacement { starts_on } =
        StartPlacement::from_json(&body).map_err(|errors| Fault::invalid(&errors))?;
    change_placement(&app, &caller, &id, |placement_id, unit, context| {
        Ok(app
            .with_world(|world| placement::start(unit, context, world, placement_id, starts_on))?)
    })
    .await
}

/// `POST /placements/{id}/end`
pub(crate) async fn end(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json,
) -> Result<impl IntoResponse, Fault> {
    let EndPlacement {
        ended_on,
        reason_place_change: reason,
        planned,
    } = EndPlacement::from_json(&body).map_err(|errors| Fault::invalid(&errors))?;
    let ending = Ending {
        ended_on,
        reason,
        planned,
    };
    change_placement(&app, &caller, &id, |placement_id, unit, context| {
        Ok(placement::end(unit, context, placement_id, ending)?)
    })
    .await
}

async fn change_placement(
    app: &App,
    caller: &Caller,
    id: &str,
    step: impl Fn(
        PlacementId,
        &mut oss_workflow::Unit,
        &mut oss_workflow::Context<'_, '_>,
    ) -> Result<bool, Fault>
    + Send
    + Sync,
) -> Result<axum::Json<Value>, Fault> {
    let placement_id: PlacementId = find::id(id, "The placement")?;
    let wanted = Wanted {
        placements: [placement_id].into(),
        places: true,
        ..Wanted::default()
    };
    let body = act(app, caller, &wanted, |unit, context| {
        let found = unit
            .placements
            .get(&placement_id)
            .map(|placement| placement.authority);
        find::own(caller, found, "The placement")?;
        step(placement_id, unit, context)?;
        let placement = unit
            .placements
            .get(&placement_id)
            .ok_or_else(Fault::internal)?;
        Ok(json!({
            "placement_id": placement_id.to_string(),
            "referral_id": placement.referral_id.as_str(),
            "setting_id": placement.setting_id.as_str(),
            "state": placement.state.as_str(),
            "starts_on": placement.starts_on,
            "ended_on": placement.ending.map(|ending| ending.ended_on),
        }))
    })
    .await?;
    Ok(axum::Json(body))
}
