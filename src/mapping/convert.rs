//! Lossless conversion to a target's type.

use serde_json::{Number, Value};

use super::value::{kind_word, kind_words, number_text, scalar_text, shown};
use crate::model::FieldKind;

/// Why a value can't become a target's type without loss.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value} is {is}, and the target takes {wanted}")]
pub struct Lossy {
    value: String,
    is: &'static str,
    wanted: &'static str,
}

/// What a conversion did.
#[derive(Clone, Debug, PartialEq)]
pub enum Conversion {
    /// The value was of the type already.
    AsIs,
    /// The value in the target's type.
    To(Value),
}

/// Converts a value to a type, if that loses nothing: `"5"` ⇄ 5, `"true"` ⇄ true.
///
/// # Errors
/// [`Lossy`] when the value has no equal of that type.
pub fn lossless(value: &Value, kind: FieldKind) -> Result<Conversion, Lossy> {
    let lossy = || Lossy {
        value: shown(value),
        is: kind_word(value),
        wanted: kind_words(kind),
    };
    let converted = match (kind, value) {
        (_, Value::Null)
        | (FieldKind::Any, _)
        | (FieldKind::Text, Value::String(_))
        | (FieldKind::Number, Value::Number(_))
        | (FieldKind::Boolean, Value::Bool(_))
        | (FieldKind::List, Value::Array(_))
        | (FieldKind::Object, Value::Object(_))
        // A date's form is the platform's affair: text, Unix time, or an object such as {"utc": …}.
        | (FieldKind::Date | FieldKind::DateTime, Value::String(_) | Value::Number(_) | Value::Object(_)) => None,
        (FieldKind::Integer, Value::Number(number)) if !number.is_f64() => None,
        (FieldKind::Integer, Value::Number(number)) => {
            Some(whole(&number_text(number)).ok_or_else(lossy)?)
        }
        (FieldKind::Text, Value::Number(_) | Value::Bool(_)) => {
            Some(Value::String(scalar_text(value).ok_or_else(lossy)?.into_owned()))
        }
        (FieldKind::Integer, Value::String(text)) => Some(whole(text).ok_or_else(lossy)?),
        (FieldKind::Number, Value::String(text)) => Some(decimal(text).ok_or_else(lossy)?),
        (FieldKind::Boolean, Value::String(text)) => match text.as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => return Err(lossy()),
        },
        _ => return Err(lossy()),
    };
    Ok(converted.map_or(Conversion::AsIs, Conversion::To))
}

/// The whole number that a decimal text says, if the number says the text back (`"05"` would lose its zero).
fn whole(text: &str) -> Option<Value> {
    let plain = without_zero_fraction(text);
    if let Ok(number) = plain.parse::<i64>() {
        return (number.to_string() == plain).then(|| Value::from(number));
    }
    let number = plain.parse::<u64>().ok()?;
    (number.to_string() == plain).then(|| Value::from(number))
}

/// The number that a decimal text says; zeros at the end of its fraction are no loss.
fn decimal(text: &str) -> Option<Value> {
    if let Some(number) = whole(text) {
        return Some(number);
    }
    let (_, fraction) = text.split_once('.')?;
    let number = Number::from_f64(text.parse().ok()?)?;
    let is_plain = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let shortest = text.trim_end_matches('0');
    (is_plain && number.to_string() == shortest).then_some(Value::Number(number))
}

fn without_zero_fraction(text: &str) -> &str {
    match text.split_once('.') {
        Some((integral, fraction))
            if !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0') =>
        {
            integral
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn converted(value: Value, kind: FieldKind) -> Option<Value> {
        match lossless(&value, kind) {
            Ok(Conversion::AsIs) => Some(value),
            Ok(Conversion::To(new)) => Some(new),
            Err(_) => None,
        }
    }

    #[test]
    fn what_loses_nothing_converts() {
        for (value, kind, expected) in [
            (json!("5"), FieldKind::Integer, json!(5)),
            (json!("-5"), FieldKind::Integer, json!(-5)),
            (
                json!("18446744073709551615"),
                FieldKind::Integer,
                json!(18_446_744_073_709_551_615_u64),
            ),
            (json!(5.0), FieldKind::Integer, json!(5)),
            (json!("5.00"), FieldKind::Integer, json!(5)),
            (json!("150.50"), FieldKind::Number, json!(150.5)),
            (json!("5"), FieldKind::Number, json!(5)),
            (json!(5), FieldKind::Text, json!("5")),
            (json!(5.0), FieldKind::Text, json!("5")),
            (json!(true), FieldKind::Text, json!("true")),
            (json!("true"), FieldKind::Boolean, json!(true)),
            (json!("false"), FieldKind::Boolean, json!(false)),
            (json!([1]), FieldKind::List, json!([1])),
            (
                json!(1_700_000_000),
                FieldKind::DateTime,
                json!(1_700_000_000),
            ),
            (json!({"a": 1}), FieldKind::Any, json!({"a": 1})),
        ] {
            assert_eq!(
                converted(value.clone(), kind),
                Some(expected),
                "{value} to {kind:?}"
            );
        }
    }

    #[test]
    fn what_would_lose_something_is_refused() {
        for (value, kind) in [
            (json!("05"), FieldKind::Integer),
            (json!("5.5"), FieldKind::Integer),
            (json!(5.5), FieldKind::Integer),
            (json!("+5"), FieldKind::Integer),
            (json!("five"), FieldKind::Number),
            (json!("0.1234567890123456789"), FieldKind::Number),
            (json!("1e3"), FieldKind::Number),
            (json!(true), FieldKind::Integer),
            (json!("yes"), FieldKind::Boolean),
            (json!("TRUE"), FieldKind::Boolean),
            (json!(1), FieldKind::Boolean),
            (json!({"a": 1}), FieldKind::Text),
            (json!([1]), FieldKind::Text),
            (json!("x"), FieldKind::List),
            (json!("x"), FieldKind::Object),
        ] {
            assert_eq!(converted(value.clone(), kind), None, "{value} to {kind:?}");
        }
    }
}
