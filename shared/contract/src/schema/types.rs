//! The contract's simple types, as schemas.

use oss_domain::{
    Level, Need,
    lifecycle::Answer as DomainAnswer,
    referral::{Completeness as DomainCompleteness, Urgency as DomainUrgency},
    setting::{
        ApprovalStatus as DomainApprovalStatus, Kind as DomainKind,
        ParentAndChild as DomainParentAndChild, Quality as DomainQuality,
        RestrictionReason as DomainRestrictionReason, Sourcing as DomainSourcing,
    },
    ssda903::{
        CategoryOfNeed as DomainCategoryOfNeed, Ethnicity as DomainEthnicity,
        LegalStatus as DomainLegalStatus, ReasonPlaceChange as DomainReasonPlaceChange,
    },
    text::{LONG_TEXT, TEXT},
    version,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;
use std::borrow::Cow;

/// Types that are a name and a schema.
macro_rules! types {
    ($($name:ident = $schema:expr;)+) => {$(
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )+};
}

fn pattern(description: &str, pattern: &str) -> Schema {
    json_schema!({ "type": "string", "description": description, "pattern": pattern })
}

fn whole(description: &str, minimum: u64, maximum: u64) -> Schema {
    json_schema!({
        "type": "integer", "description": description, "minimum": minimum, "maximum": maximum
    })
}

fn text(max: usize) -> Schema {
    json_schema!({
        "type": "string", "description": "Trimmed; not empty.", "pattern": "\\S", "maxLength": max
    })
}

fn codes(description: &str, codes: &[&str]) -> Schema {
    json_schema!({ "type": "string", "description": description, "enum": codes })
}

fn by_need(description: &str, value: &serde_json::Value) -> Schema {
    json_schema!({
        "type": "object",
        "description": description,
        "propertyNames": { "enum": Need::CODES },
        "additionalProperties": value,
    })
}

fn level() -> serde_json::Value {
    json!({ "type": "integer", "minimum": 0, "maximum": Level::MAX.get() })
}

/// Of the expressions that every language's validators know: classes such as `\p{Lu}` stop some.
/// Other capitals than these the service refuses by itself.
const NOT_UPPER_CASE: &str = "^[^A-Z]+$";

types! {
    Id = pattern("Given by its owner; unique within an authority.", "^[A-Za-z0-9_-]{1,40}$");
    OfferId = pattern("As `offers.proposed` or `offer.approached` gave it.", "^off_[0-9a-fA-F]{32}$");
    PlacementId = pattern("As `placement.agreed` gave it.", "^plc_[0-9a-fA-F]{32}$");
    Authority = pattern("An ONS code, such as E06000015.", "^[A-Z][0-9]{8}$");
    Postcode = pattern(
        "Any case and spacing; it must exist, or at least its sector.",
        "^[A-Za-z]{1,2}[0-9][A-Za-z0-9]? *[0-9][A-Za-z]{2}$"
    );
    Date = json_schema!({ "type": "string", "format": "date" });
    DateTime = json_schema!({ "type": "string", "format": "date-time", "description": "RFC 3339." });
    Text = text(TEXT);
    LongText = text(LONG_TEXT);
    Word = json_schema!({
        "type": "string", "description": "A lower-case word.",
        "pattern": NOT_UPPER_CASE, "maxLength": TEXT
    });
    Language = json_schema!({
        "type": "string", "description": "A lower-case word, such as `en` or `british sign language`.",
        "pattern": NOT_UPPER_CASE, "maxLength": TEXT
    });
    Version = whole("From 1; orders what is sent.", 1, version::MAX);
    OccupancyVersion = whole("Orders occupancy, apart from `version`.", 0, version::MAX);
    Pence = whole("Pence a week.", 0, u32::MAX.into());
    Places = whole("A number of places or rooms.", 0, u16::MAX.into());
    Age = whole("Completed years.", 0, u8::MAX.into());
    NeedsMap = by_need(
        "By need: its level, and whether it must be met in full.",
        &json!({
            "type": "object",
            "required": ["level"],
            "properties": { "level": level(), "essential": { "type": ["boolean", "null"] } },
        })
    );
    Capabilities = by_need("By need: the level that can be met.", &level());
    AdmissionCriteria = by_need("By need: the level from which a child is taken.", &level());
    Urgency = codes("`urgent` is within 72 hours, `emergency` the same day.", DomainUrgency::CODES);
    Kind = codes("The kind of setting.", DomainKind::CODES);
    Completeness = codes(
        "Default `full`; `emergency_minimum` is completed within a working day.",
        DomainCompleteness::CODES
    );
    Sex = codes("Unknown is U.", oss_domain::Sex::CODES);
    SettingSex = codes("A sex that a setting is approved for.", &["M", "F"]);
    Ethnicity = codes("SSDA903.", DomainEthnicity::CODES);
    LegalStatus = codes("SSDA903.", DomainLegalStatus::CODES);
    CategoryOfNeed = codes("SSDA903.", DomainCategoryOfNeed::CODES);
    ReasonPlaceChange = codes("SSDA903.", DomainReasonPlaceChange::CODES);
    Sourcing = codes("How the council comes by the place.", DomainSourcing::CODES);
    Quality = codes("What the inspectorate says.", DomainQuality::CODES);
    ParentAndChild = codes("`also` takes such groups and others.", DomainParentAndChild::CODES);
    ApprovalStatus = codes("Default `approved`.", DomainApprovalStatus::CODES);
    RestrictionReason = codes("Why no child is to be placed.", DomainRestrictionReason::CODES);
    Answer = codes("The provider's answer.", DomainAnswer::CODES);
}

/// Needs and locations are required unless only the emergency minimum is given.
pub(super) fn full_needs_more(schema: &mut Schema) {
    schema.insert(
        "if".into(),
        json!({
            "required": ["completeness"],
            "properties": { "completeness": { "const": "emergency_minimum" } },
        }),
    );
    schema.insert(
        "else".into(),
        json!({
            "required": ["needs", "locations"],
            "properties": { "needs": { "type": "object" }, "locations": { "type": "object" } },
        }),
    );
}

/// A connected person is there for named children.
pub(super) fn connected_person_needs_children(schema: &mut Schema) {
    schema.insert(
        "if".into(),
        json!({
            "required": ["kind"],
            "properties": { "kind": { "const": "connected_person" } },
        }),
    );
    schema.insert(
        "then".into(),
        json!({
            "required": ["connected_to_children"],
            "properties": { "connected_to_children": { "type": "array" } },
        }),
    );
}
