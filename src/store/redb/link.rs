//! Correlations, and what a new one does to lanes.

use redb::ReadableTable;

use super::fault::{Fault, decode, encode};
use super::ledger::{Author, Ledger};
use super::schema::{CORRELATED, CORRELATION, record_lane, work_order_lane};
use crate::model::{ConnectorId, RecordId, Transaction};
use crate::store::{Correlation, StoreError};

impl Ledger<'_> {
    /// [`crate::store::Store::link`].
    pub(super) fn link(&mut self, new: &Correlation) -> Result<(), Fault> {
        let (connector, record) = (new.connector.as_str(), new.record.as_str());
        let before = self.correlation(&new.connector, &new.record)?;
        let row = encode("correlation", new)?;
        let txn = self.txn_to_write();
        let mut correlations = txn.open_table(CORRELATION)?;
        correlations.insert((connector, record), row.as_slice())?;
        if before
            .as_ref()
            .is_some_and(|before| before.work_order == new.work_order)
        {
            return Ok(());
        }
        let mut correlated = txn.open_table(CORRELATED)?;
        if let Some(before) = before {
            correlated.remove((before.work_order.0, connector))?;
        }
        let other = correlated.insert((new.work_order.0, connector), record)?;
        if let Some(other) = other.filter(|other| other.value() != record) {
            correlations.remove((connector, other.value()))?;
        }
        drop((correlations, correlated));
        self.merge_lanes(new)
    }

    /// What waited under the work order alone, now waits with the record; both know both sides.
    fn merge_lanes(&mut self, link: &Correlation) -> Result<(), Fault> {
        let lanes = [
            work_order_lane(link.work_order.0),
            record_lane(link.record.as_str()),
        ];
        let connector = link.connector.as_str();
        let mut ids = Vec::new();
        for lane in &lanes {
            let lane = (connector, lane.as_str(), 0)..=(connector, lane.as_str(), u128::MAX);
            for entry in self.read().lane.range(lane)? {
                ids.push(entry?.0.value().2);
            }
        }
        for id in ids {
            let Some(old) = self.row(id)? else { continue };
            let new = Transaction {
                record: old.record.clone().or_else(|| Some(link.record.clone())),
                work_order: old.work_order.or(Some(link.work_order)),
                ..old.clone()
            };
            if new != old {
                self.replace(&old, new, Author::Engine)?;
            }
        }
        Ok(())
    }

    /// Fills in the side of a transaction that its correlation knows.
    pub(super) fn complete(&self, transaction: &mut Transaction) -> Result<(), Fault> {
        match (&transaction.record, transaction.work_order) {
            (Some(record), None) => {
                let correlation = self.correlation(&transaction.connector, record)?;
                transaction.work_order = correlation.map(|correlation| correlation.work_order);
            }
            (None, Some(work_order)) => {
                let correlated = self.txn().open_table(CORRELATED)?;
                let record = correlated.get((work_order.0, transaction.connector.as_str()))?;
                transaction.record = record.map(|record| RecordId::new(record.value()));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        Ok(())
    }

    fn correlation(
        &self,
        connector: &ConnectorId,
        record: &RecordId,
    ) -> Result<Option<Correlation>, StoreError> {
        let correlations = self.txn().open_table(CORRELATION)?;
        let row = correlations.get((connector.as_str(), record.as_str()))?;
        row.map(|row| decode("correlation", row.value()))
            .transpose()
    }
}
