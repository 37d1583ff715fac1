//! Makes the committed map from outlines in latitude and longitude (GeoJSON): moves them to the
//! National Grid and simplifies them, each shared border alike on both sides.
//!
//! ```text
//! cargo run -p oss-geography --example map < d2n2_map.geojson > shared/geography/data/map.csv
//! ```
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
};

use geo::{LineString, Simplify};
use oss_geography::{GridPoint, Wgs84};
use serde_json::Value;

/// Corners less than this far from the line without them are left out, in metres: about a
/// pixel on a map of D2N2 and its neighbours as wide as a page.
const TOLERANCE: f64 = 250.0;

type Ring = Vec<GridPoint>;

fn main() -> Result<(), Box<dyn Error>> {
    let map: Value = serde_json::from_reader(std::io::stdin().lock())?;
    let mut areas: BTreeMap<String, Vec<Vec<Ring>>> = BTreeMap::new();
    let features = map.get("features").and_then(Value::as_array);
    for feature in features.ok_or("no features")? {
        let text = |path| feature.pointer(path).and_then(Value::as_str);
        let code = text("/properties/code").ok_or("no code")?;
        let coordinates = feature.pointer("/geometry/coordinates").cloned();
        let coordinates = coordinates.ok_or("no coordinates")?;
        let polygons: Vec<Vec<Vec<[f64; 2]>>> = match text("/geometry/type") {
            Some("Polygon") => vec![serde_json::from_value(coordinates)?],
            _ => serde_json::from_value(coordinates)?,
        };
        let polygons = polygons
            .iter()
            .map(|rings| rings.iter().map(|ring| to_grid(ring)).collect());
        let polygons = polygons.collect::<Option<_>>().ok_or("off the grid")?;
        areas.insert(code.to_owned(), polygons);
    }

    let mut owners: BTreeMap<GridPoint, BTreeSet<&str>> = BTreeMap::new();
    for (code, polygons) in &areas {
        for point in polygons.iter().flatten().flatten() {
            owners.entry(*point).or_default().insert(code);
        }
    }
    println!("code,polygon,ring,easting,northing");
    for (code, polygons) in &areas {
        for (polygon, rings) in polygons.iter().enumerate() {
            for (ring, corners) in rings.iter().enumerate() {
                for point in simplified(corners, &owners) {
                    let GridPoint { easting, northing } = point;
                    println!("{code},{polygon},{ring},{easting},{northing}");
                }
            }
        }
    }
    Ok(())
}

fn to_grid(ring: &[[f64; 2]]) -> Option<Ring> {
    let grid = |&[longitude, latitude]: &[f64; 2]| {
        Wgs84 {
            latitude,
            longitude,
        }
        .to_grid()
    };
    ring.iter().map(grid).collect()
}

/// Simplifies a closed ring border by border: a border runs as long as its corners have the same
/// owners, and is simplified in the same direction whoever's ring it is found in.
fn simplified(ring: &Ring, owners: &BTreeMap<GridPoint, BTreeSet<&str>>) -> Ring {
    let open = ring.split_last().map_or(&[][..], |(_, rest)| rest);
    // A corner where the owners change ends a border. Both neighbours see the change there.
    let ends = |index: usize| {
        let at = |index: usize| open.get(index % open.len()).and_then(|p| owners.get(p));
        let (before, here, after) = (at(index + open.len() - 1), at(index), at(index + 1));
        let count = |owners: Option<&BTreeSet<&str>>| owners.map_or(0, BTreeSet::len);
        (here != before && count(here) >= count(before))
            || (here != after && count(here) >= count(after))
    };
    let first = (0..open.len())
        .find(|&index| ends(index))
        .or_else(|| (0..open.len()).min_by_key(|&index| open.get(index)))
        .unwrap_or_default();
    let mut turned = open.to_vec();
    turned.rotate_left(first);
    turned.extend(turned.first().copied());

    let mut result = Ring::new();
    let mut border = Ring::new();
    for (offset, point) in turned.iter().enumerate() {
        border.push(*point);
        if offset > 0 && (offset == open.len() || ends(first + offset)) {
            result.extend(
                simplified_border(&border)
                    .iter()
                    .skip(usize::from(!result.is_empty())),
            );
            border = vec![*point];
        }
    }
    result
}

fn simplified_border(border: &Ring) -> Ring {
    let reverse = border.first() > border.last();
    let mut points = border.clone();
    if reverse {
        points.reverse();
    }
    let kept: BTreeSet<(u64, u64)> = points
        .iter()
        .map(|point| (f64::from(point.easting), f64::from(point.northing)))
        .collect::<LineString>()
        .simplify(TOLERANCE)
        .coords()
        .map(|at| (at.x.to_bits(), at.y.to_bits()))
        .collect();
    points.retain(|point| {
        let at = (
            f64::from(point.easting).to_bits(),
            f64::from(point.northing).to_bits(),
        );
        kept.contains(&at)
    });
    if reverse {
        points.reverse();
    }
    points
}
