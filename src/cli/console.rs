//! `fieldbridge` alone: the console, on the engine that runs or on one that is started for it.

use std::env;
use std::io::{self, IsTerminal};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::failure::CliError;
use super::logging::Audience;
use super::running::Running;
use crate::api::{Access, Client};
use crate::console::{self, ConsoleSettings, Embedded, Exit, Mode};
use crate::model::TokioClock;

pub(super) async fn open(context: &Context) -> Result<(), CliError> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(CliError::Usage(
            "the console needs a terminal; `fieldbridge --help` lists what works without one"
                .to_owned(),
        ));
    }
    if let Some(client) = context.connect_if_running().await? {
        show(context, client, Embedded::No).await?;
        return Ok(());
    }
    if context.access == Access::ReadOnly {
        return Err(CliError::NotRunning(
            "no engine is running, and with --read-only none is started".to_owned(),
        ));
    }
    let running = Running::start(context, Audience::FilesOnly).await?;
    let left = match context.connect().await {
        Ok(client) => show(context, client, Embedded::Yes).await,
        Err(error) => Err(error),
    };
    running.stop().await;
    match left? {
        Exit::Detach | Exit::StopEngine => Ok(()),
        Exit::HandOver => hand_over(context).await,
    }
}

/// Shows the console until the person leaves it.
pub(super) async fn show(
    context: &Context,
    client: Client,
    embedded: Embedded,
) -> Result<Exit, CliError> {
    let settings = context.loaded().settings.as_ref().ok();
    let settings = ConsoleSettings {
        config_directory: Some(context.directory.path().to_owned()),
        log_directory: Some(context.data()?.logs()),
        theme: settings.and_then(|settings| settings.theme.clone()),
        keys: settings
            .map(|settings| settings.keys.clone())
            .unwrap_or_default(),
        mode: match context.access {
            Access::Full => Mode::Full,
            Access::ReadOnly => Mode::ReadOnly,
        },
        embedded,
        glyphs: None,
    };
    console::run(settings, Arc::new(client), Arc::new(TokioClock::start()))
        .await
        .map_err(|error| CliError::failed(error.to_string()))
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
