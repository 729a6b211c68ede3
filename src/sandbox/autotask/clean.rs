//! Reading what a caller sends for an object: names without regard to case, values as the vendor's reader converts
//! them, unknown and read-only members dropped without a word.

use serde_json::{Map, Value, json};

use super::backend::{Books, Row};
use super::query::moment;
use super::shape::{Kind, SERVICE_LEVELS, Shape, Spec, UDFS, Use, of_noun};
use super::trouble::Trouble;
use crate::model::Timestamp;

/// How much of an object a body tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// All of a new one.
    New,
    /// What is to change.
    Part,
    /// All of one that is there: what is left out is emptied.
    Whole,
}

/// A moment as the vendor shows it.
pub(super) fn stamp(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A whole number, also from text, as the vendor's reader takes it.
pub(super) fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Reads a body.
pub(super) fn read(
    shape: &'static Shape,
    body: &Value,
    mode: Mode,
    books: &Books,
) -> Result<Row, Trouble> {
    let Value::Object(members) = body else {
        return Err(Trouble::said("The body is not a valid object."));
    };
    let mut row = Map::new();
    if mode != Mode::Part {
        for field in shape
            .fields
            .iter()
            .filter(|field| mode == Mode::New || field.is_writable())
        {
            row.insert(field.name.to_owned(), Value::Null);
        }
    }
    let mut problems = Vec::new();
    for (name, value) in members {
        if shape.name == "Tickets" && name.eq_ignore_ascii_case("userDefinedFields") {
            match user_defined(value) {
                Ok(list) => {
                    row.insert("userDefinedFields".to_owned(), list);
                }
                Err(problem) => problems.push(problem),
            }
            continue;
        }
        let Some(field) = shape.field(name).filter(|field| field.is_writable()) else {
            continue;
        };
        match converted(field, value).and_then(|value| refer(field, value, books)) {
            Ok(value) => {
                row.insert(field.name.to_owned(), value);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if mode == Mode::New {
        problems.extend(missing(shape, &row));
    }
    if !problems.is_empty() {
        return Err(Trouble::Said(problems));
    }
    if mode == Mode::New {
        check_whole(shape, &row)?;
    }
    Ok(row)
}

fn is_empty(value: Option<&Value>) -> bool {
    value.is_none_or(|value| value.is_null() || value == "")
}

fn missing(shape: &Shape, row: &Row) -> Vec<String> {
    shape
        .fields
        .iter()
        .filter(|field| field.usage == Use::Required && is_empty(row.get(field.name)))
        .map(|field| format!("The {} is required.", field.name))
        .collect()
}

/// What must hold for an object as a whole.
pub(super) fn check_whole(shape: &Shape, row: &Row) -> Result<(), Trouble> {
    let mut problems = missing(shape, row);
    for field in shape.fields.iter().filter(|field| !field.parent.is_empty()) {
        let value = row.get(field.name).and_then(Value::as_u64);
        let parent = row.get(field.parent).and_then(Value::as_u64);
        let belongs =
            |(choice, _, of): &(u64, &str, Option<u64>)| Some(*choice) == value && *of == parent;
        if value.is_some() && !field.choices.iter().any(belongs) {
            problems.push(format!(
                "Picklist value on field: {} is not a valid child of {}.",
                field.name, field.parent
            ));
        }
    }
    if shape.name == "Tickets"
        && is_empty(row.get("assignedResourceID")) != is_empty(row.get("assignedResourceRoleID"))
    {
        problems.push("When assigning a Resource, you must assign both a assignedResourceID and assignedResourceRoleID.".to_owned());
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Trouble::Said(problems))
    }
}

fn converted(field: &Spec, value: &Value) -> Result<Value, String> {
    let wrong = || {
        format!(
            "Conversion failed when converting the value {value} to the data type of {}.",
            field.name
        )
    };
    let value = match (field.kind, value) {
        (_, Value::Null) => return Ok(Value::Null),
        (Kind::Text(_), Value::String(_))
        | (Kind::Decimal, Value::Number(_))
        | (Kind::Boolean, Value::Bool(_)) => value.clone(),
        (_, Value::String(text)) if text.trim().is_empty() => return Ok(Value::Null),
        (Kind::Integer, Value::Number(number)) if number.is_u64() || number.is_i64() => {
            value.clone()
        }
        (Kind::Integer, Value::Bool(flag)) => json!(u8::from(*flag)),
        (Kind::Integer, Value::String(text)) => {
            json!(text.trim().parse::<i64>().map_err(|_| wrong())?)
        }
        (Kind::Decimal, Value::String(text)) => {
            json!(text.trim().parse::<f64>().map_err(|_| wrong())?)
        }
        (Kind::Boolean, Value::String(text)) => {
            json!(
                text.trim()
                    .to_ascii_lowercase()
                    .parse::<bool>()
                    .map_err(|_| wrong())?
            )
        }
        (Kind::Moment, Value::String(text)) => json!(stamp(moment(text).ok_or_else(wrong)?)),
        (Kind::Text(_), Value::Number(number)) => json!(number.to_string()),
        _ => return Err(wrong()),
    };
    if let (Kind::Text(longest), Some(text)) = (field.kind, value.as_str())
        && text.chars().count() > longest
    {
        return Err(format!(
            "The {} exceeds the maximum length of {longest}.",
            field.name
        ));
    }
    if !field.choices.is_empty() {
        let is_known = field
            .choices
            .iter()
            .any(|(known, _, _)| value.as_u64() == Some(*known));
        if !is_known {
            return Err(format!(
                "Picklist value on field: {} does not exist or is invalid.",
                field.name
            ));
        }
    }
    Ok(value)
}

/// A reference must name something that is there and active.
fn refer(field: &Spec, value: Value, books: &Books) -> Result<Value, String> {
    let Some(shape) = of_noun(field.refers_to) else {
        return Ok(value);
    };
    let Some(id) = value.as_u64() else {
        return Ok(value);
    };
    let is_active = |row: &Row| match row.get("isActive") {
        Some(Value::Bool(active)) => *active,
        Some(Value::Number(active)) => active.as_u64() != Some(0),
        _ => true,
    };
    if books.get(shape.name, id).is_some_and(is_active) {
        Ok(value)
    } else {
        Err(Trouble::reference(field.name, field.refers_to))
    }
}

fn user_defined(value: &Value) -> Result<Value, String> {
    let Value::Array(items) = value else {
        return if value.is_null() {
            Ok(json!([]))
        } else {
            Err("The userDefinedFields is not a valid list.".to_owned())
        };
    };
    let mut list = Vec::new();
    for item in items {
        let name = item["name"].as_str().unwrap_or_default();
        let Some((name, longest)) = UDFS
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
        else {
            return Err(format!(
                "Unable to find user-defined field {name}: it is not a valid name."
            ));
        };
        let text = match &item["value"] {
            Value::Null => Value::Null,
            Value::String(text) => json!(text),
            _ => {
                return Err(format!(
                    "The value of user-defined field {name} is not a valid string."
                ));
            }
        };
        let words = text.as_str().unwrap_or_default();
        if words.chars().count() > *longest {
            return Err(format!(
                "The {name} exceeds the maximum length of {longest}."
            ));
        }
        if *name == "Service Level" && !words.is_empty() && !SERVICE_LEVELS.contains(&words) {
            return Err(format!(
                "List value on user-defined field {name} does not exist or is invalid."
            ));
        }
        list.push(json!({"name": name, "value": text}));
    }
    Ok(json!(list))
}
