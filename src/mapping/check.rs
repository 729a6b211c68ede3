//! Checks of a mapping against the fields of both sides, before anything is mapped with it.

use serde_json::Value;

use super::convert::lossless;
use super::evaluate::Evaluator;
use super::path::Path;
use super::problem::{Position, Problem, Severity};
use super::rule::{Action, Part, Rule, Source};
use super::script::Script;
use super::source_file::Mapping;
use super::suggest;
use super::value::{equal, is_empty, scalar_text, shown};
use crate::model::{Catalogue, Direction, Field, FieldKind};

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
        check.reachable(rule);
    }
    check.overwritten(rules);
    if let Some(target) = target {
        check.required(rules, target);
    }
    if let Some(evaluator) = evaluator {
        check.scripts(mapping, direction, evaluator).await;
    }
    check
        .found
        .sort_by(|one, other| one.position.cmp(&other.position));
    check.found
}

struct Check<'c> {
    file: &'c str,
    found: Vec<Problem>,
}

impl Check<'_> {
    fn note(
        &mut self,
        rule: Option<&Rule>,
        severity: Severity,
        what: String,
        mend: impl Into<String>,
    ) {
        let (line, column) = rule.map_or((1, 1), |rule| (rule.line, rule.column));
        let position = Position {
            file: self.file.to_owned(),
            line,
            column,
        };
        let mend: String = mend.into();
        self.found.push(Problem {
            position,
            severity,
            what,
            mend: (!mend.is_empty()).then_some(mend),
        });
    }

    fn sources(&mut self, rule: &Rule, catalogue: &Catalogue) {
        let parts: &[Part] = match &rule.action {
            Action::Concat { parts } => parts,
            _ => &[],
        };
        let fields = parts.iter().filter_map(|part| match part {
            Part::Field(source) => Some(source),
            Part::Static(_) => None,
        });
        for source in rule.action.source().into_iter().chain(fields) {
            if !is_known_source(source, catalogue) {
                let path = &source.path;
                let what = format!(
                    "rule {}: the source field `{path}` is not known{}",
                    rule.number,
                    nearest(path, catalogue)
                );
                self.note(
                    Some(rule),
                    Severity::Warning,
                    what,
                    "refresh the fields if it is new",
                );
            }
        }
    }

    fn target(&mut self, rule: &Rule, catalogue: &Catalogue) {
        let Some(target) = &rule.target else {
            return;
        };
        let number = rule.number;
        let Some(field) = field_like(target, catalogue) else {
            if !is_within_known(target, catalogue) {
                let what = format!(
                    "rule {number}: the target field `{target}` is not known{}",
                    nearest(target, catalogue)
                );
                self.note(
                    Some(rule),
                    Severity::Warning,
                    what,
                    "refresh the fields if it is new",
                );
            }
            return;
        };
        if field.read_only {
            let what = format!("rule {number}: the target field `{target}` can't be written");
            self.note(Some(rule), Severity::Error, what, "remove the rule");
        }
        for value in fixed_values(rule) {
            if let Some(what) = unfit(field, value) {
                self.note(
                    Some(rule),
                    Severity::Error,
                    format!("rule {number}: for `{target}`, {what}"),
                    "",
                );
            }
        }
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
                        self.note(
                            Some(rule),
                            Severity::Warning,
                            what,
                            "use `default` for an empty source",
                        );
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
                        self.note(Some(rule), Severity::Warning, what, "remove one");
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
                        self.note(
                            Some(rule),
                            Severity::Warning,
                            what,
                            "put the ranges in rising order",
                        );
                    }
                    highest = highest.max(range.compare);
                }
            }
            _ => {}
        }
    }

    fn overwritten(&mut self, rules: &[Rule]) {
        let is_unconditional = |rule: &Rule| rule.when.is_none() && rule.events.is_empty();
        for (index, rule) in rules.iter().enumerate() {
            let Some(target) = &rule.target else { continue };
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
                self.note(
                    Some(rule),
                    Severity::Warning,
                    what,
                    "remove one, or give them different `when` or `events`",
                );
            }
        }
    }

    fn required(&mut self, rules: &[Rule], catalogue: &Catalogue) {
        // A rule that names its targets in a script may make any of them.
        if rules.iter().any(|rule| rule.target.is_none()) {
            return;
        }
        for field in catalogue
            .fields
            .iter()
            .filter(|field| field.required && !field.read_only)
        {
            let Ok(path) = Path::parse(&field.path) else {
                continue;
            };
            let makes_it = |target: &Path| path.begins_like(target) || target.begins_like(&path);
            if !rules
                .iter()
                .filter_map(|rule| rule.target.as_ref())
                .any(makes_it)
            {
                let what = format!(
                    "no rule makes `{}` ({}), which is required",
                    field.path, field.label
                );
                self.note(None, Severity::Error, what, "add a rule for it");
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

pub(super) fn field_like<'c>(path: &Path, catalogue: &'c Catalogue) -> Option<&'c Field> {
    catalogue.field(path.text()).or_else(|| {
        catalogue
            .fields
            .iter()
            .find(|field| Path::parse(&field.path).is_ok_and(|known| known.is_like(path)))
    })
}

/// Whether a path lies inside a known field, or known fields inside it.
fn is_within_known(path: &Path, catalogue: &Catalogue) -> bool {
    let is_container = |kind| matches!(kind, FieldKind::Object | FieldKind::List | FieldKind::Any);
    catalogue.fields.iter().any(|field| {
        Path::parse(&field.path).is_ok_and(|known| {
            known.begins_like(path) || (is_container(field.kind) && path.begins_like(&known))
        })
    })
}

fn is_known_source(source: &Source, catalogue: &Catalogue) -> bool {
    let is_known =
        |path: &Path| field_like(path, catalogue).is_some() || is_within_known(path, catalogue);
    is_known(&source.path) || source.without_work_order.as_ref().is_some_and(is_known)
}

fn nearest(path: &Path, catalogue: &Catalogue) -> String {
    let known = catalogue.fields.iter().map(|field| field.path.as_str());
    suggest::clause(suggest::nearest(path.text(), known))
}

/// The values that a rule may write whatever the record says.
fn fixed_values(rule: &Rule) -> Vec<&Value> {
    let mut values: Vec<&Value> = match &rule.action {
        Action::SetStatic { value } => vec![value],
        Action::ArrayMap { mappings, .. } => mappings.iter().map(|entry| &entry.value).collect(),
        Action::RangeMap { ranges, .. } => ranges.iter().map(|range| &range.value).collect(),
        _ => Vec::new(),
    };
    values.extend(&rule.default);
    values
}

fn unfit(field: &Field, value: &Value) -> Option<String> {
    if is_empty(value) {
        return None;
    }
    if let Err(lossy) = lossless(value, field.kind) {
        return Some(lossy.to_string());
    }
    let text = scalar_text(value)?;
    if field.picklist.is_empty() || field.picklist.iter().any(|entry| *entry.value == *text) {
        return None;
    }
    let values = field.picklist.iter().map(|entry| entry.value.as_str());
    let nearest = suggest::clause(suggest::nearest(&text, values));
    Some(format!(
        "{} is none of the allowed values{nearest}",
        shown(value)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PicklistValue, Timestamp};

    fn catalogue(fields: Vec<Field>) -> Catalogue {
        Catalogue {
            fields,
            read_at: Timestamp::UNIX_EPOCH,
        }
    }

    async fn found(text: &str, source: Vec<Field>, target: Vec<Field>) -> Vec<String> {
        let mapping = Mapping::parse(text, "m.toml", None).unwrap();
        let (source, target) = (catalogue(source), catalogue(target));
        let problems = check(
            &mapping,
            Direction::Inbound,
            Some(&source),
            Some(&target),
            None,
        )
        .await;
        problems.iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn what_does_not_fit_the_fields_is_told() {
        let mut priority = Field::new("priority", "Priority", FieldKind::Text);
        priority.picklist = vec![PicklistValue {
            value: "High".into(),
            label: "High".into(),
        }];
        let text = r#"
[[inbound]]
action = "sync"
source = "sumary"
target = "title"

[[inbound]]
action = "array_map"
source = "summary"
target = "priority"
mappings = [{ compare = 1, value = "Hgih" }, { compare = "1", value = "High" }]

[[inbound]]
action = "set_static"
target = "id"
value = 1

[[inbound]]
action = "range_map"
source = "contacts[0].age"
target = "titel"
ranges = [{ compare = 4, value = 1 }, { compare = 2, value = 1 }]

[[inbound]]
action = "set_static"
target = "title"
value = "x"
"#;
        let source = vec![
            Field::new("summary", "Summary", FieldKind::Text),
            Field::new("contacts[*].age", "Age", FieldKind::Number),
        ];
        let target = vec![
            Field::new("title", "Title", FieldKind::Text).required(),
            priority,
            Field::new("id", "Id", FieldKind::Integer).read_only(),
            Field::new("location.city", "City", FieldKind::Text).required(),
        ];
        let found = found(text, source, target).await;
        let expected = [
            "m.toml:1:1: no rule makes `location.city` (City), which is required",
            "m.toml:2:1: rule 1: the source field `sumary` is not known (did you mean `summary`?)",
            "m.toml:7:1: rule 2: for `priority`, \"Hgih\" is none of the allowed values (did you mean `High`?)",
            "m.toml:7:1: rule 2: entry 2 compares with \"1\" as entry 1 does",
            "m.toml:13:1: rule 3: the target field `id` can't be written",
            "m.toml:18:1: rule 4: the target field `titel` is not known (did you mean `title`?)",
            "m.toml:18:1: rule 4: range 2 is never reached",
            "m.toml:24:1: rules 1 and 5 both write `title`",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}\n{expected}");
        }
    }

    #[tokio::test]
    async fn parts_of_known_containers_are_known() {
        let text = "[[inbound]]\naction = \"sync\"\nsource = \"company.name\"\ntarget = \"custom_fields.Site\"\n";
        let source = vec![Field::new("company", "Company", FieldKind::Object)];
        let target = vec![Field::new(
            "custom_fields",
            "Custom fields",
            FieldKind::Object,
        )];
        assert_eq!(found(text, source, target).await, Vec::<String>::new());
    }
}
