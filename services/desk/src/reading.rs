//! What is read of a child, put on the record first: no line, no answer.
//!
//! Hundreds may read at the same moment, as when a place has gone that they all wanted. So whoever
//! has a turn writes the lines of all who wait for one, in one unit of work. Where that clashes, as
//! when others have locked one of the referrals, each chain's lines are written by themselves: nobody
//! is refused for what another reads.

use crate::{
    act::{Failed, act, attempt},
    app::App,
    caller::Caller,
    problem::Fault,
};
use oss_domain::AuthorityCode;
use oss_workflow::{Actor, Context, ReferralKey, StoreError, Unit, Wanted, unit::AuditLine};
use std::{
    collections::BTreeMap,
    fmt, mem,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::oneshot;

/// The lines that are to be written.
#[derive(Debug, Default)]
pub(crate) struct Readings(Mutex<Vec<Reading>>);

/// A line, and who waits for it.
#[derive(Debug)]
struct Reading {
    line: AuditLine,
    reader: Caller,
    written: oneshot::Sender<Result<(), Fault>>,
}

impl Readings {
    fn with<T>(&self, change: impl FnOnce(&mut Vec<Reading>) -> T) -> T {
        // Adding and taking leave nothing half done.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn n_waiting(&self) -> usize {
        self.with(|waiting| waiting.len())
    }
}

/// Commits a line in the audit of what is about to be told, about a referral or else about the
/// council's own: no line, no answer.
///
/// # Errors
///
/// 503 where it cannot be written.
pub(crate) async fn record_reading(
    app: &App,
    caller: &Caller,
    (authority, referral): (AuthorityCode, Option<ReferralKey>),
    read: &'static str,
    thing: impl fmt::Display,
) -> Result<(), Fault> {
    // It would take the lines of those who wait with it, and commit none.
    if app.rehearses() {
        return Ok(());
    }
    let line = AuditLine {
        authority,
        referral,
        at: app.clock.now(),
        actor: Actor::Person(Arc::clone(&caller.principal.id)),
        act: read,
        thing: thing.to_string(),
        reason: None,
    };
    let (written, told) = oneshot::channel();
    app.readings.with(|waiting| {
        waiting.push(Reading {
            line,
            reader: caller.clone(),
            written,
        });
    });
    // Apart from this request: if its caller goes away, others may wait for what it began.
    tokio::spawn(write_all(app.clone()));
    told.await.map_err(|_| Fault::internal())?
}

/// Writes the lines of all who wait, once there is a turn.
async fn write_all(app: App) {
    // Never closed; if it were, whoever waits would be told.
    let turn = app.turns.acquire().await;
    let readings = app.readings.with(mem::take);
    let Some(first) = readings.first().filter(|_| turn.is_ok()) else {
        return;
    };
    let (wanted, step) = unit_of(&readings);
    let done = attempt(&app, &first.reader, &wanted, &step).await;
    drop(turn);
    if !matches!(done, Err(Failed::Store(StoreError::Clash(_)))) {
        return tell(readings, &done.map_err(Fault::from));
    }
    let mut chains = BTreeMap::<_, Vec<_>>::new();
    for reading in readings {
        let chain = (reading.line.authority, reading.line.referral);
        chains.entry(chain).or_default().push(reading);
    }
    for readings in chains.into_values() {
        tokio::spawn(write_apart(app.clone(), readings));
    }
}

/// Writes lines of one chain.
async fn write_apart(app: App, readings: Vec<Reading>) {
    let Some(first) = readings.first() else {
        return;
    };
    let (wanted, step) = unit_of(&readings);
    let done = act(&app, &first.reader, &wanted, step).await;
    tell(readings, &done);
}

/// What a unit with these lines needs, and what is done in it.
fn unit_of(
    readings: &[Reading],
) -> (
    Wanted,
    impl Fn(&mut Unit, &mut Context<'_, '_>) -> Result<(), Fault> + Send + Sync + use<>,
) {
    let lines: Vec<_> = readings.iter().map(|it| it.line.clone()).collect();
    let wanted = Wanted {
        referral_keys: lines.iter().filter_map(|line| line.referral).collect(),
        ..Wanted::default()
    };
    let step = move |unit: &mut Unit, _: &mut Context<'_, '_>| {
        unit.audit.extend_from_slice(&lines);
        Ok(())
    };
    (wanted, step)
}

/// Tells everybody who waits what became of their line.
fn tell(readings: Vec<Reading>, done: &Result<(), Fault>) {
    for reading in readings {
        // Whoever no longer waits has not read anything.
        let _ = reading.written.send(done.clone());
    }
}
