//! The Table API: `/api/now/table/{table}` and `/api/now/table/{table}/{sys_id}`, and what forms are told of a table.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::backend::{Backend, Input};
use super::books::Row;
use super::problem::Problem;
use super::render::{Display, Links, View};
use super::schema;

pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/table/{table}", get(list).post(create))
        .route(
            "/table/{table}/{id}",
            get(show).patch(change).put(change).delete(remove),
        )
        .route("/ui/meta/{table}", get(describe))
}

/// The query of a request.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn of(query: Option<String>) -> Self {
        let query = query.unwrap_or_default();
        Self(
            url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    pub(super) fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    fn number(&self, name: &str, usual: usize) -> usize {
        self.text(name).parse().unwrap_or(usual)
    }

    fn view(&self) -> View {
        let fields = self.text("sysparm_fields");
        let fields = fields
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned);
        let fields: Vec<String> = fields.collect();
        View {
            display: match self.text("sysparm_display_value") {
                "true" => Display::Shown,
                "all" => Display::Both,
                _ => Display::Stored,
            },
            fields: (!fields.is_empty()).then_some(fields),
            links: match self.text("sysparm_exclude_reference_link") {
                "true" => Links::Left,
                _ => Links::Given,
            },
        }
    }

    fn input(&self) -> Input {
        match self.text("sysparm_input_display_value") {
            "true" => Input::Shown,
            _ => Input::Stored,
        }
    }
}

/// One page of what a query finds. The limit is applied first, then ACLs hide rows: a page may be short or empty although
/// more follow.
pub(super) fn page(
    backend: &Backend,
    table: &str,
    path: &str,
    parameters: &Parameters,
) -> Response {
    let limit = parameters.number("sysparm_limit", 10_000);
    let offset = parameters.number("sysparm_offset", 0);
    let books = backend.books();
    let found = backend.select(&books, table, parameters.text("sysparm_query"));
    let total = found.len();
    let view = parameters.view();
    let rows: Vec<Value> = found
        .iter()
        .skip(offset)
        .take(limit)
        .filter_map(|id| books.row(id))
        .filter(|row| !backend.is_hidden(row))
        .map(|row| backend.show(&books, row, &view))
        .collect();
    drop(books);
    let mut body = json!({ "result": rows });
    if backend.is_cut_off() {
        body["error"] = json!({
            "message": "Transaction cancelled: maximum execution time exceeded",
            "detail": "maximum execution time exceeded Check logs for error trace or enable glide.rest.debug property to verify REST request processing",
        });
        body["status"] = json!("failure");
    }
    let mut response = Json(body).into_response();
    let headers = response.headers_mut();
    headers.insert("x-total-count", HeaderValue::from(total));
    let link = links(
        &format!("{}{path}", backend.base_url),
        parameters,
        limit.max(1),
        offset,
        total,
    );
    if let Ok(link) = HeaderValue::from_str(&link) {
        headers.insert(header::LINK, link);
    }
    response
}

fn links(
    address: &str,
    parameters: &Parameters,
    limit: usize,
    offset: usize,
    total: usize,
) -> String {
    let at = |offset: usize, rel: &str| {
        let others = parameters
            .0
            .iter()
            .filter(|(key, _)| key != "sysparm_offset");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(others)
            .append_pair("sysparm_offset", &offset.to_string())
            .finish();
        format!("<{address}?{query}>;rel=\"{rel}\"")
    };
    let mut links = vec![at(0, "first")];
    if offset > 0 {
        links.push(at(offset.saturating_sub(limit), "prev"));
    }
    if offset + limit < total {
        links.push(at(offset + limit, "next"));
    }
    links.push(at(total.saturating_sub(1) / limit * limit, "last"));
    links.join(",")
}

async fn list(
    State(backend): State<Arc<Backend>>,
    Path(table): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let table = backend.table(&table, "Query")?;
    let path = format!("/api/now/table/{}", table.name);
    Ok(page(&backend, table.name, &path, &Parameters::of(query)))
}

async fn show(
    State(backend): State<Arc<Backend>>,
    Path((table, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let table = backend.table(&table, "Query")?;
    let row = backend.visible(table.name, &id)?;
    Ok(shown(
        &backend,
        &row,
        &Parameters::of(query),
        StatusCode::OK,
    ))
}

fn shown(backend: &Backend, row: &Row, parameters: &Parameters, status: StatusCode) -> Response {
    let result = backend.show(&backend.books(), row, &parameters.view());
    (status, Json(json!({ "result": result }))).into_response()
}

async fn create(
    State(backend): State<Arc<Backend>>,
    Path(table): Path<String>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response, Problem> {
    let table = backend.table(&table, "Insert")?;
    let parameters = Parameters::of(query);
    let members = members(&body)?;
    let row = backend.insert(table, &members, parameters.input(), &backend.api_user())?;
    let mut response = shown(&backend, &row, &parameters, StatusCode::CREATED);
    let location = format!(
        "{}/api/now/table/{}/{}",
        backend.base_url, table.name, row.id
    );
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn change(
    State(backend): State<Arc<Backend>>,
    Path((table, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response, Problem> {
    let table = backend.table(&table, "Update")?;
    let parameters = Parameters::of(query);
    let members = members(&body)?;
    backend.visible(table.name, &id)?;
    let row = backend.change(&id, &members, parameters.input(), &backend.api_user())?;
    Ok(shown(&backend, &row, &parameters, StatusCode::OK))
}

async fn remove(
    State(backend): State<Arc<Backend>>,
    Path((table, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let table = backend.table(&table, "Delete")?;
    backend.visible(table.name, &id)?;
    backend.remove(&id, &backend.api_user())?;
    Ok(StatusCode::NO_CONTENT)
}

fn members(body: &Bytes) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(Problem::BadRequest(
            "Exception while reading request: The payload is not valid JSON".to_owned(),
        )),
    }
}

/// What forms are told of a table. The vendor promises nothing of it.
async fn describe(
    State(backend): State<Arc<Backend>>,
    Path(table): Path<String>,
) -> Result<Json<Value>, Problem> {
    backend.may_use("ui/meta")?;
    let table = schema::find(&table).ok_or(Problem::NoTable(table))?;
    let column = |column: &schema::Column| {
        let choices = schema::choices(table.name, column.name);
        let choices: Vec<Value> = choices
            .iter()
            .map(|choice| json!({"value": choice.value, "label": choice.label}))
            .collect();
        let told = json!({
            "label": column.label,
            "type": column.kind,
            "mandatory": column.mandatory,
            "read_only": column.name.starts_with("sys_"),
            "reference": column.reference,
            "max_length": column.max_length,
            "choices": choices,
        });
        (column.name.to_owned(), told)
    };
    let columns: Map<String, Value> = schema::columns(table.name).map(column).collect();
    Ok(Json(json!({"result": {"columns": columns}})))
}
