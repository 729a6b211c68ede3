//! What does not change: the app, its tables and fields, relationships; downloads; formulas.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::backend::{Actor, Backend, Books, TableRight, encoded, table};
use super::problem::Problem;
use super::query::{body, named_table};
use super::schema::{APP, JOBS, RELATED, TABLES, TableSpec};

type Parameters = Query<HashMap<String, String>>;

fn is_app(id: Option<&String>) -> Result<(), Problem> {
    match id {
        None => Err(Problem::Bad(
            "Required parameter 'appId' is missing.".to_owned(),
        )),
        Some(id) if id == APP => Ok(()),
        Some(_) => Err(Problem::NotFound),
    }
}

/// `GET /apps/{appId}`.
pub(super) async fn app(Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    is_app(Some(&id))?;
    Ok(Json(json!({
        "created": "2026-01-05T10:30:39Z",
        "dateFormat": "MM-DD-YYYY",
        "description": "Made-up field service jobs",
        "hasEveryoneOnTheInternet": false,
        "id": APP,
        "name": "Field Service",
        "timeZone": "(UTC-06:00) Central Time (US & Canada)",
        "updated": "2026-01-06T04:22:09Z",
    })))
}

fn shown_table(books: &Books, table: &TableSpec) -> Value {
    let next_field = table.fields.iter().map(|field| field.id).max();
    json!({
        "id": table.id,
        "name": table.name,
        "alias": format!("_DBID_{}", table.name.to_uppercase().replace(' ', "_")),
        "description": "",
        "created": "2026-01-05T10:30:39Z",
        "updated": "2026-01-06T04:22:09Z",
        "nextRecordId": books.last(table.id) + 1,
        "nextFieldId": next_field.unwrap_or(5) + 1,
        "defaultSortFieldId": 2,
        "defaultSortOrder": "DESC",
        "keyFieldId": 3,
        "singleRecordName": table.single,
        "pluralRecordName": table.name,
        "sizeLimit": "500 MB",
        "spaceUsed": "1 MB",
        "spaceRemaining": "499 MB",
    })
}

/// `GET /tables?appId=`.
pub(super) async fn tables(
    State(backend): State<Arc<Backend>>,
    Query(parameters): Parameters,
) -> Result<Json<Value>, Problem> {
    is_app(parameters.get("appId"))?;
    let books = backend.books();
    let tables: Vec<Value> = TABLES
        .iter()
        .map(|table| shown_table(&books, table))
        .collect();
    Ok(Json(tables.into()))
}

/// `GET /tables/{tableId}?appId=`.
pub(super) async fn one_table(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<String>,
    Query(parameters): Parameters,
) -> Result<Json<Value>, Problem> {
    is_app(parameters.get("appId"))?;
    Ok(Json(shown_table(&backend.books(), table(&id)?)))
}

/// `GET /tables/{tableId}/relationships`.
pub(super) async fn relationships(Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let table = table(&id)?;
    let list: Vec<Value> = if table.id == JOBS {
        Vec::new()
    } else {
        vec![json!({
            "id": RELATED,
            "parentTableId": JOBS,
            "childTableId": table.id,
            "foreignKeyField": {"id": RELATED, "label": "Related Job", "type": "numeric"},
            "isCrossApp": false,
            "lookupFields": [],
            "summaryFields": [],
        })]
    };
    let count = list.len();
    let metadata = json!({"numRelationships": count, "skip": 0, "totalRelationships": count});
    Ok(Json(json!({"metadata": metadata, "relationships": list})))
}

/// `GET /fields?tableId=`.
pub(super) async fn fields(
    State(backend): State<Arc<Backend>>,
    Query(parameters): Parameters,
) -> Result<Json<Value>, Problem> {
    let Some(id) = parameters.get("tableId") else {
        return Err(Problem::Bad(
            "Required parameter 'tableId' is missing.".to_owned(),
        ));
    };
    let table = table(id)?;
    backend.books().check(table, TableRight::View)?;
    let with_rights = parameters.get("includeFieldPerms").map(String::as_str) == Some("true");
    let fields: Vec<Value> = table
        .fields
        .iter()
        .map(|field| {
            let mut shown = field.shown();
            if with_rights {
                let right = if field.is_writable() {
                    "Modify"
                } else {
                    "View"
                };
                shown["permissions"] =
                    json!([{"permissionType": right, "role": "Participant", "roleId": 11}]);
            }
            shown
        })
        .collect();
    Ok(Json(fields.into()))
}

/// `GET /files/{tableId}/{recordId}/{fieldId}/{versionNumber}`: base64 text.
pub(super) async fn file(
    State(backend): State<Arc<Backend>>,
    Path((table_id, row, field, version)): Path<(String, u64, u64, usize)>,
) -> Result<Response, Problem> {
    let table = table(&table_id)?;
    let books = backend.books();
    books.check(table, TableRight::View)?;
    let versions = books
        .row(table.id, row)
        .and_then(|row| row.files.get(&field))
        .ok_or(Problem::NotFound)?;
    let place = version.checked_sub(1).ok_or(Problem::NotFound)?;
    let version = versions.get(place).ok_or(Problem::NotFound)?;
    let mut response = encoded(version).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    let disposition = format!("attachment; filename=\"{}\"", version.name);
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// `POST /formula/run`. The stand-in works out no formula but the vendor's own example, `User()`.
pub(super) async fn formula(bytes: Bytes) -> Result<Json<Value>, Problem> {
    let body = body(&bytes)?;
    named_table(&body, "from")?;
    match body.get("formula").and_then(Value::as_str) {
        Some("User()") => Ok(Json(json!({"result": Actor::Api.shown()["id"]}))),
        _ => Err(Problem::Invalid {
            member: "formula",
            why: "is not a valid formula".to_owned(),
        }),
    }
}
