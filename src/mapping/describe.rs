//! A mapping in words, for people who review it and don't read mapping files.

use serde::Serialize;
use serde_json::Value;

use super::known::{field_like, source_field};
use super::rule::{Action, MapEntry, NoMatch, Part, Range, Rule, Source};
use super::source_file::Mapping;
use super::value::{number_text, scalar_text, shown};
use crate::model::{Catalogue, Direction, Field};

/// One rule in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleDescription {
    /// Its direction.
    pub direction: Direction,
    /// Its number among the rules of its direction, from 1.
    pub number: usize,
    /// The fields that it reads, by path.
    pub sources: Vec<String>,
    /// What people call these, where a catalogue tells it; else the paths.
    pub source: String,
    /// What it does.
    pub action: String,
    /// The path that it writes; none for a script that names its targets itself.
    pub target: Option<String>,
    /// What people call it, where a catalogue tells it; else the path.
    pub target_label: String,
    /// What is written when the source is empty.
    pub default: Option<String>,
    /// When it holds; none when it always does.
    pub condition: Option<String>,
    /// Why it is there.
    pub note: Option<String>,
}

/// Describes the rules of a direction in their order, with the names that the fields have on both sides.
#[must_use]
pub fn describe(
    mapping: &Mapping,
    direction: Direction,
    source: Option<&Catalogue>,
    target: Option<&Catalogue>,
) -> Vec<RuleDescription> {
    let writer = Writer { source, target };
    let rules = mapping.rules(direction).iter();
    rules.map(|rule| writer.rule(rule, direction)).collect()
}

struct Writer<'c> {
    source: Option<&'c Catalogue>,
    target: Option<&'c Catalogue>,
}

impl Writer<'_> {
    fn rule(&self, rule: &Rule, direction: Direction) -> RuleDescription {
        let target = rule.target.as_ref();
        let field = target.and_then(|target| field_like(target, self.target?));
        let read: Vec<&Source> = match &rule.action {
            Action::Concat { parts } => parts.iter().filter_map(field_of).collect(),
            action => action.source().into_iter().collect(),
        };
        let labels: Vec<String> = read.iter().map(|source| self.label(source)).collect();
        RuleDescription {
            direction,
            number: rule.number,
            sources: read.iter().map(|source| source.path.to_string()).collect(),
            source: labels.join(", "),
            action: self.action(rule, field),
            target: target.map(ToString::to_string),
            target_label: match (field, target) {
                (Some(field), _) if !field.label.is_empty() => field.label.clone(),
                (_, Some(target)) => target.to_string(),
                (_, None) => "what the script names".to_owned(),
            },
            default: rule.default.as_ref().map(|value| told(value, field)),
            condition: condition(rule),
            note: rule.note.clone(),
        }
    }

    fn label(&self, source: &Source) -> String {
        let field = self
            .source
            .and_then(|catalogue| source_field(source, catalogue));
        match field {
            Some(field) if !field.label.is_empty() => field.label.clone(),
            _ => source.path.to_string(),
        }
    }

    fn action(&self, rule: &Rule, target: Option<&Field>) -> String {
        match &rule.action {
            Action::Sync { .. } => "copied as it is".to_owned(),
            Action::SetStatic { value } => format!("always {}", told(value, target)),
            Action::ArrayMap {
                source,
                mappings,
                no_match,
            } => {
                let field = self
                    .source
                    .and_then(|catalogue| source_field(source, catalogue));
                entries(mappings, field, target, *no_match, rule.default.is_some())
            }
            Action::RangeMap { ranges, .. } => buckets(ranges, target, rule.default.is_some()),
            Action::DateConvert { conversion, .. } => format!(
                "a date: read as {} ({}), written as {} ({})",
                conversion.input.text(),
                conversion.zone_in.name(),
                conversion.output.text(),
                conversion.zone_out.name()
            ),
            Action::Concat { parts } => self.joined(parts),
            Action::Custom { script } => format!("computed by a script: {}", gist(&script.text)),
        }
    }

    fn joined(&self, parts: &[Part]) -> String {
        let parts: Vec<String> = parts
            .iter()
            .map(|part| match part {
                Part::Field(source) => self.label(source),
                Part::Static(text) => format!("\"{text}\""),
            })
            .collect();
        format!("joined: {}", parts.join(" + "))
    }
}

fn field_of(part: &Part) -> Option<&Source> {
    match part {
        Part::Field(source) => Some(source),
        Part::Static(_) => None,
    }
}

fn entries(
    mappings: &[MapEntry],
    source: Option<&Field>,
    target: Option<&Field>,
    no_match: NoMatch,
    has_default: bool,
) -> String {
    let mut said: Vec<String> = mappings
        .iter()
        .map(|entry| {
            let from = told(&entry.compare, source);
            format!("{from} becomes {}", told(&entry.value, target))
        })
        .collect();
    said.push(
        match (no_match, has_default) {
            (NoMatch::Error, _) => "anything else is an error",
            (NoMatch::Default, true) => "anything else becomes the default",
            (NoMatch::Default, false) => "anything else is left out",
        }
        .to_owned(),
    );
    said.join("; ")
}

fn buckets(ranges: &[Range], target: Option<&Field>, has_default: bool) -> String {
    let mut said: Vec<String> = ranges
        .iter()
        .map(|range| {
            let limit = serde_json::Number::from_f64(range.compare).map_or_else(
                || range.compare.to_string(),
                |it| number_text(&it).into_owned(),
            );
            format!("up to {limit} becomes {}", told(&range.value, target))
        })
        .collect();
    said.push(if has_default {
        "more becomes the default".to_owned()
    } else {
        "more is left out".to_owned()
    });
    said.join("; ")
}

/// A value, with what people see in its place.
fn told(value: &Value, field: Option<&Field>) -> String {
    let text = scalar_text(value);
    let entry = field.and_then(|field| {
        let text = text.as_deref()?;
        field.picklist.iter().find(|entry| entry.value == text)
    });
    match entry {
        Some(entry) if !entry.label.is_empty() && entry.label != entry.value => {
            format!("{} ({})", shown(value), entry.label)
        }
        _ => shown(value),
    }
}

fn condition(rule: &Rule) -> Option<String> {
    let events: Vec<&str> = rule.events.iter().map(|event| event.as_str()).collect();
    let on_events = (!events.is_empty()).then(|| format!("on {}", events.join(", ")));
    let when = rule.when.as_ref();
    let when = when.map(|script| format!("if {}", script.text.trim()));
    match (on_events, when) {
        (Some(events), Some(when)) => Some(format!("{events}, {when}")),
        (events, when) => events.or(when),
    }
}

/// What a script says of itself in the comment it begins with, or else its first line.
fn gist(script: &str) -> String {
    let lines = || {
        script
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let comment: Vec<&str> = lines()
        .map_while(|line| line.strip_prefix("//").or_else(|| line.strip_prefix('#')))
        .map(str::trim)
        .collect();
    if !comment.is_empty() {
        return comment.join(" ");
    }
    let first = lines().next().unwrap_or_default();
    if lines().nth(1).is_some() {
        format!("{first} …")
    } else {
        first.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FieldKind, PicklistValue, Timestamp};

    #[test]
    fn every_action_is_told_in_words() {
        let text = r#"
[[outbound]]
action = "sync"
source = "workorder.title"
target = "summary"
default = "None"
note = "why"

[[outbound]]
action = "array_map"
source = "status.id"
target = "state"
mappings = [{ compare = 1, value = "2" }, { compare = "x", value = "9" }]
events = ["FN_WO_DONE"]
when = " $.input.id > 1 "

[[outbound]]
action = "range_map"
source = "hours"
target = "bucket"
ranges = [{ compare = 0.5, value = "short" }, { compare = 2, value = "long" }]
default = "longer"

[[outbound]]
action = "date_convert"
source = "start"
target = "due"
input_format = "X"
output_format = "MM/DD/YYYY"
timezone_out = "America/New_York"

[[outbound]]
action = "concat"
target = "name"
parts = [{ type = "field", value = "title" }, { type = "static", value = " #" }]

[[outbound]]
action = "custom"
script = '''
// Adds the two sums.
// Twice.
{ a: 1 }
'''

[[outbound]]
action = "set_static"
target = "state"
value = "2"
"#;
        let mapping = Mapping::parse(text, "m.toml", None).unwrap();
        let mut state = Field::new("state", "State", FieldKind::Text);
        state.picklist = vec![PicklistValue {
            value: "2".to_owned(),
            label: "Closed".to_owned(),
        }];
        let catalogue = |fields| Catalogue {
            fields,
            read_at: Timestamp::UNIX_EPOCH,
        };
        let source = catalogue(vec![Field::new("title", "Title", FieldKind::Text)]);
        let target = catalogue(vec![state]);
        let told = describe(&mapping, Direction::Outbound, Some(&source), Some(&target));
        let words: Vec<_> = told
            .iter()
            .map(|rule| {
                (
                    rule.source.as_str(),
                    rule.action.as_str(),
                    rule.target_label.as_str(),
                )
            })
            .collect();
        assert_eq!(
            words,
            [
                ("Title", "copied as it is", "summary"),
                (
                    "status.id",
                    "1 becomes \"2\" (Closed); \"x\" becomes \"9\"; anything else is left out",
                    "State"
                ),
                (
                    "hours",
                    "up to 0.5 becomes \"short\"; up to 2 becomes \"long\"; more becomes the default",
                    "bucket"
                ),
                (
                    "start",
                    "a date: read as X (UTC), written as MM/DD/YYYY (America/New_York)",
                    "due"
                ),
                ("Title", "joined: Title + \" #\"", "name"),
                (
                    "",
                    "computed by a script: Adds the two sums. Twice.",
                    "what the script names"
                ),
                ("", "always \"2\" (Closed)", "State"),
            ]
        );
        assert_eq!(told[0].default.as_deref(), Some("\"None\""));
        assert_eq!(told[0].note.as_deref(), Some("why"));
        assert_eq!(
            told[1].condition.as_deref(),
            Some("on FN_WO_DONE, if $.input.id > 1")
        );
    }
}
