//! CloudEvents 1.0 in both modes, as any producer's library may write them.

use super::{decode_on, example, examples, faults, set, subject_for};
use crate::{Fact, Headers, Incoming, MAX_PAYLOAD, Refused, RefusedKind, decode};
use oss_domain::lifecycle::DeclineReason;
use proptest::prelude::*;
use serde_json::{Value, json};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The event in binary mode: header names in the case that `name` gives them.
fn binary(event: &Value, name: impl Fn(&str) -> String) -> (Vec<(String, String)>, Vec<u8>) {
    let attributes = event.as_object().unwrap().iter();
    let headers = attributes
        .filter(|(key, _)| *key != "data")
        .map(|(key, value)| {
            let encoded =
                percent_encoding::utf8_percent_encode(value.as_str().unwrap(), ENCODED).to_string();
            (name(&format!("ce-{key}")), encoded)
        })
        .collect();
    (headers, event["data"].to_string().into_bytes())
}

/// What the HTTP binding says must be encoded: space, quote, percent, and all but printable ASCII.
const ENCODED: &percent_encoding::AsciiSet =
    &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b'%');

fn decode_binary(
    event: &Value,
    more: &[(&str, &str)],
    name: impl Fn(&str) -> String,
) -> Result<Incoming, Box<Refused>> {
    let (headers, payload) = binary(event, name);
    let headers: Headers<'_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain(more.iter().copied())
        .collect();
    decode(&subject_for(event), &headers, &payload)
}

#[test]
fn both_modes_say_the_same() {
    for (name, event) in examples() {
        let structured = decode_on(&subject_for(&event), &event).unwrap();
        for spelling in [str::to_owned, str::to_uppercase, |name: &str| {
            name.replace("ce-", "Ce-")
        }] {
            for content_type in ["application/json", "application/json; charset=utf-8"] {
                let more = [("content-type", content_type)];
                let binary = decode_binary(&event, &more, spelling).unwrap();
                assert_eq!(binary, structured, "{name}");
            }
            assert_eq!(decode_binary(&event, &[], spelling).unwrap(), structured);
        }
    }
}

#[test]
fn structured_mode_is_known_by_its_content_type_or_by_nothing() {
    let event = example("referral.submitted");
    let payload = event.to_string().into_bytes();
    let subject = subject_for(&event);
    for content_type in [
        "application/cloudevents+json",
        "Application/CloudEvents+JSON",
        "application/cloudevents+json; charset=utf-8",
        "application/cloudevents+json;charset=UTF-8",
        "application/json",
        "",
    ] {
        let headers = Headers::from_iter([("Content-type", content_type)]);
        assert!(
            decode(&subject, &headers, &payload).is_ok(),
            "{content_type}"
        );
    }
    // Headers of others that look like attributes do not make it binary.
    let headers = Headers::from_iter([("ce-extension", "x"), ("Nats-Msg-Id", "1")]);
    assert!(decode(&subject, &headers, &payload).is_ok());
    // The content type decides, whatever other headers say.
    let headers = Headers::from_iter([
        ("CONTENT-TYPE", "application/cloudevents+json"),
        ("ce-id", "another"),
    ]);
    let incoming = decode(&subject, &headers, &payload).unwrap();
    assert_eq!(json!(incoming.envelope.id), event["id"]);
    for content_type in [
        "application/cloudevents-batch+json",
        "application/cloudevents+avro",
    ] {
        let headers = Headers::from_iter([("content-type", content_type)]);
        let refused = decode(&subject, &headers, &payload).unwrap_err();
        assert_eq!(refused.kind, RefusedKind::NotCloudEvent, "{content_type}");
    }
}

#[test]
fn header_values_are_unquoted_and_decoded_once() {
    let event = example("setting.closed");
    for (written, read) in [
        ("plain", "plain"),
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("%e2%82%ac", "€"),
        ("100%2525", "100%25"),
        ("not%20twice%2520", "not twice%20"),
        ("a+b", "a+b"),
        ("%zz%", "%zz%"),
        ("\"quoted\"", "quoted"),
        ("\"a \\\"b\\\" \\\\c\"", "a \"b\" \\c"),
        ("\"%41\"", "A"),
        ("  padded  ", "padded"),
        ("%22", "\""),
    ] {
        let mut plain = event.clone();
        super::remove(&mut plain, "/id");
        let incoming = decode_binary(&plain, &[("ce-id", written)], str::to_owned).unwrap();
        assert_eq!(incoming.envelope.id, read, "{written}");
    }
    for bad in ["%ff", "%E2%82", "a%00b", "a%0Ab", ""] {
        let mut plain = event.clone();
        super::remove(&mut plain, "/id");
        let refused = decode_binary(&plain, &[("ce-id", bad)], str::to_owned).unwrap_err();
        assert_eq!(refused.kind, RefusedKind::NotCloudEvent, "{bad}");
    }
}

#[test]
fn a_binary_event_without_its_version_is_refused_by_its_id() {
    let mut event = example("setting.closed");
    super::remove(&mut event, "/specversion");
    let refused = decode_binary(&event, &[], str::to_owned).unwrap_err();
    assert_eq!(refused.kind, RefusedKind::NotCloudEvent);
    assert_eq!(json!(refused.event_id), event["id"]);
}

#[test]
fn attributes_that_are_wrong_are_refused() {
    let long = |n: usize| Value::String("x".repeat(n));
    let event = example("referral.submitted");
    for (attribute, value, kind) in [
        ("specversion", json!(null), RefusedKind::NotCloudEvent),
        ("specversion", json!(1.0), RefusedKind::NotCloudEvent),
        ("specversion", json!("0.3"), RefusedKind::UnsupportedVersion),
        ("specversion", json!("1.1"), RefusedKind::UnsupportedVersion),
        ("id", json!(null), RefusedKind::NotCloudEvent),
        ("id", json!(""), RefusedKind::NotCloudEvent),
        ("id", json!(7), RefusedKind::NotCloudEvent),
        ("id", long(129), RefusedKind::NotCloudEvent),
        ("id", json!("a\u{0}b"), RefusedKind::NotCloudEvent),
        ("source", json!(null), RefusedKind::NotCloudEvent),
        ("source", json!(""), RefusedKind::NotCloudEvent),
        (
            "source",
            json!("the case system"),
            RefusedKind::NotCloudEvent,
        ),
        ("type", json!(null), RefusedKind::NotCloudEvent),
        (
            "type",
            json!("uk.oss.referral.submitted.v2"),
            RefusedKind::UnknownType,
        ),
        (
            "type",
            json!("uk.oss.offers.proposed.v1"),
            RefusedKind::UnknownType,
        ),
        (
            "type",
            json!("referral.submitted"),
            RefusedKind::UnknownType,
        ),
        ("time", json!("2026-11-23"), RefusedKind::NotCloudEvent),
        ("time", json!(1_763_890_200), RefusedKind::NotCloudEvent),
        (
            "datacontenttype",
            json!("text/xml"),
            RefusedKind::NotCloudEvent,
        ),
        ("data", json!(null), RefusedKind::InvalidData),
        ("data_base64", json!("e30="), RefusedKind::NotCloudEvent),
    ] {
        let mut bad = event.clone();
        bad[attribute] = value;
        let refused = decode_on("oss.in.v1.E06000015.referral.submitted", &bad).unwrap_err();
        assert_eq!(refused.kind, kind, "{attribute}: {}", bad[attribute]);
        assert!(refused.about_referral);
        let referral_id = refused.referral_id.map(|id| id.to_string());
        let learned = bad["data"]["referral_id"].as_str().map(str::to_owned);
        if attribute != "data_base64" {
            assert_eq!(referral_id, learned, "the sender is told which referral");
        }
    }
    for (attribute, value) in [
        ("id", long(128)),
        ("id", Value::String("é".repeat(128))),
        ("time", json!(null)),
        ("time", json!("2026-11-23T10:30:00.123456+01:00")),
        ("subject", json!(null)),
        (
            "datacontenttype",
            json!("application/vnd.derby+json; charset=utf-8"),
        ),
        ("datacontenttype", json!(null)),
        ("source", json!("urn:uuid:5c1c2b6e")),
        ("source", json!("https://case.example/a%20b?c#d")),
        ("dataschema", json!("https://example.com/schema")),
        ("comexampleextension", json!(true)),
    ] {
        let mut good = event.clone();
        good[attribute] = value;
        assert!(decode_on(&subject_for(&good), &good).is_ok(), "{attribute}");
    }
}

#[test]
fn data_may_be_base64() {
    use base64::Engine as _;
    let mut event = example("setting.closed");
    let plain = decode_on(&subject_for(&event), &event).unwrap();
    let data = event["data"].to_string();
    super::remove(&mut event, "/data");
    event["data_base64"] = base64::engine::general_purpose::STANDARD
        .encode(data)
        .into();
    let subject = "oss.in.v1.E06000015.setting.closed";
    assert_eq!(decode_on(subject, &event).unwrap(), plain);
    event["data_base64"] = json!("not base64!");
    assert!(decode_on(subject, &event).is_err());
}

#[test]
fn what_is_not_json_or_no_event_is_refused() {
    let subject = "oss.in.v1.E06000015.setting.closed";
    for (payload, kind) in [
        (&b""[..], RefusedKind::NotJson),
        (b"{", RefusedKind::NotJson),
        (b"\xff\xfe", RefusedKind::NotJson),
        (b"{\"id\":\"\\ud800\"}", RefusedKind::NotJson),
        (b"[]", RefusedKind::NotCloudEvent),
        (b"\"text\"", RefusedKind::NotCloudEvent),
        (b"{}", RefusedKind::NotCloudEvent),
        (b"{\"setting_id\":\"F01\"}", RefusedKind::NotCloudEvent),
    ] {
        let refused = decode(subject, &Headers::default(), payload).unwrap_err();
        assert_eq!(refused.kind, kind, "{payload:?}");
        assert!(!refused.about_referral);
    }
    // Deeper than any reader's stack.
    let deep = "[".repeat(200_000);
    let refused = decode(subject, &Headers::default(), deep.as_bytes()).unwrap_err();
    assert_eq!(refused.kind, RefusedKind::NotJson);
}

#[test]
fn exactly_256_kib_are_taken() {
    let mut event = example("setting.closed");
    event["padding"] = json!("");
    let room = MAX_PAYLOAD - event.to_string().len();
    event["padding"] = "x".repeat(room).into();
    let subject = subject_for(&event);
    assert_eq!(event.to_string().len(), 262_144);
    assert!(decode_on(&subject, &event).is_ok());
    event["padding"] = "x".repeat(room + 1).into();
    let refused = decode_on(&subject, &event).unwrap_err();
    assert_eq!(refused.kind, RefusedKind::TooLarge);
    assert_eq!(json!(refused.event_id), event["id"]);
}

#[test]
fn subject_type_and_data_must_agree() {
    let referral = example("referral.submitted");
    let answer = example("offer.answered");
    for (subject, event, pointer) in [
        (
            "oss.in.v1.E10000007.referral.submitted",
            &referral,
            "/authority",
        ),
        ("oss.in.v1.E06000015.referral.amended", &referral, ""),
        ("oss.in.v1.E06000015.setting.changed", &referral, ""),
        ("oss.in.v1.derby.referral.submitted", &referral, ""),
        (
            "oss.in.v1.E06000015.provider.IFA-3.referral.submitted",
            &referral,
            "",
        ),
        ("oss.in.v2.E06000015.referral.submitted", &referral, ""),
        ("oss.evt.v1.E06000015.referral.submitted", &referral, ""),
        ("oss.in.v1.E06000015.referral", &referral, ""),
        (
            "oss.in.v1.E06000015.provider.IFA-4.offer.answered",
            &answer,
            "/provider_id",
        ),
        (
            "oss.in.v1.E10000007.provider.IFA-3.offer.answered",
            &answer,
            "/authority",
        ),
    ] {
        let refused = decode_on(subject, event).unwrap_err();
        assert_eq!(refused.kind, RefusedKind::SubjectMismatch, "{subject}");
        assert_eq!(
            faults(&refused),
            [(pointer, "subject_mismatch")],
            "{subject}"
        );
    }
    // The council may record an answer on its own subject.
    assert!(decode_on("oss.in.v1.E06000015.offer.answered", &answer).is_ok());
    let mut other = referral;
    set(&mut other, "/subject", "R-another".into());
    let refused = decode_on(&subject_for(&other), &other).unwrap_err();
    assert_eq!(faults(&refused), [("/referral_id", "subject_mismatch")]);
}

#[test]
fn why_a_provider_declines_may_be_said_in_any_words() {
    let given = |reason: Value, statement: Value| {
        let mut event = example("offer.answered");
        set(&mut event, "/data/decline_reason", reason);
        set(&mut event, "/data/statement", statement);
        match decode_on(&subject_for(&event), &event).unwrap().fact {
            Fact::OfferAnswered(answered) => answered.into_given().terms,
            other => panic!("{other:?}"),
        }
    };
    let code = given("staffing".into(), "Two are ill.".into());
    assert_eq!(code.decline_reason, Some(DeclineReason::Staffing));
    assert_eq!(code.statement.as_deref(), Some("Two are ill."));
    let words = given("We are full.".into(), "Ask us in May.".into());
    assert_eq!(words.decline_reason, Some(DeclineReason::Other));
    assert_eq!(
        words.statement.as_deref(),
        Some("We are full.\nAsk us in May.")
    );
    let nothing = given(Value::Null, Value::Null);
    assert_eq!((nothing.decline_reason, nothing.statement), (None, None));
}

#[test]
fn the_trace_goes_on() {
    let mut event = example("setting.closed");
    let trace = |event: &Value, headers: &[(&str, &str)]| {
        let headers: Headers<'_> = headers.iter().copied().collect();
        let incoming = decode(&subject_for(event), &headers, event.to_string().as_bytes());
        incoming.unwrap().envelope.traceparent
    };
    assert_eq!(trace(&event, &[]), None);
    assert_eq!(
        trace(&event, &[("Traceparent", TRACE)]).as_deref(),
        Some(TRACE)
    );
    assert_eq!(trace(&event, &[("traceparent", "nonsense")]), None);
    event["traceparent"] = json!(TRACE);
    assert_eq!(trace(&event, &[]).as_deref(), Some(TRACE));
    let all_zero = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
    event["traceparent"] = json!(all_zero);
    assert_eq!(trace(&event, &[]), None);
}

/// Any JSON, not too deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-zA-Z_/~]{0,8}", inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        subject in "\\PC{0,40}",
        payload in prop::collection::vec(any::<u8>(), 0..200),
        header in "\\PC{0,20}",
    ) {
        let headers = Headers::from_iter([("ce-id", header.as_str()), ("content-type", &header)]);
        prop_assert!(decode(&subject, &headers, &payload).is_err());
        prop_assert!(decode(&subject, &Headers::default(), &payload).is_err());
    }

    #[test]
    fn no_json_makes_it_panic(
        name in prop::sample::select(examples().into_keys().collect::<Vec<_>>()),
        at in any::<prop::sample::Index>(),
        value in any_json(),
    ) {
        // One place of a good event holds something else.
        let mut event = example(&name);
        let mut pointers = Vec::new();
        collect_pointers(&event, "", &mut pointers);
        let pointer = &pointers[at.index(pointers.len())];
        let subject = subject_for(&event);
        *event.pointer_mut(pointer).unwrap() = value;
        if let Err(refused) = decode_on(&subject, &event) {
            prop_assert!(!refused.detail.is_empty());
            for error in &refused.errors {
                prop_assert!(
                    error.code == "required" || error.code == "unknown_key"
                        || event["data"].pointer(&error.pointer).is_some(),
                    "{:?}", error
                );
            }
        }
    }
}

fn collect_pointers(value: &Value, pointer: &str, pointers: &mut Vec<String>) {
    pointers.push(pointer.to_owned());
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                collect_pointers(value, &format!("{pointer}/{key}"), pointers);
            }
        }
        Value::Array(items) => {
            for (idx, value) in items.iter().enumerate() {
                collect_pointers(value, &format!("{pointer}/{idx}"), pointers);
            }
        }
        _ => {}
    }
}
