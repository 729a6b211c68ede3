//! `POST /records/query` and `DELETE /records`.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde_json::{Map, Value, json};

use super::backend::{Actor, Backend, Books, Row, TableRight, table};
use super::filter::Filter;
use super::problem::Problem;
use super::schema::{FieldSpec, TableSpec};
use super::webhooks::RowEvent;

/// Reads a request's body.
pub(super) fn body(bytes: &Bytes) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(body)) => Ok(body),
        _ => Err(Problem::Bad(
            "The request body is not valid JSON.".to_owned(),
        )),
    }
}

/// The table that a member of a body names.
pub(super) fn named_table(
    body: &Map<String, Value>,
    member: &'static str,
) -> Result<&'static TableSpec, Problem> {
    match body.get(member) {
        Some(Value::String(id)) if !id.is_empty() => table(id),
        _ => Err(Problem::Invalid {
            member,
            why: "must be a table identifier".to_owned(),
        }),
    }
}

/// The fields of a table that a list names.
pub(super) fn named_fields(
    list: Option<&Value>,
    member: &'static str,
    table: &'static TableSpec,
) -> Result<Vec<&'static FieldSpec>, Problem> {
    let Some(list) = list else {
        return Ok(Vec::new());
    };
    let wrong = |why: String| Problem::Invalid { member, why };
    let items = list
        .as_array()
        .ok_or_else(|| wrong("must be an array of field identifiers".to_owned()))?;
    let field = |id: &Value| {
        let field = id.as_u64().and_then(|id| table.field(id));
        field.ok_or_else(|| wrong(format!("Field {id} does not exist in table {}", table.id)))
    };
    items.iter().map(field).collect()
}

/// One field to sort by, and whether it falls.
struct Key {
    field: &'static FieldSpec,
    falls: bool,
}

fn sorting(body: &Map<String, Value>, table: &'static TableSpec) -> Result<Vec<Key>, Problem> {
    let wrong = |why: &str| Problem::Invalid {
        member: "sortBy",
        why: why.to_owned(),
    };
    let list = match body.get("sortBy") {
        None | Some(Value::Bool(false)) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(wrong("must be an array")),
    };
    let key = |item: &Value| {
        let field = item["fieldId"].as_u64().and_then(|id| table.field(id));
        let falls = match item["order"].as_str() {
            Some("ASC" | "equal-values") => false,
            Some("DESC") => true,
            _ => return Err(wrong("order must be ASC, DESC or equal-values")),
        };
        let field = field.ok_or_else(|| wrong("names a field that does not exist"))?;
        Ok(Key { field, falls })
    };
    list.iter().map(key).collect()
}

/// `POST /records/query`.
pub(super) async fn query(
    State(backend): State<Arc<Backend>>,
    bytes: Bytes,
) -> Result<Json<Value>, Problem> {
    let body = body(&bytes)?;
    let table = named_table(&body, "from")?;
    let mut fields = named_fields(body.get("select"), "select", table)?;
    if fields.is_empty() {
        // The table's default columns.
        fields = table.fields.iter().filter(|field| field.id > 5).collect();
    }
    let filter = filter(&body, table)?;
    let keys = sorting(&body, table)?;
    let option = |name: &str| {
        body.get("options")
            .and_then(|options| options[name].as_u64())
    };
    let skip = usize::try_from(option("skip").unwrap_or(0)).unwrap_or(usize::MAX);
    let top = option("top").filter(|top| *top > 0);
    let books = backend.books();
    books.check(table, TableRight::View)?;
    let mut found = matching(&books, table, &filter);
    sort(&books, table, &mut found, &keys);
    // The server gives as many rows as it likes, however many were asked for.
    let most = top.map_or(backend.settings.rows_per_page, |top| {
        backend
            .settings
            .rows_per_page
            .min(usize::try_from(top).unwrap_or(usize::MAX))
    });
    let data: Vec<Value> = found
        .iter()
        .skip(skip)
        .take(most)
        .map(|(id, row)| {
            let cells = fields.iter().map(|field| {
                let value = books.shown(table, *id, row, field);
                (field.id.to_string(), json!({"value": value}))
            });
            Value::Object(cells.collect())
        })
        .collect();
    let described: Vec<Value> = fields
        .iter()
        .map(|field| json!({"id": field.id, "label": field.label, "type": field.kind}))
        .collect();
    let mut metadata = json!({
        "totalRecords": found.len(),
        "numRecords": data.len(),
        "numFields": fields.len(),
        "skip": skip,
    });
    if let Some(top) = top {
        metadata["top"] = json!(top);
    }
    Ok(Json(
        json!({"data": data, "fields": described, "metadata": metadata}),
    ))
}

/// `where`: text, or a list of Record IDs.
fn filter(body: &Map<String, Value>, table: &'static TableSpec) -> Result<Filter, Problem> {
    match body.get("where") {
        None => Ok(Filter::All),
        Some(Value::String(text)) => Filter::read(text, table),
        Some(Value::Array(ids)) if !ids.is_empty() => {
            let tests = ids.iter().map(|id| format!("{{3.EX.{id}}}"));
            Filter::read(&tests.collect::<Vec<_>>().join("OR"), table)
        }
        Some(_) => Err(Problem::Invalid {
            member: "where",
            why: "must be a query or an array of record ids".to_owned(),
        }),
    }
}

fn matching<'b>(
    books: &'b Books,
    table: &'static TableSpec,
    filter: &Filter,
) -> Vec<(u64, &'b Row)> {
    let rows = books.rows(table.id).map(|rows| rows.rows.iter());
    let passes = |(id, row): &(&u64, &Row)| {
        filter.passes(&|field: &FieldSpec| books.shown(table, **id, row, field))
    };
    let found = rows.into_iter().flatten().filter(passes);
    // Unsorted means unsorted: nobody may rely on the order of entry.
    found.map(|(id, row)| (*id, row)).rev().collect()
}

fn sort(books: &Books, table: &TableSpec, rows: &mut [(u64, &Row)], keys: &[Key]) {
    if keys.is_empty() {
        return;
    }
    rows.sort_by(|one, other| {
        let orders = keys.iter().map(|key| {
            let value = |(id, row): &(u64, &Row)| books.shown(table, *id, row, key.field);
            let order = compare(&value(one), &value(other));
            if key.falls { order.reverse() } else { order }
        });
        orders.fold(Ordering::Equal, Ordering::then)
    });
}

fn compare(one: &Value, other: &Value) -> Ordering {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => one
            .as_str()
            .unwrap_or_default()
            .cmp(other.as_str().unwrap_or_default()),
    }
}

/// `DELETE /records`.
pub(super) async fn delete(
    State(backend): State<Arc<Backend>>,
    bytes: Bytes,
) -> Result<Json<Value>, Problem> {
    let body = body(&bytes)?;
    let table = named_table(&body, "from")?;
    if !body.contains_key("where") {
        return Err(Problem::Invalid {
            member: "where",
            why: "is required".to_owned(),
        });
    }
    let filter = filter(&body, table)?;
    let ids: Vec<u64> = {
        let books = backend.books();
        books.check(table, TableRight::Modify)?;
        let found = matching(&books, table, &filter);
        found.into_iter().map(|(id, _)| id).collect()
    };
    for id in &ids {
        backend.erase(table, *id, Actor::Api);
    }
    Ok(Json(json!({"numberDeleted": ids.len()})))
}

impl Backend {
    /// Removes a row and lets the webhooks see it.
    pub(super) fn erase(
        self: &Arc<Self>,
        table: &'static TableSpec,
        id: u64,
        actor: Actor,
    ) -> bool {
        let shown = self.books().shown_row(table, id);
        let Some(shown) = shown else { return false };
        self.remove(table, id, actor);
        self.fire(table, RowEvent::Deleted, &[shown], actor);
        true
    }
}
