//! The tables, their keys, and the version of their shape.
//!
//! Keys compare element by element, so whatever is listed or taken in order lies in order. Rows are
//! JSON, readable by any tool; payloads and journals lie apart, so that a change of state rewrites
//! neither.

use redb::{ReadableTable, TableDefinition, TableHandle, WriteTransaction};

use super::fault::Fault;
use crate::model::{Direction, Priority, State, Timestamp, Transaction};
use crate::store::StoreError;

/// Facts about the file itself: `schema`, and `commit`, the number of the last group.
pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// Transaction id → transaction.
pub(super) const ROW: TableDefinition<u128, &[u8]> = TableDefinition::new("transaction");
/// Transaction id and line → journal entry.
pub(super) const JOURNAL: TableDefinition<(u128, u32), &[u8]> = TableDefinition::new("journal");
/// Transaction id and kind → payload.
pub(super) const PAYLOAD: TableDefinition<(u128, u8), &[u8]> = TableDefinition::new("payload");
/// Connector, direction, state, id: where every transaction stands.
pub(super) const PLACE: TableDefinition<(&str, u8, u8, u128), ()> = TableDefinition::new("place");
/// Connector, record, id.
pub(super) const OF_RECORD: TableDefinition<(&str, &str, u128), ()> =
    TableDefinition::new("of_record");
/// Work order, id.
pub(super) const OF_WORK_ORDER: TableDefinition<(u64, u128), ()> =
    TableDefinition::new("of_work_order");
/// Fingerprint, id: the dead only.
pub(super) const OF_FINGERPRINT: TableDefinition<(&str, u128), ()> =
    TableDefinition::new("of_fingerprint");
/// Fingerprint, moment of death, id.
pub(super) const DEATH: TableDefinition<(&str, i128, u128), ()> = TableDefinition::new("death");
/// Connector, lane, id → whether a trigger might join it: the active only, in the order in which the
/// lane will be worked off.
pub(super) const LANE: TableDefinition<(&str, &str, u128), bool> = TableDefinition::new("lane");
/// Connector, priority, whether it waits for a date, the date or else the acceptance, id: the heads of
/// free lanes only. This is what a claim reads.
pub(super) const READY: TableDefinition<(&str, u8, bool, i128, u128), ()> =
    TableDefinition::new("ready");
/// Moment of the end, id: what is done, skipped or discarded.
pub(super) const OVER: TableDefinition<(i128, u128), ()> = TableDefinition::new("over");
/// Delivery key → when it came.
pub(super) const DELIVERY: TableDefinition<&str, i128> = TableDefinition::new("delivery");
/// The same by age.
pub(super) const DELIVERY_AGE: TableDefinition<(i128, &str), ()> =
    TableDefinition::new("delivery_age");
/// Connector, direction, state → how many.
pub(super) const COUNTER: TableDefinition<(&str, u8, u8), u64> = TableDefinition::new("counter");
/// Connector and fingerprint → failure group.
pub(super) const GROUP: TableDefinition<(&str, &str), &[u8]> =
    TableDefinition::new("failure_group");
/// Connector and record → correlation.
pub(super) const CORRELATION: TableDefinition<(&str, &str), &[u8]> =
    TableDefinition::new("correlation");
/// Work order and connector → record.
pub(super) const CORRELATED: TableDefinition<(u64, &str), &str> =
    TableDefinition::new("correlated");
/// Connector → status.
pub(super) const CONNECTOR: TableDefinition<&str, &[u8]> = TableDefinition::new("connector");
/// Connector and direction → field catalogue.
pub(super) const CATALOGUE: TableDefinition<(&str, u8), &[u8]> = TableDefinition::new("catalogue");
/// Mapping version → text.
pub(super) const MAPPING: TableDefinition<&str, &[u8]> = TableDefinition::new("mapping");
/// Connector and number → a mapping version that came in force.
pub(super) const MAPPING_HISTORY: TableDefinition<(&str, u64), &[u8]> =
    TableDefinition::new("mapping_history");
/// Connector → draft.
pub(super) const DRAFT: TableDefinition<&str, &[u8]> = TableDefinition::new("draft");
/// Name → sealed secret.
pub(super) const SECRET: TableDefinition<&str, &[u8]> = TableDefinition::new("secret");
/// Command id → the answer it got.
pub(super) const COMMAND: TableDefinition<u128, &[u8]> = TableDefinition::new("command");
/// The same by age.
pub(super) const COMMAND_AGE: TableDefinition<(i128, u128), ()> =
    TableDefinition::new("command_age");
/// Entry id → audit entry.
pub(super) const AUDIT: TableDefinition<u128, &[u8]> = TableDefinition::new("audit");

/// The key of the schema version in [`META`].
const SCHEMA: &str = "schema";
/// The key of the number of the last group in [`META`].
pub(super) const COMMIT: &str = "commit";

/// One step forward: from the version of its place in the list, counted from 1, to the next.
pub(super) type Migration = fn(&WriteTransaction) -> Result<(), Fault>;

/// All steps there are. A step, once released, is never changed.
pub(super) const MIGRATIONS: &[Migration] = &[];

/// Why a file is not for us.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It holds something else, or something newer.
    Unusable(String),
    /// It could not be read or written.
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for Unfit {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

/// Creates what is missing in a new file, and brings an older one up to the newest version.
pub(super) fn prepare(txn: &WriteTransaction, migrations: &[Migration]) -> Result<(), Unfit> {
    let newest = migrations.len() as u64 + 1;
    let mut foreign = txn.list_tables().map_err(StoreError::from)?;
    let is_empty = foreign.next().is_none();
    let is_ours = is_empty
        || txn
            .list_tables()
            .map_err(StoreError::from)?
            .any(|table| table.name() == META.name());
    if !is_ours {
        return Err(Unfit::Unusable(
            "it is the database of another program; name another data directory".to_owned(),
        ));
    }
    let found = txn
        .open_table(META)?
        .get(SCHEMA)?
        .map(|version| version.value());
    let version = match found {
        Some(version) => version,
        None if is_empty => newest,
        None => {
            return Err(Unfit::Unusable(
                "it does not say which version wrote it".to_owned(),
            ));
        }
    };
    if version == 0 || version > newest {
        return Err(Unfit::Unusable(format!(
            "it was written by a newer Fieldbridge (its schema is version {version}, this one knows up to {newest}); start the newer one"
        )));
    }
    for step in migrations
        .iter()
        .skip(usize::try_from(version - 1).unwrap_or(usize::MAX))
    {
        step(txn)?;
    }
    create_tables(txn)?;
    txn.open_table(META)?.insert(SCHEMA, newest)?;
    Ok(())
}

/// Opens every table once, so that readers find them all.
fn create_tables(txn: &WriteTransaction) -> Result<(), Fault> {
    macro_rules! create {
        ($($table:ident),*) => {$( txn.open_table($table)?; )*};
    }
    create!(
        META,
        ROW,
        JOURNAL,
        PAYLOAD,
        PLACE,
        OF_RECORD,
        OF_WORK_ORDER,
        OF_FINGERPRINT,
        DEATH,
        LANE,
        READY,
        OVER,
        DELIVERY,
        DELIVERY_AGE,
        COUNTER,
        GROUP,
        CORRELATION,
        CORRELATED,
        CONNECTOR,
        CATALOGUE,
        MAPPING,
        MAPPING_HISTORY,
        DRAFT,
        SECRET,
        COMMAND,
        COMMAND_AGE,
        AUDIT
    );
    Ok(())
}

/// The small number that stands for a direction in keys.
pub(super) fn direction_code(direction: Direction) -> u8 {
    match direction {
        Direction::Inbound => 0,
        Direction::Outbound => 1,
    }
}

/// The direction of its number.
pub(super) fn direction_of(code: u8) -> Option<Direction> {
    Direction::ALL
        .into_iter()
        .find(|direction| direction_code(*direction) == code)
}

/// The state of its number.
pub(super) fn state_of(code: u8) -> Option<State> {
    State::ALL.into_iter().find(|state| state.code() == code)
}

/// The small number that stands for a priority in keys; what goes first is smaller.
pub(super) fn priority_code(priority: Priority) -> u8 {
    match priority {
        Priority::Live => 0,
        Priority::Background => 1,
    }
}

/// A moment in keys.
pub(super) fn moment(at: Timestamp) -> i128 {
    at.as_nanosecond()
}

/// The key of a transaction in [`PLACE`].
pub(super) fn place_key(transaction: &Transaction) -> (&str, u8, u8, u128) {
    (
        transaction.connector.as_str(),
        direction_code(transaction.direction),
        transaction.state.code(),
        transaction.id.as_u128(),
    )
}

/// The key of a transaction in [`READY`].
pub(super) fn ready_key(transaction: &Transaction) -> (&str, u8, bool, i128, u128) {
    (
        transaction.connector.as_str(),
        priority_code(transaction.priority),
        transaction.due_at.is_some(),
        moment(transaction.due_at.unwrap_or(transaction.received_at)),
        transaction.id.as_u128(),
    )
}

/// The name of a transaction's lane within its connector.
pub(super) fn lane_name(transaction: &Transaction) -> String {
    match (&transaction.record, transaction.work_order) {
        (Some(record), _) => record_lane(record.as_str()),
        (None, Some(work_order)) => work_order_lane(work_order.0),
        (None, None) => format!("t{}", transaction.id),
    }
}

/// The lane of a record.
pub(super) fn record_lane(record: &str) -> String {
    format!("r{record}")
}

/// The lane of a work order whose record is not known.
pub(super) fn work_order_lane(work_order: u64) -> String {
    format!("w{work_order}")
}

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;
    use redb::{Database, ReadableTableMetadata};

    use super::*;

    fn add_a_secret(txn: &WriteTransaction) -> Result<(), Fault> {
        let mut secrets = txn.open_table(SECRET)?;
        let number = secrets.len()?.to_string();
        secrets.insert(number.as_str(), b"moved".as_slice())?;
        Ok(())
    }

    fn prepare_with(database: &Database, migrations: &[Migration]) -> Result<(), String> {
        let txn = database.begin_write().unwrap();
        let prepared = prepare(&txn, migrations);
        match prepared {
            Ok(()) => {
                txn.commit().unwrap();
                Ok(())
            }
            Err(Unfit::Unusable(why)) => Err(why),
            Err(Unfit::Fault(fault)) => panic!("{fault:?}"),
        }
    }

    fn secrets(database: &Database) -> u64 {
        let txn = database.begin_write().unwrap();
        let secrets = txn.open_table(SECRET).unwrap();
        secrets.len().unwrap()
    }

    #[test]
    fn an_older_file_takes_each_step_forward_once() {
        let database = Database::builder()
            .create_with_backend(InMemoryBackend::new())
            .unwrap();
        prepare_with(&database, &[]).unwrap();
        assert_eq!(secrets(&database), 0);
        prepare_with(&database, &[add_a_secret]).unwrap();
        prepare_with(&database, &[add_a_secret]).unwrap();
        assert_eq!(secrets(&database), 1);
        prepare_with(&database, &[add_a_secret as Migration; 3]).unwrap();
        assert_eq!(secrets(&database), 3);
        let why = prepare_with(&database, &[add_a_secret]).unwrap_err();
        assert!(
            why.contains("version 4") && why.contains("up to 2"),
            "{why}"
        );
    }

    #[test]
    fn a_new_file_begins_at_the_newest_version() {
        let database = Database::builder()
            .create_with_backend(InMemoryBackend::new())
            .unwrap();
        prepare_with(&database, &[add_a_secret]).unwrap();
        assert_eq!(secrets(&database), 0);
    }
}
