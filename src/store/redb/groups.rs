//! Failure groups: what is dead, kept by fingerprint as it dies and leaves.

use redb::ReadableTable;

use super::fault::{Fault, decode, encode};
use super::ledger::Ledger;
use super::schema::{DEATH, moment};
use crate::model::{Fingerprint, Transaction};
use crate::store::{FailureGroup, StoreError};

/// What a dead transaction has in common with others; none if it was given up before it ever failed.
pub(super) fn fingerprint(transaction: &Transaction) -> Option<Fingerprint> {
    let (step, failure) = transaction.failure.as_ref()?;
    Some(Fingerprint::of(&transaction.connector, *step, failure))
}

impl Ledger<'_> {
    /// Counts a dead transaction into its group.
    pub(super) fn enter_group(&mut self, dead: &Transaction) -> Result<(), Fault> {
        let Some(new) = group_of(dead) else {
            return Ok(());
        };
        let (text, id) = (new.fingerprint.as_str(), dead.id.as_u128());
        let died_at = moment(dead.updated_at);
        self.write().of_fingerprint.insert((text, id), ())?;
        self.txn_to_write()
            .open_table(DEATH)?
            .insert((text, died_at, id), ())?;
        let group = match self.group(dead, &new.fingerprint)? {
            Some(before) if (before.last_at, before.latest) > (new.last_at, new.latest) => {
                FailureGroup {
                    count: before.count + 1,
                    ..before
                }
            }
            Some(before) => FailureGroup {
                count: before.count + 1,
                ..new
            },
            None => new,
        };
        self.put_group(&group)
    }

    /// Counts it out again. When the latest to die leaves, the one before it stands for the group.
    pub(super) fn leave_group(&mut self, dead: &Transaction) -> Result<(), Fault> {
        let Some(fingerprint) = fingerprint(dead) else {
            return Ok(());
        };
        let (text, id) = (fingerprint.as_str(), dead.id.as_u128());
        self.write().of_fingerprint.remove((text, id))?;
        let mut deaths = self.txn_to_write().open_table(DEATH)?;
        deaths.remove((text, moment(dead.updated_at), id))?;
        let Some(mut group) = self.group(dead, &fingerprint)? else {
            return Ok(());
        };
        group.count = group.count.saturating_sub(1);
        if group.count == 0 {
            self.write().group.remove((dead.connector.as_str(), text))?;
            return Ok(());
        }
        if group.latest == dead.id {
            let rest = deaths
                .range((text, i128::MIN, 0)..=(text, i128::MAX, u128::MAX))?
                .next_back();
            let latest = rest.transpose()?.map(|(key, _)| key.value().2);
            let latest = latest.map(|id| self.row(id)).transpose()?.flatten();
            if let Some(latest) = latest.as_ref().and_then(group_of) {
                group = FailureGroup {
                    count: group.count,
                    ..latest
                };
            }
        }
        self.put_group(&group)
    }

    fn group(
        &self,
        of: &Transaction,
        fingerprint: &Fingerprint,
    ) -> Result<Option<FailureGroup>, StoreError> {
        let key = (of.connector.as_str(), fingerprint.as_str());
        let row = self.read().group.get(key)?;
        row.map(|row| decode("failure group", row.value()))
            .transpose()
    }

    fn put_group(&mut self, group: &FailureGroup) -> Result<(), Fault> {
        let row = encode("failure group", group)?;
        let key = (group.connector.as_str(), group.fingerprint.as_str());
        self.write().group.insert(key, row.as_slice())?;
        Ok(())
    }
}

/// The group that a dead transaction would be alone in.
fn group_of(dead: &Transaction) -> Option<FailureGroup> {
    let (step, failure) = dead.failure.as_ref()?;
    Some(FailureGroup {
        fingerprint: fingerprint(dead)?,
        connector: dead.connector.clone(),
        step: *step,
        category: failure.category,
        cause: failure.cause.clone(),
        rule: failure.rule,
        count: 1,
        last_at: dead.updated_at,
        latest: dead.id,
    })
}
