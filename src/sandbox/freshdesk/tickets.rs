//! Tickets, conversations and files over REST.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::backend::{Actor, Backend, COMPANY, Source};
use super::lookups;
use super::problem::{FieldError, Problem};
use super::reading::Form;
use super::search::Search;
use crate::model::Timestamp;

/// The routes, relative to `/api/v2`.
pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/tickets", get(list).post(create))
        .route("/tickets/{id}", get(show).put(update).delete(delete))
        .route("/tickets/{id}/restore", put(restore))
        .route("/tickets/{id}/conversations", get(conversations))
        .route("/tickets/{id}/notes", post(add_note))
        .route("/tickets/{id}/reply", post(reply))
        .route("/conversations/{id}", put(change_note).delete(delete_entry))
        .route("/search/tickets", get(search))
}

/// The query, by name.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(raw: Option<String>) -> Self {
        let raw = raw.unwrap_or_default();
        Self(
            url::form_urlencoded::parse(raw.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self
            .0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    fn includes(&self, what: &str) -> bool {
        self.text("include")
            .is_some_and(|list| list.split(',').any(|part| part.trim() == what))
    }

    fn number(&self, name: &str, usual: usize, most: usize) -> Result<usize, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(usual);
        };
        let number = text
            .parse()
            .ok()
            .filter(|number| (1..=most).contains(number));
        let message = || format!("It should be a Positive Integer less than or equal to {most}");
        number.ok_or_else(|| {
            Problem::Invalid(vec![FieldError::new(name, "invalid_value", message())])
        })
    }

    /// One page of a list, with a link to the next one while there is one.
    pub(super) fn page(&self, path: &str, all: Vec<Value>) -> Result<Response, Problem> {
        let page = self.number("page", 1, MOST_PAGES)?;
        let per_page = self.number("per_page", 30, 100)?;
        let skip = (page - 1) * per_page;
        let has_more = all.len() > skip + per_page;
        let shown: Vec<_> = all.into_iter().skip(skip).take(per_page).collect();
        let mut response = Json(shown).into_response();
        if has_more {
            let others = self.0.iter().filter(|(key, _)| key != "page");
            let query = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(others)
                .append_pair("page", &(page + 1).to_string())
                .finish();
            let link = format!("<{path}?{query}>; rel=\"next\"");
            if let Ok(link) = HeaderValue::from_str(&link) {
                response.headers_mut().insert(header::LINK, link);
            }
        }
        Ok(response)
    }
}

/// The vendor serves no page after this one.
const MOST_PAGES: usize = 300;
/// Without `updated_since`, older tickets are not listed.
const LISTED_DAYS: i64 = 30;

/// A ticket with fresh links to its files.
fn linked(backend: &Backend, mut shown: Value) -> Value {
    if let Some(files) = shown.get_mut("attachments").and_then(Value::as_array_mut) {
        for file in files {
            let id = file["id"].as_u64().unwrap_or_default();
            file["attachment_url"] = json!(link(backend, id));
        }
    }
    shown
}

/// How long a link to a file is good.
const LINK_SECONDS: i64 = 300;

fn link(backend: &Backend, file: u64) -> String {
    let expires = backend.now().as_second() + LINK_SECONDS;
    let signature = link_signature(backend, file, expires);
    format!(
        "{}/storage/{file}?Expires={expires}&Signature={signature}",
        backend.base_url
    )
}

fn link_signature(backend: &Backend, file: u64, expires: i64) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(backend.link_key.as_bytes()) else {
        return String::new();
    };
    mac.update(format!("{file}:{expires}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// `GET /storage/{file}`: the file itself, signed by the link, and refused to whoever also sends credentials,
/// as object stores refuse them.
pub(super) async fn download(
    State(backend): State<Arc<Backend>>,
    Path(file): Path<u64>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if headers.contains_key(header::AUTHORIZATION) {
        let message = "Only one auth mechanism allowed";
        return (StatusCode::BAD_REQUEST, message).into_response();
    }
    let query = Query::of(query);
    let expires = query
        .text("Expires")
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    let is_signed = query.text("Signature") == Some(&link_signature(&backend, file, expires));
    if !is_signed || backend.now().as_second() > expires {
        return (StatusCode::FORBIDDEN, "Request has expired").into_response();
    }
    let found = backend.books().files.get(&file).cloned();
    found.map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        |found| {
            (
                [(header::CONTENT_TYPE, found.mime.clone())],
                found.content.clone(),
            )
                .into_response()
        },
    )
}

async fn create(State(backend): State<Arc<Backend>>, form: Form) -> Result<Response, Problem> {
    let ticket = backend.create(Actor::API, &form)?;
    let mut shown = linked(&backend, Value::clone(&ticket));
    remove_stats(&mut shown);
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

fn remove_stats(shown: &mut Value) {
    if let Some(members) = shown.as_object_mut() {
        members.shift_remove("stats");
    }
}

async fn show(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    let query = Query::of(query);
    let ticket = backend.ticket(id)?;
    let mut shown = linked(&backend, Value::clone(&ticket));
    include(&backend, &mut shown, &query);
    if query.includes("conversations") {
        let entries = entries(&backend, id);
        shown["conversations"] = entries.into_iter().take(10).collect();
    }
    Ok(Json(shown))
}

/// Adds the related objects that were asked for.
fn include(backend: &Backend, shown: &mut Value, query: &Query) {
    if query.includes("requester") {
        let requester = shown["requester_id"].as_u64().unwrap_or_default();
        let contact = lookups::requester(backend, requester);
        shown["requester"] = contact;
    }
    if query.includes("company") {
        let is_ours = shown["company_id"] == COMPANY;
        shown["company"] = if is_ours {
            json!({"id": COMPANY, "name": lookups::COMPANY_NAME})
        } else {
            json!({})
        };
    }
    if !query.includes("stats") {
        remove_stats(shown);
    }
}

async fn update(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    form: Form,
) -> Result<Json<Value>, Problem> {
    let ticket = backend.update(id, Actor::API, &form)?;
    let mut shown = linked(&backend, Value::clone(&ticket));
    remove_stats(&mut shown);
    Ok(Json(shown))
}

async fn delete(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Problem> {
    backend.set_deleted(id, Actor::API, true)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn restore(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Problem> {
    backend.set_deleted(id, Actor::API, false)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list(
    State(backend): State<Arc<Backend>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::of(query);
    let wrong = |field: &str, message: &str| {
        Problem::Invalid(vec![FieldError::new(field, "invalid_value", message)])
    };
    let since = match query.text("updated_since") {
        Some(text) => {
            let since = text.parse::<Timestamp>();
            Some(since.map_err(|_| {
                wrong(
                    "updated_since",
                    "It should be in the 'combined date and time ISO8601' format",
                )
            })?)
        }
        None => None,
    };
    let order = query.text("order_by").unwrap_or("created_at");
    if !["created_at", "due_by", "updated_at", "status"].contains(&order) {
        let message = "It should be one of these values: 'created_at,due_by,updated_at,status'";
        return Err(wrong("order_by", message));
    }
    let oldest = backend.now().as_second() - LISTED_DAYS * 24 * 3_600;
    let oldest = Timestamp::from_second(oldest)
        .unwrap_or(Timestamp::MIN)
        .to_string();
    let mut tickets = backend
        .books()
        .changed_since(since.unwrap_or(Timestamp::MIN));
    let is_listed = |ticket: &Arc<Value>| {
        let is_recent = ticket["created_at"].as_str() >= Some(oldest.as_str());
        ticket["deleted"] == false && (since.is_some() || is_recent)
    };
    tickets.retain(is_listed);
    let key = |ticket: &Arc<Value>| (ticket[order].to_string(), ticket["id"].as_u64());
    tickets.sort_by_cached_key(key);
    if query.text("order_type") != Some("asc") {
        tickets.reverse();
    }
    let rows = tickets.iter().map(|ticket| row(&backend, ticket, &query));
    query.page(
        &format!("{}/api/v2/tickets", backend.base_url),
        rows.collect(),
    )
}

/// A ticket in a list: without description and files.
fn row(backend: &Backend, ticket: &Value, query: &Query) -> Value {
    let mut shown = ticket.clone();
    if let Some(members) = shown.as_object_mut() {
        members.shift_remove("attachments");
        members.shift_remove("deleted");
        if !query.includes("description") {
            members.shift_remove("description");
            members.shift_remove("description_text");
        }
    }
    include(backend, &mut shown, query);
    shown
}

async fn search(
    State(backend): State<Arc<Backend>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    let query = Query::of(query);
    let page = query.number("page", 1, 10)?;
    let search = Search::parse(query.text("query").unwrap_or_default());
    let search = search.map_err(|error| Problem::Invalid(vec![error]))?;
    let seen_until = backend.clock.now().checked_sub(backend.settings.search_lag);
    let books = backend.books();
    let indexed = books.indexed(seen_until.unwrap_or(Timestamp::MIN));
    let is_hit = |ticket: &&Arc<Value>| ticket["deleted"] == false && search.holds(ticket);
    let hits: Vec<_> = indexed.filter(is_hit).cloned().collect();
    drop(books);
    let plain = Query::of(Some("include=description".to_owned()));
    let shown = hits.iter().skip((page - 1) * 30).take(30);
    let results: Vec<_> = shown.map(|ticket| row(&backend, ticket, &plain)).collect();
    Ok(Json(json!({"results": results, "total": hits.len()})))
}

fn entries(backend: &Backend, ticket: u64) -> Vec<Value> {
    let entries = backend
        .books()
        .conversations
        .get(&ticket)
        .cloned()
        .unwrap_or_default();
    entries
        .into_iter()
        .map(|entry| linked(backend, entry))
        .collect()
}

async fn conversations(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    backend.ticket(id)?;
    let path = format!("{}/api/v2/tickets/{id}/conversations", backend.base_url);
    Query::of(query).page(&path, entries(&backend, id))
}

async fn add_note(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    form: Form,
) -> Result<Response, Problem> {
    let entry = backend.converse(id, Actor::API, &form, Source::Note)?;
    Ok((StatusCode::CREATED, Json(linked(&backend, entry))).into_response())
}

async fn reply(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    form: Form,
) -> Result<Response, Problem> {
    let entry = backend.converse(id, Actor::API, &form, Source::Reply)?;
    Ok((StatusCode::CREATED, Json(linked(&backend, entry))).into_response())
}

/// Only notes can be changed.
async fn change_note(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    form: Form,
) -> Result<Json<Value>, Problem> {
    let body = form.members.get("body").and_then(Value::as_str);
    let Some(body) = body.filter(|body| !body.is_empty()) else {
        let message = "It should not be blank as this is a mandatory field";
        return Err(Problem::Invalid(vec![FieldError::new(
            "body",
            "missing_field",
            message,
        )]));
    };
    let now = backend.now();
    let mut books = backend.books();
    let mut entries = books.conversations.values_mut().flatten();
    let entry = entries
        .find(|entry| entry["id"] == id)
        .ok_or(Problem::NotFound)?;
    if entry["source"] != 2 {
        return Err(Problem::NotAllowed);
    }
    entry["body"] = json!(body);
    entry["body_text"] = json!(super::backend::plain(body));
    entry["updated_at"] = json!(now.to_string());
    let shown = entry.clone();
    drop(books);
    Ok(Json(linked(&backend, shown)))
}

async fn delete_entry(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Problem> {
    let mut books = backend.books();
    for entries in books.conversations.values_mut() {
        let before = entries.len();
        entries.retain(|entry| entry["id"] != id);
        if entries.len() < before {
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    Err(Problem::NotFound)
}
