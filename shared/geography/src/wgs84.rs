//! Latitude and longitude, for maps and for files that use them.
//!
//! After Ordnance Survey, *A guide to coordinate systems in Great Britain*, annexes B and C, and
//! its seven-parameter transformation. Within 5 m in Great Britain, and 3 m around Derby: enough
//! to draw, and never used for a distance.

use crate::point::GridPoint;

/// A point on WGS84 (EPSG:4326), in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wgs84 {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// An ellipsoid, by its half axes in metres.
struct Ellipsoid {
    a: f64,
    b: f64,
}

const AIRY: Ellipsoid = Ellipsoid {
    a: 6_377_563.396,
    b: 6_356_256.909,
};
const GRS80: Ellipsoid = Ellipsoid {
    a: 6_378_137.0,
    b: 6_356_752.314_2,
};

/// The National Grid's projection: scale on the central meridian, true origin, false origin.
const SCALE: f64 = 0.999_601_271_7;
const ORIGIN_LATITUDE: f64 = 49.0;
const ORIGIN_LONGITUDE: f64 = -2.0;
const FALSE_EASTING: f64 = 400_000.0;
const FALSE_NORTHING: f64 = -100_000.0;

/// OSGB36 to WGS84: a shift in metres, turns in seconds of arc, and a change of scale.
const SHIFT: [f64; 3] = [446.448, -125.157, 542.060];
const TURN: [f64; 3] = [0.150_2, 0.247_0, 0.842_1];
const STRETCH: f64 = -20.489_4e-6;

impl Ellipsoid {
    /// The square of the first eccentricity.
    fn e2(&self) -> f64 {
        1.0 - (self.b * self.b) / (self.a * self.a)
    }

    /// The length of the meridian arc from the true origin to `latitude`, scaled.
    fn meridian(&self, latitude: f64) -> f64 {
        let n = (self.a - self.b) / (self.a + self.b);
        let (n2, n3) = (n * n, n * n * n);
        let origin = ORIGIN_LATITUDE.to_radians();
        let (less, more) = (latitude - origin, latitude + origin);
        self.b
            * SCALE
            * ((1.0 + n + 1.25 * (n2 + n3)) * less
                - (3.0 * (n + n2) + 2.625 * n3) * less.sin() * more.cos()
                + 1.875 * (n2 + n3) * (2.0 * less).sin() * (2.0 * more).cos()
                - 35.0 / 24.0 * n3 * (3.0 * less).sin() * (3.0 * more).cos())
    }

    /// Latitude and longitude (radians) of a grid reference.
    fn unproject(&self, easting: f64, northing: f64) -> (f64, f64) {
        let mut foot = ORIGIN_LATITUDE.to_radians();
        // Each step gains three digits: eight are far more than enough.
        for _ in 0..8 {
            foot += (northing - FALSE_NORTHING - self.meridian(foot)) / (self.a * SCALE);
        }
        let e2 = self.e2();
        let flat = 1.0 - e2 * foot.sin().powi(2);
        let nu = self.a * SCALE / flat.sqrt();
        let rho = self.a * SCALE * (1.0 - e2) / flat.powf(1.5);
        let eta2 = nu / rho - 1.0;
        let t = foot.tan();
        let (t2, t4, t6) = (t * t, t.powi(4), t.powi(6));
        let east = (easting - FALSE_EASTING) / nu;
        let latitude = foot
            - t * nu / rho
                * (east.powi(2) / 2.0
                    - east.powi(4) / 24.0 * (5.0 + 3.0 * t2 + eta2 - 9.0 * t2 * eta2)
                    + east.powi(6) / 720.0 * (61.0 + 90.0 * t2 + 45.0 * t4));
        let longitude = ORIGIN_LONGITUDE.to_radians()
            + 1.0 / foot.cos()
                * (east - east.powi(3) / 6.0 * (nu / rho + 2.0 * t2)
                    + east.powi(5) / 120.0 * (5.0 + 28.0 * t2 + 24.0 * t4)
                    - east.powi(7) / 5_040.0 * (61.0 + 662.0 * t2 + 1_320.0 * t4 + 720.0 * t6));
        (latitude, longitude)
    }

    /// Cartesian coordinates of a point on the ellipsoid.
    fn to_cartesian(&self, latitude: f64, longitude: f64) -> [f64; 3] {
        let nu = self.a / (1.0 - self.e2() * latitude.sin().powi(2)).sqrt();
        [
            nu * latitude.cos() * longitude.cos(),
            nu * latitude.cos() * longitude.sin(),
            (1.0 - self.e2()) * nu * latitude.sin(),
        ]
    }

    /// Latitude and longitude (radians) below or above a cartesian point.
    fn to_geodetic(&self, [x, y, z]: [f64; 3]) -> (f64, f64) {
        let p = x.hypot(y);
        let mut latitude = z.atan2(p * (1.0 - self.e2()));
        for _ in 0..6 {
            let nu = self.a / (1.0 - self.e2() * latitude.sin().powi(2)).sqrt();
            latitude = (z + self.e2() * nu * latitude.sin()).atan2(p);
        }
        (latitude, y.atan2(x))
    }
}

/// `OSGB36` to `WGS84`, cartesian.
fn transform([x, y, z]: [f64; 3]) -> [f64; 3] {
    let [shift_x, shift_y, shift_z] = SHIFT;
    let [turn_x, turn_y, turn_z] = TURN.map(|seconds| (seconds / 3_600.0).to_radians());
    let scale = 1.0 + STRETCH;
    [
        shift_x + scale * x - turn_z * y + turn_y * z,
        shift_y + turn_z * x + scale * y - turn_x * z,
        shift_z - turn_y * x + turn_x * y + scale * z,
    ]
}

fn from_grid(easting: f64, northing: f64) -> Wgs84 {
    let (latitude, longitude) = AIRY.unproject(easting, northing);
    let (latitude, longitude) =
        GRS80.to_geodetic(transform(AIRY.to_cartesian(latitude, longitude)));
    Wgs84 {
        latitude: latitude.to_degrees(),
        longitude: longitude.to_degrees(),
    }
}

impl From<GridPoint> for Wgs84 {
    fn from(point: GridPoint) -> Self {
        from_grid(point.easting.into(), point.northing.into())
    }
}

impl Wgs84 {
    /// The point on the National Grid, to the metre, or `None` off the grid.
    ///
    /// The other direction, tried until it fits: the map's outlines are converted once, not often.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked first"
    )]
    pub fn to_grid(self) -> Option<GridPoint> {
        const METRES_PER_DEGREE: f64 = 111_250.0;
        let (mut easting, mut northing) = (FALSE_EASTING, 300_000.0);
        for _ in 0..16 {
            let guess = from_grid(easting, northing);
            let parallel = METRES_PER_DEGREE * self.latitude.to_radians().cos();
            easting += (self.longitude - guess.longitude) * parallel;
            northing += (self.latitude - guess.latitude) * METRES_PER_DEGREE;
        }
        let (easting, northing) = (easting.round(), northing.round());
        let on_grid = (0.0..700_000.0).contains(&easting) && (0.0..1_300_000.0).contains(&northing);
        on_grid.then_some(GridPoint {
            easting: easting as u32,
            northing: northing as u32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Points by OSTN15, Ordnance Survey's definitive transformation.
    #[test]
    fn is_close_to_the_definitive_transformation() {
        for (easting, northing, latitude, longitude) in [
            (435_461, 336_327, 52.923_210, -1.473_993), // DE1 2FS
            (457_573, 339_316, 52.948_168, -1.144_602), // NG2 3NG
            (430_105, 360_671, 53.142_360, -1.551_393), // DE4 3AG
            (438_445, 371_241, 53.236_834, -1.425_452), // S40 1XA
        ] {
            let point = Wgs84::from(GridPoint { easting, northing });
            assert!((point.latitude - latitude).abs() < 5e-5, "{point:?}");
            assert!((point.longitude - longitude).abs() < 5e-5, "{point:?}");
        }
    }

    #[test]
    fn what_is_off_the_grid_has_no_grid_point() {
        for (latitude, longitude) in [(0.0, 0.0), (48.85, 2.35), (f64::NAN, 0.0), (90.0, 1e9)] {
            let point = Wgs84 {
                latitude,
                longitude,
            };
            assert_eq!(point.to_grid(), None);
        }
    }

    proptest! {
        #[test]
        fn there_and_back(easting in 60_000_u32..650_000, northing in 10_000_u32..1_200_000) {
            let point = GridPoint { easting, northing };
            prop_assert_eq!(Wgs84::from(point).to_grid(), Some(point));
        }
    }
}
