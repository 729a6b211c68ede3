//! Regression cases: a source, and what a mapping is to make of it.
//!
//! A case stands by itself: it brings the fields of the target side that its result depends on, so that it says the
//! same wherever it is run.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::evaluate::{Evaluate, Evaluation, Evaluator, Required};
use super::path::flatten;
use super::source_file::Mapping;
use super::value::shown;
use crate::model::{Catalogue, Direction, EventName, Field, Timestamp};

/// The folder of a mapping's cases is called as the mapping, with this ending.
pub const CASES_ENDING: &str = "cases";

/// A regression case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it is about.
    pub about: String,
    /// Which rules.
    pub direction: Direction,
    /// The event, on outbound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventName>,
    /// What the output is for.
    #[serde(rename = "for")]
    pub purpose: Purpose,
    /// The source.
    pub source: Value,
    /// What is expected.
    pub expect: Expectation,
    /// The fields of the target side that matter here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_fields: Vec<Field>,
}

/// What an output is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To create something: required targets must be there.
    Create,
    /// To update something: what is not set stays as it is.
    Update,
}

/// What a case expects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// This output, nested.
    Output(Map<String, Value>),
    /// To fail, with these reasons, in the order of the rules.
    Problems(Vec<String>),
}

/// One thing that is not as a case expects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The target path; empty where it is the whole.
    pub target: String,
    /// What the case expects there; `None` when nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// What came out; `None` when nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), shown);
        if !self.target.is_empty() {
            write!(formatter, "{}: ", self.target)?;
        }
        let (expected, actual) = (told(&self.expected), told(&self.actual));
        write!(formatter, "expected {expected}, got {actual}")
    }
}

impl Case {
    /// A case of what a mapping makes of a source now.
    pub async fn record(
        about: String,
        mapping: &Mapping,
        evaluate: Evaluate<'_>,
        evaluator: &Evaluator,
    ) -> Self {
        let evaluation = evaluator.evaluate(mapping, evaluate).await;
        Self {
            about,
            direction: evaluate.direction,
            event: evaluate.event,
            purpose: match evaluate.require {
                Required::All => Purpose::Create,
                Required::None => Purpose::Update,
            },
            source: evaluate.input.clone(),
            target_fields: evaluate
                .target
                .map(|catalogue| relevant(catalogue, &evaluation))
                .unwrap_or_default(),
            expect: outcome(evaluation),
        }
    }

    /// What a mapping makes of the source other than expected; empty when the case passes.
    pub async fn run(&self, mapping: &Mapping, evaluator: &Evaluator) -> Vec<Difference> {
        let actual = self.outcome(mapping, evaluator).await;
        differences(&self.expect, &actual)
    }

    /// Expects what a mapping makes of the source now.
    pub async fn accept(&mut self, mapping: &Mapping, evaluator: &Evaluator) {
        self.expect = self.outcome(mapping, evaluator).await;
    }

    async fn outcome(&self, mapping: &Mapping, evaluator: &Evaluator) -> Expectation {
        let target = Catalogue {
            fields: self.target_fields.clone(),
            read_at: Timestamp::UNIX_EPOCH,
        };
        let evaluate = Evaluate {
            direction: self.direction,
            event: self.event,
            input: &self.source,
            target: (!target.fields.is_empty()).then_some(&target),
            require: match self.purpose {
                Purpose::Create => Required::All,
                Purpose::Update => Required::None,
            },
        };
        outcome(evaluator.evaluate(mapping, evaluate).await)
    }
}

/// The fields that an evaluation wrote to or missed.
fn relevant(catalogue: &Catalogue, evaluation: &Evaluation) -> Vec<Field> {
    let named = |path: &str| {
        let written = evaluation.fields.iter().any(|field| *field.target == *path);
        let missed = evaluation.problems.iter().any(|problem| {
            let target = problem.target.as_deref();
            target == Some(path)
        });
        written || missed
    };
    let fields = catalogue.fields.iter();
    fields
        .filter(|field| field.required || named(&field.path))
        .cloned()
        .collect()
}

fn outcome(evaluation: Evaluation) -> Expectation {
    if evaluation.problems.is_empty() {
        return Expectation::Output(evaluation.output);
    }
    let reasons = evaluation.problems.into_iter();
    Expectation::Problems(
        reasons
            .map(|problem| match problem.target {
                Some(target) => format!("{target}: {}", problem.reason),
                None => problem.reason,
            })
            .collect(),
    )
}

fn differences(expected: &Expectation, actual: &Expectation) -> Vec<Difference> {
    if expected == actual {
        return Vec::new();
    }
    match (expected, actual) {
        (Expectation::Output(expected), Expectation::Output(actual)) => {
            let (expected, actual) = (leaves(expected), leaves(actual));
            let targets: std::collections::BTreeSet<&String> =
                expected.keys().chain(actual.keys()).collect();
            targets
                .into_iter()
                .filter(|target| expected.get(*target) != actual.get(*target))
                .map(|target| Difference {
                    target: target.clone(),
                    expected: expected.get(target).cloned(),
                    actual: actual.get(target).cloned(),
                })
                .collect()
        }
        _ => vec![Difference {
            target: String::new(),
            expected: Some(whole(expected)),
            actual: Some(whole(actual)),
        }],
    }
}

fn leaves(output: &Map<String, Value>) -> std::collections::BTreeMap<String, Value> {
    flatten(output).into_iter().collect()
}

fn whole(expectation: &Expectation) -> Value {
    match expectation {
        Expectation::Output(output) => Value::Object(output.clone()),
        Expectation::Problems(problems) => {
            let problems = problems.iter().map(|text| format!("failure: {text}"));
            problems.collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mapping::{Limits, WorkerProgram};
    use crate::model::FieldKind;

    fn mapping(target: &str) -> Mapping {
        let text = format!(
            "[[inbound]]\naction = \"sync\"\nsource = \"summary\"\ntarget = \"{target}\"\n"
        );
        Mapping::parse(&text, "m.toml", None).unwrap()
    }

    async fn recorded(source: Value) -> Case {
        let evaluator = Evaluator::new(Limits::default(), WorkerProgram::this_binary());
        let catalogue = Catalogue {
            fields: vec![
                Field::new("title", "Title", FieldKind::Text).required(),
                Field::new("other", "Other", FieldKind::Text),
            ],
            read_at: Timestamp::UNIX_EPOCH,
        };
        let evaluate = Evaluate {
            direction: Direction::Inbound,
            event: None,
            input: &source,
            target: Some(&catalogue),
            require: Required::All,
        };
        Case::record("a case".into(), &mapping("title"), evaluate, &evaluator).await
    }

    async fn run(case: &Case, mapping: &Mapping) -> Vec<String> {
        let evaluator = Evaluator::new(Limits::default(), WorkerProgram::this_binary());
        let differences = case.run(mapping, &evaluator).await;
        differences.iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn a_recorded_case_passes_until_the_mapping_makes_something_else() {
        let case = recorded(json!({"summary": "AP down"})).await;
        assert_eq!(case.target_fields.len(), 1, "only what matters");
        let text = serde_json::to_string(&case).unwrap();
        let case: Case = serde_json::from_str(&text).unwrap();
        assert_eq!(run(&case, &mapping("title")).await, Vec::<String>::new());
        let found = run(&case, &mapping("titel")).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("failure: title: "), "{found:?}");
        let mut case = case;
        case.target_fields.clear();
        assert_eq!(
            run(&case, &mapping("titel")).await,
            [
                "titel: expected nothing, got \"AP down\"",
                "title: expected \"AP down\", got nothing"
            ]
        );
    }

    #[tokio::test]
    async fn a_failure_can_be_what_is_expected() {
        let case = recorded(json!({"summary": ""})).await;
        assert!(matches!(&case.expect, Expectation::Problems(all) if all.len() == 1));
        assert_eq!(run(&case, &mapping("title")).await, Vec::<String>::new());
    }
}
