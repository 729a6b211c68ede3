//! Small readings of loosely typed JSON: the vendor gives ids as numbers or as text.

use serde_json::Value;

pub(super) use crate::platform::basics::digits;

/// A scalar as text; objects and lists as their JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A positive whole number, given as number or as text.
pub(super) fn number(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => digits(text.as_bytes())?,
        _ => return None,
    };
    (number > 0).then_some(number)
}

/// A member's id as text.
pub(super) fn id(object: &Value, name: &str) -> Option<String> {
    number(object.get(name)?).map(|number| number.to_string())
}

/// Whether a value says nothing.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_is_a_number_or_its_digits() {
        assert_eq!(number(&json!(11)), Some(11));
        assert_eq!(number(&json!(" 11 ")), Some(11));
        for wrong in [
            json!(0),
            json!(-1),
            json!(1.5),
            json!("{{ticket.id}}"),
            json!("99999999999999999999"),
            json!("9999999999999999999"),
            json!(null),
        ] {
            assert_eq!(number(&wrong), None, "{wrong}");
        }
    }
}
