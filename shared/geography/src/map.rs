//! Outlines of the authorities in and around D2N2, to draw a map with.
//!
//! They were drawn around postcode points and then simplified: good to look at, but not a legal
//! line. Whether a place lies in an area is only ever asked of the [`crate::Gazetteer`].

use std::sync::OnceLock;

use geo::{BoundingRect, Coord, InteriorPoint, LineString, MultiPolygon, Polygon};
use oss_domain::AuthorityCode;
use serde::Deserialize;

use crate::{authorities::Authorities, point::GridPoint};

/// Corners of the outlines on the National Grid; `examples/map.rs` makes it again.
const OUTLINES: &str = include_str!("../data/map.csv");

/// An area of the map: a district within D2N2, an upper-tier authority around it.
#[derive(Clone, Debug)]
pub struct MapArea {
    /// Its code.
    pub code: AuthorityCode,
    /// Its name.
    pub name: &'static str,
    /// The upper-tier authority that it is, or is part of.
    pub upper_tier: AuthorityCode,
    /// Its rings, closed; to be filled by the even-odd rule.
    pub rings: Vec<Vec<GridPoint>>,
    /// A point well inside, for its name.
    pub label: GridPoint,
    shape: MultiPolygon,
}

/// The smallest and the largest coordinates of something drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The south-west corner.
    pub south_west: GridPoint,
    /// The north-east corner.
    pub north_east: GridPoint,
}

#[derive(Deserialize)]
struct Corner {
    code: String,
    polygon: u32,
    /// 0 for the outer ring, others for holes.
    ring: u32,
    easting: u32,
    northing: u32,
}

/// The areas of the map, by code. They share their borders exactly.
#[must_use]
pub fn areas() -> &'static [MapArea] {
    static AREAS: OnceLock<Vec<MapArea>> = OnceLock::new();
    AREAS.get_or_init(|| {
        let corners: Vec<Corner> = csv::Reader::from_reader(OUTLINES.as_bytes())
            .into_deserialize()
            .filter_map(Result::ok)
            .collect();
        corners
            .chunk_by(|a, b| a.code == b.code)
            .filter_map(MapArea::read)
            .collect()
    })
}

impl MapArea {
    fn read(corners: &[Corner]) -> Option<Self> {
        let code = corners.first()?.code.parse().ok()?;
        let shape: MultiPolygon = corners
            .chunk_by(|a, b| a.polygon == b.polygon)
            .filter_map(polygon)
            .collect();
        let rings = corners.chunk_by(|a, b| (a.polygon, a.ring) == (b.polygon, b.ring));
        let authorities = Authorities::embedded();
        Some(Self {
            code,
            name: authorities.name(code)?,
            upper_tier: authorities.upper_tier(code)?,
            rings: rings
                .map(|ring| ring.iter().map(Corner::point).collect())
                .collect(),
            label: grid_point(shape.interior_point()?.0)?,
            shape,
        })
    }

    /// The smallest upright rectangle around it.
    #[must_use]
    pub fn extent(&self) -> Option<Extent> {
        let bounds = self.shape.bounding_rect()?;
        Some(Extent {
            south_west: grid_point(bounds.min())?,
            north_east: grid_point(bounds.max())?,
        })
    }
}

impl Corner {
    const fn point(&self) -> GridPoint {
        GridPoint {
            easting: self.easting,
            northing: self.northing,
        }
    }
}

fn polygon(corners: &[Corner]) -> Option<Polygon> {
    let mut rings = corners.chunk_by(|a, b| a.ring == b.ring).map(|ring| {
        ring.iter()
            .map(|corner| (f64::from(corner.easting), f64::from(corner.northing)))
            .collect::<LineString>()
    });
    Some(Polygon::new(rings.next()?, rings.collect()))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked first"
)]
fn grid_point(at: Coord) -> Option<GridPoint> {
    let whole = |metres: f64| {
        let metres = metres.round();
        (0.0..=f64::from(u32::MAX))
            .contains(&metres)
            .then_some(metres as u32)
    };
    Some(GridPoint {
        easting: whole(at.x)?,
        northing: whole(at.y)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::Contains;

    #[test]
    fn every_area_has_a_name_and_closed_rings_with_its_label_inside() {
        assert_eq!(areas().len(), 34);
        let mut corners = 0;
        for area in areas() {
            assert!(!area.name.is_empty());
            for ring in &area.rings {
                assert!(ring.len() >= 4, "{}", area.name);
                assert_eq!(ring.first(), ring.last(), "{}", area.name);
                corners += ring.len();
            }
            let label = geo::Point::new(area.label.easting.into(), area.label.northing.into());
            assert!(area.shape.contains(&label), "{}", area.name);
        }
        assert_eq!(corners, OUTLINES.lines().count() - 1);
        assert!(corners < 4_000, "small enough to send with a page");
    }

    #[test]
    fn the_map_shows_all_of_d2n2() {
        let authorities = Authorities::embedded();
        let shown = |code| areas().iter().any(|area| area.upper_tier == code);
        let mut d2n2 = authorities.set("D2N2").unwrap().members.iter();
        assert!(d2n2.all(|code| shown(*code)));
        let derby = areas().iter().find(|area| area.name == "Derby").unwrap();
        let extent = derby.extent().unwrap();
        let council_house = (435_461, 336_327);
        assert!(extent.south_west.easting < council_house.0);
        assert!(extent.north_east.easting > council_house.0);
        assert!(extent.south_west.northing < council_house.1);
        assert!(extent.north_east.northing > council_house.1);
    }
}
