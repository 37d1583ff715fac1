//! The command line: what can be typed, with an example for each.

use clap::{Args, Parser, Subcommand};
use oss_contract::FactKind;
use oss_domain::{AuthorityCode, DeadLetterId, ReferralId, RunId, SettingId};
use std::path::PathBuf;

/// One Stop Shop: finds children in care a lawful, suitable home, with every reason shown.
#[derive(Debug, Parser)]
#[command(
    name = "oss",
    version,
    propagate_version = true,
    subcommand_required = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// A TOML file with configuration; `oss config` shows every key.
    #[arg(long, global = true, env = "OSS_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The data directory of a running `deploy/run`, to talk to it.
    #[arg(long, global = true, env = "OSS_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Prints JSON for programs instead of tables for people.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs everything on this machine: private NATS and PostgreSQL, every role, sample data.
    #[command(after_help = "Example:\n  oss dev --data-dir .oss --http-port 8080")]
    Dev(Dev),
    /// Runs the role that takes facts in and ranks.
    #[command(after_help = "Example:\n  oss matcher --config /etc/oss/oss.toml")]
    Matcher,
    /// Runs the role that publishes what was committed.
    #[command(after_help = "Example:\n  oss relay --config /etc/oss/oss.toml")]
    Relay,
    /// Runs the role that serves the JSON API and the pages.
    #[command(after_help = "Example:\n  oss desk --config /etc/oss/oss.toml")]
    Desk,
    /// Brings the database's tables and the broker's streams up to this version.
    #[command(after_help = "Example:\n  oss migrate --config /etc/oss/oss.toml")]
    Migrate,
    /// Publishes events: CloudEvents, or bare data with --type.
    #[command(
        after_help = "Examples:\n  oss publish event.json\n  oss publish --type referral.submitted referral.json\n  cat events.json | oss publish -"
    )]
    Publish(Publish),
    /// Shows the ranked offers of a referral.
    #[command(after_help = "Example:\n  oss offers R01")]
    Offers(ReferralArgs),
    /// Says why a referral's settings rank where they do, and why the others are out.
    #[command(
        after_help = "Examples:\n  oss explain R01\n  oss explain R01 F07\n  oss explain --run run_018bcfe56800715b9d39b5bf90ae8891"
    )]
    Explain(Explain),
    /// Imports settings or postcodes.
    #[command(
        subcommand,
        after_help = "Examples:\n  oss import settings register.json\n  oss import postcodes ONSPD_NOV_2025_UK.csv"
    )]
    Import(Import),
    /// Lists the events that could not be handled, and retries them.
    #[command(
        after_help = "Examples:\n  oss dead-letters\n  oss dead-letters --retry ded_018bcfe56800715b9d39b5bf90ae8891"
    )]
    DeadLetters(DeadLetters),
    /// Checks every invariant on live data, and says which row breaks it.
    #[command(after_help = "Example:\n  oss doctor --data-dir .oss")]
    Doctor,
    /// Verifies the audit, that no line was edited, deleted, reordered or cut off; signs where it ends.
    #[command(
        subcommand,
        after_help = "Examples:\n  oss audit checkpoint >> /mnt/elsewhere/checkpoints.jsonl\n  oss audit verify --checkpoint /mnt/elsewhere/checkpoints.jsonl"
    )]
    Audit(Audit),
    /// Measures ranking and the whole path against a floor that does nothing.
    #[command(after_help = "Example:\n  oss bench --settings 1000 --rate 100,500")]
    Bench(Bench),
    /// Shows the effective configuration; secrets are hidden.
    #[command(after_help = "Example:\n  OSS_HTTP__LISTEN=0.0.0.0:80 oss config")]
    Config,
}

/// `oss dev`
#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Loads no sample supply and no sample referrals.
    #[arg(long)]
    pub(crate) no_sample: bool,
    /// The port of the API and the pages.
    #[arg(long, default_value_t = 8080)]
    pub(crate) http_port: u16,
    /// The port of metrics and health.
    #[arg(long, default_value_t = 9464)]
    pub(crate) ops_port: u16,
    /// The port of the private NATS server.
    #[arg(long, default_value_t = 4222)]
    pub(crate) nats_port: u16,
}

/// `oss publish`
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// Files with a CloudEvent or a list of them; `-` reads standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The files hold bare data of this type, such as referral.submitted.
    #[arg(long = "type", value_name = "NOUN.VERB", value_parser = fact_kind)]
    pub(crate) event_type: Option<FactKind>,
    /// The producer that the events are published as, for bare data.
    #[arg(long, default_value = "/oss/cli", value_name = "URI")]
    pub(crate) source: String,
}

fn fact_kind(noun_verb: &str) -> Result<FactKind, String> {
    FactKind::of(noun_verb).ok_or_else(|| {
        let known: Vec<_> = FactKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("must be one of {}", known.join(", "))
    })
}

/// A referral, by its authority's id.
#[derive(Debug, Args)]
pub(crate) struct ReferralArgs {
    /// The referral's id.
    pub(crate) referral: ReferralId,
    /// The authority, where more than one is served.
    #[arg(long, value_name = "CODE")]
    pub(crate) authority: Option<AuthorityCode>,
}

/// `oss explain`
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The referral's id.
    #[arg(required_unless_present = "run")]
    pub(crate) referral: Option<ReferralId>,
    /// One setting alone.
    pub(crate) setting: Option<SettingId>,
    /// Recomputes this run from what it was made of, and proves the stored outcome equal.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["referral"])]
    pub(crate) run: Option<RunId>,
    /// The authority, where more than one is served.
    #[arg(long, value_name = "CODE")]
    pub(crate) authority: Option<AuthorityCode>,
}

/// `oss import`
#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// Settings: a JSON list, or a line each.
    #[command(after_help = "Example:\n  oss import settings register.json")]
    Settings {
        /// The file.
        file: PathBuf,
    },
    /// A newer ONS Postcode Directory or Code-Point Open.
    #[command(after_help = "Example:\n  oss import postcodes ONSPD_NOV_2025_UK.csv")]
    Postcodes {
        /// The CSV file.
        file: PathBuf,
        /// The edition's name, such as "ONSPD February 2026".
        #[arg(long)]
        edition: Option<String>,
    },
}

/// `oss dead-letters`
#[derive(Debug, Args)]
pub(crate) struct DeadLetters {
    /// Asks for this one to be handled again.
    #[arg(long, value_name = "ID")]
    pub(crate) retry: Option<DeadLetterId>,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
}

/// `oss audit`
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Walks every chain from its first line to its last, and checks the signed checkpoints.
    #[command(
        after_help = "Example:\n  oss audit verify --checkpoint /mnt/elsewhere/checkpoints.jsonl"
    )]
    Verify {
        /// Checkpoints that were kept outside the database, a line each: all of them must still hold.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
    /// Signs where every chain ends now, and prints a line for each council, to be kept elsewhere.
    #[command(
        after_help = "Example:\n  oss audit checkpoint --append /mnt/elsewhere/checkpoints.jsonl"
    )]
    Checkpoint {
        /// Adds the lines to this file instead; it is made where there is none, for its owner alone.
        #[arg(long, value_name = "FILE")]
        append: Option<PathBuf>,
    },
}

/// `oss bench`
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// How many settings the supply holds.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) settings: u32,
    /// Referrals a second in the open loop; several, one after the other.
    #[arg(long, default_values_t = [100, 500], value_delimiter = ',',
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: Vec<u32>,
    /// How long the open loop runs at each rate.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    /// How many referrals wait when what is sustained is measured, and the floor.
    #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    pub(crate) backlog: u32,
    /// Leaves NATS's sync_interval at its default of two minutes.
    #[arg(long)]
    pub(crate) lazy_sync: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        let cli = Cli::command();
        let mut open: Vec<_> = cli.get_subcommands().collect();
        while let Some(command) = open.pop() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                help.contains("oss "),
                "{} shows no example",
                command.get_name()
            );
            open.extend(command.get_subcommands());
        }
    }

    #[test]
    fn what_cannot_be_meant_is_wrong_usage() {
        for typed in [
            "publish --type referral.exploded event.json",
            "offers --authority Derby R01",
            "offers R/01",
            "explain --run R01",
            "explain R01 F/07",
            "dead-letters --retry 1",
            "dead-letters --limit 0",
        ] {
            let typed: Vec<_> = ["oss"].into_iter().chain(typed.split(' ')).collect();
            let error = Cli::try_parse_from(&typed).expect_err(&typed.join(" "));
            assert_eq!(error.exit_code(), 2, "{typed:?}");
        }
    }
}
