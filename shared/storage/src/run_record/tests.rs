use super::{offers::usual_order, offers::usual_score, *};
use oss_domain::{Approval, AuthorityCode, Level, Need, TenthsOfMile, Warning};
use oss_geography::{Gazetteer, GridPoint, Precision, miles_between};
use oss_matching::{ApprovalSet, Band, Distances, Gap, Policy, Query, Supply, Values, WarningSet};
use proptest::{collection::vec, option, prelude::*, sample::select};
use std::collections::BTreeSet;

/// What came out for a setting, at random and with no regard to any rule.
#[derive(Clone, Debug)]
struct Drawn {
    provider: u8,
    kind: Kind,
    sourcing: Sourcing,
    cost: u32,
    reasons: Option<(u64, u8)>,
    band: Band,
    score: u32,
    near: bool,
    precision: Precision,
    located_in: u32,
    distances: (u16, u16, Option<u16>),
    approvals: u16,
    warnings: u16,
    short: [u8; 3],
    values: [u32; 8],
    shuffle: u32,
}

const NEEDED: [(Need, u8); 3] = [
    (Need::Emotional, 4),
    (Need::Risk, 2),
    (Need::Independence, 3),
];

prop_compose! {
    fn drawn()(
        (provider, cost, score, located_in, shuffle) in
            (0..5_u8, any::<u32>(), any::<u32>(), 0..100_000_000_u32, any::<u32>()),
        kind in select(Kind::ALL),
        sourcing in select(Sourcing::ALL),
        reasons in option::of((1..(1_u64 << 45), 0..8_u8)),
        band in select(vec![Band::A, Band::B, Band::C]),
        near in any::<bool>(),
        unit in any::<bool>(),
        distances in (any::<u16>(), any::<u16>(), option::of(any::<u16>())),
        approvals in 0..(1_u16 << Approval::ALL.len()),
        warnings in 0..(1_u16 << Warning::ALL.len()),
        short in (0..=4_u8, 0..=2_u8, 0..=3_u8),
        values in [any::<u32>().boxed(), (0..3_u32).boxed(), any::<u32>().boxed(), (0..2_u32).boxed(),
            any::<u32>().boxed(), any::<u32>().boxed(), any::<u32>().boxed(), (0..9_u32).boxed()],
    ) -> Drawn {
        let precision = if unit { Precision::Unit } else { Precision::Sector };
        let short = [short.0, short.1, short.2];
        Drawn { provider, kind, sourcing, cost, reasons, band, score, near, precision, located_in,
            distances, approvals, warnings, short, values, shuffle }
    }
}

fn by_criterion(values: [u32; 8]) -> Values {
    let [
        fit,
        home,
        derby,
        in_area,
        education,
        identity,
        quality,
        cost,
    ] = values;
    Values {
        fit,
        home,
        derby,
        in_area,
        education,
        identity,
        quality,
        cost,
    }
}

fn refs(settings: &[Supplied]) -> Vec<&Supplied> {
    settings.iter().collect()
}

fn supplied(idx: usize, it: &Drawn) -> Supplied {
    Supplied {
        setting_id: format!("S{idx:05}").parse().unwrap(),
        provider_id: format!("P{}", it.provider).parse().unwrap(),
        kind: it.kind,
        sourcing: it.sourcing,
        weekly_cost: Pence::new(it.cost),
    }
}

fn offer(setting: &Supplied, it: &Drawn) -> Offer {
    let gap = |((need, level), short): ((Need, u8), u8)| Gap {
        need,
        level: Level::new(level).unwrap(),
        has: Level::new(level - short).unwrap(),
    };
    let short = NEEDED
        .into_iter()
        .zip(it.short)
        .filter(|(_, short)| *short > 0);
    Offer {
        setting_id: setting.setting_id.clone(),
        provider_id: setting.provider_id.clone(),
        kind: setting.kind,
        sourcing: setting.sourcing,
        band: it.band,
        score: it.score,
        near: it.near,
        located_in: authority(it),
        precision: it.precision,
        distances: distances(it),
        weekly_cost: setting.weekly_cost,
        approvals: ApprovalSet::from_bits(it.approvals).unwrap(),
        warnings: WarningSet::from_bits(it.warnings).unwrap(),
        gaps: short.map(gap).collect(),
        values: by_criterion(it.values),
    }
}

fn evaluation(settings: &[Supplied], drawn: &[Drawn]) -> Evaluation {
    let mut ranked = Vec::new();
    let mut excluded = Vec::new();
    for (setting, it) in settings.iter().zip(drawn) {
        match it.reasons {
            None => ranked.push((it.shuffle, offer(setting, it))),
            Some((reasons, acts)) => excluded.push(ExcludedSetting {
                setting_id: setting.setting_id.clone(),
                reasons: ReasonSet::from_bits(reasons).unwrap(),
                requires: ActSet::from_bits(acts.into()).unwrap(),
            }),
        }
    }
    ranked.sort_by_key(|(shuffle, _)| *shuffle);
    let near_misses = excluded.iter().step_by(3).map(|it| NearMiss {
        setting_id: it.setting_id.clone(),
        reason: it.reasons.iter().next().unwrap(),
    });
    Evaluation {
        evaluated: u32::try_from(settings.len()).unwrap(),
        ranked: ranked.into_iter().map(|(_, offer)| offer).collect(),
        near_misses: near_misses.collect(),
        exclusion_counts: count(&excluded),
        excluded,
    }
}

/// The same laid out as a record has it.
fn sheet<'a>(settings: &'a [Supplied], drawn: &[Drawn]) -> Sheet<'a> {
    let drawn = || settings.iter().zip(drawn);
    let ranked: Vec<_> = drawn().filter(|(_, it)| it.reasons.is_none()).collect();
    let excluded = drawn().zip(0..).filter(|((_, it), _)| it.reasons.is_some());
    let row = |(setting, it): &(&Supplied, &Drawn)| Row {
        kind: it.kind,
        sourcing: it.sourcing,
        weekly_cost: setting.weekly_cost,
        distances: distances(it),
        precision: it.precision,
        located_in: offers::authority_bits(authority(it)),
        approvals: ApprovalSet::from_bits(it.approvals).unwrap(),
        warnings: WarningSet::from_bits(it.warnings).unwrap(),
        shortfall: packed(
            NEEDED
                .into_iter()
                .zip(it.short)
                .map(|((need, _), short)| (need, short)),
        ),
        values: by_criterion(it.values),
        band: it.band,
        near: it.near,
        score: it.score,
    };
    let mut order: Vec<u32> = (0..).take(ranked.len()).collect();
    order.sort_by_key(|place| ranked[*place as usize].1.shuffle);
    Sheet {
        settings: drawn()
            .map(|(setting, it)| {
                let (reasons, acts) = it.reasons.unwrap_or_default();
                let reasons = ReasonSet::from_bits(reasons).unwrap();
                let acts = ActSet::from_bits(acts.into()).unwrap();
                (&setting.setting_id, reasons, acts)
            })
            .collect(),
        near_misses: excluded.map(|(_, place)| place).step_by(3).collect(),
        needed: packed(NEEDED),
        providers: ranked
            .iter()
            .map(|(setting, _)| &setting.provider_id)
            .collect(),
        rows: ranked.iter().map(row).collect(),
        order: order.into(),
    }
}

fn packed(levels: impl IntoIterator<Item = (Need, u8)>) -> PackedLevels {
    let none = PackedLevels::default();
    levels.into_iter().fold(none, |packed, (need, level)| {
        packed.with(need, Level::new(level).unwrap())
    })
}

fn authority(it: &Drawn) -> AuthorityCode {
    format!("E{:08}", it.located_in).parse().unwrap()
}

fn distances(it: &Drawn) -> Distances {
    Distances {
        home: TenthsOfMile::new(it.distances.0),
        derby: TenthsOfMile::new(it.distances.1),
        school: it.distances.2.map(TenthsOfMile::new),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_record_gives_back_exactly_what_came_out(drawn in vec(drawn(), 0..60)) {
        let settings: Vec<_> = drawn.iter().enumerate().map(|(i, it)| supplied(i, it)).collect();
        let record = sheet(&settings, &drawn).encode(Kind::ALL).unwrap();
        prop_assert_eq!(decode(&record, &refs(&settings)).unwrap(), evaluation(&settings, &drawn));
    }

    #[test]
    fn a_record_is_the_same_whatever_was_packed_before(
        drawn in vec(drawn(), 0..600),
        others in vec(drawn(), 0..600),
    ) {
        let record = |drawn: &[Drawn]| {
            let settings: Vec<_> = drawn.iter().enumerate().map(|(i, it)| supplied(i, it)).collect();
            sheet(&settings, drawn).encode(Kind::ALL).unwrap()
        };
        // A thread has a compressor of its own, new here.
        let alone = std::thread::scope(|scope| scope.spawn(|| record(&drawn)).join().unwrap());
        record(&others);
        prop_assert_eq!(record(&drawn), alone);
    }

    #[test]
    fn a_record_is_not_read_with_another_supply(drawn in vec(drawn(), 2..20)) {
        let settings: Vec<_> = drawn.iter().enumerate().map(|(i, it)| supplied(i, it)).collect();
        let record = sheet(&settings, &drawn).encode(Kind::ALL).unwrap();
        prop_assert!(decode(&record, &refs(&settings[1..])).is_err());
        let mut other = settings.clone();
        other[0].setting_id = "A".parse().unwrap();
        prop_assert!(decode(&record, &refs(&other)).is_err());
    }

    #[test]
    fn a_damaged_record_is_an_error_and_no_panic(
        drawn in vec(drawn(), 1..8),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let settings: Vec<_> = drawn.iter().enumerate().map(|(i, it)| supplied(i, it)).collect();
        let mut record = sheet(&settings, &drawn).encode(Kind::ALL).unwrap();
        let at = at.index(record.len());
        record[at] ^= 1 << bit;
        let _ = decode(&record, &refs(&settings));
        let _ = decode(&record[..at], &refs(&settings));
    }
}

/// The usual policy's value of a distance.
fn linear(x: u32, full: u32, zero: u32) -> u32 {
    match x {
        _ if x <= full => 1_000_000,
        _ if x >= zero => 0,
        _ => u32::try_from(u64::from(zero - x) * 1_000_000 / u64::from(zero - full)).unwrap(),
    }
}

/// A register as large as they get, spread over England at random, all of it fit to offer to a
/// child of Derby.
fn large_register(n: usize) -> (Vec<Supplied>, Vec<Drawn>) {
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((state >> 33) % below).unwrap()
    };
    let mut drawn = Vec::new();
    for _ in 0..n {
        let at = GridPoint {
            easting: 150_000 + draw(500_000),
            northing: 50_000 + draw(600_000),
        };
        let miles = |easting, northing| miles_between(at, GridPoint { easting, northing }).get();
        let (home, centre, school) = (
            miles(432_400, 333_100),
            miles(435_300, 336_200),
            miles(434_800, 331_000),
        );
        let cell = at.easting / 40_000 * 100 + at.northing / 40_000;
        let in_area = u32::from(centre <= 60);
        let short = [
            u8::try_from(draw(4)).unwrap(),
            u8::try_from(draw(3)).unwrap(),
            0,
        ];
        let cost = 40_000 + 100 * draw(6_000);
        let fit = (9 - u32::from(short[0]) - u32::from(short[1])) * 1_000_000 / 9;
        let values = [
            fit,
            linear(home.into(), 20, 400),
            if in_area == 1 {
                1_000_000
            } else {
                linear(centre.into(), 50, 400)
            },
            in_area * 1_000_000,
            linear(school.into(), 50, 200),
            draw(3) * 500_000,
            200_000 * draw(5),
            linear(cost, 100_000, 200_000),
        ];
        let (kind, sourcing) = (Kind::ALL[draw(6) as usize], Sourcing::ALL[draw(5) as usize]);
        let out_of_area: u16 = if in_area == 1 { 0 } else { 0b110 };
        drawn.push(Drawn {
            provider: u8::try_from(draw(200)).unwrap(),
            kind,
            sourcing,
            cost,
            reasons: None,
            band: if fit >= 850_000 {
                Band::A
            } else if fit >= 700_000 {
                Band::B
            } else {
                Band::C
            },
            score: u32::try_from(usual_score(&by_criterion(values))).unwrap(),
            near: in_area == 1 || home <= 200,
            precision: if draw(50) == 0 {
                Precision::Sector
            } else {
                Precision::Unit
            },
            located_in: cell,
            distances: (home, centre, Some(school)),
            approvals: out_of_area
                | u16::from(kind == Kind::FosteringHousehold && sourcing >= Sourcing::Framework)
                    << 3
                | u16::from(sourcing == Sourcing::Spot) << 8,
            warnings: u16::from(home > 200)
                | u16::from(draw(4) == 0) << 2
                | u16::from(draw(4) == 0) << 5,
            short,
            values,
            shuffle: 0,
        });
    }
    let settings: Vec<_> = drawn
        .iter()
        .enumerate()
        .map(|(i, it)| supplied(i, it))
        .collect();
    (settings, drawn)
}

#[test]
fn a_run_over_5000_settings_that_are_all_ranked_takes_at_most_32_kib() {
    let (settings, mut drawn) = large_register(5_000);
    let order = usual_order(&sheet(&settings, &drawn).rows, Kind::ALL);
    for (place, rank) in order.into_iter().zip(0..) {
        drawn[place as usize].shuffle = rank;
    }
    let record = sheet(&settings, &drawn).encode(Kind::ALL).unwrap();
    assert_eq!(
        decode(&record, &refs(&settings)).unwrap(),
        evaluation(&settings, &drawn)
    );
    assert!(record.len() <= 32 * 1024, "{} bytes", record.len());
    println!("{} bytes for 5,000 settings", record.len());
}

#[test]
fn what_ranking_leaves_is_what_a_record_gives_back() {
    let (policy, gazetteer) = (Policy::embedded(), Gazetteer::embedded());
    let settings = oss_sample::scaled(1, 300).into_iter().map(|setting| {
        let location = gazetteer.locate(&setting.postcode).unwrap();
        (setting, location)
    });
    let supply = Supply::load(oss_sample::authority(), settings).unwrap();
    let now = "2026-11-25T12:00:00Z".parse().unwrap();
    let mut n_near_misses = 0;
    for referral in oss_sample::stream(1).take(50) {
        let query = Query::compile(&referral, &gazetteer, &policy).unwrap();
        let outcome = oss_matching::rank(&query, &supply, &policy, now);
        let evaluated: BTreeSet<_> = outcome.settings().map(|(id, ..)| id).collect();
        let shown: Vec<_> = supply
            .into_iter()
            .map(oss_matching::Entry::setting)
            .filter(|setting| evaluated.contains(&setting.setting_id))
            .map(|setting| Supplied {
                setting_id: setting.setting_id.clone(),
                provider_id: setting.provider.provider_id.clone(),
                kind: setting.kind,
                sourcing: setting.sourcing,
                weekly_cost: setting.weekly_cost,
            })
            .collect();
        let record = encode(&outcome, &referral.placement_types).unwrap();
        let evaluation = outcome.expand();
        assert_eq!(decode(&record, &refs(&shown)).unwrap(), evaluation);
        n_near_misses += evaluation.near_misses.len();
    }
    assert!(n_near_misses > 0, "no referral has a near miss");
}
