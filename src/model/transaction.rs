//! The transaction: one unit of sync work in one direction.

use serde::{Deserialize, Serialize};

use super::{
    ConnectorId, EventName, Failure, MappingVersion, OwnerId, RecordId, State, Step, Timestamp,
    TransactionId, WorkOrderId,
};

/// Which way a transaction carries data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Platform to Field Nation.
    Inbound,
    /// Field Nation to platform.
    Outbound,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Inbound, Self::Outbound];

    /// The word for people and config.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// What brought a transaction about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A platform called our trigger address.
    Trigger,
    /// Field Nation sent an event.
    Event,
    /// Found by listing what changed while we were away.
    CatchUp,
    /// A person asked for it.
    Person,
}

/// Live traffic goes before everything else.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Somebody is waiting for it now.
    #[default]
    Live,
    /// Replays and catch-up.
    Background,
}

/// Why a transaction was rightly not delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason", content = "detail")]
pub enum SkipReason {
    /// The connector's filter does not want it; says which and why.
    Filtered(String),
    /// Nothing differs from what was delivered last.
    Unchanged,
    /// The change is our own write coming back.
    Echo,
    /// No rule listens to this event.
    NoRule,
    /// The record or work order is gone.
    Gone,
}

impl SkipReason {
    /// The word for lists.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Filtered(_) => "filtered",
            Self::Unchanged => "unchanged",
            Self::Echo => "echo",
            Self::NoRule => "no rule",
            Self::Gone => "gone",
        }
    }
}

/// What a delivery acts upon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A Field Nation work order.
    WorkOrder(WorkOrderId),
    /// A record on the platform.
    Record(RecordId),
}

/// Written before a create is sent. While it stands without a [`Delivered`], the next attempt must look
/// for the object before it creates one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// When it was committed.
    pub at: Timestamp,
    /// The correlation marker by which the object can be found again.
    pub marker: String,
}

/// The delivery took place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// On what.
    pub target: Target,
    /// Whether this transaction created it.
    pub created: bool,
}

/// How far a transaction has come; what a crash must not make it do twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The source payload is stored.
    #[serde(default)]
    pub fetched: bool,
    /// The output payload is stored, made by this version of the mapping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapped: Option<MappingVersion>,
    /// A create was about to be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// The delivery took place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Delivered>,
    /// The correlation is written.
    #[serde(default)]
    pub linked: bool,
    /// Files and messages carried over so far, by their source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<String>,
}

/// A worker's hold on a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who holds it.
    pub owner: OwnerId,
    /// When it lapses unless renewed.
    pub expires_at: Timestamp,
}

/// One unit of sync work, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Its id; ids sort by acceptance.
    pub id: TransactionId,
    /// The connector it belongs to.
    pub connector: ConnectorId,
    /// Which way it goes.
    pub direction: Direction,
    /// What brought it about.
    pub origin: Origin,
    /// Live or background.
    #[serde(default)]
    pub priority: Priority,
    /// Where it stands.
    pub state: State,
    /// The record, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
    /// The work order, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_order: Option<WorkOrderId>,
    /// The Field Nation event, on outbound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventName>,
    /// What to call it in a list: the ticket's summary, the work order's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// When its row last changed.
    pub updated_at: Timestamp,
    /// Not to be tried before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Attempts begun.
    #[serde(default)]
    pub attempts: u32,
    /// How many further triggers joined it while it waited.
    #[serde(default)]
    pub joined: u32,
    /// How far it has come.
    #[serde(default)]
    pub progress: Progress,
    /// Who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// The step that failed last, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<(Step, Failure)>,
    /// Why it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkipReason>,
    /// Who discarded it, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discarded: Option<(String, String)>,
    /// The transaction that this one replays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replays: Option<TransactionId>,
    /// Counts the changes of this row; a person's command names the revision they saw.
    #[serde(default)]
    pub revision: u64,
    /// Who made the last change by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
}
