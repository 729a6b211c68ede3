//! What the writer keeps in memory: derived from the file when it is opened, and again whenever a
//! write transaction was thrown away.
//!
//! Everything here is bounded by connectors and by work in flight, never by what is stored.

use std::collections::{BTreeSet, HashMap, HashSet};

use redb::{Database, ReadTransaction, ReadableDatabase};

use super::fault::decode;
use super::schema::{
    COMMIT, CONNECTOR, COUNTER, META, PLACE, ROW, direction_code, direction_of, lane_name, state_of,
};
use crate::model::{ConnectorId, Direction, State, Timestamp, Transaction, TransactionId};
use crate::store::{ConnectorStatus, Counts, CountsOf, StoreError};

/// The counts of one connector, inbound and outbound, and what of them the file already says.
#[derive(Debug, Default)]
struct Tally {
    now: [CountsOf; 2],
    saved: [CountsOf; 2],
}

/// A lane by name.
type LaneKey = (ConnectorId, String);

/// What the writer keeps in memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    tallies: HashMap<ConnectorId, Tally>,
    paused: HashSet<ConnectorId>,
    busy: HashMap<LaneKey, usize>,
    leases: BTreeSet<(Timestamp, TransactionId)>,
    /// The number of the last group on disk.
    pub(super) commit: u64,
}

impl Memory {
    /// Reads it from the file.
    pub(super) fn load(database: &Database) -> Result<Self, StoreError> {
        let txn = database.begin_read()?;
        let mut memory = Self {
            commit: txn
                .open_table(META)?
                .get(COMMIT)?
                .map_or(0, |number| number.value()),
            ..Self::default()
        };
        for (connector, directions) in read_counts(&txn)?.by_connector {
            let mut counts = [CountsOf::default(); 2];
            for (direction, of) in directions {
                counts[usize::from(direction_code(direction))] = of;
            }
            let tally = Tally {
                now: counts,
                saved: counts,
            };
            memory.tallies.insert(connector, tally);
        }
        memory.load_paused(&txn)?;
        memory.load_leases(&txn)?;
        Ok(memory)
    }

    fn load_paused(&mut self, txn: &ReadTransaction) -> Result<(), StoreError> {
        for entry in txn.open_table(CONNECTOR)?.range::<&str>(..)? {
            let (name, status) = entry?;
            let status: ConnectorStatus = decode("connector status", status.value())?;
            if status.hold.is_some() {
                self.paused.insert(connector_id(name.value())?);
            }
        }
        Ok(())
    }

    fn load_leases(&mut self, txn: &ReadTransaction) -> Result<(), StoreError> {
        let (places, rows) = (txn.open_table(PLACE)?, txn.open_table(ROW)?);
        let connectors: Vec<_> = self.tallies.keys().cloned().collect();
        for connector in connectors {
            for direction in Direction::ALL {
                let (direction, state) = (direction_code(direction), State::Processing.code());
                let low = (connector.as_str(), direction, state, 0);
                let high = (connector.as_str(), direction, state, u128::MAX);
                for entry in places.range(low..=high)? {
                    let id = entry?.0.value().3;
                    if let Some(row) = rows.get(id)? {
                        self.take_off(&decode("transaction", row.value())?);
                    }
                }
            }
        }
        Ok(())
    }

    /// Counts a transaction in.
    pub(super) fn count_in(&mut self, transaction: &Transaction) {
        *self.count_mut(transaction) += 1;
    }

    /// Counts a transaction out.
    pub(super) fn count_out(&mut self, transaction: &Transaction) {
        let count = self.count_mut(transaction);
        *count = count.saturating_sub(1);
    }

    fn count_mut(&mut self, transaction: &Transaction) -> &mut u64 {
        if !self.tallies.contains_key(&transaction.connector) {
            self.tallies
                .insert(transaction.connector.clone(), Tally::default());
        }
        let direction = usize::from(direction_code(transaction.direction));
        let tally = self
            .tallies
            .entry(transaction.connector.clone())
            .or_default();
        tally.now[direction].of_mut(transaction.state)
    }

    /// How many of a connector are in a state.
    pub(super) fn count(&self, connector: &ConnectorId, state: State) -> u64 {
        let tally = self.tallies.get(connector);
        tally.map_or(0, |tally| {
            tally.now.iter().map(|counts| counts.of(state)).sum()
        })
    }

    /// Gives what has changed since the last time to `write`, and takes it as written.
    pub(super) fn save_counts<E>(
        &mut self,
        mut write: impl FnMut(&ConnectorId, u8, State, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        for (connector, tally) in &mut self.tallies {
            for direction in Direction::ALL.map(direction_code) {
                let place = usize::from(direction);
                for state in State::ALL {
                    let now = tally.now[place].of(state);
                    if now != tally.saved[place].of(state) {
                        write(connector, direction, state, now)?;
                    }
                }
            }
            tally.saved = tally.now;
        }
        Ok(())
    }

    /// The connectors of which something waits that must not, or is held that need not be.
    pub(super) fn unsettled(&self) -> Vec<ConnectorId> {
        let unsettled = |connector: &&ConnectorId| {
            if self.is_paused(connector) {
                self.count(connector, State::Queued) + self.count(connector, State::Retrying) > 0
            } else {
                self.count(connector, State::Held) > 0
            }
        };
        self.tallies.keys().filter(unsettled).cloned().collect()
    }

    /// Whether a connector is paused.
    pub(super) fn is_paused(&self, connector: &ConnectorId) -> bool {
        self.paused.contains(connector)
    }

    /// Notes whether a connector is paused.
    pub(super) fn set_paused(
        &mut self,
        connector: &ConnectorId,
        hold: Option<&crate::store::Hold>,
    ) {
        if hold.is_some() {
            self.paused.insert(connector.clone());
        } else {
            self.paused.remove(connector);
        }
    }

    /// Notes that a leased transaction is in flight.
    pub(super) fn take_off(&mut self, transaction: &Transaction) {
        let lane = (transaction.connector.clone(), lane_name(transaction));
        *self.busy.entry(lane).or_default() += 1;
        if let Some(lease) = &transaction.lease {
            self.leases.insert((lease.expires_at, transaction.id));
        }
    }

    /// Notes that a transaction, leased until now, no longer is in flight.
    pub(super) fn land(&mut self, transaction: &Transaction) {
        let lane = (transaction.connector.clone(), lane_name(transaction));
        if let Some(flights) = self.busy.get_mut(&lane) {
            *flights -= 1;
            if *flights == 0 {
                self.busy.remove(&lane);
            }
        }
        if let Some(lease) = &transaction.lease {
            self.leases.remove(&(lease.expires_at, transaction.id));
        }
    }

    /// Whether something of a lane is in flight.
    pub(super) fn is_busy(&self, connector: &ConnectorId, lane: &str) -> bool {
        self.busy
            .contains_key(&(connector.clone(), lane.to_owned()))
    }

    /// Whose leases end at a moment or before it.
    pub(super) fn lapsed(&self, now: Timestamp) -> Vec<TransactionId> {
        let past = self
            .leases
            .iter()
            .take_while(|(expires_at, _)| *expires_at <= now);
        past.map(|(_, id)| *id).collect()
    }
}

/// Reads a connector's name out of a key.
pub(super) fn connector_id(name: &str) -> Result<ConnectorId, StoreError> {
    ConnectorId::new(name).map_err(|error| StoreError::Damaged {
        what: "connector name",
        why: error.to_string(),
    })
}

/// Reads the kept counts.
pub(super) fn read_counts(txn: &ReadTransaction) -> Result<Counts, StoreError> {
    let mut counts = Counts::default();
    for entry in txn.open_table(COUNTER)?.range::<(&str, u8, u8)>(..)? {
        let (key, count) = entry?;
        let (connector, direction, state) = key.value();
        let (Some(direction), Some(state)) = (direction_of(direction), state_of(state)) else {
            return Err(StoreError::Damaged {
                what: "counter",
                why: format!("there is no direction {direction} or no state {state}"),
            });
        };
        let directions = counts
            .by_connector
            .entry(connector_id(connector)?)
            .or_default();
        *directions.entry(direction).or_default().of_mut(state) = count.value();
    }
    Ok(counts)
}
