//! Figures, each against a case that was worked out by hand.

use crate::{
    council::{Council, parse},
    life::place,
};
use chrono::{DateTime, Utc};
use oss_simulation::derby;
use oss_storage::reports::{Figures, Share, Spread};

fn share(part: u64, whole: u64) -> Share {
    Share { part, whole }
}

fn at(text: &str) -> DateTime<Utc> {
    parse(text)
}

/// A referral whose placement was decided for a child: a row of the case.
struct Placed {
    /// Its ids are made of this.
    n: i64,
    child: &'static str,
    urgency: &'static str,
    decided: &'static str,
    state: &'static str,
    starts: &'static str,
    /// SQL of siblings together, school near, key stage 4, identity met.
    kept: &'static str,
}

/// Writes it as the owner, beside the run and setting of a referral that the steps have placed.
async fn write(council: &Council, placed: &[Placed]) {
    let statements = placed.iter().map(|placed| {
        let Placed {
            n,
            child,
            urgency,
            decided,
            state,
            starts,
            kept,
        } = placed;
        let key = 1_000 + n;
        let id = format!("00000000-0000-0000-0000-{key:012}");
        let ended = if *state == "ended" {
            format!("'{starts}', 'CARPL', true")
        } else {
            "NULL, NULL, NULL".to_owned()
        };
        let old = "FROM referral JOIN placement ON referral_key = key WHERE referral_id = 'R01'";
        format!(
            "INSERT INTO referral (authority, referral_id, key, revision, content, state, urgency,
               received_at, audit_seq, audit_hash)
             SELECT referral.authority, 'P{n}', {key}, 1, content, 'placed', '{urgency}',
               '{decided}'::timestamptz - interval '2 hours', 0, audit_hash {old};
             INSERT INTO referral_revision (authority, key, revision, content, document, received_at)
             SELECT referral.authority, {key}, 1, content, jsonb_build_object('children',
               jsonb_build_array(jsonb_build_object('child_id', '{child}', 'date_of_birth',
               '2014-01-01'))), now() {old};
             INSERT INTO offer SELECT '{id}', offer.authority, {key}, offer.setting_key,
               offer.provider_id, offer.kind, offer.sourcing, 'selected', reference, offer.run_id,
               NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, now()
             FROM offer JOIN referral ON key = referral_key WHERE referral_id = 'R01';
             INSERT INTO placement SELECT '{id}', placement.authority, {key}, '{id}', setting_key,
               provider_id, hold_id, '{state}', 'com', '{decided}', placement.run_id, 1, '{starts}',
               'U6', NULL, 'IN', 100, NULL, false, {ended}, words, kind, sourcing, wave, '{urgency}',
               '{decided}'::timestamptz - interval '2 hours', {kept} {old};
             INSERT INTO placed_child VALUES ('{id}', '{child}', '{}');",
            derby()
        )
    });
    council.tamper(&statements.collect::<String>()).await;
}

async fn figures(council: &Council, since: &str, until: &str) -> Figures {
    let figures = council.store.figures(derby(), at(since), at(until)).await;
    figures.unwrap()
}

#[tokio::test]
async fn a_decision_writes_down_what_it_keeps_and_for_whom() {
    let council = Council::new().await;
    place(&council).await;
    let found = figures(&council, "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z").await;
    assert_eq!((found.decided, found.inside), (1, 0));
    assert_eq!(
        (found.referrals_asked, found.asked, found.said_yes),
        (1, 1, 1)
    );
    let at_once = Spread {
        median: Some(0),
        p90: Some(0),
    };
    assert_eq!(found.to_decision, at_once);
    assert_eq!(found.to_first_yes, at_once);
    assert_eq!(found.siblings_together, share(0, 0), "an only child");
    let now = council
        .store
        .figures_now(derby(), at("2026-12-05T09:00:00Z"));
    assert_eq!(now.await.unwrap().three_placements, share(0, 1));
    let other = council.database.store_for(&["E06000018".parse().unwrap()]);
    assert_eq!(
        other
            .figures(
                derby(),
                at("2026-11-23T00:00:00Z"),
                at("2026-11-24T00:00:00Z")
            )
            .await
            .unwrap(),
        Figures::default(),
        "no other council's"
    );
}

#[tokio::test]
async fn siblings_school_identity_and_repeated_emergencies_are_counted_as_by_hand() {
    let council = Council::new().await;
    place(&council).await;
    let placed = |n, child, urgency, decided, state, kept| Placed {
        n,
        child,
        urgency,
        decided,
        state,
        starts: "2026-06-10",
        kept,
    };
    write(
        &council,
        &[
            // Siblings apart, school near in key stage 4, no wish.
            placed(
                1,
                "C2",
                "planned",
                "2026-06-01T12:00:00Z",
                "ended",
                "false, true, true, NULL",
            ),
            // Siblings together, school far, wishes met.
            placed(
                2,
                "C3",
                "emergency",
                "2026-06-02T12:00:00Z",
                "ended",
                "true, false, false, true",
            ),
            // The same child in an emergency again: no siblings, no school, wishes not met.
            placed(
                3,
                "C3",
                "emergency",
                "2026-06-05T12:00:00Z",
                "started",
                "NULL, NULL, false, false",
            ),
            // Called off: nothing of it counts, before or after.
            placed(
                4,
                "C4",
                "emergency",
                "2026-06-06T12:00:00Z",
                "cancelled",
                "true, true, true, true",
            ),
            placed(
                5,
                "C4",
                "emergency",
                "2026-06-07T12:00:00Z",
                "ended",
                "NULL, true, false, NULL",
            ),
            // An emergency more than a year before the next is no repetition.
            placed(
                6,
                "C5",
                "emergency",
                "2025-06-05T12:00:00Z",
                "ended",
                "NULL, NULL, false, NULL",
            ),
            placed(
                7,
                "C5",
                "emergency",
                "2026-06-08T12:00:00Z",
                "ended",
                "NULL, NULL, true, NULL",
            ),
        ],
    )
    .await;
    let found = figures(&council, "2026-06-01T00:00:00Z", "2026-06-30T00:00:00Z").await;
    assert_eq!(found.decided, 5);
    assert_eq!(found.siblings_together, share(1, 2));
    assert_eq!(found.school_near, share(2, 3));
    assert_eq!(found.school_near_key_stage_4, share(1, 1));
    assert_eq!(found.identity_met, share(1, 2));
    assert_eq!(found.repeat_emergencies, share(1, 4));
    assert_eq!(found.within_20_miles, share(5, 5));
    let two_hours = Spread {
        median: Some(2),
        p90: Some(2),
    };
    assert_eq!(found.to_decision, two_hours);
}

#[tokio::test]
async fn moves_in_a_year_and_years_in_one_place_are_counted_as_by_hand() {
    let council = Council::new().await;
    let placed = |n, child, state, starts| Placed {
        n,
        child,
        urgency: "planned",
        decided: "2020-01-01T12:00:00Z",
        state,
        starts,
        kept: "NULL, NULL, false, NULL",
    };
    place(&council).await;
    write(
        &council,
        &[
            // Three homes within the year.
            placed(1, "C2", "ended", "2026-01-10"),
            placed(2, "C2", "ended", "2026-03-10"),
            placed(3, "C2", "started", "2026-05-10"),
            // In a fourth, before the third was said to have ended: one child all the same.
            placed(13, "C2", "started", "2026-05-20"),
            // Three homes, one of them longer ago; and one that was called off.
            placed(4, "C3", "ended", "2025-05-10"),
            placed(5, "C3", "ended", "2026-03-10"),
            placed(6, "C3", "cancelled", "2026-04-10"),
            placed(7, "C3", "started", "2026-05-10"),
            // Long looked after, two years in one place.
            placed(8, "C4", "ended", "2023-01-10"),
            placed(9, "C4", "started", "2024-05-10"),
            placed(14, "C4", "started", "2024-05-20"),
            // Long looked after, moved a year ago.
            placed(10, "C5", "ended", "2023-01-10"),
            placed(11, "C5", "started", "2025-07-10"),
            // Two years in one place, but not looked after for longer.
            placed(12, "C6", "started", "2024-05-10"),
        ],
    )
    .await;
    // As if nobody else lived anywhere.
    council
        .tamper("UPDATE placement SET state = 'agreed' WHERE decided_at > '2026-01-01'")
        .await;
    let now = council
        .store
        .figures_now(derby(), at("2026-06-01T09:00:00Z"));
    let now = now.await.unwrap();
    assert_eq!(now.three_placements, share(1, 5));
    assert_eq!(now.stable, share(1, 2));
    // Born in 2014, they are 16 in 2030.
    let later = council
        .store
        .figures_now(derby(), at("2030-01-02T09:00:00Z"));
    assert_eq!(later.await.unwrap().stable, share(0, 0));
}

#[tokio::test]
async fn a_host_authority_is_told_in_time_late_or_not_at_all() {
    let council = Council::new().await;
    place(&council).await;
    let placed = |n| Placed {
        n,
        child: "C2",
        urgency: "planned",
        decided: "2026-05-01T12:00:00Z",
        state: "cancelled",
        starts: "2026-06-10",
        kept: "NULL, NULL, false, NULL",
    };
    write(&council, &[1, 2, 3, 4, 5, 6].map(placed)).await;
    let notices = [
        (1, "2026-06-10", Some((true, "2026-06-09")), false),
        (2, "2026-06-10", Some((true, "2026-06-11")), false),
        (3, "2026-06-10", Some((false, "2026-06-09")), false),
        (4, "2026-06-10", None, false),
        // Not needed any more, or due at another time.
        (5, "2026-06-10", None, true),
        (6, "2026-07-10", Some((true, "2026-06-09")), false),
    ];
    let statements = notices.map(|(n, due, recorded, cancelled)| {
        let record = recorded.map_or("NULL, NULL, NULL".to_owned(), |(granted, on)| {
            format!("{granted}, 'boss', '{on}'")
        });
        let words = recorded.map_or("NULL", |_| "''");
        let id = format!("00000000-0000-0000-0000-{:012}", 1_000 + n);
        format!(
            "INSERT INTO approval VALUES ('{id}', '{}', {}, '{id}', 'A03', 'x', '2026-06-01', '{due}',
               true, {record}, '{{}}', {words}, {cancelled});",
            derby(),
            1_000 + n,
        )
    });
    council.tamper(&statements.concat()).await;
    let found = figures(&council, "2026-06-01T00:00:00Z", "2026-06-30T00:00:00Z").await;
    assert_eq!(found.host_notices, share(1, 4));
}
