//! Writing.

use serde_json::{Map, Value};

use super::{Path, Segment, display};
use crate::mapping::value::equal;

/// Why a value can't be written at a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Something else already stands where the path leads through.
    #[error("`{at}` already holds {holds}, so nothing can be written inside it")]
    Occupied {
        /// The part of the path where it stands.
        at: String,
        /// What stands there.
        holds: &'static str,
    },
    /// The path names no single place.
    #[error("`[*]` names many places: use an index or a selector such as [id=5] in a target")]
    ManyPlaces,
    /// The path begins with an array step.
    #[error("a target begins with a name")]
    NoName,
}

impl Path {
    /// Whether a value can be written at this path at all.
    ///
    /// # Errors
    /// [`WriteError`] when it names many places or begins with an array step.
    pub fn check_writable(&self) -> Result<(), WriteError> {
        if self.collects {
            return Err(WriteError::ManyPlaces);
        }
        match self.segments.first() {
            Some(Segment::Key(_)) => Ok(()),
            _ => Err(WriteError::NoName),
        }
    }

    /// Writes a value, making the objects and arrays on the way. A selector finds its element or adds one.
    /// An object written onto an object is merged into it, member by member.
    ///
    /// # Errors
    /// [`WriteError`] when the place can't be reached; the output may then hold empty containers on the way.
    pub fn write(&self, root: &mut Map<String, Value>, value: Value) -> Result<(), WriteError> {
        self.check_writable()?;
        let Some((Segment::Key(first), rest)) = self.segments.split_first() else {
            return Err(WriteError::NoName);
        };
        if !root.contains_key(&**first) {
            root.insert(first.to_string(), Value::Null);
        }
        let Some(mut slot) = root.get_mut(&**first) else {
            return Err(WriteError::NoName);
        };
        for (done, segment) in rest.iter().enumerate() {
            slot = enter(slot, segment).ok_or_else(|| WriteError::Occupied {
                at: display(&self.segments[..=done]),
                holds: "a value of another kind",
            })?;
        }
        merge(slot, value);
        Ok(())
    }
}

/// The place inside a value where a step leads, made if need be; `None` when something else stands there.
fn enter<'v>(value: &'v mut Value, segment: &Segment) -> Option<&'v mut Value> {
    match segment {
        Segment::Key(key) => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            Some(value.as_object_mut()?.entry(&**key).or_insert(Value::Null))
        }
        Segment::Index(index) => {
            let elements = array(value)?;
            if elements.len() <= *index {
                elements.resize(*index + 1, Value::Null);
            }
            elements.get_mut(*index)
        }
        Segment::Select { key, value: wanted } => {
            let elements = array(value)?;
            let matches =
                |element: &Value| element.get(&**key).is_some_and(|has| equal(has, wanted));
            let position = elements.iter().position(matches).unwrap_or_else(|| {
                let element = Map::from_iter([(key.to_string(), wanted.clone())]);
                elements.push(Value::Object(element));
                elements.len() - 1
            });
            elements.get_mut(position)
        }
        Segment::Each => None,
    }
}

fn array(value: &mut Value) -> Option<&mut Vec<Value>> {
    if value.is_null() {
        *value = Value::Array(Vec::new());
    }
    value.as_array_mut()
}

fn merge(slot: &mut Value, value: Value) {
    match (slot, value) {
        (Value::Object(members), Value::Object(new)) => {
            for (key, value) in new {
                merge(members.entry(key).or_insert(Value::Null), value);
            }
        }
        (slot, value) => *slot = value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(values: &[(&str, Value)]) -> Value {
        let mut root = Map::new();
        for (path, value) in values {
            Path::parse(path)
                .unwrap()
                .write(&mut root, value.clone())
                .unwrap();
        }
        Value::Object(root)
    }

    #[test]
    fn places_are_made_on_the_way() {
        let root = written(&[
            ("location.city", json!("Boston")),
            ("location.zip", json!("02101")),
            ("contacts[1].email", json!("x")),
            ("custom_fields[\"Site #\"]", json!("9")),
            ("custom_field_123", json!(1)),
        ]);
        assert_eq!(
            root,
            json!({
                "location": {"city": "Boston", "zip": "02101"},
                "contacts": [null, {"email": "x"}],
                "custom_fields": {"Site #": "9"},
                "custom_field_123": 1,
            })
        );
    }

    #[test]
    fn a_selector_finds_or_adds_its_element() {
        let root = written(&[
            ("customFields[caption=\"Site code\"].value", json!("S-9")),
            ("customFields[caption=\"Rack\"].value", json!(3)),
            ("customFields[caption=\"Site code\"].value", json!("S-10")),
        ]);
        assert_eq!(
            root,
            json!({"customFields": [{"caption": "Site code", "value": "S-10"}, {"caption": "Rack", "value": 3}]})
        );
    }

    #[test]
    fn objects_merge_and_other_values_replace() {
        let root = written(&[
            ("location", json!({"city": "Boston", "state": "MA"})),
            ("location", json!({"city": "Salem"})),
            ("title", json!("a")),
            ("title", json!("b")),
        ]);
        assert_eq!(
            root,
            json!({"location": {"city": "Salem", "state": "MA"}, "title": "b"})
        );
    }

    #[test]
    fn what_can_not_be_written_is_refused() {
        let mut root = Map::from_iter([("title".to_owned(), json!("x"))]);
        let mut write = |text: &str| Path::parse(text).unwrap().write(&mut root, json!(1));
        assert!(matches!(write("title.x"), Err(WriteError::Occupied { at, .. }) if at == "title"));
        assert!(matches!(
            write("title[0]"),
            Err(WriteError::Occupied { .. })
        ));
        assert_eq!(write("a[*].b"), Err(WriteError::ManyPlaces));
        assert_eq!(write("[0].b"), Err(WriteError::NoName));
    }
}
