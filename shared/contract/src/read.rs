//! Reading JSON that others wrote: every fault is found, each with its pointer.
//!
//! A [`Node`] is a value and where it lies. Its readers answer `None` when the value is wrong, and
//! then a fault has been noted; so a caller reads every field first and gives up afterwards:
//!
//! ```text
//! let age = node.required("age", |node| node.whole(0, 255));
//! let sex = node.required("sex", Node::code);
//! Some(Resident { age: age?, sex: sex? })
//! ```

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use oss_domain::{
    AuthorityCode, FieldError, Postcode, UnknownCode,
    id::ParseIdError,
    text::{self, LONG_TEXT, TEXT},
    version,
};
use serde_json::{Map, Value};
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashSet},
    fmt::Display,
    str::FromStr,
};

/// More faults than this are not listed: nobody reads them, and the answer must fit an event.
const MAX_FAULTS: usize = 500;

/// Reads `value` with `read`, which may be refused with every fault found.
pub(crate) fn read<T>(
    value: &Value,
    read: impl FnOnce(&Node<'_>) -> Option<T>,
) -> Result<T, Vec<FieldError>> {
    let faults = RefCell::default();
    let result = read(&Node {
        value,
        pointer: String::new(),
        faults: &faults,
    });
    let faults = faults.into_inner();
    match result {
        Some(result) if faults.is_empty() => Ok(result),
        _ => Err(faults),
    }
}

/// A value that is there (JSON `null` counts as absent), and where it lies.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    value: &'a Value,
    pointer: String,
    faults: &'a RefCell<Vec<FieldError>>,
}

impl<'a> Node<'a> {
    /// Notes a fault of this value.
    pub(crate) fn fault<T>(&self, code: &'static str, detail: impl Into<String>) -> Option<T> {
        self.fault_at(self.pointer.clone(), code, detail)
    }

    /// Notes a fault of the field `key` of this value.
    pub(crate) fn fault_of<T>(
        &self,
        key: &str,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Option<T> {
        self.fault_at(self.pointer_to(key), code, detail)
    }

    fn fault_at<T>(
        &self,
        pointer: String,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Option<T> {
        let mut faults = self.faults.borrow_mut();
        if faults.len() < MAX_FAULTS {
            faults.push(FieldError::new(pointer, code, detail));
        }
        None
    }

    fn pointer_to(&self, key: &str) -> String {
        // A key that could not be stored or shown is told of at the object it is in.
        if key.chars().count() > TEXT || key.chars().any(char::is_control) {
            return self.pointer.clone();
        }
        let key = key.replace('~', "~0").replace('/', "~1");
        format!("{}/{key}", self.pointer)
    }

    fn child(&self, key: &str, value: &'a Value) -> Self {
        Self {
            value,
            pointer: self.pointer_to(key),
            faults: self.faults,
        }
    }

    fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        self.fault("wrong_type", format!("must be {expected}"))
    }

    /// The fields, if this is an object; otherwise that is a fault, and looking for any is futile.
    pub(crate) fn object(&self) -> Option<&'a Map<String, Value>> {
        self.value
            .as_object()
            .or_else(|| self.wrong_type("an object"))
    }

    fn get(&self, key: &str) -> Option<Node<'a>> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(self.child(key, value))
    }

    /// Reads the field `key`, which must be there.
    pub(crate) fn required<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Node<'a>) -> Option<T>,
    ) -> Option<T> {
        match self.get(key) {
            Some(node) => read(&node),
            None => self.fault_of(key, "required", "is required"),
        }
    }

    /// Reads the field `key`, where it is there.
    pub(crate) fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Node<'a>) -> Option<T>,
    ) -> Option<T> {
        read(&self.get(key)?)
    }

    /// Whether the field `key` is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// A fault for every field whose name is not in `known`: a misspelt flag must not vanish.
    pub(crate) fn only(&self, known: &[&str]) {
        let unknown = self.value.as_object().into_iter().flat_map(Map::keys);
        for key in unknown.filter(|key| !known.contains(&key.as_str())) {
            self.unknown_key(key, known);
        }
    }

    fn unknown_key(&self, key: &str, known: &[&str]) {
        let detail = format!("is not known here; known are {}", known.join(", "));
        self.fault_of::<()>(key, "unknown_key", detail);
    }

    /// The entries of a map whose keys are codes; here `null` is a wrong value, not an absent one.
    pub(crate) fn entries<K, V>(&self, read: impl Fn(&Node<'a>) -> Option<V>) -> Option<Vec<(K, V)>>
    where
        K: FromStr<Err = UnknownCode>,
    {
        let mut entries = Vec::new();
        for (key, value) in self.object()? {
            match key.parse() {
                Ok(code) => {
                    entries.extend(read(&self.child(key, value)).map(|value| (code, value)));
                }
                Err(UnknownCode { expected }) => self.unknown_key(key, expected),
            }
        }
        Some(entries)
    }

    /// A list of `min` to `max` items.
    pub(crate) fn list<T>(
        &self,
        (min, max): (usize, usize),
        read: impl Fn(&Node<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(items) = self.value.as_array() else {
            return self.wrong_type("a list");
        };
        if items.len() < min {
            return self.fault("too_short", format!("must have at least {min} items"));
        }
        if items.len() > max {
            return self.fault("too_long", format!("must have at most {max} items"));
        }
        let nodes = items
            .iter()
            .enumerate()
            .map(|(idx, value)| self.child(&idx.to_string(), value));
        // Every item is read, also after a wrong one.
        let read: Vec<_> = nodes.map(|node| read(&node)).collect();
        read.into_iter().collect()
    }

    /// A list of which no item is there twice, told by the field `key` or, without one, as a whole.
    pub(crate) fn distinct<T>(
        &self,
        bounds: (usize, usize),
        key: Option<&str>,
        read: impl Fn(&Node<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let seen = RefCell::new(HashSet::new());
        self.list(bounds, |node| {
            let item = read(node);
            let told_by = match key {
                Some(key) => node.get(key)?,
                // What is wrong already needs not be told to be there twice.
                None => item.as_ref().map(|_| node.clone())?,
            };
            let text = told_by.value.as_str()?.trim();
            if !seen.borrow_mut().insert(text) {
                return told_by.fault("duplicate", "is in the list already");
            }
            item
        })
    }

    /// A list taken as a set.
    pub(crate) fn set<T: Ord>(&self, read: impl Fn(&Node<'a>) -> Option<T>) -> Option<BTreeSet<T>> {
        Some(self.list(ANY, read)?.into_iter().collect())
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self) -> Option<bool> {
        self.value
            .as_bool()
            .or_else(|| self.wrong_type("true or false"))
    }

    /// A whole number from `min` to `max`, written as one: `1.0` is not.
    pub(crate) fn whole<N: TryFrom<u64>>(&self, min: u64, max: u64) -> Option<N> {
        let Some(number) = self.value.as_number() else {
            return self.wrong_type("a whole number");
        };
        if number.is_f64() {
            return self.wrong_type("a whole number");
        }
        number
            .as_u64()
            .filter(|number| (min..=max).contains(number))
            .and_then(|number| N::try_from(number).ok())
            .or_else(|| self.fault("out_of_range", format!("must be from {min} to {max}")))
    }

    /// A number that orders what is sent, from `min`: any that is stored exactly.
    pub(crate) fn version(&self, min: u64) -> Option<u64> {
        self.whole(min, version::MAX)
    }

    /// A text of 1 to `max` characters, trimmed.
    pub(crate) fn text_up_to(&self, max: usize) -> Option<&'a str> {
        let Some(text) = self.value.as_str() else {
            return self.wrong_type("a text");
        };
        let text = text.trim();
        match text::fault(text, max) {
            None => Some(text),
            Some((code, detail)) => self.fault(code, detail),
        }
    }

    /// A text of ordinary length.
    pub(crate) fn text(&self) -> Option<String> {
        self.text_up_to(TEXT).map(str::to_owned)
    }

    /// A text that may be long.
    pub(crate) fn long_text(&self) -> Option<String> {
        self.text_up_to(LONG_TEXT).map(str::to_owned)
    }

    fn parsed<T: FromStr<Err: Display>>(&self, code: &'static str) -> Option<T> {
        match self.text_up_to(TEXT)?.parse() {
            Ok(value) => Some(value),
            Err(error) => self.fault(code, T::Err::to_string(&error)),
        }
    }

    /// One of a closed set of codes.
    pub(crate) fn code<T: FromStr<Err = UnknownCode>>(&self) -> Option<T> {
        self.parsed("unknown_code")
    }

    /// An identifier.
    pub(crate) fn id<T: FromStr<Err = ParseIdError>>(&self) -> Option<T> {
        self.parsed("invalid_id")
    }

    /// An authority's ONS code.
    pub(crate) fn authority(&self) -> Option<AuthorityCode> {
        self.parsed("invalid_authority")
    }

    /// A postcode in any case and spacing; whether it exists is found out later.
    pub(crate) fn postcode(&self) -> Option<Postcode> {
        self.parsed("invalid_postcode")
    }

    /// A lower-case word.
    pub(crate) fn word(&self) -> Option<oss_domain::identity::Word> {
        self.parsed("invalid_word")
    }

    /// A date as `YYYY-MM-DD`.
    pub(crate) fn date(&self) -> Option<NaiveDate> {
        let text = self.text_up_to(TEXT)?;
        text.parse()
            .ok()
            // chrono also takes `2026-1-5`; the contract does not.
            .filter(|date: &NaiveDate| date.to_string() == text)
            .or_else(|| self.fault("invalid_date", "must be a date such as 2026-11-23"))
    }

    /// A date and time after RFC 3339.
    pub(crate) fn instant(&self) -> Option<DateTime<Utc>> {
        instant(self.text_up_to(TEXT)?).or_else(|| {
            self.fault(
                "invalid_time",
                "must be a date and time such as 2026-11-23T09:30:00Z",
            )
        })
    }
}

/// A list of any length: the size of the payload bounds it.
pub(crate) const ANY: (usize, usize) = (0, usize::MAX);

/// A date and time after RFC 3339.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    // An offset can lead out of the four-digit years, and RFC 3339 cannot write those.
    (1..=9999).contains(&instant.year()).then_some(instant)
}
