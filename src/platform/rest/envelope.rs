//! Where the record stands in what an API answers, and in what it is sent.

use serde_json::{Map, Value};

use super::settings::Envelope;
use crate::mapping::Path;
use crate::mapping::path::Segment;
use crate::openapi::{Document, Operation};

/// Members that commonly hold the record, the surest first.
const USUAL: [&str; 10] = [
    "data", "result", "item", "record", "ticket", "case", "items", "results", "records", "value",
];

/// The member of the fetch's answer that probably holds the record.
pub(super) fn guess(document: &Document, fetch: &Operation, id: &Path) -> Option<String> {
    let schema = fetch.json_answer()?.schema.clone()?;
    let names = document.property_names(&schema);
    // An object that has the id itself is the record.
    if let Some(Segment::Key(first)) = id.segments().first()
        && names.iter().any(|name| **name == **first)
    {
        return None;
    }
    let holds_one = |name: &&&str| {
        let Some(inner) = document.property(&schema, name) else {
            return false;
        };
        let record = document.items(&inner).unwrap_or(inner);
        !document.property_names(&record).is_empty()
    };
    USUAL.iter().find(holds_one).map(|name| (*name).to_owned())
}

impl Envelope {
    /// For people.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Set(path) => format!("the record is at {} of an answer", path.text()),
            Self::Guessed(name) => format!(
                "the record is at {name} of an answer, as the description suggests; set envelope if not"
            ),
            Self::None => "an answer is the record itself".to_owned(),
        }
    }

    /// The record in an answer; `None` if there is none. A list of one is that one.
    pub(super) fn open(&self, answer: &Value) -> Option<Value> {
        let inner = match self {
            Self::Set(path) => path.read(answer)?.into_owned(),
            Self::Guessed(name) => answer.get(name).unwrap_or(answer).clone(),
            Self::None => answer.clone(),
        };
        match inner {
            Value::Array(items) => items.into_iter().find(Value::is_object),
            Value::Object(object) if !object.is_empty() => Some(Value::Object(object)),
            _ => None,
        }
    }

    /// The records of a list's answer.
    pub(super) fn open_list(&self, answer: &Value) -> Vec<Value> {
        let listed = match self {
            Self::Set(path) => path.read(answer).map(std::borrow::Cow::into_owned),
            Self::Guessed(name) => answer.get(name).cloned(),
            Self::None => None,
        };
        if let Some(Value::Array(items)) = listed {
            return items;
        }
        if let Value::Array(items) = answer {
            return items.clone();
        }
        let usual = USUAL.iter().find_map(|name| answer.get(*name)?.as_array());
        usual.cloned().unwrap_or_default()
    }
}

/// The fields within what an API wants around them.
///
/// # Errors
/// Why they can't be put there.
pub(super) fn wrap(
    fields: Map<String, Value>,
    envelope: Option<&Path>,
) -> Result<Map<String, Value>, String> {
    let Some(path) = envelope else {
        return Ok(fields);
    };
    let mut outer = Map::new();
    path.write(&mut outer, Value::Object(fields))
        .map_err(|error| error.to_string())?;
    Ok(outer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_found_where_it_stands() {
        let set = Envelope::Set(Path::parse("d.results").unwrap());
        assert_eq!(
            set.open(&json!({"d": {"results": [{"id": 1}]}})),
            Some(json!({"id": 1}))
        );
        assert_eq!(set.open(&json!({"id": 1})), None);
        let guessed = Envelope::Guessed("data".into());
        assert_eq!(
            guessed.open(&json!({"data": {"id": 1}})),
            Some(json!({"id": 1}))
        );
        assert_eq!(guessed.open(&json!({"id": 1})), Some(json!({"id": 1})));
        assert_eq!(Envelope::None.open(&json!({})), None);
        assert_eq!(Envelope::None.open_list(&json!({"items": [1, 2]})).len(), 2);
    }

    #[test]
    fn fields_are_wrapped() {
        let Value::Object(fields) = json!({"a": 1}) else {
            unreachable!("an object")
        };
        let path = Path::parse("ticket.data").unwrap();
        let wrapped = wrap(fields, Some(&path)).unwrap();
        assert_eq!(
            Value::Object(wrapped),
            json!({"ticket": {"data": {"a": 1}}})
        );
    }
}
