//! Keys in blocks, so that taking one seldom asks the database.

use crate::error::{Result, Sorted};
use sqlx::PgConnection;
use std::{ops::Range, sync::Mutex, sync::PoisonError};

/// How many keys a value of the sequences stands for (see the migrations).
pub(crate) const BLOCK: i64 = 64;

/// Which sequence keys come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of {
    Referrals,
    Settings,
}

/// Keys that are ours to give. Those not used are lost, which costs nothing: there are 2⁶³.
#[derive(Debug)]
pub(crate) struct Keys {
    of: Of,
    left: Mutex<Range<i64>>,
}

impl Keys {
    pub(crate) const fn new(of: Of) -> Self {
        Self {
            of,
            left: Mutex::new(0..0),
        }
    }

    /// Takes `wanted` keys.
    pub(crate) async fn take(&self, conn: &mut PgConnection, wanted: usize) -> Result<Vec<i64>> {
        let mut taken = Vec::with_capacity(wanted);
        loop {
            {
                let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
                taken.extend(left.by_ref().take(wanted - taken.len()));
            }
            if taken.len() == wanted {
                return Ok(taken);
            }
            let first = match self.of {
                Of::Referrals => {
                    sqlx::query_scalar!(r#"SELECT nextval('referral_key') AS "key!""#)
                        .fetch_one(&mut *conn)
                        .await
                }
                Of::Settings => {
                    sqlx::query_scalar!(r#"SELECT nextval('setting_key') AS "key!""#)
                        .fetch_one(&mut *conn)
                        .await
                }
            }
            .sorted()?;
            *self.left.lock().unwrap_or_else(PoisonError::into_inner) = first..first + BLOCK;
        }
    }
}
