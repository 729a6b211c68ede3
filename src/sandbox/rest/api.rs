//! The API itself, path by path as the description has it.

use std::sync::Arc;

use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq as _;

use super::backend::{Backend, LARGEST_FILE, Query, Upload, id_of, number_of};
use super::problem::{FieldError, Problem};
use super::ticket::{Kind, MEMBERS, STATUSES};
use super::{BASE, REST_DESCRIPTION};
use crate::sandbox::journal::Doer;
use crate::sandbox::quota::whole_seconds;

type Shared = State<Arc<Backend>>;

pub(super) fn routes(backend: &Arc<Backend>) -> Router<Arc<Backend>> {
    let guarded = Router::new()
        .route("/tickets", get(list).post(create))
        .route("/tickets/{id}", get(read).patch(change).put(replace))
        .route("/tickets/{id}/attachments", post(attach))
        .route("/ticket-fields", get(describe))
        .method_not_allowed_fallback(async || Problem::NotAllowed)
        .fallback(async || Problem::NotFound)
        .layer(from_fn_with_state(backend.clone(), guard));
    let published = get(async || {
        (
            [(header::CONTENT_TYPE, "application/yaml")],
            REST_DESCRIPTION,
        )
    });
    Router::new()
        .route("/openapi.yaml", published)
        .merge(guarded)
}

/// Counts a call and checks its key.
async fn guard(State(backend): Shared, request: Request, next: Next) -> Response {
    let standing = backend.meter.as_ref().map(|meter| meter.spend(1));
    let refused = standing.and_then(|standing| standing.refused_for);
    let mut response = if let Some(wait) = refused {
        Problem::TooMany {
            seconds: whole_seconds(wait),
        }
        .into_response()
    } else if is_let_in(&backend, request.headers()) {
        next.run(request).await
    } else {
        Problem::Unauthorized.into_response()
    };
    if let Some(standing) = standing {
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-limit", HeaderValue::from(standing.limit));
        headers.insert(
            "x-ratelimit-remaining",
            HeaderValue::from(standing.remaining),
        );
    }
    response
}

fn is_let_in(backend: &Backend, headers: &HeaderMap) -> bool {
    let key = headers.get("x-harbour-key").map(HeaderValue::as_bytes);
    key.is_some_and(|key| bool::from(key.ct_eq(backend.settings.api_key.as_bytes())))
}

fn number(id: &str) -> Result<u64, Problem> {
    number_of(id).ok_or(Problem::NotFound)
}

async fn read(State(backend): Shared, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({"data": backend.ticket(number(&id)?)?})))
}

async fn list(State(backend): Shared, RawQuery(raw): RawQuery) -> Result<Response, Problem> {
    let raw = raw.unwrap_or_default();
    let query = query(&raw)?;
    let (tickets, more) = backend.list(&query);
    let mut response = Json(json!({"data": tickets})).into_response();
    if more {
        let others = url::form_urlencoded::parse(raw.as_bytes()).filter(|(name, _)| name != "page");
        let mut next = url::form_urlencoded::Serializer::new(String::new());
        next.extend_pairs(others);
        next.append_pair("page", &(query.page + 1).to_string());
        let link = format!(
            "<{}{BASE}/tickets?{}>; rel=\"next\"",
            backend.base_url,
            next.finish()
        );
        if let Ok(value) = HeaderValue::from_str(&link) {
            response.headers_mut().insert(header::LINK, value);
        }
    }
    Ok(response)
}

/// Reads the query; what the description does not know is refused.
fn query(raw: &str) -> Result<Query, Problem> {
    let mut query = Query {
        page: 1,
        page_size: 50,
        ..Query::default()
    };
    for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
        let wrong = || Problem::Unreadable(format!("The query parameter {name} can't be {value}."));
        match name.as_ref() {
            "externalReference" => query.reference = Some(value.into_owned()),
            "updatedSince" => query.since = Some(value.parse().map_err(|_| wrong())?),
            "status" => {
                let statuses: Vec<String> = value.split(',').map(str::to_owned).collect();
                if !statuses.iter().all(|one| STATUSES.contains(&one.as_str())) {
                    return Err(wrong());
                }
                query.statuses = statuses;
            }
            "page" => {
                query.page = value
                    .parse()
                    .ok()
                    .filter(|page| *page >= 1)
                    .ok_or_else(wrong)?;
            }
            "pageSize" => {
                let size = value.parse().ok().filter(|size| (1..=100).contains(size));
                query.page_size = size.ok_or_else(wrong)?;
            }
            _ => {
                return Err(Problem::Unreadable(format!(
                    "There is no query parameter {name}."
                )));
            }
        }
    }
    Ok(query)
}

/// The ticket's members in a body of the wanted media type.
fn fields(
    headers: &HeaderMap,
    wanted: &'static str,
    body: &Bytes,
) -> Result<Map<String, Value>, Problem> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = media_type
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case(wanted) {
        return Err(Problem::MediaType(wanted));
    }
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Problem::Unreadable(format!("The body is no JSON: {error}.")))?;
    let Value::Object(mut outer) = body else {
        return Err(Problem::Unreadable("The body is no object.".to_owned()));
    };
    let ticket = outer.remove("ticket");
    let mut errors: Vec<FieldError> = outer
        .keys()
        .map(|name| FieldError::new(name, "is not a member of the request"))
        .collect();
    match ticket {
        Some(Value::Object(fields)) if errors.is_empty() => return Ok(fields),
        Some(Value::Object(_)) => {}
        Some(_) => errors.push(FieldError::new("ticket", "must be an object")),
        None => errors.push(FieldError::new("ticket", "is required")),
    }
    Err(Problem::Invalid(errors))
}

async fn create(
    State(backend): Shared,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let fields = fields(&headers, "application/json", &body)?;
    let number = backend.create(Doer::Api, &fields)?;
    let location = format!("{}{BASE}/tickets/{}", backend.base_url, id_of(number));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]).into_response())
}

async fn change(
    State(backend): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let number = number(&id)?;
    let fields = fields(&headers, "application/merge-patch+json", &body)?;
    Ok(Json(
        json!({"data": backend.change(Doer::Api, number, &fields)?}),
    ))
}

async fn replace(
    State(backend): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let number = number(&id)?;
    let fields = fields(&headers, "application/json", &body)?;
    backend.replace(Doer::Api, number, &fields)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn attach(
    State(backend): Shared,
    Path(id): Path<String>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Problem> {
    let number = number(&id)?;
    let mut form = form.map_err(|_| Problem::MediaType("multipart/form-data"))?;
    let unreadable = |error: axum::extract::multipart::MultipartError| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge,
        _ => Problem::Unreadable(format!("The form can't be read: {error}.")),
    };
    let (mut upload, mut caption) = (None, None);
    while let Some(part) = form.next_field().await.map_err(unreadable)? {
        let name = part.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "document" => {
                let file = part.file_name().map(str::to_owned);
                let media_type = part
                    .content_type()
                    .unwrap_or("application/octet-stream")
                    .to_owned();
                upload = Some((file, media_type, part.bytes().await.map_err(unreadable)?));
            }
            "caption" => caption = Some(part.text().await.map_err(unreadable)?),
            _ => {
                return Err(Problem::Invalid(vec![FieldError::new(
                    name,
                    "is not a part of the form",
                )]));
            }
        }
    }
    let wrong = |message: &str| Problem::Invalid(vec![FieldError::new("document", message)]);
    let (name, media_type, bytes) = upload.ok_or_else(|| wrong("is required"))?;
    let name = name
        .filter(|name| !name.is_empty())
        .ok_or_else(|| wrong("must have a file name"))?;
    if bytes.len() > LARGEST_FILE {
        return Err(Problem::TooLarge);
    }
    let upload = Upload {
        name,
        media_type,
        bytes,
        caption,
    };
    let attached = backend.attach(Doer::Api, number, &upload)?;
    Ok((StatusCode::CREATED, Json(json!({"data": attached}))).into_response())
}

async fn describe() -> Json<Value> {
    let mut described = Vec::new();
    for (name, kind) in MEMBERS {
        match kind {
            Kind::Object(members) => {
                described.extend(
                    members
                        .iter()
                        .map(|(inner, kind)| field(&format!("{name}.{inner}"), *kind)),
                );
            }
            _ => described.push(field(name, *kind)),
        }
    }
    Json(json!({"data": described}))
}

fn field(name: &str, kind: Kind) -> Value {
    let word = match kind {
        Kind::Text(_) | Kind::Needed(_) => "string",
        Kind::Status => "enum",
        Kind::Number(..) => "integer",
        Kind::Moment => "date-time",
        Kind::Object(_) => "object",
    };
    let mut field =
        json!({"name": name, "type": word, "required": matches!(kind, Kind::Needed(_))});
    match kind {
        Kind::Text(longest) | Kind::Needed(longest) => field["maxLength"] = longest.into(),
        Kind::Status => field["values"] = json!(STATUSES),
        _ => {}
    }
    field
}
