//! `oss bench`
use crate::cli;
use std::process::ExitCode;
pub(crate) async fn run(_args: &cli::Bench, _json: bool) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not there yet")
}
