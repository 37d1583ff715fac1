//! The bodies of the acts, and what they answer.

use oss_domain::{
    Approval,
    lifecycle::Answer,
    role::Role,
    ssda903::ReasonPlaceChange,
    text::{LONG_TEXT, TEXT},
};
use oss_workflow::{approvals::Check, offer::OfferState, placement::PlacementState};
use serde_json::{Value, json};

/// Every schema by name.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let text = |max: usize| json!({ "type": "string", "pattern": "\\S", "maxLength": max });
    let (short, long) = (text(TEXT), text(LONG_TEXT));
    let date = json!({ "type": "string", "format": "date" });
    let instant = json!({ "type": "string", "format": "date-time" });
    let of = |codes: &[&str]| json!({ "type": "string", "enum": codes });
    let id = json!({ "type": "string" });
    let boolean = json!({ "type": "boolean" });
    let checks = json!({ "type": "array", "items": of(Check::CODES) });
    let task = object(
        &["approval_id", "code", "role"],
        &json!({
            "approval_id": id, "code": of(Approval::CODES), "role": of(Role::CODES),
            "approver": id, "due_at": instant, "blocks_start": boolean, "checks": checks,
        }),
    );
    vec![
        ("Approach", object(&[], &json!({ "respond_by": instant }))),
        (
            "Approached",
            object(
                &["offer_id", "state", "respond_by"],
                &json!({ "offer_id": id, "state": of(OfferState::CODES), "respond_by": instant }),
            ),
        ),
        answered(),
        own_offer(),
        own_answer(),
        ("HoldAsked", object(&[], &json!({ "reason": short }))),
        (
            "Held",
            object(
                &["hold_id", "until"],
                &json!({ "hold_id": id, "until": instant }),
            ),
        ),
        (
            "Select",
            object(
                &["reason"],
                &json!({ "reason": long, "reason_not_first": long }),
            ),
        ),
        (
            "Selected",
            object(
                &["placement_id", "approvals"],
                &json!({ "placement_id": id, "approvals": { "type": "array", "items": task } }),
            ),
        ),
        (
            "RecordApproval",
            object(
                &["granted", "note"],
                &json!({ "granted": boolean, "note": long, "confirmed": checks }),
            ),
        ),
        (
            "ApprovalRecorded",
            object(
                &["approval_id", "granted"],
                &json!({ "approval_id": id, "granted": boolean }),
            ),
        ),
        ("StartPlacement", object(&[], &json!({ "starts_on": date }))),
        (
            "EndPlacement",
            object(
                &["ended_on", "reason_place_change", "planned"],
                &json!({
                    "ended_on": date, "reason_place_change": of(ReasonPlaceChange::CODES),
                    "planned": boolean,
                }),
            ),
        ),
        (
            "Placement",
            object(
                &[
                    "placement_id",
                    "referral_id",
                    "setting_id",
                    "state",
                    "starts_on",
                    "ended_on",
                ],
                &json!({
                    "placement_id": id, "referral_id": id, "setting_id": id,
                    "state": of(PlacementState::CODES), "starts_on": date,
                    "ended_on": { "type": ["string", "null"], "format": "date" },
                }),
            ),
        ),
    ]
}

fn object(required: &[&str], properties: &Value) -> Value {
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn answered() -> (&'static str, Value) {
    let id = json!({ "type": "string" });
    let until = json!({ "type": "string", "format": "date-time" });
    let answered = json!({
        "offer_id": id, "answer": { "type": "string", "enum": Answer::CODES }, "hold_id": id,
        "until": until,
    });
    ("Answered", object(&["offer_id", "answer"], &answered))
}

/// An offer as its own provider sees it.
fn own_offer() -> (&'static str, Value) {
    let id = json!({ "type": "string" });
    let offer = json!({
        "offer_id": id, "setting_id": id,
        "reference": { "type": "string", "pattern": "\\S", "maxLength": TEXT },
        "state": { "type": "string", "enum": OfferState::CODES },
        "respond_by": { "type": "string", "format": "date-time" },
    });
    let required = ["offer_id", "setting_id", "reference", "state", "respond_by"];
    ("OwnOffer", object(&required, &offer))
}

/// A provider's answer to its own offer.
fn own_answer() -> (&'static str, Value) {
    let text = json!({ "type": "string", "pattern": "\\S", "maxLength": TEXT });
    let answer = json!({
        "answer": { "type": "string", "enum": Answer::CODES },
        "decline_reason": text,
        "weekly_cost_pence": { "type": "integer", "minimum": 0 },
        "available_from": { "type": "string", "format": "date" },
        "statement": text,
    });
    ("OwnAnswer", object(&["answer"], &answer))
}
