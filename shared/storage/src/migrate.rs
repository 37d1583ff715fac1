//! Bringing the schema up to date, and seeing whether it is.

use crate::{
    error::{Result, Sorted, broken},
    seal::{InstallationKey, Place},
};
use percent_encoding::percent_decode_str;
use rand_core::RngCore;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, migrate::Migrator,
    postgres::PgConnectOptions,
};

/// Every migration, in order. Only ever added to.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// The role that the services log in as.
const APP_ROLE: &str = "oss_app";

/// What PostgreSQL calls a password that is wrong, or that the role does not have.
const INVALID_PASSWORD: &str = "28P01";

/// The bytes that a right key opens.
const KEY_CHECK: &[u8] = b"one stop shop";

fn key_check_place() -> Place<'static> {
    Place {
        table: "installation",
        column: "key_check",
        row: &"1",
    }
}

/// Applies what is pending, as the owner at `url`, and draws the installation's secret the first time.
///
/// # Errors
///
/// Fails where the database is away, the owner may not do this, an applied migration differs from
/// ours, or the installation was made with another key.
pub async fn migrate(url: &str, key: &InstallationKey, rng: &mut impl RngCore) -> Result<()> {
    let mut conn = PgConnection::connect(url).await.sorted()?;
    MIGRATOR
        .run(&mut conn)
        .await
        .map_err(|error| oss_workflow::StoreError::Broken(error.into()))?;
    let mut secret = [0; 16];
    rng.fill_bytes(&mut secret);
    sqlx::query!(
        "INSERT INTO installation (secret, key_check) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        &secret,
        key.seal(key_check_place(), KEY_CHECK)?,
    )
    .execute(&mut conn)
    .await
    .sorted()?;
    check_key(&mut conn, key).await?;
    conn.close().await.sorted()
}

/// Sees to it that `key` is the one the installation was made with.
pub(crate) async fn check_key(conn: &mut PgConnection, key: &InstallationKey) -> Result<()> {
    let check = sqlx::query_scalar!("SELECT key_check FROM installation")
        .fetch_one(conn)
        .await
        .sorted()?;
    match key.open(key_check_place(), &check) {
        Ok(_) => Ok(()),
        Err(_) => Err(broken("the installation was made with another key")),
    }
}

/// How many migrations are pending.
///
/// # Errors
///
/// Fails where the database is away, or was migrated by a newer version than this.
pub(crate) async fn pending(conn: &mut PgConnection) -> Result<usize> {
    let known =
        sqlx::query_scalar!(r#"SELECT to_regclass('_sqlx_migrations') IS NOT NULL AS "is!""#)
            .fetch_one(&mut *conn)
            .await
            .sorted()?;
    if !known {
        return Ok(MIGRATOR.iter().count());
    }
    // Not a macro: the table is sqlx's own, and is not there when the statements are checked.
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations WHERE success")
            .fetch_all(conn)
            .await
            .sorted()?;
    let ours = |version| {
        MIGRATOR
            .iter()
            .find(|migration| migration.version == version)
    };
    for (version, checksum) in &applied {
        if ours(*version).is_none_or(|migration| *migration.checksum != **checksum) {
            return Err(broken(format!(
                "migration {version} of the database is not one of ours"
            )));
        }
    }
    Ok(MIGRATOR.iter().count() - applied.len())
}

/// Sees to it that the services' role can log in as `app_url` says: where the server refuses the
/// password there, the owner at `owner_url` sets it. Says whether it did.
///
/// An address without a password, or of another role, is whoever's runs the server.
///
/// # Errors
///
/// Fails where an address is not one, the database is away, or the owner may not do this.
pub async fn let_services_in(owner_url: &str, app_url: &str) -> Result<bool> {
    let app: PgConnectOptions = app_url.parse().sorted()?;
    let url = app.to_url_lossy();
    let Some(password) = url.password().filter(|_| app.get_username() == APP_ROLE) else {
        return Ok(false);
    };
    match PgConnection::connect_with(&app).await {
        Ok(conn) => conn.close().await.sorted().map(|()| false),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(INVALID_PASSWORD) => {
            let password = percent_decode_str(password).decode_utf8_lossy();
            set_app_password(owner_url, &password).await?;
            Ok(true)
        }
        Err(error) => Err(error).sorted(),
    }
}

/// Sets the password that the services log in with, as the owner at `url`.
///
/// # Errors
///
/// Fails where the database is away, or the owner may not do this.
pub async fn set_app_password(url: &str, password: &str) -> Result<()> {
    let mut conn = PgConnection::connect(url).await.sorted()?;
    let alter: String = sqlx::query_scalar!(
        r#"SELECT format('ALTER ROLE oss_app PASSWORD %L', $1::text) AS "alter!""#,
        password
    )
    .fetch_one(&mut conn)
    .await
    .sorted()?;
    // Quoted by the server itself: ALTER ROLE takes no parameters.
    sqlx::raw_sql(AssertSqlSafe(alter))
        .execute(&mut conn)
        .await
        .sorted()?;
    conn.close().await.sorted()
}
