//! Makes the committed pack from the two CSV files it comes from, and compares every row.
//!
//! ```text
//! zcat postcodes_gb.csv.gz |
//!   cargo run -p oss-geography --example pack -- sectors.csv shared/geography/data/postcodes.pack
//! ```
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::{collections::HashSet, error::Error, io::Read};

use oss_domain::{AuthorityCode, Postcode};
use oss_geography::{
    Authorities, Gazetteer, GridPoint, Location, Precision,
    pack::{self, SectorPoint, Source, Unit},
};
use sha2::{Digest, Sha256};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(sectors), Some(out)) = (args.next(), args.next()) else {
        return Err("usage: pack SECTORS.csv OUT < POSTCODES.csv".into());
    };
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    let units = read_units(&bytes)?;
    let sectors = read_sectors(&sectors)?;
    let source = Source {
        name: "ONS Postcode Directory, November 2025".to_owned(),
        date: "2025-11-01".parse()?,
        sha256: hex::encode(Sha256::digest(&bytes)),
    };
    let (packed, _) = pack::build(units.clone(), &sectors, source)?;
    std::fs::write(&out, &packed)?;

    let gazetteer = Gazetteer::from_pack(packed.clone())?;
    for unit in &units {
        let expected = Location {
            point: unit.point,
            authority: upper(unit.district)?,
            precision: Precision::Unit,
            authority_certain: true,
        };
        if gazetteer.locate(&unit.postcode) != Some(expected) {
            return Err(format!("{} differs", unit.postcode).into());
        }
    }
    let known: HashSet<Postcode> = units.iter().map(|unit| unit.postcode).collect();
    for sector in &sectors {
        let name = sector.within.sector();
        // Postcodes do without C, I, K, M, O and V in the last two places, so one is free.
        let free = format!("{name}VV").parse::<Postcode>()?;
        let location = gazetteer.locate(&free).ok_or("a sector is missing")?;
        let found = (location.point, location.authority);
        if known.contains(&free) || found != (sector.point, upper(sector.district)?) {
            return Err(format!("sector {name} differs").into());
        }
    }
    println!("{:?}", gazetteer.edition());
    println!(
        "{} bytes; all {} rows and {} sectors agree",
        packed.len(),
        units.len(),
        sectors.len()
    );
    Ok(())
}

fn upper(district: AuthorityCode) -> Result<AuthorityCode, Box<dyn Error>> {
    let upper = Authorities::embedded().upper_tier(district);
    upper.ok_or_else(|| format!("{district} is in no county").into())
}

fn read_units(bytes: &[u8]) -> Result<Vec<Unit>, Box<dyn Error>> {
    type Row = (String, u32, u32, String, u8);
    let mut units = Vec::new();
    for row in csv::Reader::from_reader(bytes).deserialize() {
        let (postcode, easting, northing, district, live): Row = row?;
        units.push(Unit {
            postcode: postcode.parse()?,
            point: GridPoint { easting, northing },
            district: district.parse()?,
            in_use: live == 1,
        });
    }
    Ok(units)
}

fn read_sectors(path: &str) -> Result<Vec<SectorPoint>, Box<dyn Error>> {
    type Row = (String, u32, u32, String, f64, u32, u32, u8);
    let mut sectors = Vec::new();
    for row in csv::Reader::from_path(path)?.deserialize() {
        let (sector, easting, northing, district, ..): Row = row?;
        sectors.push(SectorPoint {
            within: format!("{sector}AA").parse::<Postcode>()?,
            point: GridPoint { easting, northing },
            district: district.parse()?,
        });
    }
    Ok(sectors)
}
