//! Records in the shape that mappings read.
//!
//! The vendor's rules that this follows: every value is text; with `sysparm_display_value=all` each field is an object of
//! `value` and `display_value`, and a reference has a `link` besides, while an empty reference is like any empty field;
//! moments are UTC without a zone; dot-walked fields come under their whole name; journal fields hold, as their display
//! value, all that was ever written, and as their value nothing.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::model::Timestamp;

/// The fields that hold what people wrote over time. They are read as notes, never as values.
pub(super) const JOURNALS: [&str; 4] = [
    "comments",
    "work_notes",
    "comments_and_work_notes",
    "approval_history",
];

/// How the vendor writes a moment.
const FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// A moment as the vendor writes it: UTC, whole seconds, never later than given.
pub(super) fn stamp(moment: Timestamp) -> String {
    let whole = Timestamp::from_second(
        moment
            .as_nanosecond()
            .div_euclid(1_000_000_000)
            .try_into()
            .unwrap_or_default(),
    );
    let whole = whole.unwrap_or(moment);
    whole.to_zoned(TimeZone::UTC).strftime(FORMAT).to_string()
}

/// A time without a zone, as the vendor writes it.
pub(super) fn civil(text: &str) -> Option<DateTime> {
    DateTime::strptime(FORMAT, text.trim()).ok()
}

/// The moment that a raw value names.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let zoned = civil(text)?.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

/// What a field is, out of a member of a `result`, whichever `sysparm_display_value` it was asked with.
pub(super) fn raw(cell: &Value) -> String {
    match cell {
        Value::Object(members) => members.get("value").map(raw).unwrap_or_default(),
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What people see of a field.
pub(super) fn shown(cell: &Value) -> String {
    match cell {
        Value::Object(members) => members.get("display_value").map(raw).unwrap_or_default(),
        other => raw(other),
    }
}

/// The raw value of a row's field.
pub(super) fn cell(row: &Value, name: &str) -> String {
    row.get(name).map(raw).unwrap_or_default()
}

/// A record in the shape that mappings read: texts under their names, `dv_` and the name for what people see of them,
/// references as objects of `value`, `display_value` and the related fields that were read along.
pub(super) fn shaped(result: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, cell) in result.iter().filter(|(name, _)| !name.contains('.')) {
        if JOURNALS.contains(&name.as_str()) {
            fields.insert(name.clone(), Value::String(String::new()));
        } else if is_reference(cell) {
            let mut reference = Map::new();
            reference.insert("value".to_owned(), raw(cell).into());
            reference.insert("display_value".to_owned(), shown(cell).into());
            fields.insert(name.clone(), Value::Object(reference));
        } else {
            fields.insert(name.clone(), raw(cell).into());
        }
    }
    for (name, cell) in result {
        let is_plain = fields.get(name).is_some_and(Value::is_string);
        let seen = shown(cell);
        if is_plain && cell.is_object() && !seen.is_empty() && !JOURNALS.contains(&name.as_str()) {
            fields.insert(format!("dv_{name}"), seen.into());
        }
    }
    relate(&mut fields, result);
    fields
}

fn is_reference(cell: &Value) -> bool {
    cell.get("link").is_some() && !raw(cell).is_empty()
}

/// Puts dot-walked fields into the references they belong to.
pub(super) fn relate(fields: &mut Map<String, Value>, result: &Map<String, Value>) {
    for (name, cell) in result {
        let Some((reference, rest)) = name.split_once('.') else {
            continue;
        };
        if let Some(Value::Object(reference)) = fields.get_mut(reference) {
            reference.insert(rest.to_owned(), raw(cell).into());
        }
    }
}

/// The text at a field's name in a shaped record, dots included; a reference's text is its `sys_id`. `None` when there is no
/// such field; a related field of an empty reference is empty.
pub(super) fn text(fields: &Value, name: &str) -> Option<String> {
    let (first, rest) = name.split_once('.').unwrap_or((name, ""));
    let value = fields.get(first)?;
    match value {
        Value::Object(members) if rest.is_empty() => {
            Some(members.get("value").map(raw).unwrap_or_default())
        }
        Value::Object(members) => members.get(rest).map(raw),
        other if rest.is_empty() => Some(raw(other)),
        other => raw(other).is_empty().then(String::new),
    }
}

/// What to call a record in a list.
pub(super) fn label(fields: &Value, id: &str) -> String {
    let part = |name: &str| text(fields, name).filter(|text| !text.trim().is_empty());
    match (part("number"), part("short_description")) {
        (Some(number), Some(summary)) => format!("{number} {summary}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => part("name").unwrap_or_else(|| format!("record {id}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape(value: &Value) -> Value {
        Value::Object(shaped(value.as_object().unwrap()))
    }

    #[test]
    fn values_and_what_people_see_stand_side_by_side() {
        let fields = shape(&json!({
            "state": {"display_value": "In Progress", "value": "2"},
            "caller_id": {"display_value": "Sample Caller", "value": "46c6", "link": "https://i/api/now/table/sys_user/46c6"},
            "caller_id.email": {"display_value": "a@example.com", "value": "a@example.com"},
            "assigned_to": {"display_value": "", "value": ""},
            "assigned_to.name": {"display_value": "", "value": ""},
            "work_notes": {"display_value": "2024-01-01 00:00:00 - A (Work notes)\nx", "value": ""},
        }));
        assert_eq!(
            fields,
            json!({
                "state": "2", "dv_state": "In Progress",
                "caller_id": {"value": "46c6", "display_value": "Sample Caller", "email": "a@example.com"},
                "assigned_to": "", "work_notes": "",
            })
        );
        assert_eq!(text(&fields, "caller_id").as_deref(), Some("46c6"));
        assert_eq!(
            text(&fields, "caller_id.email").as_deref(),
            Some("a@example.com")
        );
        assert_eq!(text(&fields, "assigned_to.name").as_deref(), Some(""));
        assert_eq!(text(&fields, "u_none"), None);
        assert_eq!(text(&fields, "state.x"), None);
    }

    #[test]
    fn an_answer_without_display_values_is_read_as_well() {
        let fields = shape(
            &json!({"number": "INC1", "active": "true", "parent": "", "count": 3, "none": null,
            "location": {"link": "https://i/api/now/table/cmn_location/10", "value": "10"}}),
        );
        assert_eq!(
            fields,
            json!({"number": "INC1", "active": "true", "parent": "", "count": "3", "none": "",
                "location": {"value": "10", "display_value": ""}})
        );
    }

    #[test]
    fn moments_are_utc_to_the_second() {
        let at: Timestamp = "2015-11-01T22:37:27Z".parse().unwrap();
        assert_eq!(moment("2015-11-01 22:37:27"), Some(at));
        assert_eq!(stamp(at), "2015-11-01 22:37:27");
        assert_eq!(
            stamp("1969-12-31T23:59:59.5Z".parse().unwrap()),
            "1969-12-31 23:59:59"
        );
        for text in [
            "",
            "2015-11-01",
            "01.11.2015 22:37:27",
            "2015-13-01 00:00:00",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn a_record_is_called_by_number_and_summary() {
        assert_eq!(
            label(&json!({"number": "INC1", "short_description": "x"}), "a"),
            "INC1 x"
        );
        assert_eq!(label(&json!({"name": "Site"}), "a"), "Site");
        assert_eq!(label(&json!({}), "a"), "record a");
    }
}
