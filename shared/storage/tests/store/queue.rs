//! The queue: when a home is needed, and page by page while it changes.

use crate::{
    council::{act_at, morning},
    support::{Database, derby, referral, want_referral},
};
use chrono::{DateTime, Utc};
use oss_domain::referral::Urgency;
use oss_storage::{
    PgStore,
    desk::{QueueCursor, QueueFilter, QueueOrder, Queued},
};
use oss_workflow::{calendar, referral as referrals};
use std::sync::Arc;

/// Takes in a referral of this urgency at `now`, for a start on that day in England.
async fn refer(store: &PgStore, id: &str, urgency: Urgency, now: DateTime<Utc>) {
    let referral = Arc::new(oss_domain::Referral {
        urgency,
        start_date: calendar::today(now),
        ..(*referral(derby(), id, 1)).clone()
    });
    let wanted = want_referral(derby(), id);
    let received = act_at(store, "case system", &wanted, now, |unit, context| {
        referrals::receive(unit, context, &referral, [1; 32])
    });
    received.await.unwrap().unwrap();
}

async fn page(
    store: &PgStore,
    order: QueueOrder,
    after: Option<QueueCursor>,
    limit: u32,
) -> Vec<Queued> {
    let (of, all) = ([derby()].into(), QueueFilter::default());
    store.queue(&of, all, order, after, limit).await.unwrap()
}

#[tokio::test]
async fn the_time_left_is_that_of_the_calendar_when_clocks_change_and_when_nobody_works() {
    let store = Database::new().await.store();
    let moments = [
        // Clocks go back: the day has 25 hours, of which one is shown twice.
        "2026-10-24T22:59:59.999999Z",
        "2026-10-24T23:00:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:30:00Z",
        "2026-10-25T23:59:59.999999Z",
        // A Friday, and a bank holiday before a weekend.
        "2026-11-27T17:00:00Z",
        "2026-12-25T12:00:00Z",
        // Clocks go forward: the day has 23 hours.
        "2027-03-27T23:59:59.999999Z",
        "2027-03-28T00:00:00Z",
        "2027-03-28T01:00:00Z",
        "2027-03-28T22:59:59.999999Z",
        "2027-03-28T23:00:00Z",
    ];
    for (nth, moment) in moments.iter().enumerate() {
        for urgency in Urgency::ALL {
            let id = format!("R{nth}-{urgency}");
            refer(&store, &id, *urgency, moment.parse().unwrap()).await;
        }
    }
    let queue = page(&store, QueueOrder::Time, None, 200).await;
    assert_eq!(queue.len(), moments.len() * Urgency::ALL.len());
    for it in &queue {
        let (referral, id) = (&it.referral, &it.referral_id);
        let needed = calendar::needed_by(referral.urgency, it.received_at, referral.start_date);
        assert_eq!(it.needed_by, needed, "{id}");
    }
    assert!(queue.is_sorted_by_key(|it| it.needed_by));
}

#[tokio::test]
async fn what_leaves_the_queue_between_two_pages_hides_nothing_and_shows_nothing_twice() {
    let store = Database::new().await.store();
    for nth in 0..9 {
        // All are needed at once, three of them at the same instant.
        let now = morning() + chrono::TimeDelta::seconds(nth / 3);
        refer(&store, &format!("R{nth}"), Urgency::Urgent, now).await;
    }
    for order in [QueueOrder::Urgency, QueueOrder::Time, QueueOrder::Newest] {
        let all = page(&store, order, None, 50).await;
        let ids = |page: &[Queued]| -> Vec<_> {
            page.iter().map(|it| it.referral_id.to_string()).collect()
        };
        let first = page(&store, order, None, 3).await;
        assert_eq!(ids(&first), ids(&all)[..3]);
        // The last of this page, after which the next begins, and the first of the next.
        for left in [&all[2], &all[3]] {
            let wanted = want_referral(derby(), left.referral_id.as_str());
            let withdrawn = act_at(
                &store,
                "case system",
                &wanted,
                morning(),
                |unit, context| {
                    referrals::withdraw(unit, context, derby(), &left.referral_id, "moved away")
                },
            );
            withdrawn.await.unwrap().unwrap();
        }
        let rest = page(&store, order, first.last().map(|it| it.cursor), 50).await;
        assert_eq!(ids(&rest), ids(&all)[4..]);
    }
}
