//! `If-Match` and `If-None-Match` (RFC 9110, 13.1): a change is made only to what its sender saw.
//!
//! They are never demanded (no 428): the body of each update carries its own revision or version,
//! and that orders updates by itself.

use crate::problem::Fault;
use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, header, request::Parts},
};

/// What must hold of what is stored.
#[derive(Debug, Default)]
pub(crate) struct Preconditions {
    if_match: Option<String>,
    if_none_match: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Preconditions {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let list = |name: HeaderName| -> Result<Option<String>, Fault> {
            let values = parts.headers.get_all(&name).iter();
            let texts: Result<Vec<_>, _> = values.map(|it| it.to_str().map(str::trim)).collect();
            let detail = "The entity tags of a precondition are not understood.";
            let texts = texts.map_err(|_| Fault::not_understood("bad_precondition", detail))?;
            Ok((!texts.is_empty()).then(|| texts.join(",")))
        };
        Ok(Self {
            if_match: list(header::IF_MATCH)?,
            if_none_match: list(header::IF_NONE_MATCH)?,
        })
    }
}

impl Preconditions {
    /// Sees to it that they hold of what has the entity tag `stored`, or does not exist.
    ///
    /// # Errors
    ///
    /// 412 where one does not hold.
    pub(crate) fn check(&self, stored: Option<&EntityTag>) -> Result<(), Fault> {
        let matched = self
            .if_match
            .as_deref()
            .is_none_or(|list| matches(list, stored));
        let spared = self
            .if_none_match
            .as_deref()
            .is_none_or(|list| !matches(list, stored));
        if matched && spared {
            Ok(())
        } else {
            Err(Fault::changed_meanwhile())
        }
    }
}

fn matches(list: &str, stored: Option<&EntityTag>) -> bool {
    let Some(stored) = stored else { return false };
    // Ours hold no commas, so a foreign one that is split in two matches no less than it did.
    list == "*" || list.split(',').any(|tag| tag.trim() == stored.0)
}

/// The strong entity tag of what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntityTag(String);

impl EntityTag {
    /// Of a referral: its revision. Its state is not the sender's to change, so it is left out.
    pub(crate) fn of_referral(revision: u64) -> Self {
        Self(format!("\"{revision}\""))
    }

    /// Of a setting: its version, and that of its occupancy, which changes apart from it.
    pub(crate) fn of_setting(version: u64, occupancy_version: u64) -> Self {
        Self(format!("\"{version}.{occupancy_version}\""))
    }

    /// The header that tells of it.
    pub(crate) fn header(&self) -> (HeaderName, HeaderValue) {
        // Digits, a full stop and quotation marks: always a header's value.
        let value = HeaderValue::from_str(&self.0);
        (
            header::ETAG,
            value.unwrap_or_else(|_| HeaderValue::from_static("\"\"")),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hold_as_the_standard_says() {
        let stored = EntityTag::of_referral(3);
        let if_match = |list: &str| Preconditions {
            if_match: Some(list.to_owned()),
            ..Preconditions::default()
        };
        for good in ["*", "\"3\"", "\"1\", \"3\""] {
            assert!(if_match(good).check(Some(&stored)).is_ok(), "{good}");
            assert!(if_match(good).check(None).is_err(), "{good}");
        }
        for bad in ["\"2\"", "3", "W/\"3\"", ""] {
            assert!(if_match(bad).check(Some(&stored)).is_err(), "{bad}");
        }
        let create = Preconditions {
            if_none_match: Some("*".into()),
            ..Preconditions::default()
        };
        assert!(create.check(None).is_ok());
        assert!(create.check(Some(&stored)).is_err());
        assert!(Preconditions::default().check(None).is_ok());
    }
}
