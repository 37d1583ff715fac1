//! The published form is in step with the code, and true of the examples.

use super::{examples, noun_verb, published_form};
use crate::schema::{Direction, asyncapi, events, records};
use serde_json::Value;
use std::{collections::BTreeMap, fs};

/// A validator that also checks formats, as the contract means them.
pub(super) fn validator(schema: &Value) -> jsonschema::Validator {
    let options = jsonschema::options().should_validate_formats(true);
    options.build(schema).unwrap()
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how a developer asks for the documents to be written anew"
)]
fn the_documents_are_in_step() {
    let mut documents: BTreeMap<String, Value> = events()
        .into_iter()
        .map(|event| (event.file(), event.schema))
        .collect();
    documents.insert("asyncapi.json".into(), asyncapi());
    documents.extend(
        records()
            .into_iter()
            .map(|(file, schema)| (file.to_owned(), schema)),
    );
    let examples = super::outbound::examples().into_iter();
    documents.extend(examples.map(|(name, event)| (format!("examples/out/{name}.json"), event)));
    let update = std::env::var("UPDATE_CONTRACT").is_ok();
    for (file, document) in documents {
        let path = published_form().join(&file);
        let text = format!("{document:#}\n");
        if update {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let published = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == text,
            "docs/contract/{file} is not in step; run: \
             UPDATE_CONTRACT=1 cargo test -p oss-contract published"
        );
    }
}

#[test]
fn no_document_is_left_over() {
    let known: Vec<_> = events()
        .iter()
        .map(crate::schema::Published::file)
        .collect();
    for way in ["in", "out"] {
        for file in fs::read_dir(published_form().join(way)).unwrap() {
            let file = format!("{way}/{}", file.unwrap().file_name().to_str().unwrap());
            assert!(known.contains(&file), "docs/contract/{file} is of no event");
        }
    }
}

#[test]
fn every_example_is_valid_and_every_inbound_event_has_one() {
    let examples = examples();
    for event in events() {
        if event.direction == Direction::Out {
            continue;
        }
        let of_this = examples
            .values()
            .filter(|example| noun_verb(example) == event.name);
        let validator = validator(&event.schema);
        let mut n_examples = 0;
        for example in of_this {
            n_examples += 1;
            let errors: Vec<_> = validator
                .iter_errors(&example["data"])
                .map(|error| format!("{error}"))
                .collect();
            assert!(errors.is_empty(), "{}: {errors:?}", event.name);
        }
        assert!(n_examples > 0, "{} has no example", event.name);
    }
}

#[test]
fn no_pattern_asks_for_more_than_every_languages_expressions_know() {
    let mut open: Vec<_> = events().into_iter().map(|event| event.schema).collect();
    let mut n_patterns = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(pattern)) = fields.get("pattern") {
                    n_patterns += 1;
                    // Python's, for one, stop at a class of Unicode.
                    assert!(!pattern.contains(r"\p"), "{pattern}");
                }
                open.extend(fields.into_iter().map(|(_, value)| value));
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(n_patterns > 0);
}
