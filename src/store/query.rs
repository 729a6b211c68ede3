//! Questions to the store, and their answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{
    Category, ConnectorId, Direction, Fingerprint, RecordId, State, Step, Timestamp, TransactionId,
    WorkOrderId,
};

/// Which transactions, and how many of them.
///
/// The most selective of `record`, `work_order`, `fingerprint` decides the index; `connector` and `state`
/// narrow it by key where they stand alone or together, and by filter beside the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListQuery {
    /// Only this connector's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<ConnectorId>,
    /// Only in these states; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<State>,
    /// Only this direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Only this record's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
    /// Only this work order's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_order: Option<WorkOrderId>,
    /// Only those dead for this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// In which order.
    #[serde(default)]
    pub order: ListOrder,
    /// Where the page begins: after this transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<PageCursor>,
    /// How many at most.
    pub limit: usize,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListOrder {
    /// The latest accepted first.
    #[default]
    NewestFirst,
    /// The earliest accepted first.
    OldestFirst,
}

/// Where a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageCursor(pub TransactionId);

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub next: Option<PageCursor>,
}

fn none() -> Option<PageCursor> {
    None
}

/// Which failure groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupQuery {
    /// Only this connector's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<ConnectorId>,
    /// How many at most.
    pub limit: usize,
}

/// Dead transactions that died alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureGroup {
    /// What they have in common.
    pub fingerprint: Fingerprint,
    /// Their connector.
    pub connector: ConnectorId,
    /// The step that failed.
    pub step: Step,
    /// The kind of failure.
    pub category: Category,
    /// The cause of the latest of them.
    pub cause: String,
    /// The mapping rule concerned, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<usize>,
    /// How many.
    pub count: u64,
    /// When the latest died.
    pub last_at: Timestamp,
    /// The latest.
    pub latest: TransactionId,
}

/// How many transactions stand where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// By connector and direction.
    pub by_connector: BTreeMap<ConnectorId, BTreeMap<Direction, CountsOf>>,
}

/// Counts by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CountsOf(pub [u64; 8]);

impl CountsOf {
    /// How many are in a state.
    #[must_use]
    pub fn of(&self, state: State) -> u64 {
        self.0[usize::from(state.code())]
    }

    /// The place of a state's count.
    pub fn of_mut(&mut self, state: State) -> &mut u64 {
        &mut self.0[usize::from(state.code())]
    }
}

impl Counts {
    /// How many are in a state, all connectors and directions together.
    #[must_use]
    pub fn total(&self, state: State) -> u64 {
        let all = self.by_connector.values().flat_map(BTreeMap::values);
        all.map(|counts| counts.of(state)).sum()
    }

    /// How many of a connector are in a state.
    #[must_use]
    pub fn of_connector(&self, connector: &ConnectorId, state: State) -> u64 {
        let directions = self.by_connector.get(connector);
        directions.map_or(0, |counts| counts.values().map(|of| of.of(state)).sum())
    }
}

/// A line of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Orders the trail; also its page cursor.
    pub id: TransactionId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What was done, in words.
    pub action: String,
    /// To which connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<ConnectorId>,
    /// To which transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<TransactionId>,
}
