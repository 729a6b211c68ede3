//! Time entries: listed, added and changed.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::backend::{Actor, Backend};
use super::paging::Query;
use super::request::{Object, Operations};
use super::ticket::read_operation;
use super::tickets::missing;
use super::trouble::{Fault, Trouble};
use crate::model::Timestamp;
use crate::sandbox::journal::{Deed, Thing, Write};

/// The routes, relative to the REST base.
pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/time/entries", get(list).post(create))
        .route("/time/entries/{id}", get(show).patch(patch))
        .route("/service/tickets/{id}/timeentries", get(of_ticket))
}

/// What time may be charged to.
const CHARGED_TO: [&str; 5] = [
    "Company",
    "ServiceTicket",
    "ProjectTicket",
    "ChargeCode",
    "Activity",
];

async fn list(State(backend): State<Arc<Backend>>, query: Query) -> Response {
    let entries: Vec<_> = backend.books().time.values().cloned().collect();
    query.answer(entries.into_iter())
}

async fn of_ticket(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    query: Query,
) -> Result<Response, Trouble> {
    backend.ticket(id)?;
    let books = backend.books();
    let charged = books
        .time
        .values()
        .filter(|entry| entry["chargeToId"] == id);
    let entries: Vec<_> = charged.cloned().collect();
    drop(books);
    Ok(query.answer(entries.into_iter()))
}

async fn create(
    State(backend): State<Arc<Backend>>,
    Object(mut entry): Object,
) -> Result<Response, Trouble> {
    check(&entry)?;
    let id = backend.books().take_id();
    entry.insert("id".to_owned(), json!(id));
    let entry = store(&backend, id, entry, Deed::Created);
    Ok((StatusCode::CREATED, Json(&*entry)).into_response())
}

async fn show(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<Response, Trouble> {
    Ok(Json(&*entry(&backend, id)?).into_response())
}

async fn patch(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    Operations(operations): Operations,
) -> Result<Response, Trouble> {
    let stored = entry(&backend, id)?;
    let mut changed = stored.as_object().cloned().unwrap_or_default();
    for operation in &operations {
        let (path, value) = read_operation(operation)?;
        changed.insert(path.to_owned(), value);
    }
    check(&changed)?;
    Ok(Json(&*store(&backend, id, changed, Deed::Updated)).into_response())
}

fn entry(backend: &Backend, id: u64) -> Result<Arc<Value>, Trouble> {
    let found = backend.books().time.get(&id).cloned();
    found.ok_or_else(|| Trouble::no_record("TimeEntry", id))
}

fn check(entry: &Map<String, Value>) -> Result<(), Trouble> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let start = text("timeStart").ok_or_else(|| missing("timeEntry", "timeStart"))?;
    if start.parse::<Timestamp>().is_err() {
        let fault = Fault::invalid("timeStart", "timeStart must be a UTC date.");
        return Err(Trouble::invalid("timeEntry", fault));
    }
    if text("chargeToType").is_some_and(|kind| !CHARGED_TO.contains(&kind)) {
        return Err(Trouble::invalid(
            "timeEntry",
            Fault::dangling("chargeToType"),
        ));
    }
    Ok(())
}

fn store(backend: &Backend, id: u64, entry: Map<String, Value>, deed: Deed) -> Arc<Value> {
    let entry = Arc::new(Value::Object(entry));
    backend.books().time.insert(id, entry.clone());
    let parent = entry["chargeToId"].as_u64().unwrap_or_default();
    let write = Write::new(deed, Thing::TimeEntry, id, Actor::API.doer);
    backend.journal.record(write.within(parent));
    entry
}
