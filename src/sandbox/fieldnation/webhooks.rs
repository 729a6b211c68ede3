//! The Webhooks v3 management API, `/api/v1/webhooks`.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::backend::Backend;
use super::company;
use super::dispatch::{Hook, HookMethod, HookStatus, LogEntry};
use crate::model::{EventName, Timestamp};
use crate::sandbox::journal::{Deed, Doer, Thing, Write};

type Outcome = Result<Json<Value>, Refused>;

/// A refusal: `{metadata, errors, result}`.
pub(super) struct Refused {
    status: StatusCode,
    path: String,
    at: Timestamp,
    messages: Vec<String>,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let code = self.status.as_u16();
        let error = |message: &String| json!({"code": code, "message": message});
        let errors: Vec<_> = self.messages.iter().map(error).collect();
        let body = json!({
            "metadata": {"timestamp": self.at.to_string(), "path": self.path},
            "errors": errors,
            "result": {},
        });
        (self.status, Json(body)).into_response()
    }
}

/// The request a handler answers: who asks and where, for the envelope.
struct Desk {
    backend: Arc<Backend>,
    path: String,
}

impl Desk {
    /// Lets in whoever brings a bearer token; the query parameter of the REST API is no use here.
    fn open(backend: Arc<Backend>, headers: &HeaderMap, uri: &Uri) -> Result<Self, Refused> {
        let desk = Self {
            path: uri.path().to_owned(),
            backend,
        };
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = bearer.and_then(|value| value.strip_prefix("Bearer "));
        if !token.is_some_and(|token| desk.backend.tokens.admits(token)) {
            return Err(desk.refuse(StatusCode::UNAUTHORIZED, "Unauthorized"));
        }
        Ok(desk)
    }

    fn refuse(&self, status: StatusCode, message: impl Into<String>) -> Refused {
        self.refuse_all(status, vec![message.into()])
    }

    fn refuse_all(&self, status: StatusCode, messages: Vec<String>) -> Refused {
        Refused {
            status,
            path: self.path.clone(),
            at: self.backend.now(),
            messages,
        }
    }

    fn answer(&self, result: &Value) -> Json<Value> {
        let metadata = json!({"timestamp": self.backend.now().to_string()});
        Json(json!({"metadata": metadata, "result": result}))
    }

    fn page(&self, all: &[Value], query: &str, per_page: usize, most: usize) -> Json<Value> {
        let number = |key: &str| parameter(query, key)?.parse::<usize>().ok();
        let page = number("page").unwrap_or(1).max(1);
        let per_page = number("perPage").unwrap_or(per_page).clamp(1, most);
        let shown: Vec<_> = all
            .iter()
            .skip((page - 1) * per_page)
            .take(per_page)
            .collect();
        Json(json!({
            "metadata": {
                "timestamp": self.backend.now().to_string(),
                "count": shown.len(),
                "total": all.len(),
            },
            "result": shown,
        }))
    }

    fn not_found(&self, id: &str) -> Refused {
        self.refuse(StatusCode::NOT_FOUND, format!("Webhook {id} not found"))
    }

    /// Looks at or changes one webhook.
    fn with_hook<R>(&self, id: &str, edit: impl FnOnce(&mut Hook) -> R) -> Result<R, Refused> {
        let found = self.backend.hooks.edit(|list| {
            let same = |hook: &&mut Hook| hook.webhook_id.to_string() == id;
            list.iter_mut().find(same).map(edit)
        });
        found.ok_or_else(|| self.not_found(id))
    }

    fn journal(&self, deed: Deed, hook: &Hook) {
        let write = Write::new(deed, Thing::Subscription, hook.id, Doer::Api);
        self.backend.journal.record(write.called(hook.url.clone()));
    }
}

fn parameter(query: &str, key: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(name, _)| name == key)
        .map(|(_, value)| value.into_owned())
}

/// The routes.
pub(super) fn routes() -> Router<Arc<Backend>> {
    let base = "/api/v1/webhooks";
    Router::new()
        .route(base, get(list).post(create))
        .route("/api/v1/webhooks/events", get(events))
        .route("/api/v1/webhooks/delivery-logs", get(delivery_logs))
        .route(
            "/api/v1/webhooks/delivery-logs/{delivery}",
            get(delivery_log),
        )
        .route(
            "/api/v1/webhooks/delivery-logs/{delivery}/retry",
            patch(retry),
        )
        .route(
            "/api/v1/webhooks/{id}",
            get(show).put(update).delete(remove),
        )
        .route("/api/v1/webhooks/{id}/history", get(history))
        .route(
            "/api/v1/webhooks/{id}/{kind}/{name}",
            delete(remove_attribute),
        )
}

async fn events(State(backend): State<Arc<Backend>>, headers: HeaderMap, uri: Uri) -> Outcome {
    let desk = Desk::open(backend, &headers, &uri)?;
    let event = |event: &EventName| {
        let name = event.webhook_name();
        let label = name
            .trim_start_matches("workorder.")
            .replace(['.', '_'], " ");
        json!({"name": name, "label": label, "description": label, "model": "WorkOrder"})
    };
    let model = parameter(uri.query().unwrap_or_default(), "model");
    let known = model.is_none_or(|model| model == "WorkOrder");
    let all = if known { EventName::ALL } else { &[] };
    Ok(desk.answer(&all.iter().map(event).collect()))
}

async fn list(
    State(backend): State<Arc<Backend>>,
    headers: HeaderMap,
    uri: Uri,
    RawQuery(query): RawQuery,
) -> Outcome {
    let desk = Desk::open(backend, &headers, &uri)?;
    let query = query.unwrap_or_default();
    let status = parameter(&query, "status");
    let wanted = parameter(&query, "webhookId");
    let mut all: Vec<_> = desk.backend.hooks.edit(|list| {
        let matches = |hook: &&Hook| {
            status
                .as_ref()
                .is_none_or(|status| hook.status.word() == status)
                && wanted
                    .as_ref()
                    .is_none_or(|id| hook.webhook_id.to_string() == *id)
        };
        list.iter().filter(matches).map(info).collect()
    });
    if parameter(&query, "sortDirection").is_none_or(|order| !order.eq_ignore_ascii_case("asc")) {
        all.reverse();
    }
    Ok(desk.page(&all, &query, 25, 100))
}

async fn create(
    State(backend): State<Arc<Backend>>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Outcome {
    let desk = Desk::open(backend, &headers, &uri)?;
    let body = read_body(&desk, &headers, &body)?;
    let missing = ["events", "url", "method", "status"].into_iter();
    let missing = missing.filter(|key| !body.contains_key(*key));
    let mut problems: Vec<_> = missing.map(|key| format!("{key} is required")).collect();
    let now = desk.backend.now();
    let mut hook = Hook::new(0, now);
    problems.append(&mut apply(&mut hook, &body));
    if !problems.is_empty() {
        return Err(desk.refuse_all(StatusCode::BAD_REQUEST, problems));
    }
    hook.history
        .push(change("webhook_created", &json!({}), now));
    let hook = desk.backend.hooks.edit(|list| {
        hook.id = list.iter().map(|hook| hook.id).max().unwrap_or_default() + 1;
        list.push(hook.clone());
        hook
    });
    desk.journal(Deed::Created, &hook);
    Ok(desk.answer(&info(&hook)))
}

async fn show(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Outcome {
    let desk = Desk::open(backend, &headers, &uri)?;
    let attributes = parameter(uri.query().unwrap_or_default(), "webhookAttribute");
    let wants_headers = attributes.is_some_and(|list| list.split(',').any(|kind| kind == "header"));
    let shown = desk.with_hook(&id, |hook| {
        let mut shown = info(hook);
        if wants_headers {
            let headers: Map<_, _> = hook
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            shown["webhookAttribute"] = json!({"header": headers});
        }
        shown
    })?;
    Ok(desk.answer(&shown))
}

async fn update(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Outcome {
    let desk = Desk::open(backend, &headers, &uri)?;
    let body = read_body(&desk, &headers, &body)?;
    let now = desk.backend.now();
    let changed = desk.with_hook(&id, |hook| {
        if hook.status == HookStatus::Archived {
            return Err(vec!["An archived webhook is read-only".to_owned()]);
        }
        let mut next = hook.clone();
        let problems = apply(&mut next, &body);
        if !problems.is_empty() {
            return Err(problems);
        }
        next.updated = now;
        next.history.push(difference(hook, &next, now));
        *hook = next;
        Ok(hook.clone())
    })?;
    let hook = changed.map_err(|problems| desk.refuse_all(StatusCode::BAD_REQUEST, problems))?;
    desk.journal(Deed::Updated, &hook);
    Ok(desk.answer(&info(&hook)))
}

async fn remove(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Outcome {
    let desk = Desk::open(backend, &headers, &uri)?;
    let hook = desk.with_hook(&id, |hook| hook.clone())?;
    desk.backend
        .hooks
        .edit(|list| list.retain(|other| other.id != hook.id));
    desk.journal(Deed::Removed, &hook);
    Ok(desk.answer(&info(&hook)))
}

async fn history(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Outcome {
    let desk = Desk::open(backend, &headers, &uri)?;
    let all = desk.with_hook(&id, |hook| hook.history.clone())?;
    Ok(desk.page(&all, uri.query().unwrap_or_default(), 25, 100))
}

async fn remove_attribute(
    State(backend): State<Arc<Backend>>,
    Path((id, kind, name)): Path<(String, String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Outcome {
    let desk = Desk::open(backend, &headers, &uri)?;
    if !["header", "legacy_field"].contains(&kind.as_str()) {
        let message = "attributeType must be header or legacy_field";
        return Err(desk.refuse(StatusCode::BAD_REQUEST, message));
    }
    desk.with_hook(&id, |hook| {
        hook.headers
            .retain(|(header, _)| !header.eq_ignore_ascii_case(&name));
    })?;
    Ok(Json(
        json!({"message": "Webhook attribute successfully removed"}),
    ))
}

async fn delivery_logs(
    State(backend): State<Arc<Backend>>,
    headers: HeaderMap,
    uri: Uri,
) -> Outcome {
    let desk = Desk::open(backend, &headers, &uri)?;
    let query = uri.query().unwrap_or_default();
    let wanted =
        |key: &str, actual: String| parameter(query, key).is_none_or(|wanted| wanted == actual);
    let log = desk.backend.hooks.log();
    let matching = log.iter().rev().filter(|entry| {
        wanted("webhookId", entry.webhook_id.to_string())
            && wanted("workOrderId", entry.work_order.to_string())
            && wanted("eventName", entry.event.webhook_name().to_owned())
            && wanted("deliveryStatus", entry.status.to_string())
            && wanted("deliveryId", entry.delivery_id.clone())
    });
    let all: Vec<_> = matching.map(logged).collect();
    drop(log);
    Ok(desk.page(&all, query, 50, 500))
}

async fn delivery_log(
    State(backend): State<Arc<Backend>>,
    Path(delivery): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Outcome {
    let desk = Desk::open(backend, &headers, &uri)?;
    let log = desk.backend.hooks.log();
    let found = log.iter().find(|entry| entry.delivery_id == delivery);
    let Some(mut shown) = found.map(logged) else {
        drop(log);
        let message = format!("Delivery {delivery} not found");
        return Err(desk.refuse(StatusCode::NOT_FOUND, message));
    };
    drop(log);
    shown["delivery_log"] = json!(format!(
        "{}/storage/deliveries/{delivery}",
        desk.backend.base_url
    ));
    Ok(desk.answer(&shown))
}

async fn retry(
    State(backend): State<Arc<Backend>>,
    Path(delivery): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Outcome {
    let desk = Desk::open(backend, &headers, &uri)?;
    if !desk.backend.redeliver(&delivery) {
        let message = format!("Delivery {delivery} not found");
        return Err(desk.refuse(StatusCode::NOT_FOUND, message));
    }
    Ok(desk.answer(&json!({"job_id": Uuid::now_v7().to_string()})))
}

fn logged(entry: &LogEntry) -> Value {
    json!({
        "deliveryId": entry.delivery_id,
        "webhookId": entry.webhook_id.to_string(),
        "workOrderId": entry.work_order,
        "eventName": entry.event.webhook_name(),
        "deliveryStatus": entry.status,
        "deliveryAttempt": entry.attempt,
        "createdAt": entry.created.to_string(),
    })
}

fn read_body(desk: &Desk, headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, Refused> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(super::token::is_json) {
        return Err(desk.refuse(
            StatusCode::BAD_REQUEST,
            "Content-Type must be application/json",
        ));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(body)) => Ok(body),
        _ => Err(desk.refuse(StatusCode::BAD_REQUEST, "The body must be a JSON object")),
    }
}

/// Applies what a caller chose; everything that is wrong with it.
fn apply(hook: &mut Hook, body: &Map<String, Value>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |key: &str, take: &mut dyn FnMut(&Value) -> Option<()>, message: &str| {
        let given = body.get(key).filter(|value| !value.is_null());
        if given.is_some_and(|value| take(value).is_none()) {
            problems.push(format!("{key} {message}"));
        }
    };
    check(
        "events",
        &mut |value| read_events(value).map(|events| hook.events = events),
        "must be a non-empty list of distinct event names",
    );
    check(
        "url",
        &mut |value| read_url(value).map(|url| hook.url = url),
        "must be a valid HTTPS URL",
    );
    let method = |value: &Value| HookMethod::of(value.as_str()?);
    check(
        "method",
        &mut |value| method(value).map(|method| hook.method = method),
        "must be post or put",
    );
    let status = |value: &Value| HookStatus::of(value.as_str()?);
    check(
        "status",
        &mut |value| status(value).map(|status| hook.status = status),
        "must be active, inactive or archived",
    );
    let secret = |value: &Value| Some(value.as_str()?.parse::<Uuid>().ok()?.to_string());
    check(
        "secret",
        &mut |value| secret(value).map(|secret| hook.secret = secret),
        "must be a UUID",
    );
    let email = |value: &Value| {
        value
            .as_str()
            .filter(|text| text.contains('@'))
            .map(str::to_owned)
    };
    check(
        "notificationEmail",
        &mut |value| email(value).map(|email| hook.notification_email = Some(email)),
        "must be an email",
    );
    check(
        "isIntegrationOnly",
        &mut |value| value.as_bool().map(|only| hook.is_integration_only = only),
        "must be a boolean",
    );
    check(
        "webhookAttribute",
        &mut |value| read_headers(value).map(|headers| hook.headers = headers),
        "header names may not start with x-fn-",
    );
    problems
}

fn read_events(value: &Value) -> Option<Vec<EventName>> {
    let mut events = Vec::new();
    for name in value.as_array()? {
        let event = EventName::from_webhook_name(name.as_str()?)?;
        if events.contains(&event) {
            return None;
        }
        events.push(event);
    }
    (!events.is_empty()).then_some(events)
}

/// HTTPS, as the vendor demands; plain HTTP on loopback alone, which the vendor could not reach anyhow.
fn read_url(value: &Value) -> Option<String> {
    let url = url::Url::parse(value.as_str()?).ok()?;
    let is_loopback = match url.host()? {
        url::Host::Domain(name) => name == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    };
    let is_allowed = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    is_allowed.then(|| url.to_string())
}

fn read_headers(value: &Value) -> Option<Vec<(String, String)>> {
    let Some(headers) = value.get("header") else {
        return Some(Vec::new());
    };
    let read = |(name, value): (&String, &Value)| {
        let reserved = name.to_lowercase().starts_with("x-fn-");
        (!reserved).then(|| Some((name.clone(), value.as_str()?.to_owned())))?
    };
    headers.as_object()?.iter().map(read).collect()
}

fn info(hook: &Hook) -> Value {
    json!({
        "id": hook.id,
        "webhookId": hook.webhook_id.to_string(),
        "companyId": company::COMPANY_ID,
        "userId": company::API_USER.id,
        "events": hook.events.iter().map(|event| event.webhook_name()).collect::<Vec<_>>(),
        "url": hook.url,
        "method": hook.method.word(),
        "status": hook.status.word(),
        "secret": hook.secret,
        "notificationEmail": hook.notification_email,
        "modelProperties": [],
        "isIntegrationOnly": hook.is_integration_only,
        "createdAt": hook.created.to_string(),
        "updatedAt": hook.updated.to_string(),
    })
}

fn change(action: &str, changes: &Value, at: Timestamp) -> Value {
    json!({
        "id": at.as_millisecond(),
        "userId": company::API_USER.id,
        "action": action,
        "changes": changes,
        "createdAt": at.to_string(),
        "updatedAt": at.to_string(),
    })
}

/// What an update did, in the vendor's words.
fn difference(before: &Hook, after: &Hook, at: Timestamp) -> Value {
    let names = |events: &[EventName], except: &[EventName]| {
        let others = events.iter().filter(|event| !except.contains(event));
        others.map(|event| event.webhook_name()).collect::<Vec<_>>()
    };
    if before.status != after.status {
        let changes = json!({"from": before.status.word(), "to": after.status.word()});
        return change("status_changed", &changes, at);
    }
    if before.url != after.url {
        return change(
            "url_changed",
            &json!({"from": before.url, "to": after.url}),
            at,
        );
    }
    if before.events != after.events {
        let added = names(&after.events, &before.events);
        let removed = names(&before.events, &after.events);
        return change(
            "events_updated",
            &json!({"added": added, "removed": removed}),
            at,
        );
    }
    change("webhook_updated", &json!({}), at)
}
