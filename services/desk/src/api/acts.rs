//! What people do with offers: approach, answer by telephone, hold, release.

use crate::{
    act::act,
    api::{find, offers},
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
use oss_contract::{
    Fact, FactKind, Headers, Incoming,
    act::{Act as _, Approach, Hold},
    decode,
};
use oss_domain::{AuthorityCode, HoldId, OfferId};
use oss_workflow::{
    Unit, Wanted,
    answer::{self, Given, Recorded},
    call_off, hold,
};
use serde_json::{Value, json};

/// `POST /offers/{id}/approach`
pub(crate) async fn approach(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonOrNothing(body): JsonOrNothing,
) -> Result<impl IntoResponse, Fault> {
    let Approach { respond_by } =
        Approach::from_json(&body).map_err(|errors| Fault::invalid(&errors))?;
    let offer_id: OfferId = find::id(&id, "The offer")?;
    let (status, body) = act(&app, &caller, &wanted(&app, offer_id), |unit, context| {
        authority_of(&app, &caller, unit, offer_id)?;
        let is_new =
            app.with_world(|world| call_off::approach(unit, context, world, offer_id, respond_by))?;
        let head = unit.offers.get(&offer_id).ok_or_else(Fault::internal)?;
        let status = if is_new {
            StatusCode::ACCEPTED
        } else {
            StatusCode::OK
        };
        let body = json!({
            "offer_id": offer_id.to_string(),
            "state": head.state.as_str(),
            "respond_by": head.respond_by,
        });
        Ok((status, body))
    })
    .await?;
    Ok((status, axum::Json(body)))
}

/// `POST /offers/{id}/answer`
pub(crate) async fn answer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json,
) -> Result<impl IntoResponse, Fault> {
    let offer_id: OfferId = find::id(&id, "The offer")?;
    let given = given(offer_id, body)?;
    let recorded = act(&app, &caller, &wanted(&app, offer_id), |unit, context| {
        authority_of(&app, &caller, unit, offer_id)?;
        Ok(app.with_world(|world| answer::answer(unit, context, world, given.clone()))?)
    })
    .await?;
    let kept = match recorded {
        Recorded::Accepted(kept) => kept,
        Recorded::Known | Recorded::Declined => None,
    };
    let mut body = json!({ "offer_id": offer_id.to_string(), "answer": given.answer.as_str() });
    if let (Some(kept), Some(body)) = (kept, body.as_object_mut()) {
        body.insert("hold_id".to_owned(), json!(kept.hold_id.to_string()));
        body.insert("until".to_owned(), json!(kept.until));
    }
    Ok(axum::Json(body))
}

/// The answer in a body, which is the data of the event `offer.answered` and read as that.
pub(crate) fn given(offer_id: OfferId, mut body: Value) -> Result<Given, Fault> {
    if let Some(fields) = body.as_object_mut() {
        fields
            .entry("offer_id")
            .or_insert_with(|| json!(offer_id.to_string()));
    }
    let authority = body
        .get("authority")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .trim();
    // A wrong authority is told as a fault of the data, not of the subject that we make up here.
    let authority = authority
        .parse::<AuthorityCode>()
        .map_or("E00000000".to_owned(), |it| it.to_string());
    let subject = format!("oss.in.v1.{authority}.{}", FactKind::OfferAnswered.as_str());
    let event = json!({
        "specversion": "1.0",
        "id": "by-telephone",
        "source": "/oss/desk",
        "type": FactKind::OfferAnswered.event_type(),
        "time": "1970-01-01T00:00:00Z",
        "data": body,
    });
    let payload = event.to_string();
    let answered = match decode(&subject, &Headers::default(), payload.as_bytes()) {
        Ok(Incoming {
            fact: Fact::OfferAnswered(answered),
            ..
        }) => answered,
        Ok(_) => return Err(Fault::internal()),
        Err(refused) => return Err(Fault::invalid(&refused.errors)),
    };
    if answered.offer_id != offer_id {
        let detail = "must be the id in the path";
        return Err(Fault::invalid_field("/offer_id", "other_than_path", detail));
    }
    Ok(answered.into_given())
}

/// `POST /offers/{id}/hold`
pub(crate) async fn hold(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonOrNothing(body): JsonOrNothing,
) -> Result<impl IntoResponse, Fault> {
    let Hold { reason } = Hold::from_json(&body).map_err(|errors| Fault::invalid(&errors))?;
    let offer_id: OfferId = find::id(&id, "The offer")?;
    let kept = act(&app, &caller, &wanted(&app, offer_id), |unit, context| {
        authority_of(&app, &caller, unit, offer_id)?;
        Ok(app.with_world(|world| hold::hold(unit, context, world, offer_id, reason.clone()))?)
    })
    .await;
    match kept {
        Ok(kept) => {
            let body = json!({ "hold_id": kept.hold_id.to_string(), "until": kept.until });
            Ok((StatusCode::CREATED, axum::Json(body)))
        }
        // Whoever wanted a place that has gone wants the others that are left.
        Err(fault) if fault.is("place_gone") => {
            Err(offers::with_those_left(&app, &caller, fault, offer_id).await)
        }
        Err(fault) => Err(fault),
    }
}

/// `DELETE /holds/{id}`
pub(crate) async fn release(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Fault> {
    let hold_id: HoldId = find::id(&id, "The hold")?;
    let wanted = Wanted {
        holds: [hold_id].into(),
        places: true,
        ..Wanted::default()
    };
    act(&app, &caller, &wanted, |unit, context| {
        let held = unit.occupancies.get(&hold_id).map(|held| held.authority);
        find::own(&caller, held, "The hold")?;
        Ok(hold::release(unit, context, hold_id, "released", None)?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a unit of work needs to see to act on an offer.
pub(crate) fn wanted(app: &App, offer_id: OfferId) -> Wanted {
    let (referral, setting) = app.seal.open(offer_id);
    Wanted {
        referral_keys: [referral].into(),
        setting_keys: [setting].into(),
        places: true,
        ..Wanted::default()
    }
}

/// Sees to it that the offer is one for a council that the caller works for.
pub(crate) fn authority_of(
    app: &App,
    caller: &Caller,
    unit: &Unit,
    offer_id: OfferId,
) -> Result<AuthorityCode, Fault> {
    let (referral, _) = app.seal.open(offer_id);
    find::own(
        caller,
        unit.referral(referral).map(|head| head.authority),
        "The offer",
    )
}
