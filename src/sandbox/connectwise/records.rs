//! What hangs on tickets besides notes: documents and schedule entries.

use std::sync::Arc;

use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::backend::{Actor, Backend, Document, Upload, Visibility};
use super::paging::Query;
use super::request::{Object, Operations};
use super::ticket::{read_operation, reference};
use super::tickets::missing;
use super::trouble::{Fault, Trouble};
use crate::model::Timestamp;
use crate::sandbox::journal::{Deed, Thing, Write};

/// What a document may be attached to.
const RECORD_TYPES: [&str; 12] = [
    "Ticket",
    "Agreement",
    "Company",
    "Configuration",
    "Contact",
    "Expense",
    "Opportunity",
    "PurchaseOrder",
    "Project",
    "SalesOrder",
    "ServiceTemplate",
    "Rma",
];

/// The routes, relative to the REST base.
pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/system/documents", get(list_documents).post(upload))
        .route("/system/documents/count", get(count_documents))
        .route(
            "/system/documents/{id}",
            get(show_document).delete(delete_document),
        )
        .route("/system/documents/{id}/download", get(download))
        .route("/service/tickets/{id}/documents", get(ticket_documents))
        .route(
            "/service/tickets/{id}/scheduleentries",
            get(ticket_schedule),
        )
        .route(
            "/schedule/entries",
            get(list_schedule).post(create_schedule),
        )
        .route(
            "/schedule/entries/{id}",
            get(show_schedule)
                .patch(patch_schedule)
                .delete(delete_schedule),
        )
        .route("/expense/entries", get(empty))
        .route("/procurement/products", get(empty))
}

/// Tables that this company leaves empty.
async fn empty(query: Query) -> Response {
    query.answer(std::iter::empty::<Value>())
}

fn documents_of(backend: &Backend, kind: &str, record: u64) -> Vec<Arc<Document>> {
    let books = backend.books();
    let is_on =
        |document: &&Arc<Document>| document.record.0 == kind && document.record.1 == record;
    books.documents.values().filter(is_on).cloned().collect()
}

/// The record a list of documents is about, from the query.
fn subject(uri: &axum::http::Uri) -> Result<(String, u64), Trouble> {
    let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let pairs: std::collections::HashMap<_, _> = pairs.into_owned().collect();
    let kind = pairs.get("recordType").cloned();
    let id = pairs.get("recordId").and_then(|id| id.parse().ok());
    match (kind, id) {
        (Some(kind), Some(id)) => Ok((kind, id)),
        (None, _) => Err(missing("document", "recordType")),
        (_, None) => Err(missing("document", "recordId")),
    }
}

async fn list_documents(
    State(backend): State<Arc<Backend>>,
    uri: axum::http::Uri,
    query: Query,
) -> Result<Response, Trouble> {
    let (kind, id) = subject(&uri)?;
    Ok(query.answer(documents_of(&backend, &kind, id).into_iter()))
}

async fn count_documents(
    State(backend): State<Arc<Backend>>,
    uri: axum::http::Uri,
) -> Result<Json<Value>, Trouble> {
    let (kind, id) = subject(&uri)?;
    Ok(Json(
        json!({"count": documents_of(&backend, &kind, id).len()}),
    ))
}

async fn ticket_documents(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    query: Query,
) -> Result<Response, Trouble> {
    backend.ticket(id)?;
    Ok(query.answer(documents_of(&backend, "Ticket", id).into_iter()))
}

async fn upload(
    State(backend): State<Arc<Backend>>,
    request: Request,
) -> Result<Response, Trouble> {
    let form = Multipart::from_request(request, &()).await;
    let form = form.map_err(|_| Trouble::MediaType("multipart/form-data"))?;
    let upload = read_form(form, backend.settings.largest_document).await?;
    let document = backend.add_document(Actor::API, upload)?;
    Ok((StatusCode::CREATED, Json(&document.shown)).into_response())
}

async fn read_form(mut form: Multipart, largest: usize) -> Result<Upload, Trouble> {
    let refuse =
        |field: &str, message: &str| Trouble::invalid("document", Fault::invalid(field, message));
    let broken = |_| refuse("file", "The multipart body could not be read.");
    let mut texts = Map::new();
    let mut file = None;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name != "file" {
            texts.insert(name, json!(field.text().await.map_err(broken)?));
            continue;
        }
        let mime = field
            .content_type()
            .unwrap_or("application/octet-stream")
            .to_owned();
        let Some(file_name) = field.file_name().map(str::to_owned) else {
            return Err(refuse("file", "The file needs a file name."));
        };
        file = Some((file_name, mime, field.bytes().await.map_err(broken)?));
    }
    let text = |key: &str| {
        texts
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let kind = text("recordType").ok_or_else(|| missing("document", "recordType"))?;
    if !RECORD_TYPES.contains(&kind) {
        return Err(refuse("recordType", "recordType is not valid for writing."));
    }
    let record = text("recordId").and_then(|id| id.parse().ok());
    let record = record.ok_or_else(|| missing("document", "recordId"))?;
    let (file_name, mime, content) = file.ok_or_else(|| missing("document", "file"))?;
    if content.len() > largest {
        return Err(refuse(
            "file",
            "The file is larger than this company allows.",
        ));
    }
    let is_on = |key: &str| text(key).is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
    let is_private = is_on("privateFlag");
    Ok(Upload {
        record: (kind.to_owned(), record),
        title: text("title").unwrap_or(&file_name).to_owned(),
        file_name,
        mime,
        visibility: if is_private {
            Visibility::Private
        } else {
            Visibility::Public
        },
        read_only: is_on("readOnlyFlag"),
        content,
    })
}

fn document(backend: &Backend, id: u64) -> Result<Arc<Document>, Trouble> {
    let found = backend.books().documents.get(&id).cloned();
    found.ok_or_else(|| Trouble::no_record("Document", id))
}

async fn show_document(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<Response, Trouble> {
    Ok(Json(&document(&backend, id)?.shown).into_response())
}

async fn delete_document(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Trouble> {
    let removed = backend.books().documents.remove(&id);
    removed.ok_or_else(|| Trouble::no_record("Document", id))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn download(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<Response, Trouble> {
    let document = document(&backend, id)?;
    let name = document.shown["fileName"].as_str().unwrap_or_default();
    let name = name.replace(['"', '\r', '\n'], "_");
    let mime = document.shown["documentType"]["name"]
        .as_str()
        .unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, mime.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, document.content.clone()).into_response())
}

fn knows_schedule(path: &str) -> bool {
    let names = [
        "id",
        "objectId",
        "name",
        "dateStart",
        "dateEnd",
        "doneFlag",
        "acknowledgedFlag",
        "lastUpdated",
    ];
    let references = ["type", "status", "member", "where"];
    let (name, _) = path.split_once('/').unwrap_or((path, ""));
    names.contains(&path) || references.contains(&name)
}

async fn list_schedule(
    State(backend): State<Arc<Backend>>,
    query: Query,
) -> Result<Response, Trouble> {
    query.check_names(&knows_schedule)?;
    let entries: Vec<_> = backend.books().schedule.values().cloned().collect();
    Ok(query.answer(entries.into_iter()))
}

async fn ticket_schedule(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    query: Query,
) -> Result<Response, Trouble> {
    backend.ticket(id)?;
    let books = backend.books();
    let of_ticket = books
        .schedule
        .values()
        .filter(|entry| entry["objectId"] == id);
    let entries: Vec<_> = of_ticket.cloned().collect();
    drop(books);
    Ok(query.answer(entries.into_iter()))
}

/// Replaces a given reference by the row it means.
fn resolve(
    backend: &Backend,
    entry: &mut Map<String, Value>,
    name: &str,
    table: &str,
) -> Result<(), Trouble> {
    let Some(given) = entry.get(name).filter(|given| !given.is_null()) else {
        return Ok(());
    };
    let rows = backend.setup.table(table).unwrap_or_default();
    let same = |row: &&Value| {
        ["id", "identifier", "name"]
            .iter()
            .find_map(|key| Some(row.get(key)? == given.get(key).filter(|value| !value.is_null())?))
            .unwrap_or(false)
    };
    let row = rows.iter().find(same);
    let row = row.ok_or_else(|| Trouble::invalid("scheduleEntry", Fault::dangling(name)))?;
    entry.insert(name.to_owned(), reference(name, row, &backend.rest_base));
    Ok(())
}

/// Checks an entry and puts full references in the place of given ones.
fn settle(backend: &Backend, entry: &mut Map<String, Value>) -> Result<(), Trouble> {
    if entry.get("type").is_none_or(Value::is_null) {
        return Err(missing("scheduleEntry", "type"));
    }
    let references = [
        ("type", "schedule/types"),
        ("status", "schedule/statuses"),
        ("member", "system/members"),
        ("where", "service/locations"),
    ];
    for (name, table) in references {
        resolve(backend, entry, name, table)?;
    }
    for name in ["dateStart", "dateEnd"] {
        let text = entry.get(name).and_then(Value::as_str);
        if text.is_some_and(|text| text.parse::<Timestamp>().is_err()) {
            let message = format!("{name} must be a UTC date like 2026-01-31T08:00:00Z.");
            return Err(Trouble::invalid(
                "scheduleEntry",
                Fault::invalid(name, message),
            ));
        }
    }
    let object = entry.get("objectId").and_then(Value::as_u64);
    if entry["type"]["identifier"] == "S" {
        let object = object.ok_or_else(|| missing("scheduleEntry", "objectId"))?;
        backend
            .ticket(object)
            .map_err(|_| Trouble::invalid("scheduleEntry", Fault::dangling("objectId")))?;
    }
    Ok(())
}

async fn create_schedule(
    State(backend): State<Arc<Backend>>,
    Object(mut entry): Object,
) -> Result<Response, Trouble> {
    settle(&backend, &mut entry)?;
    let overlap = Overlap::of(&entry);
    let may_overlap = entry.get("allowScheduleConflictsFlag") == Some(&Value::Bool(true));
    let mut books = backend.books();
    if !may_overlap && books.schedule.values().any(|other| overlap.meets(other)) {
        let message = "The member is already scheduled at this time.";
        return Err(Trouble::invalid(
            "scheduleEntry",
            Fault::invalid("dateStart", message),
        ));
    }
    let id = books.take_id();
    entry.insert("id".to_owned(), json!(id));
    entry.entry("doneFlag").or_insert(json!(false));
    entry
        .entry("status")
        .or_insert(json!({"id": 2, "name": "Firm"}));
    entry.insert(
        "_info".to_owned(),
        json!({"lastUpdated": backend.now().to_string(), "updatedBy": Actor::API.member}),
    );
    let entry = Arc::new(Value::Object(entry));
    books.schedule.insert(id, entry.clone());
    drop(books);
    let parent = entry["objectId"].as_u64().unwrap_or_default();
    let write = Write::new(Deed::Created, Thing::ScheduleEntry, id, Actor::API.doer);
    let start = entry["dateStart"].as_str().unwrap_or_default();
    backend.journal.record(write.within(parent).called(start));
    Ok((StatusCode::CREATED, Json(&*entry)).into_response())
}

/// When a member is busy.
struct Overlap {
    member: Value,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

impl Overlap {
    fn of(entry: &Map<String, Value>) -> Self {
        let moment = |key: &str| entry.get(key)?.as_str()?.parse().ok();
        let member = entry
            .get("member")
            .map_or(Value::Null, |member| member["id"].clone());
        Self {
            member,
            start: moment("dateStart"),
            end: moment("dateEnd"),
        }
    }

    fn meets(&self, other: &Value) -> bool {
        let Some(other) = other.as_object().map(Self::of) else {
            return false;
        };
        let (Some(start), Some(end)) = (self.start, self.end) else {
            return false;
        };
        let (Some(other_start), Some(other_end)) = (other.start, other.end) else {
            return false;
        };
        !self.member.is_null()
            && self.member == other.member
            && start < other_end
            && other_start < end
    }
}

fn schedule_entry(backend: &Backend, id: u64) -> Result<Arc<Value>, Trouble> {
    let found = backend.books().schedule.get(&id).cloned();
    found.ok_or_else(|| Trouble::no_record("ScheduleEntry", id))
}

async fn show_schedule(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<Response, Trouble> {
    Ok(Json(&*schedule_entry(&backend, id)?).into_response())
}

async fn patch_schedule(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    Operations(operations): Operations,
) -> Result<Response, Trouble> {
    let stored = schedule_entry(&backend, id)?;
    let mut entry = stored.as_object().cloned().unwrap_or_default();
    for operation in &operations {
        let (path, value) = read_operation(operation)?;
        // Unlike tickets, schedule entries take `status/id` and `member/identifier`.
        match path.split_once('/') {
            None => _ = entry.insert(path.to_owned(), value),
            Some((parent, child)) => _ = entry.insert(parent.to_owned(), json!({child: value})),
        }
    }
    settle(&backend, &mut entry)?;
    entry.insert(
        "_info".to_owned(),
        json!({"lastUpdated": backend.now().to_string(), "updatedBy": Actor::API.member}),
    );
    let parent = entry
        .get("objectId")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let entry = Arc::new(Value::Object(entry));
    backend.books().schedule.insert(id, entry.clone());
    let write = Write::new(Deed::Updated, Thing::ScheduleEntry, id, Actor::API.doer);
    backend.journal.record(write.within(parent));
    Ok(Json(&*entry).into_response())
}

async fn delete_schedule(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Trouble> {
    let removed = backend.books().schedule.remove(&id);
    removed.ok_or_else(|| Trouble::no_record("ScheduleEntry", id))?;
    let write = Write::new(Deed::Removed, Thing::ScheduleEntry, id, Actor::API.doer);
    backend.journal.record(write);
    Ok(StatusCode::NO_CONTENT)
}
