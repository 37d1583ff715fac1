//! Where a postcode is.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
};

use oss_domain::{AuthorityCode, Postcode};

use crate::{
    area::Area,
    key,
    pack::{Edition, Pack, PackError},
    point::GridPoint,
};

/// The committed pack; `examples/pack.rs` makes it again.
static EMBEDDED: &[u8] = include_bytes!("../data/postcodes.pack");

oss_domain::codes! {
    /// How precisely it is known where a postcode is.
    pub enum Precision {
        /// To the unit.
        Unit = "unit",
        /// To the sector, since the unit is not known (it may be new).
        Sector = "sector",
    }
}

/// Where a postcode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Its point, or its sector's.
    pub point: GridPoint,
    /// The upper-tier authority it lies in.
    pub authority: AuthorityCode,
    /// How precisely that is known.
    pub precision: Precision,
    /// Whether the authority is beyond doubt: the unit is known, or its whole sector lies in it.
    pub authority_certain: bool,
}

/// Knows where postcodes are. Cheap to clone and to share between threads.
///
/// A postcode area is unpacked when it is first asked for (about a millisecond), and then kept.
#[derive(Clone)]
pub struct Gazetteer(Arc<Inner>);

struct Inner {
    pack: Pack,
    /// `None` inside for an area that cannot be unpacked, which opening has ruled out.
    areas: Vec<OnceLock<Option<Area>>>,
}

impl Gazetteer {
    /// The edition in the program. All that ask for it share what is unpacked.
    ///
    /// # Panics
    /// Never: the pack is part of the program, and a test unpacks the whole of it.
    #[must_use]
    pub fn embedded() -> Self {
        static SHARED: OnceLock<Gazetteer> = OnceLock::new();
        SHARED
            .get_or_init(|| {
                #[expect(
                    clippy::expect_used,
                    reason = "part of the program, and tests unpack every area of it"
                )]
                let pack = Pack::open(Cow::Borrowed(EMBEDDED)).expect("the committed pack opens");
                Self::over(pack)
            })
            .clone()
    }

    /// A gazetteer over a pack that [`crate::import::read`] made.
    ///
    /// # Errors
    /// [`PackError`] if any part of it cannot be unpacked: every area is tried, once.
    pub fn from_pack(bytes: Vec<u8>) -> Result<Self, PackError> {
        let pack = Pack::open(Cow::Owned(bytes))?;
        let (mut sectors, mut postcodes) = (0, 0);
        for number in 0..pack.len() {
            let (more_sectors, more_postcodes) = pack.decode(number)?.sizes();
            sectors += more_sectors;
            postcodes += more_postcodes;
        }
        let edition = &pack.edition;
        if (u32::try_from(sectors), u32::try_from(postcodes))
            != (Ok(edition.sectors), Ok(edition.postcodes))
        {
            return Err(PackError::Damaged);
        }
        Ok(Self::over(pack))
    }

    fn over(pack: Pack) -> Self {
        let areas = (0..pack.len()).map(|_| OnceLock::new()).collect();
        Self(Arc::new(Inner { pack, areas }))
    }

    /// Which edition of the postcodes this is.
    #[must_use]
    pub fn edition(&self) -> &Edition {
        &self.0.pack.edition
    }

    /// Where `postcode` is: its own point, else its sector's; `None` if the sector is unknown too.
    #[must_use]
    pub fn locate(&self, postcode: &Postcode) -> Option<Location> {
        let (letters, sector, unit) = key::place(postcode)?;
        let number = self.0.pack.find(letters)?;
        let area = self.0.areas.get(number)?;
        let area = area
            .get_or_init(|| self.0.pack.decode(number).ok())
            .as_ref()?;
        let sector = area.sector(sector)?;
        let (point, district, precision) = match area.unit(sector, unit) {
            Some((point, district)) => (point, district, Precision::Unit),
            None => (sector.point, sector.district, Precision::Sector),
        };
        Some(Location {
            point,
            authority: *self.0.pack.upper_tiers.get(usize::from(district))?,
            precision,
            authority_certain: precision == Precision::Unit || sector.whole,
        })
    }
}

impl fmt::Debug for Gazetteer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gazetteer").field(self.edition()).finish()
    }
}
