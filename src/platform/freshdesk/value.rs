//! Fitting what a mapping made to the type a field has, without loss or not at all.

use serde_json::Value;

use super::json;
use crate::model::FieldKind;

/// A list of what a mapping made: a list as it is, a text at its commas.
pub(super) fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items
            .iter()
            .filter(|item| !json::is_empty(item))
            .cloned()
            .collect(),
        Value::String(text) => text
            .split(',')
            .map(str::trim)
            .filter(|piece| !piece.is_empty())
            .map(Value::from)
            .collect(),
        Value::Null => Vec::new(),
        other => vec![json::text(other).into()],
    }
}

/// The number that a text holds, for members whose names end like numbers.
pub(super) fn number_of_text(name: &str, value: &Value) -> Value {
    if name.ends_with("_id") || matches!(name, "status" | "priority" | "source") {
        json::number(value).map_or_else(|| value.clone(), Value::from)
    } else {
        value.clone()
    }
}

/// A value in a field's type, if nothing is lost by it.
pub(super) fn fit(kind: FieldKind, value: &Value) -> Option<Value> {
    match (kind, value) {
        (FieldKind::Text, Value::Number(_) | Value::Bool(_)) => Some(json::text(value).into()),
        (FieldKind::Integer, Value::Number(number)) => {
            (number.is_i64() || number.is_u64()).then(|| value.clone())
        }
        (FieldKind::Integer, Value::String(text)) => {
            text.trim().parse::<i64>().ok().map(Value::from)
        }
        (FieldKind::Number, Value::String(text)) => {
            let number = text.trim().parse::<f64>().ok()?;
            serde_json::Number::from_f64(number).map(Value::Number)
        }
        (FieldKind::Boolean, Value::String(text)) => match text.trim() {
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            _ => None,
        },
        (FieldKind::Boolean, Value::Bool(_)) | (FieldKind::Number, Value::Number(_)) => {
            Some(value.clone())
        }
        (FieldKind::Date, Value::String(text)) => {
            let date: jiff::civil::Date = text.trim().get(..10)?.parse().ok()?;
            Some(date.to_string().into())
        }
        (FieldKind::Text, Value::Object(_) | Value::Array(_))
        | (FieldKind::Integer | FieldKind::Number | FieldKind::Boolean | FieldKind::Date, _) => {
            None
        }
        _ => Some(value.clone()),
    }
}

/// What a field of a type takes, for people.
pub(super) fn taken(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Integer => "a whole number",
        FieldKind::Number => "a number",
        FieldKind::Boolean => "true or false",
        FieldKind::Date => "a date like 2026-01-31",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_fitted_without_loss() {
        for (kind, value, fitted) in [
            (FieldKind::Text, json!(5), Some(json!("5"))),
            (FieldKind::Text, json!({"a": 1}), None),
            (FieldKind::Integer, json!(" 5 "), Some(json!(5))),
            (FieldKind::Integer, json!(5.5), None),
            (FieldKind::Integer, json!("5.5"), None),
            (FieldKind::Number, json!("5.5"), Some(json!(5.5))),
            (FieldKind::Number, json!("NaN"), None),
            (FieldKind::Boolean, json!("false"), Some(json!(false))),
            (FieldKind::Boolean, json!("no"), None),
            (
                FieldKind::Date,
                json!("2026-02-28T23:00:00Z"),
                Some(json!("2026-02-28")),
            ),
            (FieldKind::Date, json!("2026-02-30"), None),
            (FieldKind::Date, json!("soon"), None),
        ] {
            assert_eq!(fit(kind, &value), fitted, "{value}");
        }
    }

    #[test]
    fn a_text_is_a_list_at_its_commas() {
        assert_eq!(list(&json!(" a, ,b ")), [json!("a"), json!("b")]);
        assert_eq!(list(&json!(["a,b", null, ""])), [json!("a,b")]);
        assert_eq!(list(&json!(7)), [json!("7")]);
    }
}
