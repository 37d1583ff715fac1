//! What an entry says, and what one says otherwise than another.

use crate::pages::{facts::capital, words};
use chrono::{DateTime, Utc};
use oss_contract::setting_to_json;
use oss_domain::{Setting, need::Levels};
use serde_json::Value;
use std::collections::BTreeMap;

/// A moment, if there was one.
pub(super) fn or_never(at: Option<DateTime<Utc>>) -> String {
    at.map_or("never".to_owned(), words::at)
}

/// All that the register says of a setting.
pub(super) fn facts(is_open: bool, setting: &Setting) -> Vec<(&'static str, String)> {
    let state = if is_open { "In the register" } else { "Closed" };
    let (approval, occupancy) = (&setting.approval, &setting.occupancy);
    let yes = |is: bool| if is { "Yes" } else { "No" }.to_owned();
    let registered = if setting.registration.registered {
        "Registered"
    } else {
        "Not registered"
    };
    let urn = setting.registration.urn.iter().map(String::as_str);
    let mut rows = vec![
        ("State", state.to_owned()),
        ("Version", setting.version.to_string()),
        ("Kind", words::kind(setting.kind).to_owned()),
        (
            "How the council comes by it",
            words::sourcing(setting.sourcing).to_owned(),
        ),
        (
            "Run by",
            format!(
                "{} ({})",
                setting.provider.name, setting.provider.provider_id
            ),
        ),
        ("Postcode", setting.postcode.to_string()),
        ("Registration", list([registered].into_iter().chain(urn))),
        (
            "Quality",
            words::quality(setting.registration.quality).to_owned(),
        ),
        ("Places", approval.places.to_string()),
        (
            "Ages taken",
            format!("{} to {}", approval.min_age, approval.max_age),
        ),
        ("Who lives there", crate::pages::facts::residents(setting)),
        (
            "Places that cannot be used",
            occupancy.blocked_places.to_string(),
        ),
        ("Cost a week", setting.weekly_cost.to_string()),
        ("What it can meet", levels(&setting.capabilities)),
        (
            "Whom it takes at least",
            levels(&setting.admission_criteria),
        ),
        (
            "Accessible by wheelchair",
            yes(setting.wheelchair_accessible),
        ),
        ("No man in the household", yes(setting.no_male_household)),
        (
            "Vacancy last confirmed",
            or_never(setting.capacity_confirmed_at),
        ),
    ];
    if let Some(framework) = &setting.framework {
        let text = format!("{}, {}", framework.reference, framework.category);
        rows.push(("Framework", text));
    }
    // What is said less often, in the contract's own words.
    let rest = flat(setting);
    let others = [
        ("Sexes taken", "approval sexes"),
        ("Takes a parent with a child", "approval parent and child"),
        ("Approval", "approval status"),
        ("Approval is reviewed on", "approval review due"),
        ("Bedrooms free", "bedrooms free"),
        ("Ethnicities", "identity ethnicities"),
        ("Religions", "identity religions"),
        ("Languages", "identity languages"),
        ("Takes no new children", "restrictions"),
        ("Children it is connected to", "connected to children"),
    ];
    let others = others
        .into_iter()
        .filter_map(|(name, key)| Some((name, rest.get(key)?.clone())));
    rows.extend(others);
    rows
}

fn levels(levels: &Levels) -> String {
    let levels = levels
        .present()
        .map(|(need, level)| format!("{} {level}", need.in_words()));
    let text = levels.collect::<Vec<_>>().join(", ");
    if text.is_empty() {
        "Nothing said".to_owned()
    } else {
        capital(&text)
    }
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// What became of a setting: in a few words, and each fact that changed.
pub(super) fn state(before: Option<&Setting>, now: Option<&Setting>) -> (String, Vec<String>) {
    match (before, now) {
        (_, None) => ("Closed".to_owned(), Vec::new()),
        (None, Some(now)) => (format!("Version {}", now.version), Vec::new()),
        (Some(before), Some(now)) => (format!("Version {}", now.version), changes(before, now)),
    }
}

/// Each fact that `now` states otherwise than `before`, in words.
pub(super) fn changes(before: &Setting, now: &Setting) -> Vec<String> {
    let others = before.occupancy.residents != now.occupancy.residents;
    let (before, now) = (flat(before), flat(now));
    let alike = before.get(RESIDENTS) == now.get(RESIDENTS);
    let others = (others && alike).then(|| "Residents: other children of the same ages".to_owned());
    let names = before
        .keys()
        .chain(now.keys().filter(|it| !before.contains_key(*it)));
    let told = names.filter(|name| *name != "version" && before.get(*name) != now.get(*name));
    told.map(|name| {
        let said = |facts: &BTreeMap<String, String>| {
            facts
                .get(name)
                .map_or("nothing said".to_owned(), String::clone)
        };
        format!(
            "{}: {}, before {}",
            capital(name),
            said(&now),
            said(&before)
        )
    })
    .chain(others)
    .collect()
}

const RESIDENTS: &str = "residents";

/// Every fact of an entry by its name in the contract; of children no more than age and sex, since
/// not everybody who reads the register may read of them.
fn flat(setting: &Setting) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    put(&mut facts, "", &setting_to_json(setting));
    facts.insert(
        RESIDENTS.to_owned(),
        crate::pages::facts::residents(setting),
    );
    if let Some(confirmed) = facts.get_mut("capacity confirmed at") {
        *confirmed = or_never(setting.capacity_confirmed_at);
    }
    if let Some(connected) = facts.get_mut("connected to children") {
        *connected = setting.connected_to_children.len().to_string();
    }
    facts
}

fn put(facts: &mut BTreeMap<String, String>, name: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                put(facts, format!("{name} {field}").trim_start(), value);
            }
        }
        value => drop(facts.insert(words::code(name), text(value))),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => fields.values().map(text).collect::<Vec<_>>().join(" "),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        value => value.to_string(),
    }
}
