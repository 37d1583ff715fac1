//! Points on the OS National Grid, and how far apart they are.

use oss_domain::TenthsOfMile;

/// A point on the OS National Grid (EPSG:27700), in metres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GridPoint {
    /// Metres east of the grid's origin.
    pub easting: u32,
    /// Metres north of the grid's origin.
    pub northing: u32,
}

/// Half a tenth of the return's mile of 1,609.3 m, in units of 1/200 m: 80.465 m.
const HALF_TENTH: u64 = 16_093;

/// Great Britain is 1,300 km long. Longer differences count as this, so that nothing overflows.
const FURTHEST: u32 = 5_000_000;

/// The straight line between two points as the SSDA903 return measures it (`PL_DISTANCE`):
/// √(ΔE² + ΔN²) / 1000 / 1.6093 miles, in tenths rounded half up.
///
/// Exact: a float only guesses the root, and integers decide the rounding.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the guess is of a small positive number, and is corrected"
)]
pub fn miles_between(a: GridPoint, b: GridPoint) -> TenthsOfMile {
    let east = u64::from(a.easting.abs_diff(b.easting).min(FURTHEST));
    let north = u64::from(a.northing.abs_diff(b.northing).min(FURTHEST));
    // t tenths or more ⇔ d ≥ (t − ½)·160.93 m ⇔ 200·d ≥ (2t − 1)·16093.
    let square = 40_000 * (east * east + north * north);
    let reaches = |tenths: u64| {
        tenths == 0 || {
            let edge = (2 * tenths - 1) * HALF_TENTH;
            square >= edge * edge
        }
    };
    let mut tenths = ((square as f64).sqrt() / (2 * HALF_TENTH) as f64).round() as u64;
    while tenths > 0 && !reaches(tenths) {
        tenths -= 1;
    }
    while reaches(tenths + 1) {
        tenths += 1;
    }
    TenthsOfMile::new(u16::try_from(tenths).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{Distance, Euclidean, Point};
    use proptest::prelude::*;

    const fn at(easting: u32, northing: u32) -> GridPoint {
        GridPoint { easting, northing }
    }

    fn plane(point: GridPoint) -> Point {
        Point::new(point.easting.into(), point.northing.into())
    }

    #[test]
    fn agrees_with_the_return() {
        let council_house = at(435_461, 336_327);
        for (there, tenths) in [
            (at(457_573, 339_316), 139), // NG2 3NG
            (at(430_105, 360_671), 155), // DE4 3AG
            (at(438_445, 371_241), 218), // S40 1XA
            (at(458_185, 338_030), 142), // NG2 7QP
            (council_house, 0),
        ] {
            assert_eq!(miles_between(council_house, there).get(), tenths);
            assert_eq!(miles_between(there, council_house).get(), tenths);
        }
    }

    #[test]
    fn an_exact_half_rounds_up() {
        // 80.465 m · 200 = 16,093: a tie is a whole number of metres every 200 half tenths.
        let tie = 16_093 * 3; // 48,279 m = 300 tenths exactly
        assert_eq!(miles_between(at(0, 0), at(tie, 0)).get(), 300);
        // 16,093 · 25 / 2.5 m = 160,930 m = 1000 tenths; half a tenth less is 160,849.535 m.
        assert_eq!(miles_between(at(0, 0), at(160_849, 0)).get(), 999);
        assert_eq!(miles_between(at(0, 0), at(160_850, 0)).get(), 1000);
    }

    #[test]
    fn nonsense_does_not_overflow() {
        let far = miles_between(at(0, 0), at(u32::MAX, u32::MAX));
        assert!(far.get() > 30_000);
    }

    proptest! {
        #[test]
        fn agrees_with_a_float_away_from_ties(
            e1 in 0_u32..700_000, n1 in 0_u32..1_300_000,
            e2 in 0_u32..700_000, n2 in 0_u32..1_300_000,
        ) {
            let (a, b) = (at(e1, n1), at(e2, n2));
            let tenths = Euclidean.distance(plane(a), plane(b)) / 1000.0 / 1.6093 * 10.0;
            prop_assume!((tenths.fract() - 0.5).abs() > 1e-6);
            let exact = f64::from(miles_between(a, b).get());
            prop_assert!((exact - tenths.round()).abs() < 0.5);
        }
    }
}
