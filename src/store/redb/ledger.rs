//! One group's write transaction, and the one place where a transaction's row and all its indexes
//! change together.
//!
//! The verbs stand in the files beside this one; none of them touches an index by itself.

use redb::{ReadableTable, Table, WriteTransaction};

use super::fault::{Fault, decode, encode};
use super::memory::Memory;
use super::schema::{
    COMMIT, COUNTER, GROUP, JOURNAL, LANE, META, OF_FINGERPRINT, OF_RECORD, OF_WORK_ORDER, OVER,
    PAYLOAD, PLACE, READY, ROW, lane_name, moment, place_key, ready_key,
};
use crate::model::{Direction, State, Timestamp, Transaction, TransactionId};
use crate::store::StoreError;

type Bytes = &'static [u8];

/// The tables that nearly every group touches; the others are opened where they are needed.
pub(super) struct Tables<'t> {
    pub(super) row: Table<'t, u128, Bytes>,
    pub(super) journal: Table<'t, (u128, u32), Bytes>,
    pub(super) payload: Table<'t, (u128, u8), Bytes>,
    pub(super) place: Table<'t, (&'static str, u8, u8, u128), ()>,
    pub(super) of_record: Table<'t, (&'static str, &'static str, u128), ()>,
    pub(super) of_work_order: Table<'t, (u64, u128), ()>,
    pub(super) of_fingerprint: Table<'t, (&'static str, u128), ()>,
    pub(super) group: Table<'t, (&'static str, &'static str), Bytes>,
    pub(super) lane: Table<'t, (&'static str, &'static str, u128), bool>,
    pub(super) ready: Table<'t, (&'static str, u8, bool, i128, u128), ()>,
    pub(super) over: Table<'t, (i128, u128), ()>,
}

/// Who changes a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Author<'a> {
    /// The engine, in the course of things.
    Engine,
    /// A person, by hand.
    Person(&'a str),
}

/// One group's write transaction, with what the writer keeps in memory.
pub(super) struct Ledger<'t> {
    txn: &'t WriteTransaction,
    tables: Tables<'t>,
    written: bool,
    /// What the writer keeps in memory. Changed only together with the tables.
    pub(super) memory: &'t mut Memory,
    /// The moment of the group.
    pub(super) now: Timestamp,
}

impl<'t> Ledger<'t> {
    /// Opens the tables.
    pub(super) fn open(
        txn: &'t WriteTransaction,
        memory: &'t mut Memory,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let tables = Tables {
            row: txn.open_table(ROW)?,
            journal: txn.open_table(JOURNAL)?,
            payload: txn.open_table(PAYLOAD)?,
            place: txn.open_table(PLACE)?,
            of_record: txn.open_table(OF_RECORD)?,
            of_work_order: txn.open_table(OF_WORK_ORDER)?,
            of_fingerprint: txn.open_table(OF_FINGERPRINT)?,
            group: txn.open_table(GROUP)?,
            lane: txn.open_table(LANE)?,
            ready: txn.open_table(READY)?,
            over: txn.open_table(OVER)?,
        };
        Ok(Self {
            txn,
            tables,
            written: false,
            memory,
            now,
        })
    }

    /// The tables, to read.
    pub(super) fn read(&self) -> &Tables<'t> {
        &self.tables
    }

    /// The tables, to write: from here on the group has something to commit.
    pub(super) fn write(&mut self) -> &mut Tables<'t> {
        self.written = true;
        &mut self.tables
    }

    /// The write transaction, for the tables that are not always open.
    pub(super) fn txn(&self) -> &'t WriteTransaction {
        self.txn
    }

    /// The write transaction, to write to such a table.
    pub(super) fn txn_to_write(&mut self) -> &'t WriteTransaction {
        self.written = true;
        self.txn
    }

    /// Writes what is kept for the group as a whole; answers the group's number, or none if there is
    /// nothing to commit.
    pub(super) fn finish(self) -> Result<Option<u64>, Fault> {
        if !self.written {
            return Ok(None);
        }
        let mut counters = self.txn.open_table(COUNTER)?;
        self.memory
            .save_counts(|connector, direction, state, count| {
                let key = (connector.as_str(), direction, state.code());
                if count == 0 {
                    counters.remove(key).map(drop)
                } else {
                    counters.insert(key, count).map(drop)
                }
            })?;
        self.memory.commit += 1;
        self.txn
            .open_table(META)?
            .insert(COMMIT, self.memory.commit)?;
        Ok(Some(self.memory.commit))
    }

    /// The row of a transaction.
    pub(super) fn row(&self, id: u128) -> Result<Option<Transaction>, StoreError> {
        let row = self.tables.row.get(id)?;
        row.map(|row| decode("transaction", row.value()))
            .transpose()
    }

    /// The row of a transaction that a caller named.
    pub(super) fn named(&self, id: TransactionId) -> Result<Transaction, Fault> {
        self.row(id.as_u128())?
            .ok_or(Fault::Refused(StoreError::NotFound(id)))
    }

    /// Adds a transaction.
    pub(super) fn add(&mut self, mut new: Transaction) -> Result<Transaction, Fault> {
        new.updated_at = self.now;
        self.put(None, &new)?;
        Ok(new)
    }

    /// Replaces a row by a later revision of it.
    pub(super) fn replace(
        &mut self,
        old: &Transaction,
        mut new: Transaction,
        author: Author<'_>,
    ) -> Result<Transaction, Fault> {
        new.revision = old.revision + 1;
        new.updated_at = self.now;
        new.changed_by = match author {
            Author::Engine => None,
            Author::Person(name) => Some(name.to_owned()),
        };
        self.put(Some(old), &new)?;
        Ok(new)
    }

    /// Takes a transaction that is over out of the file, with all that hangs on it.
    pub(super) fn erase(&mut self, old: &Transaction) -> Result<(), Fault> {
        self.leave_place(old)?;
        self.leave_index(old)?;
        let id = old.id.as_u128();
        self.erase_id(id)
    }

    /// Takes out what lies under a transaction's id, whatever its row says.
    pub(super) fn erase_id(&mut self, id: u128) -> Result<(), Fault> {
        let tables = self.write();
        tables.row.remove(id)?;
        tables
            .journal
            .retain_in((id, 0)..=(id, u32::MAX), |_, _| false)?;
        tables
            .payload
            .retain_in((id, 0)..=(id, u8::MAX), |_, _| false)?;
        Ok(())
    }

    fn put(&mut self, old: Option<&Transaction>, new: &Transaction) -> Result<(), Fault> {
        let row = encode("transaction", new)?;
        self.write().row.insert(new.id.as_u128(), row.as_slice())?;
        let moves = old.is_none_or(|old| old.state != new.state);
        if moves {
            if let Some(old) = old {
                self.leave_place(old)?;
            }
            self.enter_place(new)?;
        }
        if old.is_none_or(|old| old.record != new.record || old.work_order != new.work_order) {
            if let Some(old) = old {
                self.leave_index(old)?;
            }
            self.enter_index(new)?;
        }
        self.put_in_lane(old, new)
    }

    fn enter_place(&mut self, new: &Transaction) -> Result<(), Fault> {
        self.memory.count_in(new);
        self.write().place.insert(place_key(new), ())?;
        match new.state {
            State::Dead => self.enter_group(new),
            State::Done | State::Skipped | State::Discarded => {
                let key = (moment(new.updated_at), new.id.as_u128());
                self.write().over.insert(key, ())?;
                Ok(())
            }
            State::Queued | State::Processing | State::Retrying | State::Held => Ok(()),
        }
    }

    fn leave_place(&mut self, old: &Transaction) -> Result<(), Fault> {
        self.memory.count_out(old);
        self.write().place.remove(place_key(old))?;
        match old.state {
            State::Dead => self.leave_group(old),
            State::Done | State::Skipped | State::Discarded => {
                let key = (moment(old.updated_at), old.id.as_u128());
                self.write().over.remove(key)?;
                Ok(())
            }
            State::Queued | State::Processing | State::Retrying | State::Held => Ok(()),
        }
    }

    fn enter_index(&mut self, new: &Transaction) -> Result<(), Fault> {
        let id = new.id.as_u128();
        if let Some(record) = &new.record {
            let key = (new.connector.as_str(), record.as_str(), id);
            self.write().of_record.insert(key, ())?;
        }
        if let Some(work_order) = new.work_order {
            self.write().of_work_order.insert((work_order.0, id), ())?;
        }
        Ok(())
    }

    fn leave_index(&mut self, old: &Transaction) -> Result<(), Fault> {
        let id = old.id.as_u128();
        if let Some(record) = &old.record {
            let key = (old.connector.as_str(), record.as_str(), id);
            self.write().of_record.remove(key)?;
        }
        if let Some(work_order) = old.work_order {
            self.write().of_work_order.remove((work_order.0, id))?;
        }
        Ok(())
    }

    // ---- lanes ------------------------------------------------------------------------------

    /// Keeps lanes, what may be claimed, and what is in flight in step with a changed row.
    fn put_in_lane(&mut self, old: Option<&Transaction>, new: &Transaction) -> Result<(), Fault> {
        let old = old.filter(|old| old.state.is_active());
        let stays = old.is_some_and(|old| {
            old.state == new.state && old.record == new.record && old.work_order == new.work_order
        });
        if stays && !is_waiting(new) && old.is_some_and(|old| old.lease == new.lease) {
            return Ok(());
        }
        let old_lane = old.map(lane_name);
        let new_lane = new.state.is_active().then(|| lane_name(new));
        if let Some(old) = old {
            if old.state == State::Processing {
                self.memory.land(old);
            }
            if is_waiting(old) {
                self.write().ready.remove(ready_key(old))?;
            }
        }
        if new.state == State::Processing {
            self.memory.take_off(new);
        }
        if old_lane != new_lane {
            if let Some(lane) = &old_lane {
                let key = (new.connector.as_str(), lane.as_str(), new.id.as_u128());
                self.write().lane.remove(key)?;
                self.free_lane(new, lane)?;
            }
            if let Some(lane) = &new_lane {
                self.join_lane(new, lane)?;
            }
        }
        match &new_lane {
            Some(lane) => self.free_lane(new, lane),
            None => Ok(()),
        }
    }

    /// Enters a lane: what stood ready there may no longer be its head, or the lane no longer free.
    fn join_lane(&mut self, new: &Transaction, lane: &str) -> Result<(), Fault> {
        let id = new.id.as_u128();
        let joinable = may_be_joined(new);
        let key = (new.connector.as_str(), lane, id);
        self.write().lane.insert(key, joinable)?;
        let others = self
            .lane_ids(new, lane, 2)?
            .into_iter()
            .filter(|other| *other != id);
        let Some(other) = others.min() else {
            return Ok(());
        };
        let unseats = id < other || new.state == State::Processing;
        if unseats && let Some(other) = self.row(other)?.filter(is_waiting) {
            self.write().ready.remove(ready_key(&other))?;
        }
        Ok(())
    }

    /// Lets the head of a lane be claimed, if it waits and nothing of the lane is in flight.
    fn free_lane(&mut self, known: &Transaction, lane: &str) -> Result<(), Fault> {
        if self.memory.is_busy(&known.connector, lane) {
            return Ok(());
        }
        let head = match self.lane_ids(known, lane, 1)?.first() {
            Some(head) if *head == known.id.as_u128() => {
                is_waiting(known).then(|| ready_key(known))
            }
            Some(head) => {
                let head = self.row(*head)?.filter(is_waiting);
                if let Some(head) = head {
                    self.write().ready.insert(ready_key(&head), ())?;
                }
                None
            }
            None => None,
        };
        if let Some(key) = head {
            self.write().ready.insert(key, ())?;
        }
        Ok(())
    }

    fn lane_ids(&self, of: &Transaction, lane: &str, most: usize) -> Result<Vec<u128>, Fault> {
        let connector = of.connector.as_str();
        let ids = self
            .tables
            .lane
            .range((connector, lane, 0)..=(connector, lane, u128::MAX))?;
        ids.take(most).map(|entry| Ok(entry?.0.value().2)).collect()
    }
}

/// Whether a worker could take it, as far as its own state goes.
pub(super) fn is_waiting(transaction: &Transaction) -> bool {
    matches!(transaction.state, State::Queued | State::Retrying)
}

/// Whether a trigger might join it; [`Ledger::accept`] looks closer.
fn may_be_joined(transaction: &Transaction) -> bool {
    transaction.direction == Direction::Inbound
        && transaction.record.is_some()
        && transaction.replays.is_none()
}
