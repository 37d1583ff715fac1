//! `oss audit verify`: whether the audit is as it was written.

use crate::{connection::Target, output, roles};
use anyhow::Context;
use serde_json::json;
use std::{process::ExitCode, time::Instant};

pub(crate) async fn run(target: &Target, as_json: bool) -> anyhow::Result<ExitCode> {
    let store = roles::store(target, "oss audit")?;
    let since = Instant::now();
    let mut found = store
        .check_audit_chains()
        .await
        .context("the audit could not be read")?;
    found.extend(store.check_audit_is_complete().await?);
    let seconds = since.elapsed().as_secs_f64();
    store.close().await;
    let whole = found.is_empty();
    if as_json {
        let broken: Vec<_> = found.iter().map(|it| &it.what).collect();
        output::json(&json!({"whole": whole, "broken": broken, "seconds": seconds}))?;
    } else if whole {
        output::line(format_args!("every chain is whole ({seconds:.1} s)"))?;
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
