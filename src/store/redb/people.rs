//! People's commands and the audit trail.

use redb::ReadableTable;

use super::fault::{Fault, decode, encode};
use super::ledger::{Author, Ledger};
use super::schema::{AUDIT, COMMAND, COMMAND_AGE, moment};
use super::work::begin_afresh;
use crate::model::{Move, State, Transaction, TransactionId};
use crate::store::{AuditEntry, PersonCommand, PersonMove, StoreError};

impl Ledger<'_> {
    /// [`crate::store::Store::command`].
    pub(super) fn command(&mut self, command: &PersonCommand) -> Result<Transaction, Fault> {
        let id = command.id.as_u128();
        if let Some(answer) = self.txn().open_table(COMMAND)?.get(id)? {
            return Ok(decode("remembered answer", answer.value())?);
        }
        let old = self.named(command.transaction)?;
        if command.seen.is_some_and(|seen| seen != old.revision) {
            return Err(Fault::Refused(stale(old)));
        }
        let mut new = old.clone();
        carry_out(&mut new, command)?;
        self.mind_the_pause(&mut new)?;
        let new = self.replace(&old, new, Author::Person(&command.by))?;
        self.audit(&AuditEntry {
            id: TransactionId::generate(),
            at: command.at,
            by: command.by.clone(),
            action: in_words(&command.action),
            connector: Some(new.connector.clone()),
            transaction: Some(new.id),
        })?;
        let answer = encode("remembered answer", &new)?;
        let txn = self.txn_to_write();
        txn.open_table(COMMAND)?.insert(id, answer.as_slice())?;
        txn.open_table(COMMAND_AGE)?
            .insert((moment(command.at), id), ())?;
        Ok(new)
    }

    /// [`crate::store::Store::audit`].
    pub(super) fn audit(&mut self, entry: &AuditEntry) -> Result<(), Fault> {
        let row = encode("audit entry", entry)?;
        let txn = self.txn_to_write();
        txn.open_table(AUDIT)?
            .insert(entry.id.as_u128(), row.as_slice())?;
        Ok(())
    }
}

fn stale(now: Transaction) -> StoreError {
    StoreError::Stale {
        id: now.id,
        by: now.changed_by.unwrap_or_else(|| "the engine".to_owned()),
        at: now.updated_at,
    }
}

fn carry_out(new: &mut Transaction, command: &PersonCommand) -> Result<(), Fault> {
    let from = new.state;
    match &command.action {
        PersonMove::Retry => {
            new.state = from.after(Move::Requeue)?;
            new.due_at = None;
            new.skipped = None;
            begin_afresh(&mut new.progress);
            if matches!(from, State::Dead | State::Skipped) {
                new.attempts = 0;
            }
        }
        PersonMove::Discard { reason } => {
            new.state = from.after(Move::Discard)?;
            new.due_at = None;
            new.discarded = Some((command.by.clone(), reason.clone()));
        }
        PersonMove::Restore => {
            new.state = from.after(Move::Restore)?;
            new.discarded = None;
        }
    }
    Ok(())
}

fn in_words(action: &PersonMove) -> String {
    match action {
        PersonMove::Retry => "retried it".to_owned(),
        PersonMove::Discard { reason } => format!("discarded it: {reason}"),
        PersonMove::Restore => "took its discard back".to_owned(),
    }
}
