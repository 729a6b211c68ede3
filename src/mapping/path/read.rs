//! Reading.

use std::borrow::Cow;

use serde_json::Value;

use super::{Path, Segment};
use crate::mapping::value::equal;

impl Path {
    /// What lies there: the value itself, or with `[*]` a list of all values found (none found: nothing).
    ///
    /// A name on an array finds nothing, as in the hosted broker; see [`Path`] for custom fields.
    #[must_use]
    pub fn read<'v>(&self, root: &'v Value) -> Option<Cow<'v, Value>> {
        if let Some(found) = self.read_from(root, 0) {
            return Some(found);
        }
        let custom_field = self.custom_field.as_ref()?;
        self.read_from(custom_field.value(root)?, custom_field.steps)
    }

    fn read_from<'v>(&self, from: &'v Value, first: usize) -> Option<Cow<'v, Value>> {
        let segments = self.segments.get(first..)?;
        if !self.collects {
            return segments.iter().try_fold(from, step).map(Cow::Borrowed);
        }
        let mut found = Vec::new();
        collect(from, segments, &mut found);
        (!found.is_empty()).then(|| Cow::Owned(Value::Array(found)))
    }
}

fn step<'v>(value: &'v Value, segment: &Segment) -> Option<&'v Value> {
    match segment {
        Segment::Key(key) => value.as_object()?.get(&**key),
        Segment::Index(index) => value.as_array()?.get(*index),
        Segment::Select { key, value: wanted } => value
            .as_array()?
            .iter()
            .find(|element| element.get(&**key).is_some_and(|has| equal(has, wanted))),
        Segment::Each => None,
    }
}

fn collect(value: &Value, segments: &[Segment], found: &mut Vec<Value>) {
    match segments.split_first() {
        None => found.push(value.clone()),
        Some((Segment::Each, rest)) => {
            for element in value.as_array().into_iter().flatten() {
                collect(element, rest, found);
            }
        }
        Some((segment, rest)) => {
            if let Some(next) = step(value, segment) {
                collect(next, rest, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str, root: &Value) -> Option<Value> {
        Path::parse(text).unwrap().read(root).map(Cow::into_owned)
    }

    #[test]
    fn every_kind_of_step_is_followed() {
        let root = json!({
            "location": {"company": {"name": "Acme"}, "a.b": 1},
            "contacts": [{"email": "x@example.com"}, {"email": "y@example.com"}, {"phone": "1"}],
            "customFields": [{"id": 4, "caption": "Rack", "value": 12}, {"id": 5, "caption": "Site code", "value": "S-9"}],
        });
        assert_eq!(read("location.company.name", &root), Some(json!("Acme")));
        assert_eq!(read("location[\"a.b\"]", &root), Some(json!(1)));
        assert_eq!(
            read("contacts[1].email", &root),
            Some(json!("y@example.com"))
        );
        assert_eq!(
            read("contacts[*].email", &root),
            Some(json!(["x@example.com", "y@example.com"]))
        );
        assert_eq!(
            read("customFields[caption=\"Site code\"].value", &root),
            Some(json!("S-9"))
        );
        assert_eq!(
            read("customFields[id=\"5\"].value", &root),
            Some(json!("S-9"))
        );
    }

    #[test]
    fn what_is_not_there_is_nothing() {
        let root = json!({"contacts": [{"email": "x"}], "title": "T", "none": []});
        for text in [
            "contacts.email",
            "contacts[1].email",
            "title.x",
            "title[0]",
            "none[*].x",
            "contacts[a=1]",
        ] {
            assert_eq!(read(text, &root), None, "{text}");
        }
    }
}
