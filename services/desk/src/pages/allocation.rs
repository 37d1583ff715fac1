//! Taking a referral on, handing it over, giving it back.

use crate::{api::find, app::App, problem::Fault, query::Parameters, session::Viewer};
use axum::{
    Form,
    extract::{Path, State},
    response::Redirect,
};
use oss_domain::Ids;
use oss_storage::desk::Taken;
use oss_workflow::{Actor, Context, Store, Wanted};
use serde::Deserialize;
use std::sync::Arc;

/// Who has it, as the page showed it, and what is to become of that.
#[derive(Debug, Deserialize)]
pub(crate) struct Change {
    #[serde(default)]
    from: String,
    to: To,
    #[serde(default)]
    back_to: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum To {
    Me,
    Nobody,
}

/// `POST /referrals/{id}/allocation`
pub(crate) async fn change(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    parameters: Parameters,
    Form(change): Form<Change>,
) -> Result<Redirect, Fault> {
    let caller = viewer.caller();
    let wanted = find::referral(&caller, &id, &parameters)?;
    let (mut unit, mut transaction) = app.store.open(&Wanted { ..wanted }).await?;
    let head = find::the_referral(&unit)?.clone();
    let now = app.clock.now();
    let me = Taken {
        user_id: caller.principal.id.to_string(),
        user_name: viewer.name().to_owned(),
        since: now,
    };
    let from = (!change.from.is_empty()).then_some(&*change.from);
    let to = (change.to == To::Me).then_some(&me);
    if !app
        .store
        .hand_over(&mut transaction, head.key, from, to)
        .await?
    {
        let has = app.store.taken(head.key).await?;
        let has = has.map_or("Nobody".to_owned(), |taken| taken.user_name);
        return Err(Fault::conflict(
            "taken_meanwhile",
            "Somebody was quicker",
            format!("{has} has referral {id} now. Nothing was changed: go back to see it afresh."),
        ));
    }
    let act = match (from, to) {
        (Some(_), Some(_)) => "referral.handed_over",
        (None, Some(_)) => "referral.taken",
        (_, None) => "referral.released",
    };
    let thing = to.map_or("nobody", |to| &*to.user_id);
    app.with_chance(|rng| {
        let context = Context {
            actor: Actor::Person(Arc::clone(&caller.principal.id)),
            now,
            traceparent: caller.traceparent.clone(),
            ids: &mut Ids::new(&*app.clock, rng),
        };
        unit.record(&context, head.authority, Some(head.key), act, thing, None);
    });
    app.store.commit(unit, transaction).await?;
    // Only to pages of ours that show it.
    let back_to = if change.back_to == "queue" {
        "/".to_owned()
    } else {
        format!("/referrals/{id}")
    };
    Ok(Redirect::to(&back_to))
}
