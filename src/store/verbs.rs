//! What the verbs take and give.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::StoreError;
use crate::model::{
    ConnectorId, DeliveryKey, Direction, EventName, Failure, JournalEntry, MappingVersion, Origin,
    OwnerId, PayloadKind, Priority, Progress, RecordId, SkipReason, Step, Timestamp, TransactionId,
    WorkOrderId,
};

/// A trigger, event or request that is to become transactions.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// When it came.
    pub at: Timestamp,
    /// What tells this delivery from others, if the sender says.
    pub delivery: Option<DeliveryKey>,
    /// The transactions it asks for.
    pub transactions: Vec<NewTransaction>,
    /// Its body, kept as the trigger payload of each new transaction. Empty: nothing is kept.
    pub body: Bytes,
}

/// A transaction that is to be.
#[derive(Clone, Debug)]
pub struct NewTransaction {
    /// Its id.
    pub id: TransactionId,
    /// Its connector.
    pub connector: ConnectorId,
    /// Its direction.
    pub direction: Direction,
    /// What brought it about.
    pub origin: Origin,
    /// Live or background.
    pub priority: Priority,
    /// The record, if known. Decides the lane; else the work order does.
    pub record: Option<RecordId>,
    /// The work order, if known.
    pub work_order: Option<WorkOrderId>,
    /// The event, on outbound.
    pub event: Option<EventName>,
    /// What to call it in a list.
    pub label: Option<String>,
    /// The transaction it replays.
    pub replays: Option<TransactionId>,
    /// Payloads it brings along (a replay with given source or output), and what they stand for.
    pub payloads: Vec<(PayloadKind, Bytes)>,
    /// How far it counts as having come (a replay of a given output begins at delivery).
    pub progress: Progress,
}

/// What became of an acceptance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// For each transaction asked for, in order: its own id, or the id of the waiting one it joined.
    Stored(Vec<TransactionId>),
    /// This delivery was accepted before.
    Duplicate,
}

/// A request for work.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// Who asks.
    pub owner: OwnerId,
    /// The present moment.
    pub now: Timestamp,
    /// How long the leases last.
    pub lease: Duration,
    /// For each connector that may work, in the order of fairness: how many transactions at most.
    pub wanted: Vec<(ConnectorId, usize)>,
    /// How many in all.
    pub at_most: usize,
}

/// Proof of a lease; every write of a worker carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseToken {
    /// The transaction.
    pub transaction: TransactionId,
    /// The owner.
    pub owner: OwnerId,
    /// The attempt it was leased for: an owner that lost and regained a transaction holds another token.
    pub attempt: u32,
}

/// What a step leaves behind.
#[derive(Clone, Debug, Default)]
pub struct StepRecord {
    /// Lines for the journal.
    pub entries: Vec<JournalEntry>,
    /// Payloads made.
    pub payloads: Vec<(PayloadKind, Bytes)>,
    /// How far the transaction has now come; `None` leaves it as it was.
    pub progress: Option<Progress>,
    /// The record, once known.
    pub record: Option<RecordId>,
    /// The work order, once known.
    pub work_order: Option<WorkOrderId>,
    /// What to call it, once known.
    pub label: Option<String>,
    /// A correlation to be written in the same commit, as [`super::Store::link`] would.
    pub link: Option<Box<Correlation>>,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Delivered.
    Done,
    /// There was nothing to deliver.
    Skipped(SkipReason),
    /// To be tried again at a time, after a failure.
    RetryAt(Timestamp, Step, Failure),
    /// To wait until a time without having used up an attempt; says why.
    Postponed(Timestamp, Option<Failure>),
    /// For the dead letter queue.
    Dead(Step, Failure),
    /// Its connector is paused.
    Held(Option<(Step, Failure)>),
}

/// The durable link between a record and a work order, and what was last carried over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// The connector.
    pub connector: ConnectorId,
    /// The record.
    pub record: RecordId,
    /// The work order.
    pub work_order: WorkOrderId,
    /// Since when.
    pub linked_at: Timestamp,
    /// The values last written to the work order, by target path: what is unchanged is not sent again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sent_to_work_order: BTreeMap<String, Value>,
    /// The values last written to the record, by target path: the fingerprint by which our own write
    /// is known when it comes back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sent_to_record: BTreeMap<String, Value>,
    /// Notes, messages, files and side records carried over either way: `<kind>:<source id>` and the id
    /// they have on the other side.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub carried: BTreeMap<String, String>,
}

/// Why a connector is paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Since when.
    pub since: Timestamp,
    /// The failure that paused it; `None` when a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The person, when one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What makes a connector's trigger address valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerToken {
    /// The connector's number in the token's subject.
    pub number: u64,
    /// Tokens issued before this moment (seconds since 1970) are refused.
    pub issued_at: i64,
}

/// How far a connector's changes have been seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// Everything changed up to here has been seen.
    pub seen_until: Timestamp,
    /// When the engine last knew itself to be listening.
    pub alive_at: Timestamp,
}

/// What is kept about a connector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorStatus {
    /// Why it is paused, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Its trigger token, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_token: Option<TriggerToken>,
    /// How far its changes have been seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Watermark>,
}

/// A mapping somebody is editing: kept, and not in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The whole mapping file as it is to be.
    pub text: String,
    /// The version it was begun from.
    pub base: MappingVersion,
    /// Who saved it last.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Counts the times it was saved.
    pub revision: u64,
}

/// A draft as somebody wants it kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDraft {
    /// The whole mapping file as it is to be.
    pub text: String,
    /// The version it was begun from.
    pub base: MappingVersion,
    /// Who saves it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The revision that the person saw; `None` when there was no draft.
    pub seen: Option<u64>,
}

impl NewDraft {
    /// The draft that it becomes after the one there is now.
    ///
    /// # Errors
    /// [`StoreError::StaleDraft`] when that is not the one the person saw.
    pub fn after(&self, now: Option<&Draft>) -> Result<Draft, StoreError> {
        match (now, self.seen) {
            (None, None) => {}
            (Some(now), Some(seen)) if now.revision == seen => {}
            (Some(now), _) => {
                let what = format!("{} saved this draft at {:.0}", now.by, now.at);
                return Err(StoreError::StaleDraft(what));
            }
            (None, Some(_)) => {
                let what = "this draft was published or thrown away".to_owned();
                return Err(StoreError::StaleDraft(what));
            }
        }
        Ok(Draft {
            text: self.text.clone(),
            base: self.base.clone(),
            by: self.by.clone(),
            at: self.at,
            revision: now.map_or(1, |now| now.revision.wrapping_add(1)),
        })
    }
}

/// A mapping version that came in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingEntry {
    /// Which.
    pub version: MappingVersion,
    /// Since when.
    pub since: Timestamp,
    /// Who published it; `None` when its file was changed by hand or by a deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a person wants of one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "move")]
pub enum PersonMove {
    /// Try it again now, from the fetch on (a delivery that took place is not repeated).
    Retry,
    /// Give it up.
    Discard {
        /// Why.
        reason: String,
    },
    /// Take a discard back.
    Restore,
}

/// A person's command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonCommand {
    /// Made by the client, so that a command sent twice acts once.
    pub id: Uuid,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// On which transaction.
    pub transaction: TransactionId,
    /// The revision the person saw, where it matters.
    pub seen: Option<u64>,
    /// What.
    pub action: PersonMove,
}
