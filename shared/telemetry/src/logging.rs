//! Logs, to standard error: JSON lines for machines, text for a person at a terminal.

use std::{io::IsTerminal, str::FromStr};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As [`LogFormat::Text`] on a terminal, else as [`LogFormat::Json`].
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// Lines for a person.
    Text,
}

impl FromStr for LogFormat {
    type Err = UnknownFormat;
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        match text {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(UnknownFormat),
        }
    }
}

/// A text is not a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of auto, json, text")]
pub struct UnknownFormat;

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter is malformed.
    #[error("the log filter is malformed: an example is `info,oss_matcher=debug`")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// It has been set up before.
    #[error("logging is set up already")]
    Again(#[from] tracing_subscriber::util::TryInitError),
}

/// Sets up logging for the process, panics included.
///
/// `filter` is as in `info,oss_matcher=debug,async_nats=warn`.
///
/// # Errors
///
/// Returns an error where the filter is malformed or logging is set up already.
pub fn init(format: LogFormat, filter: &str) -> Result<(), LoggingError> {
    let filter = EnvFilter::try_new(filter)?;
    let terminal = std::io::stderr().is_terminal();
    let json = match format {
        LogFormat::Auto => !terminal,
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        let lines = fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_writer(std::io::stderr);
        registry.with(lines).try_init()?;
    } else {
        let lines = fmt::layer()
            .compact()
            .with_ansi(terminal)
            .with_writer(std::io::stderr);
        registry.with(lines).try_init()?;
    }
    log_panics();
    Ok(())
}

/// A panic becomes a log line like any other. Its message is left out, since it may quote what a
/// child's record holds; the place is enough to find it.
fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(
            panic.location = place,
            panic.thread = thread.name().unwrap_or_default(),
            panic.backtrace = %backtrace,
            "a bug: the program panicked at {place}"
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read() {
        assert_eq!("json".parse(), Ok(LogFormat::Json));
        assert_eq!("JSON".parse::<LogFormat>(), Err(UnknownFormat));
    }

    #[test]
    fn a_bad_filter_is_an_error() {
        let error = init(LogFormat::Json, "oss=loud").unwrap_err();
        assert!(error.to_string().contains("info,oss_matcher=debug"));
    }
}
