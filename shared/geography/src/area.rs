//! One postcode area: packed as columns of differences, and unpacked for looking up.

use serde::{Deserialize, Serialize};

use crate::{
    key::{SECTORS, UNITS},
    point::GridPoint,
};

/// The columns of an area, as packed. Sectors and units ascend; a point is the difference from
/// the point before it in its column.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Columns {
    sector_gaps: Vec<u32>,
    sector_units: Vec<u32>,
    sector_eastings: Vec<i32>,
    sector_northings: Vec<i32>,
    sector_districts: Vec<u16>,
    sector_wholes: Vec<bool>,
    unit_gaps: Vec<u32>,
    eastings: Vec<i32>,
    northings: Vec<i32>,
    /// 0 for the sector's district, else one more than the district's number.
    districts: Vec<u16>,
    #[serde(skip)]
    last: Last,
}

/// What was pushed last, to take differences from.
#[derive(Clone, Copy, Default)]
struct Last {
    sector: u32,
    sector_point: (u32, u32),
    sector_district: u16,
    unit: u32,
    point: (u32, u32),
}

/// No coordinate on the grid comes near the limits of `i32`, and what wraps here unwraps there.
const fn difference(now: u32, before: u32) -> i32 {
    now.wrapping_sub(before).cast_signed()
}

impl Columns {
    /// Begins a sector, which must come after those before it.
    pub(crate) fn push_sector(
        &mut self,
        number: u32,
        point: GridPoint,
        district: u16,
        whole: bool,
    ) {
        let last = &mut self.last;
        self.sector_gaps.push(number.wrapping_sub(last.sector));
        self.sector_units.push(0);
        let (easting, northing) = last.sector_point;
        self.sector_eastings
            .push(difference(point.easting, easting));
        self.sector_northings
            .push(difference(point.northing, northing));
        self.sector_districts.push(district);
        self.sector_wholes.push(whole);
        *last = Last {
            sector: number,
            sector_point: (point.easting, point.northing),
            sector_district: district,
            unit: 0,
            point: (point.easting, point.northing),
        };
    }

    /// Adds a unit to the sector that was begun last, after those before it.
    pub(crate) fn push_unit(&mut self, unit: u32, point: GridPoint, district: u16) {
        let last = &mut self.last;
        if let Some(units) = self.sector_units.last_mut() {
            *units += 1;
        }
        self.unit_gaps.push(unit.wrapping_sub(last.unit));
        let (easting, northing) = last.point;
        self.eastings.push(difference(point.easting, easting));
        self.northings.push(difference(point.northing, northing));
        self.districts.push(if district == last.sector_district {
            0
        } else {
            district + 1
        });
        last.unit = unit;
        last.point = (point.easting, point.northing);
    }
}

/// A postcode area, unpacked.
pub(crate) struct Area {
    sectors: Vec<Sector>,
    units: Vec<u16>,
    points: Vec<GridPoint>,
    districts: Vec<u16>,
}

/// A sector of an area, without its units.
pub(crate) struct Sector {
    number: u32,
    units: std::ops::Range<usize>,
    pub(crate) point: GridPoint,
    pub(crate) district: u16,
    pub(crate) whole: bool,
}

impl Area {
    /// Unpacks `columns`, or says no if they do not fit together.
    pub(crate) fn decode(columns: &Columns, n_districts: usize) -> Option<Self> {
        let n_units = columns.unit_gaps.len();
        let n_sectors = columns.sector_gaps.len();
        let mut this = Self {
            sectors: Vec::with_capacity(n_sectors),
            units: Vec::with_capacity(n_units),
            points: Vec::with_capacity(n_units),
            districts: Vec::with_capacity(n_units),
        };
        let known = |district: u16| usize::from(district) < n_districts;
        let mut number = 0_u32;
        let mut centre = GridPoint {
            easting: 0,
            northing: 0,
        };
        let mut unit_gaps = columns.unit_gaps.iter();
        let mut moves = columns.eastings.iter().zip(&columns.northings);
        let mut districts = columns.districts.iter();
        for index in 0..n_sectors {
            number = number.checked_add(*columns.sector_gaps.get(index)?)?;
            centre = moved(
                centre,
                *columns.sector_eastings.get(index)?,
                *columns.sector_northings.get(index)?,
            )?;
            let district = *columns.sector_districts.get(index)?;
            let first = this.units.len();
            let (mut unit, mut point) = (0_u32, centre);
            for _ in 0..*columns.sector_units.get(index)? {
                unit = unit.checked_add(*unit_gaps.next()?)?;
                let (east, north) = moves.next()?;
                point = moved(point, *east, *north)?;
                let own = districts.next()?.checked_sub(1).unwrap_or(district);
                if unit >= UNITS || !known(own) {
                    return None;
                }
                this.units.push(u16::try_from(unit).ok()?);
                this.points.push(point);
                this.districts.push(own);
            }
            if number >= SECTORS || !known(district) {
                return None;
            }
            this.sectors.push(Sector {
                number,
                units: first..this.units.len(),
                point: centre,
                district,
                whole: *columns.sector_wholes.get(index)?,
            });
        }
        let complete = this.units.len() == n_units
            && this.sectors.is_sorted_by(|a, b| a.number < b.number)
            && this.sectors.iter().all(|sector| {
                this.units
                    .get(sector.units.clone())
                    .is_some_and(|units| units.is_sorted_by(|a, b| a < b))
            });
        complete.then_some(this)
    }

    /// The sector of that number.
    pub(crate) fn sector(&self, number: u32) -> Option<&Sector> {
        let index = self
            .sectors
            .binary_search_by_key(&number, |sector| sector.number)
            .ok()?;
        self.sectors.get(index)
    }

    /// The point and district of a unit of `sector`.
    pub(crate) fn unit(&self, sector: &Sector, unit: u32) -> Option<(GridPoint, u16)> {
        let unit = u16::try_from(unit).ok()?;
        let units = self.units.get(sector.units.clone())?;
        let index = sector.units.start + units.binary_search(&unit).ok()?;
        Some((*self.points.get(index)?, *self.districts.get(index)?))
    }

    /// How many sectors and units there are.
    pub(crate) const fn sizes(&self) -> (usize, usize) {
        (self.sectors.len(), self.units.len())
    }
}

fn moved(point: GridPoint, east: i32, north: i32) -> Option<GridPoint> {
    Some(GridPoint {
        easting: point.easting.checked_add_signed(east)?,
        northing: point.northing.checked_add_signed(north)?,
    })
}
