//! What is kept about connectors, and pauses.

use redb::ReadableTable;

use super::fault::{Fault, decode, encode};
use super::ledger::{Author, Ledger};
use super::schema::{CONNECTOR, direction_code};
use crate::model::{ConnectorId, Direction, Move, State};
use crate::store::{ConnectorStatus, Hold, StoreError};

/// How many transactions one commit holds or releases at most, so that nobody waits long behind it.
pub(super) const CHUNK: u64 = 256;

impl Ledger<'_> {
    /// Changes what is kept about a connector.
    pub(super) fn change_status(
        &mut self,
        connector: &ConnectorId,
        change: impl FnOnce(&mut ConnectorStatus),
    ) -> Result<(), Fault> {
        let mut status = self.status(connector)?;
        change(&mut status);
        let row = encode("connector status", &status)?;
        let txn = self.txn_to_write();
        txn.open_table(CONNECTOR)?
            .insert(connector.as_str(), row.as_slice())?;
        self.memory.set_paused(connector, status.hold.as_ref());
        Ok(())
    }

    fn status(&self, connector: &ConnectorId) -> Result<ConnectorStatus, StoreError> {
        let connectors = self.txn().open_table(CONNECTOR)?;
        let row = connectors.get(connector.as_str())?;
        row.map_or_else(
            || Ok(ConnectorStatus::default()),
            |row| decode("connector status", row.value()),
        )
    }

    /// Pauses a connector and holds the first of what waits. A person's pause is not replaced by a
    /// failure's: what lifts the failure must not lift the person's.
    pub(super) fn pause(&mut self, connector: &ConnectorId, hold: &Hold) -> Result<u64, Fault> {
        self.change_status(connector, |status| {
            let by_person = status.hold.as_ref().is_some_and(|hold| hold.by.is_some());
            if !by_person || hold.by.is_some() {
                status.hold = Some(hold.clone());
            }
        })?;
        self.settle(connector)
    }

    /// Resumes a connector and releases the first of what is held.
    pub(super) fn resume(&mut self, connector: &ConnectorId) -> Result<u64, Fault> {
        self.change_status(connector, |status| status.hold = None)?;
        self.settle(connector)
    }

    /// Holds (if the connector is paused) or releases (if not) up to [`CHUNK`] transactions; answers how many.
    pub(super) fn settle(&mut self, connector: &ConnectorId) -> Result<u64, Fault> {
        let (states, step): (&[State], Move) = if self.memory.is_paused(connector) {
            (&[State::Queued, State::Retrying], Move::Hold)
        } else {
            (&[State::Held], Move::Release)
        };
        let mut moved = 0;
        for state in states {
            for direction in Direction::ALL {
                for id in self.standing(connector, direction, *state, CHUNK - moved)? {
                    let Some(old) = self.row(id)? else { continue };
                    let mut new = old.clone();
                    new.state = old.state.after(step)?;
                    new.due_at = None;
                    self.replace(&old, new, Author::Engine)?;
                    moved += 1;
                }
            }
        }
        Ok(moved)
    }

    fn standing(
        &self,
        connector: &ConnectorId,
        direction: Direction,
        state: State,
        most: u64,
    ) -> Result<Vec<u128>, Fault> {
        let (connector, direction, state) =
            (connector.as_str(), direction_code(direction), state.code());
        let low = (connector, direction, state, 0);
        let high = (connector, direction, state, u128::MAX);
        let places = self.read().place.range(low..=high)?;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        places
            .take(most)
            .map(|entry| Ok(entry?.0.value().3))
            .collect()
    }
}
