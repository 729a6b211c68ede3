//! What the company has: custom fields, types of work, managers, projects and the like.

use std::sync::Arc;

use axum::extract::Path;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::backend::Backend;
use super::company::{
    self, CLIENTS, MANAGERS, Named, PROJECTS, PROVIDERS, TAGS, TEMPLATES, TYPES_OF_WORK,
};
use super::orders::Answer;
use super::problem::Problem;
use super::render;
use crate::sandbox::places::PLACES;

/// The routes, relative to the API's base.
pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route(
            "/custom-fields",
            get(async || page(&company::definitions())),
        )
        .route("/types-of-work", get(types_of_work))
        .route("/types-of-work/{id}/service-types", get(service_types))
        .route("/company/managers", get(managers))
        .route("/company/tags", get(tags))
        .route("/company/incomplete-reasons", get(incomplete_reasons))
        .route("/company/expenses", get(async || page(&[])))
        .route("/projects", get(async || named_page(&PROJECTS)))
        .route("/projects/{id}", get(async |Path(id)| one(&PROJECTS, id)))
        .route("/clients", get(async || named_page(&CLIENTS)))
        .route("/clients/{id}", get(async |Path(id)| one(&CLIENTS, id)))
        .route("/templates", get(async || named_page(&TEMPLATES)))
        .route("/templates/{id}", get(async |Path(id)| one(&TEMPLATES, id)))
        .route("/locations", get(locations))
        .route("/users/{id}", get(user))
}

fn page(results: &[Value]) -> Json<Value> {
    let metadata = render::metadata(results.len());
    Json(json!({
        "actions": [],
        "metadata": metadata,
        "params": [],
        "results": results,
        "correlation_id": "",
    }))
}

fn named_page(items: &[Named]) -> Json<Value> {
    let results: Vec<_> = items
        .iter()
        .map(|item| json!({"id": item.id, "name": item.name}))
        .collect();
    page(&results)
}

fn one(items: &[Named], id: u64) -> Answer {
    let item = company::by_id(items, id);
    let item = item.ok_or_else(|| Problem::not_found(format!("{id} was not found.")))?;
    Ok(Json(json!({"id": item.id, "name": item.name})))
}

async fn types_of_work() -> Json<Value> {
    let kind = |kind: &Named| json!({"id": kind.id, "industry_id": 1, "industry": "Information Technology", "name": kind.name});
    page(&TYPES_OF_WORK.iter().map(kind).collect::<Vec<_>>())
}

async fn service_types(Path(id): Path<u64>) -> Answer {
    let kind = company::by_id(&TYPES_OF_WORK, id);
    let kind =
        kind.ok_or_else(|| Problem::not_found(format!("Type of work {id} was not found.")))?;
    let service = |number: u64, name: &str| json!({"id": (id * 10 + number).to_string(), "text": format!("{} {name}", kind.name)});
    Ok(Json(json!([
        service(1, "Installation"),
        service(2, "Break/Fix")
    ])))
}

async fn managers() -> Json<Value> {
    let manager = |person: &company::Person| json!({"id": person.id, "first_name": person.first_name, "last_name": person.last_name});
    Json(MANAGERS.iter().map(manager).collect())
}

async fn tags() -> Json<Value> {
    let tag = |tag: &Named| json!({"id": tag.id, "label": tag.name, "hex_color": "#336699", "valid_statuses": [], "types": [], "actions": []});
    page(&TAGS.iter().map(tag).collect::<Vec<_>>())
}

async fn incomplete_reasons() -> Json<Value> {
    Json(
        json!([{"id": 1, "label": "Deliverables missing"}, {"id": 2, "label": "Work not finished"}]),
    )
}

async fn locations() -> Json<Value> {
    let location = |(id, place): (u64, &crate::sandbox::places::Place)| {
        json!({
            "id": id,
            "location_id": id,
            "name": place.code,
            "address1": place.street,
            "city": place.city,
            "state": place.state,
            "zip": place.zip,
            "country": "US",
            "type": "Commercial",
            "type_id": 1,
        })
    };
    page(&(801..).zip(&PLACES).map(location).collect::<Vec<_>>())
}

async fn user(Path(id): Path<u64>) -> Answer {
    let mut people = MANAGERS.iter().chain(&PROVIDERS);
    let person = people.find(|person| person.id == id);
    let person = person.ok_or_else(|| Problem::not_found(format!("User {id} was not found.")))?;
    Ok(Json(json!({
        "id": person.id,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email(),
        "w2": false,
        "thumbnail": "",
    })))
}
