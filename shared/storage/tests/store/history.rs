//! The supply, what it was, and what has changed.

use crate::support::*;
use oss_domain::{HoldId, OfferId, Sex};
use oss_workflow::{
    Store, SupplyVersion, Wanted,
    occupancy::{Claim, Occupancy, Occupant},
};

#[tokio::test]
async fn any_past_supply_can_be_rebuilt() {
    let database = Database::new().await;
    let store = database.store();
    change_setting(&store, derby(), "F01", 1).await;
    change_setting(&store, derby(), "F02", 1).await;
    change_setting(&store, derby(), "F01", 2).await;
    run(&store, &want_setting(derby(), "F02"), |unit, context| {
        oss_workflow::supply::close_setting(unit, context, derby(), &sid("F02"), 2).unwrap()
    })
    .await
    .unwrap();
    change_setting(&store, derby(), "F02", 3).await;

    let mut seen = Vec::new();
    for version in 0..=5 {
        let past = store
            .supply_at(derby(), SupplyVersion(version))
            .await
            .unwrap();
        seen.push(
            past.settings
                .iter()
                .map(|(_, setting)| format!("{}v{}", setting.setting_id, setting.version))
                .collect::<Vec<_>>()
                .join(" "),
        );
    }
    assert_eq!(
        seen,
        [
            "",
            "F01v1",
            "F01v1 F02v1",
            "F01v2 F02v1",
            "F01v2",
            "F01v2 F02v3"
        ]
    );
    assert_eq!(
        store.supply_versions().await.unwrap()[&derby()],
        SupplyVersion(5)
    );
    assert_eq!(store.check_supply_history().await.unwrap(), []);
}

#[tokio::test]
async fn two_changes_of_one_setting_in_one_unit_are_one_change_of_the_supply() {
    let database = Database::new().await;
    let store = database.store();
    run(&store, &want_setting(derby(), "F01"), |unit, context| {
        for version in [1, 2] {
            let setting = setting(derby(), "F01", version);
            oss_workflow::supply::change_setting(unit, context, setting).unwrap();
        }
    })
    .await
    .unwrap();
    let past = store.supply_at(derby(), SupplyVersion(1)).await.unwrap();
    assert_eq!(past.settings.len(), 1);
    assert_eq!(past.settings[0].1.version, 2);
    assert_eq!(store.check_supply_history().await.unwrap(), []);
}

#[tokio::test]
async fn a_setting_that_closes_before_it_opens_is_remembered() {
    let database = Database::new().await;
    let store = database.store();
    run(&store, &want_setting(derby(), "F01"), |unit, context| {
        oss_workflow::supply::close_setting(unit, context, derby(), &sid("F01"), 4).unwrap()
    })
    .await
    .unwrap();
    let head = store.setting(derby(), &sid("F01")).await.unwrap().unwrap();
    assert_eq!(
        (head.version, head.open, head.setting.is_none()),
        (4, false, true)
    );
    let (unit, _opened) = store.open(&want_setting(derby(), "F01")).await.unwrap();
    assert_eq!(unit.settings[&(derby(), sid("F01"))].version, 4);
}

#[tokio::test]
async fn whoever_has_seen_a_version_is_told_of_what_came_after_and_nothing_else() {
    let database = Database::new().await;
    let store = database.store();
    for id in ["F01", "F02"] {
        change_setting(&store, derby(), id, 1).await;
    }
    let all = store
        .changes_since(derby(), SupplyVersion(0))
        .await
        .unwrap();
    assert_eq!((all.version, all.settings.len()), (SupplyVersion(2), 2));
    assert!(
        store
            .changes_since(derby(), all.version)
            .await
            .unwrap()
            .settings
            .is_empty()
    );

    run(&store, &want_setting(derby(), "F02"), |unit, context| {
        oss_workflow::supply::close_setting(unit, context, derby(), &sid("F02"), 2).unwrap()
    })
    .await
    .unwrap();
    let changes = store.changes_since(derby(), all.version).await.unwrap();
    assert_eq!(changes.version, SupplyVersion(3));
    let (_, setting_id, setting) = &changes.settings[0];
    assert_eq!((setting_id, setting), (&sid("F02"), &None));
    assert_eq!(changes.settings.len(), 1);
    assert_eq!(
        store
            .list_settings(derby(), None, None, 10)
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(
        store
            .list_settings(derby(), None, Some(&sid("F01")), 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_place_is_held_once_and_is_part_of_the_supply_until_it_ends() {
    let database = Database::new().await;
    let store = database.store();
    change_setting(&store, derby(), "F01", 1).await;
    for id in ["R01", "R02"] {
        receive(&store, derby(), id, 1).await;
    }
    let wanted = |id: &str| Wanted {
        settings: [(derby(), sid("F01"))].into(),
        ..want_referral(derby(), id)
    };
    let hold = |unit: &mut oss_workflow::Unit, id: &str, number: u8| {
        let referral = &unit.referrals[&(derby(), rid(id))];
        let occupancy = Occupancy {
            hold_id: HoldId::from_bytes([number; 16]),
            authority: derby(),
            referral: referral.key,
            referral_id: rid(id),
            setting: unit.settings[&(derby(), sid("F01"))].key,
            setting_id: sid("F01"),
            offer_id: OfferId::from_bytes([number; 16]),
            claim: Claim::Held,
            placement_id: None,
            places: vec![1],
            occupants: vec![Occupant {
                child_id: format!("{id}-C1").parse().unwrap(),
                sex: Sex::Female,
                age: 12,
            }],
            since: "2026-11-23T09:00:00Z".parse().unwrap(),
            until: None,
            ended: None,
        };
        put(unit, occupancy);
    };
    run(&store, &wanted("R01"), |unit, _| hold(unit, "R01", 1))
        .await
        .unwrap();
    let held = store
        .changes_since(derby(), SupplyVersion(1))
        .await
        .unwrap();
    assert_eq!(held.version, SupplyVersion(2));
    assert_eq!(held.held[&sid("F01")][0].child_id.as_str(), "R01-C1");

    let twice = run(&store, &wanted("R02"), |unit, _| hold(unit, "R02", 2))
        .await
        .unwrap_err();
    assert!(
        matches!(twice, oss_workflow::StoreError::Clash(_)),
        "{twice:?}"
    );

    run(&store, &wanted("R01"), |unit, _| {
        let live = unit.occupancies[&HoldId::from_bytes([1; 16])].clone();
        put(
            unit,
            Occupancy {
                ended: Some(live.since),
                ..live
            },
        );
    })
    .await
    .unwrap();
    let freed = store
        .changes_since(derby(), SupplyVersion(2))
        .await
        .unwrap();
    assert_eq!(freed.held[&sid("F01")], []);
    run(&store, &wanted("R02"), |unit, _| hold(unit, "R02", 2))
        .await
        .unwrap();

    let who = async |version| {
        let past = store
            .supply_at(derby(), SupplyVersion(version))
            .await
            .unwrap();
        past.occupancies
            .iter()
            .map(|it| it.referral_id.to_string())
            .collect::<Vec<_>>()
    };
    assert!(who(1).await.is_empty());
    assert_eq!(who(2).await, ["R01"]);
    assert!(who(3).await.is_empty());
    assert_eq!(who(4).await, ["R02"]);
    assert_eq!(store.check_places().await.unwrap(), []);
    assert_eq!(store.check_supply_history().await.unwrap(), []);
}

/// As the workflow puts an occupancy into a unit.
fn put(unit: &mut oss_workflow::Unit, occupancy: Occupancy) {
    let version = unit.supply.get_mut(&derby()).unwrap();
    *version = version.next();
    unit.changed_supply.insert(derby());
    unit.changed_occupancies.insert(occupancy.hold_id);
    unit.occupancies.insert(occupancy.hold_id, occupancy);
}
