//! What bodies may hold, and how records are shown.

use serde_json::{Map, Value, json};

use super::backend::{Backend, Books, Record};
use super::problem::Problem;
use super::types::{Access, Field, Kind, RecordType};
use crate::model::Timestamp;

/// How unknown names are met, by the header `X-NetSuite-PropertyNameValidation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// They are refused.
    Checked,
    /// They are ignored, with a warning that the answer does not show, or without one.
    Ignored,
}

impl Names {
    pub(super) fn read(value: Option<&str>) -> Result<Self, Problem> {
        match value.map(str::to_ascii_lowercase).as_deref() {
            Some("error") => Ok(Self::Checked),
            None | Some("warning" | "ignore") => Ok(Self::Ignored),
            Some(_) => Err(Problem::header(
                "X-NetSuite-PropertyNameValidation",
                "The header has an invalid value.",
            )),
        }
    }
}

pub(super) fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Checks the members of a body and brings them into the form in which they are kept.
pub(super) fn check(
    books: &Books,
    record_type: &RecordType,
    body: &Map<String, Value>,
    names: Names,
) -> Result<Map<String, Value>, Problem> {
    let mut kept = Map::new();
    for (name, value) in body {
        if name == "links" {
            continue;
        }
        let field = record_type
            .field(name)
            .filter(|field| field.access != Access::Closed);
        let Some(field) = field else {
            match names {
                Names::Ignored => continue,
                Names::Checked => {
                    let detail = format!(
                        "Unknown reference or field '{name}' of record '{}'.",
                        record_type.name
                    );
                    return Err(Problem::content(name, detail));
                }
            }
        };
        if field.access == Access::System {
            let detail = format!("The field '{name}' is read-only.");
            return Err(Problem::content(name, detail));
        }
        let value = if value.is_null() {
            Value::Null
        } else {
            checked(books, field, value)?
        };
        kept.insert(name.clone(), value);
    }
    Ok(kept)
}

fn checked(books: &Books, field: &Field, value: &Value) -> Result<Value, Problem> {
    let wrong = || {
        let shown = match value.get("id").unwrap_or(value) {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let detail = format!(
            "Error while accessing resource: You have entered an Invalid Field Value {shown} for the following field: {}",
            field.name
        );
        Problem::content(field.name, detail)
    };
    let fits = match field.kind {
        Kind::Text => value.is_string(),
        Kind::Flag => value.is_boolean(),
        Kind::Integer => value.is_i64(),
        Kind::Date => {
            let text = value.as_str().unwrap_or_default();
            text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10
        }
        // ISO 8601 in UTC.
        Kind::Moment => {
            let text = value.as_str().unwrap_or_default();
            text.ends_with('Z') && text.parse::<Timestamp>().is_ok()
        }
        Kind::Lines => value.is_object(),
        Kind::List(_) | Kind::Record(_) => {
            return reference(books, field, value).ok_or_else(wrong);
        }
    };
    if fits {
        Ok(value.clone())
    } else {
        Err(wrong())
    }
}

/// A reference in the form in which it is kept: by its internal id alone.
fn reference(books: &Books, field: &Field, value: &Value) -> Option<Value> {
    let id = match value.as_object()?.get("id")? {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    let known = match field.kind {
        Kind::List(entries) => entries.iter().any(|(entry, _)| *entry == id),
        Kind::Record(record_type) => books.has(record_type, id),
        _ => false,
    };
    known.then(|| json!({"id": id.to_string()}))
}

/// How the API shows a record.
pub(super) fn show(
    backend: &Backend,
    record_type: &RecordType,
    record: &Record,
    wanted: Option<&[&str]>,
) -> Value {
    let base = format!("{}/services/rest/record/v1", backend.base_url);
    let own = format!("{base}/{}/{}", record_type.name, record.id);
    let books = backend.books();
    let mut shown = Map::new();
    shown.insert("links".to_owned(), json!([{"rel": "self", "href": own}]));
    let mut put = |name: &str, value: Value| {
        if wanted.is_none_or(|wanted| wanted.contains(&name)) {
            shown.insert(name.to_owned(), value);
        }
    };
    for field in record_type.fields {
        let Some(value) = record.fields.get(field.name) else {
            continue;
        };
        let id: Option<u64> = value["id"].as_str().and_then(|id| id.parse().ok());
        let value = match (field.kind, id) {
            (Kind::List(entries), Some(id)) => {
                let name = entries.iter().find(|(entry, _)| *entry == id);
                json!({"id": id.to_string(), "refName": name.map(|(_, name)| *name)})
            }
            (Kind::Record(target), Some(id)) => json!({
                "links": [{"rel": "self", "href": format!("{base}/{target}/{id}")}],
                "id": id.to_string(),
                "refName": books.name_of(target, id),
            }),
            (Kind::Lines, _) => {
                json!({"links": [{"rel": "self", "href": format!("{own}/{}", field.name)}]})
            }
            _ => value.clone(),
        };
        put(field.name, value);
    }
    put("id", json!(record.id.to_string()));
    put(record_type.changed.0, json!(record.changed.to_string()));
    if let Some(external) = &record.external {
        put("externalId", json!(external));
    }
    Value::Object(shown)
}

/// A field's value as text, by which filters compare it.
pub(super) fn comparable(record_type: &RecordType, record: &Record, name: &str) -> Option<String> {
    if name.eq_ignore_ascii_case("id") {
        return Some(record.id.to_string());
    }
    let value = record.fields.get(record_type.field(name)?.name)?;
    Some(match value {
        Value::String(text) => text.clone(),
        Value::Object(_) => value["id"].as_str().unwrap_or_default().to_owned(),
        other => other.to_string(),
    })
}
