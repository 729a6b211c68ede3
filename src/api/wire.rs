//! What goes over the control socket: plain data, JSON on the wire.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::engine::{ConnectorView, ControlError, EngineView, Overview, QueueView, Replay};
use crate::model::{ConnectorId, RecordId, Timestamp, Transaction, TransactionId};
use crate::store::{FailureGroup, PageCursor, PersonMove};

/// The version of what is spoken over the control socket. Raised whenever one side would misread the other.
pub const PROTOCOL: u32 = 1;

/// The header by which a client says which version it speaks.
pub const PROTOCOL_HEADER: &str = "x-fieldbridge-protocol";

/// What the engine says of itself and of the person who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The [`PROTOCOL`] that the engine speaks.
    pub protocol: u32,
    /// The engine's version.
    pub version: String,
    /// What people call this installation.
    pub name: String,
    /// The engine's process.
    pub pid: u32,
    /// The Unix user who asks.
    pub user: String,
    /// What that user may do.
    pub role: Role,
}

/// What a person may do; each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look at everything.
    Viewer,
    /// Retry, discard, restore, replay, trigger and preview.
    Support,
    /// Everything.
    Admin,
}

impl Role {
    /// The word for people and config.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Admin => "admin",
        }
    }
}

/// One line of the update stream.
///
/// The first is a snapshot. A delta carries the number after that of the update before it; a snapshot may come at
/// any time, with any number, and replaces all that was known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// Counts the states of this engine process.
    pub sequence: u64,
    /// What is so now.
    pub body: UpdateBody,
}

/// What an update says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateBody {
    /// Everything.
    Snapshot(Box<Overview>),
    /// What changed, to be carried out by [`apply`].
    Delta(Vec<Change>),
}

/// One thing that changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The moment of this state, by the engine's clock. Stands first in every delta.
    Now(Timestamp),
    /// The engine.
    Engine(Box<EngineView>),
    /// The connectors.
    Connectors {
        /// Those that are new or differ, by id.
        changed: Vec<ConnectorView>,
        /// Those that are gone.
        removed: Vec<ConnectorId>,
    },
    /// The queues, all of them.
    Queues(Vec<QueueView>),
    /// The failure groups, all of them.
    Groups(Vec<FailureGroup>),
    /// The latest dead transactions.
    Failed {
        /// Which they are now, in order.
        order: Vec<TransactionId>,
        /// Those that are new or differ.
        changed: Vec<Transaction>,
    },
}

/// Carries out a delta's changes.
pub fn apply(overview: &mut Overview, changes: Vec<Change>) {
    for change in changes {
        match change {
            Change::Now(now) => overview.engine.now = now,
            Change::Engine(engine) => overview.engine = *engine,
            Change::Connectors { changed, removed } => {
                let connectors = &mut overview.connectors;
                connectors.retain(|connector| {
                    !removed.contains(&connector.id)
                        && changed.iter().all(|other| other.id != connector.id)
                });
                connectors.extend(changed);
                connectors.sort_by(|left, right| left.id.cmp(&right.id));
            }
            Change::Queues(queues) => overview.queues = queues,
            Change::Groups(groups) => overview.groups = groups,
            Change::Failed { order, changed } => {
                overview.failed = reordered(std::mem::take(&mut overview.failed), &order, changed);
            }
        }
    }
}

/// The rows of `order`, new where there is a new one, else as they were.
fn reordered(
    old: Vec<Transaction>,
    order: &[TransactionId],
    changed: Vec<Transaction>,
) -> Vec<Transaction> {
    // Later entries of the same id win: the changed ones.
    let mut rows: std::collections::HashMap<_, _> = old
        .into_iter()
        .chain(changed)
        .map(|row| (row.id, row))
        .collect();
    order.iter().filter_map(|id| rows.remove(id)).collect()
}

/// What leads from one overview to another; empty when nothing but the time differs.
#[must_use]
pub fn difference(old: &Overview, new: &Overview) -> Vec<Change> {
    let mut changes = Vec::new();
    if engine_differs(&old.engine, &new.engine) {
        changes.push(Change::Engine(Box::new(new.engine.clone())));
    }
    changes.extend(connector_changes(&old.connectors, &new.connectors));
    if old.queues != new.queues {
        changes.push(Change::Queues(new.queues.clone()));
    }
    if old.groups != new.groups {
        changes.push(Change::Groups(new.groups.clone()));
    }
    if old.failed != new.failed {
        let known = |row: &&Transaction| !old.failed.contains(row);
        changes.push(Change::Failed {
            order: new.failed.iter().map(|row| row.id).collect(),
            changed: new.failed.iter().filter(known).cloned().collect(),
        });
    }
    if !changes.is_empty() {
        changes.insert(0, Change::Now(new.engine.now));
    }
    changes
}

fn engine_differs(old: &EngineView, new: &EngineView) -> bool {
    let mut old = old.clone();
    old.now = new.now;
    old != *new
}

fn connector_changes(old: &[ConnectorView], new: &[ConnectorView]) -> Option<Change> {
    let same_id = |list: &[ConnectorView], id: &ConnectorId| list.iter().any(|one| one.id == *id);
    let changed: Vec<_> = new
        .iter()
        .filter(|one| !old.contains(one))
        .cloned()
        .collect();
    let removed: Vec<_> = old
        .iter()
        .filter(|one| !same_id(new, &one.id))
        .map(|one| one.id.clone())
        .collect();
    (!changed.is_empty() || !removed.is_empty()).then_some(Change::Connectors { changed, removed })
}

/// A person's command on one transaction; who and when is for the engine to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRequest {
    /// Made by the client, so that a command sent twice acts once.
    pub id: Uuid,
    /// The revision the person saw, where it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    /// What.
    pub action: PersonMove,
}

/// Asks what a replay would send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRequest {
    /// How.
    pub replay: Replay,
}

/// Runs a transaction again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayRequest {
    /// Made by the client, so that a replay asked for twice happens once.
    pub command: Uuid,
    /// How.
    pub replay: Replay,
    /// The output to send instead of the one that the replay would make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Map<String, Value>>,
}

/// Queues a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerRequest {
    /// Which.
    pub record: RecordId,
}

/// The transaction that stands for a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triggered {
    /// Its id; that of a waiting one if the trigger joined it.
    pub transaction: TransactionId,
}

/// How many transactions a pause or resume concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concerned {
    /// How many were held or released.
    pub transactions: u64,
}

/// An address that triggers a connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerUrl {
    /// The address; whoever knows it can trigger.
    pub url: String,
}

/// Asks for a page of the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRequest {
    /// How many lines at most.
    pub limit: usize,
    /// Where the page begins: before this line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<PageCursor>,
}

/// A secret to be kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct SecretRequest {
    /// The value; plain on the wire, for the socket is local and guarded.
    #[serde(serialize_with = "plain")]
    pub value: SecretString,
}

fn plain<S: Serializer>(value: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.expose_secret())
}

/// The HTTP status that goes with an error; the body is the error itself, `{"error": …, "message": …}`.
#[must_use]
pub fn status_of(error: &ControlError) -> http::StatusCode {
    match error {
        ControlError::NotFound(_) => http::StatusCode::NOT_FOUND,
        ControlError::Refused(_) => http::StatusCode::FORBIDDEN,
        ControlError::Stale(_) => http::StatusCode::CONFLICT,
        ControlError::Failed(_) => http::StatusCode::INTERNAL_SERVER_ERROR,
    }
}
