//! The hosted broker's own form of a mapping: a JSON list of rules, or `{"inbound": […], "outbound": […]}`.

use std::path::Path;

use serde_json::{Map, Value, json};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table};

use super::problem::Problem;
use super::rule::{Action, NoMatch, Part, Rule};
use super::source_file::Mapping;
use crate::model::Direction;

/// A mapping in the hosted broker's form.
#[derive(Clone, Debug, PartialEq)]
pub struct HostedExport {
    /// `{"inbound": […], "outbound": […]}`.
    pub json: Value,
    /// What the hosted broker has no form for, and was therefore left out.
    pub left_out: Vec<String>,
}

/// Turns the hosted broker's JSON into the text of a mapping file. A bare list becomes inbound rules.
///
/// # Errors
/// All problems of the JSON at once.
pub fn from_hosted_json(text: &str, file_name: &str) -> Result<String, Vec<Problem>> {
    // The JSON is read as a mapping first, so that only what is understood is written.
    let name = Path::new(file_name).with_extension("json");
    let name = name.to_string_lossy();
    Mapping::parse(text, &name, None)?;
    let root: Value = serde_json::from_str(text).unwrap_or_default();
    let mut document = DocumentMut::new();
    let sides = match root {
        Value::Array(rules) => vec![("inbound", rules)],
        Value::Object(mut sides) => ["inbound", "outbound"]
            .into_iter()
            .filter_map(|side| match sides.remove(side) {
                Some(Value::Array(rules)) => Some((side, rules)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    for (side, rules) in sides {
        let tables: ArrayOfTables = rules.into_iter().filter_map(table).collect();
        document.insert(side, Item::ArrayOfTables(tables));
    }
    Ok(document.to_string())
}

fn table(rule: Value) -> Option<Table> {
    let Value::Object(members) = rule else {
        return None;
    };
    let mut table = Table::new();
    for (key, value) in members {
        let value = match (key.as_str(), value) {
            ("action", Value::String(action)) => action_word(&action).into(),
            (_, value) => value,
        };
        if let Some(value) = toml_value(value) {
            table.insert(&key, Item::Value(value));
        }
    }
    Some(table)
}

/// `ACTION_TYPE_ARRAY_MAP` is written `array_map` here.
fn action_word(action: &str) -> String {
    action
        .strip_prefix("ACTION_TYPE_")
        .map_or_else(|| action.to_owned(), str::to_lowercase)
}

/// TOML has no null: where it stands, the key is left out.
fn toml_value(value: Value) -> Option<toml_edit::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(truth) => truth.into(),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => integer.into(),
            None => number.as_f64()?.into(),
        },
        Value::String(text) => text.into(),
        Value::Array(values) => values
            .into_iter()
            .filter_map(toml_value)
            .collect::<Array>()
            .into(),
        Value::Object(members) => {
            let members = members
                .into_iter()
                .filter_map(|(key, value)| Some((key, toml_value(value)?)));
            members.collect::<InlineTable>().into()
        }
    })
}

/// A mapping in the hosted broker's form.
#[must_use]
pub fn to_hosted_json(mapping: &Mapping) -> HostedExport {
    let mut left_out = Vec::new();
    let mut side = |direction: Direction| -> Vec<Value> {
        let rules = mapping.rules(direction).iter();
        rules
            .filter_map(|rule| hosted_rule(rule, direction, &mut left_out))
            .collect()
    };
    let (inbound, outbound) = (side(Direction::Inbound), side(Direction::Outbound));
    HostedExport {
        json: json!({"inbound": inbound, "outbound": outbound}),
        left_out,
    }
}

fn hosted_rule(rule: &Rule, direction: Direction, left_out: &mut Vec<String>) -> Option<Value> {
    let place = format!("{} rule {}", direction.word(), rule.number);
    let Some(target) = &rule.target else {
        left_out.push(format!("{place}: a custom rule without a target"));
        return None;
    };
    let mut hosted = Map::new();
    if let Some(source) = rule.action.source() {
        hosted.insert("source".into(), source.path.to_string().into());
    }
    hosted.insert("target".into(), target.to_string().into());
    hosted.insert("action".into(), rule.action.word().into());
    let mut lose = |what: &str| left_out.push(format!("{place}: {what}"));
    match &rule.action {
        Action::Sync { .. } => {}
        Action::SetStatic { value } => drop(hosted.insert("value".into(), value.clone())),
        Action::ArrayMap {
            mappings, no_match, ..
        } => {
            let entry =
                |compare: &Value, value: &Value| json!({"compare": compare, "value": value});
            let entries: Vec<Value> = mappings
                .iter()
                .map(|one| entry(&one.compare, &one.value))
                .collect();
            hosted.insert("mappings".into(), entries.into());
            if *no_match == NoMatch::Error {
                lose("`no_match`");
            }
        }
        Action::RangeMap { ranges, .. } => {
            let ranges = ranges
                .iter()
                .map(|range| json!({"compare": plain(range.compare), "value": range.value}));
            hosted.insert("ranges".into(), ranges.collect());
        }
        Action::DateConvert { conversion, .. } => {
            hosted.insert("input_format".into(), conversion.input.text().into());
            hosted.insert("output_format".into(), conversion.output.text().into());
            hosted.insert("timezone_in".into(), conversion.zone_in.name().into());
            hosted.insert("timezone_out".into(), conversion.zone_out.name().into());
        }
        Action::Concat { parts } => {
            let parts = parts.iter().map(|part| match part {
                Part::Field(source) => json!({"type": "field", "value": source.path.to_string()}),
                Part::Static(text) => json!({"type": "static", "value": text}),
            });
            hosted.insert("parts".into(), parts.collect());
        }
        Action::Custom { script } => drop(hosted.insert("script".into(), (*script.text).into())),
    }
    if let Some(default) = &rule.default {
        hosted.insert("default".into(), default.clone());
    }
    if rule.when.is_some() {
        lose("`when`");
    }
    if !rule.events.is_empty() {
        lose("`events`: there, the filter is set beside the mapping row");
    }
    Some(Value::Object(hosted))
}

/// A number without a needless fraction.
fn plain(number: f64) -> Value {
    serde_json::Number::from_f64(number)
        .map(|float| {
            super::value::number_text(&float)
                .parse::<i64>()
                .map_or(Value::Number(float), Value::from)
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTED: &str = r#"{
        "inbound": [
            {"source": "status", "target": "status_id", "action": "ACTION_TYPE_ARRAY_MAP",
             "mappings": [{"compare": "New", "value": "1"}, {"compare": "Done", "value": "5"}], "default": "1"},
            {"source": "created_at", "target": "schedule.start", "action": "date_convert",
             "input_format": "YYYY-MM-DD HH:mm:ss", "output_format": "MM/DD/YYYY hh:mm A",
             "timezone_in": "UTC", "timezone_out": "America/Chicago"}
        ],
        "outbound": [
            {"source": "time_logs.hours", "target": "bucket", "action": "range_map",
             "ranges": [{"compare": 0.5, "value": "a"}, {"compare": 1, "value": "b"}], "default": "c"},
            {"target": "full_name", "action": "concat",
             "parts": [{"type": "field", "value": "assignee.user.first_name"}, {"type": "static", "value": " "}]},
            {"target": "level", "action": "custom", "script": "local x = 'a';\nx + \"b\""},
            {"target": "priority", "action": "set_static", "value": "High"}
        ]
    }"#;

    #[test]
    fn the_hosted_form_goes_in_and_out_unchanged() {
        let toml = from_hosted_json(HOSTED, "export.json").unwrap();
        let mapping = Mapping::parse(&toml, "m.toml", None).unwrap();
        let export = to_hosted_json(&mapping);
        let mut expected: Value = serde_json::from_str(HOSTED).unwrap();
        expected["inbound"][0]["action"] = "array_map".into();
        assert_eq!(export.json, expected);
        assert_eq!(export.left_out, Vec::<String>::new());

        let direct = Mapping::parse(HOSTED, "export.json", None).unwrap();
        assert_eq!(to_hosted_json(&direct), export);
    }

    #[test]
    fn a_bare_list_is_inbound_and_problems_are_placed() {
        let toml =
            from_hosted_json(r#"[{"source": "a", "target": "b", "action": "sync"}]"#, "x").unwrap();
        assert_eq!(
            Mapping::parse(&toml, "m.toml", None)
                .unwrap()
                .rules(Direction::Inbound)
                .len(),
            1
        );
        let problems = from_hosted_json(
            "[\n  {\"sorce\": \"a\", \"target\": \"b\", \"action\": \"sync\"}]",
            "x.json",
        );
        let problems = problems.unwrap_err();
        assert!(
            problems.iter().all(|problem| problem.position.line == 2),
            "{problems:?}"
        );
    }

    #[test]
    fn what_the_hosted_broker_lacks_is_told() {
        let text = "[[outbound]]\naction = \"custom\"\nscript = \"{a: 1}\"\n[[outbound]]\naction = \"set_static\"\ntarget = \"a\"\nvalue = 1\nwhen = \"true\"\nevents = [\"FN_WO_DONE\"]\n";
        let mapping = Mapping::parse(text, "m.toml", None).unwrap();
        assert_eq!(to_hosted_json(&mapping).left_out.len(), 3);
    }
}
