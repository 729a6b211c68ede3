//! `fieldbridge` alone: the console, on the engine that runs or on one that is started for it.

use std::env;
use std::io::{self, IsTerminal};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::context::Context;
use super::failure::CliError;
use super::logging::Audience;
use super::running::Running;
use crate::api::Client;

/// How the person left the console.
#[expect(
    dead_code,
    reason = "the console's own function makes these, see `show`"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// The engine is another process and goes on.
    Detached,
    /// The engine in this process is to be stopped.
    StopEngine,
    /// The engine in this process is to be handed over to a background `serve`.
    HandOver,
}

pub(super) async fn open(context: &Context) -> Result<(), CliError> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(CliError::Usage(
            "the console needs a terminal; `fieldbridge --help` lists what works without one"
                .to_owned(),
        ));
    }
    if let Some(client) = context.connect_if_running().await? {
        show(context, client).await?;
        return Ok(());
    }
    let running = Running::start(context, Audience::FilesOnly).await?;
    let left = match context.connect().await {
        Ok(client) => show(context, client).await,
        Err(error) => Err(error),
    };
    running.stop().await;
    match left? {
        Left::Detached | Left::StopEngine => Ok(()),
        Left::HandOver => hand_over(context).await,
    }
}

/// Shows the console until the person leaves it.
#[expect(
    clippy::unused_async,
    reason = "the console's own function, called here, waits for keys"
)]
async fn show(_context: &Context, _client: Client) -> Result<Left, CliError> {
    Err(CliError::failed(
        "this build has no console; run `fieldbridge serve` and use the other commands",
    ))
}

/// How long a background engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts `serve` in the background and waits until it answers.
async fn hand_over(context: &Context) -> Result<(), CliError> {
    let failed = |error: io::Error| {
        CliError::failed(format!("the engine could not be handed over: {error}"))
    };
    let program = env::current_exe().map_err(failed)?;
    let data = context.data()?;
    let mut child = Command::new(program)
        .arg("--config")
        .arg(context.directory.path())
        .arg("--data")
        .arg(data.path())
        .args(["serve", "--detached"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let until = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < until {
        if context.connect_if_running().await?.is_some() {
            context.output.note(&format!(
                "the engine goes on in the background (process {})",
                child.id()
            ));
            return Ok(());
        }
        if child.try_wait().map_err(failed)?.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(CliError::failed(format!(
        "the engine did not start in the background; its log is in {}",
        data.logs().display()
    )))
}
