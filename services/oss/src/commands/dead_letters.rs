//! `oss dead-letters`: what could not be handled, and another try.

use crate::{cli, connection::Target, output, roles};
use anyhow::bail;
use oss_domain::Clock;
use oss_runtime::SystemClock;
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(
    args: &cli::DeadLetters,
    target: &Target,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let store = roles::store(target, "oss dead-letters")?;
    if let Some(id) = args.retry {
        if !store.request_retry(id, SystemClock.now()).await? {
            bail!("there is no dead letter {id} that waits");
        }
        if as_json {
            output::json(&json!({ "id": id.to_string() }))?;
        } else {
            output::line(format_args!("{id} will be handled again within seconds"))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let letters = store.list_dead_letters(None, args.limit).await?;
    if as_json {
        let items: Vec<_> = letters
            .iter()
            .map(|letter| {
                json!({
                    "id": letter.dead_letter_id.to_string(),
                    "subject": letter.subject,
                    "type": letter.event_type,
                    "reason": letter.reason,
                    "attempts": letter.attempts,
                    "received_at": letter.received_at,
                })
            })
            .collect();
        output::json(&items)?;
    } else if letters.is_empty() {
        output::line("no dead letters")?;
    } else {
        let rows: Vec<Vec<String>> = letters
            .iter()
            .map(|letter| {
                vec![
                    letter.dead_letter_id.to_string(),
                    letter.received_at.format("%F %T").to_string(),
                    letter.subject.clone(),
                    letter.attempts.to_string(),
                    letter.reason.clone(),
                ]
            })
            .collect();
        output::table(
            &["id", "received (UTC)", "subject", "tries", "reason"],
            &rows,
        )?;
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
