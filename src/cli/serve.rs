//! `fieldbridge serve`: the engine without a console.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::arguments::ServeArguments;
use super::context::Context;
use super::failure::CliError;
use super::logging::Audience;
use super::running::Running;

pub(super) async fn serve(context: &Context, arguments: &ServeArguments) -> Result<(), CliError> {
    context.may_change()?;
    if arguments.detached {
        // Fails only for a process that leads its group already, and that one is detached as it is.
        let _leads_already = rustix::process::setsid();
    }
    let mut signals = Signals::listen()?;
    let running = Running::start(context, Audience::People).await?;
    tracing::info!(address = %running.address(), "ready");
    tokio::select! {
        name = signals.next() => tracing::info!("{name}: stopping; once more stops at once"),
        () = running.stop_asked() => {}
    }
    tokio::select! {
        () = running.stop() => Ok(()),
        name = signals.next() => Err(CliError::failed(format!(
            "{name} again: stopped at once; what was in flight is resumed at its step by the next start"
        ))),
    }
}

/// The signals by which a process is asked to end.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, CliError> {
        let failed = |error| CliError::failed(format!("signals can't be received: {error}"));
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
        })
    }

    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
