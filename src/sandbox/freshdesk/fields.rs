//! The account's fields: what tickets have, what they allow, and how the two field lists show it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::desk::{AGENT, COMPANY, Contact, Desk, HUMAN_AGENT};
use super::problem::{FieldProblem, Problem};

/// The account's statuses: the five that every account has, and one of its own.
pub(super) const STATUSES: [(u64, &str); 7] = [
    (2, "Open"),
    (3, "Pending"),
    (4, "Resolved"),
    (5, "Closed"),
    (6, "Waiting on Customer"),
    (7, "Waiting on Third Party"),
    (8, "Field service required"),
];
pub(super) const PRIORITIES: [(u64, &str); 4] =
    [(1, "Low"), (2, "Medium"), (3, "High"), (4, "Urgent")];
const SOURCES: [(u64, &str); 6] = [
    (1, "Email"),
    (2, "Portal"),
    (3, "Phone"),
    (7, "Chat"),
    (9, "Feedback Widget"),
    (10, "Outbound Email"),
];
const TYPES: [&str; 5] = [
    "Question",
    "Incident",
    "Problem",
    "Feature Request",
    "Field Service",
];
/// Custom text fields, and the one dropdown and the one nested field.
const TEXT_FIELDS: [(&str, &str); 6] = [
    ("cf_site_code", "Site code"),
    ("cf_site_address", "Site address"),
    ("cf_site_city", "Site city"),
    ("cf_site_state", "Site state"),
    ("cf_site_zip", "Site zip"),
    (super::MARKER_FIELD, "FN work order"),
];
const DROPDOWN: (&str, &str) = ("cf_service_window", "Service window");
const WINDOWS: [&str; 3] = ["Business hours", "After hours", "Weekend"];
const NESTED: (&str, &str) = ("cf_category", "Category");

/// The words for a status and a priority.
pub(super) fn status_label(status: u64) -> &'static str {
    label(&STATUSES, status)
}

pub(super) fn priority_label(priority: u64) -> &'static str {
    label(&PRIORITIES, priority)
}

fn label(list: &[(u64, &'static str)], value: u64) -> &'static str {
    list.iter()
        .find(|(number, _)| *number == value)
        .map_or("", |(_, label)| label)
}

/// The fields of a ticket before anything is set.
pub(super) fn blank() -> Map<String, Value> {
    let names = TEXT_FIELDS
        .iter()
        .chain([&DROPDOWN, &NESTED])
        .map(|(name, _)| *name);
    names.map(|name| (name.to_owned(), Value::Null)).collect()
}

/// Checks a number against the account's list.
pub(super) fn check_number(
    field: &str,
    value: &Value,
    list: &[(u64, &str)],
    problems: &mut Vec<FieldProblem>,
) {
    let number = value.as_u64();
    if number.is_some_and(|number| list.iter().any(|(known, _)| *known == number)) {
        return;
    }
    let allowed: Vec<String> = list.iter().map(|(number, _)| number.to_string()).collect();
    let message = format!("It should be one of these values: '{}'", allowed.join(","));
    let code = if value.is_number() {
        "invalid_value"
    } else {
        "datatype_mismatch"
    };
    problems.push(FieldProblem::new(field, message, code));
}

pub(super) fn check_source(value: &Value, problems: &mut Vec<FieldProblem>) {
    check_number("source", value, &SOURCES, problems);
}

pub(super) fn check_type(value: &Value, problems: &mut Vec<FieldProblem>) {
    if value.as_str().is_none_or(|text| !TYPES.contains(&text)) {
        let message = format!("It should be one of these values: '{}'", TYPES.join(","));
        problems.push(FieldProblem::new("type", message, "invalid_value"));
    }
}

/// Checks custom fields: known names, no nulls, the right types.
pub(super) fn check_custom(given: &Value, problems: &mut Vec<FieldProblem>) {
    let Value::Object(given) = given else {
        problems.push(FieldProblem::not_a(
            "custom_fields",
            "key/value pair",
            kind(given),
        ));
        return;
    };
    for (name, value) in given {
        let is_text = TEXT_FIELDS.iter().any(|(known, _)| known == name);
        let is_choice = name == DROPDOWN.0 || name == NESTED.0;
        let path = format!("custom_fields.{name}");
        match value {
            _ if !is_text && !is_choice => problems.push(FieldProblem::unexpected(path)),
            Value::String(choice) if name == DROPDOWN.0 && !WINDOWS.contains(&choice.as_str()) => {
                let message = format!("It should be one of these values: '{}'", WINDOWS.join(","));
                problems.push(FieldProblem::new(path, message, "invalid_value"));
            }
            Value::String(_) => {}
            other => problems.push(FieldProblem::not_a(path, "String", kind(other))),
        }
    }
}

/// The vendor's word for a JSON type.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "key/value pair",
    }
}

pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new()
        .route("/ticket_fields", get(async || Json(ticket_fields())))
        .route("/admin/ticket_fields", get(async || Json(admin_fields())))
        .route(
            "/agents/me",
            get(async || Json(agent(AGENT, "Integration Agent", "integration@example.com"))),
        )
        .route("/agents/{id}", get(one_agent))
        .route("/contacts/{id}", get(one_contact))
        .route("/companies/{id}", get(one_company))
}

fn field(
    id: u64,
    name: &str,
    label: &str,
    kind: &str,
    required: bool,
    choices: Option<Value>,
) -> Value {
    let mut field = json!({
        "id": id, "name": name, "label": label, "type": kind, "default": kind.starts_with("default_"),
        "required_for_agents": required, "required_for_closure": false, "customers_can_edit": false,
        "displayed_to_customers": true, "position": id,
    });
    if let Some(choices) = choices {
        field["choices"] = choices;
    }
    field
}

fn ticket_fields() -> Value {
    // Four shapes of `choices`: by number with two labels, by label, a list, and nested by level.
    let statuses: Map<String, Value> = STATUSES
        .iter()
        .map(|(number, label)| (number.to_string(), json!([label, label])))
        .collect();
    let by_label = |list: &[(u64, &str)]| -> Value {
        let pairs = list
            .iter()
            .map(|(number, label)| ((*label).to_owned(), json!(number)));
        Value::Object(pairs.collect())
    };
    let nested = json!({ "Network": { "Access point": ["Offline", "Slow"], "Switch": ["Dead port"] }, "Printer": {} });
    let mut fields = vec![
        field(
            1,
            "requester",
            "Search a requester",
            "default_requester",
            true,
            None,
        ),
        field(2, "subject", "Subject", "default_subject", true, None),
        field(
            3,
            "ticket_type",
            "Type",
            "default_ticket_type",
            false,
            Some(json!(TYPES)),
        ),
        field(
            4,
            "source",
            "Source",
            "default_source",
            false,
            Some(by_label(&SOURCES)),
        ),
        field(
            5,
            "status",
            "Status",
            "default_status",
            true,
            Some(Value::Object(statuses)),
        ),
        field(
            6,
            "priority",
            "Priority",
            "default_priority",
            true,
            Some(by_label(&PRIORITIES)),
        ),
        field(7, "group", "Group", "default_group", false, Some(json!({}))),
        field(8, "agent", "Agent", "default_agent", false, Some(json!({}))),
        field(
            9,
            "description",
            "Description",
            "default_description",
            true,
            None,
        ),
        field(
            10,
            DROPDOWN.0,
            DROPDOWN.1,
            "custom_dropdown",
            false,
            Some(json!(WINDOWS)),
        ),
        field(11, NESTED.0, NESTED.1, "nested_field", false, Some(nested)),
    ];
    let texts = TEXT_FIELDS.iter().zip(12..);
    fields.extend(
        texts.map(|((name, label), id)| field(id, name, label, "custom_text", false, None)),
    );
    Value::Array(fields)
}

fn admin_fields() -> Value {
    let Value::Array(mut fields) = ticket_fields() else {
        return Value::Null;
    };
    let choice = |id: usize, value: &str| json!({ "id": id + 1, "position": id + 1, "value": value, "parent_choice_id": null, "choices": [] });
    for field in &mut fields {
        field["archived"] = json!(false);
        let list: Option<Vec<Value>> = match field["name"].as_str() {
            Some("status") => Some(STATUSES.iter().map(|(id, label)| json!({ "id": id, "value": id, "label": label, "position": id })).collect()),
            Some(name) if name == DROPDOWN.0 => Some(WINDOWS.iter().enumerate().map(|(id, value)| choice(id, value)).collect()),
            Some("ticket_type") => Some(TYPES.iter().enumerate().map(|(id, value)| choice(id, value)).collect()),
            _ => None,
        };
        if let Some(list) = list {
            field["choices"] = Value::Array(list);
        }
    }
    Value::Array(fields)
}

fn agent(id: u64, name: &str, email: &str) -> Value {
    json!({
        "id": id, "ticket_scope": 1, "available": true, "occasional": false, "type": "support_agent", "group_ids": [],
        "contact": { "name": name, "email": email, "active": true, "phone": null, "mobile": null },
    })
}

async fn one_agent(Path(id): Path<u64>) -> Result<Json<Value>, Problem> {
    match id {
        AGENT => Ok(Json(agent(
            AGENT,
            "Integration Agent",
            "integration@example.com",
        ))),
        HUMAN_AGENT => Ok(Json(agent(
            HUMAN_AGENT,
            "Support Agent",
            "agent@example.com",
        ))),
        _ => Err(Problem::NotFound),
    }
}

pub(super) fn contact(contact: &Contact) -> Value {
    json!({
        "id": contact.id, "name": contact.name, "email": contact.email, "phone": contact.phone, "mobile": null,
        "company_id": COMPANY, "active": true,
    })
}

async fn one_contact(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<u64>,
) -> Result<impl IntoResponse, Problem> {
    let books = desk.books();
    let known = books.contacts.get(&id).ok_or(Problem::NotFound)?;
    Ok(Json(contact(known)))
}

pub(super) fn company() -> Value {
    json!({ "id": COMPANY, "name": "Sample Stores", "description": null, "domains": ["example.com"], "custom_fields": {} })
}

async fn one_company(Path(id): Path<u64>) -> Result<Json<Value>, Problem> {
    if id == COMPANY {
        Ok(Json(company()))
    } else {
        Err(Problem::NotFound)
    }
}
