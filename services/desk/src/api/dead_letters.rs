//! Events that could not be handled: listed without what they say, and tried again.

use crate::{
    act::act,
    api::find,
    app::App,
    caller::Caller,
    problem::Fault,
    query::{Cursor, Parameters},
};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use oss_domain::{AuthorityCode, DeadLetterId};
use oss_storage::dead_letters::StoredDeadLetter;
use oss_workflow::Wanted;
use serde_json::{Value, json};

/// `GET /dead-letters`
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let page = parameters.page::<DeadLetterId>()?;
    let found = app
        .store
        .list_dead_letters(page.after, page.limit + 1)
        .await?;
    let write =
        |letter: &StoredDeadLetter| is_seen_by(&caller, letter.authority).then(|| item(letter));
    Ok(page.answer(&found, write, |letter| letter.dead_letter_id))
}

/// `POST /dead-letters/{id}/retry`
pub(crate) async fn retry(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Fault> {
    let id: DeadLetterId = find::id(&id, "The dead letter")?;
    let found = app.store.dead_letter(id).await?;
    let letter = found
        .map(|found| found.letter)
        .filter(|letter| is_seen_by(&caller, letter.authority))
        .ok_or_else(|| Fault::not_found("The dead letter"))?;
    // One that names no council is in the record of whoever took it up.
    let authority = letter
        .authority
        .or_else(|| caller.principal.authorities.first().copied());
    let authority = authority.ok_or_else(|| Fault::forbidden("You work for no council."))?;
    act(&app, &caller, &Wanted::default(), |unit, context| {
        unit.record(context, authority, None, "dead_letter.retry", id, None);
        Ok(())
    })
    .await?;
    if !app.store.request_retry(id, app.clock.now()).await? {
        let detail = "It was done with before; nothing is left to retry.";
        return Err(Fault::conflict("resolved", "It is done with", detail));
    }
    app.wake.notify_one();
    Ok((
        StatusCode::ACCEPTED,
        axum::Json(json!({ "id": id.to_string() })),
    ))
}

/// One that names no council is everybody's who looks after dead letters.
pub(crate) fn is_seen_by(caller: &Caller, authority: Option<AuthorityCode>) -> bool {
    authority.is_none_or(|authority| caller.works_for(authority).is_ok())
}

fn item(letter: &StoredDeadLetter) -> Value {
    let mut item = json!({
        "id": letter.dead_letter_id.to_string(),
        "subject": letter.subject,
        "type": letter.event_type,
        "reason": letter.reason,
        "code": letter.code,
        "attempts": letter.attempts,
        "received_at": letter.received_at,
    });
    if let Some(item) = item.as_object_mut() {
        item.retain(|_, value| !value.is_null());
    }
    item
}

impl Cursor for DeadLetterId {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn of_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}
