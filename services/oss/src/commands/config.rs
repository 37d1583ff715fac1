//! `oss config`: the effective configuration.

use crate::{cli, config::Config, output};
use std::process::ExitCode;

pub(crate) fn run(common: &cli::Common) -> anyhow::Result<ExitCode> {
    let config = Config::load(common.config.as_deref())?;
    if common.json {
        output::json(&config.shown())?;
    } else {
        output::line(toml::to_string_pretty(&config.shown())?.trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}
