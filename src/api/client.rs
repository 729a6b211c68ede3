//! The client of the control API.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use percent_encoding::AsciiSet;
use reqwest::{Method, RequestBuilder, Response};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::updates::Updates;
use super::wire::{
    AuditRequest, CommandRequest, Concerned, Hello, PROTOCOL, PROTOCOL_HEADER, PlanRequest,
    ReplayRequest, SecretRequest, TriggerRequest, TriggerUrl, Triggered,
};
use crate::engine::{
    ControlError, Overview, PreviewRequest, PreviewResult, Replay, ReplayPlan, TransactionDetail,
};
use crate::model::{
    Catalogue, ConnectorId, Direction, PayloadKind, RecordId, Transaction, TransactionId,
};
use crate::platform::{Probe, Subscription, SubscriptionPlan};
use crate::store::{AuditEntry, FailureGroup, GroupQuery, ListQuery, Page, PageCursor, PersonMove};

/// Why nothing came back from the engine, or what came back instead.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// No engine listens at the socket.
    #[error(
        "no engine is running (nothing answers at {}); start one with: fieldbridge serve",
        .0.display()
    )]
    NotRunning(PathBuf),
    /// The socket is there, but this user may not open it.
    #[error(
        "the control socket {} belongs to another user; run this as that user or as root",
        .0.display()
    )]
    Closed(PathBuf),
    /// The two sides speak different versions; says which to restart.
    #[error("{0}")]
    Version(String),
    /// The engine went away.
    #[error("the connection to the engine was lost: {0}")]
    Lost(String),
    /// The answer can't be read.
    #[error("the engine's answer can't be read: {0}")]
    Unreadable(String),
    /// The engine did not do it.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// How far a client goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// As far as the person's role allows.
    #[default]
    Full,
    /// It only looks; whatever changes anything is refused before it is sent.
    ReadOnly,
}

/// A connection to a running engine. Cheap to clone; all clones share it.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    socket: Arc<Path>,
    hello: Arc<Hello>,
    access: Access,
}

/// What comes back, or why nothing did.
pub type Answer<T> = Result<T, ClientError>;

impl Client {
    /// Connects to the engine that listens at a socket and compares versions.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] when nothing listens there, [`ClientError::Version`] when one side is older.
    pub async fn connect(socket: &Path) -> Answer<Self> {
        install_crypto();
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .build()
            .map_err(|error| ClientError::Unreadable(error.to_string()))?;
        let socket: Arc<Path> = socket.into();
        let response = sent(&socket, http.get(address(&["hello"]))).await?;
        let greeting: Value = read(response).await?;
        let hello = compared(greeting)?;
        Ok(Self {
            http,
            socket,
            hello: Arc::new(hello),
            access: Access::Full,
        })
    }

    /// Limits what this client will ask for.
    #[must_use]
    pub fn with_access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// What the engine said of itself and of us when we connected.
    #[must_use]
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Where the engine listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Live updates, beginning with a snapshot.
    ///
    /// # Errors
    /// As of any call.
    pub async fn updates(&self) -> Answer<Updates> {
        let request = self.request(Method::GET, &["v1", "updates"]);
        Ok(Updates::new(self.send(request).await?))
    }

    /// Everything the first screen shows.
    ///
    /// # Errors
    /// As of any call.
    pub async fn overview(&self) -> Answer<Overview> {
        self.get(&["v1", "overview"]).await
    }

    /// A page of transactions.
    ///
    /// # Errors
    /// As of any call.
    pub async fn list(&self, query: &ListQuery) -> Answer<Page<Transaction>> {
        self.ask(&["v1", "transactions", "list"], query).await
    }

    /// Failure groups.
    ///
    /// # Errors
    /// As of any call.
    pub async fn groups(&self, query: &GroupQuery) -> Answer<Vec<FailureGroup>> {
        self.ask(&["v1", "groups"], query).await
    }

    /// One transaction with its journal.
    ///
    /// # Errors
    /// As of any call; not found, if there is none.
    pub async fn transaction(&self, id: TransactionId) -> Answer<TransactionDetail> {
        self.get(&["v1", "transactions", &id.to_string()]).await
    }

    /// One payload; `None` when there is none of this kind.
    ///
    /// # Errors
    /// As of any call.
    pub async fn payload(&self, id: TransactionId, kind: PayloadKind) -> Answer<Option<Bytes>> {
        let id = id.to_string();
        let path = ["v1", "transactions", &id, "payloads", kind.word()];
        let response = self.send(self.request(Method::GET, &path)).await?;
        if response.status() == http::StatusCode::NO_CONTENT {
            return Ok(None);
        }
        response
            .bytes()
            .await
            .map(Some)
            .map_err(|error| lost(&error))
    }

    /// Retries, discards or restores a transaction. The same `command` sent twice acts once.
    ///
    /// # Errors
    /// As of any call; stale, when the person saw another revision than there is now.
    pub async fn command(
        &self,
        id: TransactionId,
        action: PersonMove,
        seen: Option<u64>,
        command: Uuid,
    ) -> Answer<Transaction> {
        let request = CommandRequest {
            id: command,
            seen,
            action,
        };
        let id = id.to_string();
        self.act(&["v1", "transactions", &id, "commands"], &request)
            .await
    }

    /// What a replay would send.
    ///
    /// # Errors
    /// As of any call.
    pub async fn plan_replay(&self, id: TransactionId, replay: Replay) -> Answer<ReplayPlan> {
        let id = id.to_string();
        let path = ["v1", "transactions", &id, "replay-plan"];
        self.ask(&path, &PlanRequest { replay }).await
    }

    /// Runs a transaction again as a new one, with another output if one is given. The same `command` sent twice
    /// acts once.
    ///
    /// # Errors
    /// As of any call.
    pub async fn replay(
        &self,
        id: TransactionId,
        replay: Replay,
        output: Option<Map<String, Value>>,
        command: Uuid,
    ) -> Answer<Transaction> {
        let request = ReplayRequest {
            command,
            replay,
            output,
        };
        let id = id.to_string();
        self.act(&["v1", "transactions", &id, "replays"], &request)
            .await
    }

    /// Queues a record as if its platform had triggered it.
    ///
    /// # Errors
    /// As of any call.
    pub async fn trigger(
        &self,
        connector: &ConnectorId,
        record: &RecordId,
    ) -> Answer<TransactionId> {
        let request = TriggerRequest {
            record: record.clone(),
        };
        let path = ["v1", "connectors", connector.as_str(), "triggers"];
        let triggered: Triggered = self.act(&path, &request).await?;
        Ok(triggered.transaction)
    }

    /// What the mapping would make of a sample.
    ///
    /// # Errors
    /// As of any call.
    pub async fn preview(&self, request: &PreviewRequest) -> Answer<PreviewResult> {
        self.ask(&["v1", "preview"], request).await
    }

    /// Pauses a connector; answers how many transactions are held.
    ///
    /// # Errors
    /// As of any call.
    pub async fn pause(&self, connector: &ConnectorId) -> Answer<u64> {
        let path = ["v1", "connectors", connector.as_str(), "pause"];
        let concerned: Concerned = self.act(&path, &()).await?;
        Ok(concerned.transactions)
    }

    /// Resumes a connector; answers how many transactions were released.
    ///
    /// # Errors
    /// As of any call.
    pub async fn resume(&self, connector: &ConnectorId) -> Answer<u64> {
        let path = ["v1", "connectors", connector.as_str(), "resume"];
        let concerned: Concerned = self.act(&path, &()).await?;
        Ok(concerned.transactions)
    }

    /// Checks a connector's credential and features; resumes a held one that is well again.
    ///
    /// # Errors
    /// As of any call.
    pub async fn probe(&self, connector: &ConnectorId) -> Answer<Probe> {
        let path = ["v1", "connectors", connector.as_str(), "probe"];
        self.act(&path, &()).await
    }

    /// Refresh Fields: reads both sides' catalogues anew.
    ///
    /// # Errors
    /// As of any call.
    pub async fn refresh_fields(&self, connector: &ConnectorId) -> Answer<()> {
        let path = ["v1", "connectors", connector.as_str(), "refresh-fields"];
        self.act(&path, &()).await
    }

    /// The stored catalogue of a side; `None` before the first refresh.
    ///
    /// # Errors
    /// As of any call.
    pub async fn fields(
        &self,
        connector: &ConnectorId,
        direction: Direction,
    ) -> Answer<Option<Catalogue>> {
        let path = [
            "v1",
            "connectors",
            connector.as_str(),
            "fields",
            direction.word(),
        ];
        self.get(&path).await
    }

    /// The address that triggers a connector. It is a secret.
    ///
    /// # Errors
    /// As of any call.
    pub async fn trigger_url(&self, connector: &ConnectorId) -> Answer<String> {
        let path = ["v1", "connectors", connector.as_str(), "trigger-url"];
        let answer: TriggerUrl = self.get(&path).await?;
        Ok(answer.url)
    }

    /// Makes a new address; the old one is refused from now on.
    ///
    /// # Errors
    /// As of any call.
    pub async fn rotate_token(&self, connector: &ConnectorId) -> Answer<String> {
        let path = ["v1", "connectors", connector.as_str(), "rotate-token"];
        let answer: TriggerUrl = self.act(&path, &()).await?;
        Ok(answer.url)
    }

    /// How the vendor is brought to call us.
    ///
    /// # Errors
    /// As of any call.
    pub async fn subscription_plan(&self, connector: &ConnectorId) -> Answer<SubscriptionPlan> {
        let path = ["v1", "connectors", connector.as_str(), "subscription-plan"];
        self.get(&path).await
    }

    /// The subscriptions that lead to us.
    ///
    /// # Errors
    /// As of any call.
    pub async fn subscriptions(&self, connector: &ConnectorId) -> Answer<Vec<Subscription>> {
        let path = ["v1", "connectors", connector.as_str(), "subscriptions"];
        self.get(&path).await
    }

    /// Makes a subscription.
    ///
    /// # Errors
    /// As of any call.
    pub async fn subscribe(&self, connector: &ConnectorId) -> Answer<Subscription> {
        let path = ["v1", "connectors", connector.as_str(), "subscriptions"];
        self.act(&path, &()).await
    }

    /// Removes a subscription.
    ///
    /// # Errors
    /// As of any call.
    pub async fn unsubscribe(&self, connector: &ConnectorId, id: &str) -> Answer<()> {
        let path = ["v1", "connectors", connector.as_str(), "subscriptions", id];
        self.delete(&path).await
    }

    /// The webhooks at Field Nation that lead to us.
    ///
    /// # Errors
    /// As of any call.
    pub async fn webhooks(&self) -> Answer<Vec<Subscription>> {
        self.get(&["v1", "webhooks"]).await
    }

    /// Registers our webhook at Field Nation for all events, or re-enables it.
    ///
    /// # Errors
    /// As of any call.
    pub async fn register_webhook(&self) -> Answer<Subscription> {
        self.act(&["v1", "webhooks"], &()).await
    }

    /// Removes a webhook at Field Nation.
    ///
    /// # Errors
    /// As of any call.
    pub async fn remove_webhook(&self, id: &str) -> Answer<()> {
        self.delete(&["v1", "webhooks", id]).await
    }

    /// A page of the audit trail, newest first.
    ///
    /// # Errors
    /// As of any call.
    pub async fn audit(
        &self,
        limit: usize,
        before: Option<PageCursor>,
    ) -> Answer<Page<AuditEntry>> {
        self.ask(&["v1", "audit"], &AuditRequest { limit, before })
            .await
    }

    /// Keeps a secret, or removes it.
    ///
    /// # Errors
    /// As of any call.
    pub async fn set_secret(&self, name: &str, value: Option<SecretString>) -> Answer<()> {
        let path = ["v1", "secrets", name];
        match value {
            Some(value) => self.act(&path, &SecretRequest { value }).await,
            None => self.delete(&path).await,
        }
    }

    /// The names of the secrets kept.
    ///
    /// # Errors
    /// As of any call.
    pub async fn secret_names(&self) -> Answer<Vec<String>> {
        self.get(&["v1", "secrets"]).await
    }

    /// Numbers, as Prometheus text.
    ///
    /// # Errors
    /// As of any call.
    pub async fn metrics(&self) -> Answer<String> {
        let response = self
            .send(self.request(Method::GET, &["v1", "metrics"]))
            .await?;
        response.text().await.map_err(|error| lost(&error))
    }

    /// Asks the engine to finish or requeue what is in flight and to end.
    ///
    /// # Errors
    /// As of any call.
    pub async fn stop(&self) -> Answer<()> {
        self.act(&["v1", "stop"], &()).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Answer<T> {
        read(self.send(self.request(Method::GET, path)).await?).await
    }

    /// A question that needs a body; it changes nothing.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Answer<T> {
        let request = self.request(Method::POST, path).json(body);
        read(self.send(request).await?).await
    }

    /// Something that changes something.
    pub(super) async fn act<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Answer<T> {
        self.may_change()?;
        self.ask(path, body).await
    }

    pub(super) async fn delete(&self, path: &[&str]) -> Answer<()> {
        self.may_change()?;
        read(self.send(self.request(Method::DELETE, path)).await?).await
    }

    pub(super) fn may_change(&self) -> Answer<()> {
        match self.access {
            Access::Full => Ok(()),
            Access::ReadOnly => Err(ControlError::Refused(
                "this was started read-only (--read-only); nothing was changed".to_owned(),
            )
            .into()),
        }
    }

    pub(super) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.http.request(method, address(path))
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Answer<Response> {
        sent(&self.socket, request).await
    }
}

/// reqwest panics when no provider is installed at all, even for a plain socket; a second installation is refused
/// and does no harm.
fn install_crypto() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// What may stand in a path segment as it is; the router compares before it decodes.
const SEGMENT: AsciiSet = percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The host is never looked up: the socket is the way.
fn address(path: &[&str]) -> String {
    let mut address = String::from("http://engine");
    for segment in path {
        address.push('/');
        address.extend(percent_encoding::utf8_percent_encode(segment, &SEGMENT));
    }
    address
}

async fn sent(socket: &Path, request: RequestBuilder) -> Answer<Response> {
    let response = request
        .header(PROTOCOL_HEADER, PROTOCOL)
        .send()
        .await
        .map_err(|error| unreached(socket, &error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = response.bytes().await.map_err(|error| lost(&error))?;
    if status == http::StatusCode::UPGRADE_REQUIRED {
        return Err(ClientError::Version(
            String::from_utf8_lossy(&body).into_owned(),
        ));
    }
    match serde_json::from_slice::<ControlError>(&body) {
        Ok(error) => Err(error.into()),
        Err(_) => Err(ClientError::Unreadable(format!("{status}"))),
    }
}

pub(super) async fn read<T: DeserializeOwned>(response: Response) -> Answer<T> {
    let body = response.bytes().await.map_err(|error| lost(&error))?;
    serde_json::from_slice(&body).map_err(|error| ClientError::Unreadable(error.to_string()))
}

/// The error's own text speaks of URLs; people need the cause below it.
pub(super) fn lost(error: &reqwest::Error) -> ClientError {
    ClientError::Lost(root(error).to_string())
}

fn unreached(socket: &Path, error: &reqwest::Error) -> ClientError {
    if !error.is_connect() {
        return lost(error);
    }
    let kind = io_kind(error);
    match kind {
        Some(io::ErrorKind::PermissionDenied) => ClientError::Closed(socket.to_owned()),
        _ => ClientError::NotRunning(socket.to_owned()),
    }
}

fn root(error: &reqwest::Error) -> &dyn std::error::Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause
}

fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}

/// Reads a greeting; only its protocol number must be readable whatever the version.
fn compared(greeting: Value) -> Answer<Hello> {
    let theirs = greeting.get("protocol").and_then(Value::as_u64);
    if theirs == Some(u64::from(PROTOCOL)) {
        return serde_json::from_value(greeting)
            .map_err(|error| ClientError::Unreadable(error.to_string()));
    }
    let Some(theirs) = theirs else {
        return Err(ClientError::Unreadable(
            "whatever listens at the socket is no Fieldbridge engine".to_owned(),
        ));
    };
    let version = greeting
        .get("version")
        .and_then(Value::as_str)
        .unwrap_or("?");
    let pid = greeting.get("pid").and_then(Value::as_u64).unwrap_or(0);
    let ours = env!("CARGO_PKG_VERSION");
    Err(ClientError::Version(if theirs < u64::from(PROTOCOL) {
        format!(
            "the running engine is older (version {version}, protocol {theirs}) than this program (version {ours}, \
             protocol {PROTOCOL}): restart the engine (process {pid})"
        )
    } else {
        format!(
            "this program is older (version {ours}, protocol {PROTOCOL}) than the running engine (version {version}, \
             protocol {theirs}): quit it and start the newly installed fieldbridge"
        )
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_escape_what_people_named() {
        let url = address(&["v1", "secrets", "a/b ü"]);
        assert_eq!(url, "http://engine/v1/secrets/a%2Fb%20%C3%BC");
    }

    #[test]
    fn an_older_engine_is_to_be_restarted_and_a_newer_one_asks_for_a_new_program() {
        let older = json!({"protocol": 0, "version": "0.0.1", "pid": 4711});
        let message = compared(older).unwrap_err().to_string();
        assert!(
            message.contains("restart the engine (process 4711)"),
            "{message}"
        );
        let newer = json!({"protocol": PROTOCOL + 1, "version": "9.0.0", "anything": "else"});
        let message = compared(newer).unwrap_err().to_string();
        assert!(message.contains("this program is older"), "{message}");
        assert!(message.contains("9.0.0"), "{message}");
    }

    #[test]
    fn a_stranger_at_the_socket_is_told_from_an_engine() {
        let error = compared(json!({"hello": "world"})).unwrap_err();
        assert!(matches!(error, ClientError::Unreadable(_)), "{error}");
    }
}
