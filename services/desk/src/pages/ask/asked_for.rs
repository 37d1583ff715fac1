//! For tests: that a form asks for what the contract has.

use super::{Ask, Question};
use serde_json::Value;
use std::collections::BTreeSet;

/// Every field that a schema has, by JSON pointer; of a list's items those of the first. What lies
/// at `maps` is one field.
pub(crate) fn fields(root: &Value, maps: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    below(root, root, "", maps, &mut found);
    found
}

/// What a schema says, behind what it refers to and what may be left out.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(first) = schema["anyOf"].get(0) {
        return resolve(root, first);
    }
    match schema["$ref"].as_str() {
        Some(at) => resolve(root, root.pointer(at.trim_start_matches('#')).unwrap()),
        None => schema,
    }
}

fn below(root: &Value, schema: &Value, pointer: &str, maps: &[&str], found: &mut BTreeSet<String>) {
    let schema = resolve(root, schema);
    let items = resolve(root, &schema["items"]);
    let properties = schema["properties"]
        .as_object()
        .filter(|_| !maps.contains(&pointer));
    if let Some(properties) = properties {
        for (name, inner) in properties {
            below(root, inner, &format!("{pointer}/{name}"), maps, found);
        }
    } else if items["properties"].is_object() {
        below(root, items, &format!("{pointer}/0"), maps, found);
    } else {
        found.insert(pointer.to_owned());
    }
}

/// Every field that `questions` ask for, by JSON pointer, each once.
#[track_caller]
pub(crate) fn once<'a>(questions: impl Iterator<Item = &'a Question>) -> BTreeSet<String> {
    let mut asked = Vec::new();
    for question in questions {
        match question.ask {
            Ask::Items(_, inner) => asked.extend(
                inner
                    .iter()
                    .flat_map(Question::pointers)
                    .map(|inner| format!("{}/0{inner}", question.pointer)),
            ),
            _ => asked.extend(question.pointers()),
        }
    }
    let once: BTreeSet<_> = asked.iter().cloned().collect();
    assert_eq!(asked.len(), once.len(), "{asked:?}");
    once
}
