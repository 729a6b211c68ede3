//! Forgetting what is over and old.

use redb::ReadableTable;

use super::fault::Fault;
use super::ledger::Ledger;
use super::schema::{COMMAND, COMMAND_AGE, DELIVERY, DELIVERY_AGE, moment};
use crate::model::Timestamp;

/// How many transactions one commit forgets at most, so that nobody waits long behind it.
const TRANSACTIONS: usize = 128;
/// How many delivery keys, and how many remembered answers.
const KEYS: usize = 512;

impl Ledger<'_> {
    /// [`crate::store::Store::forget_before`].
    pub(super) fn forget_before(&mut self, before: Timestamp) -> Result<u64, Fault> {
        let before = moment(before);
        let transactions = self.forget_transactions(before)?;
        let deliveries = self.forget_deliveries(before)?;
        let commands = self.forget_commands(before)?;
        Ok((transactions + deliveries + commands) as u64)
    }

    fn forget_transactions(&mut self, before: i128) -> Result<usize, Fault> {
        let over = self.read().over.range(..(before, 0))?.take(TRANSACTIONS);
        let over: Vec<_> = over
            .map(|entry| Ok(entry?.0.value()))
            .collect::<Result<_, Fault>>()?;
        for (ended, id) in &over {
            // Both ways, so that a row that can't be read is forgotten too.
            if let Ok(Some(row)) = self.row(*id) {
                self.erase(&row)?;
            } else {
                self.erase_id(*id)?;
            }
            self.write().over.remove((*ended, *id))?;
        }
        Ok(over.len())
    }

    fn forget_deliveries(&mut self, before: i128) -> Result<usize, Fault> {
        let old: Vec<(i128, String)> = {
            let ages = self.txn().open_table(DELIVERY_AGE)?;
            let old = ages.range(..(before, ""))?.take(KEYS);
            old.map(|entry| {
                let key = entry?.0;
                let (at, key) = key.value();
                Ok((at, key.to_owned()))
            })
            .collect::<Result<_, Fault>>()?
        };
        if !old.is_empty() {
            let txn = self.txn_to_write();
            let (mut ages, mut deliveries) =
                (txn.open_table(DELIVERY_AGE)?, txn.open_table(DELIVERY)?);
            for (at, key) in &old {
                ages.remove((*at, key.as_str()))?;
                deliveries.remove(key.as_str())?;
            }
        }
        Ok(old.len())
    }

    fn forget_commands(&mut self, before: i128) -> Result<usize, Fault> {
        let old: Vec<(i128, u128)> = {
            let ages = self.txn().open_table(COMMAND_AGE)?;
            let old = ages.range(..(before, 0))?.take(KEYS);
            old.map(|entry| Ok(entry?.0.value()))
                .collect::<Result<_, Fault>>()?
        };
        if !old.is_empty() {
            let txn = self.txn_to_write();
            let (mut ages, mut commands) = (txn.open_table(COMMAND_AGE)?, txn.open_table(COMMAND)?);
            for (at, id) in &old {
                ages.remove((*at, *id))?;
                commands.remove(*id)?;
            }
        }
        Ok(old.len())
    }
}
