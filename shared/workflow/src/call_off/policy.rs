//! How providers are approached: a council's own to decide, as a versioned text beside the matching
//! policy, which it never changes.

use crate::calendar;
use chrono::{DateTime, TimeDelta, Utc};
use oss_domain::referral::Urgency;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// The text that is built in.
const EMBEDDED: &str = include_str!("../../policy/derby-call-off-2026-11.toml");

/// How providers are approached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOff {
    /// Its name, such as `derby-call-off-2026-11`.
    pub id: Arc<str>,
    /// The text it was read from.
    pub text: Arc<str>,
    /// How many offers of a tier a wave asks.
    pub wave_size: usize,
    /// How many tiers the first wave asks at once when a home is needed the same day.
    pub emergency_tiers: usize,
    /// How long an answer is waited for when a home is needed the same day, in hours.
    pub emergency_hours: u32,
    /// How long when it is needed within 72 hours, in hours.
    pub urgent_hours: u32,
    /// How long when it is planned, in working days.
    pub planned_working_days: u32,
    /// The hour, by the clock of England, at which quiet hours begin.
    pub quiet_from: u32,
    /// The hour at which they end. In quiet hours no wave opens and no time to answer ends by
    /// itself, emergencies excepted.
    pub quiet_until: u32,
}

/// Why a call-off policy is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallOffError {
    /// It is not TOML of the right form.
    #[error("the call-off policy cannot be read: {0}")]
    Form(String),
    /// It asks for what makes no sense.
    #[error("the call-off policy has {} problem(s): {}", .0.len(), .0.join("; "))]
    Content(Vec<&'static str>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    waves: Waves,
    respond_within: RespondWithin,
    quiet_hours: QuietHours,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Waves {
    size: usize,
    emergency_tiers: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RespondWithin {
    emergency_hours: u32,
    urgent_hours: u32,
    planned_working_days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuietHours {
    from: u32,
    until: u32,
}

/// The longest that an answer may be waited for: beyond that a home is not looked for.
const MOST_DAYS: u32 = 60;

impl CallOff {
    /// The policy that is built in, `derby-call-off-2026-11`.
    ///
    /// # Panics
    /// Never: a test parses the same text.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a constant text, parsed by a test too")]
    pub fn embedded() -> Self {
        Self::parse(EMBEDDED).expect("the built-in call-off policy is valid")
    }

    /// Reads a call-off policy.
    ///
    /// # Errors
    /// With every problem of content at once.
    pub fn parse(text: &str) -> Result<Self, CallOffError> {
        let file: File =
            toml::from_str(text).map_err(|error| CallOffError::Form(error.to_string()))?;
        let (waves, within, quiet) = (&file.waves, &file.respond_within, &file.quiet_hours);
        let hours = 1..=MOST_DAYS * 24;
        let checks = [
            (!file.id.is_empty(), "id is empty"),
            (waves.size > 0, "[waves] size asks nobody"),
            (
                (1..=4).contains(&waves.emergency_tiers),
                "[waves] emergency_tiers is not 1 to 4",
            ),
            (
                hours.contains(&within.emergency_hours) && hours.contains(&within.urgent_hours),
                "[respond_within] hours are not 1 to 1440",
            ),
            (
                (1..=MOST_DAYS).contains(&within.planned_working_days),
                "[respond_within] planned_working_days is not 1 to 60",
            ),
            (
                quiet.until < quiet.from && quiet.from <= 23,
                "[quiet_hours] do not begin in the evening and end in the morning",
            ),
        ];
        let problems = checks.into_iter().filter(|(holds, _)| !holds);
        let problems: Vec<_> = problems.map(|(_, what)| what).collect();
        if !problems.is_empty() {
            return Err(CallOffError::Content(problems));
        }
        Ok(Self {
            id: file.id.into(),
            text: text.into(),
            wave_size: file.waves.size,
            emergency_tiers: file.waves.emergency_tiers,
            emergency_hours: file.respond_within.emergency_hours,
            urgent_hours: file.respond_within.urgent_hours,
            planned_working_days: file.respond_within.planned_working_days,
            quiet_from: file.quiet_hours.from,
            quiet_until: file.quiet_hours.until,
        })
    }

    /// The SHA-256 of its text.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&*self.text).into()
    }

    /// When an answer is due that is asked for at `now`.
    #[must_use]
    pub fn respond_by(&self, urgency: Urgency, now: DateTime<Utc>) -> DateTime<Utc> {
        match urgency {
            Urgency::Emergency => now + TimeDelta::hours(self.emergency_hours.into()),
            Urgency::Urgent => self.awake(now + TimeDelta::hours(self.urgent_hours.into())),
            Urgency::Planned => {
                let day = calendar::today(now);
                let day = calendar::working_days_after(day, self.planned_working_days);
                calendar::at_hour(day, self.quiet_from)
            }
        }
    }

    /// `at`, or the end of the quiet hours that it lies in.
    #[must_use]
    pub fn awake(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let (day, hour) = (calendar::today(at), calendar::hour(at));
        let evening = hour >= self.quiet_from;
        if !evening && hour >= self.quiet_until {
            return at;
        }
        let day = if evening {
            day.succ_opt().unwrap_or(day)
        } else {
            day
        };
        calendar::at_hour(day, self.quiet_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_policy_is_usual_practice() {
        let policy = CallOff::embedded();
        assert_eq!(&*policy.id, "derby-call-off-2026-11");
        assert_eq!((policy.wave_size, policy.emergency_tiers), (5, 2));
        assert_eq!((policy.emergency_hours, policy.urgent_hours), (2, 8));
        assert_eq!(policy.planned_working_days, 5);
        assert_eq!((policy.quiet_from, policy.quiet_until), (20, 7));
    }

    #[test]
    fn every_problem_is_told_at_once_and_a_misspelt_key_is_one() {
        let wrong = EMBEDDED
            .replace("size = 5", "size = 0")
            .replace("until = 7", "until = 21");
        let Err(CallOffError::Content(problems)) = CallOff::parse(&wrong) else {
            panic!("taken");
        };
        assert_eq!(problems.len(), 2, "{problems:?}");
        let misspelt = EMBEDDED.replace("urgent_hours", "urgnet_hours");
        assert!(matches!(
            CallOff::parse(&misspelt),
            Err(CallOffError::Form(_))
        ));
    }
}
