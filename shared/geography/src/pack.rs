//! The postcode pack: how it is laid out, made and opened.
//!
//! `MAGIC`, then a header (postcard), then one zstd frame for each postcode area in the
//! header's order. A frame holds columns: postcodes sorted, each number as the difference
//! from the one before it, so that most are small and compress to a few bits.

use std::{borrow::Cow, collections::HashMap};

use chrono::NaiveDate;
use oss_domain::{AuthorityCode, Postcode};
use serde::{Deserialize, Serialize};

use crate::{
    area::{Area, Columns},
    authorities::Authorities,
    key::{self, AreaLetters},
    point::GridPoint,
};

/// What a pack begins with; the last digit counts layouts.
const MAGIC: &[u8] = b"OSS postcodes 1\n";

/// No postcode area needs more than this unpacked: the largest of 2025 takes under 500 KB.
const FRAME_BYTES_MAX: usize = 8 << 20;

/// zstd's strongest level that needs no special decoder: packing takes a minute, once an edition.
const LEVEL: i32 = 22;

/// One full postcode and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The postcode.
    pub postcode: Postcode,
    /// Its grid reference.
    pub point: GridPoint,
    /// The lowest authority: a shire district, or a unitary authority.
    pub district: AuthorityCode,
    /// Whether it is in use; an ended postcode is kept, since old addresses name it.
    pub in_use: bool,
}

/// A published point for a sector, used in place of the mean of its units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectorPoint {
    /// Any postcode of the sector, whether it exists or not.
    pub within: Postcode,
    /// The point for the sector.
    pub point: GridPoint,
    /// The sector's commonest district.
    pub district: AuthorityCode,
}

/// Where the postcodes come from: kept with every distance computed from them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// What the publisher calls it, such as `ONS Postcode Directory, November 2025`.
    pub name: String,
    /// The day it was published, or the first of the month.
    pub date: NaiveDate,
    /// SHA-256 of the source file, in lower-case hexadecimal.
    pub sha256: String,
}

/// An edition of the postcodes, and how many it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edition {
    /// Where it comes from.
    pub source: Source,
    /// Postcodes with a point, ended ones too.
    pub postcodes: u32,
    /// Of them, those in use.
    pub in_use: u32,
    /// Sectors.
    pub sectors: u32,
}

/// A pack cannot be made of these postcodes.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The same postcode twice, with different facts: neither can be trusted.
    #[error("postcode {0} is given twice, differently")]
    Contradiction(Postcode),
    /// A shire district that the table of authorities does not have.
    #[error("district {0} is in no county that is known; the table of authorities needs it")]
    UnknownCounty(AuthorityCode),
    /// More than any edition of Great Britain's has.
    #[error("too many postcodes or districts for a pack")]
    TooMany,
    /// The columns could not be written.
    #[error("cannot lay out the postcodes")]
    Layout(#[from] postcard::Error),
    /// The columns could not be compressed.
    #[error("cannot compress the postcodes")]
    Compress(#[from] std::io::Error),
}

/// A pack cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// It is something else, or of another version of the program.
    #[error("not a postcode pack that this version reads")]
    NotAPack,
    /// It is cut short, or was changed.
    #[error("the postcode pack is damaged")]
    Damaged,
    /// It cannot be decompressed.
    #[error("the postcode pack is damaged")]
    Compression(#[source] std::io::Error),
    /// It cannot be read.
    #[error("the postcode pack is damaged")]
    Layout(#[from] postcard::Error),
    /// A shire district that the table of authorities does not have.
    #[error("district {0} is in no county that is known")]
    UnknownCounty(AuthorityCode),
}

#[derive(Serialize, Deserialize)]
struct Header {
    edition: Edition,
    districts: Vec<String>,
    areas: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    letters: AreaLetters,
    packed: u32,
    unpacked: u32,
}

/// Packs `units`, in any order. A sector that `sectors` lacks gets the mean of its units in use
/// (of all, if none is) and their commonest district.
///
/// # Errors
/// [`BuildError`] if two units contradict each other or a district's county is not known.
pub fn build(
    units: Vec<Unit>,
    sectors: &[SectorPoint],
    source: Source,
) -> Result<(Vec<u8>, Edition), BuildError> {
    let units = sorted(units)?;
    let published: HashMap<_, _> = sectors
        .iter()
        .filter_map(|sector| {
            let (letters, number, _) = key::place(&sector.within)?;
            Some(((letters, number), sector))
        })
        .collect();
    let mut districts = Districts::default();
    let mut header = Header {
        edition: Edition {
            source,
            postcodes: u32::try_from(units.len()).map_err(|_| BuildError::TooMany)?,
            in_use: 0,
            sectors: 0,
        },
        districts: Vec::new(),
        areas: Vec::new(),
    };
    let mut frames = Vec::new();
    let letters_of = |unit: &Unit| key::place(&unit.postcode).map(|(letters, _, _)| letters);
    for area in units.chunk_by(|a, b| letters_of(a) == letters_of(b)) {
        let Some(letters) = area.first().and_then(letters_of) else {
            continue;
        };
        let mut columns = Columns::default();
        for units in area.chunk_by(|a, b| a.postcode.sector() == b.postcode.sector()) {
            let Some((_, number, _)) = units.first().and_then(|unit| key::place(&unit.postcode))
            else {
                continue;
            };
            let (point, district) = match published.get(&(letters, number)) {
                Some(sector) => (sector.point, sector.district),
                None => summary(units).ok_or(BuildError::TooMany)?,
            };
            let whole = lies_in_one_authority(units)?;
            let district = districts.index(district)?;
            columns.push_sector(number, point, district, whole);
            for unit in units {
                let Some((_, _, letters)) = key::place(&unit.postcode) else {
                    continue;
                };
                columns.push_unit(letters, unit.point, districts.index(unit.district)?);
                header.edition.in_use += u32::from(unit.in_use);
            }
            header.edition.sectors += 1;
        }
        let plain = postcard::to_allocvec(&columns)?;
        let frame = zstd::bulk::compress(&plain, LEVEL)?;
        header.areas.push(Entry {
            letters,
            packed: u32::try_from(frame.len()).map_err(|_| BuildError::TooMany)?,
            unpacked: u32::try_from(plain.len()).map_err(|_| BuildError::TooMany)?,
        });
        frames.extend(frame);
    }
    header.districts = districts.codes.iter().map(ToString::to_string).collect();
    let mut pack = MAGIC.to_vec();
    pack.extend(postcard::to_allocvec(&header)?);
    pack.extend(frames);
    Ok((pack, header.edition))
}

/// Sorts `units` as they are packed, each once.
pub(crate) fn sorted(mut units: Vec<Unit>) -> Result<Vec<Unit>, BuildError> {
    units.sort_by_cached_key(|unit| key::place(&unit.postcode));
    let mut contradiction = None;
    units.dedup_by(|b, a| {
        if a.postcode == b.postcode && a != b {
            contradiction = Some(a.postcode);
        }
        a.postcode == b.postcode
    });
    contradiction.map_or(Ok(units), |postcode| {
        Err(BuildError::Contradiction(postcode))
    })
}

/// Districts by number, in the order in which they were first met.
#[derive(Default)]
struct Districts {
    codes: Vec<AuthorityCode>,
    numbers: HashMap<AuthorityCode, u16>,
}

impl Districts {
    fn index(&mut self, code: AuthorityCode) -> Result<u16, BuildError> {
        if let Some(number) = self.numbers.get(&code) {
            return Ok(*number);
        }
        // One less than fits, since the columns count from 1.
        let number = u16::try_from(self.codes.len())
            .ok()
            .filter(|number| *number < u16::MAX)
            .ok_or(BuildError::TooMany)?;
        self.codes.push(code);
        self.numbers.insert(code, number);
        Ok(number)
    }
}

/// The mean point and commonest district of a sector's units in use; of all, if none is in use.
/// Of districts equally common, that of the first postcode.
fn summary(units: &[Unit]) -> Option<(GridPoint, AuthorityCode)> {
    let any_in_use = units.iter().any(|unit| unit.in_use);
    let counted = || units.iter().filter(|unit| unit.in_use || !any_in_use);
    let n = u64::try_from(counted().count()).ok()?;
    let mean = |of: fn(&Unit) -> u32| {
        let sum: u64 = counted().map(|unit| u64::from(of(unit))).sum();
        u32::try_from(sum.checked_div(n)?).ok()
    };
    let point = GridPoint {
        easting: mean(|unit| unit.point.easting)?,
        northing: mean(|unit| unit.point.northing)?,
    };
    let mut counts: Vec<(AuthorityCode, usize)> = Vec::new();
    for unit in counted() {
        match counts.iter_mut().find(|(code, _)| *code == unit.district) {
            Some((_, count)) => *count += 1,
            None => counts.push((unit.district, 1)),
        }
    }
    // `max_by_key` keeps the last of equals, hence the reversal.
    let commonest = counts.iter().rev().max_by_key(|(_, count)| *count)?;
    Some((point, commonest.0))
}

fn lies_in_one_authority(units: &[Unit]) -> Result<bool, BuildError> {
    let mut first = None;
    let mut whole = true;
    for unit in units {
        let upper = Authorities::embedded()
            .upper_tier(unit.district)
            .ok_or(BuildError::UnknownCounty(unit.district))?;
        whole &= *first.get_or_insert(upper) == upper;
    }
    Ok(whole)
}

/// An opened pack: the index is read, the areas are not.
pub(crate) struct Pack {
    bytes: Cow<'static, [u8]>,
    pub(crate) edition: Edition,
    /// The upper-tier authority of each numbered district.
    pub(crate) upper_tiers: Vec<AuthorityCode>,
    frames: Vec<Frame>,
}

struct Frame {
    letters: AreaLetters,
    start: usize,
    packed: usize,
    unpacked: usize,
}

impl Pack {
    pub(crate) fn open(bytes: Cow<'static, [u8]>) -> Result<Self, PackError> {
        let body = bytes.strip_prefix(MAGIC).ok_or(PackError::NotAPack)?;
        let (header, rest): (Header, _) = postcard::take_from_bytes(body)?;
        let mut start = bytes.len() - rest.len();
        let mut frames = Vec::with_capacity(header.areas.len());
        for entry in header.areas {
            let size = |size| usize::try_from(size).map_err(|_| PackError::Damaged);
            let (packed, unpacked) = (size(entry.packed)?, size(entry.unpacked)?);
            if unpacked > FRAME_BYTES_MAX {
                return Err(PackError::Damaged);
            }
            frames.push(Frame {
                letters: entry.letters,
                start,
                packed,
                unpacked,
            });
            start = start.checked_add(packed).ok_or(PackError::Damaged)?;
        }
        if start != bytes.len() || !frames.is_sorted_by(|a, b| a.letters < b.letters) {
            return Err(PackError::Damaged);
        }
        let mut upper_tiers = Vec::with_capacity(header.districts.len());
        for code in header.districts {
            let code = code.parse().map_err(|_| PackError::Damaged)?;
            let upper = Authorities::embedded().upper_tier(code);
            upper_tiers.push(upper.ok_or(PackError::UnknownCounty(code))?);
        }
        Ok(Self {
            bytes,
            edition: header.edition,
            upper_tiers,
            frames,
        })
    }

    /// How many postcode areas it has.
    pub(crate) const fn len(&self) -> usize {
        self.frames.len()
    }

    /// The number of the area with these letters.
    pub(crate) fn find(&self, letters: AreaLetters) -> Option<usize> {
        self.frames
            .binary_search_by_key(&letters, |frame| frame.letters)
            .ok()
    }

    /// Decodes an area.
    pub(crate) fn decode(&self, number: usize) -> Result<Area, PackError> {
        let frame = self.frames.get(number).ok_or(PackError::Damaged)?;
        let packed = self.bytes.get(frame.start..frame.start + frame.packed);
        let packed = packed.ok_or(PackError::Damaged)?;
        let plain =
            zstd::bulk::decompress(packed, frame.unpacked).map_err(PackError::Compression)?;
        let columns: Columns = postcard::from_bytes(&plain)?;
        Area::decode(&columns, self.upper_tiers.len()).ok_or(PackError::Damaged)
    }
}
