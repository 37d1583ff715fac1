//! What the outbound types do not say of themselves: the form of ids and the sets of codes.
//!
//! A field of the contract means the same wherever it stands, so its name tells.

use oss_domain::{
    Act, Approval, Need, Sex, Warning,
    lifecycle::Answer,
    referral::Urgency,
    setting::{Kind, Sourcing},
};
use serde_json::{Value, json};

/// Adds to every property of `schema`, at any depth, what is known of its name.
pub(super) fn refine(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get_mut("properties") {
                for (name, property) in properties {
                    add(property, known(name));
                }
            }
            object.values_mut().for_each(refine);
        }
        Value::Array(items) => items.iter_mut().for_each(refine),
        _ => {}
    }
}

fn add(property: &mut Value, known: Option<Value>) {
    if let (Value::Object(property), Some(Value::Object(known))) = (property, known) {
        property.extend(known);
    }
}

fn known(name: &str) -> Option<Value> {
    let pattern = |pattern: &str| json!({ "pattern": pattern });
    let codes = |codes: &[&str]| json!({ "enum": codes });
    let list_of = |codes: &[&str]| json!({ "items": { "type": "string", "enum": codes } });
    Some(match name {
        "referral_id" | "setting_id" | "provider_id" => pattern("^[A-Za-z0-9_-]{1,40}$"),
        "offer_id" => pattern("^off_[0-9a-f]{32}$"),
        "hold_id" => pattern("^hld_[0-9a-f]{32}$"),
        "placement_id" => pattern("^plc_[0-9a-f]{32}$"),
        "run_id" => pattern("^run_[0-9a-f]{32}$"),
        "sha256" => pattern("^[0-9a-f]{64}$"),
        "authority" => pattern("^([A-Z][0-9]{8}|unknown)$"),
        "located_in" => pattern("^[A-Z][0-9]{8}$"),
        "kind" => codes(Kind::CODES),
        "sourcing" => codes(Sourcing::CODES),
        "band" => codes(&["A", "B", "C"]),
        "precision" => codes(&["unit", "sector"]),
        "urgency" => codes(Urgency::CODES),
        "sex" => codes(Sex::CODES),
        "need" => codes(Need::CODES),
        "outcome" => codes(&["placed", "withdrawn"]),
        // Where it is not, it is absent; the type allows null.
        "answer" => json!({ "type": "string", "enum": Answer::CODES }),
        "approvals" => list_of(Approval::CODES),
        "warnings" => list_of(Warning::CODES),
        "requires" => list_of(Act::CODES),
        _ => return None,
    })
}
