//! Tickets over REST, and the setup tables they refer to.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::backend::{Actor, Backend};
use super::paging::{Query, Record, id_of};
use super::request::{Object, Operations};
use super::trouble::{Fault, Trouble};

/// The routes, relative to the REST base.
pub(super) fn routes(backend: &Backend) -> Router<Arc<Backend>> {
    let mut routes = Router::new()
        .route("/service/tickets", get(list).post(create))
        .route("/service/tickets/count", get(count))
        .route("/service/tickets/search", post(search))
        .route(
            "/service/tickets/{id}",
            get(show).patch(patch).put(replace).delete(remove),
        )
        .route("/project/tickets/{id}", get(no_project_ticket))
        .route("/service/boards/{board}/{table}", get(board_table))
        .route("/company/companies/{company}/sites", get(sites))
        .route("/company/companies/{company}/sites/{site}", get(site))
        .route("/system/info", get(info))
        .route("/system/userDefinedFields/count", get(count_fields));
    for path in backend.setup.paths() {
        let listed = async move |State(backend): State<Arc<Backend>>, query: Query| {
            table(&backend, path, &query)
        };
        let shown = async move |State(backend): State<Arc<Backend>>, Path(id): Path<u64>| {
            row(&backend, path, id)
        };
        routes = routes
            .route(&format!("/{path}"), get(listed))
            .route(&format!("/{path}/{{id}}"), get(shown));
    }
    routes
}

async fn list(State(backend): State<Arc<Backend>>, query: Query) -> Result<Response, Trouble> {
    backend.list(&query)
}

async fn count(State(backend): State<Arc<Backend>>, query: Query) -> Result<Json<Value>, Trouble> {
    Ok(Json(json!({"count": backend.count(&query)?})))
}

async fn search(
    State(backend): State<Arc<Backend>>,
    query: Query,
    Object(body): Object,
) -> Result<Response, Trouble> {
    let conditions = body
        .get("conditions")
        .and_then(Value::as_str)
        .unwrap_or_default();
    backend.list(&query.with_conditions(conditions)?)
}

async fn create(
    State(backend): State<Arc<Backend>>,
    Object(body): Object,
) -> Result<Response, Trouble> {
    let ticket = backend.create(Actor::API, &body)?;
    Ok((StatusCode::CREATED, Json(&ticket.shown)).into_response())
}

async fn show(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    query: Query,
) -> Result<Response, Trouble> {
    let ticket = backend.ticket(id)?;
    Ok(Json(query.cut(&ticket.shown)).into_response())
}

async fn patch(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    Operations(operations): Operations,
) -> Result<Response, Trouble> {
    let ticket = backend.patch(id, Actor::API, &operations)?;
    Ok(Json(&ticket.shown).into_response())
}

async fn replace(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    Object(body): Object,
) -> Result<Response, Trouble> {
    let ticket = backend.replace(id, Actor::API, &body)?;
    Ok(Json(&ticket.shown).into_response())
}

async fn remove(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Trouble> {
    backend.delete(id, Actor::API)?;
    Ok(StatusCode::NO_CONTENT)
}

/// This company has service tickets only.
async fn no_project_ticket(Path(id): Path<u64>) -> Trouble {
    Trouble::no_record("Ticket", id)
}

/// `/system/info`: what clients use to see whether they got through.
async fn info(State(backend): State<Arc<Backend>>) -> Json<Value> {
    Json(json!({
        "version": backend.settings.version_code,
        "isCloud": true,
        "serverTimeZone": "Eastern Standard Time",
        "cloudRegion": "NA",
        "licenseBits": [],
    }))
}

/// Names that conditions on a table may use: those its rows have.
fn knows(rows: &[impl Record]) -> impl Fn(&str) -> bool {
    move |path: &str| {
        let mut shown = rows.iter().map(Record::shown);
        shown.any(|row| !super::conditions::at(row, path).is_null())
    }
}

fn list_rows(rows: &[impl Record], query: &Query) -> Result<Response, Trouble> {
    query.check_names(&knows(rows))?;
    Ok(query.answer(rows.iter()))
}

fn table(backend: &Backend, path: &str, query: &Query) -> Result<Response, Trouble> {
    list_rows(backend.setup.table(path).unwrap_or_default(), query)
}

fn row(backend: &Backend, path: &str, id: u64) -> Result<Response, Trouble> {
    let rows = backend.setup.table(path).unwrap_or_default();
    let row = rows.iter().find(|row| id_of(row) == id);
    row.map(|row| Json(row).into_response())
        .ok_or_else(|| Trouble::no_record(path, id))
}

async fn count_fields(State(backend): State<Arc<Backend>>) -> Json<Value> {
    let fields = backend
        .setup
        .table("system/userDefinedFields")
        .unwrap_or_default();
    Json(json!({"count": fields.len()}))
}

async fn board_table(
    State(backend): State<Arc<Backend>>,
    Path((board, table)): Path<(u64, String)>,
    query: Query,
) -> Result<Response, Trouble> {
    let known = ["statuses", "types", "subtypes", "items", "teams"];
    let Some(table) = known.into_iter().find(|known| *known == table) else {
        return Err(Trouble::NotFound("No such resource.".to_owned()));
    };
    row(&backend, "service/boards", board)?;
    list_rows(backend.setup.of_board(table, board), &query)
}

async fn sites(
    State(backend): State<Arc<Backend>>,
    Path(company): Path<u64>,
    query: Query,
) -> Result<Response, Trouble> {
    row(&backend, "company/companies", company)?;
    list_rows(&backend.setup.sites(company), &query)
}

async fn site(
    State(backend): State<Arc<Backend>>,
    Path((company, site)): Path<(u64, u64)>,
) -> Result<Response, Trouble> {
    let found = backend
        .setup
        .site(site)
        .filter(|site| site["company"]["id"] == company);
    let found = found.ok_or_else(|| Trouble::no_record("Site", site))?;
    Ok(Json(found).into_response())
}

/// What refuses an object because of one member.
pub(super) fn missing(resource: &'static str, field: &str) -> Trouble {
    Trouble::invalid(resource, Fault::missing(field))
}
