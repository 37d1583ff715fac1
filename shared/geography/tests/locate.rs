//! The postcodes in the program, asked as the rest of the product asks them.

use oss_geography::{Gazetteer, Location, Precision, miles_between};

/// The committed pack's bytes, for tests of a pack that comes from elsewhere.
const PACK: &[u8] = include_bytes!("../data/postcodes.pack");

fn locate(postcode: &str) -> Option<Location> {
    Gazetteer::embedded().locate(&postcode.parse().ok()?)
}

#[test]
fn known_postcodes_have_their_point_and_upper_tier_authority() {
    for (postcode, easting, northing, authority) in [
        ("DE1 2FS", 435_461, 336_327, "E06000015"), // Derby Council House
        ("NG10 1HU", 449_051, 333_914, "E10000007"), // Long Eaton: Derbyshire despite its letters
        ("DE14 2EB", 424_007, 323_435, "E10000028"), // Burton: Staffordshire despite its letters
        ("S40 1LP", 437_985, 371_228, "E10000007"), // Chesterfield
        ("LN1 1YL", 497_170, 371_452, "E10000019"), // Lincoln
        ("NG2 3NG", 457_573, 339_316, "E06000018"), // Loxley House, Nottingham
        ("NG2 7QP", 458_185, 338_030, "E10000024"), // County Hall, Nottinghamshire
        ("AB1 0AA", 385_386, 801_193, "S12000033"), // Aberdeen; ended
        ("NPT 0AD", 331_400, 188_200, "W06000022"), // Newport; ended
    ] {
        let location = locate(postcode).unwrap();
        let point = location.point;
        assert_eq!((point.easting, point.northing), (easting, northing));
        assert_eq!(location.authority.as_str(), authority, "{postcode}");
        assert_eq!(location.precision, Precision::Unit);
        assert!(location.authority_certain);
    }
}

#[test]
fn distances_between_postcodes_are_the_statutory_returns() {
    let derby = locate("DE1 2FS").unwrap().point;
    for (postcode, miles) in [
        ("NG2 3NG", "13.9 miles"),
        ("DE4 3AG", "15.5 miles"),
        ("S40 1XA", "21.8 miles"),
        ("NG2 7QP", "14.2 miles"),
    ] {
        let there = locate(postcode).unwrap().point;
        assert_eq!(miles_between(derby, there).to_string(), miles, "{postcode}");
    }
}

#[test]
fn an_unknown_unit_is_placed_by_its_sector_and_says_so() {
    // DE1 2 lies in Derby alone; DE72 3 in Derby and in Derbyshire.
    let sure = locate("DE1 2CI").unwrap();
    assert_eq!(sure.precision, Precision::Sector);
    let point = sure.point;
    assert_eq!((point.easting, point.northing), (435_666, 335_757));
    assert_eq!(sure.authority.as_str(), "E06000015");
    assert!(sure.authority_certain);
    let unsure = locate("DE72 3CI").unwrap();
    assert_eq!(unsure.precision, Precision::Sector);
    assert!(!unsure.authority_certain);
}

#[test]
fn an_unknown_sector_is_nowhere() {
    for postcode in ["DE1 8ZZ", "ZZ1 1ZZ", "BT1 5GS", "DE99 0ZZ"] {
        assert_eq!(locate(postcode), None, "{postcode}");
    }
}

#[test]
fn every_area_unpacks_and_the_counts_are_the_editions() {
    let all = Gazetteer::from_pack(PACK.to_vec()).unwrap();
    assert_eq!(all.edition(), Gazetteer::embedded().edition());
    assert_eq!(all.edition().postcodes, 2_636_121);
    assert_eq!(all.edition().sectors, 12_018);
    assert!(PACK.len() <= 9_000_000);
}

#[test]
fn a_damaged_pack_is_refused() {
    assert!(Gazetteer::from_pack(Vec::new()).is_err());
    assert!(Gazetteer::from_pack(b"postcode,easting".to_vec()).is_err());
    let cut = PACK.get(..PACK.len() - 1).unwrap();
    assert!(Gazetteer::from_pack(cut.to_vec()).is_err());
    let mut changed = PACK.to_vec();
    let middle = changed.len() / 2;
    changed[middle..middle + 64].fill(0);
    assert!(Gazetteer::from_pack(changed).is_err());
}
