//! Answering queries.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::ids;
use super::problem::Problem;
use super::schema::Object;
use super::soql::{Filter, Literal, Operator, Query};
use super::store::{Books, Row};
use super::values::{moment, unknown};

/// The rows that a query asks for, as they are shown.
pub(super) fn run(books: &Books, text: &str) -> Result<Vec<Value>, Problem> {
    let query = Query::parse(text)?;
    let object = books.seen(query.object.as_str()).ok_or_else(|| {
        let message = format!("sObject type '{}' is not supported.", query.object);
        Problem::bad("INVALID_TYPE", message)
    })?;
    for path in &query.fields {
        check_path(books, object, path)?;
    }
    if let Some(filter) = &query.filter {
        check_filter(books, object, filter)?;
    }
    if object.name == "ContentDocumentLink" && !query.filter.as_ref().is_some_and(names_a_link) {
        return Err(Problem::bad(
            "MALFORMED_QUERY",
            "Implementation restriction: ContentDocumentLink requires a filter by a single Id on ContentDocumentId or LinkedEntityId using the equals operator or multiple Id's using the IN operator.",
        ));
    }
    let wanted = |row: &&Row| {
        query
            .filter
            .as_ref()
            .is_none_or(|filter| holds(books, object, row, filter))
    };
    let mut rows: Vec<&Row> = books.rows(object.name).filter(wanted).collect();
    for (path, descends) in query.order.iter().rev() {
        check_path(books, object, path)?;
        rows.sort_by(|one, other| {
            let order = compare(
                &value_at(books, object, one, path),
                &value_at(books, object, other, path),
            );
            if *descends { order.reverse() } else { order }
        });
    }
    rows.truncate(query.limit.unwrap_or(usize::MAX));
    Ok(rows
        .into_iter()
        .map(|row| show(books, object, row, &query.fields))
        .collect())
}

/// A row as `GET sobjects/…` shows it: all of its fields.
pub(super) fn whole(object: &Object, row: &Row) -> Value {
    let mut shown = Map::new();
    shown.insert("attributes".to_owned(), attributes(object, row));
    for field in object.fields.iter().filter(|field| field.kind != "base64") {
        shown.insert(
            field.name.to_owned(),
            row.fields.get(field.name).cloned().unwrap_or_default(),
        );
    }
    if let Some(version) = object.field("VersionData") {
        let address = format!(
            "/services/data/v64.0/sobjects/{}/{}/{}",
            object.name,
            row.id(),
            version.name
        );
        shown.insert(version.name.to_owned(), json!(address));
    }
    Value::Object(shown)
}

fn attributes(object: &Object, row: &Row) -> Value {
    json!({"type": object.name, "url": format!("/services/data/v64.0/sobjects/{}/{}", object.name, row.id())})
}

fn show(books: &Books, object: &Object, row: &Row, paths: &[String]) -> Value {
    let mut shown = Map::new();
    shown.insert("attributes".to_owned(), attributes(object, row));
    for path in paths {
        let Some((relation, rest)) = path.split_once('.') else {
            shown.insert(
                path.clone(),
                row.fields.get(path).cloned().unwrap_or_default(),
            );
            continue;
        };
        let value = match related(books, object, row, relation) {
            Some((parent, parent_row)) => {
                let mut inner = show(books, parent, parent_row, &[rest.to_owned()]);
                if let (Some(before), Some(inner)) = (
                    shown.get(relation).and_then(Value::as_object),
                    inner.as_object_mut(),
                ) {
                    let mut both = before.clone();
                    both.extend(std::mem::take(inner));
                    *inner = both;
                }
                inner
            }
            None => Value::Null,
        };
        shown.insert(relation.to_owned(), value);
    }
    Value::Object(shown)
}

fn related<'b>(
    books: &'b Books,
    object: &Object,
    row: &Row,
    relation: &str,
) -> Option<(&'b Object, &'b Row)> {
    let field = object.relation(relation)?;
    let (name, parent) = books.any(row.text(field.name))?;
    Some((books.seen(name)?, parent))
}

/// A path must name a field that our user sees; through a relation that may lead to several objects, a name only.
fn check_path(books: &Books, object: &Object, path: &str) -> Result<(), Problem> {
    match path.split_once('.') {
        None => object
            .field(path)
            .map(drop)
            .ok_or_else(|| unknown(object, path)),
        Some((relation, rest)) => {
            let field = object.relation(relation).ok_or_else(|| {
                let message = format!("Didn't understand relationship '{relation}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name.");
                Problem::bad("INVALID_FIELD", message)
            })?;
            match field.refers_to {
                [one] => check_path(books, books.seen(one).ok_or_else(Problem::resource)?, rest),
                _ if ["Id", "Name"].contains(&rest) => Ok(()),
                _ => Err(unknown(object, path)),
            }
        }
    }
}

fn check_filter(books: &Books, object: &Object, filter: &Filter) -> Result<(), Problem> {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts
            .iter()
            .try_for_each(|part| check_filter(books, object, part)),
        Filter::Not(part) => check_filter(books, object, part),
        Filter::Compare { path, values, .. } => {
            check_path(books, object, path)?;
            let kind = object.field(path).map(|field| (field.kind, field.length));
            for value in values {
                check_literal(path, kind, value)?;
            }
            Ok(())
        }
    }
}

/// A literal must be of the field's type: moments stand bare, texts in marks, ids have the form of ids.
fn check_literal(
    path: &str,
    kind: Option<(&'static str, usize)>,
    value: &Literal,
) -> Result<(), Problem> {
    let Some((kind, length)) = kind else {
        return Ok(());
    };
    let wrong = || {
        Problem::bad(
            "INVALID_FIELD",
            format!(
                "value of filter criterion for field '{path}' must be of type {kind} and should not be enclosed in quotes"
            ),
        )
    };
    match (kind, value) {
        (_, Literal::Null)
        | ("boolean", Literal::Flag(_))
        | ("int" | "double" | "currency" | "date", Literal::Bare(_)) => Ok(()),
        ("datetime", Literal::Bare(text)) if moment(text).is_some() => Ok(()),
        ("id" | "reference", Literal::Text(text)) if ids::long(text).is_none() => {
            Err(Problem::bad(
                "INVALID_QUERY_FILTER_OPERATOR",
                format!("invalid ID field: {text}"),
            ))
        }
        ("textarea", _) if length > 255 => Err(Problem::bad(
            "INVALID_FIELD",
            format!("field '{path}' can not be filtered in a query call"),
        )),
        ("datetime" | "int" | "double" | "currency" | "date" | "boolean", _)
        | (_, Literal::Bare(_) | Literal::Flag(_)) => Err(wrong()),
        (_, Literal::Text(_)) => Ok(()),
    }
}

fn names_a_link(filter: &Filter) -> bool {
    match filter {
        Filter::All(parts) => parts.iter().any(names_a_link),
        Filter::Any(parts) => parts.len() == 1 && parts.iter().all(names_a_link),
        Filter::Not(_) => false,
        Filter::Compare { path, operator, .. } => {
            ["ContentDocumentId", "LinkedEntityId"].contains(&path.as_str())
                && matches!(operator, Operator::Is | Operator::In)
        }
    }
}

fn value_at(books: &Books, object: &Object, row: &Row, path: &str) -> Value {
    match path.split_once('.') {
        None => row.fields.get(path).cloned().unwrap_or_default(),
        Some((relation, rest)) => related(books, object, row, relation)
            .map_or(Value::Null, |(parent, row)| {
                value_at(books, parent, row, rest)
            }),
    }
}

fn holds(books: &Books, object: &Object, row: &Row, filter: &Filter) -> bool {
    match filter {
        Filter::All(parts) => parts.iter().all(|part| holds(books, object, row, part)),
        Filter::Any(parts) => parts.iter().any(|part| holds(books, object, row, part)),
        Filter::Not(part) => !holds(books, object, row, part),
        Filter::Compare {
            path,
            operator,
            values,
        } => {
            let actual = value_at(books, object, row, path);
            let test = |literal: &Literal| {
                let order = against(&actual, literal);
                match operator {
                    Operator::Is | Operator::In => order == Some(Ordering::Equal),
                    Operator::IsNot => order != Some(Ordering::Equal),
                    Operator::Less => order == Some(Ordering::Less),
                    Operator::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                    Operator::More => order == Some(Ordering::Greater),
                    Operator::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                }
            };
            values.iter().any(test)
        }
    }
}

/// How a value stands to a literal. Texts compare without regard to case, ids by their long form.
fn against(actual: &Value, literal: &Literal) -> Option<Ordering> {
    match (actual, literal) {
        (Value::Null, Literal::Null) => Some(Ordering::Equal),
        (Value::Null, Literal::Text(text)) if text.is_empty() => Some(Ordering::Equal),
        (Value::Bool(actual), Literal::Flag(wanted)) => Some(actual.cmp(wanted)),
        (Value::Number(actual), Literal::Bare(wanted)) => {
            actual.as_f64()?.partial_cmp(&wanted.parse().ok()?)
        }
        (Value::String(actual), Literal::Bare(wanted)) => match (moment(actual), moment(wanted)) {
            (Some(actual), Some(wanted)) => Some(actual.cmp(&wanted)),
            _ => Some(actual.as_str().cmp(wanted.as_str())),
        },
        (Value::String(actual), Literal::Text(wanted)) => {
            match (ids::long(actual), ids::long(wanted)) {
                (Some(actual), Some(wanted)) if actual.len() == 18 => Some(actual.cmp(&wanted)),
                _ => Some(actual.to_lowercase().cmp(&wanted.to_lowercase())),
            }
        }
        _ => None,
    }
}

fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Null, Value::Null) => Ordering::Equal,
        // Nulls come first.
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Number(one), Value::Number(other)) => one
            .as_f64()
            .partial_cmp(&other.as_f64())
            .unwrap_or(Ordering::Equal),
        (one, other) => one.to_string().cmp(&other.to_string()),
    }
}
