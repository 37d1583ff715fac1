//! Committing a unit: what it says is written, and nothing is decided here.
//!
//! Of what it takes, most is the trips to the database and back: few statements, whatever they hold.
//! A unit that had nothing to lock, and writes of referrals only, is one statement and takes one
//! trip, as a new referral's does.

mod messages;
mod places;
mod referrals;
mod supply;
mod together;

pub(crate) use messages::payload_place;
pub(crate) use together::Together;

use messages::Told;

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
            transaction,
            registers,
            referrals: mut loaded,
        } = opened;
        if unit.is_idle() {
            return match transaction {
                Some(transaction) => transaction.rollback().await.sorted(),
                None => Ok(()),
            };
        }
        unit.changes_under(&registers)?;
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

        referrals::expect_new(&unit, &mut loaded);
        // These change what the referrals' rows hold, so they come before those.
        let sealed = audit::seal_referrals(&self.key, &unit.audit, &mut loaded)?;
        let words = life::seal(&self.key, &unit, &mut loaded)?;
        let revisions = referrals::seal_revisions(&self.key, &revisions, &mut loaded)?;
        let mut handled: Vec<_> = unit.handled.iter().collect();
        handled.sort_unstable();
        let told = unit.outgoing.iter();
        let together = Together {
            heads: referrals::changed(&unit, &loaded)?,
            revisions,
            runs: referrals::pack(&unit, &runs)?,
            handled,
            told: told
                .map(|event| Told::new(event, &self.served))
                .collect::<Result<_>>()?,
            audit: sealed,
        };

        let mut transaction = match transaction {
            Some(transaction) => transaction,
            // Without a register's lock no place changed hands, and no setting.
            None if dead_letters.is_empty()
                && unit.audit.iter().all(|it| it.referral.is_some()) =>
            {
                return together.write(&mut *self.conn().await?).await;
            }
            None => self.pool.begin().await.sorted()?,
        };
        let conn = &mut *transaction;
        supply::write_registers(conn, &unit).await?;
        supply::write_settings(conn, &unit).await?;
        supply::append_versions(conn, &unit, &versions).await?;
        together.write(conn).await?;
        places::write_occupancies(conn, &unit).await?;
        life::write(conn, &unit, &words).await?;
        messages::insert_dead_letters(conn, &self.key, &self.served, &dead_letters).await?;
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
