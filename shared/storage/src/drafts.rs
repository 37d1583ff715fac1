//! Drafts: answers for a referral that was not sent yet, sealed, with a line in the audit for each act.
//!
//! What the answers mean is the desk's matter. They may tell everything about a child, so they are
//! stored as one sealed text.

use crate::{
    audit,
    error::{Result, Sorted},
    row,
    seal::Place,
    store::PgStore,
};
use chrono::{DateTime, Utc};
use oss_domain::{AuthorityCode, ReferralId};
use oss_workflow::{Actor, StoreError, unit::AuditLine};
use serde_json::{Map, Value};
use sqlx::PgConnection;

/// A draft, without its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftHead {
    /// The referral that it is for.
    pub referral_id: ReferralId,
    /// The id of the user who began it.
    pub user_id: String,
    /// Their name then.
    pub user_name: String,
    /// When they began it.
    pub started_at: DateTime<Utc>,
    /// Who changed it last, by name.
    pub changed_by: String,
    /// When: no two changes of a draft have the same moment, so this is also its version.
    pub changed_at: DateTime<Utc>,
}

/// A draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Who has it.
    pub head: DraftHead,
    /// The answers, as the desk wrote them.
    pub content: Answers,
}

/// What a draft holds; what it means is the desk's matter.
pub type Answers = Map<String, Value>;

/// When a draft was begun, and what it holds.
pub type Begun = (DateTime<Utc>, Answers);

/// How a draft ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The referral was sent.
    Sent,
    /// It was not wanted.
    Discarded,
}

impl How {
    /// The act in the audit; `draft_end` finds the line by it, and migration 0023 has an index for that.
    const fn act(self) -> &'static str {
        match self {
            Self::Sent => "draft.sent",
            Self::Discarded => "draft.discarded",
        }
    }
}

/// The end of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// How it ended.
    pub how: How,
    /// Who ended it, by name.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Who changes a draft, and when.
#[derive(Clone, Copy, Debug)]
pub struct Editor<'a> {
    /// The user's id.
    pub user_id: &'a str,
    /// The user's name.
    pub user_name: &'a str,
    /// Now.
    pub now: DateTime<Utc>,
}

struct Row {
    referral_id: String,
    user_id: String,
    user_name: String,
    started_at: DateTime<Utc>,
    changed_by: String,
    changed_at: DateTime<Utc>,
}

impl TryFrom<Row> for DraftHead {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            referral_id: row::parse("draft.referral_id", &row.referral_id)?,
            user_id: row.user_id,
            user_name: row.user_name,
            started_at: row.started_at,
            changed_by: row.changed_by,
            changed_at: row.changed_at,
        })
    }
}

impl PgStore {
    /// At most `limit` drafts of `authority`, or of those the ones that the user `begun_by` began;
    /// those changed last first, from behind `after` on.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn list_drafts(
        &self,
        authority: AuthorityCode,
        begun_by: Option<&str>,
        after: Option<(DateTime<Utc>, &ReferralId)>,
        limit: u32,
    ) -> Result<Vec<DraftHead>> {
        let (at, id) = after.unzip();
        sqlx::query_as!(
            Row,
            "SELECT referral_id, user_id, user_name, started_at, changed_by, changed_at FROM draft
             WHERE authority = $1 AND ($3::timestamptz IS NULL OR (changed_at, referral_id) < ($3, $4))
               AND ($5::text IS NULL OR user_id = $5)
             ORDER BY changed_at DESC, referral_id DESC LIMIT $2",
            authority.as_str(),
            i64::from(limit),
            at,
            id.map(ReferralId::as_str),
            begun_by,
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }

    /// The draft for a referral, if there is one. That it was read is the caller's to record.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn draft(
        &self,
        authority: AuthorityCode,
        referral_id: &ReferralId,
    ) -> Result<Option<Draft>> {
        let Some(found) = sqlx::query!(
            "SELECT referral_id, user_id, user_name, started_at, changed_by, changed_at, content
             FROM draft WHERE authority = $1 AND referral_id = $2",
            authority.as_str(),
            referral_id.as_str(),
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()?
        else {
            return Ok(None);
        };
        let head = Row {
            referral_id: found.referral_id,
            user_id: found.user_id,
            user_name: found.user_name,
            started_at: found.started_at,
            changed_by: found.changed_by,
            changed_at: found.changed_at,
        };
        Ok(Some(Draft {
            head: head.try_into()?,
            content: self.open_draft(authority, referral_id, &found.content)?,
        }))
    }

    /// How the last draft for a referral ended, if one did.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn draft_end(
        &self,
        authority: AuthorityCode,
        referral_id: &ReferralId,
    ) -> Result<Option<End>> {
        let found = sqlx::query!(
            r#"SELECT actor, at, act = 'draft.sent' AS "is_sent!" FROM audit
             WHERE authority = $1 AND referral_key IS NULL
               AND act IN ('draft.discarded', 'draft.sent') AND thing = $2
             ORDER BY seq DESC LIMIT 1"#,
            authority.as_str(),
            referral_id.as_str(),
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()?;
        let Some(line) = found else { return Ok(None) };
        let user_id = row::parse("audit.actor", &line.actor)?;
        let person = self.person(user_id).await?;
        Ok(person.map(|person| End {
            how: if line.is_sent {
                How::Sent
            } else {
                How::Discarded
            },
            by: person.name,
            at: line.at,
        }))
    }

    /// Changes the answers of a draft, which begins with the first change. `thing` is for the
    /// audit: what of which draft. `change` sees when the draft was begun, by which it is told from
    /// another of the same referral, and the answers as they are; nothing where there is no draft. It
    /// says what is to be kept; if it refuses, nothing is changed, and none begins.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn change_draft<E>(
        &self,
        authority: AuthorityCode,
        referral_id: &ReferralId,
        by: Editor<'_>,
        thing: String,
        change: impl FnOnce(Option<Begun>) -> std::result::Result<Answers, E> + Send,
    ) -> Result<std::result::Result<(), E>> {
        let mut transaction = self.pool.begin().await.sorted()?;
        let conn = &mut *transaction;
        let name = row::text(by.user_name);
        // One that is not there begins, so that there is a row to lock: two who begin it at once both
        // keep their answers. Until it is sealed below, its content is empty.
        let found = sqlx::query!(
            "INSERT INTO draft (authority, referral_id, content, user_id, user_name, started_at,
               changed_by, changed_at)
             VALUES ($1, $2, '', $3, $4, $5, $4, $5)
             ON CONFLICT (authority, referral_id) DO UPDATE SET content = draft.content
             RETURNING content, started_at",
            authority.as_str(),
            referral_id.as_str(),
            by.user_id,
            &*name,
            by.now,
        )
        .fetch_one(&mut *conn)
        .await
        .sorted()?;
        let begun = match &*found.content {
            [] => None,
            sealed => {
                let answers = self.open_draft(authority, referral_id, sealed)?;
                Some((found.started_at, answers))
            }
        };
        let content = match change(begun) {
            Ok(content) => content,
            Err(refused) => return Ok(Err(refused)),
        };
        let text = Value::Object(content).to_string();
        let row = row_name(authority, referral_id);
        let sealed = self.key.seal(place(&row), text.as_bytes())?;
        sqlx::query!(
            "UPDATE draft SET content = $3, changed_by = $4,
               changed_at = greatest($5, changed_at + interval '1 microsecond')
             WHERE authority = $1 AND referral_id = $2",
            authority.as_str(),
            referral_id.as_str(),
            &sealed,
            &*name,
            by.now,
        )
        .execute(&mut *conn)
        .await
        .sorted()?;
        note(conn, authority, by, "draft.changed", thing).await?;
        transaction.commit().await.sorted()?;
        Ok(Ok(()))
    }

    /// Ends a draft. Returns whether it was there as it was changed at `changed_at`; if not, nothing
    /// is done.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn end_draft(
        &self,
        authority: AuthorityCode,
        referral_id: &ReferralId,
        changed_at: DateTime<Utc>,
        by: Editor<'_>,
        how: How,
    ) -> Result<bool> {
        let mut transaction = self.pool.begin().await.sorted()?;
        let ended = sqlx::query!(
            "DELETE FROM draft WHERE authority = $1 AND referral_id = $2 AND changed_at = $3",
            authority.as_str(),
            referral_id.as_str(),
            changed_at,
        )
        .execute(&mut *transaction)
        .await
        .sorted()?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        note(
            &mut transaction,
            authority,
            by,
            how.act(),
            referral_id.to_string(),
        )
        .await?;
        transaction.commit().await.sorted()?;
        Ok(true)
    }

    fn open_draft(
        &self,
        authority: AuthorityCode,
        referral_id: &ReferralId,
        sealed: &[u8],
    ) -> Result<Answers> {
        let row = row_name(authority, referral_id);
        let text = self.key.open(place(&row), sealed)?;
        serde_json::from_slice(&text).map_err(|error| StoreError::Broken(error.into()))
    }
}

fn row_name(authority: AuthorityCode, referral_id: &ReferralId) -> String {
    format!("{authority}/{referral_id}")
}

fn place(row: &String) -> Place<'_> {
    Place {
        table: "draft",
        column: "content",
        row,
    }
}

/// Adds a line to the authority's chain: to be called last in a transaction.
async fn note(
    conn: &mut PgConnection,
    authority: AuthorityCode,
    by: Editor<'_>,
    act: &'static str,
    thing: String,
) -> Result<()> {
    let line = AuditLine {
        authority,
        referral: None,
        at: by.now,
        actor: Actor::Person(by.user_id.into()),
        act,
        thing,
        reason: None,
    };
    audit::append_others(conn, &[line]).await
}
