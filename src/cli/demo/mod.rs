//! `fieldbridge demo`: stand-ins, an engine and realistic traffic in one command, without accounts or network.
//! `fieldbridge sandbox`: the stand-ins alone, for rehearsing a real configuration.

mod stage;
mod verdict;

use std::io::{self, IsTerminal};
use std::time::Duration;

use serde_json::json;

use super::arguments::{DemoArguments, Global, SandboxArguments};
use super::context::Context;
use super::failure::CliError;
use super::logging::Audience;
use super::running::Running;
use super::{console, serve};
use crate::console::Embedded;
use crate::model::PlatformKind;
use crate::sandbox::{Traffic, TrafficSettings, available as stand_ins};
use stage::Stage;

/// The platforms of the demo unless others are named.
const DEMO: &[PlatformKind] = &[
    PlatformKind::ConnectWise,
    PlatformKind::ServiceNow,
    PlatformKind::Salesforce,
    PlatformKind::Freshdesk,
];

/// How often a ticket is opened on each platform, at most; opening one takes a moment.
const TICKETS_PER_SECOND: f64 = 6.0;

/// How long technicians go on after the last ticket.
const FINISH: Duration = Duration::from_secs(4);

/// How long the engine may take to finish what is under way once the traffic has stopped.
const DRAIN: Duration = Duration::from_secs(30);

pub(super) async fn demo(context: &Context, arguments: &DemoArguments) -> Result<(), CliError> {
    let headless = arguments.headless || context.output.is_json();
    let has_terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
    if !headless && !has_terminal {
        return Err(CliError::Usage(
            "the demo's console needs a terminal; without one use: fieldbridge demo --headless --for 20s".to_owned(),
        ));
    }
    let stage = Stage::set(&arguments.platforms.chosen(DEMO), 0).await?;
    let engine_context = stage.context(context)?;
    let running = Running::start(&engine_context, Audience::FilesOnly).await?;
    stage.connect(&running).await?;
    let platforms = u32::try_from(stage.sandbox().desks().len()).unwrap_or(1);
    let traffic = Traffic::start(
        stage.sandbox().clone(),
        TrafficSettings {
            tickets_per_second: TICKETS_PER_SECOND * f64::from(platforms),
            ..TrafficSettings::default()
        },
    );
    let result = if headless {
        let time = arguments.time.unwrap_or(Duration::from_secs(20));
        run_headless(context, &stage, &running, &traffic, time).await
    } else {
        let result = run_console(context, &engine_context, &stage, arguments.time).await;
        traffic.stop().await;
        result
    };
    running.stop().await;
    stage.strike().await;
    result
}

async fn run_console(
    context: &Context,
    engine_context: &Context,
    stage: &Stage,
    time: Option<Duration>,
) -> Result<(), CliError> {
    let client = engine_context.connect().await?;
    let shown = console::show(engine_context, client, Embedded::No);
    tokio::select! {
        left = shown => left.map(drop)?,
        () = limit(time) => {}
    }
    context.output.note(&format!(
        "the demo's files were in {}; they are removed now",
        stage.directory().display()
    ));
    Ok(())
}

async fn limit(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

async fn run_headless(
    context: &Context,
    stage: &Stage,
    running: &Running,
    traffic: &Traffic,
    time: Duration,
) -> Result<(), CliError> {
    let mut signals = serve::Signals::listen()?;
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        _name = signals.next() => {}
    }
    traffic.stop_opening();
    let control = running.control();
    // Technicians finish what they began; then everything on the way arrives.
    tokio::time::sleep(FINISH).await;
    traffic.stop().await;
    verdict::drain(control.as_ref(), stage.sandbox(), DRAIN).await?;
    let verdict = verdict::judge(control.as_ref(), stage.sandbox(), traffic).await?;
    context
        .output
        .result(&verdict, |_| format!("{verdict}\n"))?;
    if verdict.is_good() {
        Ok(())
    } else {
        Err(CliError::failed(format!(
            "{} lost, {} doubled: {}",
            verdict.lost,
            verdict.duplicates,
            verdict.particulars.join("; ")
        )))
    }
}

pub(super) async fn sandbox(
    context: &Context,
    arguments: &SandboxArguments,
) -> Result<(), CliError> {
    let platforms = arguments.platforms.chosen(stand_ins());
    let stage = Stage::set(&platforms, arguments.port.unwrap_or(0)).await?;
    let sandbox = stage.sandbox();
    let field_nation = sandbox.field_nation.credentials();
    let mut value = json!({
        "field_nation": {
            "base_url": sandbox.field_nation.base_url(), "client_id": field_nation.client_id,
            "client_secret": field_nation.client_secret, "username": field_nation.username,
            "password": field_nation.password,
        },
    });
    for desk in sandbox.desks() {
        value[desk.platform().word()] = desk.credentials();
    }
    let text = format!(
        "stand-ins on loopback, until Ctrl-C (their credentials are made up):\n{}\n\
         faults and journals: curl <base_url>/__sandbox/faults and …/__sandbox/journal",
        serde_json::to_string_pretty(&value).unwrap_or_default()
    );
    context.output.result(&value, |_| format!("{text}\n"))?;
    let mut signals = serve::Signals::listen()?;
    let _name = signals.next().await;
    stage.strike().await;
    Ok(())
}

/// The flags under which the demo's own engine runs.
fn flags(directory: &std::path::Path) -> Global {
    Global {
        config: Some(directory.join("config")),
        data: Some(directory.join("data")),
        ..Global::default()
    }
}
