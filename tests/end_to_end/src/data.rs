//! What is sent and expected, as JSON: the acceptance scenarios, the published examples and the
//! corpus of bad events.

use crate::binary::root;
use serde_json::Value;
use std::{fs, path::PathBuf};

fn read(path: &str) -> Value {
    let path = root().join(path);
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).expect("it is JSON")
}

fn list(path: &str) -> Vec<Value> {
    match read(path) {
        Value::Array(items) => items,
        other => panic!("{path} is no list: {other}"),
    }
}

/// The register of the scenarios.
pub fn supply_file() -> PathBuf {
    root().join("tests/scenarios/data/supply.json")
}

/// A setting of the scenarios.
pub fn setting(id: &str) -> Value {
    let found = list("tests/scenarios/data/supply.json")
        .into_iter()
        .find(|it| it["setting_id"] == id);
    found.unwrap_or_else(|| panic!("there is no setting {id}"))
}

/// The twenty referrals.
pub fn referrals() -> Vec<Value> {
    list("tests/scenarios/data/referrals.json")
}

/// What must come of each.
pub fn expected() -> Vec<Value> {
    list("tests/scenarios/data/expected.json")
}

/// A scenario's referral under another id, and with children of its own.
pub fn referral(scenario: &str, id: &str) -> Value {
    let found = referrals()
        .into_iter()
        .find(|it| it["referral_id"] == scenario);
    let mut referral = found.unwrap_or_else(|| panic!("there is no scenario {scenario}"));
    referral["referral_id"] = id.into();
    for (nth, child) in referral["children"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .enumerate()
    {
        child["child_id"] = format!("{id}-{nth}").into();
    }
    referral
}

/// Events that are each wrong in their data, as `(type, event)`.
pub fn bad_events() -> Vec<(String, Value)> {
    let corpus = list("shared/contract/src/tests/bad_events.json");
    corpus
        .iter()
        .zip(0..)
        .map(|(entry, nth)| bad_event(entry, nth))
        .collect()
}

fn bad_event(entry: &Value, nth: usize) -> (String, Value) {
    let base = entry["base"].as_str().expect("it names its example");
    let mut event = read(&format!("docs/contract/examples/in/{base}.json"));
    let noun_verb = event["type"].as_str().expect("it has one");
    let noun_verb = noun_verb
        .trim_start_matches("uk.oss.")
        .trim_end_matches(".v1")
        .to_owned();
    // Only the data is wrong.
    event
        .as_object_mut()
        .expect("an event is an object")
        .remove("subject");
    event["id"] = format!("bad-{nth}").into();
    for (pointer, value) in entry["set"].as_object().into_iter().flatten() {
        set(&mut event["data"], pointer, value.clone());
    }
    for pointer in entry["remove"].as_array().into_iter().flatten() {
        let (parent, key) = split(pointer.as_str().expect("a pointer"));
        let parent = event["data"].pointer_mut(parent).expect("it is there");
        parent.as_object_mut().expect("an object").remove(key);
    }
    (noun_verb, event)
}

fn set(data: &mut Value, pointer: &str, value: Value) {
    if pointer.is_empty() {
        *data = value;
        return;
    }
    let (parent, key) = split(pointer);
    match data.pointer_mut(parent).expect("it is there") {
        Value::Array(items) => items[key.parse::<usize>().expect("an index")] = value,
        object => object[key.replace("~1", "/").replace("~0", "~")] = value,
    }
}

fn split(pointer: &str) -> (&str, &str) {
    pointer.rsplit_once('/').expect("a pointer has a slash")
}
