//! The CloudEvents 1.0 envelope, out of both modes of a NATS message.
//!
//! Structured: the payload is the event in the JSON format. Binary: the attributes are headers
//! `ce-…`, percent-encoded, and the payload is the data. See the CloudEvents bindings for NATS
//! and (for the coding of header values) HTTP.

use crate::{read, refused::RefusedKind};
use base64::Engine as _;
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// The media type of structured mode.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";

/// The longest `id`, in characters.
const MAX_ID: usize = 128;
/// The longest other attribute, in characters: an index row of PostgreSQL must hold id and source.
const MAX_ATTRIBUTE: usize = 500;

/// The headers of a message, by names of any case.
#[derive(Clone, Debug, Default)]
pub struct Headers<'a>(Vec<(&'a str, &'a str)>);

impl<'a> FromIterator<(&'a str, &'a str)> for Headers<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(headers: I) -> Self {
        Self(headers.into_iter().collect())
    }
}

impl<'a> Headers<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let mut headers = self.0.iter();
        let found = headers.find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }

    /// Whether any header is an attribute of binary mode.
    fn have_attributes(&self) -> bool {
        let mut names = self.0.iter().filter_map(|(name, _)| name.get(..3));
        names.any(|start| start.eq_ignore_ascii_case("ce-"))
    }

    /// The W3C trace context, where the message has one in the form that the standard gives.
    #[must_use]
    pub fn traceparent(&self) -> Option<&'a str> {
        self.get("traceparent").filter(|text| is_traceparent(text))
    }

    /// The value of an attribute in binary mode: unquoted, then percent-decoded once.
    fn attribute(&self, name: &str) -> Option<Value> {
        let value = self.get(&format!("ce-{name}"))?;
        let unquoted = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .map_or_else(|| value.to_owned(), unescape);
        // What is not UTF-8 is no text, which is a fault wherever a text must be.
        let text = percent_decode_str(&unquoted).decode_utf8();
        Some(text.map_or(Value::Bool(false), |text| text.into_owned().into()))
    }
}

/// The text of a quoted string (RFC 9110, 5.6.4): a backslash stands for the next character.
fn unescape(quoted: &str) -> String {
    let mut escaped = false;
    quoted
        .chars()
        .filter(|c| {
            escaped = *c == '\\' && !escaped;
            !escaped
        })
        .collect()
}

/// Version 00 of the W3C trace context, and the same length and form of later ones.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let hex = |part: &str, len: usize| {
        part.len() == len && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let not_zero = |part: &str| part.bytes().any(|b| b != b'0');
    matches!(*parts.as_slice(), [version, trace, parent, flags]
        if hex(version, 2) && version != "ff" && hex(trace, 32) && not_zero(trace)
            && hex(parent, 16) && not_zero(parent) && hex(flags, 2))
}

/// A CloudEvent's attributes, all of them checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// With `source`, the key of idempotency.
    pub id: String,
    /// The producer.
    pub source: String,
    /// The type, such as `uk.oss.referral.submitted.v1`.
    pub event_type: String,
    /// The id of the noun that it is about.
    pub subject: Option<String>,
    /// When it happened, as the producer says.
    pub time: Option<DateTime<Utc>>,
    /// The W3C trace context, from the message's headers or the event's own extension.
    pub traceparent: Option<String>,
}

/// The attributes as they came, and the data: nothing is checked yet.
#[derive(Debug)]
pub(crate) struct Raw {
    attributes: Map<String, Value>,
    data: Result<Value, Fault>,
}

/// Why the envelope is refused.
pub(crate) type Fault = (RefusedKind, String);

const ATTRIBUTES: [&str; 8] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "traceparent",
];

impl Raw {
    /// Finds out the mode and takes the message apart.
    pub(crate) fn read(headers: &Headers<'_>, payload: &[u8]) -> Result<Self, Fault> {
        let media_type = media_type(headers.get("content-type").unwrap_or_default());
        match media_type.strip_prefix("application/cloudevents") {
            Some("+json" | "") => return Self::structured(payload),
            Some(_) => {
                let detail = format!("the content type must be {CONTENT_TYPE}, or none");
                return Err((RefusedKind::NotCloudEvent, detail));
            }
            None => {}
        }
        if headers.get("ce-specversion").is_some() {
            return Ok(Self::binary(headers, payload));
        }
        let structured = Self::structured(payload);
        let is_event = |raw: &Self| raw.get("specversion").is_some();
        // A binary event that lacks its version is refused, but its id is still learned.
        if headers.have_attributes() && !structured.as_ref().is_ok_and(is_event) {
            return Ok(Self::binary(headers, payload));
        }
        structured
    }

    fn structured(payload: &[u8]) -> Result<Self, Fault> {
        let Value::Object(mut attributes) = json(payload)? else {
            let detail = "the payload is not a JSON object with the attributes of a CloudEvent";
            return Err((RefusedKind::NotCloudEvent, detail.into()));
        };
        let data = attributes.remove("data");
        let data = match (data, attributes.remove("data_base64")) {
            (data, None | Some(Value::Null)) => Ok(data.unwrap_or_default()),
            (None | Some(Value::Null), Some(Value::String(text))) => {
                match base64::engine::general_purpose::STANDARD.decode(text) {
                    Ok(bytes) => json(&bytes),
                    Err(_) => Err((
                        RefusedKind::NotCloudEvent,
                        "data_base64 is not base64".into(),
                    )),
                }
            }
            _ => Err((
                RefusedKind::NotCloudEvent,
                "the event has both data and data_base64, or a data_base64 that is no text".into(),
            )),
        };
        Ok(Self { attributes, data })
    }

    fn binary(headers: &Headers<'_>, payload: &[u8]) -> Self {
        let attributes = ATTRIBUTES
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), headers.attribute(name)?)))
            .collect();
        Self {
            attributes,
            data: json(payload),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.attributes.get(name).filter(|value| !value.is_null())
    }

    /// An attribute that is a proper text, however wrong the rest may be.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let max = if name == "id" { MAX_ID } else { MAX_ATTRIBUTE };
        let text = self.get(name)?.as_str()?;
        let fits =
            !text.is_empty() && text.chars().count() <= max && !text.chars().any(char::is_control);
        fits.then_some(text)
    }

    /// The event's own trace context, where it has the standard's form.
    pub(crate) fn traceparent(&self) -> Option<&str> {
        self.text("traceparent").filter(|text| is_traceparent(text))
    }

    /// The data, or why it cannot be read.
    pub(crate) fn data(&self) -> Result<&Value, &Fault> {
        self.data.as_ref()
    }

    /// Checks the attributes.
    pub(crate) fn envelope(&self) -> Result<Envelope, Fault> {
        let wrong = |detail: String| (RefusedKind::NotCloudEvent, detail);
        match self.get("specversion") {
            Some(Value::String(version)) if version == "1.0" => {}
            Some(Value::String(_)) => {
                let detail = "specversion must be \"1.0\"";
                return Err((RefusedKind::UnsupportedVersion, detail.into()));
            }
            _ => return Err(wrong("the attribute specversion is missing".into())),
        }
        let required = |name: &str| {
            let max = if name == "id" { MAX_ID } else { MAX_ATTRIBUTE };
            self.text(name).map(str::to_owned).ok_or_else(|| {
                wrong(format!(
                    "the attribute {name} must be a text of 1 to {max} characters"
                ))
            })
        };
        let optional = |name: &str| match self.get(name) {
            Some(_) => required(name).map(Some),
            None => Ok(None),
        };
        let source = required("source")?;
        if !may_be_uri_reference(&source) {
            return Err(wrong("the attribute source must be a URI-reference".into()));
        }
        let time = optional("time")?
            .map(|text| {
                read::instant(&text)
                    .ok_or_else(|| wrong("the attribute time must be as RFC 3339 says".into()))
            })
            .transpose()?;
        if let Some(content_type) = optional("datacontenttype")? {
            let media_type = media_type(&content_type);
            if media_type != "application/json" && !media_type.ends_with("+json") {
                return Err(wrong("the data must be JSON".into()));
            }
        }
        Ok(Envelope {
            id: required("id")?,
            source,
            event_type: required("type")?,
            subject: optional("subject")?,
            time,
            traceparent: self.traceparent().map(str::to_owned),
        })
    }
}

/// The media type without its parameters, in lower case.
fn media_type(content_type: &str) -> String {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().to_ascii_lowercase()
}

/// Whether no character rules it out (RFC 3986; letters of any language, as RFC 3987 allows).
fn may_be_uri_reference(text: &str) -> bool {
    !text.chars().any(|c| {
        c.is_whitespace() || matches!(c, '<' | '>' | '"' | '{' | '}' | '|' | '\\' | '^' | '`')
    })
}

/// Reads JSON. serde_json gives up at a depth of 128, so no payload can exhaust the stack.
fn json(bytes: &[u8]) -> Result<Value, Fault> {
    serde_json::from_slice(bytes).map_err(|error| {
        // serde_json's text tells the place, and repeats nothing of the payload.
        (
            RefusedKind::NotJson,
            format!("the payload is not JSON: {error}"),
        )
    })
}
