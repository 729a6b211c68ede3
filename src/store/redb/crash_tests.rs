//! What is left when the disk fails: at every single operation, in every way.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redb::ReadableTableMetadata;

use super::RedbStore;
use super::fault::Fault;
use super::faulty_disk::{FaultyDisk, Survives};
use super::ledger::is_waiting;
use super::memory::connector_id;
use super::schema::{
    LANE, OF_RECORD, OF_WORK_ORDER, OVER, PLACE, READY, SECRET, lane_name, moment, place_key,
    ready_key,
};
use crate::model::{
    Clock, ConnectorId, DeliveryKey, Direction, ManualClock, Origin, OwnerId, PayloadKind,
    Priority, Progress, RecordId, State, Step, Timestamp, Transaction, TransactionId, WorkOrderId,
};
use crate::store::{
    Acceptance, Accepted, ClaimRequest, Correlation, Counts, Hold, LeaseToken, ListOrder,
    ListQuery, NewTransaction, Outcome, PersonCommand, PersonMove, Result, StepRecord, Store,
    StoreError,
};

/// A verb as the writer takes it.
type Verb = Box<dyn FnMut(&mut super::Ledger<'_>) -> std::result::Result<(), Fault> + Send>;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(
        "2026-03-02T08:00:00Z".parse::<Timestamp>().unwrap(),
    ))
}

fn open(disk: &FaultyDisk) -> RedbStore {
    RedbStore::open_home(Box::new(disk.clone()), clock()).unwrap()
}

fn empty_disk() -> FaultyDisk {
    let disk = FaultyDisk::default();
    open(&disk).close().unwrap();
    disk
}

fn alpha() -> ConnectorId {
    connector_id("alpha").unwrap()
}

fn new(id: u128, record: &str) -> NewTransaction {
    NewTransaction {
        id: TransactionId::from_u128(id),
        connector: alpha(),
        direction: Direction::Inbound,
        origin: Origin::Trigger,
        priority: Priority::Live,
        record: Some(RecordId::new(record)),
        work_order: None,
        event: None,
        label: None,
        replays: None,
        payloads: vec![(PayloadKind::Source, Bytes::from(vec![7; 3000]))],
        progress: Progress::default(),
    }
}

fn acceptance(number: u128) -> Acceptance {
    let record = number.to_string();
    Acceptance {
        at: clock().now(),
        delivery: Some(DeliveryKey::new(record.clone())),
        transactions: (0..3)
            .map(|part| new(number * 10 + part, &record))
            .collect(),
        body: Bytes::from_static(b"a body"),
    }
}

/// What stands in a store: every row, and the counts.
#[derive(Debug, PartialEq)]
struct Picture {
    rows: Vec<Transaction>,
    counts: Counts,
    payloads: usize,
    lines: usize,
}

async fn picture(store: &RedbStore) -> Picture {
    let query = ListQuery {
        order: ListOrder::OldestFirst,
        limit: 1000,
        ..ListQuery::default()
    };
    let rows = store.list(query).await.unwrap().items;
    let (mut payloads, mut lines) = (0, 0);
    for row in &rows {
        lines += store.journal(row.id).await.unwrap().len();
        for kind in PayloadKind::ALL {
            payloads += usize::from(store.payload(row.id, kind).await.unwrap().is_some());
        }
    }
    check_indexes(store, &rows);
    let counts = store.counts().await.unwrap();
    Picture {
        rows,
        counts,
        payloads,
        lines,
    }
}

/// Holds every index against the rows.
fn check_indexes(store: &RedbStore, rows: &[Transaction]) {
    let txn = store.handle.view().unwrap().txn;
    let same = |name: &str, wanted: BTreeSet<String>, found: BTreeSet<String>| {
        assert_eq!(found, wanted, "{name}");
    };
    macro_rules! keys {
        ($table:ident, $key:ty) => {{
            let table = txn.open_table($table).unwrap();
            let range = table.range::<$key>(..).unwrap();
            range
                .map(|entry| format!("{:?}", entry.unwrap().0.value()))
                .collect::<BTreeSet<_>>()
        }};
    }
    let id = |row: &Transaction| row.id.as_u128();
    let of = |row: &Transaction| row.connector.to_string();
    let words = |keys: &mut dyn Iterator<Item = String>| keys.collect::<BTreeSet<_>>();

    same(
        "place",
        words(&mut rows.iter().map(|row| format!("{:?}", place_key(row)))),
        keys!(PLACE, (&str, u8, u8, u128)),
    );
    let known = rows
        .iter()
        .filter_map(|row| Some((of(row), row.record.as_ref()?.as_str(), id(row))));
    same(
        "record",
        words(&mut known.map(|key| format!("{key:?}"))),
        keys!(OF_RECORD, (&str, &str, u128)),
    );
    let known = rows
        .iter()
        .filter_map(|row| Some((row.work_order?.0, id(row))));
    same(
        "work order",
        words(&mut known.map(|key| format!("{key:?}"))),
        keys!(OF_WORK_ORDER, (u64, u128)),
    );
    let active = || rows.iter().filter(|row| row.state.is_active());
    let lanes = active().map(|row| format!("{:?}", (of(row), lane_name(row), id(row))));
    same(
        "lane",
        words(&mut lanes.into_iter()),
        keys!(LANE, (&str, &str, u128)),
    );
    let free = active().filter(|row| {
        let mut others = active()
            .filter(|other| lane_name(other) == lane_name(row) && other.connector == row.connector);
        is_waiting(row)
            && others.all(|other| other.id >= row.id && other.state != State::Processing)
    });
    let ready = free.map(|row| format!("{:?}", ready_key(row)));
    same(
        "ready",
        words(&mut ready.into_iter()),
        keys!(READY, (&str, u8, bool, i128, u128)),
    );
    let is_over =
        |row: &&Transaction| matches!(row.state, State::Done | State::Skipped | State::Discarded);
    let over = rows
        .iter()
        .filter(is_over)
        .map(|row| format!("{:?}", (moment(row.updated_at), id(row))));
    same(
        "over",
        words(&mut over.into_iter()),
        keys!(OVER, (i128, u128)),
    );
}

/// The verbs of the script, one after the other; each depends on those before it.
const VERBS: usize = 12;

async fn carry_out(store: &RedbStore, verb: usize) -> Result<()> {
    let token = |id| LeaseToken {
        transaction: TransactionId::from_u128(id),
        owner: OwnerId::from_u128(5),
        attempt: 1,
    };
    let now = clock().now();
    let link = Correlation {
        connector: alpha(),
        record: RecordId::new("1"),
        work_order: WorkOrderId(77),
        linked_at: now,
        sent_to_work_order: std::collections::BTreeMap::default(),
        sent_to_record: std::collections::BTreeMap::default(),
        carried: std::collections::BTreeMap::default(),
    };
    let failure = || crate::model::Failure::new(crate::model::Category::Server, "refused");
    let person = |id, transaction, action| PersonCommand {
        id: uuid::Uuid::from_u128(id),
        by: "casey".to_owned(),
        at: now,
        transaction: TransactionId::from_u128(transaction),
        seen: None,
        action,
    };
    match verb {
        0 => store.accept(acceptance(1)).await.map(drop),
        1 => store.accept(acceptance(2)).await.map(drop),
        2 => {
            let request = ClaimRequest {
                owner: OwnerId::from_u128(5),
                now,
                lease: Duration::from_secs(60),
                wanted: vec![(alpha(), 5)],
                at_most: 5,
            };
            store
                .claim(request)
                .await
                .map(|claimed| assert_eq!(claimed.len(), 2))
        }
        3 => {
            let payloads = vec![(PayloadKind::Output, Bytes::from(vec![1; 9000]))];
            let step = StepRecord {
                payloads,
                link: Some(Box::new(link)),
                ..StepRecord::default()
            };
            store.record(&token(10), step).await
        }
        4 => {
            store
                .conclude(&token(10), Outcome::Done, StepRecord::default())
                .await
        }
        5 => {
            store
                .conclude(
                    &token(20),
                    Outcome::Dead(Step::Map, failure()),
                    StepRecord::default(),
                )
                .await
        }
        6 => store
            .command(person(100, 20, PersonMove::Retry))
            .await
            .map(drop),
        7 => store
            .pause(
                &alpha(),
                Hold {
                    since: now,
                    failure: None,
                    by: None,
                },
            )
            .await
            .map(drop),
        8 => store.accept(acceptance(3)).await.map(drop),
        9 => store.resume(&alpha(), now).await.map(drop),
        10 => store
            .command(person(
                101,
                30,
                PersonMove::Discard {
                    reason: "enough".to_owned(),
                },
            ))
            .await
            .map(drop),
        _ => store.forget_before(Timestamp::MAX).await.map(drop),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// What a healthy disk shows after the first so many verbs and a restart.
async fn expected(empty: &FaultyDisk, verbs: usize) -> Picture {
    let disk = empty.copy();
    let store = open(&disk);
    for verb in 0..verbs {
        carry_out(&store, verb).await.unwrap();
    }
    drop(store);
    picture(&open(&disk)).await
}

#[test]
fn whatever_was_answered_is_there_after_a_crash_at_any_operation_and_nothing_is_there_by_half() {
    runtime().block_on(async {
        let empty = empty_disk();
        let mut wanted = Vec::new();
        for verbs in 0..=VERBS {
            wanted.push(expected(&empty, verbs).await);
        }
        assert!(
            wanted.windows(2).all(|pair| pair[0] != pair[1]),
            "every verb shows"
        );
        let all = {
            let disk = empty.copy();
            let store = open(&disk);
            let before = disk.operations();
            for verb in 0..VERBS {
                carry_out(&store, verb).await.unwrap();
            }
            disk.operations() - before
        };
        let mut ends = [0_usize; 2];
        for operation in 0..all {
            let reordered = if operation % 2 == 0 {
                Survives::Everything
            } else {
                Survives::EveryOther
            };
            for survives in [Survives::Nothing, reordered] {
                let disk = empty.copy();
                let store = open(&disk);
                disk.fail_after(operation);
                let mut answered = 0;
                while answered < VERBS && carry_out(&store, answered).await.is_ok() {
                    answered += 1;
                }
                drop(store);
                disk.lose_power(survives);
                let found = picture(&open(&disk)).await;
                let further = wanted.get(answered + 1);
                let is_whole = found == wanted[answered] || Some(&found) == further;
                assert!(
                    is_whole,
                    "{operation} of {all}, {survives:?}: {answered} answered, found {found:#?}"
                );
                ends[usize::from(found != wanted[answered])] += 1;
            }
        }
        // Otherwise the test has not met both sides of a commit.
        assert!(ends[0] > 0 && ends[1] > 0, "{ends:?}");
    });
}

#[test]
fn a_passing_fault_is_answered_truthfully_and_work_goes_on() {
    runtime().block_on(async {
        let empty = empty_disk();
        let mut refused = 0;
        for operation in 0..60 {
            let disk = empty.copy();
            let store = open(&disk);
            disk.fail_once_after(operation);
            let mut wanted = BTreeSet::new();
            for number in 1..=6 {
                match store.accept(acceptance(number)).await {
                    Ok(Accepted::Stored(ids)) => wanted.extend(ids),
                    Ok(Accepted::Duplicate) => panic!("a refused acceptance left its delivery key"),
                    Err(StoreError::Unavailable(_)) => refused += 1,
                    Err(other) => panic!("{other}"),
                }
            }
            let found = picture(&store).await;
            assert_eq!(
                found.rows.iter().map(|row| row.id).collect::<BTreeSet<_>>(),
                wanted,
                "{operation}"
            );
            drop(store);
            assert_eq!(picture(&open(&disk)).await, found);
        }
        assert!(refused > 10, "{refused}");
    });
}

#[test]
fn a_full_disk_refuses_whole_groups_and_work_goes_on_when_there_is_space() {
    runtime().block_on(async {
        let disk = empty_disk();
        let store = Arc::new(open(&disk));
        store.accept(acceptance(1)).await.unwrap();
        disk.set_full(true);
        let big = |number: u128| {
            let mut big = acceptance(number);
            big.body = Bytes::from(vec![1; 300_000]);
            big
        };
        let mut group = tokio::task::JoinSet::new();
        for number in 2..30 {
            let store = Arc::clone(&store);
            group.spawn(async move { store.accept(big(number)).await });
        }
        let answers = group.join_all().await;
        let refused: Vec<_> = answers
            .iter()
            .filter_map(|answer| answer.as_ref().err())
            .collect();
        assert!(
            refused
                .iter()
                .any(|error| error.to_string().contains("no space left")),
            "{refused:?}"
        );
        let stored = answers.len() - refused.len();
        let found = picture(&store).await;
        assert_eq!(
            found.rows.len(),
            3 * (stored + 1),
            "reading goes on, and shows what was answered"
        );
        disk.set_full(false);
        for number in 100..110 {
            store.accept(big(number)).await.unwrap();
        }
        assert_eq!(picture(&store).await.rows.len(), 3 * (stored + 11));
    });
}

/// Lets the writer wait, so that whatever is asked meanwhile becomes one group.
fn hold_up(
    store: &Arc<RedbStore>,
) -> (
    std::sync::mpsc::Sender<()>,
    tokio::task::JoinHandle<Result<()>>,
) {
    let (go, gate) = std::sync::mpsc::channel();
    let mut gate = Some(gate);
    let store = Arc::clone(store);
    let waiting = tokio::spawn(async move {
        store
            .write(move |_| {
                // Once: the verb is carried out anew when another of its group breaks.
                if let Some(gate) = gate.take() {
                    let _ = gate.recv();
                }
                Ok(())
            })
            .await
    });
    (go, waiting)
}

#[test]
fn a_verb_that_breaks_or_panics_takes_nobody_with_it() {
    runtime().block_on(async {
        let store = Arc::new(open(&empty_disk()));
        let (go, waiting) = hold_up(&store);
        tokio::task::yield_now().await;
        let put = |name: &'static str| {
            move |ledger: &mut super::Ledger<'_>| -> std::result::Result<(), Fault> {
                let value: &[u8] = b"x";
                ledger
                    .txn_to_write()
                    .open_table(SECRET)?
                    .insert(name, value)?;
                Ok(())
            }
        };
        let spawn = |verb: Verb| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.write(verb).await })
        };
        let half = put("half");
        let panicking = put("panicking");
        let tasks = [
            spawn(Box::new(put("one"))),
            spawn(Box::new(move |ledger| {
                half(ledger)?;
                let why = "on purpose".to_owned();
                Err(Fault::Broken(StoreError::Damaged {
                    what: "test row",
                    why,
                }))
            })),
            spawn(Box::new(put("two"))),
            spawn(Box::new(move |ledger| {
                panicking(ledger)?;
                panic!("on purpose");
            })),
            spawn(Box::new(put("three"))),
        ];
        tokio::task::yield_now().await;
        go.send(()).unwrap();
        waiting.await.unwrap().unwrap();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap().map_err(|error| error.to_string()));
        }
        assert_eq!(
            answers[1],
            Err("a stored test row can't be read: on purpose".to_owned())
        );
        assert_eq!(
            answers[3],
            Err("the store can't write: a fault in the store: on purpose".to_owned())
        );
        assert!(
            answers[0].is_ok() && answers[2].is_ok() && answers[4].is_ok(),
            "{answers:?}"
        );
        assert_eq!(store.secret_names().await.unwrap(), ["one", "three", "two"]);
        store.accept(acceptance(1)).await.unwrap();
    });
}

#[test]
fn what_is_asked_at_once_shares_a_commit() {
    runtime().block_on(async {
        let disk = empty_disk();
        let store = Arc::new(open(&disk));
        store.accept(acceptance(1)).await.unwrap();
        let before = disk.operations();
        store.accept(acceptance(2)).await.unwrap();
        let one = disk.operations() - before;
        let (go, waiting) = hold_up(&store);
        tokio::task::yield_now().await;
        let mut group = tokio::task::JoinSet::new();
        for number in 3..43 {
            let store = Arc::clone(&store);
            group.spawn(async move { store.accept(acceptance(number)).await.unwrap() });
        }
        tokio::task::yield_now().await;
        let before = disk.operations();
        go.send(()).unwrap();
        waiting.await.unwrap().unwrap();
        group.join_all().await;
        let forty = disk.operations() - before;
        assert!(
            forty < one * 20,
            "forty took {forty} disk operations, one takes {one}"
        );
    });
}

#[test]
fn a_verb_that_only_looks_costs_no_commit() {
    runtime().block_on(async {
        let disk = empty_disk();
        let store = open(&disk);
        let before = disk.operations();
        let request = ClaimRequest {
            owner: OwnerId::from_u128(5),
            now: clock().now(),
            lease: Duration::from_secs(60),
            wanted: vec![(alpha(), 5)],
            at_most: 5,
        };
        assert!(store.claim(request).await.unwrap().is_empty());
        assert_eq!(store.reclaim(Timestamp::MAX).await.unwrap(), 0);
        assert_eq!(disk.operations(), before);
    });
}

#[test]
fn a_pause_cut_short_by_a_crash_is_finished_at_the_next_start() {
    runtime().block_on(async {
        let disk = empty_disk();
        let store = open(&disk);
        let many = (1..=600).map(|number| NewTransaction {
            payloads: Vec::new(),
            ..new(number, &number.to_string())
        });
        let many = Acceptance {
            transactions: many.collect(),
            delivery: None,
            ..acceptance(1)
        };
        store.accept(many).await.unwrap();
        let pause = Hold {
            since: clock().now(),
            failure: None,
            by: None,
        };
        // Only the first part of a pause, as if the process died after it.
        store
            .write(move |ledger| ledger.pause(&alpha(), &pause))
            .await
            .unwrap();
        let held = |counts: Counts| counts.of_connector(&alpha(), State::Held);
        assert_eq!(held(store.counts().await.unwrap()), super::CHUNK);
        drop(store);
        let store = open(&disk);
        assert_eq!(held(store.counts().await.unwrap()), 600);
        store.write(|ledger| ledger.resume(&alpha())).await.unwrap();
        drop(store);
        let store = open(&disk);
        assert_eq!(held(store.counts().await.unwrap()), 0);
        check_indexes(&store, &picture(&store).await.rows);
        let table = store.handle.view().unwrap().txn.open_table(READY).unwrap();
        assert_eq!(table.len().unwrap(), 600);
    });
}
