//! The command line: reads arguments, calls the other rooms, prints what they answer.
//!
//! Each command prints text for people or, with `--json`, exactly one JSON value; what is wrong goes to stderr and
//! into the exit code. Nothing is decided here that a console or another program would have to decide again.

mod arguments;
mod audit;
mod cases;
mod check;
mod connector;
mod console;
mod context;
mod demo;
mod doctor;
mod failure;
mod fieldnation;
mod import;
mod init;
mod logging;
mod mapping;
mod mapping_check;
mod mapping_explain;
mod mapping_text;
mod offline;
mod output;
mod running;
mod secret;
mod serve;
mod shell;
mod table;
mod text;
mod transaction;
mod transaction_text;
mod words;
mod workbench;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};

use arguments::{Arguments, Command, ConnectorCommands};
use context::Context;
use failure::CliError;

/// Runs the program with the process's arguments; answers its exit code.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; clap knows to which stream each belongs.
            let _nobody_reads = error.print();
            return if error.use_stderr() {
                failure::USAGE.into()
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let output = output::Output::new(arguments.global.json, arguments.global.color);
    let done = Context::new(&arguments.global, output.clone())
        .and_then(|context| dispatch(&context, arguments.command));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            error.exit_code().into()
        }
    }
}

fn dispatch(context: &Context, command: Option<Command>) -> Result<(), CliError> {
    let Some(command) = command else {
        return background()?.block_on(console::open(context));
    };
    match command {
        Command::Serve(arguments) => background()?.block_on(serve::serve(context, &arguments)),
        Command::Demo(arguments) => background()?.block_on(demo::demo(context, &arguments)),
        Command::Sandbox(arguments) => background()?.block_on(demo::sandbox(context, &arguments)),
        Command::Init(arguments) => init::init(context, &arguments),
        Command::Check => foreground()?.block_on(check::check(context)),
        Command::Doctor => foreground()?.block_on(doctor::doctor(context)),
        Command::Connector(ConnectorCommands::ImportOpenapi(arguments)) => {
            import::import(context, &arguments)
        }
        Command::Connector(ConnectorCommands::Running(command)) => {
            foreground()?.block_on(connector::run(context, command))
        }
        Command::Fieldnation(command) => foreground()?.block_on(fieldnation::run(context, command)),
        Command::Mapping(command) => foreground()?.block_on(mapping::run(context, command)),
        Command::Tx(command) => foreground()?.block_on(transaction::run(context, command)),
        Command::Secret(command) => foreground()?.block_on(secret::run(context, command)),
        Command::Audit(arguments) => foreground()?.block_on(audit::audit(context, &arguments)),
        Command::Completions(arguments) => shell::completions(context, &arguments),
        Command::Man(arguments) => shell::manual(context, &arguments),
    }
}

/// The runtime of a command that asks a question and ends.
fn foreground() -> Result<Runtime, CliError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| CliError::failed(format!("the program can't start: {error}")))
}

/// The runtime of an engine.
fn background() -> Result<Runtime, CliError> {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .thread_name("fieldbridge")
        .build();
    runtime.map_err(|error| CliError::failed(format!("the engine can't start: {error}")))
}
