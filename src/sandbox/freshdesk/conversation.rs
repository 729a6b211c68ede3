//! Notes, replies and files.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;

use super::automation::{self, Performer};
use super::desk::{AGENT, Conversation, Desk};
use super::problem::{FieldProblem, Problem};
use super::tickets::{Posted, paging};
use crate::sandbox::journal::{Deed, Doer, Thing, Write};

pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new()
        .route("/tickets/{id}/conversations", get(list))
        .route("/tickets/{id}/notes", post(note))
        .route("/tickets/{id}/reply", post(reply))
}

/// Where files are fetched from: signed links, served without credentials.
pub(super) fn storage() -> Router<Arc<Desk>> {
    Router::new().route("/storage/{id}", get(download))
}

async fn list(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<u64>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let page = paging(&query)?;
    let books = desk.books();
    let ticket = books.tickets.get(&id).ok_or(Problem::NotFound)?;
    let shown: Vec<Value> = page
        .of(&ticket.conversations)
        .map(|conversation| conversation.shown(id, &desk))
        .collect();
    let path = format!("tickets/{id}/conversations");
    Ok(page.answer(&desk, &path, &query, ticket.conversations.len(), shown))
}

async fn note(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<u64>,
    request: Request,
) -> Result<Response, Problem> {
    const KNOWN: [&str; 5] = ["body", "private", "incoming", "notify_emails", "user_id"];
    let posted = Posted::read(request).await?;
    let private = match posted.fields.get("private") {
        None => true,
        Some(Value::Bool(private)) => *private,
        Some(other) => {
            let problem = FieldProblem::not_a("private", "Boolean", super::fields::kind(other));
            return Err(Problem::Fields(vec![problem]));
        }
    };
    converse(&desk, id, posted, &KNOWN, private, 2)
}

async fn reply(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<u64>,
    request: Request,
) -> Result<Response, Problem> {
    const KNOWN: [&str; 5] = ["body", "cc_emails", "bcc_emails", "from_email", "user_id"];
    let posted = Posted::read(request).await?;
    converse(&desk, id, posted, &KNOWN, false, 0)
}

fn converse(
    desk: &Arc<Desk>,
    id: u64,
    mut posted: Posted,
    known: &[&str],
    private: bool,
    source: u64,
) -> Result<Response, Problem> {
    let unknown = posted
        .fields
        .keys()
        .filter(|name| !known.contains(&name.as_str()));
    let mut problems: Vec<FieldProblem> = unknown.map(FieldProblem::unexpected).collect();
    let body = posted
        .fields
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if body.is_empty() {
        problems.push(FieldProblem::missing("body"));
    }
    if !problems.is_empty() {
        return Err(Problem::Fields(problems));
    }
    let incoming = posted
        .fields
        .get("incoming")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let user = posted
        .fields
        .get("user_id")
        .and_then(Value::as_u64)
        .unwrap_or(AGENT);
    let (conversation, ticket) = {
        let mut guard = desk.books();
        let books = &mut *guard;
        let already = books.tickets.get(&id).ok_or(Problem::NotFound)?;
        let already = already.files().map(|file| file.content.len()).sum();
        let attachments = posted.attachments(already, desk, || books.part_id())?;
        let conversation = Conversation {
            id: books.part_id(),
            body,
            private,
            incoming,
            user,
            source,
            attachments,
            at: desk.now(),
        };
        let ticket = books.tickets.get_mut(&id).ok_or(Problem::NotFound)?;
        ticket.conversations.push(conversation.clone());
        ticket.updated_at = desk.now();
        (conversation, ticket.clone())
    };
    let write = Write::new(Deed::Created, Thing::Note, conversation.id, Doer::Api);
    desk.journal
        .record(write.within(id).called(conversation.body.as_str()));
    automation::fire(desk, &ticket, Some(ticket.status), Performer::Api);
    Ok((StatusCode::CREATED, Json(conversation.shown(id, desk))).into_response())
}

async fn download(State(desk): State<Arc<Desk>>, Path(id): Path<u64>) -> Result<Response, Problem> {
    let books = desk.books();
    let mut files = books.tickets.values().flat_map(super::desk::Ticket::files);
    let file = files.find(|file| file.id == id).ok_or(Problem::NotFound)?;
    Ok((
        [(header::CONTENT_TYPE, file.media_type.clone())],
        file.content.clone(),
    )
        .into_response())
}
