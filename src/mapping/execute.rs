//! The rules, one after the other, on one record.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::convert::{Conversion, lossless};
use super::evaluate::{
    Evaluate, Evaluation, FieldTrace, How, MappingProblem, MappingWarning, Required,
};
use super::jsonnet::{Fault, Outcome, Ran};
use super::path::{Path, Segment, flatten};
use super::problem::Position;
use super::rule::{Action, MapEntry, NoMatch, Part, Range, Rule, Source};
use super::script::Script;
use super::value::{equal, is_empty, kind_word, number_of, scalar_text, shown};
use super::{suggest, value};
use crate::model::{Category, Field};

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

/// What an action made of a record.
struct Made {
    source_value: Option<Value>,
    result: Result<(Value, How), Nothing>,
}

/// Why an action made no value.
enum Nothing {
    Empty,
    NoMatch,
    Failed(Trouble),
}

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
        let position = fault.position(script.map(|script| &script.origin));
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
    fn rule(&mut self, rule: &Rule, outcomes: &mut std::collections::HashMap<usize, Outcome>) {
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
        let made = self.make(&rule.action, outcome);
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
                format!("no entry of the Array Map fits {value}, so the target is left unset"),
            );
        }
        self.note(
            rule,
            source_value,
            None,
            if no_match { How::NoMatch } else { How::Unset },
        );
    }

    fn make(&self, action: &Action, outcome: Option<Outcome>) -> Made {
        let input = self.request.input;
        let read = |source: &Source| source.read(input).filter(|value| !is_empty(value));
        let Some(source) = action.source() else {
            let result = match action {
                Action::Concat { parts } => join(parts, input),
                Action::Custom { script } => script_result(outcome, script),
                Action::SetStatic { value } => Ok((value.clone(), How::Static)),
                // All others have a source.
                _ => Err(Nothing::Empty),
            };
            return Made {
                source_value: None,
                result,
            };
        };
        let Some(value) = read(source) else {
            return Made {
                source_value: None,
                result: Err(Nothing::Empty),
            };
        };
        let result = match action {
            Action::ArrayMap {
                mappings, no_match, ..
            } => look_up(&value, mappings, *no_match),
            Action::RangeMap { ranges, .. } => find_range(&value, ranges),
            Action::DateConvert { conversion, .. } => match scalar_text(&value) {
                Some(text) => conversion
                    .convert(text.trim())
                    .map(|text| (Value::String(text), How::DateConverted))
                    .map_err(|error| Nothing::Failed(Trouble::new(error.to_string()))),
                None => Err(Nothing::Failed(Trouble::new(format!(
                    "{} is no date",
                    shown(&value)
                )))),
            },
            _ => Ok((value.as_ref().clone(), How::Copied)),
        };
        Made {
            source_value: Some(value.into_owned()),
            result,
        }
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

fn look_up(
    value: &Value,
    mappings: &[MapEntry],
    no_match: NoMatch,
) -> Result<(Value, How), Nothing> {
    let found = mappings
        .iter()
        .enumerate()
        .find(|(_, entry)| equal(value, &entry.compare));
    match found {
        Some((index, entry)) => Ok((entry.value.clone(), How::Entry(index + 1))),
        None if no_match == NoMatch::Default => Err(Nothing::NoMatch),
        None => {
            let known = mappings.iter().filter_map(|entry| entry.compare.as_str());
            let nearest = suggest::clause(
                value
                    .as_str()
                    .and_then(|value| suggest::nearest(value, known)),
            );
            let mut trouble = Trouble::new(format!(
                "no entry of the Array Map fits {}{nearest}",
                shown(value)
            ));
            trouble.hint = Some(
                "add an entry for it, or allow the default with `no_match = \"default\"`"
                    .to_owned(),
            );
            Err(Nothing::Failed(trouble))
        }
    }
}

fn find_range(value: &Value, ranges: &[Range]) -> Result<(Value, How), Nothing> {
    let Some(number) = number_of(value) else {
        return Err(Nothing::Failed(Trouble::new(format!(
            "{} is no number, so it lies in no range",
            shown(value)
        ))));
    };
    let found = ranges
        .iter()
        .enumerate()
        .find(|(_, range)| number <= range.compare);
    match found {
        Some((index, range)) => Ok((range.value.clone(), How::Range(index + 1))),
        None => Err(Nothing::Empty),
    }
}

fn join(parts: &[Part], input: &Value) -> Result<(Value, How), Nothing> {
    let mut text = String::new();
    let (mut has_field, mut has_value) = (false, false);
    for part in parts {
        match part {
            Part::Static(fixed) => text.push_str(fixed),
            Part::Field(source) => {
                has_field = true;
                let Some(value) = source.read(input).filter(|value| !is_empty(value)) else {
                    continue;
                };
                has_value = true;
                push_text(&mut text, &value)
                    .map_err(|reason| Nothing::Failed(Trouble::new(reason)))?;
            }
        }
    }
    if (has_field && !has_value) || text.is_empty() {
        return Err(Nothing::Empty);
    }
    Ok((Value::String(text), How::Joined))
}

/// Adds a value's text; a list's elements are parted by commas.
fn push_text(text: &mut String, value: &Value) -> Result<(), String> {
    match (scalar_text(value), value) {
        (Some(scalar), _) => text.push_str(&scalar),
        (None, Value::Array(elements)) => {
            let present = elements.iter().filter(|element| !is_empty(element));
            for (index, element) in present.enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                push_text(text, element)?;
            }
        }
        (None, _) => {
            return Err(format!(
                "{} is {}, which has no text",
                shown(value),
                kind_word(value)
            ));
        }
    }
    Ok(())
}

fn script_result(outcome: Option<Outcome>, script: &Script) -> Result<(Value, How), Nothing> {
    match outcome {
        Some(Outcome::Value(value)) if is_empty(&value) => Err(Nothing::Empty),
        Some(Outcome::Value(value)) => Ok((value, How::Script)),
        Some(Outcome::Failed(fault)) => {
            Err(Nothing::Failed(Trouble::of_script(fault, Some(script))))
        }
        _ => Err(Nothing::Failed(Trouble::new(
            "the script was not evaluated",
        ))),
    }
}

/// What of a value a field does not allow.
fn violations(field: &Field, value: &Value) -> Vec<Trouble> {
    let mut found = Vec::new();
    if field.read_only {
        found.push(Trouble::new("this field can't be written"));
    }
    if let (Some(longest), Value::String(text)) = (field.max_length, value) {
        let length = text.chars().count();
        if length > longest {
            found.push(Trouble::new(format!(
                "the text has {length} characters, and {longest} are allowed"
            )));
        }
    }
    if !field.picklist.is_empty() {
        let values = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        found.extend(
            values
                .iter()
                .filter_map(|value| not_in_picklist(field, value)),
        );
    }
    found
}

fn not_in_picklist(field: &Field, value: &Value) -> Option<Trouble> {
    let text = scalar_text(value)?;
    if field.picklist.iter().any(|entry| *entry.value == *text) {
        return None;
    }
    const MOST_SHOWN: usize = 12;
    let mut allowed: Vec<String> = field
        .picklist
        .iter()
        .take(MOST_SHOWN)
        .map(value::picklist_entry)
        .collect();
    if field.picklist.len() > MOST_SHOWN {
        allowed.push(format!("… {} more", field.picklist.len() - MOST_SHOWN));
    }
    let mut trouble = Trouble::new(format!(
        "{} is not allowed; allowed are {}",
        shown(value),
        allowed.join(", ")
    ));
    let by_label = field.picklist.iter().find(|entry| *entry.label == *text);
    let nearest = || {
        suggest::nearest(
            &text,
            field.picklist.iter().map(|entry| entry.value.as_str()),
        )
    };
    trouble.hint = match by_label {
        Some(entry) => Some(format!(
            "send the value `{}` in place of its label",
            entry.value
        )),
        None => nearest().map(|nearest| format!("probably `{nearest}` is meant")),
    };
    Some(trouble)
}

fn missing(field: &Field, fields: &[FieldTrace]) -> MappingProblem {
    let trace = fields
        .iter()
        .rev()
        .find(|trace| *trace.target == *field.path);
    let says_more = !field.label.is_empty() && field.label != field.path;
    let name = if says_more {
        format!(" ({})", field.label)
    } else {
        String::new()
    };
    let why = match trace {
        None => "no rule makes it".to_owned(),
        Some(trace) => match &trace.source {
            Some(source) if trace.how == How::Unset => {
                format!("`{source}` is empty, and the rule has no default")
            }
            _ => format!("{}", trace.how),
        },
    };
    MappingProblem {
        rule: trace.map(|trace| trace.rule),
        target: Some(field.path.clone()),
        category: Category::Validation,
        reason: format!("required{name}, and not set: {why}"),
        hint: Some(match trace {
            None => format!("add a rule with the target `{}`", field.path),
            Some(_) => "give the rule a default, or fill the source".to_owned(),
        }),
        position: None,
    }
}
