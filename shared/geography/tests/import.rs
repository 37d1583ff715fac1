//! Newer editions of the postcodes: read, or refused whole.

use std::{error::Error, fmt::Write};

use oss_geography::{
    Edition, Gazetteer, Precision,
    import::{Column, Expectations, Import, Kind, Refusal, read},
    pack::{BuildError, Source},
};
use proptest::prelude::*;

const ONSPD: &str = "\
pcd,pcd2,pcds,dointr,doterm,oscty,oslaua,oseast1m,osnrth1m,osgrdind
DE1 2FS,DE1  2FS,DE1 2FS,198001,,E99999999,E06000015,435461,0336327,1
DE1 2FT,DE1  2FT,DE1 2FT,198001,,E99999999,E06000015,435471,0336337,1
DE1 2XX,DE1  2XX,DE1 2XX,198001,199606,E99999999,E06000015,435400,0336300,8
NG101HU,NG10 1HU,NG10 1HU,198001,,E10000007,E07000036,449051,0333914,1
DE723AA,DE72 3AA,DE72 3AA,198001,,E10000007,E07000036,443659,0334131,1
DE723AB,DE72 3AB,DE72 3AB,198001,,E99999999,E06000015,443660,0334132,1
BT1 5GS,BT1  5GS,BT1 5GS,198001,,N99999999,N09000003,333800,0374100,1
IM1 1AA,IM1  1AA,IM1 1AA,198001,,M99999999,M99999999,,,9
DE999ZZ,DE99 9ZZ,DE99 9ZZ,198001,,E99999999,E06000015,,,9
";

const CODE_POINT: &str = "\
\"DE12FS\",10,435461,336327,\"E92000001\",\"E19000\",\"E18000\",\"\",\"E06000015\",\"E05000\"
\"NG101HU\",10,449051,333914,\"E92000001\",\"E19000\",\"E18000\",\"E10000007\",\"E07000036\",\"E05000\"
\"DE1 9ZZ\",90,0,0,\"E92000001\",\"\",\"\",\"\",\"\",\"\"
";

fn expecting(postcodes_min: u32) -> Expectations {
    Expectations {
        postcodes_min,
        current: None,
        fall_percent_max: 5,
        authorities: Vec::new(),
    }
}

fn import(text: &str, expectations: &Expectations) -> Result<Import, Refusal> {
    let date = chrono::NaiveDate::default();
    read(text.as_bytes(), None, "Test edition", date, expectations)
}

fn refused(text: &str, expectations: &Expectations) -> Option<Refusal> {
    import(text, expectations).err()
}

fn edition_of(postcodes: u32, in_use: u32) -> Edition {
    Edition {
        source: Source {
            name: "Before".to_owned(),
            date: chrono::NaiveDate::default(),
            sha256: String::new(),
        },
        postcodes,
        in_use,
        sectors: 1,
    }
}

#[test]
fn an_onspd_becomes_a_gazetteer() -> Result<(), Box<dyn Error>> {
    let import = import(ONSPD, &expecting(6))?;
    assert_eq!(import.kind, Kind::Onspd);
    let counts = import.counts;
    assert_eq!((counts.rows, counts.kept, counts.ended), (9, 6, 1));
    assert_eq!((counts.elsewhere, counts.without_point), (2, 1));
    assert_eq!(import.edition.postcodes, 6);
    assert_eq!((import.edition.in_use, import.edition.sectors), (5, 3));
    assert_eq!(import.edition.source.name, "Test edition");
    assert_eq!(import.edition.source.sha256.len(), 64);

    let gazetteer = Gazetteer::from_pack(import.pack)?;
    assert_eq!(gazetteer.edition(), &import.edition);
    let locate = |text: &str| text.parse().ok().and_then(|code| gazetteer.locate(&code));
    let known = locate("NG10 1HU").unwrap();
    assert_eq!(
        (known.point.easting, known.point.northing),
        (449_051, 333_914)
    );
    assert_eq!(known.authority.as_str(), "E10000007");
    assert_eq!(known.precision, Precision::Unit);
    assert!(locate("DE1 2XX").is_some(), "ended postcodes are kept");
    assert_eq!(locate("BT1 5GS"), None);
    assert_eq!(locate("DE99 9ZZ"), None, "without a point");

    // The mean of the two in use; the ended one does not count.
    let sector = locate("DE1 2ZZ").unwrap();
    assert_eq!(
        (sector.point.easting, sector.point.northing),
        (435_466, 336_332)
    );
    assert_eq!(sector.precision, Precision::Sector);
    assert!(sector.authority_certain);
    assert!(
        !locate("DE72 3ZZ").unwrap().authority_certain,
        "two authorities"
    );
    Ok(())
}

#[test]
fn code_point_open_needs_no_header_and_may_be_many_files() -> Result<(), Box<dyn Error>> {
    let more = CODE_POINT.replace("DE12FS", "DE12FT");
    let import = import(&format!("{CODE_POINT}{more}"), &expecting(3))?;
    assert_eq!(import.kind, Kind::CodePointOpen);
    assert_eq!(
        import.counts.kept, 3,
        "a postcode given twice alike counts once"
    );
    assert_eq!(import.counts.without_point, 2);
    let gazetteer = Gazetteer::from_pack(import.pack)?;
    let location = gazetteer.locate(&"NG10 1HU".parse()?).unwrap();
    assert_eq!(location.authority.as_str(), "E10000007");
    Ok(())
}

#[test]
fn the_names_of_other_years_are_known() {
    for (from, to) in [
        ("pcd,pcd2,pcds", "pcd7,pcd8,pcds"),
        ("pcd,pcd2,pcds", "pcd7,pcd8,other"),
        ("oslaua", "lad25cd"),
        ("oslaua", "laua"),
        ("oseast1m,osnrth1m", "east1m,north1m"),
        ("osgrdind", "gridind"),
        ("pcd,pcd2", "\u{feff}PCD,PCD2"),
    ] {
        let text = ONSPD.replace(from, to);
        assert!(import(&text, &expecting(6)).is_ok(), "{to}");
    }
}

#[test]
fn a_missing_or_doubled_column_refuses_the_file() {
    for (name, column) in [
        ("oslaua", Column::Authority),
        ("oseast1m", Column::Easting),
        ("osnrth1m", Column::Northing),
        ("osgrdind", Column::Quality),
        ("doterm", Column::Ended),
    ] {
        let missing = refused(&ONSPD.replace(name, "other"), &expecting(1));
        assert!(
            matches!(missing, Some(Refusal::MissingColumn(c)) if c == column),
            "{name}"
        );
        assert!(missing.unwrap().to_string().contains(name));
        let doubled = refused(&ONSPD.replace("dointr", name), &expecting(1));
        assert!(
            matches!(doubled, Some(Refusal::DoubledColumn(c)) if c == column),
            "{name}"
        );
    }
    let doubled = refused(&ONSPD.replace("oscty", "lad24cd"), &expecting(1));
    assert!(matches!(
        doubled,
        Some(Refusal::DoubledColumn(Column::Authority))
    ));
    let doubled = refused(&ONSPD.replace("dointr", "pcds"), &expecting(1));
    assert!(matches!(
        doubled,
        Some(Refusal::DoubledColumn(Column::Postcode))
    ));
    let missing = refused(&ONSPD.replace("pcd", "code"), &expecting(1));
    assert!(matches!(
        missing,
        Some(Refusal::MissingColumn(Column::Postcode))
    ));
}

#[test]
fn columns_that_have_moved_are_noticed() {
    let swapped = ONSPD
        .replace("oseast1m,osnrth1m", "osnrth1m,oslaua2")
        .replace("oslaua,", "oseast1m,")
        .replace("oslaua2", "oslaua");
    assert!(matches!(
        refused(&swapped, &expecting(1)),
        Some(Refusal::BadValue { line: 2, .. })
    ));
    let short = ONSPD.replace(",435461,0336327,1", ",435461");
    assert!(matches!(
        refused(&short, &expecting(1)),
        Some(Refusal::Unreadable(_))
    ));
    for text in ["", "name,age\nA,1\n", "\0\0\0"] {
        assert!(
            matches!(refused(text, &expecting(0)), Some(Refusal::NotRecognised)),
            "{text:?}"
        );
    }
}

#[test]
fn a_file_that_is_cut_short_is_refused() {
    assert!(matches!(
        refused(ONSPD, &expecting(7)),
        Some(Refusal::TooFew { found: 6, least: 7 })
    ));
    let national = Expectations::national(edition_of(6, 5), Vec::new());
    assert!(matches!(
        refused(ONSPD, &national),
        Some(Refusal::TooFew {
            least: 1_500_000,
            ..
        })
    ));
}

#[test]
fn a_fall_of_more_than_a_twentieth_is_refused() {
    let against = |current| Expectations {
        current: Some(current),
        ..expecting(1)
    };
    let mut text = ONSPD.to_owned();
    for number in 0..13 {
        let unit = char::from(b'A' + number);
        let _ = writeln!(text, "x,x,DE1 1A{unit},198001,,x,E06000015,435461,336327,1");
    }
    // 19 of 20 is a fall of exactly 5 %.
    assert!(import(&text, &against(edition_of(20, 20))).is_ok());
    assert!(matches!(
        refused(&text, &against(edition_of(21, 1))),
        Some(Refusal::Fell {
            found: 19,
            before: 21,
            ..
        })
    ));
    // Code-Point Open has no ended postcodes: what is in use is compared.
    assert!(import(CODE_POINT, &against(edition_of(9, 2))).is_ok());
    assert!(matches!(
        refused(CODE_POINT, &against(edition_of(9, 3))),
        Some(Refusal::Fell { before: 3, .. })
    ));
}

#[test]
fn an_authority_in_use_must_have_postcodes() {
    let serving = |code: &str| Expectations {
        authorities: code.parse().into_iter().collect(),
        ..expecting(1)
    };
    assert!(
        import(ONSPD, &serving("E10000007")).is_ok(),
        "through its district"
    );
    let refusal = refused(ONSPD, &serving("E06000018"));
    assert!(matches!(refusal, Some(Refusal::NoRowsFor(_))));
    assert!(refusal.unwrap().to_string().contains("E06000018"));
}

#[test]
fn contradictions_and_unknown_counties_are_refused() {
    let twice = format!("{ONSPD}x,x,DE1 2FS,198001,,x,E06000015,435462,336327,1\n");
    assert!(matches!(
        refused(&twice, &expecting(1)),
        Some(Refusal::Unpackable(BuildError::Contradiction(_)))
    ));
    let county = ONSPD.replace("E07000036", "E07999999");
    assert!(matches!(
        refused(&county, &expecting(1)),
        Some(Refusal::Unpackable(BuildError::UnknownCounty(_)))
    ));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}", cut in 0..ONSPD.len()) {
        let _ = import(&text, &expecting(0));
        let _ = import(&format!("{}{text}", &ONSPD[..cut]), &expecting(0));
    }

    #[test]
    fn a_pack_that_was_changed_is_opened_or_refused(at in 0.0..1.0_f64, byte: u8) {
        let mut pack = import(ONSPD, &expecting(6)).unwrap().pack;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a small pack")]
        let at = (at * pack.len() as f64) as usize;
        pack[at] = byte;
        if let Ok(gazetteer) = Gazetteer::from_pack(pack) {
            for postcode in ["DE1 2FS", "DE1 2ZZ", "NG10 1HU", "DE72 3AB"] {
                let _ = gazetteer.locate(&postcode.parse().unwrap());
            }
        }
    }
}
