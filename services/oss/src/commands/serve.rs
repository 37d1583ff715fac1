//! `oss matcher`, `oss relay`, `oss desk`: one role, until it is told to stop.

use crate::{
    connection::Target,
    ops,
    roles::{Common, Role},
};
use oss_runtime::Lifecycle;
use std::{process::ExitCode, time::Duration};

pub(crate) async fn run(role: Role, target: &Target) -> anyhow::Result<ExitCode> {
    let config = &target.config;
    oss_telemetry::logging::init(config.log.format(), &config.log.filter)?;
    let lifecycle = Lifecycle::new(Duration::from_secs(config.shutdown.grace_seconds))?;
    let ops = ops::bind(config.ops.listen, "ops.listen").await?;
    let http = match role {
        Role::Desk => Some(ops::bind(config.http.listen, "http.listen").await?),
        Role::Matcher | Role::Relay => None,
    };
    let common = Common::prepare(target).await?;
    common.start_ops(&lifecycle, ops)?;
    common.start(role, &lifecycle, http).await?;
    common.health().started();
    tracing::info!(?role, "started");
    Ok(lifecycle.run().await.into())
}
