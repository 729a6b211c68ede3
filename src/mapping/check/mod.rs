//! Checks of a mapping against the fields of both sides, before anything is mapped with it.

mod fields;
mod fit;
#[cfg(test)]
mod tests;

use super::evaluate::Evaluator;
use super::path::Path;
use super::places::Spot;
use super::problem::{Position, Problem, Severity};
use super::rule::{Action, Rule};
use super::script::Script;
use super::source_file::Mapping;
use super::value::{equal, is_empty, shown};
use crate::model::{Catalogue, Direction, Field};

/// Checks the rules of one direction: unknown and read-only fields, required fields without a rule, values that
/// the target does not allow, rules and entries that can never take effect, and, with an evaluator, every script.
///
/// A mapping that was parsed is well-formed; this tells what is wrong or doubtful about it all the same.
pub async fn check(
    mapping: &Mapping,
    direction: Direction,
    source: Option<&Catalogue>,
    target: Option<&Catalogue>,
    evaluator: Option<&Evaluator>,
) -> Vec<Problem> {
    let mut check = Check {
        file: &mapping.sources().file_name,
        found: Vec::new(),
    };
    let rules = mapping.rules(direction);
    for rule in rules {
        if let Some(source) = source {
            check.sources(rule, source);
        }
        if let Some(target) = target {
            check.target(rule, target);
        }
        if let (Some(source), Some(target)) = (source, target) {
            check.copied(rule, source, target);
        }
        check.reachable(rule);
    }
    check.overwritten(rules);
    if let Some(target) = target {
        check.found.extend(unmapped(mapping, direction, target));
    }
    if let Some(evaluator) = evaluator {
        check.scripts(mapping, direction, evaluator).await;
    }
    check
        .found
        .sort_by(|one, other| one.position.cmp(&other.position));
    check.found
}

/// The required fields of the target that no rule makes; none where there is no rule at all, or where a script
/// names the targets.
#[must_use]
pub fn unmapped(mapping: &Mapping, direction: Direction, target: &Catalogue) -> Vec<Problem> {
    let rules = mapping.rules(direction);
    let Some(first) = rules.first() else {
        return Vec::new();
    };
    if rules.iter().any(|rule| rule.target.is_none()) {
        return Vec::new();
    }
    let is_made = |path: &Path| {
        let mut targets = rules.iter().filter_map(|rule| rule.target.as_ref());
        targets.any(|target| path.begins_like(target) || target.begins_like(path))
    };
    let is_missing = |field: &&Field| {
        let is_needed = field.required && !field.read_only;
        is_needed && Path::parse(&field.path).is_ok_and(|path| !is_made(&path))
    };
    let problem = |field: &Field| Problem {
        // Where the rules of this direction begin, as none of them is to blame.
        position: Position {
            file: mapping.sources().file_name.clone(),
            line: first.line,
            column: first.column,
        },
        severity: Severity::Error,
        what: format!(
            "no rule makes `{}` ({}), which is required",
            field.path, field.label
        ),
        mend: Some(format!("add a rule with the target `{}`", field.path)),
    };
    target
        .fields
        .iter()
        .filter(is_missing)
        .map(problem)
        .collect()
}

struct Check<'c> {
    file: &'c str,
    found: Vec<Problem>,
}

impl Check<'_> {
    /// Notes a problem of a rule, at its place or else where the rule begins.
    fn note(
        &mut self,
        rule: &Rule,
        spot: Option<Spot>,
        severity: Severity,
        what: String,
        mend: impl Into<String>,
    ) {
        let spot = spot.unwrap_or(Spot {
            line: rule.line,
            column: rule.column,
        });
        self.note_at(spot, severity, what, mend.into());
    }

    fn note_at(&mut self, spot: Spot, severity: Severity, what: String, mend: String) {
        let position = Position {
            file: self.file.to_owned(),
            line: spot.line,
            column: spot.column,
        };
        self.found.push(Problem {
            position,
            severity,
            what,
            mend: (!mend.is_empty()).then_some(mend),
        });
    }

    /// Entries behind others that always win.
    fn reachable(&mut self, rule: &Rule) {
        let number = rule.number;
        match &rule.action {
            Action::ArrayMap { mappings, .. } => {
                for (index, entry) in mappings.iter().enumerate() {
                    if is_empty(&entry.compare) {
                        let what = format!(
                            "rule {number}: an empty source never reaches entry {}",
                            index + 1
                        );
                        let spot = rule.places.in_element(index, "compare");
                        let mend = "use `default` for an empty source";
                        self.note(rule, spot, Severity::Warning, what, mend);
                    }
                    let earlier = mappings[..index]
                        .iter()
                        .position(|other| equal(&other.compare, &entry.compare));
                    if let Some(earlier) = earlier {
                        let what = format!(
                            "rule {number}: entry {} compares with {} as entry {} does, which wins",
                            index + 1,
                            shown(&entry.compare),
                            earlier + 1
                        );
                        let spot = rule.places.in_element(index, "compare");
                        self.note(rule, spot, Severity::Warning, what, "remove one");
                    }
                }
            }
            Action::RangeMap { ranges, .. } => {
                let mut highest = f64::NEG_INFINITY;
                for (index, range) in ranges.iter().enumerate() {
                    if range.compare <= highest {
                        let what = format!(
                            "rule {number}: range {} is never reached, because an earlier one goes as far",
                            index + 1
                        );
                        let spot = rule.places.in_element(index, "compare");
                        let mend = "put the ranges in rising order";
                        self.note(rule, spot, Severity::Warning, what, mend);
                    }
                    highest = highest.max(range.compare);
                }
            }
            _ => {}
        }
    }

    fn overwritten(&mut self, rules: &[Rule]) {
        let is_unconditional = |rule: &Rule| rule.when.is_none() && rule.events.is_empty();
        // A later rule that writes nothing when its source is empty leaves the earlier one as its fallback.
        let always_writes =
            |rule: &Rule| rule.default.is_some() || matches!(rule.action, Action::SetStatic { .. });
        for (index, rule) in rules.iter().enumerate() {
            let Some(target) = rule.target.as_ref().filter(|_| always_writes(rule)) else {
                continue;
            };
            let earlier = rules[..index]
                .iter()
                .find(|other| other.target.as_ref() == Some(target));
            if let Some(earlier) =
                earlier.filter(|earlier| is_unconditional(earlier) && is_unconditional(rule))
            {
                let what = format!(
                    "rules {} and {} both write `{target}`; the later wins",
                    earlier.number, rule.number
                );
                let spot = rule.places.value("target");
                let mend = "remove one, or give them different `when` or `events`";
                self.note(rule, spot, Severity::Warning, what, mend);
            }
        }
    }

    async fn scripts(&mut self, mapping: &Mapping, direction: Direction, evaluator: &Evaluator) {
        let set = &mapping.side(direction).scripts;
        if set.scripts.is_empty() {
            return;
        }
        let faults = evaluator.pool.check(set).await;
        for rule in mapping.rules(direction) {
            let custom = match &rule.action {
                Action::Custom { script } => Some(script),
                _ => None,
            };
            for script in custom.into_iter().chain(&rule.when) {
                let Some((_, fault)) = faults.iter().find(|(index, _)| *index == script.index)
                else {
                    continue;
                };
                self.script_fault(rule, script, fault);
            }
        }
    }

    fn script_fault(&mut self, rule: &Rule, script: &Script, fault: &super::jsonnet::Fault) {
        let begin = script.origin.position.clone();
        self.found.push(Problem {
            position: fault.position(Some(&script.origin)).unwrap_or(begin),
            severity: Severity::Error,
            what: format!("rule {}: {}", rule.number, fault.what),
            mend: fault.hint.clone(),
        });
    }
}
