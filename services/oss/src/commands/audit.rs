//! `oss audit`: whether the audit is as it was written, and signed checkpoints of where it ends.

use crate::{cli::Audit, connection::Target, output, roles};
use anyhow::Context;
use chrono::{DateTime, Utc};
use oss_domain::Clock;
use oss_runtime::SystemClock;
use oss_storage::{
    PgStore,
    audit::{Checkpoint, PublicKey},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

pub(crate) async fn run(args: &Audit, target: &Target, as_json: bool) -> anyhow::Result<ExitCode> {
    let store = roles::patient_store(target, "oss audit")?;
    let ended = match args {
        Audit::Verify { checkpoint } => {
            verify(&store, target, checkpoint.as_deref(), as_json).await
        }
        Audit::Checkpoint { append } => checkpoint(&store, target, append.as_deref()).await,
    };
    store.close().await;
    ended
}

/// A checkpoint as a line of a file.
#[derive(Debug, Deserialize, Serialize)]
struct Kept {
    authority: String,
    number: i64,
    at: DateTime<Utc>,
    previous: String,
    digest: String,
    signature: String,
    /// For whoever is to verify it; what is trusted is what the configuration names.
    public_key: String,
}

impl Kept {
    fn new(checkpoint: &Checkpoint, key: &PublicKey) -> Self {
        Self {
            authority: checkpoint.authority.to_string(),
            number: checkpoint.number,
            at: checkpoint.at,
            previous: hex::encode(checkpoint.previous),
            digest: hex::encode(checkpoint.digest),
            signature: hex::encode(checkpoint.signature),
            public_key: hex::encode(key.as_bytes()),
        }
    }

    fn checkpoint(&self) -> anyhow::Result<Checkpoint> {
        let mut checkpoint = Checkpoint {
            authority: self.authority.parse()?,
            number: self.number,
            at: self.at,
            previous: [0; 32],
            digest: [0; 32],
            signature: [0; 64],
        };
        hex::decode_to_slice(&self.previous, &mut checkpoint.previous)?;
        hex::decode_to_slice(&self.digest, &mut checkpoint.digest)?;
        hex::decode_to_slice(&self.signature, &mut checkpoint.signature)?;
        Ok(checkpoint)
    }
}

async fn checkpoint(
    store: &PgStore,
    target: &Target,
    file: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let key = target.config.checkpoint_key()?.context(
        "keys.checkpoint_key_file is not set; name a file with 32 bytes in hex, such as `openssl rand -hex 32` writes",
    )?;
    // Before anything is signed: what cannot be kept is not made.
    let mut file = file.map(to_append).transpose()?;
    for authority in target.config.authorities()? {
        let made = store
            .make_checkpoint(authority, &key, SystemClock.now())
            .await
            .context("no checkpoint was made")?;
        let kept = Kept::new(&made, &key.public());
        let line = serde_json::to_string(&kept)?;
        match &mut file {
            None => output::line(line)?,
            Some(file) => {
                writeln!(file, "{line}")?;
                file.sync_all()?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn to_append(file: &Path) -> anyhow::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    let options = options.append(true).create(true).mode(0o600);
    let opened = options.open(file);
    opened.with_context(|| format!("cannot add to {}", file.display()))
}

fn read_kept(file: &Path) -> anyhow::Result<Vec<Checkpoint>> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let lines = (1..).zip(text.lines());
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(nth, line)| {
            let kept = serde_json::from_str::<Kept>(line).map_err(anyhow::Error::from);
            kept.and_then(|kept| kept.checkpoint())
                .with_context(|| format!("{}:{nth} is no checkpoint", file.display()))
        })
        .collect()
}

async fn verify(
    store: &PgStore,
    target: &Target,
    file: Option<&Path>,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let kept = file.map(read_kept).transpose()?;
    let keys = target.config.checkpoint_signers()?;
    if kept.is_some() && keys.is_empty() {
        anyhow::bail!("keys.checkpoint_signers is empty; name what checkpoints are signed with");
    }
    let since = Instant::now();
    let walk = store
        .walk_audit()
        .await
        .context("the audit could not be read")?;
    let took = since.elapsed();
    let mut found = walk.found;
    found.extend(store.check_audit_is_complete().await?);
    if keys.is_empty() {
        output::progress("checkpoints are not verified: keys.checkpoint_signers is empty");
    } else {
        let kept = kept.unwrap_or_default();
        found.extend(store.check_checkpoints(&keys, &kept).await?);
    }
    let whole = found.is_empty();
    if as_json {
        let broken: Vec<_> = found.iter().map(|it| &it.what).collect();
        let (lines, seconds) = (walk.lines, since.elapsed().as_secs_f64());
        output::json(&json!({
            "whole": whole, "broken": broken, "lines": lines, "seconds": seconds
        }))?;
    } else if whole {
        output::line(format_args!(
            "every chain is whole: {} lines, {} a second",
            walk.lines,
            a_second(walk.lines, took)
        ))?;
    } else {
        for violation in &found {
            output::line(&violation.what)?;
        }
    }
    Ok(if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn a_second(lines: u64, took: Duration) -> u128 {
    u128::from(lines) * 1_000_000 / took.as_micros().max(1)
}
