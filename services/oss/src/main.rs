//! `oss`: the only binary. It reads the command line and the configuration, and wires the roles;
//! what they do is in their own crates.

mod cli;
mod commands;
mod config;
mod connection;
mod figures;
#[cfg(feature = "dev-login")]
mod logins;
mod ops;
mod output;
mod roles;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    // clap exits with 2 for wrong usage, with 0 for --help and --version.
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return output::failure(&anyhow::Error::new(error)),
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => code,
        Err(error) => output::failure(&error),
    }
}
