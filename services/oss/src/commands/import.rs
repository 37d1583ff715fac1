//! `oss import`: settings, or a newer edition of the postcodes.

use crate::{cli, connection::Target, output, roles};
use anyhow::{Context, bail};
use oss_contract::register;
use oss_domain::{Clock, Ids, Setting};
use oss_geography::import::{self, Expectations};
use oss_runtime::{SystemClock, seeded_rng};
use oss_storage::PgStore;
use oss_workflow::{Actor, Context as StepContext, Store, Wanted, admission, supply};
use serde_json::json;
use std::{fs::File, path::Path, process::ExitCode};

/// So many settings are committed together.
const CHUNK: usize = 200;

pub(crate) async fn run(
    args: &cli::Import,
    target: &Target,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    match args {
        cli::Import::Settings { file } => settings(file, target, as_json).await,
        cli::Import::Postcodes { file, edition } => {
            postcodes(file, edition.as_deref(), target, as_json).await
        }
    }
}

async fn settings(file: &Path, target: &Target, as_json: bool) -> anyhow::Result<ExitCode> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let entries =
        register::entries(&text).with_context(|| format!("{} is not JSON", file.display()))?;
    let n_entries = entries.len();
    let store = roles::store(target, "oss import")?;
    let (policy, gazetteer) = (roles::policy(target)?, roles::gazetteer(&store).await?);
    let (mut good, mut n_faulty) = (Vec::new(), 0);
    for (idx, entry) in entries.into_iter().enumerate() {
        let read = entry.and_then(|setting| {
            let faults = admission::setting_faults(&setting, &gazetteer, &policy);
            if faults.is_empty() {
                Ok(setting)
            } else {
                Err(faults)
            }
        });
        match read {
            Ok(setting) => good.push(setting),
            Err(faults) => {
                n_faulty += 1;
                for fault in faults {
                    output::progress(format_args!(
                        "setting {}: {} {}",
                        idx + 1,
                        fault.pointer,
                        fault.detail
                    ));
                }
            }
        }
    }
    if n_faulty > 0 {
        bail!("{n_faulty} of {n_entries} settings are not valid; nothing was imported");
    }
    let n_changed = store_settings(&store, good, "oss import").await?;
    store.close().await;
    if as_json {
        output::json(&json!({"read": n_entries, "changed": n_changed}))?;
    } else {
        output::line(format_args!(
            "{n_changed} of {n_entries} settings were new or changed"
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Stores settings as `who`, and tells of the progress. Returns how many were new or changed.
pub(crate) async fn store_settings(
    store: &PgStore,
    settings: Vec<Setting>,
    who: &str,
) -> anyhow::Result<usize> {
    let (clock, mut rng) = (SystemClock, seeded_rng());
    let (n, mut n_done, mut n_changed) = (settings.len(), 0, 0);
    let mut settings = settings.into_iter().peekable();
    while settings.peek().is_some() {
        let chunk: Vec<Setting> = settings.by_ref().take(CHUNK).collect();
        let stored = chunk.len();
        n_done += stored;
        let wanted = Wanted {
            settings: chunk
                .iter()
                .map(|it| (it.authority, it.setting_id.clone()))
                .collect(),
            ..Wanted::default()
        };
        let (mut unit, transaction) = store.open(&wanted).await?;
        let mut ids = Ids::new(&clock, &mut rng);
        let mut context = StepContext {
            actor: Actor::Person(who.into()),
            now: clock.now(),
            traceparent: None,
            ids: &mut ids,
        };
        for setting in chunk {
            n_changed += usize::from(supply::change_setting(&mut unit, &mut context, setting)?);
        }
        store.commit(unit, transaction).await?;
        // A line a tenth is enough, however many there are.
        let tenth = |done: usize| done * 10 / n;
        if n > CHUNK && tenth(n_done) > tenth(n_done - stored) {
            output::progress(format_args!("{n_done} of {n} settings"));
        }
    }
    Ok(n_changed)
}

async fn postcodes(
    file: &Path,
    edition: Option<&str>,
    target: &Target,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let store = roles::store(target, "oss import")?;
    let current = roles::gazetteer(&store).await?;
    let authorities = target.config.authorities()?;
    let today = SystemClock.now().date_naive();
    let name = edition.map_or_else(
        || {
            file.file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default()
        },
        str::to_owned,
    );
    output::progress(format_args!("reading {} …", file.display()));
    let reader = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let expectations = Expectations::national(current.edition().clone(), authorities);
    let imported = import::read(reader, None, &name, today, &expectations)
        .context("the file was refused whole; the postcodes in use stay")?;
    store
        .put_postcodes(&name, &imported.pack, SystemClock.now())
        .await?;
    store.close().await;
    let counts = &imported.edition;
    if as_json {
        output::json(
            &json!({"edition": name, "postcodes": counts.postcodes, "sectors": counts.sectors}),
        )?;
    } else {
        output::line(format_args!(
            "{name}: {} postcodes in {} sectors; the services use them once they are started again",
            counts.postcodes, counts.sectors
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
