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
    reading::record_reading,
};
use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use oss_contract::{setting_from_json, setting_to_json};
use oss_domain::{FieldError, Setting, SettingId};
use oss_workflow::{
    Context, SettingHead, Unit, Wanted, admission,
    supply::{self, Effect},
};
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
    let wanted = Wanted::settings([at.clone()]);
    let (status, stored) = act(&app, &caller, &wanted, |unit, context| {
        let before = unit.settings.get(&at);
        let tag = before.and_then(|head| head.setting.as_deref()).map(tag_of);
        preconditions.check(tag.as_ref())?;
        let status = match before {
            None => StatusCode::CREATED,
            Some(_) => StatusCode::OK,
        };
        change(unit, context, &setting)?;
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
    errors.extend(admission::setting_faults(
        setting,
        &app.gazetteer,
        &app.policy,
    ));
    errors
}

/// Takes in an entry; what depends on it is ranked again.
///
/// # Errors
///
/// An event that comes late is ignored; a person who writes in vain must hear of it: 409.
pub(crate) fn change(
    unit: &mut Unit,
    context: &mut Context<'_, '_>,
    sent: &Setting,
) -> Result<Effect, Fault> {
    let at = (sent.authority, sent.setting_id.clone());
    let head = unit.settings.get(&at);
    let effect = supply::effect(head, sent);
    if let (Effect::Ignored, Some(head)) = (effect, head) {
        return Err(stale(head));
    }
    supply::change_setting(unit, context, sent.clone())?;
    Ok(effect)
}

fn stale(head: &SettingHead) -> Fault {
    let title = "The version is not higher than the stored one";
    let fault = |code| {
        let detail = format!(
            "The current version is {}; write a higher one.",
            head.version
        );
        Fault::conflict(code, title, detail)
    };
    let Some(stored) = head.setting.as_deref().filter(|_| head.open) else {
        return fault("closed");
    };
    let (name, value) = tag_of(stored).header();
    fault("version_conflict").with(name, value)
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
    // It names the children who live there.
    let at = (setting.authority, None);
    record_reading(&app, &caller, at, "setting.read", &setting_id).await?;
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
        .list_settings(authority, None, after, page.limit + 1)
        .await?;
    let mut told = settings.iter().take(page.limit as usize);
    if let (Some(first), Some(last)) = (settings.first(), told.next_back()) {
        let thing = format!("{} to {}", first.setting_id, last.setting_id);
        record_reading(&app, &caller, (authority, None), "settings.read", thing).await?;
    }
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
