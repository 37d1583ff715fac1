//! Makes the OpenAPI document from the table of routes, the contract's schemas, and what is said
//! here about each call.

use crate::{
    api::{BASE, Route, routes},
    limits::MAX_IDEMPOTENCY_KEY,
    session::{cookie, csrf},
};
use axum::http::Method;
use oss_domain::role::Role;
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, fs, path::PathBuf};

mod calls;
mod schemas;

pub(crate) use schemas::validator;

/// Every call can fail so.
const ALWAYS: [u16; 6] = [400, 401, 403, 429, 500, 503];

/// Every call that takes an `Idempotency-Key` can fail so as well.
const WITH_KEY: &[u16] = &[409, 413, 422];

fn header(name: &str, description: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "header", "description": description, "schema": schema })
}

fn operation(route: &Route) -> Value {
    let call = calls::call(&route.method, route.path)
        .unwrap_or_else(|| panic!("{} {} is not described", route.method, route.path));
    let mut parameters: Vec<_> = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    parameters.extend(call.query);
    let takes_key = route.method == Method::POST;
    if takes_key {
        let but = if route.path.ends_with("/hold") {
            ", but for the homes that are left when a place has gone: those are told afresh"
        } else {
            ""
        };
        parameters.push(header(
            "Idempotency-Key",
            &format!(
                "The same key and body again: the same answer, and nothing is done twice. Kept for a day{but}."
            ),
            &json!({ "type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY }),
        ));
    }
    if call.fails.contains(&412) {
        parameters.push(header(
            "If-Match",
            "Only if what is stored has this entity tag.",
            &json!({ "type": "string" }),
        ));
    }
    let (status, schema) = call.answers;
    let mut responses = Map::new();
    responses.insert(status.to_string(), success(route, status, schema));
    // New or not, an entry is written; asked or not, a provider has been.
    if route.method == Method::PUT && status == 200 {
        responses.insert("201".into(), success(route, 201, schema));
    }
    if schema == "Approached" {
        responses.insert("200".into(), success(route, 200, schema));
    }
    let with_key = if takes_key { WITH_KEY } else { &[] };
    let fails: BTreeSet<_> = call.fails.iter().chain(&ALWAYS).chain(with_key).collect();
    for status in fails {
        responses.insert(
            status.to_string(),
            json!({ "$ref": format!("#/components/responses/Problem{status}") }),
        );
    }
    let roles: Vec<_> = Role::ALL
        .iter()
        .filter(|role| crate::access::allows(route.act, **role))
        .map(|role| role.as_str())
        .collect();
    let mut operation = json!({
        "operationId": route.operation_id(),
        "summary": call.summary,
        "tags": [route.path.split('/').nth(1)],
        "x-act": crate::access::name(route.act),
        "x-roles": roles,
        "parameters": parameters,
        "responses": responses,
    });
    if !route.method.is_safe() {
        // Besides the session's cookie, which a browser sends unasked.
        operation["security"] = json!([{ "bearer": [] }, { "session": [], "csrf": [] }]);
    }
    if let Some(schema) = call.takes {
        let required = !matches!(schema, "Approach" | "HoldAsked" | "StartPlacement");
        operation["requestBody"] =
            json!({ "required": required, "content": content("application/json", schema) });
    }
    operation
}

fn success(route: &Route, status: u16, schema: &str) -> Value {
    let description = match status {
        201 => "Created.",
        202 => "Accepted: committed, and acted on at once.",
        _ => "Done.",
    };
    if schema.is_empty() {
        return json!({ "description": description });
    }
    let mut response = json!({
        "description": description, "content": content("application/json", schema)
    });
    let told = |text: &str| json!({ "description": text, "schema": { "type": "string" } });
    let mut headers = Map::new();
    if route.method != Method::GET && matches!(schema, "ReferralSummary" | "Setting") {
        headers.insert("Location".into(), told("Where it can be read."));
    }
    if matches!(schema, "ReferralSummary" | "StoredReferral" | "Setting") {
        headers.insert("ETag".into(), told("For `If-Match`."));
    }
    if !headers.is_empty() {
        response["headers"] = Value::Object(headers);
    }
    response
}

fn content(media_type: &str, schema: &str) -> Value {
    json!({ media_type: { "schema": { "$ref": format!("#/components/schemas/{schema}") } } })
}

fn problems() -> Map<String, Value> {
    let problem = |status: u16, description: &str| {
        (
            format!("Problem{status}"),
            json!({
                "description": description,
                "content": content("application/problem+json", "Problem"),
            }),
        )
    };
    [
        problem(400, "Not understood."),
        problem(401, "Not authenticated."),
        problem(403, "Not allowed."),
        problem(404, "Does not exist."),
        problem(409, "Clashes with what is stored."),
        problem(412, "It has changed meanwhile."),
        problem(413, "The body is over 256 KiB."),
        problem(415, "The body is not JSON."),
        problem(
            422,
            "Fields are missing or wrong: `errors` lists every one.",
        ),
        problem(
            429,
            "Too many requests: wait as long as `Retry-After` says.",
        ),
        problem(500, "A fault of ours."),
        problem(503, "Not available: try again after `Retry-After`."),
    ]
    .into_iter()
    .collect()
}

fn document() -> Value {
    let mut paths = Map::new();
    for route in routes() {
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.as_str().to_ascii_lowercase()] = operation(&route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "One Stop Shop",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Finds children in care a lawful, suitable home, with every reason shown. Errors are problems (RFC 9457).",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": BASE }],
        "security": [{ "bearer": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": cookie::SESSION,
                    "description": "Of somebody who signed in by the pages.",
                },
                "csrf": {
                    "type": "apiKey", "in": "header", "name": csrf::HEADER,
                    "description": "What the field `csrf` of the session's own forms holds.",
                },
            },
            "schemas": schemas::all(),
            "responses": problems(),
        },
    })
}

fn published() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/contract/openapi.json")
}

#[test]
fn the_published_description_is_that_of_the_types() {
    let mut text = serde_json::to_string_pretty(&document()).unwrap();
    text.push('\n');
    #[expect(
        clippy::disallowed_methods,
        reason = "how the checked-in file is renewed"
    )]
    if std::env::var("UPDATE_CONTRACT").is_ok() {
        fs::write(published(), &text).unwrap();
    }
    let stored = fs::read_to_string(published()).unwrap();
    assert!(
        stored == text,
        "docs/contract/openapi.json is out of step; renew it with UPDATE_CONTRACT=1 cargo test -p oss-desk published"
    );
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_one() {
    let document = document();
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    let pointer = reference.strip_prefix('#').expect("references stay inside");
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                open.extend(fields.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    for (name, _) in document["components"]["schemas"].as_object().unwrap() {
        assert!(validator(name).is_some(), "{name}");
    }
}

#[test]
fn each_call_that_takes_a_key_says_which_and_that_another_request_with_it_is_refused() {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let posts: Vec<_> = paths.values().filter_map(|path| path.get("post")).collect();
    assert!(!posts.is_empty());
    for post in posts {
        let parameters = post["parameters"].as_array().unwrap();
        let key = parameters
            .iter()
            .find(|parameter| parameter["name"] == "Idempotency-Key")
            .unwrap();
        assert_eq!(key["schema"]["minLength"], 1);
        assert_eq!(key["schema"]["maxLength"], MAX_IDEMPOTENCY_KEY);
        for status in ["409", "413", "422"] {
            assert!(post["responses"].get(status).is_some(), "{status}: {post}");
        }
    }
}
