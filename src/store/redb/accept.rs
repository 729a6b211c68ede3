//! Acceptance: new transactions, joined ones, deliveries seen before.

use redb::ReadableTable;

use super::fault::Fault;
use super::ledger::Ledger;
use super::schema::{DELIVERY, DELIVERY_AGE, moment, record_lane};
use crate::model::{Direction, Move, PayloadKind, Progress, State, Transaction, TransactionId};
use crate::store::{Acceptance, Accepted, NewTransaction};

impl Ledger<'_> {
    /// [`crate::store::Store::accept`].
    pub(super) fn accept(&mut self, acceptance: &Acceptance) -> Result<Accepted, Fault> {
        if let Some(key) = &acceptance.delivery {
            let at = moment(acceptance.at);
            if self
                .txn()
                .open_table(DELIVERY)?
                .get(key.as_str())?
                .is_some()
            {
                return Ok(Accepted::Duplicate);
            }
            let txn = self.txn_to_write();
            txn.open_table(DELIVERY)?.insert(key.as_str(), at)?;
            txn.open_table(DELIVERY_AGE)?
                .insert((at, key.as_str()), ())?;
        }
        let accepted = acceptance
            .transactions
            .iter()
            .map(|new| self.accept_one(acceptance, new));
        accepted.collect::<Result<_, _>>().map(Accepted::Stored)
    }

    fn accept_one(
        &mut self,
        acceptance: &Acceptance,
        new: &NewTransaction,
    ) -> Result<TransactionId, Fault> {
        if self.row(new.id.as_u128())?.is_some() {
            // Sent again because the first answer got lost; the first acceptance stands.
            return Ok(new.id);
        }
        if let Some(waiting) = self.one_to_join(new)? {
            let joined = Transaction {
                joined: waiting.joined.saturating_add(1),
                priority: waiting.priority.min(new.priority),
                ..waiting.clone()
            };
            return Ok(self
                .replace(&waiting, joined, super::ledger::Author::Engine)?
                .id);
        }
        let mut transaction = first_row(acceptance, new);
        self.complete(&mut transaction)?;
        if self.memory.is_paused(&new.connector) {
            transaction.state = transaction.state.after(Move::Hold)?;
        }
        self.put_payloads(new.id, &new.payloads)?;
        let brings_trigger = new
            .payloads
            .iter()
            .any(|(kind, _)| *kind == PayloadKind::Trigger);
        if !acceptance.body.is_empty() && !brings_trigger {
            let trigger = [(PayloadKind::Trigger, acceptance.body.clone())];
            self.put_payloads(new.id, &trigger)?;
        }
        Ok(self.add(transaction)?.id)
    }

    /// The waiting transaction that will read the record anyway, and so serves this trigger too.
    fn one_to_join(&self, new: &NewTransaction) -> Result<Option<Transaction>, Fault> {
        let (Some(record), Direction::Inbound) = (&new.record, new.direction) else {
            return Ok(None);
        };
        if !new.payloads.is_empty() || new.progress != Progress::default() || new.replays.is_some()
        {
            return Ok(None);
        }
        let (connector, lane) = (new.connector.as_str(), record_lane(record.as_str()));
        let lane = (connector, lane.as_str(), 0)..=(connector, lane.as_str(), u128::MAX);
        for entry in self.read().lane.range(lane)?.rev() {
            let (key, joinable) = entry?;
            if joinable.value() {
                let row = self.row(key.value().2)?;
                if let Some(row) = row.filter(is_untouched)
                    && !self.brings_payloads(row.id)?
                {
                    return Ok(Some(row));
                }
            }
        }
        Ok(None)
    }

    fn brings_payloads(&self, id: TransactionId) -> Result<bool, Fault> {
        let (id, trigger) = (id.as_u128(), PayloadKind::Trigger.code());
        let mut payloads = self
            .read()
            .payload
            .range((id, trigger + 1)..=(id, u8::MAX))?;
        Ok(payloads.next().transpose()?.is_some())
    }
}

/// Whether nothing has been read yet on its behalf. One that is held waits like one that is queued.
fn is_untouched(transaction: &Transaction) -> bool {
    matches!(transaction.state, State::Queued | State::Held)
        && transaction.attempts == 0
        && transaction.progress == Progress::default()
}

fn first_row(acceptance: &Acceptance, new: &NewTransaction) -> Transaction {
    Transaction {
        id: new.id,
        connector: new.connector.clone(),
        direction: new.direction,
        origin: new.origin,
        priority: new.priority,
        state: State::Queued,
        record: new.record.clone(),
        work_order: new.work_order,
        event: new.event,
        label: new.label.clone(),
        received_at: acceptance.at,
        updated_at: acceptance.at,
        due_at: None,
        attempts: 0,
        joined: 0,
        progress: new.progress.clone(),
        lease: None,
        failure: None,
        skipped: None,
        discarded: None,
        replays: new.replays,
        revision: 0,
        changed_by: None,
    }
}
