//! The schemas of the document: the contract's own, and those of the API's other answers.

mod acts;

use oss_contract::schema;
use oss_domain::{lifecycle::ReferralState, referral::Urgency, text::TEXT};
use serde_json::{Map, Value, json};

/// Every schema by name.
pub(super) fn all() -> Map<String, Value> {
    let mut schemas = Map::new();
    let events = schema::events();
    let event = |name: &str| {
        let found = events.iter().find(|event| event.name == name);
        found
            .unwrap_or_else(|| panic!("{name} is published"))
            .schema
            .clone()
    };
    let record = |name: &str| {
        let records = schema::records();
        let found = records.into_iter().find(|(file, _)| *file == name);
        found.unwrap_or_else(|| panic!("{name} is published")).1
    };
    add(&mut schemas, "Referral", event("referral.submitted"));
    add(&mut schemas, "Setting", event("setting.changed"));
    add(&mut schemas, "OfferAnswered", event("offer.answered"));
    add(&mut schemas, "OffersProposed", event("offers.proposed"));
    add(&mut schemas, "ReferralUnfilled", event("referral.unfilled"));
    add(&mut schemas, "MatchRun", record("match-run.json"));
    add(&mut schemas, "Problem", record("problem.json"));
    for (name, schema) in own().into_iter().chain(acts::all()) {
        schemas.insert(name.to_owned(), schema);
    }
    schemas
}

/// Adds a root schema under `name`, and what it defines beside it.
fn add(schemas: &mut Map<String, Value>, name: &str, mut root: Value) {
    let Some(fields) = root.as_object_mut() else {
        return;
    };
    for keyword in ["$schema", "$id"] {
        fields.remove(keyword);
    }
    let definitions = fields.remove("$defs");
    move_references(&mut root);
    schemas.insert(name.to_owned(), root);
    if let Some(Value::Object(definitions)) = definitions {
        for (name, mut definition) in definitions {
            move_references(&mut definition);
            let earlier = schemas.insert(name.clone(), definition.clone());
            assert!(
                earlier.is_none_or(|earlier| earlier == definition),
                "two schemas have the name {name}"
            );
        }
    }
}

fn move_references(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get_mut("$ref") {
                *reference = reference.replace("#/$defs/", "#/components/schemas/");
            }
            fields.values_mut().for_each(move_references);
        }
        Value::Array(items) => items.iter_mut().for_each(move_references),
        _ => {}
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn page(item: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": { "type": "array", "items": item },
            "next_cursor": {
                "type": ["string", "null"],
                "description": "For the next page; null on the last."
            },
        },
    })
}

/// The answers that are the API's alone.
fn own() -> Vec<(&'static str, Value)> {
    let instant = json!({ "type": "string", "format": "date-time" });
    let urgencies: Vec<_> = Urgency::CODES
        .iter()
        .map(|code| Some(*code))
        .chain([None])
        .collect();
    let summary = json!({
        "type": "object",
        "required": ["referral_id", "authority", "revision", "state", "received_at", "run_id"],
        "properties": {
            "referral_id": reference("Id"),
            "authority": reference("Authority"),
            "revision": { "type": "integer", "minimum": 0 },
            "state": { "type": "string", "enum": ReferralState::CODES },
            "urgency": { "enum": urgencies },
            "received_at": instant,
            "run_id": { "type": ["string", "null"], "description": "The current run." },
        },
    });
    let stored = json!({
        "description": "A referral with where it stands; one that was withdrawn before it arrived has no more than that.",
        "allOf": [reference("ReferralSummary")],
        "anyOf": [reference("Referral"), { "properties": { "revision": { "const": 0 } } }],
    });
    let dead_letter = json!({
        "type": "object",
        "required": ["id", "subject", "reason", "attempts", "received_at"],
        "properties": {
            "id": { "type": "string" },
            "subject": { "type": "string" },
            "type": { "type": "string" },
            "reason": { "type": "string" },
            "code": { "type": "string" },
            "attempts": { "type": "integer", "minimum": 1 },
            "received_at": instant,
        },
    });
    let retry_requested = json!({
        "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } }
    });
    let withdraw = json!({
        "type": "object",
        "required": ["reason"],
        "properties": { "reason": { "type": "string", "pattern": "\\S", "maxLength": TEXT } },
    });
    let proposal = json!({ "anyOf": [reference("OffersProposed"), reference("ReferralUnfilled")] });
    vec![
        ("ReferralSummary", summary),
        ("ReferralSummaries", page(&reference("ReferralSummary"))),
        ("StoredReferral", stored),
        ("Proposal", proposal),
        ("OwnOffers", page(&reference("OwnOffer"))),
        ("Settings", page(&reference("Setting"))),
        ("DeadLetter", dead_letter),
        ("DeadLetters", page(&reference("DeadLetter"))),
        ("RetryRequested", retry_requested),
        ("Withdraw", withdraw),
        ("Any", json!({ "type": "object" })),
    ]
}

/// A validator of the schema `name` within the document's components.
pub(crate) fn validator(name: &str) -> Option<jsonschema::Validator> {
    let root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/components/schemas/{name}"),
        "components": { "schemas": all() },
    });
    jsonschema::validator_for(&root).ok()
}
