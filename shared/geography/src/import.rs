//! Reading a newer edition of the postcodes from its publisher's file, or refusing it whole.
//!
//! Half an edition is worse than an old one: a column misread moves every child's home. So a file
//! is either turned into a pack, or refused with what is wrong with it; nothing lies between.
//! Keeping the pack, and putting it in use, is another's work.

use std::{
    collections::BTreeSet,
    io::{self, Read},
};

use chrono::NaiveDate;
use oss_domain::AuthorityCode;
use sha2::{Digest, Sha256};

use crate::{
    authorities::Authorities,
    pack::{self, BuildError, Edition, Source, Unit},
};

mod layout;

pub use layout::{Column, Kind};
use layout::{Layout, Reading};

/// A national file has at least so many postcodes; Great Britain has 1.7 million in use.
pub const NATIONAL_POSTCODES_MIN: u32 = 1_500_000;

/// From one edition to the next the count may fall by so many per cent.
pub const FALL_PERCENT_MAX: u32 = 5;

/// What a file must live up to.
#[derive(Clone, Debug)]
pub struct Expectations {
    /// The fewest postcodes with a point.
    pub postcodes_min: u32,
    /// The edition in use, against which the count may not fall by more than `fall_percent_max`.
    pub current: Option<Edition>,
    /// The largest fall of the count, in per cent.
    pub fall_percent_max: u32,
    /// Upper-tier authorities that must have postcodes: those this installation serves.
    pub authorities: Vec<AuthorityCode>,
}

impl Expectations {
    /// What a national file must live up to, to replace `current` for `authorities`.
    #[must_use]
    pub const fn national(current: Edition, authorities: Vec<AuthorityCode>) -> Self {
        Self {
            postcodes_min: NATIONAL_POSTCODES_MIN,
            current: Some(current),
            fall_percent_max: FALL_PERCENT_MAX,
            authorities,
        }
    }
}

/// What became of a file's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows read, without the header.
    pub rows: u64,
    /// Different postcodes that are in the pack.
    pub kept: u64,
    /// Of those kept, postcodes that have ended.
    pub ended: u64,
    /// Dropped: Northern Ireland (another licence), the Isle of Man and the Channel Islands.
    pub elsewhere: u64,
    /// Dropped: without a grid reference or an authority.
    pub without_point: u64,
    /// Dropped: not of a postcode's form, so that nobody could ask for it.
    pub without_form: u64,
}

/// An edition, ready to be kept and used.
#[derive(Clone, Debug)]
pub struct Import {
    /// What kind of file it came from.
    pub kind: Kind,
    /// For [`crate::Gazetteer::from_pack`].
    pub pack: Vec<u8>,
    /// Its name, date, checksum and sizes.
    pub edition: Edition,
    /// What became of the rows.
    pub counts: Counts,
}

/// Why a file was refused. Nothing of it is used.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Neither an ONSPD header nor a row of Code-Point Open.
    #[error(
        "not a postcode file: expected the header of the ONS Postcode Directory, \
         or rows of Code-Point Open"
    )]
    NotRecognised,
    /// A column that is needed is not there.
    #[error("no column for the {0}: expected {expected}", expected = .0.names())]
    MissingColumn(Column),
    /// More than one column could be the one that is needed.
    #[error("more than one column for the {0}: expected one of {expected}", expected = .0.names())]
    DoubledColumn(Column),
    /// A value that the column cannot hold: the columns may have moved.
    #[error("line {line}: the {column} cannot be {value:?}")]
    BadValue {
        /// Counted from 1.
        line: u64,
        /// Which column.
        column: Column,
        /// What it holds.
        value: String,
    },
    /// Not enough postcodes for a national file: cut short, or of one region.
    #[error("only {found} postcodes with a grid reference; a national file has at least {least}")]
    TooFew {
        /// Different postcodes found.
        found: u64,
        /// The fewest expected.
        least: u32,
    },
    /// Many fewer postcodes than the edition in use.
    #[error(
        "{found} postcodes where the edition in use has {before}: a fall of more than {percent} %"
    )]
    Fell {
        /// Different postcodes found; in use only, if the file holds no others.
        found: u64,
        /// The same count of the edition in use.
        before: u32,
        /// The largest fall accepted.
        percent: u32,
    },
    /// An authority that this installation serves has no postcodes.
    #[error("no postcodes in {0}, which is in use here")]
    NoRowsFor(AuthorityCode),
    /// It is not CSV, or a row has too many or too few fields.
    #[error("cannot read the postcode file")]
    Unreadable(#[source] csv::Error),
    /// The postcodes do not make an edition.
    #[error("cannot pack the postcodes")]
    Unpackable(#[from] BuildError),
}

/// Reads a postcode file: one of the kind given, or of the kind it is seen to be. A national
/// Code-Point Open may be its many CSV files one after another.
///
/// # Errors
/// [`Refusal`] if any of it is not as expected.
pub fn read(
    reader: impl Read,
    kind: Option<Kind>,
    name: &str,
    date: NaiveDate,
    expectations: &Expectations,
) -> Result<Import, Refusal> {
    let mut hashing = Hashing {
        inner: reader,
        sha256: Sha256::new(),
    };
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(&mut hashing);
    let mut record = csv::StringRecord::new();
    let mut next =
        |record: &mut csv::StringRecord| rows.read_record(record).map_err(Refusal::Unreadable);

    let mut more = next(&mut record)?;
    let layout = Layout::of(&record, kind)?;
    if layout.has_header() {
        more = next(&mut record)?;
    }
    let mut counts = Counts::default();
    let mut units = Vec::new();
    while more {
        counts.rows += 1;
        match layout.read(&record)? {
            Reading::Unit(unit) => units.push(unit),
            Reading::Elsewhere => counts.elsewhere += 1,
            Reading::WithoutPoint => counts.without_point += 1,
            Reading::WithoutForm => counts.without_form += 1,
        }
        more = next(&mut record)?;
    }
    let units = pack::sorted(units)?;
    let in_use = count(units.iter().filter(|unit| unit.in_use));
    counts.kept = count(units.iter());
    counts.ended = counts.kept - in_use;
    check(layout.kind(), &units, counts, expectations)?;

    let source = Source {
        name: name.to_owned(),
        date,
        sha256: hex::encode(hashing.sha256.finalize()),
    };
    let (pack, edition) = pack::build(units, &[], source)?;
    Ok(Import {
        kind: layout.kind(),
        pack,
        edition,
        counts,
    })
}

fn check(
    kind: Kind,
    units: &[Unit],
    counts: Counts,
    expectations: &Expectations,
) -> Result<(), Refusal> {
    let least = expectations.postcodes_min;
    if counts.kept < u64::from(least) {
        return Err(Refusal::TooFew {
            found: counts.kept,
            least,
        });
    }
    if let Some(current) = &expectations.current {
        // Code-Point Open lists no ended postcodes: like is compared with like.
        let (found, before) = match kind {
            Kind::Onspd => (counts.kept, current.postcodes),
            Kind::CodePointOpen => (counts.kept - counts.ended, current.in_use),
        };
        let percent = expectations.fall_percent_max;
        let left = u64::from(100_u32.saturating_sub(percent));
        if found * 100 < u64::from(before) * left {
            return Err(Refusal::Fell {
                found,
                before,
                percent,
            });
        }
    }
    let districts: BTreeSet<_> = units.iter().map(|unit| unit.district).collect();
    for &authority in &expectations.authorities {
        let served = |&district| Authorities::embedded().upper_tier(district) == Some(authority);
        if !districts.iter().any(served) {
            return Err(Refusal::NoRowsFor(authority));
        }
    }
    Ok(())
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    items.fold(0, |n, _| n + 1)
}

/// Takes the checksum of what is read, as it is read.
struct Hashing<R> {
    inner: R,
    sha256: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.sha256.update(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}
