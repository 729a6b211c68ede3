//! Where the engine's log goes: JSON lines in daily files, and lines for people on stderr when there is no console.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use super::failure::CliError;

/// The environment variable that says what is logged, e.g. `debug` or `info,fieldbridge::http=debug`.
const VARIABLE: &str = "FIELDBRIDGE_LOG";

/// Who else reads the log than the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Somebody at stderr.
    People,
    /// Nobody: the console has the terminal.
    FilesOnly,
}

/// Begins logging. What was logged is on disk once the guard is dropped.
pub(super) fn begin(
    directory: &Path,
    keep_days: usize,
    audience: Audience,
) -> Result<WorkerGuard, CliError> {
    let failed = |error: String| {
        CliError::failed(format!(
            "the log in {} can't be written: {error}",
            directory.display()
        ))
    };
    // The appender looks for old files before it makes the directory, and complains on stderr.
    fs::create_dir_all(directory).map_err(|error| failed(error.to_string()))?;
    let files = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("fieldbridge")
        .filename_suffix("log")
        .max_log_files(keep_days.max(1))
        .build(directory)
        .map_err(|error| failed(error.to_string()))?;
    // Lossy on purpose: a full disk must not stop the engine for the sake of its log.
    let (files, guard) = NonBlockingBuilder::default().lossy(true).finish(files);
    let json = fmt::layer().json().with_writer(files);
    let people = (audience == Audience::People).then(|| {
        fmt::layer()
            .with_ansi(io::stderr().is_terminal())
            .with_writer(io::stderr)
    });
    tracing_subscriber::registry()
        .with(filter()?)
        .with(json)
        .with(people)
        .try_init()
        .map_err(|error| failed(error.to_string()))?;
    Ok(guard)
}

fn filter() -> Result<EnvFilter, CliError> {
    match std::env::var(VARIABLE) {
        Ok(directives) if !directives.is_empty() => EnvFilter::try_new(directives)
            .map_err(|error| CliError::Usage(format!("${VARIABLE} can't be understood: {error}"))),
        _ => Ok(EnvFilter::new("info")),
    }
}
