//! Writing JSON in the contract's shape: in a fixed order, what is absent left out.

use serde_json::{Map, Value};
use std::fmt::Display;

/// An object in the making.
#[derive(Debug, Default)]
pub(crate) struct Object(Map<String, Value>);

impl Object {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A value as it is.
    pub(crate) fn put(&mut self, key: &str, value: impl Into<Value>) -> &mut Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// A value by its text.
    pub(crate) fn text(&mut self, key: &str, value: impl Display) -> &mut Self {
        self.put(key, value.to_string())
    }

    /// A value by its text, where there is one.
    pub(crate) fn maybe(&mut self, key: &str, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    /// A flag that is off by default.
    pub(crate) fn flag(&mut self, key: &str, value: bool) -> &mut Self {
        if value { self.put(key, true) } else { self }
    }

    /// A list of texts.
    pub(crate) fn texts<T: Display>(
        &mut self,
        key: &str,
        items: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        self.list(key, items, |item| Value::String(item.to_string()))
    }

    /// A list of texts, where it is not empty.
    pub(crate) fn non_empty_texts<T: Display>(
        &mut self,
        key: &str,
        items: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        self.non_empty_list(key, items, |item| Value::String(item.to_string()))
    }

    /// A list.
    pub(crate) fn list<T>(
        &mut self,
        key: &str,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(T) -> Value,
    ) -> &mut Self {
        self.put(key, items.into_iter().map(write).collect::<Vec<_>>())
    }

    /// A list, where it is not empty.
    pub(crate) fn non_empty_list<T>(
        &mut self,
        key: &str,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(T) -> Value,
    ) -> &mut Self {
        let items: Vec<_> = items.into_iter().map(write).collect();
        if items.is_empty() {
            self
        } else {
            self.put(key, items)
        }
    }

    /// An object, where it is not empty.
    pub(crate) fn non_empty(&mut self, key: &str, object: Self) -> &mut Self {
        if object.0.is_empty() {
            self
        } else {
            self.put(key, object)
        }
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object.0)
    }
}

/// A date and time as RFC 3339 in UTC, with as many digits as it has.
pub(crate) fn instant(instant: chrono::DateTime<chrono::Utc>) -> String {
    instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
