//! The doctor: each breach of an invariant that is planted, it finds and names.

use crate::{
    council::{Council, act_at, morning, want_deadline, want_offer},
    life::place,
};
use chrono::TimeDelta;
use oss_domain::setting::Sourcing;
use oss_simulation::{home_at, household, world};
use oss_workflow::{call_off, deadline, deadline::Due, hold};

/// What is planted: in words, its statements, those that undo it, the invariant that it breaks, and
/// what names the row.
const PLANTED: [(&str, &str, &str, &str, &str); 24] = [
        (
            "a placement nobody decided",
            "UPDATE placement SET decided_by = 'robot'",
            "UPDATE placement SET decided_by = 'com'",
            "I13",
            "placement ",
        ),
        (
            "an approach nobody made",
            "UPDATE offer SET approached_by = 'robot'",
            "UPDATE offer SET approached_by = 'com'",
            "I13",
            "approach ",
        ),
        (
            "one pair of eyes",
            "UPDATE approval SET recorded_by = 'com'",
            "UPDATE approval SET recorded_by = 'boss'",
            "I13",
            "approval ",
        ),
        (
            "a referral that is open again",
            "UPDATE referral SET state = 'ranked'",
            "UPDATE referral SET state = 'placed'",
            "I10",
            "referral E06000015/R01 is ranked",
        ),
        (
            "an offer that is open again",
            "UPDATE offer SET state = 'accepted'",
            "UPDATE offer SET state = 'selected'",
            "I10",
            "offer ",
        ),
        (
            "a start without permission",
            "UPDATE approval SET granted = false",
            "UPDATE approval SET granted = true",
            "I10",
            "placement ",
        ),
        (
            "a child without its mark",
            "CREATE TABLE kept AS TABLE child_taken; DELETE FROM child_taken",
            "INSERT INTO child_taken TABLE kept; DROP TABLE kept",
            "I4",
            "child C01",
        ),
        (
            "a place had twice in the past",
            "INSERT INTO occupancy SELECT gen_random_uuid(), authority, referral_key, setting_key,
               offer_id, claim, placement_id, places, '[]', since, until, now(), supply_from,
               supply_from + 1 FROM occupancy",
            "DELETE FROM occupancy WHERE occupants = '[]'",
            "I4",
            "place 1 of setting key",
        ),
        (
            "a revision that is not there",
            "UPDATE referral SET revision = 2",
            "UPDATE referral SET revision = 1",
            "I2",
            "referral E06000015/R01 is at revision 2",
        ),
        (
            "a second offer of the same home",
            "ALTER TABLE offer DROP CONSTRAINT offer_of_pair_once; CREATE TABLE twin AS TABLE offer;
             UPDATE twin SET offer_id = gen_random_uuid(), state = 'withdrawn';
             INSERT INTO offer TABLE twin",
            "DELETE FROM offer USING twin WHERE offer.offer_id = twin.offer_id; DROP TABLE twin;
             ALTER TABLE offer ADD CONSTRAINT offer_of_pair_once UNIQUE (referral_key, setting_key)",
            "I3",
            "has 2 offers of setting key",
        ),
        (
            "a run that is told again",
            "INSERT INTO outbox (event_id, authority, subject, payload, created_at)
               SELECT gen_random_uuid(), authority, subject, payload, 'epoch' FROM outbox
               WHERE subject LIKE '%.offers.proposed'",
            "DELETE FROM outbox WHERE created_at = 'epoch'",
            "I3",
            "was told 2 times",
        ),
        (
            "a start without its line",
            "ALTER TABLE audit DISABLE TRIGGER USER; CREATE TABLE kept AS TABLE audit;
             DELETE FROM audit WHERE act = 'placement.started'",
            "DELETE FROM audit; INSERT INTO audit TABLE kept; DROP TABLE kept;
             ALTER TABLE audit ENABLE TRIGGER USER",
            "I6",
            "placement.started of referral key",
        ),
        (
            "a permission that nobody gave",
            "ALTER TABLE audit DISABLE TRIGGER USER; CREATE TABLE kept AS TABLE audit;
             DELETE FROM audit WHERE act = 'approval.granted'",
            "DELETE FROM audit; INSERT INTO audit TABLE kept; DROP TABLE kept;
             ALTER TABLE audit ENABLE TRIGGER USER",
            "I6",
            "approval.granted of referral key",
        ),
        (
            "an outcome that no run came to",
            "CREATE TABLE kept AS TABLE referral;
             UPDATE referral SET run_digest = substr(sha256('x'), 1, 16)",
            "UPDATE referral SET run_digest = kept.run_digest FROM kept; DROP TABLE kept",
            "I9",
            "referral E06000015/R01",
        ),
        (
            "a change of the register without its version",
            "UPDATE setting SET supply_version = supply_version + 9",
            "UPDATE setting SET supply_version = supply_version - 9",
            "I10",
            "setting E06000015/H01",
        ),
        (
            "a referral that nobody ranks",
            "UPDATE referral SET state = 'received'",
            "UPDATE referral SET state = 'placed'",
            "I1",
            "referral E06000015/R01 was never ranked",
        ),
        (
            "an event that is not tried again",
            "INSERT INTO dead_letter VALUES (gen_random_uuid(), 'E06000015', 's', NULL, NULL, NULL, 'c',
               'r', '[]', 1, 'epoch', '[]', '', 'epoch')",
            "DELETE FROM dead_letter",
            "I1",
            "was not tried again",
        ),
        (
            "a run that was told and not kept",
            "UPDATE outbox SET payload = convert_to(replace(convert_from(payload, 'UTF8'),
               '\"run_id\":\"run_', '\"run_id\":\"run_x'), 'UTF8')",
            "UPDATE outbox SET payload = convert_to(replace(convert_from(payload, 'UTF8'),
               'run_x', 'run_'), 'UTF8')",
            "I7",
            "tells of run_x",
        ),
        (
            "an event of a referral that is not there",
            "UPDATE outbox SET payload = convert_to(replace(convert_from(payload, 'UTF8'),
               '\"R01\"', '\"R01x\"'), 'UTF8')",
            "UPDATE outbox SET payload = convert_to(replace(convert_from(payload, 'UTF8'),
               '\"R01x\"', '\"R01\"'), 'UTF8')",
            "I7",
            "tells of referral R01x",
        ),
        (
            "a reading of nobody knows what",
            "ALTER TABLE audit DISABLE TRIGGER USER; CREATE TABLE kept AS TABLE audit;
             UPDATE audit SET act = 'referral.read', thing = '' WHERE act = 'referral.received'",
            "DELETE FROM audit; INSERT INTO audit TABLE kept; DROP TABLE kept;
             ALTER TABLE audit ENABLE TRIGGER USER",
            "I11",
            ": referral.read",
        ),
        (
            "a provider who is told which child it is",
            "CREATE TABLE kept AS TABLE outbox;
             UPDATE outbox SET payload = convert_to(replace(convert_from(payload, 'UTF8'),
               '\"profile\":{', '\"profile\":{\"child_id\":\"C01\",'), 'UTF8')",
            "UPDATE outbox SET payload = kept.payload FROM kept WHERE kept.event_id = outbox.event_id;
             DROP TABLE kept",
            "I12",
            "tells a provider a child's id",
        ),
        (
            "a provider who is told where the child goes",
            "CREATE TABLE kept AS TABLE outbox;
             UPDATE outbox SET payload = convert_to(replace(convert_from(payload, 'UTF8'),
               '\"profile\":{', '\"profile\":{\"near\":\"' || (SELECT document #>> '{locations,home}'
                 FROM referral_revision) || '\",'), 'UTF8')",
            "UPDATE outbox SET payload = kept.payload FROM kept WHERE kept.event_id = outbox.event_id;
             DROP TABLE kept",
            "I12",
            "tells a provider a postcode",
        ),
        (
            "a provider whose subject tells which child it is",
            "UPDATE outbox SET subject = replace(subject, 'oss.evt', 'oss.C01')",
            "UPDATE outbox SET subject = replace(subject, 'oss.C01', 'oss.evt')",
            "I12",
            "tells a provider a child's id",
        ),
        (
            "an event whose bytes are damaged",
            "CREATE TABLE kept AS TABLE outbox;
             UPDATE outbox SET payload = '\\xff' WHERE subject LIKE '%.offers.proposed'",
            "UPDATE outbox SET payload = kept.payload FROM kept WHERE kept.event_id = outbox.event_id;
             DROP TABLE kept",
            "I7",
            ".offers.proposed cannot be read",
        ),
];

#[tokio::test]
async fn it_finds_what_must_never_be() {
    let council = Council::new().await;
    place(&council).await;
    assert_eq!(council.violations().await, []);
    for (what, broken, mended, invariant, names) in PLANTED {
        council.tamper(broken).await;
        let found = council.violations().await;
        assert!(
            found
                .iter()
                .any(|it| it.invariant == invariant && it.what.contains(names)),
            "{what}: {found:?}"
        );
        council.tamper(mended).await;
    }
    assert_eq!(council.violations().await, []);
}

#[tokio::test]
async fn what_is_damaged_hides_nothing_else() {
    let council = Council::new().await;
    place(&council).await;
    for damaged in [
        "'\\xff'",
        "'{'",
        "'7'",
        "convert_to(repeat('[', 100000), 'UTF8')",
    ] {
        let statement = format!(
            "UPDATE outbox SET payload = {damaged} WHERE subject LIKE '%.offers.proposed';
             UPDATE outbox SET payload = convert_to(replace(convert_from(payload, 'UTF8'),
               '\"reference\":\"', '\"reference\":\"C01\",\"was\":\"'), 'UTF8')
             WHERE subject LIKE '%.offer.approached'"
        );
        council.tamper(&statement).await;
        let found = council.violations().await;
        let found: Vec<_> = found.iter().map(|it| it.invariant).collect();
        assert_eq!(found, ["I7", "I12"], "{damaged}");
    }
}

#[tokio::test]
async fn a_referral_that_is_called_like_a_setting_is_told_to_nobody() {
    let council = Council::new().await;
    let home = home_at("H01", 1, 1, Sourcing::Spot, "DE56 1UU");
    council.register(home.clone()).await;
    let settings = [home];
    // As their setting and as their provider.
    for (referral, child) in [("H01", "E06000015"), ("HOMES", "provider")] {
        council.refer(referral, child, &settings).await;
        let asked = council.offer(referral, "H01").await;
        let step = |unit: &mut oss_workflow::Unit, context: &mut oss_workflow::Context<'_, '_>| {
            call_off::approach(unit, context, &world(), asked, None)
        };
        council.act("com", want_offer(asked), step).await;
    }
    assert_eq!(council.violations().await, []);
}

#[tokio::test]
async fn it_finds_time_that_was_taken_from_somebody() {
    let council = Council::new().await;
    let (home, own) = (
        home_at("H01", 1, 1, Sourcing::Spot, "DE56 1UU"),
        household("F01", 1, 1),
    );
    let settings = [home, own];
    for setting in &settings {
        council.register(setting.clone()).await;
    }
    council.refer("R01", "C01", &settings).await;
    let (asked, held) = (
        council.offer("R01", "H01").await,
        council.offer("R01", "F01").await,
    );
    council
        .act("com", want_offer(asked), |unit, context| {
            call_off::approach(unit, context, &world(), asked, None)
        })
        .await;
    council
        .act("com", want_offer(held), |unit, context| {
            hold::hold(unit, context, &world(), held, None)
        })
        .await;
    let taken = async |names: &str| {
        let found = council.store.check_deadlines().await.unwrap();
        found.len() == 1 && found[0].invariant == "I14" && found[0].what.contains(names)
    };
    for (kind, names) in [("respond_by", "of offer "), ("hold_expires", "of hold ")] {
        let move_by = |sign: char| {
            format!(
                "UPDATE deadline SET due_at = due_at {sign} interval '1 h' WHERE kind = '{kind}'"
            )
        };
        council.tamper(&move_by('-')).await;
        assert!(taken(names).await, "{kind}");
        council.tamper(&move_by('+')).await;
    }
    assert_eq!(council.violations().await, []);

    let by_then = morning() + TimeDelta::days(30);
    let due = council.store.deadlines_due(by_then, 10).await.unwrap();
    let waits = due
        .iter()
        .find(|it| matches!(it.due, Due::RespondBy(_)))
        .unwrap();
    let step = |unit: &mut oss_workflow::Unit, context: &mut oss_workflow::Context<'_, '_>| {
        deadline::act(unit, context, &world(), waits.deadline_id, None)
    };
    let (store, wanted) = (&council.store, want_deadline(waits));
    let acted = act_at(store, "clock", &wanted, waits.due_at, step).await;
    assert!(acted.unwrap().unwrap());
    assert_eq!(council.violations().await, []);
    council
        .tamper("UPDATE offer SET respond_by = respond_by + interval '1 h' WHERE state = 'expired'")
        .await;
    assert!(taken("expired early").await);
}
