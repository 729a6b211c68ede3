//! Jsonnet, at arm's length.
//!
//! A script is untrusted, and no guard inside a process holds it: it can exhaust memory, overflow the stack
//! or never end. So the interpreter lives in child processes of this same binary ([`worker_main`]), and the
//! engine's process only writes frames to them and reads what comes back ([`Pool`]). A child that oversteps
//! is killed; a journal it keeps in a memory file tells which script it was at.

mod blame;
mod explain;
mod frame;
mod input;
mod interpreter;
mod journal;
mod natives;
mod output;
mod pool;
mod program;
mod worker;

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::problem::Position;
use super::script::Origin;

#[cfg(test)]
pub(super) use natives::natives;
pub(super) use pool::Pool;
pub use program::WorkerProgram;
pub use worker::worker_main;

/// The hidden first argument that makes the binary a script worker.
pub const WORKER_ARGUMENT: &str = "__map-worker";

/// What scripts may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long all scripts of one record may take together, once they are prepared.
    pub deadline: Duration,
    /// How long reading all scripts of a mapping may take, once per worker.
    pub preparation: Duration,
    /// The address space that scripts may use in a worker, in bytes.
    pub memory: u64,
    /// How many workers may be at work at the same time; one more is kept warm.
    pub workers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            deadline: Duration::from_millis(250),
            preparation: Duration::from_secs(2),
            memory: 512 * 1024 * 1024,
            workers: processors.clamp(2, 8),
        }
    }
}

/// The scripts of one rule, by their place in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Task {
    /// The rule's number.
    pub(super) rule: usize,
    pub(super) when: Option<usize>,
    pub(super) script: Option<usize>,
}

/// What a rule's scripts gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// The condition does not hold.
    WhenFalse,
    /// The condition holds, and there is no other script.
    WhenTrue,
    /// The script's result.
    Value(Value),
    /// The condition could not be evaluated.
    WhenFailed(Fault),
    /// The script could not be evaluated.
    Failed(Fault),
}

/// What all scripts of a record gave, by rule number.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) outcomes: HashMap<usize, Outcome>,
    pub(super) trace: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// Why a script gave nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fault {
    /// What happened, in words for people.
    pub(super) what: String,
    /// What to do about it.
    pub(super) hint: Option<String>,
    /// Where, if the interpreter could tell.
    pub(super) place: Option<Place>,
    /// Whether it was the worker's trouble and not the script's.
    pub(super) worker_trouble: bool,
}

/// A place in a script or an imported file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The imported file, or none for the script itself.
    pub(super) file: Option<String>,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Fault {
    fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ..Self::default()
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The place as a person finds it: in the mapping file, or in an imported one.
    pub(super) fn position(&self, origin: Option<&Origin>) -> Option<Position> {
        let place = self.place.as_ref()?;
        match &place.file {
            Some(file) => Some(Position {
                file: file.clone(),
                line: place.line,
                column: place.column,
            }),
            None => origin.map(|origin| origin.locate(place.line, place.column)),
        }
    }
}
