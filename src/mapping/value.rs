//! What values are to mappings: empty, equal, text.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::model::{FieldKind, PicklistValue};

/// The largest whole number up to which every whole number has its own `f64`.
pub(crate) const LARGEST_EXACT: u64 = 1 << 53;

/// Whether a value counts as not there: null or `""`.
#[must_use]
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// A number's decimal text: `5` for both 5 and 5.0.
#[must_use]
pub fn number_text(number: &Number) -> Cow<'static, str> {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= 1e15 => {
            // Bounded just above, so nothing is cut off.
            #[expect(clippy::cast_possible_truncation)]
            Cow::Owned((float as i64).to_string())
        }
        _ => Cow::Owned(number.to_string()),
    }
}

/// A scalar's text; `None` for null, lists and objects.
#[must_use]
pub fn scalar_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(number_text(number)),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether two values are equal as mapping rules see it: text by its characters, numbers by their value,
/// and a number equals its decimal text.
#[must_use]
pub fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(number), Value::String(text))
        | (Value::String(text), Value::Number(number)) => *number_text(number) == **text,
        (Value::Number(one), Value::Number(other)) => {
            one == other || number_text(one) == number_text(other)
        }
        _ => one == other,
    }
}

/// The number that a value is or says, read by the common rules of decimal text.
#[must_use]
pub fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => {
            let text = text.trim();
            let begins_well = text.starts_with(|first: char| {
                first.is_ascii_digit() || matches!(first, '-' | '+' | '.')
            });
            // Rust also reads "inf" and "nan", which no record means as numbers.
            begins_well
                .then(|| text.parse::<f64>().ok())
                .flatten()
                .filter(|number| number.is_finite())
        }
        _ => None,
    }
}

/// What a value is, in a word for people.
#[must_use]
pub fn kind_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A picklist entry as people can tell it: its value, and its label where that says more.
#[must_use]
pub fn picklist_entry(entry: &PicklistValue) -> String {
    if entry.label.is_empty() || entry.label == entry.value {
        format!("`{}`", entry.value)
    } else {
        format!("`{}` ({})", entry.value, entry.label)
    }
}

/// A value as it is shown in a sentence: JSON, cut to a bearable length.
#[must_use]
pub fn shown(value: &Value) -> String {
    const LONGEST: usize = 80;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What a kind of values is called in a sentence.
pub(super) fn kind_words(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "a text",
        FieldKind::Integer => "a whole number",
        FieldKind::Number => "a number",
        FieldKind::Boolean => "true or false",
        FieldKind::Date => "a date",
        FieldKind::DateTime => "a date with time",
        FieldKind::Object => "an object",
        FieldKind::List => "a list",
        FieldKind::Any => "anything",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_equal_their_decimal_text_and_nothing_else() {
        assert!(equal(&json!(5), &json!("5")));
        assert!(equal(&json!("0.5"), &json!(0.5)));
        assert!(equal(&json!(5), &json!(5.0)));
        assert!(equal(&json!("5"), &json!(5.0)));
        assert!(!equal(&json!("05"), &json!(5)));
        assert!(!equal(&json!("5 "), &json!(5)));
        assert!(!equal(&json!("new"), &json!("New")));
        assert!(!equal(&json!(true), &json!("true")));
        assert!(!equal(
            &json!(9_007_199_254_740_993_u64),
            &json!(9_007_199_254_740_992_u64)
        ));
    }

    #[test]
    fn decimal_text_reads_as_a_number() {
        assert_eq!(number_of(&json!(" 1.5 ")), Some(1.5));
        assert_eq!(number_of(&json!("-2")), Some(-2.0));
        for none in [
            json!(""),
            json!("inf"),
            json!("NaN"),
            json!("1h"),
            json!(true),
            json!(null),
        ] {
            assert_eq!(number_of(&none), None, "{none}");
        }
    }

    #[test]
    fn long_values_are_cut_at_a_character() {
        assert_eq!(shown(&json!("short")), "\"short\"");
        assert_eq!(shown(&json!("ä".repeat(500))).chars().count(), 81);
    }
}
