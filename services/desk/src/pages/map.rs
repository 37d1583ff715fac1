//! A map drawn by us: areas, rings of miles and approximate points; nothing is loaded for it.
//!
//! Points are moved to the middle of a square kilometre: nobody's address shows.

use oss_domain::AuthorityCode;
use oss_geography::{
    GridPoint,
    map::{MapArea, areas},
};
use std::fmt::Write;

/// A unit of the drawing, in metres: fine enough for outlines simplified to 250 m.
const UNIT: i64 = 100;
/// The side of the squares that points are moved to the middle of, in metres.
const SQUARE: u32 = 1_000;
/// The statutory return's mile, in metres.
const MILE: i64 = 1_609;
/// At least this much is shown around the middle: the ring of 20 miles.
const LEAST: i64 = 22 * MILE;

/// What is drawn, in units, the origin at the top left.
#[derive(Debug)]
pub(crate) struct Map {
    pub(crate) width: i64,
    pub(crate) height: i64,
    pub(crate) areas: Vec<Shape>,
    pub(crate) names: Vec<Label>,
    pub(crate) rings: Vec<Ring>,
    pub(crate) dots: Vec<Label>,
    /// Where distances run from.
    pub(crate) from: (i64, i64),
    pub(crate) is_home: bool,
}

#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) path: String,
    pub(crate) is_own: bool,
}

#[derive(Debug)]
pub(crate) struct Label {
    pub(crate) x: i64,
    pub(crate) y: i64,
    pub(crate) text: String,
}

#[derive(Debug)]
pub(crate) struct Ring {
    pub(crate) radius: i64,
    pub(crate) text_y: i64,
    pub(crate) miles: i64,
}

/// What part of the grid is shown.
#[derive(Clone, Copy)]
struct Frame {
    west: i64,
    north: i64,
    width: i64,
    height: i64,
}

impl Frame {
    fn around(from: (i64, i64), points: impl Iterator<Item = (i64, i64)>) -> Self {
        let mut reach = LEAST;
        for (east, north) in points {
            reach = reach.max((east - from.0).abs()).max((north - from.1).abs());
        }
        // Far enough for those in the north; not so far that nothing can be told apart.
        let reach = reach.min(80 * MILE) + 3 * MILE;
        Self {
            west: from.0 - reach,
            north: from.1 + reach,
            width: 2 * reach / UNIT,
            height: 2 * reach / UNIT,
        }
    }

    fn at(&self, (east, north): (i64, i64)) -> (i64, i64) {
        ((east - self.west) / UNIT, (self.north - north) / UNIT)
    }

    fn shows(&self, (x, y): (i64, i64)) -> bool {
        (0..=self.width).contains(&x) && (0..=self.height).contains(&y)
    }
}

fn exact(point: GridPoint) -> (i64, i64) {
    (point.easting.into(), point.northing.into())
}

fn approximate(point: GridPoint) -> (i64, i64) {
    let middle = |metres: u32| i64::from(metres / SQUARE * SQUARE + SQUARE / 2);
    (middle(point.easting), middle(point.northing))
}

impl Map {
    /// The options' points, numbered by rank, around where distances run from.
    pub(crate) fn new(
        own: AuthorityCode,
        from: GridPoint,
        is_home: bool,
        points: &[(usize, GridPoint)],
    ) -> Self {
        let middle = approximate(from);
        let frame = Frame::around(middle, points.iter().map(|(_, point)| approximate(*point)));
        let label = |point: (i64, i64), text: String| {
            let (x, y) = frame.at(point);
            Label { x, y, text }
        };
        let shown = |area: &&MapArea| {
            area.rings
                .iter()
                .flatten()
                .any(|point| frame.shows(frame.at(exact(*point))))
        };
        let dots = points
            .iter()
            .map(|(rank, point)| label(approximate(*point), rank.to_string()));
        let names = areas()
            .iter()
            .map(|area| label(exact(area.label), area.name.to_owned()));
        let from = frame.at(middle);
        Self {
            width: frame.width,
            height: frame.height,
            areas: areas()
                .iter()
                .filter(shown)
                .map(|area| Shape {
                    path: path(area, frame),
                    is_own: area.upper_tier == own,
                })
                .collect(),
            names: names.filter(|it| frame.shows((it.x, it.y))).collect(),
            rings: [5, 10, 20]
                .into_iter()
                .map(|miles| ring(miles, from))
                .collect(),
            // The best is drawn last, so that it lies on top.
            dots: dots.rev().filter(|it| frame.shows((it.x, it.y))).collect(),
            from,
            is_home,
        }
    }
}

fn ring(miles: i64, from: (i64, i64)) -> Ring {
    let radius = miles * MILE / UNIT;
    Ring {
        radius,
        text_y: from.1 - radius,
        miles,
    }
}

/// The outline, in steps from corner to corner: short numbers make a short page.
fn path(area: &MapArea, frame: Frame) -> String {
    let mut path = String::new();
    for ring in &area.rings {
        let mut corners = ring.iter().map(|point| frame.at(exact(*point)));
        let Some(mut last) = corners.next() else {
            continue;
        };
        // Writing to a string cannot fail.
        let _ = write!(path, "M{} {}l", last.0, last.1);
        for corner in corners {
            let step = (corner.0 - last.0, corner.1 - last.1);
            if step != (0, 0) {
                let _ = write!(path, "{} {} ", step.0, step.1);
            }
            last = corner;
        }
        path.truncate(path.trim_end().len());
        path.push('z');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_point_tells_an_address_and_the_map_is_small() {
        let derby = GridPoint {
            easting: 435_461,
            northing: 336_327,
        };
        let home = GridPoint {
            easting: 437_019,
            northing: 334_988,
        };
        let map = Map::new("E06000015".parse().unwrap(), derby, true, &[(1, home)]);
        let moved = GridPoint {
            easting: 437_999,
            northing: 334_001,
        };
        let same = Map::new("E06000015".parse().unwrap(), derby, true, &[(1, moved)]);
        let at = |map: &Map| {
            map.dots
                .iter()
                .map(|dot| (dot.x, dot.y))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            at(&map),
            at(&same),
            "all of a square kilometre look the same"
        );
        assert!(map.names.iter().any(|name| name.text == "Derby"));
        let size: usize = map.areas.iter().map(|area| area.path.len()).sum();
        assert!(size < 40_000, "{size} bytes of outlines");
        assert!(map.areas.iter().any(|area| area.is_own));
    }
}
