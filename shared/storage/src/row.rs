//! Between columns and the domain's types.

use crate::error::{Result, broken};
use oss_domain::{ChildId, Referral, Setting};
use serde_json::{Map, Value};
use std::{borrow::Cow, fmt::Display, str::FromStr, sync::Arc};

/// A column's text as what it stands for.
pub(crate) fn parse<T: FromStr<Err: Display>>(column: &str, text: &str) -> Result<T> {
    text.parse()
        .map_err(|error| broken(format!("{column} holds {text:?}: {error}")))
}

/// A text of unknown origin as PostgreSQL can hold it: it has no character U+0000.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}").into()
    } else {
        text.into()
    }
}

/// A column of numbers that are never negative.
pub(crate) fn whole<N: TryFrom<i64>>(column: &str, number: i64) -> Result<N> {
    N::try_from(number).map_err(|_| broken(format!("{column} holds {number}")))
}

/// A column of bytes of a fixed length.
pub(crate) fn bytes<const N: usize>(column: &str, bytes: &[u8]) -> Result<[u8; N]> {
    bytes
        .try_into()
        .map_err(|_| broken(format!("{column} holds {} bytes", bytes.len())))
}

/// The ids of children in an array of a document; none where it is no array. An error repeats
/// nothing of them.
pub(crate) fn children<C: FromIterator<ChildId>>(ids: &Value) -> Result<C> {
    let child = |id: &Value| {
        let id = id.as_str().and_then(|id| id.parse().ok());
        id.ok_or_else(|| broken("a stored child's id is not one"))
    };
    ids.as_array().into_iter().flatten().map(child).collect()
}

/// A setting from its document.
pub(crate) fn setting(document: &Value) -> Result<Arc<Setting>> {
    oss_contract::setting_from_json(document)
        .map(Arc::new)
        .map_err(|errors| unreadable("setting", &errors))
}

/// A referral from its document.
pub(crate) fn referral(document: &Value) -> Result<Arc<Referral>> {
    oss_contract::referral_from_json(document)
        .map(Arc::new)
        .map_err(|errors| unreadable("referral", &errors))
}

fn unreadable(noun: &str, errors: &[oss_domain::FieldError]) -> oss_workflow::StoreError {
    // Pointers only: what is stored there may identify a child.
    let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
    broken(format!(
        "a stored {noun} is not readable at {}",
        pointers.join(", ")
    ))
}

/// The fields of a referral that are told in words.
const NARRATIVE: [&str; 4] = ["title", "wishes_and_feelings", "reason", "contact_plan"];

/// A referral's document and, where it has any, what is told in words.
pub(crate) fn split_narrative(referral: &Referral) -> (Value, Option<Map<String, Value>>) {
    let mut document = oss_contract::referral_to_json(referral);
    let mut narrative = Map::new();
    if let Some(fields) = document.as_object_mut() {
        for name in NARRATIVE {
            narrative.extend(fields.shift_remove_entry(name));
        }
    }
    (document, (!narrative.is_empty()).then_some(narrative))
}

/// The document with what is told in words put back.
pub(crate) fn join_narrative(mut document: Value, narrative: Map<String, Value>) -> Value {
    if let Some(fields) = document.as_object_mut() {
        fields.extend(narrative);
    }
    document
}
