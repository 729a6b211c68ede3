//! Webhooks: kept by the API, switched on after their address gave a challenge's value back, called one delivery at a time,
//! and switched off by one wrong answer.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use url::Url;

use super::backend::{Actor, BROKER, Backend, User};
use super::problem::Problem;
use super::request::{Body, Query, success};
use super::sheet::SHEET;
use super::{AccessLevel, CallbackAddresses};
use crate::model::Timestamp;
use crate::sandbox::journal::{Deed, Doer, Thing, Write};

pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/webhooks", get(list).post(make))
        .route("/webhooks/{webhook}", get(read).put(change).delete(remove))
        .route(
            "/webhooks/{webhook}/resetSharedSecret",
            axum::routing::post(reset),
        )
}

type Answer = Result<Json<Value>, Problem>;

/// How a webhook stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Enabled,
    New,
    ByOwner,
    VerificationFailed,
    CallbackFailed,
    Inaccessible,
    Administrative,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::New => "NEW_NOT_VERIFIED",
            Self::ByOwner => "DISABLED_BY_OWNER",
            Self::VerificationFailed => "DISABLED_VERIFICATION_FAILED",
            Self::CallbackFailed => "DISABLED_CALLBACK_FAILED",
            Self::Inaccessible => "DISABLED_SCOPE_INACCESSIBLE",
            Self::Administrative => "DISABLED_ADMINISTRATIVE",
        }
    }
}

/// A webhook.
#[derive(Clone, Debug)]
pub(super) struct Webhook {
    pub(super) id: u64,
    pub(super) owner: User,
    pub(super) name: String,
    pub(super) url: String,
    pub(super) columns: BTreeSet<u64>,
    pub(super) secret: String,
    pub(super) status: Status,
    pub(super) created: Timestamp,
    /// What happened and was not told yet.
    waiting: Vec<Happening>,
    /// Whether a delivery is under way: the next one waits for it.
    is_busy: bool,
    calls: u64,
}

/// Something that happened, as a callback tells it.
#[derive(Clone, Debug)]
pub(super) struct Happening {
    object: &'static str,
    kind: &'static str,
    id: Option<u64>,
    cell: Option<(u64, u64)>,
    user: u64,
    agent: Option<String>,
    at: Timestamp,
}

impl Happening {
    pub(super) fn of(
        object: &'static str,
        kind: &'static str,
        id: Option<u64>,
        actor: &Actor,
        at: Timestamp,
    ) -> Self {
        Self {
            object,
            kind,
            id,
            cell: None,
            user: actor.user.id,
            agent: actor.agent.clone(),
            at,
        }
    }

    pub(super) fn cell(row: u64, column: u64, actor: &Actor, at: Timestamp) -> Self {
        Self {
            cell: Some((row, column)),
            ..Self::of("cell", "updated", None, actor, at)
        }
    }

    /// A subscope lets through its own columns' cells, and the removal of any row.
    fn concerns(&self, columns: &BTreeSet<u64>) -> bool {
        columns.is_empty()
            || self
                .cell
                .is_some_and(|(_, column)| columns.contains(&column))
            || (self.object == "row" && self.kind == "deleted")
    }

    fn shown(&self) -> Value {
        let mut shown = json!({"objectType": self.object, "eventType": self.kind});
        if let Some(id) = self.id {
            shown["id"] = json!(id);
        }
        if let Some((row, column)) = self.cell {
            shown["rowId"] = json!(row);
            shown["columnId"] = json!(column);
        }
        shown["userId"] = json!(self.user);
        shown["timestamp"] = json!(moment(self.at));
        if let Some(agent) = &self.agent {
            shown["changeAgent"] = json!(agent);
        }
        shown
    }
}

/// A moment as callbacks spell it.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000+00:00").to_string()
}

/// The owner alone sees a webhook.
fn owned(backend: &Backend, id: u64) -> Result<Webhook, Problem> {
    let found = backend.books().webhooks.get(&id).cloned();
    found
        .filter(|webhook| webhook.owner == BROKER)
        .ok_or_else(Problem::not_found)
}

async fn list(State(backend): State<Arc<Backend>>, query: Query) -> Answer {
    if query.is_set("includeAll") {
        // Ended in June 2026.
        return Err(Problem::wrong_parameter("includeAll", "true"));
    }
    let webhooks: Vec<Value> = {
        let books = backend.books();
        let ours = books
            .webhooks
            .values()
            .filter(|webhook| webhook.owner == BROKER);
        ours.map(shown).collect()
    };
    query.page(webhooks).map(Json)
}

async fn read(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    owned(&backend, id).map(|webhook| Json(shown(&webhook)))
}

const REQUIRED: [&str; 6] = [
    "callbackUrl",
    "events",
    "name",
    "scope",
    "scopeObjectId",
    "version",
];

async fn make(State(backend): State<Arc<Backend>>, Body(body): Body) -> Answer {
    let members = body
        .as_object()
        .ok_or_else(|| Problem::unreadable("a webhook must be an object"))?;
    if let Some(wrong) = members
        .keys()
        .find(|name| !REQUIRED.contains(&name.as_str()) && *name != "subscope")
    {
        return Err(Problem::not_here(&format!("webhook.{wrong}")));
    }
    for name in REQUIRED {
        if members.get(name).is_none_or(Value::is_null) {
            return Err(Problem::missing(&format!("webhook.{name}")));
        }
    }
    for (name, wanted) in [
        ("scope", json!("sheet")),
        ("events", json!(["*.*"])),
        ("version", json!(1)),
    ] {
        if members.get(name) != Some(&wanted) {
            return Err(Problem::wrong_attribute(
                name,
                members.get(name).unwrap_or(&Value::Null),
            ));
        }
    }
    let text = |name: &str| {
        members
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let url = text("callbackUrl");
    backend.settings.callback_addresses.check(&url)?;
    let sheet = members
        .get("scopeObjectId")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    backend
        .admit(sheet, AccessLevel::Viewer)
        .map_err(|_| Problem::no_scope())?;
    let columns = subscope(&backend, members)?;
    let webhook = backend.keep_webhook(BROKER, &text("name"), &url, columns);
    Ok(Json(success(None, &shown(&webhook))))
}

fn subscope(backend: &Backend, members: &Map<String, Value>) -> Result<BTreeSet<u64>, Problem> {
    let ids = members
        .get("subscope")
        .and_then(|subscope| subscope.get("columnIds"));
    let ids = ids.and_then(Value::as_array).into_iter().flatten();
    ids.map(|id| {
        let column = id.as_u64().and_then(|id| backend.column(id));
        let column =
            column.ok_or_else(|| Problem::bad(1036, format!("The columnId {id} is invalid.")))?;
        Ok(column.id)
    })
    .collect()
}

const CHANGEABLE: [&str; 5] = ["callbackUrl", "enabled", "events", "name", "version"];

async fn change(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    Body(body): Body,
) -> Answer {
    let webhook = owned(&backend, id)?;
    let members = body
        .as_object()
        .ok_or_else(|| Problem::unreadable("a webhook must be an object"))?;
    if let Some(wrong) = members
        .keys()
        .find(|name| !CHANGEABLE.contains(&name.as_str()))
    {
        return Err(Problem::not_here(&format!("webhook.{wrong}")));
    }
    if let Some(url) = members.get("callbackUrl").and_then(Value::as_str) {
        backend.settings.callback_addresses.check(url)?;
        backend.update_webhook(id, |webhook| url.clone_into(&mut webhook.url));
    }
    match members.get("enabled") {
        Some(Value::Bool(false)) => {
            backend.update_webhook(id, |webhook| webhook.status = Status::ByOwner);
        }
        Some(Value::Bool(true)) if webhook.status == Status::Administrative => {
            return Err(Problem::switched_off_by_support());
        }
        Some(Value::Bool(true)) if webhook.status != Status::Enabled => backend.verify(id).await,
        _ => {}
    }
    owned(&backend, id).map(|webhook| Json(success(None, &shown(&webhook))))
}

async fn remove(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    owned(&backend, id)?;
    backend.books().webhooks.remove(&id);
    let write = Write::new(Deed::Removed, Thing::Subscription, id, Doer::Api);
    backend.journal.record(write);
    Ok(Json(json!({"message": "SUCCESS", "resultCode": 0})))
}

async fn reset(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    owned(&backend, id)?;
    let secret = fresh_secret();
    backend.update_webhook(id, |webhook| webhook.secret.clone_from(&secret));
    Ok(Json(success(None, &json!({"sharedSecret": secret}))))
}

fn fresh_secret() -> String {
    uuid::Uuid::now_v7()
        .simple()
        .to_string()
        .chars()
        .rev()
        .take(26)
        .collect()
}

fn shown(webhook: &Webhook) -> Value {
    let mut shown = json!({
        "id": webhook.id,
        "name": webhook.name,
        "scope": "sheet",
        "scopeObjectId": SHEET,
        "subscope": {"columnIds": webhook.columns},
        "events": ["*.*"],
        "callbackUrl": webhook.url,
        "sharedSecret": webhook.secret,
        "enabled": webhook.status == Status::Enabled,
        "status": webhook.status.name(),
        "version": 1,
        "createdAt": webhook.created.to_string(),
        "modifiedAt": webhook.created.to_string(),
    });
    if !matches!(webhook.status, Status::Enabled | Status::New) {
        shown["disabledDetails"] = json!(webhook.status.name().to_lowercase().replace('_', " "));
    }
    shown
}

impl CallbackAddresses {
    fn check(self, url: &str) -> Result<(), Problem> {
        const PORTS: [u16; 5] = [443, 8000, 8008, 8080, 8443];
        let no_https = || Problem::bad(1152, "URL must have HTTPS.");
        let parsed = Url::parse(url).map_err(|_| no_https())?;
        let address: Option<IpAddr> = match parsed.host() {
            Some(url::Host::Ipv4(address)) => Some(address.into()),
            Some(url::Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        let is_loopback = address.is_some_and(|address| address.is_loopback())
            || parsed.host_str() == Some("localhost");
        if self == Self::LoopbackToo && is_loopback {
            return Ok(());
        }
        if parsed.scheme() != "https" {
            return Err(no_https());
        }
        let is_private = match address {
            Some(IpAddr::V4(address)) => {
                address.is_private() || address.is_loopback() || address.is_link_local()
            }
            Some(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
            None => is_loopback,
        };
        let port = parsed.port_or_known_default().unwrap_or_default();
        if is_private || !PORTS.contains(&port) {
            return Err(Problem::wrong_attribute("webhook.callbackUrl", &json!(url)));
        }
        Ok(())
    }
}

/// How many callbacks go between two challenges.
const CALLS_BETWEEN_CHALLENGES: u64 = 100;

/// The waits before the fourteen retries: seven that double, then every three hours.
fn waits() -> impl Iterator<Item = Duration> {
    let minutes = [1, 2, 4, 8, 16, 32, 64, 180, 180, 180, 180, 180, 180, 180];
    minutes
        .into_iter()
        .map(|minutes| Duration::from_secs(minutes * 60))
}

impl Backend {
    /// Keeps a new webhook, which is off.
    pub(super) fn keep_webhook(
        &self,
        owner: User,
        name: &str,
        url: &str,
        columns: BTreeSet<u64>,
    ) -> Webhook {
        let created = self.now();
        let mut books = self.books();
        let webhook = Webhook {
            id: books.take_id(),
            owner,
            name: name.to_owned(),
            url: url.to_owned(),
            columns,
            secret: fresh_secret(),
            status: Status::New,
            created,
            waiting: Vec::new(),
            is_busy: false,
            calls: 0,
        };
        books.webhooks.insert(webhook.id, webhook.clone());
        drop(books);
        let write = Write::new(Deed::Created, Thing::Subscription, webhook.id, Doer::Api);
        self.journal.record(write.called(name));
        webhook
    }

    pub(super) fn update_webhook(&self, id: u64, change: impl FnOnce(&mut Webhook)) {
        let mut books = self.books();
        let Some(webhook) = books.webhooks.get_mut(&id) else {
            return;
        };
        let before = webhook.status;
        change(webhook);
        let after = webhook.status;
        if after != Status::Enabled {
            // What happens meanwhile is never told.
            webhook.waiting.clear();
        }
        drop(books);
        if before != after {
            let write = Write::new(Deed::Updated, Thing::Subscription, id, Doer::System);
            self.journal.record(write.called(after.name()));
        }
    }

    /// Sends a challenge and switches the webhook on, or off, by what comes back.
    pub(super) async fn verify(&self, id: u64) {
        let Some(url) = self
            .books()
            .webhooks
            .get(&id)
            .map(|webhook| webhook.url.clone())
        else {
            return;
        };
        let status = if self.challenge(id, &url).await {
            Status::Enabled
        } else {
            Status::VerificationFailed
        };
        self.update_webhook(id, |webhook| webhook.status = status);
    }

    async fn challenge(&self, id: u64, url: &str) -> bool {
        let value = uuid::Uuid::now_v7().to_string();
        let request = self
            .outbox
            .client()
            .post(url)
            .header("Smartsheet-Hook-Challenge", &value)
            .json(&json!({"challenge": value, "webhookId": id}));
        let Ok(response) = request.send().await else {
            return false;
        };
        let is_ok = response.status().as_u16() == 200;
        let header = response.headers().get("smartsheet-hook-response");
        let in_header = header.and_then(|header| header.to_str().ok()) == Some(value.as_str());
        let body: Value = response.json().await.unwrap_or_default();
        is_ok && (in_header || body["smartsheetHookResponse"] == value.as_str())
    }

    /// Tells the webhooks what happened.
    pub(super) fn announce(self: &Arc<Self>, happenings: &[Happening]) {
        if !self.outbox.is_open() {
            return;
        }
        let mut idle = Vec::new();
        {
            let mut books = self.books();
            let mut told: Vec<(u64, String, BTreeSet<u64>)> = Vec::new();
            for webhook in books.webhooks.values_mut() {
                let key = (
                    webhook.owner.id,
                    webhook.url.clone(),
                    webhook.columns.clone(),
                );
                // Of those that are alike only the oldest is called.
                if webhook.status != Status::Enabled || told.contains(&key) {
                    continue;
                }
                told.push(key);
                let concerned = happenings
                    .iter()
                    .filter(|happening| happening.concerns(&webhook.columns));
                webhook.waiting.extend(concerned.cloned());
                if !webhook.waiting.is_empty() && !webhook.is_busy {
                    webhook.is_busy = true;
                    idle.push(webhook.id);
                }
            }
        }
        for id in idle {
            self.outbox.send(self.clone().deliver(id));
        }
    }

    /// Calls a webhook until nothing waits: one call at a time, all that waits in one call.
    async fn deliver(self: Arc<Self>, id: u64) {
        while let Some((webhook, events)) = self.next_call(id) {
            let is_due =
                webhook.calls > 0 && webhook.calls.is_multiple_of(CALLS_BETWEEN_CHALLENGES);
            if is_due && !self.challenge(id, &webhook.url).await {
                self.update_webhook(id, |webhook| webhook.status = Status::VerificationFailed);
                continue;
            }
            let body = self.body(&webhook, &json!({"events": events}));
            if !self.call_until_taken(&webhook, &body).await {
                self.update_webhook(id, |webhook| webhook.status = Status::CallbackFailed);
                let write = Write::new(Deed::Removed, Thing::Delivery, id, Doer::System);
                self.journal
                    .record(write.called("the webhook was switched off"));
            }
        }
    }

    fn next_call(&self, id: u64) -> Option<(Webhook, Vec<Value>)> {
        let mut books = self.books();
        let webhook = books.webhooks.get_mut(&id)?;
        if webhook.waiting.is_empty() {
            webhook.is_busy = false;
            return None;
        }
        let events = webhook
            .waiting
            .drain(..)
            .map(|happening| happening.shown())
            .collect();
        let now = webhook.clone();
        webhook.calls += 1;
        Some((now, events))
    }

    fn body(&self, webhook: &Webhook, more: &Value) -> String {
        let mut body = json!({
            "nonce": uuid::Uuid::now_v7().to_string(),
            "timestamp": moment(self.now()),
            "webhookId": webhook.id,
            "scope": "sheet",
            "scopeObjectId": SHEET,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name.as_str()] = value.clone();
        }
        body.to_string()
    }

    async fn call_until_taken(&self, webhook: &Webhook, body: &str) -> bool {
        let mut waits = waits();
        loop {
            let request = self
                .outbox
                .client()
                .post(&webhook.url)
                .header("Content-Type", "application/json; charset=UTF-8")
                .header("Smartsheet-Hmac-SHA256", signature(&webhook.secret, body))
                .header("Smartsheet-Hook-Id", webhook.id.to_string())
                .body(body.to_owned());
            match self.outbox.call(request).await {
                200 => return true,
                // A timeout is tried again, and so is what may pass.
                0 | 400..=409 | 411..=599 => {}
                _ => return false,
            }
            match waits.next() {
                Some(wait) => self.outbox.wait(wait).await,
                None => return false,
            }
        }
    }

    /// The token's account loses the sheet, or gets it back: the webhooks stand still meanwhile and say so.
    pub(super) fn change_access(self: &Arc<Self>, access: AccessLevel) {
        let webhooks: Vec<Webhook> = {
            let mut books = self.books();
            books.access = access;
            books.webhooks.values().cloned().collect()
        };
        for webhook in webhooks {
            let status = match (access, webhook.status) {
                (AccessLevel::None, Status::Enabled) => Status::Inaccessible,
                (AccessLevel::None, _) => continue,
                (_, Status::Inaccessible) => Status::Enabled,
                _ => continue,
            };
            self.update_webhook(webhook.id, |webhook| webhook.status = status);
            let body = self.body(&webhook, &json!({"newWebhookStatus": status.name()}));
            let backend = self.clone();
            self.outbox.send(async move {
                backend.call_until_taken(&webhook, &body).await;
            });
        }
    }
}

fn signature(secret: &str, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    mac.map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(body.as_bytes());
            hex::encode(mac.finalize().into_bytes())
        },
    )
}
