//! Evaluation: what callers ask, and what they are told.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::execute::execute;
use super::jsonnet::{Limits, Pool, Ran, Task, WorkerProgram};
use super::problem::Position;
use super::rule::{Action, Rule};
use super::source_file::Mapping;
use crate::model::{Catalogue, Category, Direction, EventName, Failure};

/// Evaluates mappings. Holds the script workers; cheap to share in an `Arc`, and useful from one tokio runtime.
///
/// A preview has an evaluator of its own, so that a script somebody is just writing delays no transaction.
#[derive(Debug)]
pub struct Evaluator {
    pub(super) pool: Pool,
}

/// What to evaluate on.
#[derive(Clone, Copy, Debug)]
pub struct Evaluate<'a> {
    /// Which rules.
    pub direction: Direction,
    /// The event that brought it about; without one every outbound rule holds.
    pub event: Option<EventName>,
    /// The source record, or the work order (bare, or as the member `workorder` of an event).
    pub input: &'a Value,
    /// The fields of the target side, when they are known: types, picklists, lengths, required ones.
    pub target: Option<&'a Catalogue>,
    /// Whether required targets must be there.
    pub require: Required,
}

/// Whether required targets must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Required {
    /// All of them: something is to be created.
    All,
    /// None: something is to be updated, and what is not set stays as it is.
    None,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The output, nested as its target paths say.
    pub output: Map<String, Value>,
    /// How each field came about, in the order of the rules.
    pub fields: Vec<FieldTrace>,
    /// Everything that is wrong; with any of them the output must not be delivered.
    pub problems: Vec<MappingProblem>,
    /// What is doubtful.
    pub warnings: Vec<MappingWarning>,
    /// The lines that scripts wrote with `std.trace`.
    pub trace: Vec<String>,
}

/// How one field of the output came about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldTrace {
    /// The rule, from 1.
    pub rule: usize,
    /// The target path; empty when a rule that names several targets did nothing.
    pub target: Arc<str>,
    /// The source path, for actions that read one field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Arc<str>>,
    /// What lay there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_value: Option<Value>,
    /// What was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// By which means.
    pub how: How,
}

/// The means by which a field got its value, or why it got none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Copied as it was.
    Copied,
    /// Copied, converted to the target's type.
    Converted,
    /// The rule's fixed value.
    Static,
    /// The value of the Array Map entry of this number, from 1.
    Entry(usize),
    /// The value of the range of this number, from 1.
    Range(usize),
    /// The date, written anew.
    DateConverted,
    /// Joined from parts.
    Joined,
    /// A script's result.
    Script,
    /// The rule's default.
    Default,
    /// Not written: the source was empty, and there is no default.
    Unset,
    /// Not written: no entry fits, and there is no default.
    NoMatch,
    /// Not written: the condition does not hold.
    WhenFalse,
    /// Not written: the rule is for other events.
    OtherEvent,
    /// Not written: see the problems.
    Failed,
}

impl fmt::Display for How {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Copied => "copied",
            Self::Converted => "converted",
            Self::Static => "static",
            Self::Entry(number) => return formatter.pad(&format!("entry {number}")),
            Self::Range(number) => return formatter.pad(&format!("range {number}")),
            Self::DateConverted => "date converted",
            Self::Joined => "joined",
            Self::Script => "script",
            Self::Default => "default used",
            Self::Unset => "unset: source empty",
            Self::NoMatch => "unset: no entry fits",
            Self::WhenFalse => "unset: condition false",
            Self::OtherEvent => "unset: other event",
            Self::Failed => "failed",
        };
        formatter.pad(word)
    }
}

/// Why a record could not be mapped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}{reason}", place(*.rule, .target.as_deref()))]
pub struct MappingProblem {
    /// The rule, from 1; none when no rule makes a required target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<usize>,
    /// The target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `Transformation`: a rule could not make its value. `Validation`: the target does not allow it.
    /// `Server`: no script worker could be started; trying again can help.
    pub category: Category,
    /// What is wrong, with the values it concerns.
    pub reason: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The place in a script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

/// Something doubtful that keeps nothing from being delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingWarning {
    /// The rule, from 1, if it is one rule's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<usize>,
    /// The target, if it is one target's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What it is.
    pub text: String,
}

impl fmt::Display for MappingWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}{}",
            place(self.rule, self.target.as_deref()),
            self.text
        )
    }
}

fn place(rule: Option<usize>, target: Option<&str>) -> String {
    match (rule, target) {
        (Some(rule), Some(target)) => format!("rule {rule} ({target}): "),
        (Some(rule), None) => format!("rule {rule}: "),
        (None, Some(target)) => format!("{target}: "),
        (None, None) => String::new(),
    }
}

impl MappingProblem {
    /// The problem with its place in a script, where it has one.
    #[must_use]
    pub fn placed(&self) -> String {
        match &self.position {
            Some(position) => format!("{self} ({position})"),
            None => self.to_string(),
        }
    }
}

impl Evaluation {
    /// The failure that the problems amount to; `None` when there are none.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        let first = self.problems.first()?;
        let any = |category| {
            self.problems
                .iter()
                .any(|problem| problem.category == category)
        };
        // What trying again can't mend decides over what it can.
        let category = [Category::Transformation, Category::Validation]
            .into_iter()
            .find(|category| any(*category));
        let all: Vec<String> = self.problems.iter().map(MappingProblem::placed).collect();
        let mut failure = Failure::new(category.unwrap_or(first.category), all.join("; "));
        failure.hint = self
            .problems
            .iter()
            .find_map(|problem| problem.hint.clone());
        failure.rule = self.problems.iter().find_map(|problem| problem.rule);
        Some(failure)
    }
}

impl Evaluator {
    /// An evaluator that starts no worker before the first script.
    #[must_use]
    pub fn new(limits: Limits, program: WorkerProgram) -> Self {
        Self {
            pool: Pool::new(limits, program),
        }
    }

    /// Executes the rules of one direction on one record: declarative actions here, all scripts in one round trip
    /// to a child process. Never fails as a whole; what is wrong is in [`Evaluation::problems`].
    pub async fn evaluate(&self, mapping: &Mapping, request: Evaluate<'_>) -> Evaluation {
        let side = mapping.side(request.direction);
        let wanted = side
            .rules
            .iter()
            .filter(|rule| rule.has_script() && rule.wants(request.event));
        let tasks: Vec<Task> = wanted.map(task).collect();
        let ran = if tasks.is_empty() {
            Ran::default()
        } else {
            self.pool
                .run(&side.scripts, &tasks, request.input, request.direction)
                .await
        };
        execute(&side.rules, &request, ran)
    }
}

fn task(rule: &Rule) -> Task {
    Task {
        rule: rule.number,
        when: rule.when.as_ref().map(|script| script.index),
        script: match &rule.action {
            Action::Custom { script } => Some(script.index),
            _ => None,
        },
    }
}
