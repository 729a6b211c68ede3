//! What differs from what is already there, so that only that is sent.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::mapping::path::Path;

/// The values a mapping made, by target path, in the order of its rules.
pub(crate) type Targets = BTreeMap<String, Value>;

/// Those targets whose value differs from the one last sent.
pub(crate) fn since_sent(targets: &Targets, sent: &BTreeMap<String, Value>) -> Targets {
    keep(targets, |path, value| {
        sent.get(path).is_none_or(|before| !alike(before, value))
    })
}

/// Those targets whose value differs from the one that the object has now.
pub(crate) fn since_seen(targets: &Targets, object: &Value) -> Targets {
    keep(targets, |path, value| !alike(&read(path, object), value))
}

/// What an object holds at a path; null where it holds nothing.
pub(crate) fn read<'o>(path: &str, object: &'o Value) -> Cow<'o, Value> {
    let found = Path::parse(path).ok().and_then(|path| path.read(object));
    found.unwrap_or(Cow::Owned(Value::Null))
}

fn keep(targets: &Targets, differs: impl Fn(&str, &Value) -> bool) -> Targets {
    targets
        .iter()
        .filter(|(path, value)| differs(path, value))
        .map(|(path, value)| (path.clone(), value.clone()))
        .collect()
}

/// Builds the nested object of some targets.
pub(crate) fn nested(targets: &Targets) -> Map<String, Value> {
    let mut object = Map::new();
    for (path, value) in targets {
        // A target that can't be parsed or written was refused when the mapping was read.
        if let Ok(path) = Path::parse(path) {
            let _ = path.write(&mut object, value.clone());
        }
    }
    object
}

/// Whether two values mean the same to a person: numbers by their worth, empty text like none, a list of
/// objects or an object by what ours says and whatever theirs says besides.
pub(crate) fn alike(theirs: &Value, ours: &Value) -> bool {
    match (theirs, ours) {
        (Value::Number(one), Value::Number(other)) => {
            one == other
                || one
                    .as_f64()
                    .zip(other.as_f64())
                    .is_some_and(|(one, other)| one.total_cmp(&other).is_eq())
        }
        (Value::Null, Value::String(text)) | (Value::String(text), Value::Null) => text.is_empty(),
        (Value::Object(theirs), Value::Object(ours)) => ours
            .iter()
            .all(|(key, value)| alike(theirs.get(key).unwrap_or(&Value::Null), value)),
        (Value::Array(theirs), Value::Array(ours)) => {
            theirs.len() == ours.len()
                && theirs
                    .iter()
                    .zip(ours)
                    .all(|(one, other)| alike(one, other))
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn targets(pairs: &[(&str, Value)]) -> Targets {
        pairs
            .iter()
            .map(|(path, value)| ((*path).to_owned(), value.clone()))
            .collect()
    }

    #[test]
    fn only_what_differs_from_the_last_delivery_is_left() {
        let made = targets(&[("title", json!("a")), ("pay.base.amount", json!(100))]);
        let sent = targets(&[("title", json!("b")), ("pay.base.amount", json!(100.0))]);
        assert_eq!(since_sent(&made, &sent), targets(&[("title", json!("a"))]));
    }

    #[test]
    fn what_the_record_already_says_is_not_written_again() {
        let made = targets(&[("status.name", json!("Scheduled")), ("poNumber", json!(""))]);
        let record = json!({"status": {"id": 7, "name": "Scheduled"}});
        assert!(since_seen(&made, &record).is_empty());
    }

    #[test]
    fn a_reference_is_the_same_whatever_else_it_holds() {
        assert!(alike(&json!({"id": 1, "name": "x"}), &json!({"name": "x"})));
        assert!(!alike(
            &json!({"id": 1, "name": "x"}),
            &json!({"name": "y"})
        ));
        assert!(!alike(&Value::Null, &json!({"name": "y"})));
    }

    #[test]
    fn targets_become_a_nested_object_again() {
        let made = targets(&[("location.city", json!("Tulsa")), ("title", json!("a"))]);
        assert_eq!(
            Value::Object(nested(&made)),
            json!({"location": {"city": "Tulsa"}, "title": "a"})
        );
    }
}
