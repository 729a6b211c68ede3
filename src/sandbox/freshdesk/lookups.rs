//! People, companies, groups and fields.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::backend::{AGENT, API_AGENT, Backend, COMPANY, contact};
use super::fields;
use super::problem::{FieldError, Problem};
use super::reading::Form;
use super::tickets::Query;

pub(super) const COMPANY_NAME: &str = "Harborlight Retail";

/// The routes, relative to `/api/v2`.
pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route(
            "/ticket_fields",
            get(async || Json(fields::ticket_fields())),
        )
        .route(
            "/admin/ticket_fields",
            get(async || Json(fields::admin_ticket_fields())),
        )
        .route("/agents/me", get(async || Json(agent(API_AGENT))))
        .route(
            "/agents",
            get(async || Json(json!([agent(API_AGENT), agent(AGENT)]))),
        )
        .route("/agents/{id}", get(show_agent))
        .route("/groups", get(async || Json(json!([group()]))))
        .route("/groups/{id}", get(show_group))
        .route("/contacts", get(list_contacts).post(create_contact))
        .route("/contacts/{id}", get(show_contact))
        .route("/companies", get(list_companies))
        .route("/companies/{id}", get(show_company))
}

fn agent(id: u64) -> Value {
    let (name, email) = match id {
        API_AGENT => ("Integration Agent", "integration@example.com"),
        _ => ("Alex Helpdesk", "alex.helpdesk@example.com"),
    };
    json!({
        "available": true,
        "occasional": false,
        "signature": null,
        "id": id,
        "ticket_scope": 1,
        "type": "support_agent",
        "group_ids": [501],
        "role_ids": [1],
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "contact": {
            "active": true,
            "email": email,
            "job_title": null,
            "language": "en",
            "mobile": null,
            "name": name,
            "phone": null,
            "time_zone": "Central Time (US & Canada)",
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
        },
    })
}

fn group() -> Value {
    json!({"id": 501, "name": "Field Operations", "description": null, "agent_ids": [API_AGENT, AGENT]})
}

fn company() -> Value {
    json!({
        "id": COMPANY,
        "name": COMPANY_NAME,
        "description": null,
        "note": null,
        "domains": ["example.com"],
        "custom_fields": {},
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    })
}

async fn show_agent(Path(id): Path<u64>) -> Result<Json<Value>, Problem> {
    match id {
        API_AGENT | AGENT => Ok(Json(agent(id))),
        _ => Err(Problem::NotFound),
    }
}

async fn show_group(Path(id): Path<u64>) -> Result<Json<Value>, Problem> {
    (id == 501).then(|| Json(group())).ok_or(Problem::NotFound)
}

async fn list_companies(
    State(backend): State<Arc<Backend>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let path = format!("{}/api/v2/companies", backend.base_url);
    Query::of(query).page(&path, vec![company()])
}

async fn show_company(Path(id): Path<u64>) -> Result<Json<Value>, Problem> {
    (id == COMPANY)
        .then(|| Json(company()))
        .ok_or(Problem::NotFound)
}

async fn list_contacts(
    State(backend): State<Arc<Backend>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::of(query);
    let wanted = |contact: &&Value| {
        let matches = |name: &str| query.text(name).is_none_or(|text| contact[name] == text);
        matches("email") && matches("phone") && matches("mobile")
    };
    let contacts: Vec<_> = backend
        .books()
        .contacts
        .values()
        .filter(wanted)
        .cloned()
        .collect();
    query.page(&format!("{}/api/v2/contacts", backend.base_url), contacts)
}

async fn show_contact(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<Json<Value>, Problem> {
    let found = backend.books().contacts.get(&id).cloned();
    found.map(Json).ok_or(Problem::NotFound)
}

async fn create_contact(
    State(backend): State<Arc<Backend>>,
    form: Form,
) -> Result<Response, Problem> {
    let text = |name: &str| {
        form.members
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let blank = "It should not be blank as this is a mandatory field";
    let missing = ["name", "email"]
        .into_iter()
        .find(|name| text(name).is_empty());
    if let Some(name) = missing {
        return Err(Problem::Invalid(vec![FieldError::new(
            name,
            "missing_field",
            blank,
        )]));
    }
    let email = text("email").to_lowercase();
    let now = backend.now();
    let mut books = backend.books();
    if books
        .contacts
        .values()
        .any(|contact| contact["email"] == email.as_str())
    {
        let error = FieldError::new("email", "duplicate_value", "It should be a unique value");
        return Err(Problem::Invalid(vec![error]));
    }
    let id = books.take_id();
    let made = contact(id, text("name"), &email, now);
    books.contacts.insert(id, made.clone());
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// A contact, or an agent who opened a ticket, as `include=requester` shows them.
pub(super) fn requester(backend: &Backend, id: u64) -> Value {
    let found = backend.books().contacts.get(&id).cloned();
    let found = found.unwrap_or_else(|| {
        let mut person = agent(id)["contact"].clone();
        person["id"] = json!(id);
        person
    });
    json!({
        "id": found["id"],
        "name": found["name"],
        "email": found["email"],
        "mobile": found["mobile"],
        "phone": found["phone"],
    })
}
