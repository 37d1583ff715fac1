//! The AsyncAPI 3 document: which events there are, on which subjects, in which envelope.

use super::{Direction, Published, events};
use crate::envelope::CONTENT_TYPE;
use serde_json::{Map, Value, json};

/// The AsyncAPI 3.0 document of the whole contract.
#[must_use]
pub fn asyncapi() -> Value {
    let events = events();
    let named = |part: fn(&Published) -> Value| -> Map<String, Value> {
        events
            .iter()
            .map(|event| (event.name.to_owned(), part(event)))
            .collect()
    };
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "One Stop Shop: events",
            "version": "1.0.0",
            "description": "CloudEvents 1.0 over NATS JetStream. Inbound in structured or binary \
                mode, outbound structured. (source, id) is the key of idempotency for ever. \
                Nats-Msg-Id is the CloudEvents id on all that is published; producers set one that \
                is unique across producers, such as <source>#<id>.",
            "license": { "name": "MIT" },
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": named(channel),
        "operations": named(operation),
        "components": {
            "messages": named(message),
            "schemas": { "envelope": envelope() },
        },
    })
}

fn channel(event: &Published) -> Value {
    let (prefix, stream) = match event.direction {
        Direction::In => ("oss.in.v1", "OSS_IN"),
        Direction::Out => ("oss.evt.v1", "OSS_EVT"),
    };
    let authority = json!({
        "description": "The ONS code of the responsible council; equals the data's authority."
    });
    let (address, parameters) = if event.of_provider {
        (
            format!(
                "{prefix}.{{authority}}.provider.{{provider_id}}.{}",
                event.name
            ),
            json!({
                "authority": authority,
                "provider_id": { "description": "Equals the data's provider_id." },
            }),
        )
    } else {
        (
            format!("{prefix}.{{authority}}.{}", event.name),
            json!({ "authority": authority }),
        )
    };
    json!({
        "address": address,
        "description": format!("In the stream {stream}."),
        "parameters": parameters,
        "messages": {
            event.name: { "$ref": format!("#/components/messages/{}", event.name) },
        },
    })
}

fn operation(event: &Published) -> Value {
    let action = match event.direction {
        Direction::In => "receive",
        Direction::Out => "send",
    };
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{}", event.name) },
        "messages": [{ "$ref": format!("#/channels/{}/messages/{}", event.name, event.name) }],
    })
}

fn message(event: &Published) -> Value {
    json!({
        "name": format!("uk.oss.{}.v1", event.name),
        "contentType": CONTENT_TYPE,
        "payload": {
            "allOf": [
                { "$ref": "#/components/schemas/envelope" },
                {
                    "type": "object",
                    "required": ["data"],
                    "properties": {
                        "type": { "const": format!("uk.oss.{}.v1", event.name) },
                        "data": { "$ref": format!("./{}", event.file()) },
                    },
                },
            ],
        },
    })
}

fn envelope() -> Value {
    json!({
        "type": "object",
        "description": "CloudEvents 1.0, JSON format.",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": { "const": "1.0" },
            "id": { "type": "string", "minLength": 1, "maxLength": 128 },
            "source": { "type": "string", "format": "uri-reference", "minLength": 1 },
            "type": { "type": "string" },
            "subject": { "type": "string", "description": "The id of what it is about." },
            "time": { "type": "string", "format": "date-time" },
            "datacontenttype": { "type": "string", "default": "application/json" },
            "traceparent": { "type": "string", "description": "W3C trace context." },
        },
    })
}
