//! `oss doctor`: every invariant, checked on live data.

use crate::{connection::Target, output, roles};
use anyhow::Context;
use oss_domain::Clock;
use oss_runtime::SystemClock;
use oss_storage::{PgStore, StoreError, doctor::Violation};
use serde_json::json;
use std::process::ExitCode;

/// What is committed is published within this time, or it is stuck.
const UNPUBLISHED_AFTER: chrono::TimeDelta = chrono::TimeDelta::seconds(30);

/// So many of the newest runs are made again.
const RUNS_AT_MOST: usize = 500;

/// So many of the places that were taken last are judged again.
const BOOKINGS_AT_MOST: u32 = 500;

pub(crate) async fn run(target: &Target, as_json: bool) -> anyhow::Result<ExitCode> {
    let store = roles::patient_store(target, "oss doctor")?;
    store
        .pending_migrations()
        .await
        .context("the database does not answer")?;
    let mut all = Vec::new();
    let mut rows = Vec::new();
    for (what, result) in checks(&store).await {
        let found = result.with_context(|| what.to_owned())?;
        rows.push(vec![what.to_owned(), verdict(found.len())]);
        all.extend(found);
    }
    let what = "places were taken as the law and the child's needs allow";
    let found = super::explain::judge_newest(&store, BOOKINGS_AT_MOST).await?;
    rows.push(vec![what.to_owned(), verdict(found.len())]);
    all.extend(found);
    let keys = target.config.checkpoint_signers()?;
    if !keys.is_empty() {
        let what = "the audit has come as far as its checkpoints say";
        let found = store.check_checkpoints(&keys, &[]).await?;
        rows.push(vec![what.to_owned(), verdict(found.len())]);
        all.extend(found);
    }
    let what = "runs come out the same when made again";
    output::progress(format_args!("making up to {RUNS_AT_MOST} runs again …"));
    let found = super::explain::replay_newest(&store, RUNS_AT_MOST).await?;
    rows.push(vec![what.to_owned(), verdict(found.len())]);
    all.extend(found);
    if as_json {
        let violations: Vec<_> = all
            .iter()
            .map(|it| json!({"invariant": it.invariant, "what": it.what}))
            .collect();
        output::json(&json!({"checks": rows.len(), "violations": violations}))?;
    } else {
        output::table(&["check", "result"], &rows)?;
        for violation in &all {
            output::line(format_args!("{}: {}", violation.invariant, violation.what))?;
        }
    }
    store.close().await;
    Ok(if all.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn verdict(n_found: usize) -> String {
    match n_found {
        0 => "holds".to_owned(),
        n => format!("broken {n} time(s)"),
    }
}

async fn checks(store: &PgStore) -> Vec<(&'static str, Result<Vec<Violation>, StoreError>)> {
    let before = SystemClock.now() - UNPUBLISHED_AFTER;
    vec![
        (
            "referrals stand at their highest revision",
            store.check_referral_heads().await,
        ),
        ("values are such as they can be", store.check_values().await),
        (
            "exactly the places that somebody has are taken",
            store.check_places().await,
        ),
        (
            "no place and no child ever was taken twice",
            store.check_never_taken_twice().await,
        ),
        ("nothing is offered twice", store.check_offered_once().await),
        (
            "nobody has less time than they were told",
            store.check_deadlines().await,
        ),
        (
            "offers, placements and deadlines stand where they can",
            store.check_life().await,
        ),
        (
            "every decision and approach is a person's",
            store.check_decisions().await,
        ),
        (
            "every change is audited",
            store.check_audit_is_complete().await,
        ),
        (
            "the audit's chains are whole",
            store.check_audit_chains().await,
        ),
        (
            "what is committed is published",
            store.check_outbox(before).await,
        ),
        (
            "nothing that was taken in is left lying",
            store.check_nothing_is_left(before).await,
        ),
        (
            "whatever an event tells of is there",
            store.check_what_is_told().await,
        ),
        (
            "each reading on the record is a person's",
            store.check_readings().await,
        ),
        (
            "no provider was told which child it is about",
            store.check_providers_are_told_of_nobody().await,
        ),
        (
            "every open referral has one current run",
            store.check_current_runs().await,
        ),
        (
            "the history of the supply is whole",
            store.check_supply_history().await,
        ),
    ]
}
