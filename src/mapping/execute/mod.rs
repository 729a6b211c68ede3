//! The rules, one after the other, on one record.

#[cfg(test)]
mod tests;
mod transform;
mod validate;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::convert::{Conversion, lossless};
use super::evaluate::{
    Evaluate, Evaluation, FieldTrace, How, MappingProblem, MappingWarning, Required,
};
use super::jsonnet::{Fault, Outcome, Ran};
use super::path::{Path, Segment, flatten};
use super::problem::Position;
use super::rule::Rule;
use super::script::Script;
use super::value::{is_empty, kind_word, shown};
use crate::model::Category;
use transform::{Nothing, make};
use validate::{missing, violations};

/// Executes the rules; `ran` holds what the scripts of these rules gave.
pub(super) fn execute(rules: &[Rule], request: &Evaluate<'_>, ran: Ran) -> Evaluation {
    let mut execution = Execution {
        request,
        output: Map::new(),
        evaluation: Evaluation {
            fields: Vec::with_capacity(rules.len()),
            ..Evaluation::default()
        },
    };
    let mut outcomes = ran.outcomes;
    for rule in rules {
        execution.rule(rule, &mut outcomes);
    }
    for text in ran.warnings {
        execution.warn(None, text);
    }
    if request.require == Required::All {
        execution.check_required();
    }
    Evaluation {
        output: execution.output,
        trace: ran.trace,
        ..execution.evaluation
    }
}

struct Execution<'e> {
    request: &'e Evaluate<'e>,
    output: Map<String, Value>,
    evaluation: Evaluation,
}
/// Something wrong with a value.
struct Trouble {
    reason: String,
    hint: Option<String>,
    category: Category,
    position: Option<Position>,
}

impl Trouble {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            hint: None,
            category: Category::Transformation,
            position: None,
        }
    }

    fn of_script(fault: Fault, script: Option<&Script>) -> Self {
        let origin = script.map(|script| &script.origin);
        // A script that had to be stopped can't say where it was: its beginning is told.
        let begin = || Some(origin?.position.clone());
        let position = fault.position(origin).or_else(begin);
        let category = if fault.worker_trouble {
            Category::Server
        } else {
            Category::Transformation
        };
        Self {
            reason: fault.what,
            hint: fault.hint,
            category,
            position,
        }
    }
}

impl Execution<'_> {
    fn rule(&mut self, rule: &Rule, outcomes: &mut HashMap<usize, Outcome>) {
        if !rule.wants(self.request.event) {
            return self.note(rule, None, None, How::OtherEvent);
        }
        let mut outcome = outcomes.remove(&rule.number);
        match outcome
            .take_if(|outcome| matches!(outcome, Outcome::WhenFalse | Outcome::WhenFailed(_)))
        {
            Some(Outcome::WhenFalse) => return self.note(rule, None, None, How::WhenFalse),
            Some(Outcome::WhenFailed(fault)) => {
                let trouble = Trouble::of_script(fault, rule.when.as_ref());
                return self.failed(rule, None, trouble);
            }
            _ => {}
        }
        let made = make(&rule.action, self.request.input, outcome);
        match made.result {
            Ok((value, how)) => self.deliver(rule, made.source_value, value, how),
            Err(Nothing::Failed(trouble)) => self.failed(rule, made.source_value, trouble),
            Err(nothing) => self.fall_back(rule, made.source_value, &nothing),
        }
    }

    fn fall_back(&mut self, rule: &Rule, source_value: Option<Value>, nothing: &Nothing) {
        let no_match = matches!(nothing, Nothing::NoMatch);
        if let Some(default) = &rule.default {
            return self.deliver(rule, source_value, default.clone(), How::Default);
        }
        if no_match {
            let value = source_value.as_ref().map(shown).unwrap_or_default();
            self.warn(
                Some(rule),
                format!("nothing in the map fits {value}, so the target is left unset"),
            );
        }
        self.note(
            rule,
            source_value,
            None,
            if no_match { How::NoMatch } else { How::Unset },
        );
    }

    /// Writes a rule's value to its target, or the members of an object to theirs.
    fn deliver(&mut self, rule: &Rule, source_value: Option<Value>, value: Value, how: How) {
        if let Some(target) = &rule.target {
            return self.write(rule, target, source_value, value, how);
        }
        let Value::Object(members) = value else {
            let reason = format!(
                "a custom rule without a target must give an object of targets, and gave {}",
                kind_word(&value)
            );
            return self.failed(rule, None, Trouble::new(reason));
        };
        let mut tree = Map::new();
        for (key, value) in members {
            let path = Path::parse(&key)
                .ok()
                .filter(|path| path.check_writable().is_ok());
            let path = path.unwrap_or_else(|| Path::from_segments(vec![Segment::Key(key.into())]));
            if let Err(error) = path.write(&mut tree, value) {
                self.failed(rule, None, Trouble::new(error.to_string()));
            }
        }
        for (path, value) in flatten(&tree) {
            match Path::parse(&path) {
                _ if is_empty(&value) => self.note_at(rule, path.into(), None, None, How::Unset),
                Ok(target) => self.write(rule, &target, None, value, how),
                Err(error) => self.failed(rule, None, Trouble::new(error.to_string())),
            }
        }
    }

    fn write(
        &mut self,
        rule: &Rule,
        target: &Path,
        source_value: Option<Value>,
        value: Value,
        how: How,
    ) {
        let mut value = value;
        let mut how = how;
        if let Some(field) = self
            .request
            .target
            .and_then(|catalogue| catalogue.field(target.text()))
        {
            match lossless(&value, field.kind) {
                Ok(Conversion::AsIs) => {}
                Ok(Conversion::To(converted)) => {
                    value = converted;
                    how = if how == How::Copied {
                        How::Converted
                    } else {
                        how
                    };
                }
                Err(lossy) if how == How::Copied => {
                    let mut trouble = Trouble::new(lossy.to_string());
                    trouble.hint = Some(
                        "convert it with an Array Map, a Date Convert or a custom script"
                            .to_owned(),
                    );
                    return self.failed(rule, source_value, trouble);
                }
                Err(lossy) => self.warn(Some(rule), lossy.to_string()),
            }
            for reason in violations(field, &value) {
                self.problem(
                    rule,
                    Some(target),
                    Trouble {
                        category: Category::Validation,
                        ..reason
                    },
                );
            }
        }
        if let Err(error) = target.write(&mut self.output, value.clone()) {
            return self.failed(rule, source_value, Trouble::new(error.to_string()));
        }
        self.note_at(
            rule,
            Arc::clone(target.text()),
            source_value,
            Some(value),
            how,
        );
    }

    fn check_required(&mut self) {
        let Some(catalogue) = self.request.target else {
            return;
        };
        let output = Value::Object(std::mem::take(&mut self.output));
        for field in catalogue
            .fields
            .iter()
            .filter(|field| field.required && !field.read_only)
        {
            let path = Path::parse(&field.path);
            let is_there =
                path.is_ok_and(|path| path.read(&output).is_some_and(|value| !is_empty(&value)));
            let is_told = || {
                self.evaluation
                    .problems
                    .iter()
                    .any(|problem| problem.target.as_deref() == Some(&field.path))
            };
            if !is_there && !is_told() {
                let problem = missing(field, &self.evaluation.fields);
                self.evaluation.problems.push(problem);
            }
        }
        if let Value::Object(output) = output {
            self.output = output;
        }
    }

    fn failed(&mut self, rule: &Rule, source_value: Option<Value>, trouble: Trouble) {
        self.problem(rule, rule.target.as_ref(), trouble);
        self.note(rule, source_value, None, How::Failed);
    }

    fn problem(&mut self, rule: &Rule, target: Option<&Path>, trouble: Trouble) {
        self.evaluation.problems.push(MappingProblem {
            rule: Some(rule.number),
            target: target.map(ToString::to_string),
            category: trouble.category,
            reason: trouble.reason,
            hint: trouble.hint,
            position: trouble.position,
        });
    }

    fn warn(&mut self, rule: Option<&Rule>, text: String) {
        self.evaluation.warnings.push(MappingWarning {
            rule: rule.map(|rule| rule.number),
            target: rule
                .and_then(|rule| rule.target.as_ref())
                .map(ToString::to_string),
            text,
        });
    }

    fn note(&mut self, rule: &Rule, source_value: Option<Value>, value: Option<Value>, how: How) {
        let target = rule
            .target
            .as_ref()
            .map_or_else(|| Arc::from(""), |target| Arc::clone(target.text()));
        self.note_at(rule, target, source_value, value, how);
    }

    fn note_at(
        &mut self,
        rule: &Rule,
        target: Arc<str>,
        source_value: Option<Value>,
        value: Option<Value>,
        how: How,
    ) {
        let source = rule
            .action
            .source()
            .map(|source| Arc::clone(source.path.text()));
        self.evaluation.fields.push(FieldTrace {
            rule: rule.number,
            target,
            source,
            source_value,
            value,
            how,
        });
    }
}
