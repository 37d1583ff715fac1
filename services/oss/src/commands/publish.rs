//! `oss publish`: events from files to the broker, each confirmed.

use crate::{cli, commands::broker, connection::Target, output};
use anyhow::{Context, bail};
use oss_contract::{Envelope, FactKind, envelope::CONTENT_TYPE, publish, register::values};
use oss_domain::{Clock, EventId, Ids};
use oss_messaging::{Outgoing, Publisher};
use oss_runtime::{SystemClock, seeded_rng};
use serde_json::{Value, json};
use std::{
    io::{Read, stdin},
    path::Path,
    process::ExitCode,
};

/// So many are sent between two lines of progress.
const CHUNK: usize = 1000;

pub(crate) async fn run(
    args: cli::Publish,
    target: &Target,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let mut messages = Vec::new();
    for file in &args.files {
        let text = read(file)?;
        let events = values(&text).with_context(|| format!("{} is not JSON", file.display()))?;
        for event in events {
            messages.push(message(event, &args).with_context(|| file.display().to_string())?);
        }
    }
    let (n, mut n_duplicates, mut n_failed) = (messages.len(), 0, 0);
    let connection = broker::connect(target, "producer").await?;
    let publisher = Publisher::new(&connection);
    let mut n_done = 0;
    for chunk in messages.chunks(CHUNK) {
        for result in publisher.publish_all(chunk.to_vec()).await {
            match result {
                Ok(confirmed) => n_duplicates += usize::from(confirmed.duplicate),
                Err(error) => {
                    n_failed += 1;
                    output::progress(format_args!(
                        "not published: {}",
                        oss_telemetry::ErrorChain(&error)
                    ));
                }
            }
        }
        n_done += chunk.len();
        if n > CHUNK {
            output::progress(format_args!("{n_done} of {n} published"));
        }
    }
    connection.close().await;
    if as_json {
        output::json(
            &json!({"published": n - n_failed, "duplicates": n_duplicates, "failed": n_failed}),
        )?;
    } else {
        output::line(format_args!(
            "published {} of {n}{}",
            n - n_failed,
            if n_duplicates > 0 {
                format!(" ({n_duplicates} the stream had already)")
            } else {
                String::new()
            }
        ))?;
    }
    Ok(if n_failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn read(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
    } else {
        text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
    }
    Ok(text)
}

/// The message for an event, or for bare data with `--type`.
fn message(value: Value, args: &cli::Publish) -> anyhow::Result<Outgoing> {
    let event = match args.event_type {
        Some(kind) => {
            let (clock, mut rng) = (SystemClock, seeded_rng());
            let id = EventId::generate(&mut Ids::new(&clock, &mut rng));
            let envelope = Envelope {
                id: id.into_uuid().to_string(),
                source: args.source.clone(),
                event_type: kind.event_type(),
                subject: None,
                time: Some(clock.now()),
                traceparent: None,
            };
            publish::wrap(&envelope, value)
        }
        None => value,
    };
    let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
    let (Some(id), Some(source), Some(event_type)) = (text("id"), text("source"), text("type"))
    else {
        bail!("is not a CloudEvent: it lacks id, source or type; for bare data name its --type");
    };
    let kind = event_type
        .strip_prefix("uk.oss.")
        .and_then(|rest| FactKind::of(rest.strip_suffix(".v1")?))
        .with_context(|| format!("{event_type} is no type that is taken in"))?;
    let subject = publish::subject_for(kind, event.get("data").unwrap_or(&Value::Null))
        .context("the data names no authority (and provider) to publish it for")?;
    Ok(Outgoing {
        subject,
        message_id: format!("{source}#{id}"),
        headers: vec![("Content-Type".to_owned(), CONTENT_TYPE.to_owned())],
        payload: event.to_string().into(),
    })
}
