//! Callbacks: registered over the API, sent signed when a ticket changes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::backend::{Actor, Backend};
use super::paging::Query;
use super::request::{Object, Operations};
use super::setup;
use super::ticket::{Ticket, read_operation};
use super::tickets::missing;
use super::trouble::{Fault, Trouble};
use crate::model::Timestamp;
use crate::sandbox::journal::{Deed, Doer, Thing, Write};

/// How the signing key is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SigningKeyForm {
    /// `{"signing_key": "…"}`.
    #[default]
    Object,
    /// The same, once more wrapped as a JSON text.
    Quoted,
}

/// What happened to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Added,
    Updated,
    Deleted,
}

impl Action {
    fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

/// A registered callback.
#[derive(Clone, Debug)]
struct Callback {
    id: u64,
    url: String,
    object: u64,
    kind: String,
    level: String,
    description: String,
    inactive: bool,
    self_suppressed: bool,
    signing_key: String,
    updated: Timestamp,
    failing_since: Option<Timestamp>,
}

impl Callback {
    fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "description": self.description,
            "url": self.url,
            "objectId": self.object,
            "type": self.kind,
            "level": self.level,
            "memberId": 176,
            "inactiveFlag": self.inactive,
            "isSelfSuppressedFlag": self.self_suppressed,
            "isSoapCallbackFlag": false,
            "_info": {"lastUpdated": self.updated.to_string(), "updatedBy": setup::API_MEMBER},
        })
    }

    /// Whether it is about this ticket. A callback on a status fires on every save while the ticket is in it.
    fn concerns(&self, ticket: &Ticket) -> bool {
        let named = match self.level.as_str() {
            "owner" => return self.kind == "ticket",
            "board" => ticket.board(),
            "status" => ticket.status(),
            "ticket" => ticket.id(),
            _ => return false,
        };
        self.kind == "ticket" && self.object == named
    }
}

/// The registered callbacks.
#[derive(Default)]
pub(super) struct Callbacks {
    list: Mutex<Vec<Callback>>,
    /// Read on every write, so that nobody listening costs nothing.
    active: AtomicUsize,
}

impl Callbacks {
    fn edit<R>(&self, edit: impl FnOnce(&mut Vec<Callback>) -> R) -> R {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let result = edit(&mut list);
        let active = list.iter().filter(|callback| !callback.inactive).count();
        self.active.store(active, Ordering::Release);
        result
    }

    fn get(&self, id: u64) -> Result<Callback, Trouble> {
        let found = self.edit(|list| list.iter().find(|callback| callback.id == id).cloned());
        found.ok_or_else(|| Trouble::no_record("Callback", id))
    }
}

/// The routes, relative to the REST base.
pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/system/callbacks", get(list).post(create))
        .route("/system/callbacks/count", get(count))
        .route(
            "/system/callbacks/{id}",
            get(show).patch(patch).put(replace).delete(remove),
        )
}

const LEVELS: [(&str, &[&str]); 4] = [
    (
        "ticket",
        &[
            "owner",
            "board",
            "project",
            "phase",
            "status",
            "ticket",
            "integratortag",
        ],
    ),
    (
        "schedule",
        &["owner", "status", "type", "location", "member", "schedule"],
    ),
    (
        "company",
        &[
            "owner",
            "status",
            "type",
            "territory",
            "company",
            "integratortag",
        ],
    ),
    ("time", &["owner", "company", "time"]),
];

/// Reads what a caller registers.
fn read(body: &Map<String, Value>, id: u64, now: Timestamp) -> Result<Callback, Trouble> {
    let refuse =
        |field: &str, message: &str| Trouble::invalid("callback", Fault::invalid(field, message));
    let text = |key: &str| {
        body.get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let flag = |key: &str| body.get(key).and_then(Value::as_bool).unwrap_or_default();
    let need = |key: &str| text(key).ok_or_else(|| missing("callback", key));
    let (url, kind, level) = (need("url")?, need("type")?, need("level")?);
    let object = body.get("objectId").and_then(Value::as_u64);
    let object = object.ok_or_else(|| missing("callback", "objectId"))?;
    if !url::Url::parse(url).is_ok_and(|url| ["http", "https"].contains(&url.scheme())) {
        return Err(refuse("url", "url must be an absolute address."));
    }
    let (kind, level) = (kind.to_lowercase(), level.to_lowercase());
    let levels = LEVELS.iter().find(|(known, _)| *known == kind);
    let Some((_, levels)) = levels else {
        return Err(refuse("type", "type is not a type of callback."));
    };
    if !levels.contains(&level.as_str()) {
        return Err(refuse("level", "level is not a level of this type."));
    }
    if level == "owner" && object != 1 {
        return Err(refuse("objectId", "objectId must be 1 for level owner."));
    }
    let description = text("description").unwrap_or_default();
    if description.chars().count() > 100 {
        return Err(refuse(
            "description",
            "description must be at most 100 characters long.",
        ));
    }
    Ok(Callback {
        id,
        url: url.to_owned(),
        object,
        kind,
        level,
        description: description.to_owned(),
        inactive: flag("inactiveFlag"),
        self_suppressed: flag("isSelfSuppressedFlag"),
        signing_key: uuid::Uuid::now_v7().to_string(),
        updated: now,
        failing_since: None,
    })
}

fn knows(path: &str) -> bool {
    let names = [
        "id",
        "description",
        "url",
        "objectId",
        "type",
        "level",
        "memberId",
        "inactiveFlag",
    ];
    names.contains(&path)
}

fn all(backend: &Backend) -> Vec<Value> {
    backend
        .callbacks
        .edit(|list| list.iter().map(Callback::shown).collect())
}

async fn list(State(backend): State<Arc<Backend>>, query: Query) -> Result<Response, Trouble> {
    query.check_names(&knows)?;
    Ok(query.answer(all(&backend).into_iter()))
}

async fn count(State(backend): State<Arc<Backend>>) -> Json<Value> {
    Json(json!({"count": all(&backend).len()}))
}

async fn create(
    State(backend): State<Arc<Backend>>,
    Object(body): Object,
) -> Result<Response, Trouble> {
    let id = backend.books().take_id();
    let callback = read(&body, id, backend.now())?;
    let shown = callback.shown();
    let write = Write::new(Deed::Created, Thing::Subscription, id, Doer::Api);
    backend.journal.record(write.called(callback.url.clone()));
    backend.callbacks.edit(|list| list.push(callback));
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

async fn show(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<Json<Value>, Trouble> {
    Ok(Json(backend.callbacks.get(id)?.shown()))
}

/// Stores the callback an API caller described anew, under its old id and key.
fn store(backend: &Backend, id: u64, body: &Map<String, Value>) -> Result<Json<Value>, Trouble> {
    let old = backend.callbacks.get(id)?;
    let mut callback = read(body, id, backend.now())?;
    callback.signing_key = old.signing_key;
    let shown = callback.shown();
    backend.callbacks.edit(|list| {
        if let Some(place) = list.iter_mut().find(|other| other.id == id) {
            *place = callback;
        }
    });
    let write = Write::new(Deed::Updated, Thing::Subscription, id, Doer::Api);
    backend.journal.record(write);
    Ok(Json(shown))
}

async fn replace(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    Object(body): Object,
) -> Result<Json<Value>, Trouble> {
    store(&backend, id, &body)
}

async fn patch(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    Operations(operations): Operations,
) -> Result<Json<Value>, Trouble> {
    let shown = backend.callbacks.get(id)?.shown();
    let mut body = shown.as_object().cloned().unwrap_or_default();
    for operation in &operations {
        let (path, value) = read_operation(operation)?;
        body.insert(path.to_owned(), value);
    }
    store(&backend, id, &body)
}

async fn remove(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Trouble> {
    backend.callbacks.get(id)?;
    backend
        .callbacks
        .edit(|list| list.retain(|callback| callback.id != id));
    let write = Write::new(Deed::Removed, Thing::Subscription, id, Doer::Api);
    backend.journal.record(write);
    Ok(StatusCode::NO_CONTENT)
}

/// `GET …/system/callbacks/keys/{id}`: the key a callback's deliveries are signed with.
pub(super) async fn signing_key(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<Response, Trouble> {
    let key = json!({"signing_key": backend.callbacks.get(id)?.signing_key});
    Ok(match backend.settings.signing_key_form {
        SigningKeyForm::Object => Json(key).into_response(),
        SigningKeyForm::Quoted => Json(key.to_string()).into_response(),
    })
}

/// The address with the record's id and the action appended, as the vendor appends them: an address that
/// ends in `=` gets the id there.
fn address(url: &str, id: u64, action: Action) -> String {
    let action = action.word();
    if url.ends_with('=') {
        format!("{url}{id}&action={action}")
    } else if url.contains('?') {
        format!("{url}&id={id}&action={action}")
    } else {
        format!("{url}?id={id}&action={action}")
    }
}

/// Base64 of the HMAC-SHA256 of the raw body; the key is the SHA-256 of the signing key's text.
fn signature(signing_key: &str, body: &[u8]) -> String {
    let key = Sha256::digest(signing_key.as_bytes());
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
        return String::new();
    };
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A callback that fails for so long is switched off.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(3 * 24 * 3_600);
/// The waits before the retries.
const WAITS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(4)];

impl Backend {
    /// Calls back everyone concerned.
    pub(super) fn notify(self: &Arc<Self>, action: Action, ticket: &Ticket, actor: Actor) {
        if self.callbacks.active.load(Ordering::Acquire) == 0 || !self.outbox.is_open() {
            return;
        }
        let concerned: Vec<_> = self.callbacks.edit(|list| {
            let is_own = actor.member == setup::API_MEMBER;
            let wanted = list.iter().filter(|callback| {
                !callback.inactive
                    && callback.concerns(ticket)
                    && !(is_own && callback.self_suppressed)
            });
            wanted.cloned().collect()
        });
        for callback in concerned {
            let body = self.compose(action, ticket, actor, &callback);
            let url = address(&callback.url, ticket.id(), action);
            let delivery = Delivery {
                callback: callback.id,
                url,
                signature: signature(&callback.signing_key, &body),
                body,
            };
            self.outbox.send(self.clone().deliver(delivery));
        }
    }

    fn compose(&self, action: Action, ticket: &Ticket, actor: Actor, callback: &Callback) -> Bytes {
        let part = |name: &str| ticket.shown.get(name).cloned().unwrap_or(Value::Null);
        let entity = json!({
            "id": ticket.id(),
            "summary": part("summary"),
            "recordType": part("recordType"),
            "board": part("board"),
            "status": part("status"),
            "company": part("company"),
        });
        let entity = match action {
            Action::Deleted => Value::Null,
            Action::Added | Action::Updated => json!(entity.to_string()),
        };
        let key_url = format!("{}/system/callbacks/keys/{}", self.rest_base, callback.id);
        let body = json!({
            "MessageId": uuid::Uuid::now_v7().to_string(),
            "FromUrl": self.base_url.trim_start_matches("http://"),
            "CompanyId": self.settings.credentials.company_id,
            "MemberId": actor.member,
            "Action": action.word(),
            "Type": "ticket",
            "ID": ticket.id(),
            "ProductInstanceId": null,
            "PartnerId": null,
            "Entity": entity,
            "Metadata": {"key_url": key_url},
            "CallbackObjectRecId": callback.id,
        });
        serde_json::to_vec(&body).map_or_else(|_| Bytes::new(), Bytes::from)
    }

    async fn deliver(self: Arc<Self>, delivery: Delivery) {
        let mut waits = WAITS.iter();
        loop {
            let request = self
                .outbox
                .client()
                .post(&delivery.url)
                .header("Content-Type", "application/json")
                .header("x-content-signature", &delivery.signature)
                .body(delivery.body.clone());
            let status = self.outbox.call(request).await;
            self.note_health(delivery.callback, status);
            let again = matches!(status, 404 | 409 | 419 | 429);
            match waits.next() {
                _ if (200..300).contains(&status) => return,
                Some(wait) if again => self.outbox.wait(*wait).await,
                _ => break,
            }
        }
        let write = Write::new(
            Deed::Removed,
            Thing::Delivery,
            delivery.callback,
            Doer::System,
        );
        self.journal.record(write.called(delivery.url));
    }

    fn note_health(&self, id: u64, status: u16) {
        let now = self.clock.now();
        let limit = self.outbox.paced(GIVEN_UP_AFTER);
        self.callbacks.edit(|list| {
            let Some(callback) = list.iter_mut().find(|callback| callback.id == id) else {
                return;
            };
            if (200..300).contains(&status) {
                callback.failing_since = None;
                return;
            }
            let since = *callback.failing_since.get_or_insert(now);
            let failing = Duration::try_from(now.duration_since(since)).unwrap_or_default();
            callback.inactive |= failing >= limit;
        });
    }
}

/// A callback on its way.
struct Delivery {
    callback: u64,
    url: String,
    body: Bytes,
    signature: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_lands_where_the_registered_address_wants_it() {
        let at = |url| address(url, 69, Action::Updated);
        assert_eq!(at("https://x/hook"), "https://x/hook?id=69&action=updated");
        assert_eq!(
            at("https://x/hook?t=1"),
            "https://x/hook?t=1&id=69&action=updated"
        );
        assert_eq!(
            at("https://x/hook?t=1&recordId="),
            "https://x/hook?t=1&recordId=69&action=updated"
        );
    }

    #[test]
    fn the_signature_is_keyed_with_the_digest_of_the_signing_key() {
        // Computed apart with openssl: the key is hex SHA-256 of "test-signing-key".
        let expected = "MZx8EXHMZujmFNPpy4TrdcekD15Wqs6U/EWi7/SrLOk=";
        assert_eq!(signature("test-signing-key", br#"{"ID":69}"#), expected);
    }
}
