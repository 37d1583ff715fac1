//! A corpus of bad events: each is told what is wrong with it, all of it and nothing else.

use super::{decode_on, example, faults, noun_verb, remove, set, subject_for};
use crate::{RefusedKind, schema};
use serde_json::Value;
use std::collections::BTreeMap;

/// A published example, changed for the worse.
pub(super) struct BadEvent {
    pub(super) event: Value,
    pub(super) faults: Vec<(String, String)>,
    /// Whether a JSON Schema can tell.
    schema_tells: bool,
}

fn corpus() -> Vec<BadEvent> {
    let Value::Array(entries) = serde_json::from_str(include_str!("bad_events.json")).unwrap()
    else {
        panic!("the corpus is a list");
    };
    entries.iter().map(bad_event).collect()
}

fn bad_event(entry: &Value) -> BadEvent {
    let mut event = example(entry["base"].as_str().unwrap());
    // Only the data is under test: a field that is spoilt no longer equals the attribute.
    remove(&mut event, "/subject");
    let data = &mut event["data"];
    for (pointer, value) in entry["set"].as_object().into_iter().flatten() {
        set(data, pointer, value.clone());
    }
    for pointer in entry["remove"].as_array().into_iter().flatten() {
        remove(data, pointer.as_str().unwrap());
    }
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    BadEvent {
        event,
        faults: entry["faults"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| (text(&fault[0]), text(&fault[1])))
            .collect(),
        schema_tells: entry["schema"] != "cannot tell",
    }
}

#[test]
fn every_fault_is_told_and_nothing_else() {
    let corpus = corpus();
    assert!(corpus.len() >= 60, "{}", corpus.len());
    for bad in corpus {
        let subject = subject_for(&bad.event);
        let refused = decode_on(&subject, &bad.event).unwrap_err();
        let mut found = faults(&refused);
        // An id that is missing or wrong cannot be the subject's; that is told by the field alone,
        // but for an authority of the wrong form, which is another than the subject's besides.
        found.retain(|(_, code)| *code != "subject_mismatch");
        let expected: Vec<_> = bad
            .faults
            .iter()
            .map(|(pointer, code)| (pointer.as_str(), code.as_str()))
            .collect();
        assert_eq!(found, expected, "{}", bad.event);
        assert_eq!(refused.kind, RefusedKind::InvalidData);
        assert!(!refused.detail.is_empty());
        assert_eq!(refused.authority.unwrap().as_str(), "E06000015");
        assert_eq!(refused.event_id.as_deref(), bad.event["id"].as_str());
        let about_referral = noun_verb(&bad.event).starts_with("referral.");
        assert_eq!(refused.about_referral, about_referral);
    }
}

#[test]
fn the_schemas_refuse_what_the_decoder_refuses() {
    let validators: BTreeMap<_, _> = schema::events()
        .into_iter()
        .filter(|event| event.direction == schema::Direction::In)
        .map(|event| {
            let validator = super::published::validator(&event.schema);
            (event.name, validator)
        })
        .collect();
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for bad in corpus() {
        let name = noun_verb(&bad.event);
        let valid = validators[name].is_valid(&bad.event["data"]);
        assert_eq!(valid, !bad.schema_tells, "{}", bad.event);
        *refused.entry(name.to_owned()).or_default() += usize::from(!valid);
    }
    for name in validators.keys() {
        assert!(refused[*name] >= 5, "{name} has too few bad examples");
    }
}

#[test]
fn what_was_sent_is_never_repeated() {
    let mut event = example("referral.submitted");
    set(
        &mut event["data"],
        "/urgency",
        "Jane Doe, of 1 High Street".into(),
    );
    set(
        &mut event["data"],
        "/children/0/child_id",
        "Jane Doe".into(),
    );
    set(&mut event["data"], "/locations/home", "Jane Doe".into());
    let refused = decode_on(&subject_for(&event), &event).unwrap_err();
    assert_eq!(refused.errors.len(), 3);
    assert!(!format!("{refused:?}{refused}").contains("Jane"));
}
