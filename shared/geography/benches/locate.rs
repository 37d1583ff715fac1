//! What a look-up and a distance cost.

use std::hint::black_box;

use oss_domain::Postcode;
use oss_geography::{Gazetteer, GridPoint, miles_between};

fn main() {
    divan::main();
}

/// The pack's index read and one area (DE, 27,000 postcodes) unpacked: the price of the first.
#[divan::bench]
fn first_in_an_area(bencher: divan::Bencher) {
    let pack = include_bytes!("../data/postcodes.pack");
    let postcode = "DE1 2FS".parse::<Postcode>();
    bencher
        .with_inputs(|| Gazetteer::from_pack(pack.to_vec()))
        .bench_values(|gazetteer| {
            let (Ok(gazetteer), Ok(postcode)) = (gazetteer, &postcode) else {
                return None;
            };
            gazetteer.locate(postcode)
        });
}

#[divan::bench(args = ["DE1 2FS", "DE1 2CI", "ZZ1 1ZZ"])]
fn located_again(bencher: divan::Bencher, text: &str) {
    let gazetteer = Gazetteer::embedded();
    if let Ok(postcode) = text.parse::<Postcode>() {
        bencher.bench(|| gazetteer.locate(black_box(&postcode)));
    }
}

#[divan::bench]
fn miles(bencher: divan::Bencher) {
    let (a, b) = (at(435_461, 336_327), at(457_573, 339_316));
    bencher.bench(|| miles_between(black_box(a), black_box(b)));
}

const fn at(easting: u32, northing: u32) -> GridPoint {
    GridPoint { easting, northing }
}
