//! Changing what the register says of a setting.
//!
//! The form holds what changes most; the rest stays as it is stored. What is sent is put into the
//! stored entry and read by the contract as `setting.changed` is, so the same is refused.

use super::{as_seen, at, refuse_stale, seen};
use crate::{
    act::act,
    api::settings,
    app::App,
    pages::{
        acts::{
            form::{Fields, Form, decimal},
            frame::{Deed, Sheet},
        },
        facts::capital,
        layout::Layout,
        words,
    },
    problem::Fault,
    session::Viewer,
};
use askama::Template;
use oss_contract::{setting_from_json, setting_to_json};
use oss_domain::{
    Need, Setting,
    setting::{ApprovalStatus, ParentAndChild, Quality},
};
use oss_workflow::{Wanted, admission};
use serde_json::{Value, json};
use std::sync::Arc;

/// A fact that the form changes: its place in the contract is its field's name.
struct Spec {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    kind: Kind,
}

enum Kind {
    Text,
    Number,
    Pounds,
    Date,
    Choice(Vec<(&'static str, String)>),
}

fn spec(name: &'static str, label: &'static str, hint: &'static str, kind: Kind) -> Spec {
    Spec {
        name,
        label,
        hint,
        kind,
    }
}

fn choice<T: Copy>(all: &[T], code: fn(T) -> &'static str, text: impl Fn(T) -> String) -> Kind {
    Kind::Choice(all.iter().map(|it| (code(*it), text(*it))).collect())
}

fn yes_or_no() -> Kind {
    let no_or_yes = [("false", "No".to_owned()), ("true", "Yes".to_owned())];
    Kind::Choice(no_or_yes.into())
}

fn specs() -> Vec<Spec> {
    let code = |code: &str| capital(&words::code(code));
    let sexes = [("M,F", "Boys and girls"), ("M", "Boys"), ("F", "Girls")];
    let sexes = sexes.map(|(code, text)| (code, text.to_owned()));
    vec![
        spec("provider/name", "Name of who runs it", "", Kind::Text),
        spec("postcode", "Postcode", "", Kind::Text),
        spec(
            "registration/quality",
            "What the last inspection found",
            "",
            choice(Quality::ALL, Quality::as_str, |it| {
                words::quality(it).to_owned()
            }),
        ),
        spec("approval/places", "Places approved", "", Kind::Number),
        spec("approval/min_age", "Youngest age", "", Kind::Number),
        spec("approval/max_age", "Oldest age", "", Kind::Number),
        spec(
            "approval/sexes",
            "Whom it takes",
            "",
            Kind::Choice(sexes.into()),
        ),
        spec(
            "approval/parent_and_child",
            "A parent with a child",
            "",
            choice(ParentAndChild::ALL, ParentAndChild::as_str, |it| {
                code(it.as_str())
            }),
        ),
        spec(
            "approval/status",
            "How far the approval has come",
            "",
            choice(ApprovalStatus::ALL, ApprovalStatus::as_str, |it| {
                code(it.as_str())
            }),
        ),
        spec(
            "approval/review_due",
            "The approval is reviewed on",
            "Leave empty if no day is set",
            Kind::Date,
        ),
        spec(
            "blocked_places",
            "Places that cannot be used",
            "",
            Kind::Number,
        ),
        spec(
            "bedrooms_free",
            "Bedrooms free",
            "Leave empty if it is not known",
            Kind::Number,
        ),
        spec(
            "weekly_cost_pence",
            "Cost a week, in pounds",
            "Such as 1250.00",
            Kind::Pounds,
        ),
        spec(
            "wheelchair_accessible",
            "Accessible by wheelchair",
            "",
            yes_or_no(),
        ),
        spec(
            "no_male_household",
            "No man in the household",
            "",
            yes_or_no(),
        ),
    ]
}

/// The capability of each need, by its place in the contract.
fn capabilities() -> impl Iterator<Item = (String, String)> {
    let name = |need: &Need| {
        let label = capital(need.in_words());
        (format!("capabilities/{}", need.as_str()), label)
    };
    Need::ALL.iter().map(name)
}

#[derive(Debug, Template)]
#[template(path = "setting_edit.html")]
pub(crate) struct EditPage {
    layout: Layout,
    form: Form,
    setting_id: String,
    version: String,
    fields: Vec<Field>,
    needs: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    name: String,
    label: String,
    hint: &'static str,
    value: String,
    /// The input's type; empty for a choice.
    kind: &'static str,
    choices: Vec<(&'static str, String)>,
}

/// Changing an entry: of a setting.
#[derive(Debug)]
pub(crate) enum Edit {}

impl Deed for Edit {
    type To = Arc<Setting>;
    type Page = EditPage;

    fn path(id: &String) -> String {
        format!("/admin/settings/{id}/edit")
    }

    fn page(sheet: Sheet<'_>, setting: Arc<Setting>) -> EditPage {
        let stored = setting_to_json(&setting);
        // What was typed about another version is not repeated: the page shows the entry as it is.
        let is_typed = refuse_stale(&setting, sheet.fields.get("version")).is_ok();
        let value = |name: &str| {
            if is_typed {
                sheet.typed(name)
            } else {
                shown(name, stored.pointer(&format!("/{name}")))
            }
        };
        let field = |spec: Spec| Field {
            name: spec.name.to_owned(),
            label: spec.label.to_owned(),
            hint: spec.hint,
            value: value(spec.name),
            kind: if matches!(spec.kind, Kind::Date) {
                "date"
            } else {
                "text"
            },
            choices: match spec.kind {
                Kind::Choice(choices) => choices,
                _ => Vec::new(),
            },
        };
        let need = |(name, label): (String, String)| Field {
            value: value(&name),
            name,
            label,
            hint: "",
            kind: "text",
            choices: Vec::new(),
        };
        EditPage {
            fields: specs().into_iter().map(field).collect(),
            needs: capabilities().map(need).collect(),
            setting_id: setting.setting_id.to_string(),
            version: seen(&setting),
            layout: sheet.layout,
            form: sheet.form,
        }
    }

    async fn carry_out(
        app: &App,
        viewer: &Viewer,
        id: &String,
        fields: &Fields,
    ) -> Result<String, Fault> {
        let at = at(viewer, id)?;
        let wanted = Wanted {
            settings: [at.clone()].into(),
            ..Wanted::default()
        };
        act(app, &viewer.caller(), &wanted, |unit, context| {
            let stored = as_seen(unit, &at, fields)?;
            let changed = changed(stored, fields)?;
            let faults = admission::setting_faults(&changed, &app.gazetteer, &app.policy);
            if !faults.is_empty() {
                return Err(Fault::invalid(&faults));
            }
            settings::change(unit, context, &changed)?;
            Ok(())
        })
        .await?;
        Ok(format!("/admin/settings/{id}"))
    }
}

/// A fact as its field shows it; what the contract leaves out is what it stands for.
fn shown(name: &str, value: Option<&Value>) -> String {
    match (name, value) {
        ("weekly_cost_pence", Some(Value::Number(pence))) => {
            let pence = pence.as_u64().unwrap_or_default();
            format!("{}.{:02}", pence / 100, pence % 100)
        }
        (_, Some(Value::String(text))) => text.clone(),
        (_, Some(Value::Array(codes))) => {
            let codes = codes.iter().filter_map(Value::as_str);
            codes.collect::<Vec<_>>().join(",")
        }
        (_, Some(value)) => value.to_string(),
        ("blocked_places", None) => "0".to_owned(),
        ("approval/status", None) => ApprovalStatus::Approved.to_string(),
        ("wheelchair_accessible" | "no_male_household", None) => "false".to_owned(),
        (_, None) => String::new(),
    }
}

/// The stored entry with what was typed, in its next version.
fn changed(stored: &Setting, fields: &Fields) -> Result<Setting, Fault> {
    let mut document = setting_to_json(stored);
    for spec in specs() {
        let typed = fields.get(spec.name);
        put(&mut document, spec.name, read(&spec, typed));
    }
    for (name, _) in capabilities() {
        put(&mut document, &name, number(fields.get(&name)));
    }
    put(
        &mut document,
        "version",
        Some(json!(stored.version.saturating_add(1))),
    );
    let mut changed = setting_from_json(&document).map_err(|faults| Fault::invalid(&faults))?;
    if changed.occupancy != stored.occupancy {
        changed.occupancy.version = stored.occupancy.version.saturating_add(1);
    }
    Ok(changed)
}

/// What was typed as the contract has it; what is not that stays as typed, and is refused there.
fn read(spec: &Spec, typed: &str) -> Option<Value> {
    match spec.kind {
        _ if typed.is_empty() => None,
        Kind::Number => number(typed),
        Kind::Pounds => Some(decimal(typed, 2).map_or_else(|| typed.into(), Value::from)),
        Kind::Choice(_) if spec.name == "approval/sexes" => Some(typed.split(',').collect()),
        Kind::Choice(_) if matches!(typed, "true" | "false") => Some((typed == "true").into()),
        Kind::Text | Kind::Date | Kind::Choice(_) => Some(typed.into()),
    }
}

fn number(typed: &str) -> Option<Value> {
    let number = typed
        .parse::<u32>()
        .map_or_else(|_| typed.into(), Value::from);
    (!typed.is_empty()).then_some(number)
}

/// Puts a fact in its place, or takes it away.
fn put(document: &mut Value, name: &str, value: Option<Value>) {
    let (parent, field) = name.rsplit_once('/').unwrap_or(("", name));
    let parent = match parent {
        "" => Some(document),
        parent => document.get_mut(parent),
    };
    let Some(Value::Object(facts)) = parent else {
        return;
    };
    match value {
        Some(value) => drop(facts.insert(field.to_owned(), value)),
        None => drop(facts.shift_remove(field)),
    }
}
