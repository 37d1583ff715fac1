//! The acceptance scenarios: invented people and providers at public-building postcodes, their
//! referrals, and what must come of each, exact to the integer.
//!
//! The data is the contract's own JSON, read by the contract's own decoder and placed by the
//! embedded gazetteer, so the scenarios hold the whole pure core together. It does no I/O: the
//! services are tested in tests/end_to_end.

use chrono::{DateTime, Utc};
use oss_domain::{AuthorityCode, FieldError, Referral, Setting};
use oss_geography::Gazetteer;
use oss_matching::{Checker, Evaluation, Finding, Policy, Query, Supply, rank};
use serde_json::Value;

const SUPPLY: &str = include_str!("../data/supply.json");
const REFERRALS: &str = include_str!("../data/referrals.json");
const EXPECTED: &str = include_str!("../data/expected.json");

/// Derby City Council.
pub const DERBY: &str = "E06000015";

/// The reference date of all scenarios: Monday 23 November 2026, nine o'clock.
pub const REFERENCE: &str = "2026-11-23T09:00:00Z";

/// Why a scenario cannot be run.
#[derive(Debug)]
pub enum Error {
    /// The data is not JSON, or not a list.
    Data(String),
    /// The decoder or the compiler refused it.
    Refused(Vec<FieldError>),
    /// A setting's postcode is not known.
    NoSuchPlace(String),
}

impl From<Vec<FieldError>> for Error {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Refused(errors)
    }
}

/// The scenarios' world: gazetteer, policy and one fresh register.
#[derive(Debug)]
pub struct Town {
    /// Where postcodes are.
    pub gazetteer: Gazetteer,
    /// The default policy.
    pub policy: Policy,
    /// The register, without holds.
    pub supply: Supply,
    /// The instant at which everything is evaluated.
    pub evaluated_at: DateTime<Utc>,
}

impl Town {
    /// The register of `supply.json`.
    ///
    /// # Errors
    /// If the data is not what it should be.
    pub fn new() -> Result<Self, Error> {
        let derby: AuthorityCode = DERBY
            .parse()
            .map_err(|error| Error::Data(format!("{error}")))?;
        let at: DateTime<Utc> = REFERENCE
            .parse()
            .map_err(|error| Error::Data(format!("{error}")))?;
        let mut town = Self {
            gazetteer: Gazetteer::embedded(),
            policy: Policy::embedded(),
            supply: Supply::new(derby),
            evaluated_at: at,
        };
        for value in list(SUPPLY)? {
            town.add(oss_contract::setting_from_json(&value)?)?;
        }
        Ok(town)
    }

    /// Adds a setting to the register, or replaces it.
    ///
    /// # Errors
    /// If its postcode is not known, or it is another council's.
    pub fn add(&mut self, setting: Setting) -> Result<(), Error> {
        let location = self
            .gazetteer
            .locate(&setting.postcode)
            .ok_or_else(|| Error::NoSuchPlace(setting.postcode.to_string()))?;
        self.supply
            .upsert(setting, location)
            .map_err(|error| Error::Data(error.to_string()))
    }

    /// Ranks the register for a referral.
    ///
    /// # Errors
    /// If the referral cannot be compiled.
    pub fn rank(&self, referral: &Referral) -> Result<Evaluation, Error> {
        let query = Query::compile(referral, &self.gazetteer, &self.policy)?;
        Ok(rank(&query, &self.supply, &self.policy, self.evaluated_at).expand())
    }

    /// What the independent check finds in an evaluation of a referral.
    #[must_use]
    pub fn check(&self, evaluation: &Evaluation, referral: &Referral) -> Vec<Finding> {
        let locate = |postcode: &_| self.gazetteer.locate(postcode);
        match Checker::new(referral, locate, &self.policy, self.evaluated_at) {
            Some(checker) => checker.check(evaluation, &self.supply),
            None => vec![Finding::NoSuchPlace],
        }
    }
}

/// Every referral of `referrals.json`.
///
/// # Errors
/// If the data is not what it should be.
pub fn referrals() -> Result<Vec<Referral>, Error> {
    let decode = |value: Value| Ok(oss_contract::referral_from_json(&value)?);
    list(REFERRALS)?.into_iter().map(decode).collect()
}

/// Every outcome of `expected.json`.
///
/// # Errors
/// If the data is not what it should be.
pub fn expected() -> Result<Vec<Value>, Error> {
    list(EXPECTED)
}

fn list(text: &str) -> Result<Vec<Value>, Error> {
    serde_json::from_str(text).map_err(|error| Error::Data(error.to_string()))
}
