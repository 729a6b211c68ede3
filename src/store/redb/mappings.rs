//! Mappings as they came in force, and as somebody is editing them.

use redb::ReadableTable;

use super::fault::{Fault, decode, encode};
use super::ledger::Ledger;
use super::schema::{DRAFT, MAPPING_HISTORY};
use super::view::View;
use crate::model::ConnectorId;
use crate::store::{Draft, MappingEntry, NewDraft, StoreError};

/// How many entries of a connector's history are kept.
const LONGEST_HISTORY: u64 = 200;

impl Ledger<'_> {
    /// [`crate::store::Store::mapping_in_force`].
    pub(super) fn mapping_in_force(
        &mut self,
        connector: &ConnectorId,
        entry: &MappingEntry,
    ) -> Result<(), Fault> {
        let row = encode("mapping history", entry)?;
        let connector = connector.as_str();
        let mut history = self.txn_to_write().open_table(MAPPING_HISTORY)?;
        let latest = {
            let mut of_connector = history.range((connector, 0)..=(connector, u64::MAX))?;
            let last = of_connector.next_back().transpose()?;
            last.map(|(key, row)| {
                decode::<MappingEntry>("mapping history", row.value())
                    .map(|entry| (key.value().1, entry))
            })
            .transpose()?
        };
        let number = match latest {
            Some((_, latest)) if latest.version == entry.version => return Ok(()),
            Some((number, _)) => number + 1,
            None => 0,
        };
        history.insert((connector, number), row.as_slice())?;
        if let Some(oldest) = number.checked_sub(LONGEST_HISTORY) {
            history.remove((connector, oldest))?;
        }
        Ok(())
    }

    /// [`crate::store::Store::save_draft`].
    pub(super) fn save_draft(
        &mut self,
        connector: &ConnectorId,
        new: &NewDraft,
    ) -> Result<Draft, Fault> {
        let mut drafts = self.txn_to_write().open_table(DRAFT)?;
        let now: Option<Draft> = drafts
            .get(connector.as_str())?
            .map(|row| decode("draft", row.value()))
            .transpose()?;
        let draft = new.after(now.as_ref())?;
        let row = encode("draft", &draft)?;
        drafts.insert(connector.as_str(), row.as_slice())?;
        Ok(draft)
    }

    /// [`crate::store::Store::drop_draft`].
    pub(super) fn drop_draft(&mut self, connector: &ConnectorId) -> Result<bool, Fault> {
        let mut drafts = self.txn_to_write().open_table(DRAFT)?;
        let was = drafts.remove(connector.as_str())?;
        Ok(was.is_some())
    }
}

impl View {
    /// [`crate::store::Store::mapping_history`].
    pub(super) fn mapping_history(
        &self,
        connector: &ConnectorId,
    ) -> Result<Vec<MappingEntry>, StoreError> {
        let connector = connector.as_str();
        let history = self.txn.open_table(MAPPING_HISTORY)?;
        let rows = history.range((connector, 0)..=(connector, u64::MAX))?;
        rows.rev()
            .map(|row| decode("mapping history", row?.1.value()))
            .collect()
    }
}
