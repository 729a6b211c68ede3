//! Answering requests: addresses, headers, the shapes of answers.

use std::sync::Arc;

use axum::Json;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::backend::{Access, Actor, Backend, Row};
use super::clean::{Mode, whole};
use super::query::{LARGEST_PAGE, Query};
use super::shape::{self, Child, Shape, Through, child_of, named};
use super::traffic::Thread;
use super::trouble::Trouble;
use crate::sandbox::control;

/// The largest body that is read.
pub(super) const LARGEST_BODY: usize = 40 * 1024 * 1024;

type Answered = Result<Value, Trouble>;

/// What stands before every call: the zone, the hour, the headers, three at once. The zone look-up stands before all.
pub(super) async fn stand(
    State(backend): State<Arc<Backend>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    if path.starts_with(control::BASE) || is_look_up(&path) {
        return next.run(request).await;
    }
    let base = format!("{}V1.0/", backend.zone_path());
    let Some(rest) = path.strip_prefix(&base) else {
        // A database that has moved is not known in its old zone.
        let was_zone = path.contains("ATServicesRest/V1.0/");
        return if was_zone {
            Trouble::Unauthorized.into_response()
        } else {
            Trouble::NoRoute.into_response()
        };
    };
    if !is_admitted(&backend, request.headers()) {
        return Trouble::Unauthorized.into_response();
    }
    if let Some(hour) = &backend.hour {
        let used = hour.count();
        if used > hour.threshold() {
            return Trouble::Suspended { seconds: 60 }.into_response();
        }
        let drag = hour.drag(used);
        if !drag.is_zero() {
            tokio::time::sleep(drag).await;
        }
    }
    let entity = rest.split('/').next().unwrap_or_default();
    let Some(_thread) = Thread::enter(&backend, entity) else {
        return Trouble::Threads.into_response();
    };
    next.run(request).await
}

/// Any zone tells the zone, by this spelling of the path.
fn is_look_up(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path == "/atservicesrest/v1.0/zoneinformation"
}

fn is_admitted(backend: &Backend, headers: &HeaderMap) -> bool {
    let is = |name: &str, wanted: &str| {
        headers
            .get(name)
            .is_some_and(|value| value.as_bytes() == wanted.as_bytes())
    };
    is("username", &backend.settings.username)
        && is("secret", &backend.settings.secret)
        && is("apiintegrationcode", &backend.settings.integration_code)
}

/// Answers a request.
pub(super) async fn handle(State(backend): State<Arc<Backend>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return Trouble::said("The request is too large.").into_response();
    };
    let path = parts.uri.path().to_owned();
    let answered = if is_look_up(&path) {
        zone_information(&backend, &parts.uri)
    } else {
        let base = format!("{}V1.0/", backend.zone_path());
        let rest = path.strip_prefix(&base).unwrap_or_default();
        answer(&backend, &parts.method, rest, &parts.uri, &body)
    };
    match answered {
        Ok(value) => Json(value).into_response(),
        Err(trouble) => trouble.into_response(),
    }
}

fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let found = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.into_owned())
}

/// A user whom nobody knows is answered with 500.
fn zone_information(backend: &Backend, uri: &Uri) -> Answered {
    let user = parameter(uri, "user").unwrap_or_default();
    if !user.eq_ignore_ascii_case(&backend.settings.username) {
        return Err(Trouble::said(
            "Zone information could not be determined for this user.",
        ));
    }
    let number = backend.zone.load(std::sync::atomic::Ordering::Acquire);
    Ok(json!({
        "zoneName": format!("Sandbox {number}"),
        "url": format!("{}{}", backend.base_url, backend.zone_path()),
        "webUrl": format!("{}/", backend.base_url),
        "ci": 26,
    }))
}

fn answer(
    backend: &Arc<Backend>,
    method: &Method,
    path: &str,
    uri: &Uri,
    body: &Bytes,
) -> Answered {
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let read = || -> Answered {
        serde_json::from_slice(body).map_err(|_| Trouble::said("The body is not a valid JSON."))
    };
    if let ["ThresholdInformation" | "thresholdinformation", ..] = segments.as_slice() {
        return Ok(threshold(backend));
    }
    match segments.as_slice() {
        [entity, word, rest @ ..] if word.eq_ignore_ascii_case("entityInformation") => {
            information(backend, known(entity)?, rest)
        }
        [entity, "query", rest @ ..] => {
            let shape = known(entity)?;
            match (method, rest) {
                (&Method::POST, [] | ["next"]) => listed(backend, shape, &read()?, uri),
                (&Method::GET, [] | ["next"]) => {
                    let search = parameter(uri, "search").unwrap_or_default();
                    let search = serde_json::from_str(&search)
                        .map_err(|_| Trouble::said("The search is not a valid JSON."))?;
                    listed(backend, shape, &search, uri)
                }
                (_, ["count"]) => counted(backend, shape, &read()?),
                _ => Err(Trouble::NoRoute),
            }
        }
        [entity] => collection(backend, known(entity)?, method, &read),
        [entity, id] => one(backend, known(entity)?, method, id),
        [parent, id, segment, rest @ ..] => {
            let child = child_of(parent, segment).ok_or(Trouble::NoRoute)?;
            let parent = parent_of(backend, child, id)?;
            match rest {
                [] => children(backend, child, parent, method, uri, &read),
                [id] => child_one(backend, child, parent, method, id),
                _ => Err(Trouble::NoRoute),
            }
        }
        [] => Err(Trouble::NoRoute),
    }
}

fn known(entity: &str) -> Result<&'static Shape, Trouble> {
    named(entity).ok_or(Trouble::NoRoute)
}

fn threshold(backend: &Backend) -> Value {
    let (limit, used) = match &backend.hour {
        Some(hour) => (hour.threshold(), hour.count().saturating_sub(1)),
        None => (10_000, 0),
    };
    json!({
        "externalRequestThreshold": limit,
        "requestThresholdTimeframe": 60,
        "currentTimeframeRequestCount": used,
    })
}

fn information(backend: &Backend, shape: &'static Shape, rest: &[&str]) -> Answered {
    match rest {
        [] => {
            let access = |access| {
                if backend.may(shape.name, access) {
                    2
                } else {
                    0
                }
            };
            let can_write = shape.name != "WebhookEventErrorLogs";
            Ok(json!({"info": {
                "name": shape.noun,
                "canCreate": can_write,
                "canDelete": shape.deletable,
                "canQuery": true,
                "canUpdate": can_write,
                "userAccessForCreate": access(Access::Create),
                "userAccessForDelete": 0,
                "userAccessForQuery": access(Access::Query),
                "userAccessForUpdate": access(Access::Update),
                "hasUserDefinedFields": shape.name == "Tickets",
                "supportsWebhookCallouts": matches!(shape.name, "Tickets" | "TicketNotes"),
            }}))
        }
        [word] if word.eq_ignore_ascii_case("fields") => {
            let fields: Vec<Value> = shape.fields.iter().map(shape::Spec::shown).collect();
            Ok(json!({ "fields": fields }))
        }
        [word] if word.eq_ignore_ascii_case("userDefinedFields") => Ok(match shape.name {
            "Tickets" => shape::user_defined(),
            _ => json!({"fields": []}),
        }),
        _ => Err(Trouble::NoRoute),
    }
}

fn collection(
    backend: &Arc<Backend>,
    shape: &'static Shape,
    method: &Method,
    read: &dyn Fn() -> Answered,
) -> Answered {
    if !shape.root {
        // Children are written through their parents; their own address does not exist.
        return Err(Trouble::NoRoute);
    }
    let written = match *method {
        Method::POST => {
            require(backend, shape, Access::Create)?;
            backend.create(shape, Actor::API, &read()?)
        }
        Method::PATCH if shape.name == "Tickets" && backend.settings.refuses_patch => {
            return Err(Trouble::NotAllowed);
        }
        Method::PATCH => {
            require(backend, shape, Access::Update)?;
            backend.change(shape, Actor::API, &read()?, Mode::Part)
        }
        Method::PUT => {
            require(backend, shape, Access::Update)?;
            backend.change(shape, Actor::API, &read()?, Mode::Whole)
        }
        _ => return Err(Trouble::NotAllowed),
    };
    Ok(json!({"itemId": written?}))
}

fn require(backend: &Backend, shape: &Shape, access: Access) -> Result<(), Trouble> {
    let verb = match access {
        Access::Query => "query",
        Access::Create => "create",
        Access::Update => "update",
    };
    if backend.may(shape.name, access) {
        Ok(())
    } else {
        Err(Trouble::rights(shape.noun, verb))
    }
}

fn one(backend: &Arc<Backend>, shape: &'static Shape, method: &Method, id: &str) -> Answered {
    let id: u64 = id.parse().map_err(|_| Trouble::NoRoute)?;
    match *method {
        Method::GET => {
            let found = backend
                .row(shape, id)
                .filter(|_| backend.may(shape.name, Access::Query));
            if shape.name == "TicketAttachments" {
                // This one answers as a query does, with the bytes.
                let items: Vec<Value> = found.into_iter().map(Value::Object).collect();
                return Ok(json!({"items": items, "pageDetails": details(items.len(), None)}));
            }
            match found {
                Some(row) => Ok(json!({"item": shown(backend, shape, row)})),
                None if shape.null_when_missing => Ok(json!({"item": null})),
                None => Err(Trouble::NoRoute),
            }
        }
        Method::DELETE if shape.deletable => {
            backend.remove(shape, id, Actor::API)?;
            Ok(json!({"itemId": id}))
        }
        _ => Err(Trouble::NotAllowed),
    }
}

/// An object as it is shown: without file bytes, keys, and empty lists of user-defined fields.
pub(super) fn shown(backend: &Backend, shape: &Shape, mut row: Row) -> Value {
    row.remove("data");
    row.remove("secretKey");
    if matches!(shape.name, "TicketWebhooks" | "TicketNoteWebhooks") {
        let id = row.get("id").and_then(Value::as_u64).unwrap_or_default();
        row.insert("isReady".to_owned(), json!(backend.is_ready(shape, id)));
    }
    let has_values = row
        .get("userDefinedFields")
        .and_then(Value::as_array)
        .is_some_and(|list| !list.is_empty());
    if !has_values {
        row.remove("userDefinedFields");
    }
    Value::Object(row)
}

fn details(count: usize, next: Option<&str>) -> Value {
    json!({"count": count, "requestCount": LARGEST_PAGE, "prevPageUrl": null, "nextPageUrl": next})
}

fn listed(backend: &Backend, shape: &'static Shape, body: &Value, uri: &Uri) -> Answered {
    let query = Query::read(body, shape)?;
    let after = after(uri)?;
    let size = query
        .most
        .unwrap_or(LARGEST_PAGE)
        .min(backend.settings.page_size.max(1));
    let rows: Vec<Row> = if backend.may(shape.name, Access::Query) {
        let books = backend.books();
        let found = books
            .rows(shape.name)
            .filter(|row| query.matches(row, shape));
        found
            .filter(|row| id_of(row) > after)
            .take(size + 1)
            .cloned()
            .collect()
    } else {
        Vec::new()
    };
    let path = format!("{}/query/next", shape.name);
    let search = parameter(uri, "search");
    Ok(page(
        backend,
        shape,
        rows,
        size,
        &path,
        search.as_deref(),
        |row| query.narrowed(row),
    ))
}

fn after(uri: &Uri) -> Result<u64, Trouble> {
    let Some(paging) = parameter(uri, "paging") else {
        return Ok(0);
    };
    let paging: Value = serde_json::from_str(&paging)
        .map_err(|_| Trouble::said("The paging is not a valid JSON."))?;
    paging["nextPageId"]
        .as_u64()
        .ok_or_else(|| Trouble::said("The paging is not a valid page."))
}

fn id_of(row: &Row) -> u64 {
    row.get("id").and_then(Value::as_u64).unwrap_or_default()
}

fn page(
    backend: &Backend,
    shape: &Shape,
    mut rows: Vec<Row>,
    size: usize,
    path: &str,
    search: Option<&str>,
    narrowed: impl Fn(Value) -> Value,
) -> Value {
    let has_more = rows.len() > size;
    rows.truncate(size);
    let last = rows.last().map(id_of).unwrap_or_default();
    let next = has_more.then(|| {
        let paging = json!({"pageSize": size, "nextPageId": last}).to_string();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("paging", &paging);
        if let Some(search) = search {
            query.append_pair("search", search);
        }
        format!(
            "{}{}V1.0/{path}?{}",
            backend.base_url,
            backend.zone_path(),
            query.finish()
        )
    });
    let items: Vec<Value> = rows
        .into_iter()
        .map(|row| narrowed(shown(backend, shape, row)))
        .collect();
    json!({"pageDetails": details(items.len(), next.as_deref()), "items": items})
}

fn counted(backend: &Backend, shape: &'static Shape, body: &Value) -> Answered {
    let query = Query::read(body, shape)?;
    let books = backend.books();
    let count = books
        .rows(shape.name)
        .filter(|row| query.matches(row, shape))
        .count();
    Ok(json!({"queryCount": count}))
}

fn parent_of(backend: &Backend, child: &Child, id: &str) -> Result<u64, Trouble> {
    let id: u64 = id.parse().map_err(|_| Trouble::NoRoute)?;
    let shape = known(child.parent_shape)?;
    match backend.row(shape, id) {
        Some(_) => Ok(id),
        None => Err(Trouble::no_records()),
    }
}

fn children(
    backend: &Arc<Backend>,
    child: &Child,
    parent: u64,
    method: &Method,
    uri: &Uri,
    read: &dyn Fn() -> Answered,
) -> Answered {
    let shape = known(child.shape)?;
    let with_parent = |mut body: Value| {
        if let Some(members) = body.as_object_mut() {
            members.retain(|name, _| !name.eq_ignore_ascii_case(child.field));
            members.insert(child.field.to_owned(), json!(parent));
        }
        body
    };
    let can_change = child.through == Through::PostPatch;
    match *method {
        Method::GET => {
            let after = after(uri)?;
            let size = backend.settings.page_size.clamp(1, LARGEST_PAGE);
            let rows = if backend.may(shape.name, Access::Query) {
                backend.books().children(shape.name, child.field, parent)
            } else {
                Vec::new()
            };
            let rows = rows
                .into_iter()
                .filter(|row| id_of(row) > after)
                .take(size + 1);
            let path = format!("{}/{parent}/{}", child.parent, child.segment);
            Ok(page(
                backend,
                shape,
                rows.collect(),
                size,
                &path,
                None,
                |row| row,
            ))
        }
        Method::POST => {
            require(backend, shape, Access::Create)?;
            let body = with_parent(read()?);
            let parent = Some((child.field, parent));
            let id = backend.create_under(shape, Actor::API, &body, parent)?;
            Ok(json!({ "itemId": id }))
        }
        Method::PATCH if can_change => {
            require(backend, shape, Access::Update)?;
            let id = backend.change(shape, Actor::API, &with_parent(read()?), Mode::Part)?;
            Ok(json!({"itemId": id}))
        }
        Method::PUT if can_change => {
            require(backend, shape, Access::Update)?;
            let id = backend.change(shape, Actor::API, &with_parent(read()?), Mode::Whole)?;
            Ok(json!({"itemId": id}))
        }
        _ => Err(Trouble::NotAllowed),
    }
}

fn child_one(
    backend: &Arc<Backend>,
    child: &Child,
    parent: u64,
    method: &Method,
    id: &str,
) -> Answered {
    let id = whole(&json!(id)).ok_or(Trouble::NoRoute)?;
    let shape = known(child.shape)?;
    let is_of = |row: &Row| row.get(child.field) == Some(&json!(parent));
    let found = backend.row(shape, id).filter(is_of);
    match *method {
        Method::GET => match found {
            Some(row) if shape.name == "TicketAttachments" => {
                let items = [Value::Object(row)];
                Ok(json!({"items": items, "pageDetails": details(1, None)}))
            }
            Some(row) => Ok(json!({"item": shown(backend, shape, row)})),
            None => Ok(json!({"item": null})),
        },
        Method::DELETE if child.through == Through::PostDelete => {
            found.ok_or_else(Trouble::no_records)?;
            backend.remove(shape, id, Actor::API)?;
            Ok(json!({"itemId": id}))
        }
        _ => Err(Trouble::NotAllowed),
    }
}
