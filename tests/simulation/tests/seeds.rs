//! A few thousand lives of a small council, each with its own misfortunes.

use oss_simulation::{Report, run};
use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

const SEEDS: u64 = 2_000;
const STEPS: u32 = 1_000;

#[test]
fn nothing_goes_wrong_under_any_seed() {
    let next = AtomicU64::new(0);
    let total = Mutex::new(Report::default());
    let failures = Mutex::new(Vec::new());
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= SEEDS {
                        break;
                    }
                    match run(seed, STEPS, None) {
                        Ok(report) => total.lock().unwrap().add(&report),
                        Err(failure) => failures.lock().unwrap().push(failure.to_string()),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} seeds failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    let total = total.into_inner().unwrap();
    println!("{total}");
    // A simulation that reaches nothing proves nothing.
    for what in REACHED {
        assert!(total.count(what) >= 20, "{what}: {}", total.count(what));
    }
}

/// States, refusals and faults that the seeds come by, often.
const REACHED: &[&str] = &[
    // What is done.
    "approval.granted",
    "approval.refused",
    "call_off.exhausted",
    "call_off.wave_opened",
    "condition.met",
    "condition.not_met",
    "condition.not_needed",
    "condition.pursued",
    "condition_due",
    "offer.accepted",
    "offer.approached",
    "offer.declined",
    "offer.expired",
    "offer.withdrawn",
    "place.held",
    "place.listed",
    "place.released",
    "placement.agreed",
    "placement.cancelled",
    "placement.ended",
    "placement.started",
    "referral.ranked",
    "referral.withdrawn",
    "review_due",
    "setting.closed",
    "temporary_approval_ends",
    // What is refused.
    "approval_missing",
    "child_held_elsewhere",
    "four_eyes",
    "not_accepted",
    "not_conditional",
    "not_lawful_any_more",
    "not_open",
    "place_gone",
    "too_late",
    // What goes wrong.
    "clock put back",
    "crashed",
    "delivered twice at once",
    "published twice by us",
    "put off",
    "store broken",
];

#[test]
fn a_seed_gives_the_same_run_again() {
    let [first, again] = [0, 1].map(|_| run(7, STEPS, None).unwrap().to_string());
    assert_eq!(first, again);
}
