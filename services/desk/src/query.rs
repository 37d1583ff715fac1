//! What follows the question mark: filters and pages.

use crate::problem::Fault;
use axum::{
    Json,
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use chrono::{DateTime, Datelike, Utc};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Display, str::FromStr};

/// The most items on a page.
pub(crate) const MAX_LIMIT: u32 = 200;
/// The items on a page where the caller does not say.
const USUAL_LIMIT: u32 = 50;

/// The parameters, each once; an empty one counts as left out. Those that no call knows are ignored.
#[derive(Debug, Default)]
pub(crate) struct Parameters(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|_| {
                Fault::not_understood("bad_query", "The query string is not understood.")
            })?;
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            if value.contains('\0') {
                // PostgreSQL has no such character.
                let detail = "A parameter of the query string holds the character U+0000.";
                return Err(Fault::not_understood("bad_query", detail));
            }
            if parameters.insert(name, value).is_some() {
                return Err(Fault::not_understood(
                    "bad_query",
                    "A parameter of the query string is given twice.",
                ));
            }
        }
        Ok(Self(parameters))
    }
}

impl Parameters {
    /// The parameter `name`, if it is given.
    pub(crate) fn get<T>(&self, name: &str) -> Result<Option<T>, Fault>
    where
        T: FromStr<Err: Display>,
    {
        self.0
            .get(name)
            .map(|text| text.parse())
            .transpose()
            .map_err(|error: T::Err| {
                Fault::not_understood("bad_query", format!("The parameter {name} {error}."))
            })
    }

    /// Which page of a list.
    pub(crate) fn page<C: Cursor>(&self) -> Result<Page<C>, Fault> {
        let limit = match self.0.get("limit").map(|text| text.parse::<u32>()) {
            None => USUAL_LIMIT,
            Some(Ok(limit @ 1..=MAX_LIMIT)) => limit,
            Some(_) => {
                let detail = format!("The parameter limit must be from 1 to {MAX_LIMIT}.");
                return Err(Fault::not_understood("bad_limit", detail));
            }
        };
        let after = match self.0.get("cursor") {
            None => None,
            Some(text) => Some(read_cursor(text).ok_or_else(|| {
                let detail = "The parameter cursor is not the next_cursor of an earlier answer.";
                Fault::not_understood("bad_cursor", detail)
            })?),
        };
        Ok(Page { limit, after })
    }

    /// Behind which item a page of a list begins, for people; the first page where it is not said.
    ///
    /// # Errors
    ///
    /// 400 where `read` makes nothing of it, as in the API: whoever was shown another page than they
    /// asked for would not know.
    pub(crate) fn after<T>(
        &self,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let read = |text: &String| {
            read(text).ok_or_else(|| {
                let detail = "The parameter after is not where an earlier page of the list ended.";
                Fault::not_understood("bad_cursor", detail)
            })
        };
        self.0.get("after").map(read).transpose()
    }
}

/// A page of a list: at most so many after the last one seen.
#[derive(Debug)]
pub(crate) struct Page<C> {
    pub(crate) limit: u32,
    pub(crate) after: Option<C>,
}

/// Where a page ends: the sort key of its last item, as text.
///
/// Callers see it in hexadecimal digits: they are not to make one up.
pub(crate) trait Cursor: Sized {
    fn to_text(&self) -> String;
    fn of_text(text: &str) -> Option<Self>;
}

fn read_cursor<C: Cursor>(text: &str) -> Option<C> {
    C::of_text(&String::from_utf8(hex::decode(text).ok()?).ok()?)
}

/// Where a page of a list by time ends: a moment, and which of those of that moment.
pub(crate) fn by_time(at: DateTime<Utc>, id: impl Display) -> String {
    format!("{}.{id}", at.timestamp_micros())
}

/// What [`by_time`] wrote; `None` where it did not, or of a moment that PostgreSQL has not.
pub(crate) fn read_by_time<T: FromStr>(text: &str) -> Option<(DateTime<Utc>, T)> {
    let (micros, id) = text.split_once('.')?;
    let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    // None of ours is outside of what RFC 3339 can write.
    let at = Some(at).filter(|at| (0..=9999).contains(&at.year()))?;
    Some((at, id.parse().ok()?))
}

impl<C: Cursor> Page<C> {
    /// The page as it is answered, of `found`: one more than fits, where there are that many.
    ///
    /// Items for which `write` gives nothing are passed over: the page is shorter by them.
    pub(crate) fn answer<T>(
        &self,
        found: &[T],
        write: impl Fn(&T) -> Option<Value>,
        cursor: impl Fn(&T) -> C,
    ) -> Json<Value> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let shown = found.get(..limit);
        let last = shown
            .filter(|shown| shown.len() < found.len())
            .and_then(<[T]>::last);
        let items: Vec<_> = shown.unwrap_or(found).iter().filter_map(write).collect();
        let next = last.map(|last| hex::encode(cursor(last).to_text()));
        Json(json!({ "items": items, "next_cursor": next }))
    }
}
