//! Targets that mappings name and REST v2 does not have: other names for what it has, and refusals with a hint.
//!
//! The hosted broker's own examples use most of these; where the meaning is clear they are taken for what they
//! mean, and where it is not they are refused, because Field Nation would answer 200 and store nothing.

use serde_json::{Map, Value};

/// Other names: what a mapping may say, and where it goes.
pub(super) const ALIASES: [(&str, &str); 23] = [
    ("schedule.start", "schedule.service_window.start"),
    ("schedule.dateStart", "schedule.service_window.start"),
    ("schedule.date_start", "schedule.service_window.start"),
    ("schedule.end", "schedule.service_window.end"),
    ("schedule.dateEnd", "schedule.service_window.end"),
    ("schedule.date_end", "schedule.service_window.end"),
    ("schedule.mode", "schedule.service_window.mode"),
    ("schedule.require_ontime", "require_ontime"),
    ("location.company.name", "location.display_name"),
    ("location.name", "location.display_name"),
    ("location.address.address1", "location.address1"),
    ("location.address.address2", "location.address2"),
    ("location.address.city", "location.city"),
    ("location.address.state", "location.state"),
    ("location.address.zip", "location.zip"),
    ("location.address.country", "location.country"),
    ("location.address", "location.address1"),
    ("location.postal_code", "location.zip"),
    ("pay.amount", "pay.base.amount"),
    ("pay.units", "pay.base.units"),
    ("type_of_work", "types_of_work"),
    ("site_manager", "manager"),
    ("contact", "contacts"),
];

/// What can't be written, and what to do instead.
pub(super) const REFUSED: [(&str, &str); 15] = [
    ("id", "Field Nation gives the id"),
    ("work_order_id", "Field Nation gives the id"),
    (
        "status",
        "the status follows from what is done with the work order; let the connector publish it instead",
    ),
    (
        "status_id",
        "the status follows from what is done with the work order; let the connector publish it instead",
    ),
    (
        "priority",
        "a Field Nation work order has no priority; map it to a custom field, e.g. custom_fields[\"Priority\"]",
    ),
    (
        "external_id",
        "the link to the record is kept in the correlation field by itself; drop this rule",
    ),
    (
        "correlation_id",
        "the link to the record is kept in the correlation field by itself; drop this rule",
    ),
    (
        "instructions",
        "map it to description.html, or to confidential.html for what only the assigned provider may read",
    ),
    (
        "standard_instructions",
        "these come from the template; map to description.html or choose a template",
    ),
    (
        "policy_and_procedures",
        "these come from the company's settings; map to description.html",
    ),
    ("time_estimate", "map the expected hours to pay.hours"),
    (
        "closing_notes",
        "these are the provider's; they can only be read",
    ),
    ("assignee", "assigning is done in Field Nation"),
    ("integration", "Field Nation gives it"),
    ("company", "it is the company of the API user"),
];

/// Moves what stands under other names to where it belongs, and takes out what can't be written; both give
/// sentences for what is wrong.
pub(super) fn rename(output: &mut Map<String, Value>, problems: &mut Vec<String>) {
    for (from, to) in ALIASES {
        let Some(value) = take(output, from) else {
            continue;
        };
        if read(output, to).is_some_and(|there| *there != value) {
            problems.push(format!(
                "`{from}` means `{to}`, which another rule sets too"
            ));
        } else if from == "contact" {
            put(output, to, Value::Array(vec![value]));
        } else {
            put(output, to, value);
        }
    }
    for (path, hint) in REFUSED {
        if take(output, path).is_some() {
            problems.push(format!("`{path}` can't be written: {hint}"));
        }
    }
}

fn read<'a>(map: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => map.get(path),
        Some((first, rest)) => read(map.get(first)?.as_object()?, rest),
    }
}

/// Takes a value out, and with it an object that is empty thereafter.
fn take(map: &mut Map<String, Value>, path: &str) -> Option<Value> {
    let Some((first, rest)) = path.split_once('.') else {
        // An object under the short name of a text is another thing, e.g. `location.address` with parts.
        let is_parts = path == "address" && map.get(path).is_some_and(Value::is_object);
        return if is_parts {
            None
        } else {
            map.shift_remove(path)
        };
    };
    let inner = map.get_mut(first)?.as_object_mut()?;
    let value = take(inner, rest)?;
    if inner.is_empty() {
        map.shift_remove(first);
    }
    Some(value)
}

fn put(map: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('.') else {
        map.insert(path.to_owned(), value);
        return;
    };
    let inner = map
        .entry(first)
        .or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Some(inner) = inner.as_object_mut() {
        put(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn renamed(output: &Value) -> (Value, Vec<String>) {
        let mut output = output.as_object().unwrap().clone();
        let mut problems = Vec::new();
        rename(&mut output, &mut problems);
        (Value::Object(output), problems)
    }

    #[test]
    fn the_hosted_brokers_names_go_where_they_belong() {
        let (output, problems) = renamed(&json!({
            "schedule": {"dateStart": "2026-07-01 09:00:00", "end": "2026-07-01 11:00:00"},
            "location": {"company": {"name": "Site 42"}, "address": {"city": "Minneapolis"}},
            "contact": {"name": "Sample Contact"},
            "pay": {"amount": 100},
        }));
        assert_eq!(
            output,
            json!({
                "schedule": {"service_window": {"start": "2026-07-01 09:00:00", "end": "2026-07-01 11:00:00"}},
                "location": {"display_name": "Site 42", "city": "Minneapolis"},
                "pay": {"base": {"amount": 100}},
                "contacts": [{"name": "Sample Contact"}],
            })
        );
        assert!(problems.is_empty());
    }

    #[test]
    fn what_has_no_meaning_is_refused_with_a_hint() {
        let (output, problems) =
            renamed(&json!({"title": "x", "priority": "High", "status_id": "1"}));
        assert_eq!(output, json!({"title": "x"}));
        assert_eq!(problems.len(), 2);
        assert!(problems[1].contains("custom field"), "{problems:?}");
    }

    #[test]
    fn two_rules_for_one_place_are_told() {
        let (_, problems) = renamed(&json!({"pay": {"amount": 100, "base": {"amount": 200}}}));
        assert_eq!(problems.len(), 1);
    }
}
