//! What people can ask of the engine.

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::watch;
use uuid::Uuid;

use super::making::Making;
use super::view::{Overview, TransactionDetail};
use super::workbench::Workbench;
use crate::mapping::{Problem, Severity};
use crate::model::{
    Catalogue, ConnectorId, Direction, EventName, Failure, PayloadKind, RecordId, Step,
    Transaction, TransactionId,
};
use crate::platform::{Probe, Subscription, SubscriptionPlan};
use crate::store::{
    AuditEntry, FailureGroup, GroupQuery, ListQuery, Page, PageCursor, PersonCommand, StoreError,
};

/// Why the engine did not do what was asked.
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "error", content = "message")]
pub enum ControlError {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// It is not allowed, or not possible as things stand.
    #[error("{0}")]
    Refused(String),
    /// What the person saw is no longer so.
    #[error("{0}")]
    Stale(String),
    /// The store, the platform or Field Nation failed.
    #[error("{0}")]
    Failed(String),
}

impl From<StoreError> for ControlError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(_) => Self::NotFound(error.to_string()),
            StoreError::Stale { .. } | StoreError::StaleDraft(_) => Self::Stale(error.to_string()),
            StoreError::Illegal(_) => Self::Refused(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// How a transaction is run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replay {
    /// Send the output it made then.
    SameOutput,
    /// Map the source it had then with the mapping of now.
    Remap,
    /// Fetch the source anew and map it with the mapping of now.
    Refetch,
}

/// What a replay would send, shown before it is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayPlan {
    /// What the mapping makes, or made.
    pub output: Map<String, Value>,
    /// Of that, what differs from what was last delivered and would be sent.
    pub would_send: Map<String, Value>,
    /// Why it would fail, if it would.
    pub problems: Vec<String>,
}

/// On what a preview is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sample {
    /// The source stored with a transaction.
    Transaction(TransactionId),
    /// A record, fetched now.
    Record(RecordId),
    /// A record that an earlier preview fetched, as it was then: whoever types asks often, and the platform's calls
    /// are counted.
    Fetched {
        /// Which.
        record: RecordId,
        /// What it was called.
        label: String,
        /// Its source.
        source: Value,
    },
    /// A source given as it is.
    Source(Value),
}

/// The mapping that a preview uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingDraft {
    /// The one on disk now, in force or not.
    #[default]
    Current,
    /// This text.
    Text(String),
}

/// A question: what would the mapping make of this?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreviewRequest {
    /// Whose mapping.
    pub connector: ConnectorId,
    /// Which rules.
    pub direction: Direction,
    /// The event, on outbound.
    #[serde(default)]
    pub event: Option<EventName>,
    /// Of what.
    pub sample: Sample,
    /// By which mapping.
    #[serde(default)]
    pub mapping: MappingDraft,
}

/// The answer, rule by rule. `fields`, `problems`, `warnings` and `trace` are as the mapping room serialises them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreviewResult {
    /// What the sample is called, e.g. `ticket 48213`.
    pub label: String,
    /// The source.
    pub source: Value,
    /// The output, nested.
    pub output: Map<String, Value>,
    /// One line a rule: what it read, what it wrote, how.
    pub fields: Vec<PreviewField>,
    /// What is wrong, in words, each with its rule where it has one.
    pub problems: Vec<(Option<usize>, String)>,
    /// What to look at.
    pub warnings: Vec<String>,
    /// What `std.trace` said.
    pub trace: Vec<String>,
    /// What a check of the mapping says, with places in its file. With an error among them it is no mapping, and
    /// nothing was mapped.
    #[serde(default)]
    pub findings: Vec<Problem>,
    /// What was last delivered for that record, nested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Map<String, Value>>,
}

impl PreviewResult {
    /// Whether the mapping could not be read, so that nothing was mapped.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
            && self.fields.is_empty()
            && self.problems.is_empty()
    }
}

/// One rule's line in a preview.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreviewField {
    /// The rule, counted from 1.
    pub rule: usize,
    /// Its action, e.g. `array map`.
    pub action: String,
    /// The source path, if it has one.
    #[serde(default)]
    pub source: Option<String>,
    /// What was read there.
    #[serde(default)]
    pub read: Option<Value>,
    /// The target path.
    pub target: String,
    /// What was written there; `None` when it was left unset.
    #[serde(default)]
    pub written: Option<Value>,
    /// How, in words: `default used`, `number from text`, `no match`, …; empty for a plain copy.
    #[serde(default)]
    pub how: String,
    /// Why it failed.
    #[serde(default)]
    pub problem: Option<String>,
    /// What was last delivered there, if it differs.
    #[serde(default)]
    pub was: Option<Value>,
}

/// The engine, as the control API serves it. Every method may be called at once from many tasks.
#[async_trait]
pub trait Control: Workbench + Making {
    /// Everything the first screen shows.
    async fn overview(&self) -> Result<Overview, ControlError>;

    /// Changes its value whenever anything worth showing may have changed.
    fn changes(&self) -> watch::Receiver<u64>;

    /// A page of transactions.
    async fn list(&self, query: ListQuery) -> Result<Page<Transaction>, ControlError>;

    /// Failure groups.
    async fn groups(&self, query: GroupQuery) -> Result<Vec<FailureGroup>, ControlError>;

    /// One transaction with its journal.
    async fn transaction(&self, id: TransactionId) -> Result<TransactionDetail, ControlError>;

    /// One payload.
    async fn payload(
        &self,
        id: TransactionId,
        kind: PayloadKind,
    ) -> Result<Option<Bytes>, ControlError>;

    /// Retry, discard or restore one transaction.
    async fn command(&self, command: PersonCommand) -> Result<Transaction, ControlError>;

    /// What a replay would send.
    async fn plan_replay(
        &self,
        id: TransactionId,
        replay: Replay,
    ) -> Result<ReplayPlan, ControlError>;

    /// Runs a transaction again as a new one; answers the new one. `command` makes it safe to resend. With `output`,
    /// that output is sent (edit and send).
    async fn replay(
        &self,
        id: TransactionId,
        replay: Replay,
        output: Option<Map<String, Value>>,
        command: Uuid,
        by: &str,
    ) -> Result<Transaction, ControlError>;

    /// Queues a record as if its platform had triggered it; answers the transaction.
    async fn trigger(
        &self,
        connector: &ConnectorId,
        record: &RecordId,
        by: &str,
    ) -> Result<TransactionId, ControlError>;

    /// What the mapping would make of a sample.
    async fn preview(&self, request: PreviewRequest) -> Result<PreviewResult, ControlError>;

    /// Pauses a connector; answers how many transactions are held.
    async fn pause(&self, connector: &ConnectorId, by: &str) -> Result<u64, ControlError>;

    /// Resumes a connector; answers how many were released.
    async fn resume(&self, connector: &ConnectorId, by: &str) -> Result<u64, ControlError>;

    /// Checks a connector's credential and features; resumes a held one that is well again.
    async fn probe(&self, connector: &ConnectorId) -> Result<Probe, ControlError>;

    /// Refresh Fields: reads both sides' catalogues anew. Inbound is Field Nation's, outbound the platform's.
    async fn refresh_fields(&self, connector: &ConnectorId) -> Result<(), ControlError>;

    /// The stored catalogue of a side.
    async fn fields(
        &self,
        connector: &ConnectorId,
        direction: Direction,
    ) -> Result<Option<Catalogue>, ControlError>;

    /// The address that triggers a connector.
    async fn trigger_url(&self, connector: &ConnectorId) -> Result<String, ControlError>;

    /// Makes a new address and refuses the old one from now on.
    async fn rotate_token(&self, connector: &ConnectorId, by: &str)
    -> Result<String, ControlError>;

    /// How the vendor is brought to call us.
    async fn subscription_plan(
        &self,
        connector: &ConnectorId,
    ) -> Result<SubscriptionPlan, ControlError>;

    /// The subscriptions that lead to us.
    async fn subscriptions(
        &self,
        connector: &ConnectorId,
    ) -> Result<Vec<Subscription>, ControlError>;

    /// Makes a subscription.
    async fn subscribe(
        &self,
        connector: &ConnectorId,
        by: &str,
    ) -> Result<Subscription, ControlError>;

    /// Removes a subscription.
    async fn unsubscribe(
        &self,
        connector: &ConnectorId,
        id: &str,
        by: &str,
    ) -> Result<(), ControlError>;

    /// The webhooks at Field Nation that lead to us.
    async fn webhooks(&self) -> Result<Vec<Subscription>, ControlError>;

    /// Registers our webhook at Field Nation for all events, or re-enables it.
    async fn register_webhook(&self, by: &str) -> Result<Subscription, ControlError>;

    /// Removes a webhook at Field Nation.
    async fn remove_webhook(&self, id: &str, by: &str) -> Result<(), ControlError>;

    /// The audit trail, newest first.
    async fn audit(
        &self,
        limit: usize,
        before: Option<PageCursor>,
    ) -> Result<Page<AuditEntry>, ControlError>;

    /// Keeps a secret (sealed), or removes it.
    async fn set_secret(
        &self,
        name: &str,
        value: Option<secrecy::SecretString>,
        by: &str,
    ) -> Result<(), ControlError>;

    /// The names of the secrets kept.
    async fn secret_names(&self) -> Result<Vec<String>, ControlError>;

    /// Numbers for `/metrics`, as Prometheus text.
    async fn metrics(&self) -> Result<String, ControlError>;

    /// Stops taking on work, finishes or requeues what is in flight, and ends the engine.
    fn stop(&self, by: &str);
}

/// A failure with the step it happened in, as it is told to people.
#[must_use]
pub fn told(step: Step, failure: &Failure) -> String {
    match &failure.hint {
        Some(hint) => format!(
            "{}: {}. {hint}",
            step.word(),
            failure.cause.trim_end_matches('.')
        ),
        None => format!("{}: {}", step.word(), failure.cause),
    }
}
