//! What providers do by themselves: see what they were asked, and answer it. To anybody else's
//! provider an offer does not exist.

use crate::{
    act::act,
    api::{acts, find},
    app::App,
    body::Json,
    caller::Caller,
    problem::Fault,
    query::Parameters,
};
use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use oss_domain::{AuthorityCode, OfferId, ProviderId};
use oss_workflow::{
    answer,
    authorise::{Act, Thing},
    offer::OfferHead,
};
use serde_json::{Value, json};

/// Referrals whose offers are listed, the last first.
const AT_MOST: u32 = 100;

/// What a provider was asked.
pub(crate) async fn asked(
    app: &App,
    authority: AuthorityCode,
    provider: &ProviderId,
) -> Result<Vec<OfferHead>, Fault> {
    let asked = app.store.asked_of_provider(authority, provider, AT_MOST);
    Ok(asked.await?)
}

/// The offer, if the caller's provider was asked it: to others it does not exist.
pub(crate) async fn own(app: &App, caller: &Caller, id: &str) -> Result<OfferHead, Fault> {
    let offer_id: OfferId = find::id(id, "The offer")?;
    let (referral, _) = app.seal.open(offer_id);
    let heads = app.store.offers_of(referral).await?;
    let head = heads.into_iter().find(|head| head.offer_id == offer_id);
    let head = head.filter(|head| head.approached_at.is_some());
    let head = head.ok_or_else(|| Fault::not_found("The offer"))?;
    let thing = Thing {
        provider: Some(&head.provider_id),
        ..Thing::of(head.authority)
    };
    caller.authorise(Act::AnswerOwn, thing)?;
    Ok(head)
}

/// Records the answer that `body` gives to `head`, which is the caller's own.
///
/// # Errors
/// What is wrong with the body, or what the step refuses.
pub(crate) async fn record(
    app: &App,
    caller: &Caller,
    head: &OfferHead,
    mut body: Value,
) -> Result<(), Fault> {
    if let Some(fields) = body.as_object_mut() {
        // Whose it is, the offer says.
        fields.insert("authority".to_owned(), json!(head.authority.as_str()));
        fields.insert("provider_id".to_owned(), json!(head.provider_id.as_str()));
    }
    let given = acts::given(head.offer_id, body)?;
    act(
        app,
        caller,
        &acts::wanted(app, head.offer_id),
        |unit, context| {
            let given = given.clone();
            app.with_world(|world| answer::answer(unit, context, world, given))?;
            Ok(())
        },
    )
    .await
}

/// `GET /provider/offers`
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let authority = find::authority(&caller, &parameters)?;
    let provider = caller.principal.provider.as_ref();
    let provider = provider
        .ok_or_else(|| Fault::forbidden("Nobody has said yet which provider you work for."))?;
    let items = asked(&app, authority, provider).await?;
    let items: Vec<_> = items.iter().map(row).collect();
    Ok(axum::Json(json!({ "items": items, "next_cursor": null })))
}

/// What a provider reads of an offer; what it may know of the child came with `offer.approached`.
fn row(head: &OfferHead) -> Value {
    json!({
        "offer_id": head.offer_id.to_string(),
        "setting_id": head.setting_id.as_str(),
        "reference": head.reference,
        "state": head.state.as_str(),
        "respond_by": head.respond_by,
    })
}

/// `POST /provider/offers/{id}/answer`
pub(crate) async fn answer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json,
) -> Result<impl IntoResponse, Fault> {
    let head = own(&app, &caller, &id).await?;
    let answer = body.get("answer").cloned();
    record(&app, &caller, &head, body).await?;
    Ok(axum::Json(json!({
        "offer_id": head.offer_id.to_string(),
        "answer": answer,
    })))
}
