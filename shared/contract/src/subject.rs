//! NATS subjects: `oss.in.v1.<authority>.<noun>.<verb>` and `oss.evt.v1.…`, with the part
//! `provider.<provider_id>.` before noun and verb where they are one provider's.

use oss_domain::{AuthorityCode, ProviderId};
use std::fmt;

/// What all inbound subjects start with.
pub const INBOUND_PREFIX: &str = "oss.in.v1";
/// What all outbound subjects start with.
pub const OUTBOUND_PREFIX: &str = "oss.evt.v1";
/// The token in the place of an authority that could not be learned.
pub const UNKNOWN_AUTHORITY: &str = "unknown";

/// An inbound subject, as far as it could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inbound<'a> {
    /// The authority's token.
    pub(crate) authority: &'a str,
    /// The provider's token, on a provider's subject.
    pub(crate) provider: Option<&'a str>,
    noun: &'a str,
    verb: &'a str,
}

impl<'a> Inbound<'a> {
    /// Takes a subject apart; `None` where it has another form.
    pub(crate) fn parse(subject: &'a str) -> Option<Self> {
        let rest = subject.strip_prefix(INBOUND_PREFIX)?.strip_prefix('.')?;
        let tokens: Vec<_> = rest.split('.').collect();
        match *tokens.as_slice() {
            [authority, noun, verb] => Some(Self {
                authority,
                provider: None,
                noun,
                verb,
            }),
            [authority, "provider", provider, noun, verb] => Some(Self {
                authority,
                provider: Some(provider),
                noun,
                verb,
            }),
            _ => None,
        }
    }

    /// The noun and verb, such as `referral.submitted`.
    pub(crate) fn noun_verb(&self) -> String {
        format!("{}.{}", self.noun, self.verb)
    }
}

/// The authority that an inbound subject names, whatever else is wrong with it.
#[must_use]
pub fn authority_of(subject: &str) -> Option<AuthorityCode> {
    let rest = subject.strip_prefix(INBOUND_PREFIX)?.strip_prefix('.')?;
    rest.split('.').next()?.parse().ok()
}

/// The subject that a fact is published on: for producers, such as `oss publish`.
#[must_use]
pub fn inbound(authority: AuthorityCode, provider: Option<&ProviderId>, noun_verb: &str) -> String {
    subject(INBOUND_PREFIX, authority, provider, noun_verb)
}

/// The subject that one of our events is published on.
pub(crate) fn outbound(
    authority: Option<AuthorityCode>,
    provider: Option<&ProviderId>,
    noun_verb: &str,
) -> String {
    match authority {
        Some(authority) => subject(OUTBOUND_PREFIX, authority, provider, noun_verb),
        None => subject(OUTBOUND_PREFIX, UNKNOWN_AUTHORITY, provider, noun_verb),
    }
}

fn subject(
    prefix: &str,
    authority: impl fmt::Display,
    provider: Option<&ProviderId>,
    noun_verb: &str,
) -> String {
    match provider {
        Some(provider) => format!("{prefix}.{authority}.provider.{provider}.{noun_verb}"),
        None => format!("{prefix}.{authority}.{noun_verb}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inbound_subjects_are_read_back() {
        let derby = "E06000015".parse().unwrap();
        let provider: ProviderId = "P-1".parse().unwrap();
        let plain = inbound(derby, None, "referral.submitted");
        assert_eq!(plain, "oss.in.v1.E06000015.referral.submitted");
        let read = Inbound::parse(&plain).unwrap();
        assert_eq!((read.authority, read.provider), ("E06000015", None));
        assert_eq!(read.noun_verb(), "referral.submitted");
        let theirs = inbound(derby, Some(&provider), "offer.answered");
        assert_eq!(theirs, "oss.in.v1.E06000015.provider.P-1.offer.answered");
        assert_eq!(Inbound::parse(&theirs).unwrap().provider, Some("P-1"));
    }

    #[test]
    fn the_authority_is_learned_even_from_an_odd_subject() {
        let derby = "E06000015".parse().ok();
        assert_eq!(authority_of("oss.in.v1.E06000015.nonsense"), derby);
        for other in ["oss.in.v1.derby.referral.submitted", "oss.in.v1", "x.y", ""] {
            assert_eq!(authority_of(other), None, "{other}");
        }
        for odd in [
            "oss.in.v1.E06000015.a",
            "oss.in.v2.E06000015.a.b",
            "oss.in.v1.E.a.b.c",
        ] {
            assert_eq!(Inbound::parse(odd), None, "{odd}");
        }
    }
}
