//! Records, descriptions, queries and files over REST.

use std::sync::Arc;

use axum::extract::{FromRequest, Multipart, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::backend::{Actor, Backend};
use super::problem::Problem;
use super::query;
use super::schema::Key;

/// The routes, relative to `/services/data`.
pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/{version}/limits", get(limits))
        .route("/{version}/query", get(first_page))
        .route("/{version}/query/{locator}", get(next_page))
        .route("/{version}/sobjects", get(all_objects))
        .route("/{version}/sobjects/{object}", post(create).get(about))
        .route(
            "/{version}/sobjects/{object}/{key}",
            get(show).patch(update).delete(remove),
        )
        .route(
            "/{version}/sobjects/{object}/{key}/{rest}",
            get(deeper).patch(upsert),
        )
}

type Answer = Result<Response, Problem>;

async fn limits(State(backend): State<Arc<Backend>>) -> Json<Value> {
    let most = backend.settings.daily_calls;
    let left = most.saturating_sub(backend.used_calls());
    Json(json!({
        "DailyApiRequests": {"Max": most, "Remaining": left},
        "DailyBulkApiRequests": {"Max": 5000, "Remaining": 5000},
        "FileStorageMB": {"Max": 20, "Remaining": 20},
    }))
}

async fn first_page(State(backend): State<Arc<Backend>>, RawQuery(raw): RawQuery) -> Answer {
    let raw = raw.unwrap_or_default();
    // The vendor's bound for a whole address.
    if raw.len() > 16_000 {
        return Ok(StatusCode::URI_TOO_LONG.into_response());
    }
    let mut pairs = url::form_urlencoded::parse(raw.as_bytes());
    let text = pairs
        .find(|(key, _)| key == "q")
        .map(|(_, value)| value.into_owned());
    let text =
        text.ok_or_else(|| Problem::bad("MALFORMED_QUERY", "A query string has to be specified"))?;
    let rows = query::run(&backend.books(), &text)?;
    let total = rows.len();
    let locator = if total > backend.settings.query_page {
        backend.keep_rows(rows.clone())
    } else {
        String::new()
    };
    Ok(page(&backend, &rows, &locator, 0))
}

fn page(backend: &Backend, rows: &[Value], locator: &str, from: usize) -> Response {
    let until = from + backend.settings.query_page;
    let shown: Vec<&Value> = rows
        .iter()
        .skip(from)
        .take(backend.settings.query_page)
        .collect();
    let mut answer =
        json!({"totalSize": rows.len(), "done": until >= rows.len(), "records": shown});
    if until < rows.len() {
        answer["nextRecordsUrl"] = json!(format!("/services/data/v64.0/query/{locator}-{until}"));
    }
    Json(answer).into_response()
}

async fn next_page(
    State(backend): State<Arc<Backend>>,
    Path((_, locator)): Path<(String, String)>,
) -> Answer {
    let invalid = || Problem::bad("INVALID_QUERY_LOCATOR", "invalid query locator");
    let (name, from) = locator.rsplit_once('-').ok_or_else(invalid)?;
    let from = from.parse().map_err(|_| invalid())?;
    let rows = backend.kept_rows(name).ok_or_else(invalid)?;
    Ok(page(&backend, &rows, name, from))
}

async fn all_objects(State(backend): State<Arc<Backend>>) -> Json<Value> {
    let books = backend.books();
    let objects = books.schema.values().map(
        |object| json!({"name": object.name, "label": object.label, "keyPrefix": object.prefix}),
    );
    Json(json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects.collect::<Vec<_>>()}))
}

async fn about(
    State(backend): State<Arc<Backend>>,
    Path((_, object)): Path<(String, String)>,
) -> Answer {
    let books = backend.books();
    let object = books.object(&object)?;
    Ok(Json(
        json!({"objectDescribe": {"name": object.name, "label": object.label}, "recentItems": []}),
    )
    .into_response())
}

/// The members of a JSON body.
fn members(body: &Bytes) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(Problem::bad(
            "JSON_PARSER_ERROR",
            "Unexpected character at [line:1, column:1]",
        )),
    }
}

fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if media_type.starts_with("application/json") {
        return Ok(());
    }
    let message =
        format!("Content-Type header specified in HTTP request is not supported: {media_type}");
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UNSUPPORTED_MEDIA_TYPE",
        message,
        &[],
    ))
}

/// The most bytes of a body in JSON, files in it included.
const MOST_JSON: usize = 50 * 1024 * 1024;

async fn create(
    State(backend): State<Arc<Backend>>,
    Path((_, object)): Path<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let members = if object == "ContentVersion" && media_type.starts_with("multipart/form-data") {
        parts(request).await?
    } else {
        is_json(&headers)?;
        let body = axum::body::to_bytes(request.into_body(), MOST_JSON).await;
        members(&body.map_err(|_| {
            Problem::bad(
                "JSON_PARSER_ERROR",
                "The HTTP entity is larger than the maximum",
            )
        })?)?
    };
    let id = backend.insert(&object, &members, Actor::Api)?;
    let place = format!("/services/data/v64.0/sobjects/{object}/{id}");
    let answer = json!({"id": id, "success": true, "errors": []});
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, place)],
        Json(answer),
    )
        .into_response())
}

/// The two parts of a large file: `entity_content` with the members, then `VersionData` with the bytes.
async fn parts(request: Request) -> Result<Map<String, Value>, Problem> {
    let wrong = |message: &str| Problem::bad("INVALID_MULTIPART_REQUEST", message);
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| wrong("Unable to read the multipart request"))?;
    let first = form
        .next_field()
        .await
        .ok()
        .flatten()
        .ok_or_else(|| wrong("The first part is missing"))?;
    if first.name() != Some("entity_content") || first.content_type() != Some("application/json") {
        return Err(wrong(
            "The first part must be entity_content of the type application/json",
        ));
    }
    let body = first
        .bytes()
        .await
        .map_err(|_| wrong("Unable to read the first part"))?;
    let mut read = members(&body)?;
    let second = form
        .next_field()
        .await
        .ok()
        .flatten()
        .ok_or_else(|| wrong("The part VersionData is missing"))?;
    if second.name() != Some("VersionData") || second.file_name().is_none() {
        return Err(wrong("The second part must be VersionData with a filename"));
    }
    let bytes = second
        .bytes()
        .await
        .map_err(|_| wrong("Unable to read the second part"))?;
    read.insert("VersionData".to_owned(), json!(STANDARD.encode(bytes)));
    Ok(read)
}

async fn show(
    State(backend): State<Arc<Backend>>,
    Path((_, object, key)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    if key == "describe" {
        return described(&backend, &object, &headers);
    }
    let books = backend.books();
    let known = books.seen(&object).ok_or_else(Problem::resource)?;
    Ok(Json(query::whole(known, books.row(known.name, &key)?)).into_response())
}

/// A description changes never here, so its tag is the object's name.
fn described(backend: &Backend, object: &str, headers: &HeaderMap) -> Answer {
    let books = backend.books();
    let object = books.seen(object).ok_or_else(Problem::resource)?;
    let tag = format!("\"{}-describe\"", object.name);
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|value| value.as_bytes() == tag.as_bytes())
    {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    Ok((
        [(header::ETAG, tag)],
        Json(object.described(backend.rights(object.name))),
    )
        .into_response())
}

async fn update(
    State(backend): State<Arc<Backend>>,
    Path((_, object, key)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    is_json(&headers)?;
    backend.change(&object, &key, &members(&body)?, Actor::Api)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn remove(
    State(backend): State<Arc<Backend>>,
    Path((_, object, key)): Path<(String, String, String)>,
) -> Answer {
    backend.remove(&object, &key, Actor::Api)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `…/ContentVersion/{id}/VersionData`, or a record by its external id.
async fn deeper(
    State(backend): State<Arc<Backend>>,
    Path((_, object, key, rest)): Path<(String, String, String, String)>,
) -> Answer {
    let books = backend.books();
    let known = books.seen(&object).ok_or_else(Problem::resource)?;
    if known
        .field(&rest)
        .is_some_and(|field| field.kind == "base64")
    {
        let row = books.row(known.name, &key)?;
        let bytes = books.blobs.get(row.id()).cloned().unwrap_or_default();
        return Ok(([(header::CONTENT_TYPE, "application/octetstream")], bytes).into_response());
    }
    if !known
        .field(&key)
        .is_some_and(|field| field.key != Key::None)
    {
        let message =
            format!("Provided external ID field does not exist or is not accessible: {key}");
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            message,
            &[],
        ));
    }
    match books.keyed(known.name, &key, &rest).as_slice() {
        [] => Err(Problem::record()),
        [one] => Ok(Json(query::whole(known, one)).into_response()),
        several => {
            let address = |id: &str| format!("/services/data/v64.0/sobjects/{object}/{id}");
            let addresses: Vec<String> = several.iter().map(|row| address(row.id())).collect();
            Err(Problem::several(&addresses))
        }
    }
}

async fn upsert(
    State(backend): State<Arc<Backend>>,
    Path((_, object, field, value)): Path<(String, String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    is_json(&headers)?;
    let (id, is_new) = backend.upsert(&object, &field, &value, &members(&body)?)?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((
        status,
        Json(json!({"id": id, "success": true, "errors": [], "created": is_new})),
    )
        .into_response())
}
