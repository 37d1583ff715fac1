//! Local users with passwords: for development, compiled only with the feature `dev-login`.

use super::{begin, refused};
use crate::{app::App, problem::Fault};
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier, password_hash::SaltString};
use axum::{
    Form,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use chrono::{DateTime, TimeDelta, Utc};
use oss_domain::{AuthorityCode, ProviderId, Role};
use oss_storage::people::Identity;
use rand_core::RngCore;
use serde::Deserialize;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// Who vouches for them: nobody outside.
const ISSUER: &str = "urn:oss:local";

/// Somebody who signs in with a password.
#[derive(Clone)]
pub struct LocalUser {
    user: Arc<str>,
    /// Argon2id, in the form that names its parameters.
    hash: Arc<str>,
    identity: Identity,
}

impl fmt::Debug for LocalUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalUser")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed: {0}")]
pub struct LocalUserError(argon2::password_hash::Error);

impl LocalUser {
    /// A user of this name, role and password, of which only the hash is kept. Slow, on purpose.
    ///
    /// # Errors
    ///
    /// Fails where the password cannot be hashed.
    pub fn new(
        user: &str,
        password: &str,
        role: Role,
        authority: AuthorityCode,
        provider: Option<ProviderId>,
        rng: &mut impl RngCore,
    ) -> Result<Self, LocalUserError> {
        let identity = Identity {
            issuer: ISSUER.to_owned(),
            subject: user.to_owned(),
            name: name_of(role).to_owned(),
            authority,
            provider,
            roles: [role].into(),
        };
        Ok(Self {
            user: user.into(),
            hash: hash(password, rng)?,
            identity,
        })
    }
}

fn hash(password: &str, rng: &mut impl RngCore) -> Result<Arc<str>, LocalUserError> {
    let mut salt = [0; 16];
    rng.fill_bytes(&mut salt);
    let salt = SaltString::encode_b64(&salt).map_err(LocalUserError)?;
    let hash = Argon2::default()
        .hash_password(password.as_bytes(), &salt)
        .map_err(LocalUserError)?;
    Ok(hash.to_string().into())
}

/// Invented names, so that pages look as they will.
const fn name_of(role: Role) -> &'static str {
    match role {
        Role::SocialWorker => "Sam Okoro",
        Role::Commissioner => "Chris Patel",
        Role::Manager => "Morgan Hughes",
        Role::Director => "Dana Clarke",
        Role::Provider => "Pat Novak",
        Role::Auditor => "Alex Byrne",
        Role::Operator => "Oli Evans",
    }
}

/// A hash that no password has, so that a name nobody bears takes as long as one that somebody does.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmU$\
    qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo";

/// The local users, and who has failed to be one.
#[derive(Debug, Default)]
pub(crate) struct LocalUsers {
    users: Vec<LocalUser>,
    failures: Failures,
}

impl LocalUsers {
    pub(super) fn new(users: Vec<LocalUser>) -> Self {
        Self {
            users,
            failures: Failures::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

/// Failures to sign in, by user name: a window of a minute and one of an hour.
#[derive(Debug, Default)]
struct Failures(Mutex<HashMap<Arc<str>, Vec<DateTime<Utc>>>>);

impl Failures {
    /// In a minute, and in an hour.
    const MOST: [(TimeDelta, usize); 2] = [(TimeDelta::minutes(1), 5), (TimeDelta::hours(1), 10)];

    /// Whether there were too many.
    fn are_too_many(&self, user: &str, now: DateTime<Utc>) -> bool {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_user = failures.get(user).map_or(&[][..], Vec::as_slice);
        Self::MOST
            .iter()
            .any(|(window, most)| of_user.iter().filter(|at| now - **at < *window).count() >= *most)
    }

    fn note(&self, user: &Arc<str>, now: DateTime<Utc>) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_user = failures.entry(Arc::clone(user)).or_default();
        of_user.retain(|at| now - *at < TimeDelta::hours(1));
        of_user.push(now);
    }

    fn forget(&self, user: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(user);
    }
}

/// The form.
#[derive(Deserialize)]
pub(super) struct Sent {
    user: String,
    password: String,
    #[serde(default)]
    return_to: String,
}

pub(super) async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    Form(sent): Form<Sent>,
) -> Result<Response, Fault> {
    let local = &app.sign_in.local;
    let now = app.clock.now();
    // One name for all that nobody bears: whoever tries many is stopped too, and nothing grows.
    let known = local.users.iter().find(|user| *user.user == *sent.user);
    let counted = known.map_or_else(|| Arc::from(""), |known| Arc::clone(&known.user));
    if local.failures.are_too_many(&counted, now) {
        app.metrics.authenticated("limited");
        let why = "Too many attempts. Wait a minute, then try again.";
        return Ok(refused(
            &app,
            StatusCode::TOO_MANY_REQUESTS,
            &sent.return_to,
            why,
        ));
    }
    let hash = known.map_or_else(|| NOBODYS.into(), |known| Arc::clone(&known.hash));
    let password = sent.password;
    let is_right = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        })
    })
    .await
    .unwrap_or(false);
    let Some(known) = known.filter(|_| is_right) else {
        local.failures.note(&counted, now);
        app.metrics.authenticated("wrong_password");
        tracing::warn!("a sign-in with a wrong name or password");
        let why = "The user name or password is not right.";
        return Ok(refused(
            &app,
            StatusCode::UNAUTHORIZED,
            &sent.return_to,
            why,
        ));
    };
    local.failures.forget(&counted);
    begin(&app, &headers, known.identity.clone(), &sent.return_to).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobodys_hash_is_one_so_that_it_takes_as_long() {
        let hash = PasswordHash::new(NOBODYS).unwrap();
        assert_eq!(
            argon2::Params::try_from(&hash).unwrap().m_cost(),
            argon2::Params::DEFAULT_M_COST
        );
        let verified = Argon2::default().verify_password(b"nobody", &hash);
        assert_eq!(verified, Err(argon2::password_hash::Error::Password));
    }

    #[test]
    fn failures_count_by_the_minute_and_by_the_hour() {
        let (failures, user) = (Failures::default(), Arc::from("a"));
        let mut now: DateTime<Utc> = "2026-11-23T09:00:00Z".parse().unwrap();
        for _ in 0..5 {
            assert!(!failures.are_too_many("a", now));
            failures.note(&user, now);
        }
        assert!(failures.are_too_many("a", now) && !failures.are_too_many("b", now));
        now += TimeDelta::minutes(1);
        assert!(!failures.are_too_many("a", now));
        for _ in 0..5 {
            failures.note(&user, now);
        }
        now += TimeDelta::minutes(30);
        assert!(failures.are_too_many("a", now), "ten in an hour");
        now += TimeDelta::minutes(31);
        assert!(!failures.are_too_many("a", now));
    }
}
