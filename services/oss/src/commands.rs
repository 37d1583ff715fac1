//! What each command does.

mod audit;
mod bench;
pub(crate) mod broker;
mod config;
mod dead_letters;
mod dev;
mod doctor;
mod explain;
mod import;
mod migrate;
mod offers;
mod publish;
mod referral;
mod serve;

use crate::{
    cli::{Cli, Command},
    connection::Target,
    roles::Role,
};
use std::process::ExitCode;

/// Carries out what was typed.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { common, command } = cli;
    let json = common.json;
    match command {
        Command::Dev(args) => dev::run(args, &common).await,
        Command::Bench(args) => bench::run(&args, &common).await,
        Command::Config => config::run(&common),
        command => {
            let target = Target::find(&common)?;
            match command {
                Command::Matcher => serve::run(Role::Matcher, &target).await,
                Command::Relay => serve::run(Role::Relay, &target).await,
                Command::Desk => serve::run(Role::Desk, &target).await,
                Command::Migrate => migrate::run(&target).await,
                Command::Publish(args) => publish::run(args, &target, json).await,
                Command::Offers(args) => offers::run(&args, &target, json).await,
                Command::Explain(args) => explain::run(&args, &target, json).await,
                Command::Import(args) => import::run(&args, &target, json).await,
                Command::DeadLetters(args) => dead_letters::run(&args, &target, json).await,
                Command::Doctor => doctor::run(&target, json).await,
                Command::Audit(args) => audit::run(&args, &target, json).await,
                Command::Dev(_) | Command::Bench(_) | Command::Config => Ok(ExitCode::SUCCESS),
            }
        }
    }
}
