//! Starts the program; everything else is in the library.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use fieldbridge::mapping::{WORKER_ARGUMENT, worker_main};

/// Many small, short-lived values are what mapping makes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything else: a script worker must not read configuration, open sockets or start threads.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == WORKER_ARGUMENT)
    {
        return worker_main();
    }
    // The HTTP client panics without a provider; a second installation is refused and does no harm.
    drop(rustls::crypto::ring::default_provider().install_default());
    // The exit codes are documented, and the one a panic would give is none of them.
    catch_unwind(AssertUnwindSafe(fieldbridge::cli::run)).unwrap_or(ExitCode::FAILURE)
}
