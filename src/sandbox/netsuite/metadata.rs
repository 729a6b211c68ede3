//! The metadata catalogue.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::NetSuiteRight;
use super::backend::Backend;
use super::problem::Problem;
use super::types::{self, TYPES};

pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/record/v1/metadata-catalog", get(list))
        .route("/record/v1/metadata-catalog/{type}", get(describe))
}

fn entry(base_url: &str, name: &str) -> Value {
    let href = format!("{base_url}/services/rest/record/v1/metadata-catalog/{name}");
    let link =
        |rel: &str, media_type: &str| json!({"rel": rel, "href": href, "mediaType": media_type});
    json!({
        "name": name,
        "links": [
            link("canonical", "application/json"),
            link("alternate", "application/swagger+json"),
            link("alternate", "application/schema+json"),
            {"rel": "describes", "href": href},
        ],
    })
}

async fn list(
    State(backend): State<Arc<Backend>>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    may(&backend)?;
    let names: Vec<&str> = match query.get("select") {
        Some(list) => list.split(',').collect(),
        None => TYPES.iter().map(|record_type| record_type.name).collect(),
    };
    if let Some(unknown) = names.iter().find(|name| types::named(name).is_none()) {
        return Err(Problem::no_type(unknown));
    }
    let items: Vec<_> = names
        .iter()
        .map(|name| entry(&backend.base_url, name))
        .collect();
    Ok(Json(json!({"items": items})).into_response())
}

fn may(backend: &Backend) -> Result<(), Problem> {
    if backend.lacks(NetSuiteRight::Metadata) {
        return Err(Problem::permission("Setup -> REST Web Services"));
    }
    Ok(())
}

async fn describe(
    State(backend): State<Arc<Backend>>,
    Path(kind): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    may(&backend)?;
    let record_type = types::named(&kind).ok_or_else(|| Problem::no_type(&kind))?;
    let accept = headers.get(header::ACCEPT);
    let accept = accept
        .and_then(|value| value.to_str().ok())
        .unwrap_or("*/*");
    if accept.contains("application/schema+json") {
        let mut response = Json(record_type.schema(&backend.base_url)).into_response();
        let media_type = HeaderValue::from_static("application/schema+json");
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, media_type);
        return Ok(response);
    }
    Ok(Json(entry(&backend.base_url, record_type.name)).into_response())
}
