//! `oss migrate`: the database's tables and the broker's streams, up to this version.

use crate::{commands::broker, connection::Target, output};
use anyhow::{Context, bail};
use oss_messaging::{Connection, Topology};
use oss_runtime::seeded_rng;
use oss_storage::{InstallationKey, migrate};
use std::{process::ExitCode, time::Duration};

pub(crate) async fn run(target: &Target) -> anyhow::Result<ExitCode> {
    let config = &target.config;
    let Some(owner) = &config.database.owner_url else {
        bail!("database.owner_url is not set; it names the role that owns the tables");
    };
    let key = InstallationKey::new(*config.installation_key()?.expose());
    migrate::migrate(owner.expose(), &key, &mut seeded_rng())
        .await
        .context("the database could not be migrated")?;
    output::line("the database is up to date")?;
    let services = config.database.url.expose();
    if migrate::let_services_in(owner.expose(), services)
        .await
        .context("the services cannot log in to the database")?
    {
        output::line("the services' password is set as database.url has it")?;
    }
    let settings = broker::settings(target, &broker::admin())?;
    let connection = Connection::open(&settings).await?;
    connection.ready(Duration::from_secs(10)).await?;
    let drift = Topology::default().ensure(&connection).await?;
    connection.close().await;
    output::line("the streams are there")?;
    for difference in &drift {
        output::line(format_args!("differs: {difference}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
