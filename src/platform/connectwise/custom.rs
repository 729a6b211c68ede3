//! Custom fields of a ticket. One of them can't be written alone: the whole array is read, merged and sent.

use serde_json::{Map, Value};

use crate::platform::basics::{id_text, text_at};

/// A value for one custom field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    name: Name,
    value: Value,
}

#[derive(Clone, Debug, PartialEq)]
enum Name {
    Id(String),
    Caption(String),
}

/// Reads what a mapping made of `customFields`: an array of `{caption or id, value}`, or an object by caption.
///
/// # Errors
/// A sentence for each element that names no field.
pub(super) fn wanted(value: &Value) -> Result<Vec<Wanted>, Vec<String>> {
    let mut wanted = Vec::new();
    let mut problems = Vec::new();
    match value {
        Value::Array(items) => {
            for item in items {
                let caption =
                    text_at(item, &["caption"]).map(|text| Name::Caption(text.to_owned()));
                match caption.or_else(|| item.get("id").and_then(id_text).map(Name::Id)) {
                    Some(name) => wanted.push(Wanted {
                        name,
                        value: item.get("value").cloned().unwrap_or_default(),
                    }),
                    None => problems.push("customFields: an element has neither caption nor id; write the target as customFields[caption=\"…\"].value".to_owned()),
                }
            }
        }
        Value::Object(members) => wanted.extend(members.iter().map(|(caption, value)| Wanted {
            name: Name::Caption(caption.clone()),
            value: value.get("value").unwrap_or(value).clone(),
        })),
        Value::Null => {}
        _ => problems
            .push("customFields: write the target as customFields[caption=\"…\"].value".to_owned()),
    }
    if problems.is_empty() {
        Ok(wanted)
    } else {
        Err(problems)
    }
}

/// Puts the wanted values into the array as the ticket has it now; the others stay as they are.
///
/// # Errors
/// A sentence for each field that is not there or does not take its value.
pub(super) fn merge(current: &[Value], wanted: &[Wanted]) -> Result<Vec<Value>, Vec<String>> {
    let mut merged = current.to_vec();
    let mut problems = Vec::new();
    for wish in wanted {
        let place = merged.iter().position(|field| wish.name.is_of(field));
        match place.and_then(|place| merged.get_mut(place)) {
            Some(field) => {
                match converted(&wish.value, text_at(field, &["type"]).unwrap_or_default()) {
                    Ok(value) => {
                        if let Value::Object(members) = field {
                            members.insert("value".to_owned(), value);
                        }
                    }
                    Err(problem) => {
                        problems.push(format!("customFields {}: {problem}", wish.name.shown()));
                    }
                }
            }
            None => problems.push(format!(
                "customFields {}: this ticket's board has no such custom field; it has {}",
                wish.name.shown(),
                captions(current)
            )),
        }
    }
    if problems.is_empty() {
        Ok(merged)
    } else {
        Err(problems)
    }
}

/// Whether the field of an array has the wanted value.
pub(super) fn is_stored(stored: &[Value], sent: &Value) -> bool {
    let same = |field: &&Value| field.get("id") == sent.get("id");
    let stored = stored
        .iter()
        .find(same)
        .and_then(|field| field.get("value"));
    super::write::alike(
        stored.unwrap_or(&Value::Null),
        sent.get("value").unwrap_or(&Value::Null),
    )
}

/// The shape in which a definition from `/system/userDefinedFields` stands in a ticket.
pub(super) fn from_definition(definition: &Value) -> Option<Value> {
    let mut field = Map::new();
    field.insert("id".to_owned(), definition.get("id")?.clone());
    field.insert("caption".to_owned(), definition.get("caption")?.clone());
    if let Some(kind) = definition
        .get("fieldTypeIdentifier")
        .filter(|kind| !kind.is_null())
    {
        field.insert("type".to_owned(), kind.clone());
    }
    Some(Value::Object(field))
}

impl Wanted {
    /// Whether the field of an array is the one meant.
    pub(super) fn is_of(&self, field: &Value) -> bool {
        self.name.is_of(field)
    }
}

impl Name {
    fn is_of(&self, field: &Value) -> bool {
        match self {
            Self::Id(id) => field.get("id").and_then(id_text).as_ref() == Some(id),
            Self::Caption(caption) => text_at(field, &["caption"])
                .is_some_and(|text| text.trim().to_lowercase() == caption.trim().to_lowercase()),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Id(id) => format!("id {id}"),
            Self::Caption(caption) => format!("`{caption}`"),
        }
    }
}

fn captions(fields: &[Value]) -> String {
    let captions: Vec<String> = fields
        .iter()
        .filter_map(|field| text_at(field, &["caption"]))
        .map(|caption| format!("`{caption}`"))
        .collect();
    if captions.is_empty() {
        "none".to_owned()
    } else {
        captions.join(", ")
    }
}

/// A value as the field's type wants it; only lossless conversions.
fn converted(value: &Value, kind: &str) -> Result<Value, String> {
    let wrong = |wants: &str| Err(format!("{value} is no {wants}"));
    match (kind, value) {
        (_, Value::Null) => Ok(Value::Null),
        (_, Value::Array(_) | Value::Object(_)) => wrong("single value"),
        ("Checkbox", Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(Value::Bool(true)),
            "false" | "no" | "0" => Ok(Value::Bool(false)),
            _ => wrong("checkbox value; it takes true or false"),
        },
        ("Checkbox", Value::Number(number)) => match number.as_i64() {
            Some(0) => Ok(Value::Bool(false)),
            Some(1) => Ok(Value::Bool(true)),
            _ => wrong("checkbox value; it takes true or false"),
        },
        ("Number" | "Currency" | "Percent", Value::String(text)) => {
            match serde_json::from_str::<Value>(text.trim()) {
                Ok(number @ Value::Number(_)) => Ok(number),
                _ => wrong("number"),
            }
        }
        ("Number" | "Currency" | "Percent", Value::Bool(_)) => wrong("number"),
        ("Checkbox" | "Number" | "Currency" | "Percent", _) | (_, Value::String(_)) => {
            Ok(value.clone())
        }
        (_, Value::Number(_) | Value::Bool(_)) => Ok(value.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields() -> Vec<Value> {
        vec![
            json!({"id": 5, "caption": "CloudPlus", "type": "Checkbox", "entryMethod": "EntryField", "numberOfDecimals": 0, "value": false}),
            json!({"id": 6, "caption": "Rack units", "type": "Number"}),
            json!({"id": 7, "caption": "Site code", "type": "Text", "value": "S-9", "rowNum": 3}),
        ]
    }

    #[test]
    fn one_value_changes_and_the_whole_array_stays() {
        let wish =
            wanted(&json!([{"caption": "site CODE", "value": 10}, {"id": "6", "value": "4.5"}]))
                .unwrap();
        let merged = merge(&fields(), &wish).unwrap();
        assert_eq!(merged[0], fields()[0]);
        assert_eq!(merged[1]["value"], json!(4.5));
        assert_eq!(
            merged[2],
            json!({"id": 7, "caption": "Site code", "type": "Text", "value": "10", "rowNum": 3})
        );
    }

    #[test]
    fn an_object_by_caption_is_read_too() {
        let wish = wanted(&json!({"CloudPlus": "Yes", "Site code": {"value": "X"}})).unwrap();
        let merged = merge(&fields(), &wish).unwrap();
        assert_eq!(
            (&merged[0]["value"], &merged[2]["value"]),
            (&json!(true), &json!("X"))
        );
    }

    #[test]
    fn every_misfit_is_told_at_once() {
        let wish =
            wanted(&json!({"CloudPlus": "perhaps", "Rack units": "many", "Nope": 1})).unwrap();
        let problems = merge(&fields(), &wish).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(
            problems[2].contains("`Nope`") && problems[2].contains("`Rack units`"),
            "{problems:?}"
        );
        assert!(wanted(&json!([{"value": 1}])).is_err());
        assert!(wanted(&json!("x")).is_err());
    }
}
