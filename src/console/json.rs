//! JSON as people read it: indented, in roles; and what differs between two values.

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::Line;
use super::theme::Tone;

/// Lines beyond which a value is not laid out; copying still takes all of it.
const MOST_LINES: usize = 20_000;

/// A value as indented lines.
#[must_use]
pub fn pretty(value: &Value) -> Vec<Line> {
    let mut lines = Vec::new();
    write(value, None, 0, "", &mut lines);
    if lines.len() >= MOST_LINES {
        lines.push(Line::of(
            Tone::Dim,
            "the rest is not shown; copy takes all of it",
        ));
    }
    lines
}

fn write(value: &Value, key: Option<&str>, depth: usize, comma: &str, lines: &mut Vec<Line>) {
    if lines.len() >= MOST_LINES {
        return;
    }
    let mut line = Line::of(Tone::Text, "  ".repeat(depth)).hanging(depth * 2 + 2);
    if let Some(key) = key {
        line = line
            .with(Tone::JsonKey, Value::from(key).to_string())
            .with(Tone::Dim, ": ");
    }
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            lines.push(line.with(Tone::Dim, "{"));
            let last = fields.len() - 1;
            for (index, (key, value)) in fields.iter().enumerate() {
                write(
                    value,
                    Some(key),
                    depth + 1,
                    comma_unless(index == last),
                    lines,
                );
            }
            let end = Line::of(Tone::Dim, format!("{}}}{comma}", "  ".repeat(depth)));
            lines.push(end);
        }
        Value::Array(items) if !items.is_empty() => {
            lines.push(line.with(Tone::Dim, "["));
            let last = items.len() - 1;
            for (index, value) in items.iter().enumerate() {
                write(value, None, depth + 1, comma_unless(index == last), lines);
            }
            let end = Line::of(Tone::Dim, format!("{}]{comma}", "  ".repeat(depth)));
            lines.push(end);
        }
        scalar => {
            let line = line.with(tone_of(scalar), scalar.to_string());
            lines.push(line.with(Tone::Dim, comma));
        }
    }
}

fn comma_unless(last: bool) -> &'static str {
    if last { "" } else { "," }
}

/// The role of a value.
#[must_use]
pub fn tone_of(value: &Value) -> Tone {
    match value {
        Value::String(_) => Tone::JsonString,
        Value::Number(_) | Value::Bool(_) => Tone::JsonNumber,
        Value::Null => Tone::JsonNull,
        Value::Array(_) | Value::Object(_) => Tone::Text,
    }
}

/// A value on one line, texts without quotes.
#[must_use]
pub fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Bytes as JSON lines if they are JSON, else as the text they are.
#[must_use]
pub fn pretty_bytes(bytes: &[u8]) -> Vec<Line> {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => pretty(&value),
        Err(_) => plain(&String::from_utf8_lossy(bytes)),
    }
}

/// Plain text, line by line.
#[must_use]
pub fn plain(text: &str) -> Vec<Line> {
    let lines = text.lines().take(MOST_LINES);
    lines.map(|line| Line::of(Tone::Text, line)).collect()
}

/// The leaves of a value by their paths, dotted as mapping targets are.
#[must_use]
pub fn leaves<'a>(
    entries: impl IntoIterator<Item = (&'a String, &'a Value)>,
) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (key, value) in entries {
        collect(key.clone(), value, &mut found);
    }
    found
}

fn collect(path: String, value: &Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                collect(format!("{path}.{key}"), value, into);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                collect(format!("{path}[{index}]"), value, into);
            }
        }
        leaf => {
            into.insert(path, leaf.clone());
        }
    }
}

/// What differs from `old` to `new`, path by path, with the sign for a change.
#[must_use]
pub fn difference(
    old: &BTreeMap<String, Value>,
    new: &BTreeMap<String, Value>,
    changed: &str,
) -> Vec<Line> {
    let mut lines = Vec::new();
    for (path, value) in new {
        let line = match old.get(path) {
            Some(before) if before == value => continue,
            Some(before) => Line::of(Tone::Changed, format!("{changed} {path}  "))
                .with(Tone::Removed, before.to_string())
                .with(Tone::Dim, "  becomes  ")
                .with(Tone::Added, value.to_string()),
            None => Line::of(Tone::Added, format!("+ {path}  {value}")),
        };
        lines.push(line.hanging(4));
    }
    for (path, value) in old {
        if !new.contains_key(path) {
            lines.push(Line::of(Tone::Removed, format!("- {path}  {value}")).hanging(4));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(lines: &[Line]) -> Vec<String> {
        let line = |line: &Line| {
            line.pieces
                .iter()
                .map(|piece| piece.text.as_str())
                .collect()
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn pretty_json_reads_back_as_the_same_value() {
        let value = json!({"a": [1, {"b": null}], "c": {}, "d": "x\u{1b}\"y", "e": [], "f": true});
        let text = text(&pretty(&value)).join("\n");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert!(!text.contains('\u{1b}'), "escapes stay escaped");
    }

    #[test]
    fn a_difference_names_what_changed_came_and_went() {
        let old = json!({"title": "a", "location.city": "Tulsa", "gone": 1});
        let new = json!({"title": "b", "location": {"city": "Tulsa"}, "tags": ["x"]});
        let leaves = |value: &Value| leaves(value.as_object().unwrap());
        let lines = text(&difference(&leaves(&old), &leaves(&new), "≠"));
        assert_eq!(
            lines,
            [
                "+ tags[0]  \"x\"",
                "≠ title  \"a\"  becomes  \"b\"",
                "- gone  1"
            ]
        );
    }

    #[test]
    fn a_huge_value_is_cut_and_says_so() {
        let value = Value::from((0..50_000).collect::<Vec<_>>());
        let lines = pretty(&value);
        assert!(lines.len() <= MOST_LINES + 2);
        assert!(text(&lines).last().unwrap().contains("not shown"));
    }
}
