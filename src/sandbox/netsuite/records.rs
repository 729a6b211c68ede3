//! The record service: reading, listing, creating, changing, attaching.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use super::NetSuiteRight;
use super::backend::{Actor, Backend, Name};
use super::problem::Problem;
use super::query;
use super::types::{self, Kind, RecordType};
use super::values::{self, Names};

type Answer = Result<Response, Problem>;
type Pairs = Query<HashMap<String, String>>;

/// The largest page, and the usual one.
const PAGE: usize = 1_000;

pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/system/v1/serverTime", get(server_time))
        .route("/record/v1/{type}", get(list).post(create))
        .route(
            "/record/v1/{type}/{id}",
            get(read).patch(change).put(upsert).delete(remove),
        )
        .route(
            "/record/v1/{type}/{id}/!attach/{kind}/{other}",
            post(attach),
        )
}

async fn server_time(State(backend): State<Arc<Backend>>) -> Response {
    let now = backend.clock.now();
    let text = now.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    axum::Json(json!({"serverTime": text})).into_response()
}

fn known(name: &str) -> Result<&'static RecordType, Problem> {
    types::named(name).ok_or_else(|| Problem::no_type(name))
}

fn may_read(backend: &Backend, record_type: &RecordType) -> Result<(), Problem> {
    let right = match record_type.name {
        "customer" => (NetSuiteRight::Customers, "Lists -> Customers"),
        _ => (NetSuiteRight::ReadCases, "Lists -> Cases"),
    };
    if backend.lacks(right.0) {
        return Err(Problem::permission(right.1));
    }
    Ok(())
}

fn may_write(backend: &Backend, record_type: &RecordType) -> Result<(), Problem> {
    may_read(backend, record_type)?;
    if backend.lacks(NetSuiteRight::EditCases) {
        return Err(Problem::permission("Lists -> Cases"));
    }
    Ok(())
}

/// What stands where an id belongs: the internal id, or `eid:` and the external one.
fn named(record_type: &RecordType, text: &str) -> Result<Name, Problem> {
    match text.strip_prefix("eid:") {
        Some(_) if !record_type.has_external_id => Err(Problem::no_record()),
        Some(external) => {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            if external.is_empty() || !external.bytes().all(legal) {
                return Err(Problem::malformed());
            }
            Ok(Name::External(external.to_owned()))
        }
        None => text
            .parse()
            .map(Name::Internal)
            .map_err(|_| Problem::no_record()),
    }
}

async fn read(
    State(backend): State<Arc<Backend>>,
    Path((kind, id)): Path<(String, String)>,
    Query(query): Pairs,
) -> Answer {
    let record_type = known(&kind)?;
    may_read(&backend, record_type)?;
    let record = backend.find(record_type, &named(record_type, &id)?)?;
    let wanted: Option<Vec<&str>> = query.get("fields").map(|list| list.split(',').collect());
    let mut shown = values::show(&backend, record_type, &record, wanted.as_deref());
    if query
        .get("expandSubResources")
        .is_some_and(|text| text == "true")
    {
        for field in record_type
            .fields
            .iter()
            .filter(|field| field.kind == Kind::Lines)
        {
            if let (Some(lines), Some(slot)) =
                (record.fields.get(field.name), shown.get_mut(field.name))
            {
                *slot = lines.clone();
            }
        }
    }
    Ok(typed(
        shown,
        "application/vnd.oracle.resource+json; type=singular",
    ))
}

fn typed(body: Value, media_type: &'static str) -> Response {
    let mut response = axum::Json(body).into_response();
    let value = HeaderValue::from_static(media_type);
    response.headers_mut().insert(header::CONTENT_TYPE, value);
    response
}

/// `limit` and `offset`; the latter must be a multiple of the former.
pub(super) fn window(query: &HashMap<String, String>) -> Result<(usize, usize), Problem> {
    let number = |name: &str, usual: usize| match query.get(name) {
        Some(text) => text
            .parse()
            .map_err(|_| Problem::parameter(name, "It must be a number.")),
        None => Ok(usual),
    };
    let limit = number("limit", PAGE)?;
    let offset: usize = number("offset", 0)?;
    if !(1..=PAGE).contains(&limit) {
        return Err(Problem::parameter(
            "limit",
            "It must be between 1 and 1000.",
        ));
    }
    if !offset.is_multiple_of(limit) {
        let detail = "Invalid value for query parameter offset: it must be divisible by limit.";
        return Err(Problem::parameter("offset", detail));
    }
    Ok((limit, offset))
}

async fn list(
    State(backend): State<Arc<Backend>>,
    Path(kind): Path<String>,
    Query(query): Pairs,
) -> Answer {
    let record_type = known(&kind)?;
    may_read(&backend, record_type)?;
    let (limit, offset) = window(&query)?;
    let filter = query
        .get("q")
        .map(|text| query::Filter::read(record_type, text));
    let filter = filter.transpose()?;
    let matches = |record: &super::backend::Record| {
        filter
            .as_ref()
            .is_none_or(|filter| filter.matches(record_type, record))
    };
    let found: Vec<u64> = backend
        .all(record_type)
        .iter()
        .filter(|record| matches(record))
        .map(|record| record.id)
        .collect();
    let base = format!("{}/services/rest/record/v1/{kind}", backend.base_url);
    let items: Vec<Value> = found
        .iter()
        .skip(offset)
        .take(limit)
        .map(|id| {
            json!({
                "links": [{"rel": "self", "href": format!("{base}/{id}")}],
                "id": id.to_string(),
            })
        })
        .collect();
    let has_more = found.len() > offset + items.len();
    let mut links =
        vec![json!({"rel": "self", "href": format!("{base}?limit={limit}&offset={offset}")})];
    if has_more {
        let href = format!("{base}?limit={limit}&offset={}", offset + limit);
        links.push(json!({"rel": "next", "href": href}));
    }
    let body = json!({
        "links": links,
        "count": items.len(),
        "hasMore": has_more,
        "items": items,
        "offset": offset,
        "totalResults": found.len(),
    });
    Ok(typed(
        body,
        "application/vnd.oracle.resource+json; type=collection",
    ))
}

/// The members of a JSON body.
pub(super) fn members(headers: &HeaderMap, body: &Bytes) -> Result<Map<String, Value>, Problem> {
    let media_type = headers.get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    if !media_type.is_some_and(|text| text.contains("json")) {
        return Err(Problem::media_type());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(Problem::malformed()),
    }
}

fn names(headers: &HeaderMap) -> Result<Names, Problem> {
    let value = headers.get("x-netsuite-propertynamevalidation");
    Names::read(value.and_then(|value| value.to_str().ok()))
}

fn checked(
    backend: &Backend,
    record_type: &RecordType,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Map<String, Value>, Problem> {
    let members = members(headers, body)?;
    values::check(&backend.books(), record_type, &members, names(headers)?)
}

fn located(backend: &Backend, record_type: &RecordType, id: u64) -> Response {
    let place = format!(
        "{}/services/rest/record/v1/{}/{id}",
        backend.base_url, record_type.name
    );
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(value) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

async fn create(
    State(backend): State<Arc<Backend>>,
    Path(kind): Path<String>,
    Query(query): Pairs,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let record_type = known(&kind)?;
    let accept = headers.get(header::ACCEPT);
    let accept = accept
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if accept.contains("type=select-options") {
        may_read(&backend, record_type)?;
        return select_options(&backend, record_type, &query);
    }
    may_write(&backend, record_type)?;
    let mut fields = checked(&backend, record_type, &headers, &body)?;
    let external = fields.shift_remove("externalId");
    let external = external.and_then(|value| value.as_str().map(str::to_owned));
    let id = backend.create(record_type, Actor::API, fields, external)?;
    Ok(located(&backend, record_type, id))
}

/// The choices of fields; in the vendor's sample ids are numbers here.
fn select_options(
    backend: &Backend,
    record_type: &RecordType,
    query: &HashMap<String, String>,
) -> Answer {
    let wanted = query.get("fields").map(String::as_str).unwrap_or_default();
    let mut body = Map::new();
    let href = format!(
        "{}/services/rest/record/v1/{}?fields={wanted}",
        backend.base_url, record_type.name
    );
    let media_type = "application/vnd.oracle.resource+json; type=select-options";
    let link = json!({"rel": "self", "method": "POST", "mediaType": media_type, "href": href});
    body.insert("links".to_owned(), json!([link]));
    for name in wanted.split(',') {
        let Some(field) = record_type.field(name) else {
            return Err(Problem::parameter(
                "fields",
                format!("Unknown field '{name}'."),
            ));
        };
        let items: Vec<Value> = match field.kind {
            Kind::List(entries) => entries
                .iter()
                .map(|(id, name)| json!({"id": id, "refName": name}))
                .collect(),
            Kind::Record(target) => {
                let records = types::named(target).map(|target| backend.all(target));
                let ids = records.into_iter().flatten().map(|record| record.id);
                let books = backend.books();
                ids.map(|id| json!({"id": id, "refName": books.name_of(target, id)}))
                    .collect()
            }
            _ => {
                let detail = format!("Field '{name}' is no select field.");
                return Err(Problem::parameter("fields", detail));
            }
        };
        let options = json!({
            "links": [],
            "count": items.len(),
            "offset": 0,
            "hasMore": false,
            "totalResults": items.len(),
            "items": items,
        });
        body.insert(name.to_owned(), json!({"_selectOptions": options}));
    }
    Ok(typed(
        Value::Object(body),
        "application/vnd.oracle.resource+json; type=select-options",
    ))
}

async fn change(
    State(backend): State<Arc<Backend>>,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let record_type = known(&kind)?;
    may_write(&backend, record_type)?;
    let record = backend.find(record_type, &named(record_type, &id)?)?;
    let changes = checked(&backend, record_type, &headers, &body)?;
    backend.change(record_type, record.id, Actor::API, changes)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Creates or changes the record of an external id. Only a new record's answer says where it is.
async fn upsert(
    State(backend): State<Arc<Backend>>,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let record_type = known(&kind)?;
    may_write(&backend, record_type)?;
    let Name::External(external) = named(record_type, &id)? else {
        return Err(Problem::method());
    };
    let mut fields = checked(&backend, record_type, &headers, &body)?;
    fields.shift_remove("externalId");
    match backend.find(record_type, &Name::External(external.clone())) {
        Ok(record) => {
            backend.change(record_type, record.id, Actor::API, fields)?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        Err(_) => {
            let id = backend.create(record_type, Actor::API, fields, Some(external))?;
            Ok(located(&backend, record_type, id))
        }
    }
}

async fn remove(
    State(backend): State<Arc<Backend>>,
    Path((kind, id)): Path<(String, String)>,
) -> Answer {
    let record_type = known(&kind)?;
    may_write(&backend, record_type)?;
    let record = backend.find(record_type, &named(record_type, &id)?)?;
    backend.remove(record_type, record.id, Actor::API)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Attaches a file of the File Cabinet; contacts are the only other things that can be attached.
async fn attach(
    State(backend): State<Arc<Backend>>,
    Path((kind, id, what, other)): Path<(String, String, String, String)>,
) -> Answer {
    let record_type = known(&kind)?;
    may_write(&backend, record_type)?;
    let record = backend.find(record_type, &named(record_type, &id)?)?;
    if !matches!(what.as_str(), "file" | "contact") {
        return Err(Problem::malformed());
    }
    let mut books = backend.books();
    let file = other.parse().ok().filter(|_| what == "file");
    let file = file.and_then(|id: u64| books.files.get_mut(&id));
    file.ok_or_else(Problem::no_record)?
        .attached
        .insert(record.id);
    Ok(StatusCode::NO_CONTENT.into_response())
}
