//! Committing a unit: what it says is written, and nothing is decided here.
//!
//! Of what it takes, most is the trips to the database and back: few statements, whatever they hold.

mod messages;
mod places;
mod referrals;
mod supply;

pub(crate) use messages::{append_messages_and_lines, payload_place};

use crate::{
    audit,
    error::{Result, Sorted, broken},
    life,
    store::{PgStore, PgUnit},
};
use oss_workflow::{StoreError, Unit, unit::Entry};

impl PgStore {
    pub(crate) async fn commit_unit(&self, unit: Unit, opened: PgUnit) -> Result<()> {
        let PgUnit {
            mut transaction,
            registers,
            referrals: mut loaded,
        } = opened;
        if unit.is_idle() {
            return transaction.rollback().await.sorted();
        }
        unit.changes_under(&registers)?;
        let conn = &mut *transaction;
        let mut revisions = Vec::new();
        let mut runs = Vec::new();
        let mut versions = Vec::new();
        let mut dead_letters = Vec::new();
        for entry in &unit.log {
            match entry {
                Entry::Revision {
                    key,
                    referral,
                    content,
                    received_at,
                } => {
                    revisions.push((*key, referral, content, *received_at));
                }
                Entry::Run(run) => runs.push(run.as_ref()),
                Entry::SettingVersion {
                    key,
                    from,
                    at,
                    setting,
                } => {
                    versions.push((*key, *from, *at, setting.as_deref()));
                }
                Entry::DeadLetter(letter) => dead_letters.push(letter.as_ref()),
            }
        }

        supply::write_registers(conn, &unit).await?;
        supply::write_settings(conn, &unit).await?;
        supply::append_versions(conn, &unit, &versions).await?;

        referrals::expect_new(&unit, &mut loaded);
        // These change what the referrals' rows hold, so they come before those.
        let sealed = audit::seal_referrals(&self.key, &unit.audit, &mut loaded)?;
        let words = life::seal(&self.key, &unit, &mut loaded)?;
        let revisions = referrals::seal_revisions(&self.key, &revisions, &mut loaded)?;
        referrals::write(conn, &unit, &loaded, &revisions, &runs).await?;
        places::write_occupancies(conn, &unit).await?;
        life::write(conn, &unit, &words).await?;

        messages::insert_dead_letters(conn, &self.key, &self.served, &dead_letters).await?;
        append_messages_and_lines(conn, &self.served, &unit.handled, &unit.outgoing, &sealed)
            .await?;
        audit::append_others(conn, &unit.audit).await?;
        transaction.commit().await.sorted()
    }
}

/// Fails where fewer rows were written than there are: another unit was there in between.
pub(crate) fn expect_rows(what: &str, expected: usize, written: u64) -> Result<()> {
    if u64::try_from(expected).is_ok_and(|expected| expected == written) {
        return Ok(());
    }
    let why = format!("of {expected} rows of {what}, {written} were as they had been loaded");
    match broken(why) {
        StoreError::Broken(source) => Err(StoreError::Clash(source)),
        other => Err(other),
    }
}
