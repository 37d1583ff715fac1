//! The contract as its users meet it: examples, bad events, both modes, round trips, drift.

mod bad_events;
mod cloudevents;
mod outbound;
mod published;
mod round_trip;

use crate::{Headers, Incoming, Refused, decode};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::PathBuf};

/// `docs/contract/`.
fn published_form() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/contract")
}

/// The published examples of inbound events, by file name without `.json`.
fn examples() -> BTreeMap<String, Value> {
    let files = fs::read_dir(published_form().join("examples/in")).unwrap();
    files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (
                name,
                serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap(),
            )
        })
        .collect()
}

fn example(name: &str) -> Value {
    examples().remove(name).unwrap()
}

/// `referral.submitted` of `uk.oss.referral.submitted.v1`.
fn noun_verb(event: &Value) -> &str {
    let event_type = event["type"].as_str().unwrap();
    event_type
        .strip_prefix("uk.oss.")
        .and_then(|rest| rest.strip_suffix(".v1"))
        .unwrap()
}

/// The subject that a well-behaved producer publishes the example on.
fn subject_for(event: &Value) -> String {
    let noun_verb = noun_verb(event);
    match event["data"]["provider_id"].as_str() {
        Some(provider) if noun_verb == "offer.answered" => {
            format!("oss.in.v1.E06000015.provider.{provider}.{noun_verb}")
        }
        _ => format!("oss.in.v1.E06000015.{noun_verb}"),
    }
}

/// Decodes a structured event on `subject`, with no headers at all.
fn decode_on(subject: &str, event: &Value) -> Result<Incoming, Box<Refused>> {
    decode(subject, &Headers::default(), event.to_string().as_bytes())
}

/// Pointers and codes of a refusal.
fn faults(refused: &Refused) -> Vec<(&str, &str)> {
    let errors = refused.errors.iter();
    errors
        .map(|error| (error.pointer.as_str(), error.code))
        .collect()
}

/// Sets the value at a pointer, which may be that of a new field.
fn set(data: &mut Value, pointer: &str, value: Value) {
    match pointer.rsplit_once('/') {
        None => *data = value,
        Some((parent, key)) => match data.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
            object => object[key.replace("~1", "/").replace("~0", "~")] = value,
        },
    }
}

/// Removes the field at a pointer.
fn remove(data: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let object = data.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    object.shift_remove(key).unwrap();
}

#[test]
fn every_example_is_taken() {
    for (name, event) in examples() {
        let incoming = decode_on(&subject_for(&event), &event)
            .unwrap_or_else(|refused| panic!("{name}: {refused}"));
        assert_eq!(json!(incoming.envelope.id), event["id"], "{name}");
        assert_eq!(incoming.fact.authority().as_str(), "E06000015", "{name}");
    }
}
