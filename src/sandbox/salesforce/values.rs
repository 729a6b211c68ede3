//! What a field takes, and how the vendor refuses what it does not take.

use serde_json::{Map, Value, json};

use super::ids;
use super::problem::Problem;
use super::schema::{Field, Object};
use crate::model::Timestamp;

/// What a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Create,
    Update,
}

/// The members of a body as they are kept, or the first thing that is wrong with them.
pub(super) fn check(
    object: &Object,
    members: &Map<String, Value>,
    purpose: Purpose,
) -> Result<Map<String, Value>, Problem> {
    let mut kept = Map::new();
    for (name, value) in members {
        if name == "attributes" {
            continue;
        }
        let Some(field) = object.field(name) else {
            return Err(unknown(object, name));
        };
        let may = match purpose {
            Purpose::Create => field.createable,
            Purpose::Update => field.updateable,
        };
        if !may {
            let message = format!(
                "Unable to create/update fields: {name}. Please check the security settings of this field and verify that it is read/write for your profile or permission set."
            );
            return Err(Problem::field(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                message,
                name,
            ));
        }
        kept.insert(name.clone(), value_of(field, value)?);
    }
    if purpose == Purpose::Create {
        let is_missing = |field: &&Field| {
            let given = kept.get(field.name).is_some_and(|value| !value.is_null());
            field.createable && !field.nillable && field.default.is_none() && !given
        };
        let missing: Vec<&str> = object
            .fields
            .iter()
            .filter(is_missing)
            .map(|field| field.name)
            .collect();
        if !missing.is_empty() {
            let message = format!("Required fields are missing: [{}]", missing.join(", "));
            return Err(Problem::new(
                axum::http::StatusCode::BAD_REQUEST,
                "REQUIRED_FIELD_MISSING",
                message,
                &missing,
            ));
        }
    }
    Ok(kept)
}

pub(super) fn unknown(object: &Object, name: &str) -> Problem {
    let message = format!("No such column '{name}' on sobject of type {}", object.name);
    Problem::bad("INVALID_FIELD", message)
}

fn value_of(field: &Field, value: &Value) -> Result<Value, Problem> {
    if value.is_null() || value == "" {
        if field.kind == "boolean" {
            return Err(unreadable(field, value));
        }
        return if field.nillable || field.default.is_some() {
            Ok(Value::Null)
        } else {
            let message = format!("Required fields are missing: [{}]", field.name);
            Err(Problem::field(
                "REQUIRED_FIELD_MISSING",
                message,
                field.name,
            ))
        };
    }
    let text = value.as_str();
    match field.kind {
        "boolean" => value
            .as_bool()
            .map(Value::from)
            .ok_or_else(|| unreadable(field, value)),
        "int" => value
            .as_i64()
            .map(Value::from)
            .ok_or_else(|| unreadable(field, value)),
        "double" | "currency" | "percent" => {
            let number = value.as_f64().or_else(|| text?.parse().ok());
            number
                .map(|number| json!(number))
                .ok_or_else(|| unreadable(field, value))
        }
        "date" => {
            let date = text.and_then(|text| text.get(..10)?.parse::<jiff::civil::Date>().ok());
            date.map(|date| json!(date.to_string()))
                .ok_or_else(|| unreadable(field, value))
        }
        "datetime" => {
            let at = text.and_then(moment);
            at.map(|at| json!(shown(at)))
                .ok_or_else(|| unreadable(field, value))
        }
        "reference" => {
            let id = text.and_then(ids::long);
            id.map(Value::from).ok_or_else(|| {
                let message = format!("{}: id value of incorrect type: {value}", field.label);
                Problem::field("MALFORMED_ID", message, field.name)
            })
        }
        "picklist" => chosen(field, text.ok_or_else(|| unreadable(field, value))?).map(Value::from),
        "multipicklist" => {
            let text = text.ok_or_else(|| unreadable(field, value))?;
            for piece in text.split(';') {
                chosen(field, piece)?;
            }
            Ok(json!(text))
        }
        "email" if text.is_some_and(|text| !text.contains('@')) => {
            let message = format!("{}: invalid email address: {value}", field.label);
            Err(Problem::field("INVALID_EMAIL_ADDRESS", message, field.name))
        }
        _ => {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                _ => return Err(unreadable(field, value)),
            };
            if field.length > 0 && text.chars().count() > field.length {
                let begin: String = text.chars().take(20).collect();
                let message = format!(
                    "{}: data value too large: {begin} (max length={})",
                    field.label, field.length
                );
                return Err(Problem::field("STRING_TOO_LONG", message, field.name));
            }
            Ok(json!(text))
        }
    }
}

fn chosen(field: &Field, text: &str) -> Result<String, Problem> {
    if !field.restricted || field.values.contains(&text) {
        return Ok(text.to_owned());
    }
    let message = format!(
        "{}: bad value for restricted picklist field: {text}",
        field.label
    );
    Err(Problem::field(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        message,
        field.name,
    ))
}

fn unreadable(field: &Field, value: &Value) -> Problem {
    let what = match value {
        Value::String(_) => "VALUE_STRING",
        Value::Number(_) => "VALUE_NUMBER",
        Value::Bool(_) => "VALUE_BOOLEAN",
        Value::Null => "VALUE_NULL",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    };
    let message = format!(
        "Cannot deserialize instance of {} from {what} value {value} or request may be missing a required field at [line:1, column:2]",
        field.kind
    );
    Problem::bad("JSON_PARSER_ERROR", message)
}

/// A moment as callers write it: with an offset, with or without a colon in it.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let (start, minutes) = (
            text.get(..text.len().checked_sub(2)?)?,
            text.get(text.len().checked_sub(2)?..)?,
        );
        format!("{start}:{minutes}").parse().ok()
    })
}

/// A moment as REST shows it: milliseconds, and an offset without a colon.
pub(super) fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string()
}
