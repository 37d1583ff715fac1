//! A hundred people, signed in.
//!
//! Their sessions are written as a sign-in leaves them: passwords are slow on purpose, and
//! providers of identity are elsewhere.

use super::fill::connect;
use sha2::{Digest, Sha256};
use sqlx::Row;

/// How many people of which role.
const TEAM: [(&str, usize); 7] = [
    ("commissioner", 45),
    ("social_worker", 20),
    ("manager", 12),
    ("director", 3),
    ("provider", 15),
    ("auditor", 2),
    ("operator", 3),
];

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) role: &'static str,
    /// The session's.
    pub(crate) token: String,
    pub(crate) user_id: String,
}

/// Signs everybody in.
pub(crate) async fn sign_in(url: &str) -> Vec<Person> {
    let mut conn = connect(url).await;
    let mut people = Vec::new();
    let team = TEAM.iter().flat_map(|(role, n)| vec![*role; *n]);
    for (number, role) in team.enumerate() {
        let token = hex::encode(Sha256::digest(format!("person {number}")));
        let hash = Sha256::digest(&token).to_vec();
        // Providers are those that were asked most.
        let row = sqlx::query(
            "WITH new AS (
               INSERT INTO person (user_id, authority, issuer, subject, name, provider, roles,
                 created_at, signed_in_at)
               SELECT gen_random_uuid(), authority, 'urn:bench', $1, 'Person ' || $1,
                 CASE WHEN $2 = 'provider' THEN (
                   SELECT provider_id FROM offer GROUP BY 1 ORDER BY count(*) DESC, 1
                   OFFSET $3 LIMIT 1) END,
                 ARRAY[$2], now(), now()
               FROM register LIMIT 1
               RETURNING user_id, authority)
             INSERT INTO session (token_sha256, session_id, authority, user_id, started_at, seen_at)
             SELECT $4, gen_random_uuid(), authority, user_id, now(), now() FROM new
             RETURNING replace(user_id::text, '-', '')",
        )
        .bind(number.to_string())
        .bind(role)
        .bind(i64::try_from(number % 10).unwrap())
        .bind(hash)
        .fetch_one(&mut conn)
        .await
        .unwrap();
        let user_id = format!("usr_{}", row.get::<String, _>(0));
        people.push(Person {
            role,
            token,
            user_id,
        });
    }
    people
}
