//! Connecting to the broker as one of its users.

use crate::connection::Target;
use anyhow::Context;
use oss_messaging::{Access, Connection, Credentials, Settings, access};
use std::time::Duration;

/// How long a command waits for the broker.
const LIMIT: Duration = Duration::from_secs(5);

/// Connects as `user` where a `deploy/run` is running, else as the configuration says.
pub(crate) async fn connect(target: &Target, user: &str) -> anyhow::Result<Connection> {
    let nats = &target.config.nats;
    let known = target.dev.as_ref().and_then(|dev| dev.nats.get(user));
    let (credentials, inbox_prefix) = match known {
        Some(known) => (
            Some(Credentials {
                user: known.user.clone(),
                password: known.password.clone(),
            }),
            known.inbox_prefix.clone(),
        ),
        None => (configured(target)?, nats.inbox_prefix.clone()),
    };
    let settings = Settings {
        url: nats.url.clone(),
        name: format!("oss {user}"),
        credentials,
        inbox_prefix,
        tls: nats.tls,
    };
    let connection = Connection::open(&settings).await?;
    connection
        .ready(LIMIT)
        .await
        .with_context(|| format!("NATS at {} does not answer", nats.url))?;
    Ok(connection)
}

/// The settings of a role: its own user in `oss dev`, the configured one elsewhere.
pub(crate) fn settings(target: &Target, access: &Access) -> anyhow::Result<Settings> {
    let nats = &target.config.nats;
    match target
        .dev
        .as_ref()
        .and_then(|dev| dev.nats.get(&access.name))
    {
        Some(known) => Ok(Settings::for_access(&nats.url, access, &known.password)),
        None => Ok(Settings {
            url: nats.url.clone(),
            name: format!("oss {}", access.name),
            credentials: configured(target)?,
            inbox_prefix: nats.inbox_prefix.clone(),
            tls: nats.tls,
        }),
    }
}

/// Who makes the streams.
pub(crate) fn admin() -> Access {
    access::admin()
}

fn configured(target: &Target) -> anyhow::Result<Option<Credentials>> {
    let Some(user) = target.config.nats.user.clone() else {
        return Ok(None);
    };
    let password = target
        .config
        .nats_password()?
        .context("nats.user is set without nats.password_file; set both or neither")?;
    Ok(Some(Credentials {
        user,
        password: password.expose().clone(),
    }))
}
