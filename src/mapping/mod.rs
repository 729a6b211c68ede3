//! Mappings: rules that turn a source record into an output, and scripts in child processes.
//!
//! What belongs here: reading rules, paths, values, dates, the actions, Jsonnet and the guard around it, checks.
//! What may never enter: sockets, the store, platforms, and any Jsonnet in the engine's own process.
//!
//! [`Mapping::parse`] reads a file and prepares everything that can be prepared; [`Evaluator::evaluate`]
//! executes the rules of one direction on one record and tells for every field where its value came from.
//! Scripts are untrusted: they run in children of this same binary ([`worker_main`]) that are bounded in memory
//! and time, and that are killed when they overstep.

mod case;
mod check;
mod compile;
mod complete;
mod convert;
pub mod date;
mod evaluate;
mod execute;
mod functions;
mod hosted;
mod jsonnet;
mod library;
mod mask;
mod node;
mod outline;
pub mod path;
mod problem;
mod rule;
mod script;
mod sketch;
mod source_file;
mod suggest;
mod tokens;
pub mod value;

pub use case::{CASES_ENDING, Case, Difference, Expectation, Purpose};
pub use check::check;
pub use complete::{Completing, Completions, Offer, complete};
pub use evaluate::{
    Evaluate, Evaluation, Evaluator, FieldTrace, How, MappingProblem, MappingWarning, Required,
};
pub use hosted::{HostedExport, from_hosted_json, to_hosted_json};
pub use jsonnet::{Limits, WORKER_ARGUMENT, WorkerProgram, worker_main};
pub use mask::{Masked, Masks, mask};
pub use outline::{
    RuleText, blank_rule, insert_rule, move_rule, outline, remove_rule, replace_rule,
};
pub use path::{Path, PathError, flatten};
pub use problem::{Position, Problem, Severity};
pub use rule::{Action, MapEntry, NoMatch, Part, Range, Rule, Source};
pub use script::{Link, Script};
pub use source_file::{Mapping, Sources};
