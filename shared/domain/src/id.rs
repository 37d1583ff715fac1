//! Identifiers: those that others give ([`ReferralId`], [`SettingId`], …) and our own
//! ([`RunId`], [`OfferId`], …). One is never taken for another.

use crate::clock::Clock;
use rand_core::RngCore;
use std::{fmt, str::FromStr, sync::Arc};
use uuid::Uuid;

/// The longest identifier that others may give, in characters.
pub const MAX_LENGTH: usize = 40;

/// A text is not an identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// It does not match `[A-Za-z0-9_-]{1,40}`.
    #[error("must be 1 to 40 letters, digits, hyphens or underscores")]
    Form,
    /// It is not one of ours: the prefix is another, or what follows is not a UUID.
    #[error("must be an identifier such as {expected}_018bcfe56800715b9d39b5bf90ae8891")]
    Ours {
        /// The prefix that was expected.
        expected: &'static str,
    },
}

macro_rules! given_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        ///
        /// Given by others; matches `[A-Za-z0-9_-]{1,40}`, unique within an authority.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let fits = (1..=MAX_LENGTH).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
                if fits { Ok(Self(text.into())) } else { Err(ParseIdError::Form) }
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str { &self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(&self.0) }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    )+};
}

macro_rules! own_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),+ $(,)?) => {$(
        $(#[$doc])*
        ///
        /// Ours: a UUID of version 7, so that identifiers sort by the time they were made.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix of the textual form.
            pub const PREFIX: &'static str = $prefix;

            /// Makes a new identifier.
            #[must_use]
            pub fn generate(ids: &mut Ids<'_>) -> Self { Self(ids.next()) }

            /// Wraps an identifier that was read from storage.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }

            /// Wraps sixteen bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self { Self(Uuid::from_bytes(bytes)) }

            /// The identifier as it is stored.
            #[must_use]
            pub const fn into_uuid(self) -> Uuid { self.0 }

            /// The identifier's sixteen bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] { self.0.as_bytes() }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", Self::PREFIX, self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    // Only the plain form of 32 digits: one identifier has one spelling.
                    .filter(|rest| rest.len() == 32)
                    .and_then(|rest| Uuid::try_parse(rest).ok())
                    .map(Self)
                    .ok_or(ParseIdError::Ours { expected: $prefix })
            }
        }
    )+};
}

given_ids! {
    /// A placement request.
    ReferralId,
    /// A child, by the case system's pseudonym.
    ChildId,
    /// A place where children live: a carer's household, a home, supported accommodation.
    SettingId,
    /// Who runs settings: the council itself, a fostering agency, a company, a charity.
    ProviderId,
}

own_ids! {
    /// One evaluation of a referral over the whole supply.
    RunId = "run",
    /// The pair of a referral and a setting that was ranked for it.
    OfferId = "off",
    /// A place kept for a referral for a while.
    HoldId = "hld",
    /// A child's (or group's) stay in a setting, agreed by a person.
    PlacementId = "plc",
    /// A permission that the law or policy asks of a named role.
    ApprovalId = "apr",
    /// An act that would bring an excluded setting in, pursued as a task.
    ConditionId = "cnd",
    /// Something that falls due at a time.
    DeadlineId = "ddl",
    /// An event that could not be handled, kept with its reason.
    DeadLetterId = "ded",
    /// An event of ours on the stream (CloudEvents `id`).
    EventId = "evt",
    /// A person who signs in.
    UserId = "usr",
    /// A person's session, from sign-in to sign-out.
    SessionId = "ses",
}

/// Makes identifiers from an injected clock and random number generator.
pub struct Ids<'a> {
    clock: &'a dyn Clock,
    rng: &'a mut dyn RngCore,
}

impl fmt::Debug for Ids<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids")
    }
}

impl<'a> Ids<'a> {
    /// Identifiers that carry `clock`'s time and `rng`'s chance.
    pub fn new(clock: &'a dyn Clock, rng: &'a mut dyn RngCore) -> Self {
        Self { clock, rng }
    }

    fn next(&mut self) -> Uuid {
        let mut random = [0; 10];
        self.rng.fill_bytes(&mut random);
        let millis = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use chrono::{DateTime, TimeDelta};
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    #[test]
    fn own_ids_are_ordered_by_time_and_read_back() {
        let clock = ManualClock::starting_at(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        let mut rng = ChaCha8Rng::seed_from_u64(42);
        let first = OfferId::generate(&mut Ids::new(&clock, &mut rng));
        clock.advance(TimeDelta::milliseconds(1));
        let second = OfferId::generate(&mut Ids::new(&clock, &mut rng));
        assert!(first < second);
        assert_eq!(first.to_string().parse::<OfferId>().unwrap(), first);
        assert!(first.to_string().parse::<HoldId>().is_err());
        assert!(
            first.to_string().parse::<ReferralId>().is_ok(),
            "fits where others' ids are asked for"
        );
    }

    #[test]
    fn given_ids_keep_to_their_form() {
        for good in ["R01", "a", "A_b-9", &"x".repeat(40)] {
            assert!(good.parse::<ReferralId>().is_ok(), "{good}");
        }
        for bad in ["", "a b", "oss.>", "é", &"x".repeat(41), "a\n"] {
            assert!(bad.parse::<ReferralId>().is_err(), "{bad}");
        }
    }
}
