//! Starts the program; everything else is in the library.

use std::process::ExitCode;

use fieldbridge::mapping::{WORKER_ARGUMENT, worker_main};

fn main() -> ExitCode {
    // Before anything else: a script worker must not read configuration, open sockets or start threads.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == WORKER_ARGUMENT)
    {
        return worker_main();
    }
    ExitCode::SUCCESS
}
