//! Ticket notes and their compulsory placement flags.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::backend::{Actor, Backend};
use super::paging::{Query, id_of};
use super::request::{Object, Operations};
use super::ticket::read_operation;
use super::trouble::{Fault, Trouble};
use crate::model::Timestamp;

/// Where a note appears. At least one is compulsory.
pub(super) const FLAGS: [&str; 3] = [
    "detailDescriptionFlag",
    "internalAnalysisFlag",
    "resolutionFlag",
];

/// The members of a new ticket that become notes.
pub(super) const INITIAL: [(&str, &str); 3] = [
    ("initialDescription", FLAGS[0]),
    ("initialInternalAnalysis", FLAGS[1]),
    ("initialResolution", FLAGS[2]),
];

const NO_PLACEMENT: &str = "Please choose where to display the notes in order to save this record.";

/// The routes, relative to the REST base.
pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/service/tickets/{id}/notes", get(list).post(create))
        .route("/service/tickets/{id}/allNotes", get(list))
        .route("/service/tickets/{id}/notes/count", get(count))
        .route(
            "/service/tickets/{id}/notes/{note}",
            get(show).patch(patch).delete(remove),
        )
}

/// Reads a note's text and flags.
pub(super) fn read(body: &Map<String, Value>) -> Result<(String, Vec<&'static str>), Trouble> {
    let refuse = |fault| Err(Trouble::invalid("serviceNote", fault));
    let text = body.get("text").and_then(Value::as_str).unwrap_or_default();
    if text.trim().is_empty() {
        return refuse(Fault::missing("text"));
    }
    let mut flags = Vec::new();
    for flag in FLAGS {
        match body.get(flag) {
            Some(Value::Bool(true)) => flags.push(flag),
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(_) => {
                return refuse(Fault::invalid(
                    flag,
                    format!("{flag} must be true or false."),
                ));
            }
        }
    }
    if flags.is_empty() {
        return refuse(Fault::invalid("detailDescriptionFlag", NO_PLACEMENT));
    }
    Ok((text.to_owned(), flags))
}

/// A note as the API shows it.
pub(super) fn compose(
    id: u64,
    ticket: u64,
    text: &str,
    flags: &[&str],
    member: &str,
    now: Timestamp,
) -> Value {
    let has = |flag: &str| flags.contains(&flag);
    let mut note = json!({"id": id, "ticketId": ticket, "text": text});
    for flag in FLAGS {
        note[flag] = json!(has(flag));
    }
    note["issueFlag"] = json!(false);
    note["member"] = json!({"identifier": member, "name": member});
    note["customerUpdatedFlag"] = json!(false);
    note["processNotifications"] = json!(false);
    note["dateCreated"] = json!(now.to_string());
    note["createdBy"] = json!(member);
    note["internalFlag"] = json!(has(FLAGS[1]));
    note["externalFlag"] = json!(has(FLAGS[0]));
    note["_info"] = json!({"lastUpdated": now.to_string(), "updatedBy": member});
    note
}

fn notes_of(backend: &Backend, ticket: u64) -> Result<Vec<Value>, Trouble> {
    backend.ticket(ticket)?;
    Ok(backend
        .books()
        .notes
        .get(&ticket)
        .cloned()
        .unwrap_or_default())
}

fn is_recognized(path: &str) -> bool {
    let names = [
        "id",
        "ticketId",
        "text",
        "dateCreated",
        "createdBy",
        "lastUpdated",
        "_info/lastUpdated",
    ];
    names.contains(&path) || FLAGS.contains(&path) || path.starts_with("member/")
}

async fn list(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    query: Query,
) -> Result<Response, Trouble> {
    query.check_names(&is_recognized)?;
    Ok(query.answer(notes_of(&backend, id)?.into_iter()))
}

async fn count(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<Json<Value>, Trouble> {
    Ok(Json(json!({"count": notes_of(&backend, id)?.len()})))
}

async fn create(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    Object(body): Object,
) -> Result<Response, Trouble> {
    let note = backend.add_note(id, Actor::API, &body)?;
    Ok((StatusCode::CREATED, Json(note)).into_response())
}

async fn show(
    State(backend): State<Arc<Backend>>,
    Path((id, note)): Path<(u64, u64)>,
) -> Result<Json<Value>, Trouble> {
    let notes = notes_of(&backend, id)?;
    let found = notes.into_iter().find(|other| id_of(other) == note);
    found
        .map(Json)
        .ok_or_else(|| Trouble::no_record("ServiceNote", note))
}

async fn patch(
    State(backend): State<Arc<Backend>>,
    Path((id, note)): Path<(u64, u64)>,
    Operations(operations): Operations,
) -> Result<Json<Value>, Trouble> {
    let now = backend.now();
    let mut books = backend.books();
    let notes = books.notes.get_mut(&id);
    let found = notes.and_then(|notes| notes.iter_mut().find(|other| id_of(other) == note));
    let found = found.ok_or_else(|| Trouble::no_record("ServiceNote", note))?;
    let mut changed = found.clone();
    for operation in &operations {
        let (path, value) = read_operation(operation)?;
        if path == "text" || FLAGS.contains(&path) {
            changed[path] = value;
        }
    }
    read(changed.as_object().unwrap_or(&Map::new()))?;
    changed["_info"]["lastUpdated"] = json!(now.to_string());
    *found = changed.clone();
    Ok(Json(changed))
}

async fn remove(
    State(backend): State<Arc<Backend>>,
    Path((id, note)): Path<(u64, u64)>,
) -> Result<StatusCode, Trouble> {
    let mut books = backend.books();
    let notes = books.notes.entry(id).or_default();
    let before = notes.len();
    notes.retain(|other| id_of(other) != note);
    if notes.len() == before {
        return Err(Trouble::no_record("ServiceNote", note));
    }
    Ok(StatusCode::NO_CONTENT)
}
