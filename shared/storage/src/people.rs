//! People who sign in: who they are, what they may do, and switching them off.
//!
//! What they are is read anew for every request, so a role that is taken away, or a person who is
//! switched off, is so at once.

mod sessions;

pub use sessions::{Attempt, Session, SessionLimits, StoredSession};

use crate::{
    audit,
    error::{Result, Sorted},
    row,
    store::PgStore,
};
use chrono::{DateTime, Utc};
use oss_domain::{AuthorityCode, ProviderId, Role, SessionId, UserId};
use oss_workflow::{Actor, unit::AuditLine};
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};

/// Somebody who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Our own id for them, which the audit names.
    pub user_id: UserId,
    /// The council they work for, or supply.
    pub authority: AuthorityCode,
    /// Who vouches for them.
    pub issuer: String,
    /// Their lasting id there.
    pub subject: String,
    /// What they are called.
    pub name: String,
    /// The provider they work for, if any.
    pub provider: Option<ProviderId>,
    /// What they are.
    pub roles: BTreeSet<Role>,
    /// When they last signed in.
    pub signed_in_at: DateTime<Utc>,
    /// Since when they may not.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// What an identity provider said of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who says it.
    pub issuer: String,
    /// Their lasting id there.
    pub subject: String,
    /// What they are called.
    pub name: String,
    /// The council they work for, or supply.
    pub authority: AuthorityCode,
    /// The provider they work for; where it is unknown, what we have stored stays.
    pub provider: Option<ProviderId>,
    /// What they are.
    pub roles: BTreeSet<Role>,
}

/// A sign-in that is to be recorded.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Who it is.
    pub identity: Identity,
    /// Their id, if they are new.
    pub new_user_id: UserId,
    /// The session's id.
    pub session_id: SessionId,
    /// SHA-256 of the session's token.
    pub token_sha256: [u8; 32],
    /// SHA-256 of the token the browser had before, whose session ends.
    pub replaces: Option<[u8; 32]>,
}

pub(crate) struct Row {
    user_id: uuid::Uuid,
    authority: String,
    issuer: String,
    subject: String,
    name: String,
    provider: Option<String>,
    roles: Vec<String>,
    signed_in_at: DateTime<Utc>,
    disabled_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Person {
    type Error = oss_workflow::StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let provider = row.provider.as_deref();
        let roles = row.roles.iter();
        Ok(Self {
            user_id: UserId::from_uuid(row.user_id),
            authority: row::parse("person.authority", &row.authority)?,
            issuer: row.issuer,
            subject: row.subject,
            name: row.name,
            provider: provider
                .map(|it| row::parse("person.provider", it))
                .transpose()?,
            roles: roles
                .map(|it| row::parse("person.roles", it))
                .collect::<Result<_>>()?,
            signed_in_at: row.signed_in_at,
            disabled_at: row.disabled_at,
        })
    }
}

impl PgStore {
    /// Records a sign-in: the person as they are described now, and their new session. `None`
    /// where they were switched off; then there is a line in the audit and no session.
    ///
    /// # Errors
    ///
    /// Fails where the database is away, or the connection does not serve their authority.
    pub async fn sign_in(&self, sign_in: &SignIn, now: DateTime<Utc>) -> Result<Option<Person>> {
        let SignIn { identity, .. } = sign_in;
        let mut transaction = self.pool.begin().await.sorted()?;
        let conn = &mut *transaction;
        let roles: Vec<_> = identity
            .roles
            .iter()
            .map(|role| role.as_str().to_owned())
            .collect();
        let name = row::text(&identity.name);
        // Who once belonged to a council stays there: another claim must not move their records.
        let person: Person = sqlx::query_as!(
            Row,
            "INSERT INTO person AS known
               (user_id, authority, issuer, subject, name, provider, roles, created_at, signed_in_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
             ON CONFLICT (issuer, subject) DO UPDATE SET
               name = excluded.name, roles = excluded.roles,
               provider = coalesce(excluded.provider, known.provider),
               signed_in_at = CASE WHEN known.disabled_at IS NULL THEN excluded.signed_in_at
                 ELSE known.signed_in_at END
             RETURNING user_id, authority, issuer, subject, name, provider, roles, signed_in_at,
               disabled_at",
            sign_in.new_user_id.into_uuid(),
            identity.authority.as_str(),
            identity.issuer,
            identity.subject,
            name.as_ref(),
            identity.provider.as_ref().map(ProviderId::as_str),
            &roles,
            now,
        )
        .fetch_one(&mut *conn)
        .await
        .sorted()?
        .try_into()?;
        if let Some(replaced) = &sign_in.replaces {
            sessions::delete(conn, replaced).await?;
        }
        let is_let_in = person.disabled_at.is_none();
        if is_let_in {
            sessions::insert(conn, sign_in, &person, now).await?;
        }
        let act = if is_let_in {
            "person.signed_in"
        } else {
            "person.refused"
        };
        note(
            conn,
            &person,
            &Actor::Person(person.user_id.to_string().into()),
            act,
            None,
            now,
        )
        .await?;
        transaction.commit().await.sorted()?;
        Ok(is_let_in.then_some(person))
    }

    /// At most `limit` people of `authority`, in the order in which they came, after `cursor`.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn list_people(
        &self,
        authority: AuthorityCode,
        cursor: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<Person>> {
        sqlx::query_as!(
            Row,
            "SELECT user_id, authority, issuer, subject, name, provider, roles, signed_in_at,
               disabled_at
             FROM person WHERE authority = $1 AND ($2::uuid IS NULL OR user_id > $2)
             ORDER BY user_id LIMIT $3",
            authority.as_str(),
            cursor.map(UserId::into_uuid),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?
        .into_iter()
        .map(Person::try_from)
        .collect()
    }

    /// What those of `ids` are called that are ids of people, by id.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn names_of(
        &self,
        ids: impl IntoIterator<Item = &str> + Send,
    ) -> Result<HashMap<String, String>> {
        let ids: BTreeSet<UserId> = ids.into_iter().filter_map(|id| id.parse().ok()).collect();
        let ids: Vec<_> = ids.into_iter().map(UserId::into_uuid).collect();
        let rows = sqlx::query!(
            "SELECT user_id, name FROM person WHERE user_id = ANY ($1)",
            &ids
        )
        .fetch_all(&self.pool)
        .await
        .sorted()?;
        let named = |id| UserId::from_uuid(id).to_string();
        Ok(rows
            .into_iter()
            .map(|row| (named(row.user_id), row.name))
            .collect())
    }

    /// A person.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn person(&self, user_id: UserId) -> Result<Option<Person>> {
        sqlx::query_as!(
            Row,
            "SELECT user_id, authority, issuer, subject, name, provider, roles, signed_in_at,
               disabled_at
             FROM person WHERE user_id = $1",
            user_id.into_uuid(),
        )
        .fetch_optional(&self.pool)
        .await
        .sorted()?
        .map(Person::try_from)
        .transpose()
    }

    /// Switches a person off, which ends their sessions, or on again. Returns whether there is one.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn set_disabled(
        &self,
        user_id: UserId,
        disabled: bool,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let mut transaction = self.pool.begin().await.sorted()?;
        let changed = sqlx::query_as!(
            Row,
            "UPDATE person SET
               disabled_at = CASE WHEN $2 THEN coalesce(disabled_at, $3) END
             WHERE user_id = $1
             RETURNING user_id, authority, issuer, subject, name, provider, roles, signed_in_at,
               disabled_at",
            user_id.into_uuid(),
            disabled,
            now,
        )
        .fetch_optional(&mut *transaction)
        .await
        .sorted()?;
        let Some(row) = changed else { return Ok(false) };
        let person = row.try_into()?;
        if disabled {
            sessions::delete_of(&mut transaction, user_id).await?;
        }
        let act = if disabled {
            "person.disabled"
        } else {
            "person.enabled"
        };
        note(&mut transaction, &person, by, act, None, now).await?;
        transaction.commit().await.sorted()?;
        Ok(true)
    }

    /// Says which provider a person works for. Returns whether there is such a person.
    ///
    /// # Errors
    ///
    /// Fails where the database is away.
    pub async fn set_provider(
        &self,
        user_id: UserId,
        provider: Option<&ProviderId>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let mut transaction = self.pool.begin().await.sorted()?;
        let changed = sqlx::query_as!(
            Row,
            "UPDATE person SET provider = $2 WHERE user_id = $1
             RETURNING user_id, authority, issuer, subject, name, provider, roles, signed_in_at,
               disabled_at",
            user_id.into_uuid(),
            provider.map(ProviderId::as_str),
        )
        .fetch_optional(&mut *transaction)
        .await
        .sorted()?;
        let Some(row) = changed else { return Ok(false) };
        let reason = provider.map_or_else(|| "none".to_owned(), ToString::to_string);
        note(
            &mut transaction,
            &row.try_into()?,
            by,
            "person.provider_set",
            Some(reason),
            now,
        )
        .await?;
        transaction.commit().await.sorted()?;
        Ok(true)
    }
}

/// Adds a line about `person` to their authority's chain: to be called last in a transaction.
async fn note(
    conn: &mut PgConnection,
    person: &Person,
    actor: &Actor,
    act: &'static str,
    reason: Option<String>,
    at: DateTime<Utc>,
) -> Result<()> {
    let line = AuditLine {
        authority: person.authority,
        referral: None,
        at,
        actor: actor.clone(),
        act,
        thing: person.user_id.to_string(),
        reason,
    };
    audit::append_others(conn, &[line]).await
}
