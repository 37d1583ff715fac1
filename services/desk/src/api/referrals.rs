//! Referrals: submitted, amended, withdrawn, listed, read.

use crate::{
    act::act,
    api::{BASE, find},
    app::App,
    body::Json,
    caller::Caller,
    precondition::{EntityTag, Preconditions},
    problem::Fault,
    query::{Cursor, Parameters, by_time, read_by_time},
    reading::record_reading,
};
use axum::{
    extract::{Path, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use chrono::{DateTime, Utc};
use oss_contract::{
    act::{Act as _, Withdraw},
    content_hash, referral_from_json, referral_to_json,
};
use oss_domain::{
    AuthorityCode, FieldError, Referral, ReferralId, RunId, lifecycle::ReferralState,
    referral::Urgency,
};
use oss_matching::Query;
use oss_storage::referrals::{ReferralCursor, ReferralFilter, StoredReferral};
use oss_workflow::{
    ReferralHead, ReferralKey, Unit, Wanted,
    referral::{self, Received},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// `POST /referrals`
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    preconditions: Preconditions,
    Json(body): Json,
) -> Result<impl IntoResponse, Fault> {
    let referral = understood(&app, &body).map_err(|errors| Fault::invalid(&errors))?;
    let head = receive(&app, &caller, referral, None, |head| {
        preconditions.check(head.map(tag).as_ref())
    })
    .await?;
    accepted(&head)
}

/// `PUT /referrals/{id}`
pub(crate) async fn amend(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    preconditions: Preconditions,
    Json(body): Json,
) -> Result<impl IntoResponse, Fault> {
    let referral = understood(&app, &body).map_err(|errors| Fault::invalid(&errors))?;
    if referral.referral_id.as_str() != id {
        let detail = "must be the id in the path";
        return Err(Fault::invalid_field(
            "/referral_id",
            "other_than_path",
            detail,
        ));
    }
    let head = receive(&app, &caller, referral, None, |head| {
        preconditions.check(head.map(tag).as_ref())
    })
    .await?;
    accepted(&head)
}

fn tag(head: &ReferralHead) -> EntityTag {
    EntityTag::of_referral(head.revision)
}

/// Reads a referral, and sees that it can be ranked.
///
/// # Errors
///
/// Every fault of every field, as the sender of an event is told.
pub(crate) fn understood(app: &App, body: &Value) -> Result<Referral, Vec<FieldError>> {
    let referral = referral_from_json(body)?;
    Query::compile(&referral, &app.gazetteer, &app.policy)?;
    Ok(referral)
}

/// Stores a revision that was [`understood`], if `expected` of what is stored. The matcher ranks
/// it; what is accepted is committed. `change` is what was changed and why, for the history.
pub(crate) async fn receive(
    app: &App,
    caller: &Caller,
    referral: Referral,
    change: Option<(String, String)>,
    expected: impl Fn(Option<&ReferralHead>) -> Result<(), Fault> + Send + Sync,
) -> Result<ReferralHead, Fault> {
    caller.works_for(referral.authority)?;
    let at = (referral.authority, referral.referral_id.clone());
    let wanted = Wanted {
        referrals: [at.clone()].into(),
        places: referral.revision > 1,
        ..Wanted::default()
    };
    let content = content_hash(&referral);
    let referral = Arc::new(referral);
    act(app, caller, &wanted, |unit, context| {
        let stored = unit.referrals.get(&at);
        expected(stored)?;
        if let Some(head) = stored {
            refuse_stale(head, referral.revision, content)?;
        }
        let received = referral::receive(unit, context, &referral, content)?;
        if received != Received::Ignored
            && let Some((what, why)) = change.clone()
        {
            let key = head_of(unit, &at)?.key;
            unit.record(
                context,
                at.0,
                Some(key),
                "referral.amended",
                what,
                Some(why),
            );
        }
        head_of(unit, &at)
    })
    .await
}

/// An event that comes late is ignored; a person who amends in vain must hear of it.
fn refuse_stale(head: &ReferralHead, revision: u64, content: [u8; 32]) -> Result<(), Fault> {
    if revision == head.revision && content == head.content {
        return Ok(());
    }
    if head.state == ReferralState::Withdrawn {
        return Err(Fault::conflict(
            "withdrawn",
            "The referral is withdrawn",
            "A withdrawal is final; submit a new referral under another id.",
        ));
    }
    if revision < head.revision {
        let (name, value) = EntityTag::of_referral(head.revision).header();
        return Err(Fault::conflict(
            "revision_conflict",
            "A higher revision is stored",
            format!(
                "The current revision is {}; amend with a higher one.",
                head.revision
            ),
        )
        .with(name, value));
    }
    Ok(())
}

/// `POST /referrals/{id}/withdraw`
pub(crate) async fn withdraw(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    preconditions: Preconditions,
    parameters: Parameters,
    Json(body): Json,
) -> Result<impl IntoResponse, Fault> {
    let Withdraw { reason } =
        Withdraw::from_json(&body).map_err(|errors| Fault::invalid(&errors))?;
    // Places that are kept for it are let go.
    let wanted = Wanted {
        places: true,
        ..find::referral(&caller, &id, &parameters)?
    };
    let head = act(&app, &caller, &wanted, |unit, context| {
        let head = find::the_referral(unit)?;
        preconditions.check(Some(&EntityTag::of_referral(head.revision)))?;
        if head.state == ReferralState::Placed {
            let detail = "A placement is ended, not withdrawn.";
            return Err(Fault::conflict("placed", "The child is placed", detail));
        }
        let at = (head.authority, head.referral_id.clone());
        referral::withdraw(unit, context, at.0, &at.1, &reason)?;
        head_of(unit, &at)
    })
    .await?;
    accepted(&head)
}

/// `GET /referrals`
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let authority = find::authority(&caller, &parameters)?;
    let filter = ReferralFilter {
        state: parameters.get::<ReferralState>("state")?,
        urgency: parameters.get::<Urgency>("urgency")?,
    };
    let page = parameters.page::<ReferralCursor>()?;
    let found = app
        .store
        .list_referrals(authority, filter, page.after, page.limit + 1)
        .await?;
    Ok(page.answer(
        &found,
        |it| Some(summary(&it.into())),
        |it| ReferralCursor {
            received_at: it.received_at,
            key: it.key,
        },
    ))
}

impl Cursor for ReferralCursor {
    fn to_text(&self) -> String {
        by_time(self.received_at, self.key.0)
    }

    fn of_text(text: &str) -> Option<Self> {
        let (received_at, key) = read_by_time(text)?;
        Some(Self {
            received_at,
            key: ReferralKey(key),
        })
    }
}

/// `GET /referrals/{id}`
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let stored = find::stored_referral(&app, &caller, &id, &parameters).await?;
    let at = (stored.authority, Some(stored.key));
    let thing = format!("revision {}", stored.revision);
    record_reading(&app, &caller, at, "referral.read", thing).await?;
    let standing = Standing::from(&stored);
    let mut body = stored
        .referral
        .as_deref()
        .map_or_else(|| json!({}), referral_to_json);
    if let (Some(body), Value::Object(summary)) = (body.as_object_mut(), summary(&standing)) {
        body.extend(summary);
    }
    Ok(([standing.etag()], axum::Json(body)))
}

/// Where a referral stands, without what tells of a child.
struct Standing<'a> {
    authority: AuthorityCode,
    referral_id: &'a ReferralId,
    revision: u64,
    state: ReferralState,
    urgency: Option<Urgency>,
    received_at: DateTime<Utc>,
    run_id: Option<RunId>,
}

impl<'a> From<&'a StoredReferral> for Standing<'a> {
    fn from(stored: &'a StoredReferral) -> Self {
        Self {
            authority: stored.authority,
            referral_id: &stored.referral_id,
            revision: stored.revision,
            state: stored.state,
            urgency: stored.referral.as_ref().map(|referral| referral.urgency),
            received_at: stored.received_at,
            run_id: stored.run_id,
        }
    }
}

impl<'a> From<&'a ReferralHead> for Standing<'a> {
    fn from(head: &'a ReferralHead) -> Self {
        Self {
            authority: head.authority,
            referral_id: &head.referral_id,
            revision: head.revision,
            state: head.state,
            urgency: head.referral.as_ref().map(|referral| referral.urgency),
            received_at: head.received_at,
            run_id: head.run.map(|run| run.run_id),
        }
    }
}

impl Standing<'_> {
    fn etag(&self) -> (HeaderName, HeaderValue) {
        EntityTag::of_referral(self.revision).header()
    }
}

fn summary(standing: &Standing<'_>) -> Value {
    json!({
        "referral_id": standing.referral_id.as_str(),
        "authority": standing.authority.as_str(),
        "revision": standing.revision,
        "state": standing.state.as_str(),
        "urgency": standing.urgency.map(Urgency::as_str),
        "received_at": standing.received_at,
        "run_id": standing.run_id.map(|run_id| run_id.to_string()),
    })
}

type At = (AuthorityCode, ReferralId);

fn head_of(unit: &Unit, at: &At) -> Result<ReferralHead, Fault> {
    unit.referrals.get(at).cloned().ok_or_else(Fault::internal)
}

fn accepted(head: &ReferralHead) -> Result<impl IntoResponse + use<>, Fault> {
    let standing = Standing::from(head);
    let location = format!("{BASE}/referrals/{}", head.referral_id);
    let location = HeaderValue::from_str(&location).map_err(|_| Fault::internal())?;
    let headers = [(header::LOCATION, location), standing.etag()];
    Ok((
        StatusCode::ACCEPTED,
        headers,
        axum::Json(summary(&standing)),
    ))
}
