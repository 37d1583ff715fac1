//! The register: homes and carers, found, looked at with their history, added, changed, closed,
//! imported.
//!
//! A change here is the same step that an event is: what depends on it is ranked again.

pub(crate) mod close;
pub(crate) mod edit;
pub(crate) mod import;
mod questions;
mod said;

use super::{
    acts::{form::Fields, frame::Subject},
    layout::{Layout, Menu, Page, Section},
    words,
};
use crate::{
    api::find, app::App, problem::Fault, query::Parameters, reading::record_reading,
    session::Viewer,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use form_urlencoded::Serializer;
use oss_domain::{AuthorityCode, Setting, SettingId};
use oss_workflow::{SettingHead, Unit, authorise::Act};
use std::sync::Arc;

/// A register and an entry in it.
type At = (AuthorityCode, SettingId);

/// Settings on a page.
const ON_A_PAGE: usize = 50;
/// Former states on the page of a setting.
const STATES: u32 = 20;

#[derive(Debug, Template)]
#[template(path = "register.html")]
struct RegisterPage {
    layout: Layout,
    text: String,
    rows: Vec<Row>,
    next: Option<String>,
    may_change: bool,
}

#[derive(Debug)]
struct Row {
    setting_id: String,
    kind: &'static str,
    sourcing: &'static str,
    provider: String,
    places: u16,
    residents: usize,
    confirmed: String,
}

/// `GET /admin/settings`
pub(crate) async fn list(
    State(app): State<App>,
    viewer: Viewer,
    parameters: Parameters,
) -> Result<impl IntoResponse, Fault> {
    let after = parameters.after(|text| text.parse::<SettingId>().ok())?;
    let text = parameters.get::<String>("q")?.unwrap_or_default();
    let text: String = text.trim().chars().take(60).collect();
    let limit = u32::try_from(ON_A_PAGE + 1).unwrap_or(u32::MAX);
    let sought = (!text.is_empty()).then_some(&*text);
    let mut found = app
        .store
        .list_settings(viewer.authority(), sought, after.as_ref(), limit)
        .await?;
    let more = found.len() > ON_A_PAGE;
    found.truncate(ON_A_PAGE);
    let next = found.last().filter(|_| more).map(|last| {
        let mut query = Serializer::new(String::new());
        query.append_pair("after", last.setting_id.as_str());
        if let Some(text) = sought {
            query.append_pair("q", text);
        }
        format!("/admin/settings?{}", query.finish())
    });
    let rows = found.iter().map(|setting| Row {
        setting_id: setting.setting_id.to_string(),
        kind: words::kind(setting.kind),
        sourcing: words::sourcing(setting.sourcing),
        provider: setting.provider.name.clone(),
        places: setting.approval.places,
        residents: setting.occupancy.residents.len(),
        confirmed: said::or_never(setting.capacity_confirmed_at),
    });
    Ok(Page(RegisterPage {
        layout: Layout::new(&app, &viewer, Section::At(Menu::Homes)),
        rows: rows.collect(),
        text,
        next,
        may_change: viewer.may(Act::WriteSettings),
    }))
}

#[derive(Debug, Template)]
#[template(path = "setting.html")]
struct SettingPage {
    layout: Layout,
    setting_id: String,
    rows: Vec<(&'static str, String)>,
    history: Vec<Past>,
    is_closed: bool,
    may_change: bool,
}

/// A state that a setting was in.
#[derive(Debug)]
struct Past {
    title: String,
    at: String,
    datetime: String,
    changes: Vec<String>,
}

/// `GET /admin/settings/{id}`
pub(crate) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Fault> {
    let (head, setting) = load(&app, &viewer, &id).await?;
    read(&app, &viewer, &setting).await?;
    // One more, to tell what the oldest on the page changed.
    let past = app
        .store
        .setting_history(viewer.authority(), &setting.setting_id, STATES + 1)
        .await?;
    let before = past.iter().skip(1).map(|(_, setting)| setting.as_deref());
    let before = before.map(Some).chain([None]);
    let states = past.iter().zip(before).take(STATES as usize);
    let history = states.map(|((at, setting), before)| {
        let (title, changes) = said::state(before.flatten(), setting.as_deref());
        Past {
            title,
            at: words::at(*at),
            datetime: at.to_rfc3339(),
            changes,
        }
    });
    Ok(Page(SettingPage {
        layout: Layout::new(&app, &viewer, Section::Within(Menu::Homes)),
        setting_id: setting.setting_id.to_string(),
        rows: said::facts(head.open, &setting),
        history: history.collect(),
        is_closed: !head.open,
        may_change: head.open && viewer.may(Act::WriteSettings),
    }))
}

/// An entry of the viewer's register, closed ones too.
async fn load(app: &App, viewer: &Viewer, id: &str) -> Result<(SettingHead, Arc<Setting>), Fault> {
    let (authority, setting_id) = at(viewer, id)?;
    let head = app.store.setting(authority, &setting_id).await?;
    let head = head.ok_or_else(|| Fault::not_found("The setting"))?;
    let setting = head.setting.clone();
    let setting = setting.ok_or_else(|| Fault::not_found("The setting"))?;
    Ok((head, setting))
}

/// Puts into the audit that an entry is read: it tells of the children who live there.
async fn read(app: &App, viewer: &Viewer, setting: &Setting) -> Result<(), Fault> {
    let at = (viewer.authority(), None);
    record_reading(
        app,
        &viewer.caller(),
        at,
        "setting.read",
        &setting.setting_id,
    )
    .await
}

/// The viewer's register, to which entries are added.
#[derive(Debug)]
pub(crate) struct Register;

impl Subject for Register {
    type At = ();

    async fn load(_: &App, _: &Viewer, (): &()) -> Result<Self, Fault> {
        Ok(Self)
    }

    fn section(&self) -> Section<'_> {
        Section::Within(Menu::Homes)
    }
}

/// An open entry of the viewer's register: what is closed is not changed, as its page says.
impl Subject for Arc<Setting> {
    type At = String;

    async fn load(app: &App, viewer: &Viewer, id: &String) -> Result<Self, Fault> {
        let (head, setting) = load(app, viewer, id).await?;
        if !head.open {
            return Err(closed(id));
        }
        read(app, viewer, &setting).await?;
        Ok(setting)
    }

    fn section(&self) -> Section<'_> {
        Section::Within(Menu::Homes)
    }
}

/// An entry of the viewer's register, by its address.
fn at(viewer: &Viewer, id: &str) -> Result<At, Fault> {
    Ok((viewer.authority(), find::id(id, "The setting")?))
}

/// The refusal to change a home that is closed.
fn closed(id: &str) -> Fault {
    let detail = "What is closed is not changed.";
    let fault = Fault::conflict("setting_closed", "The home is closed", detail);
    fault.instead(format!("/admin/settings/{id}"))
}

/// The versions that a page was made of: what is free changes by itself, without the entry.
fn seen(setting: &Setting) -> String {
    format!("{}.{}", setting.version, setting.occupancy.version)
}

/// The open entry in a unit of work, if it is still as the page showed it.
fn as_seen<'a>(unit: &'a Unit, at: &At, fields: &Fields) -> Result<&'a Setting, Fault> {
    let head = unit.settings.get(at).filter(|head| head.open);
    let stored = head.and_then(|head| head.setting.as_deref());
    let stored = stored.ok_or_else(|| closed(at.1.as_str()))?;
    refuse_stale(stored, fields.get("version"))?;
    Ok(stored)
}

/// Sees to it that nothing of it changed since the page was shown.
fn refuse_stale(stored: &Setting, version: &str) -> Result<(), Fault> {
    if version == seen(stored) {
        return Ok(());
    }
    let detail = "Somebody else, or an event, changed this entry meanwhile.";
    Err(Fault::conflict(
        "changed_meanwhile",
        "It has changed",
        detail,
    ))
}
