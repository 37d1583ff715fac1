//! Registers: listed, read, changed.

use crate::{
    act::act,
    api::{BASE, find},
    app::App,
    body::Json,
    caller::Caller,
    precondition::{EntityTag, Preconditions},
    problem::Fault,
    query::{Cursor, Parameters},
};
use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use oss_contract::{setting_from_json, setting_to_json};
use oss_domain::{FieldError, Setting, SettingId};
use oss_workflow::{SettingHead, Wanted, occupancy, supply};
use std::sync::Arc;

/// `PUT /settings/{id}`
pub(crate) async fn write(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    preconditions: Preconditions,
    Json(body): Json,
) -> Result<impl IntoResponse, Fault> {
    let setting = setting_from_json(&body).map_err(|errors| Fault::invalid(&errors))?;
    let errors = faults(&app, &setting, &id);
    if !errors.is_empty() {
        return Err(Fault::invalid(&errors));
    }
    caller.works_for(setting.authority)?;
    let at = (setting.authority, setting.setting_id.clone());
    let wanted = Wanted {
        settings: [at.clone()].into(),
        ..Wanted::default()
    };
    let (status, stored) = act(&app, &caller, &wanted, |unit, context| {
        let before = unit.settings.get(&at);
        let tag = before.and_then(|head| head.setting.as_deref()).map(tag_of);
        preconditions.check(tag.as_ref())?;
        let status = match before {
            None => StatusCode::CREATED,
            Some(head) => {
                refuse_stale(head, &setting)?;
                StatusCode::OK
            }
        };
        supply::change_setting(unit, context, setting.clone())?;
        occupancy::hand_over(unit, context, &at);
        let stored = unit.settings.get(&at).and_then(|head| head.setting.clone());
        Ok((status, stored.ok_or_else(Fault::internal)?))
    })
    .await?;
    let location = format!("{BASE}/settings/{}", stored.setting_id);
    let location = HeaderValue::from_str(&location).map_err(|_| Fault::internal())?;
    Ok((
        status,
        [(header::LOCATION, location), tag_of(&stored).header()],
        axum::Json(setting_to_json(&stored)),
    ))
}

/// What is wrong with an entry besides what its form shows.
fn faults(app: &App, setting: &Setting, id: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if setting.setting_id.as_str() != id {
        let detail = "must be the id in the path";
        errors.push(FieldError::new("/setting_id", "other_than_path", detail));
    }
    if app.policy.authority(setting.authority).is_none() {
        let detail = "must be a council that the policy has a centre and adjacency for";
        errors.push(FieldError::new("/authority", "unknown_authority", detail));
    }
    if app.gazetteer.locate(&setting.postcode).is_none() {
        let detail = "must be a postcode of Great Britain, or at least in a sector that is known";
        errors.push(FieldError::new("/postcode", "unknown_postcode", detail));
    }
    errors
}

/// An event that comes late is ignored; a person who writes in vain must hear of it.
fn refuse_stale(head: &SettingHead, sent: &Setting) -> Result<(), Fault> {
    if sent.version > head.version {
        return Ok(());
    }
    let title = "The version is not higher than the stored one";
    let fault = |code| {
        let detail = format!(
            "The current version is {}; write a higher one.",
            head.version
        );
        Fault::conflict(code, title, detail)
    };
    let Some(stored) = head.setting.as_deref().filter(|_| head.open) else {
        return Err(fault("closed"));
    };
    if sent.version == stored.version && same_but_for_newer_occupancy(stored, sent) {
        return Ok(());
    }
    let (name, value) = tag_of(stored).header();
    Err(fault("version_conflict").with(name, value))
}

/// Whether `sent` is what was stored at its version: vacancies may have changed since.
fn same_but_for_newer_occupancy(stored: &Setting, sent: &Setting) -> bool {
    let mut sent = sent.clone();
    if stored.occupancy.version > sent.occupancy.version {
        sent.occupancy = stored.occupancy.clone();
        sent.capacity_confirmed_at = stored.capacity_confirmed_at;
    }
    sent == *stored
}

/// `GET /settings/{id}`
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let setting_id: SettingId = find::id(&id, "The setting")?;
    let mut found = Vec::new();
    for authority in find::authorities(&caller, &parameters)? {
        let head = app.store.setting(authority, &setting_id).await?;
        found.extend(head.filter(|head| head.open).and_then(|head| head.setting));
    }
    let setting = find::only_one(found, "The setting")?;
    Ok((
        [tag_of(&setting).header()],
        axum::Json(setting_to_json(&setting)),
    ))
}

/// `GET /settings`
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let authority = find::authority(&caller, &parameters)?;
    let page = parameters.page::<SettingId>()?;
    let after = page.after.as_ref();
    let settings = app
        .store
        .list_settings(authority, after, page.limit + 1)
        .await?;
    let write = |setting: &Arc<Setting>| Some(setting_to_json(setting));
    Ok(page.answer(&settings, write, |setting| setting.setting_id.clone()))
}

impl Cursor for SettingId {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn of_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

fn tag_of(setting: &Setting) -> EntityTag {
    EntityTag::of_setting(setting.version, setting.occupancy.version)
}
