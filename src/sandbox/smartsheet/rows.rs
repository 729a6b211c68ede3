//! The sheet, its columns and its rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::AccessLevel;
use super::backend::{Actor, BROKER, Backend, Row};
use super::cells::{self, Parsed};
use super::problem::Problem;
use super::request::{Agent, Body, Query, success};
use super::sheet::{NAME, SHEET};
use crate::model::Timestamp;

pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/users/me", get(me))
        .route("/sheets", get(list_sheets))
        .route("/sheets/{sheet}", get(read_sheet))
        .route("/sheets/{sheet}/columns", get(list_columns))
        .route(
            "/sheets/{sheet}/rows",
            axum::routing::post(add).put(change).delete(remove),
        )
        .route("/sheets/{sheet}/rows/{row}", get(read_row))
}

type Answer = Result<Json<Value>, Problem>;

async fn me() -> Json<Value> {
    let (first, last) = BROKER.name.split_once(' ').unwrap_or((BROKER.name, ""));
    Json(json!({
        "id": BROKER.id,
        "email": BROKER.email,
        "firstName": first,
        "lastName": last,
        "locale": "en_US",
        "timeZone": "US/Central",
        "account": {"name": "Hearthside Books", "id": 5_072_345_678_901_234_u64},
        "admin": false,
        "licensedSheetCreator": true,
        "alternateEmails": [],
    }))
}

async fn list_sheets(State(backend): State<Arc<Backend>>, query: Query) -> Answer {
    let mut sheets = Vec::new();
    if backend.admit(SHEET, AccessLevel::Viewer).is_ok() {
        let head = backend.head();
        let member = |name: &str| head[name].clone();
        sheets.push(json!({
            "id": member("id"), "name": member("name"), "accessLevel": member("accessLevel"),
            "permalink": member("permalink"), "createdAt": member("createdAt"), "modifiedAt": member("modifiedAt"),
        }));
    }
    query.page(sheets).map(Json)
}

const ROW_FLAGS: [&str; 9] = [
    "attachments",
    "columnType",
    "columns",
    "discussions",
    "filters",
    "format",
    "objectValue",
    "rowPermalink",
    "writerInfo",
];

const SHEET_FLAGS: [&str; 13] = [
    "attachments",
    "columnType",
    "crossSheetReferences",
    "discussions",
    "filters",
    "filterDefinitions",
    "format",
    "ganttConfig",
    "objectValue",
    "ownerInfo",
    "rowPermalink",
    "source",
    "writerInfo",
];

/// How rows are to be shown.
struct Look {
    level: u64,
    flags: Vec<String>,
    columns: Option<BTreeSet<u64>>,
}

impl Look {
    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known == flag)
    }

    fn shows(&self, column: u64) -> bool {
        self.columns
            .as_ref()
            .is_none_or(|columns| columns.contains(&column))
    }
}

async fn read_sheet(
    State(backend): State<Arc<Backend>>,
    Path(sheet): Path<u64>,
    query: Query,
) -> Answer {
    backend.admit(sheet, AccessLevel::Viewer)?;
    let look = Look {
        level: query.level()?,
        flags: query.include(&SHEET_FLAGS)?,
        columns: query.ids("columnIds")?.map(BTreeSet::from_iter),
    };
    let since = match query.text("rowsModifiedSince") {
        Some(text) => {
            let moment: Result<Timestamp, _> = text.parse();
            Some(moment.map_err(|_| Problem::wrong_parameter("rowsModifiedSince", text))?)
        }
        None => None,
    };
    let rows = query.ids("rowIds")?;
    let all: Vec<Row> = backend.books().rows.values().cloned().collect();
    let total = all.len();
    let numbered = all.iter().enumerate().filter(|(_, row)| {
        since.is_none_or(|since| row.modified >= since)
            && rows.as_ref().is_none_or(|ids| ids.contains(&row.id))
    });
    let shown: Vec<Value> = numbered
        .map(|(place, row)| backend.shown(row, place, &look))
        .collect();
    let mut answer = backend.head();
    answer["totalRowCount"] = json!(total);
    answer["columns"] = json!(backend.shown_columns(&look));
    answer["rows"] = if query.is_paged() {
        query.page(shown)?["data"].take()
    } else {
        json!(shown)
    };
    Ok(Json(answer))
}

async fn list_columns(
    State(backend): State<Arc<Backend>>,
    Path(sheet): Path<u64>,
    query: Query,
) -> Answer {
    backend.admit(sheet, AccessLevel::Viewer)?;
    let look = Look {
        level: query.level()?,
        flags: Vec::new(),
        columns: None,
    };
    query.page(backend.shown_columns(&look)).map(Json)
}

async fn read_row(
    State(backend): State<Arc<Backend>>,
    Path((sheet, row)): Path<(u64, u64)>,
    query: Query,
) -> Answer {
    backend.admit(sheet, AccessLevel::Viewer)?;
    let look = Look {
        level: query.level()?,
        flags: query.include(&ROW_FLAGS)?,
        columns: None,
    };
    let (place, found) = {
        let books = backend.books();
        let (place, _, row) = books.rows.get_full(&row).ok_or_else(Problem::not_found)?;
        (place, row.clone())
    };
    let mut shown = backend.shown(&found, place, &look);
    shown["sheetId"] = json!(SHEET);
    shown["accessLevel"] = json!(backend.books().access.name());
    shown["version"] = json!(backend.books().version);
    if look.has("columns") {
        shown["columns"] = json!(backend.shown_columns(&look));
    }
    Ok(Json(shown))
}

/// What places a row; a request may hold one of them, or two that belong together.
const LOCATIONS: [&str; 7] = [
    "toTop",
    "toBottom",
    "parentId",
    "siblingId",
    "above",
    "indent",
    "outdent",
];

/// What else a row of a request may hold.
const WRITABLE: [&str; 4] = ["cells", "expanded", "format", "locked"];

/// At most so many rows in one call.
const MOST_ROWS: usize = 500;

/// One object is as good as a list of one.
fn items(body: Value) -> Result<(Vec<Map<String, Value>>, Shape), Problem> {
    let (items, shape) = match body {
        Value::Array(items) => (items, Shape::List),
        single => (vec![single], Shape::Single),
    };
    if items.is_empty() || items.len() > MOST_ROWS {
        return Err(Problem::unreadable(
            "between 1 and 500 rows can be written at once",
        ));
    }
    let objects: Option<Vec<_>> = items
        .into_iter()
        .map(|item| match item {
            Value::Object(members) => Some(members),
            _ => None,
        })
        .collect();
    objects
        .map(|objects| (objects, shape))
        .ok_or_else(|| Problem::unreadable("a row must be an object"))
}

/// In which shape rows came, and go back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Single,
    List,
}

/// Checks a row of a request and parses its cells.
fn read(
    backend: &Backend,
    row: &Map<String, Value>,
    identity: &[&str],
) -> Result<Vec<(u64, Parsed)>, Problem> {
    let is_known = |name: &&String| {
        let name = name.as_str();
        LOCATIONS.contains(&name) || WRITABLE.contains(&name) || identity.contains(&name)
    };
    if let Some(wrong) = row.keys().find(|name| !is_known(name)) {
        return Err(Problem::not_here(&format!("row.{wrong}")));
    }
    let places: Vec<&str> = row
        .keys()
        .map(String::as_str)
        .filter(|name| LOCATIONS.contains(name))
        .collect();
    if !matches!(
        places.as_slice(),
        [] | [_]
            | ["parentId", "toBottom"]
            | ["toBottom", "parentId"]
            | ["siblingId", "above"]
            | ["above", "siblingId"]
    ) {
        return Err(Problem::bad(1062, "Invalid row location."));
    }
    let listed = match row.get("cells") {
        None => return Ok(Vec::new()),
        Some(Value::Array(cells)) => cells,
        Some(_) => return Err(Problem::unreadable("row.cells must be a list")),
    };
    let writer = backend.writer();
    let mut cells: Vec<(u64, Parsed)> = Vec::with_capacity(listed.len());
    for cell in listed {
        let Value::Object(cell) = cell else {
            return Err(Problem::unreadable("a cell must be an object"));
        };
        let id = cell.get("columnId").filter(|id| !id.is_null());
        let id = id.ok_or_else(|| Problem::missing("cell.columnId"))?;
        let invalid = || Problem::bad(1036, format!("The columnId {id} is invalid."));
        let column = id
            .as_u64()
            .and_then(|id| backend.column(id))
            .ok_or_else(invalid)?;
        if cells.iter().any(|(known, _)| *known == column.id) {
            let message = format!("The columnId {id} is included more than once in a single row.");
            return Err(Problem::bad(1037, message));
        }
        cells.push((column.id, cells::parse(column, cell, writer)?));
    }
    Ok(cells)
}

async fn add(
    State(backend): State<Arc<Backend>>,
    Path(sheet): Path<u64>,
    Agent(agent): Agent,
    Body(body): Body,
) -> Answer {
    backend.admit(sheet, AccessLevel::Editor)?;
    let _saving = backend.save().await?;
    let (rows, shape) = items(body)?;
    let mut parsed = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let cells = read(&backend, row, &[]).map_err(|problem| problem.at(index, None))?;
        parsed.push(cells);
    }
    // All or nothing: everything was checked before anything is written.
    let actor = Actor::api(agent);
    let added: Vec<Row> = parsed
        .into_iter()
        .map(|cells| backend.add_row(&actor, cells))
        .collect();
    Ok(Json(backend.written(&added, shape)))
}

async fn change(
    State(backend): State<Arc<Backend>>,
    Path(sheet): Path<u64>,
    Agent(agent): Agent,
    Body(body): Body,
) -> Answer {
    backend.admit(sheet, AccessLevel::Editor)?;
    let _saving = backend.save().await?;
    let (rows, shape) = items(body)?;
    let mut parsed = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let id = row.get("id").and_then(Value::as_u64);
        let id = id.ok_or_else(|| Problem::missing("row.id").at(index, None))?;
        let cells = read(&backend, row, &["id"]).map_err(|problem| problem.at(index, Some(id)))?;
        if !backend.books().rows.contains_key(&id) {
            return Err(Problem::not_found().at(index, Some(id)));
        }
        parsed.push((id, cells));
    }
    let actor = Actor::api(agent);
    let changed: Result<Vec<Row>, Problem> = parsed
        .into_iter()
        .map(|(id, cells)| backend.change_row(id, &actor, cells))
        .collect();
    Ok(Json(backend.written(&changed?, shape)))
}

async fn remove(
    State(backend): State<Arc<Backend>>,
    Path(sheet): Path<u64>,
    Agent(agent): Agent,
    query: Query,
) -> Answer {
    backend.admit(sheet, AccessLevel::Editor)?;
    let _saving = backend.save().await?;
    let ids = query.ids("ids")?.ok_or_else(|| {
        Problem::bad(
            1009,
            "A required parameter is missing from your request: ids.",
        )
    })?;
    let ignores = query.is_set("ignoreRowsNotFound");
    let all_there = ids.iter().all(|id| backend.books().rows.contains_key(id));
    if !all_there && !ignores {
        return Err(Problem::not_found());
    }
    let actor = Actor::api(agent);
    let removed: Vec<u64> = ids
        .into_iter()
        .filter(|id| backend.remove_row(*id, &actor).is_ok())
        .collect();
    let version = backend.books().version;
    Ok(Json(success(Some(version), &json!(removed))))
}

impl Backend {
    /// Begins to save the sheet. Who comes while another saves collides with it.
    pub(super) async fn save(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, Problem> {
        let saving = self.saving.try_lock().map_err(|_| Problem::collision())?;
        if !self.settings.save_time.is_zero() {
            tokio::time::sleep(self.settings.save_time).await;
        }
        Ok(saving)
    }

    fn head(&self) -> Value {
        let books = self.books();
        let latest = books.rows.values().map(|row| row.modified).max();
        let modified = latest.unwrap_or(Timestamp::UNIX_EPOCH);
        json!({
            "id": SHEET,
            "name": NAME,
            "version": books.version,
            "totalRowCount": books.rows.len(),
            "accessLevel": books.access.name(),
            "effectiveAttachmentOptions": ["FILE", "LINK"],
            "ganttEnabled": false,
            "dependenciesEnabled": false,
            "resourceManagementEnabled": false,
            "permalink": self.permalink(),
            "createdAt": "2026-01-05T08:00:00Z",
            "modifiedAt": modified.to_string(),
        })
    }

    fn permalink(&self) -> String {
        format!("{}/sheets/f9qPj7RJGxQ4m2cV8wXh", self.base_url)
    }

    fn shown_columns(&self, look: &Look) -> Vec<Value> {
        let is_admin = self.writer().is_admin;
        let columns = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| look.shows(column.id));
        columns
            .map(|(index, column)| column.shown(index, look.level, is_admin))
            .collect()
    }

    fn shown(&self, row: &Row, place: usize, look: &Look) -> Value {
        let with_objects = look.has("objectValue");
        let columns = self.columns.iter().filter(|column| look.shows(column.id));
        let cells: Vec<Value> = columns
            .map(|column| {
                let mut cell =
                    cells::shown(column, row.cells.get(&column.id), look.level, with_objects);
                if look.has("columnType") {
                    cell["columnType"] = json!(column.kind.name(look.level));
                }
                cell
            })
            .collect();
        let mut shown = json!({
            "id": row.id,
            "rowNumber": place + 1,
            "expanded": true,
            "createdAt": row.created.to_string(),
            "modifiedAt": row.modified.to_string(),
            "cells": cells,
        });
        if place > 0
            && let Some((sibling, _)) = self.books().rows.get_index(place - 1)
        {
            shown["siblingId"] = json!(sibling);
        }
        if look.has("writerInfo") {
            shown["createdBy"] = row.created_by.shown();
            shown["modifiedBy"] = row.modified_by.shown();
        }
        if look.has("rowPermalink") {
            shown["permalink"] = json!(format!("{}?rowId={}", self.permalink(), row.id));
        }
        shown
    }

    fn written(&self, rows: &[Row], shape: Shape) -> Value {
        let look = Look {
            level: 0,
            flags: Vec::new(),
            columns: None,
        };
        let place = |id: u64| self.books().rows.get_index_of(&id).unwrap_or_default();
        let mut shown = rows.iter().map(|row| self.shown(row, place(row.id), &look));
        let result = match shape {
            Shape::Single => shown.next().unwrap_or_default(),
            Shape::List => shown.collect(),
        };
        success(Some(self.books().version), &result)
    }
}
