//! How a worker is started.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::WORKER_ARGUMENT;

/// The program and arguments by which a script worker is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerProgram {
    path: PathBuf,
    arguments: Vec<OsString>,
}

/// A started worker.
pub(super) struct Started {
    pub(super) child: Child,
    pub(super) input: ChildStdin,
    pub(super) output: ChildStdout,
    /// What the worker writes to its standard error.
    pub(super) journal: File,
}

impl WorkerProgram {
    /// This very program; it stays the same one when its file is replaced by an upgrade.
    #[must_use]
    pub fn this_binary() -> Self {
        let running = PathBuf::from("/proc/self/exe");
        let path = if running.exists() {
            running
        } else {
            std::env::current_exe().unwrap_or(running)
        };
        Self::at(path)
    }

    /// The program of a path, which must understand [`WORKER_ARGUMENT`].
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            arguments: vec![WORKER_ARGUMENT.into()],
        }
    }

    /// Starts a worker: nothing of our environment, its own process group (so that Ctrl-C in a terminal is ours
    /// alone), and killed when it is dropped. It bounds itself as its first act.
    ///
    /// Called on a runtime's own thread: the kernel ends the worker when the thread that started it ends.
    pub(super) fn start(&self, memory: u64) -> io::Result<Started> {
        let journal = memory_file()?;
        let mut child = Command::new(&self.path)
            .args(&self.arguments)
            .arg(memory.to_string())
            .env_clear()
            // The allocator would reserve a gibibyte at once, which the limit on the address space is to prevent; with
            // nothing in reserve it would ask the kernel for every page anew.
            .env("MIMALLOC_ARENA_RESERVE", "32MiB")
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(journal.try_clone()?))
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("the worker has no pipes");
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        Ok(Started {
            child,
            input,
            output,
            journal,
        })
    }
}

fn memory_file() -> io::Result<File> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    Ok(File::from(rustix::fs::memfd_create(
        "map-worker-journal",
        flags,
    )?))
}
