//! Reading, apart from lists: each question opens a snapshot and lets go of it before it answers.

use std::cmp::Reverse;

use bytes::Bytes;
use redb::{Key, ReadTransaction, TableDefinition};
use serde::de::DeserializeOwned;

use super::fault::decode;
use super::memory::{connector_id, read_counts};
use super::schema::{
    AUDIT, CATALOGUE, CONNECTOR, CORRELATED, CORRELATION, COUNTER, DRAFT, GROUP, JOURNAL, MAPPING,
    PAYLOAD, READY, ROW, SECRET, direction_code, moment, priority_code,
};
use crate::model::{
    Catalogue, ConnectorId, Direction, JournalEntry, MappingVersion, PayloadKind, Priority,
    RecordId, Timestamp, Transaction, TransactionId, WorkOrderId,
};
use crate::store::{
    AuditEntry, ConnectorStatus, Correlation, Counts, Draft, FailureGroup, GroupQuery, Page,
    PageCursor, StoreError,
};

type Result<T> = std::result::Result<T, StoreError>;

/// How many items any page has at most, whatever is asked for.
pub(super) const LONGEST_PAGE: usize = 1000;

/// A snapshot of the file.
pub(super) struct View {
    pub(super) txn: ReadTransaction,
}

impl View {
    fn json<K: Key + 'static, T: DeserializeOwned>(
        &self,
        what: &'static str,
        table: TableDefinition<K, &'static [u8]>,
        key: K::SelfType<'_>,
    ) -> Result<Option<T>> {
        let row = self.txn.open_table(table)?.get(key)?;
        row.map(|row| decode(what, row.value())).transpose()
    }

    fn bytes<K: Key + 'static>(
        &self,
        table: TableDefinition<K, &'static [u8]>,
        key: K::SelfType<'_>,
    ) -> Result<Option<Bytes>> {
        let row = self.txn.open_table(table)?.get(key)?;
        Ok(row.map(|row| Bytes::copy_from_slice(row.value())))
    }

    pub(super) fn transaction(&self, id: TransactionId) -> Result<Option<Transaction>> {
        self.json("transaction", ROW, id.as_u128())
    }

    pub(super) fn journal(&self, id: TransactionId) -> Result<Vec<JournalEntry>> {
        let id = id.as_u128();
        let lines = self
            .txn
            .open_table(JOURNAL)?
            .range((id, 0)..=(id, u32::MAX))?;
        lines
            .map(|line| decode("journal entry", line?.1.value()))
            .collect()
    }

    pub(super) fn payload(&self, id: TransactionId, kind: PayloadKind) -> Result<Option<Bytes>> {
        self.bytes(PAYLOAD, (id.as_u128(), kind.code()))
    }

    pub(super) fn correlation(
        &self,
        connector: &ConnectorId,
        record: &RecordId,
    ) -> Result<Option<Correlation>> {
        self.json(
            "correlation",
            CORRELATION,
            (connector.as_str(), record.as_str()),
        )
    }

    pub(super) fn correlations_of(&self, work_order: WorkOrderId) -> Result<Vec<Correlation>> {
        let correlated = self.txn.open_table(CORRELATED)?;
        let correlations = self.txn.open_table(CORRELATION)?;
        let mut found = Vec::new();
        for entry in correlated.range((work_order.0, "")..)? {
            let (key, record) = entry?;
            let (of, connector) = key.value();
            if of != work_order.0 {
                break;
            }
            if let Some(row) = correlations.get((connector, record.value()))? {
                found.push(decode("correlation", row.value())?);
            }
        }
        Ok(found)
    }

    pub(super) fn connector_status(&self, connector: &ConnectorId) -> Result<ConnectorStatus> {
        let status = self.json("connector status", CONNECTOR, connector.as_str())?;
        Ok(status.unwrap_or_default())
    }

    pub(super) fn catalogue(
        &self,
        connector: &ConnectorId,
        direction: Direction,
    ) -> Result<Option<Catalogue>> {
        self.json(
            "field catalogue",
            CATALOGUE,
            (connector.as_str(), direction_code(direction)),
        )
    }

    pub(super) fn mapping(&self, version: &MappingVersion) -> Result<Option<Bytes>> {
        self.bytes(MAPPING, version.as_str())
    }

    pub(super) fn draft(&self, connector: &ConnectorId) -> Result<Option<Draft>> {
        self.json("draft", DRAFT, connector.as_str())
    }

    pub(super) fn secret(&self, name: &str) -> Result<Option<Bytes>> {
        self.bytes(SECRET, name)
    }

    pub(super) fn secret_names(&self) -> Result<Vec<String>> {
        let names = self.txn.open_table(SECRET)?.range::<&str>(..)?;
        names.map(|entry| Ok(entry?.0.value().to_owned())).collect()
    }

    pub(super) fn counts(&self) -> Result<Counts> {
        read_counts(&self.txn)
    }

    /// The connectors that have transactions.
    pub(super) fn connectors(&self) -> Result<Vec<ConnectorId>> {
        let mut connectors: Vec<ConnectorId> = Vec::new();
        for entry in self.txn.open_table(COUNTER)?.range::<(&str, u8, u8)>(..)? {
            let key = entry?.0;
            let name = key.value().0;
            if connectors.last().is_none_or(|last| last.as_str() != name) {
                connectors.push(connector_id(name)?);
            }
        }
        Ok(connectors)
    }

    pub(super) fn next_due(
        &self,
        connectors: &[ConnectorId],
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let ready = self.txn.open_table(READY)?;
        let mut next: Option<i128> = None;
        for connector in connectors {
            for priority in [Priority::Live, Priority::Background].map(priority_code) {
                let low = (connector.as_str(), priority, true, moment(now) + 1, 0);
                let high = (connector.as_str(), priority, true, i128::MAX, u128::MAX);
                if let Some(entry) = ready.range(low..=high)?.next() {
                    let due = entry?.0.value().3;
                    next = Some(next.map_or(due, |next| next.min(due)));
                }
            }
        }
        let timestamp = |due| {
            Timestamp::from_nanosecond(due).map_err(|error| StoreError::Damaged {
                what: "due time",
                why: error.to_string(),
            })
        };
        next.map(timestamp).transpose()
    }

    pub(super) fn failure_groups(&self, query: &GroupQuery) -> Result<Vec<FailureGroup>> {
        let table = self.txn.open_table(GROUP)?;
        let entries = match &query.connector {
            Some(connector) => table.range((connector.as_str(), "")..)?,
            None => table.range::<(&str, &str)>(..)?,
        };
        let mut groups: Vec<FailureGroup> = Vec::new();
        for entry in entries {
            let (key, group) = entry?;
            let connector = query.connector.as_ref();
            if connector.is_some_and(|connector| connector.as_str() != key.value().0) {
                break;
            }
            groups.push(decode("failure group", group.value())?);
        }
        groups.sort_by_key(|group| Reverse((group.count, group.last_at)));
        groups.truncate(query.limit);
        Ok(groups)
    }

    pub(super) fn audit_trail(
        &self,
        limit: usize,
        before: Option<PageCursor>,
    ) -> Result<Page<AuditEntry>> {
        let limit = limit.min(LONGEST_PAGE);
        let end = before.map_or(u128::MAX, |cursor| cursor.0.as_u128());
        let table = self.txn.open_table(AUDIT)?;
        let mut items: Vec<AuditEntry> = Vec::new();
        let mut more = false;
        for entry in table.range(..end)?.rev().take(limit + 1) {
            if items.len() == limit {
                more = true;
                break;
            }
            items.push(decode("audit entry", entry?.1.value())?);
        }
        let next = items
            .last()
            .filter(|_| more)
            .map(|last| PageCursor(last.id));
        Ok(Page { items, next })
    }
}
