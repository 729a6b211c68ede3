//! The database file: who may open it, what it survives, which files are refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use fieldbridge::model::{
    Direction, JournalEntry, ManualClock, PayloadKind, Progress, RecordId, State, Step,
    StepOutcome, WorkOrderId,
};
use fieldbridge::store::redb::RedbStore;
use fieldbridge::store::{
    Acceptance, Hold, NewTransaction, Outcome, PersonMove, SharedStore, StepRecord, Store,
    StoreError, Watermark,
};
use redb::TableDefinition;

use super::{World, beginning, connector, failure, ids, link, token};

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("fieldbridge.redb")
    }

    fn open(&self) -> Result<RedbStore, StoreError> {
        RedbStore::open(&self.path(), Arc::new(ManualClock::at(beginning())))
    }
}

fn world(store: RedbStore) -> World {
    World::new(
        Arc::new(store),
        Arc::new(ManualClock::at(beginning())),
        None,
    )
}

#[tokio::test]
async fn what_was_in_flight_when_a_process_ends_is_queued_at_the_next_start() {
    let place = Place::new();
    let first = world(place.open().unwrap());
    let flying = first.accept(first.inbound("alpha", "1")).await;
    let event = NewTransaction {
        direction: Direction::Outbound,
        ..first.inbound("alpha", "1")
    };
    let behind = first.accept(event).await;
    let claimed = first.claim_one("alpha").await;
    let progress = Progress {
        fetched: true,
        ..Progress::default()
    };
    let step = StepRecord {
        progress: Some(progress.clone()),
        ..StepRecord::default()
    };
    first.store.record(&token(&claimed), step).await.unwrap();
    drop(first);

    let second = world(place.open().unwrap());
    let row = second.get(flying).await;
    assert_eq!(
        (row.state, row.lease, row.attempts),
        (State::Queued, None, 1)
    );
    assert_eq!(row.progress, progress, "it resumes where it was");
    let error = second
        .store
        .renew(&token(&claimed), second.later(60))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::LeaseLost(_)), "{error}");
    assert_eq!(ids(&second.claim(&["alpha"]).await), vec![flying]);
    assert_eq!(second.state(behind).await, State::Queued);
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_the_file() {
    let place = Place::new();
    let store = place.open().unwrap();
    let error = place.open().unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains(&format!("process {}", std::process::id())),
        "{text}"
    );
    assert!(
        text.contains("2026-03-02T08:00:00Z") && text.contains("fieldbridge.redb"),
        "{text}"
    );
    store.close().unwrap();
    place.open().unwrap();
    let left: Vec<_> = fs::read_dir(place.directory.path())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert_eq!(left, ["fieldbridge.redb"], "the note goes with its writer");
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let place = Place::new();
    let store = place.open().unwrap();
    store.close().unwrap();
    store.close().unwrap();
    let error = store.put_secret("name", None).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    let error = store.counts().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}

#[tokio::test]
async fn what_is_queued_when_a_store_is_dropped_is_answered_first() {
    let place = Place::new();
    let store: SharedStore = Arc::new(place.open().unwrap());
    let world = World::new(store.clone(), Arc::new(ManualClock::at(beginning())), None);
    let mut accepting = tokio::task::JoinSet::new();
    for record in 0..50 {
        let (store, acceptance) = (
            store.clone(),
            world.acceptance(vec![world.inbound("alpha", &record.to_string())]),
        );
        accepting.spawn(async move { store.accept(acceptance).await });
    }
    tokio::task::yield_now().await;
    drop((store, world));
    let stored = accepting.join_all().await.into_iter().flatten().count();
    let again = self::world(place.open().unwrap());
    assert_eq!((stored, again.everything().await.len()), (50, 50));
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let _store = place.open().unwrap();
    let mode = fs::metadata(place.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

fn why_unusable(place: &Place) -> String {
    match place.open().unwrap_err() {
        StoreError::Unusable { why, .. } => why,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn files_that_are_not_ours_are_refused_and_left_alone() {
    let place = Place::new();
    fs::write(place.path(), b"Dear diary").unwrap();
    assert!(why_unusable(&place).contains("no database"));
    assert_eq!(fs::read(place.path()).unwrap(), b"Dear diary");

    let place = Place::new();
    let other: TableDefinition<u64, u64> = TableDefinition::new("theirs");
    let database = redb::Database::create(place.path()).unwrap();
    let txn = database.begin_write().unwrap();
    txn.open_table(other).unwrap().insert(1, 1).unwrap();
    txn.commit().unwrap();
    drop(database);
    assert!(why_unusable(&place).contains("another program"));

    let place = Place::new();
    place.open().unwrap().close().unwrap();
    let meta: TableDefinition<&str, u64> = TableDefinition::new("meta");
    let database = redb::Database::open(place.path()).unwrap();
    let txn = database.begin_write().unwrap();
    txn.open_table(meta)
        .unwrap()
        .insert("schema", 1000)
        .unwrap();
    txn.commit().unwrap();
    drop(database);
    let why = why_unusable(&place);
    assert!(
        why.contains("newer Fieldbridge") && why.contains("1000"),
        "{why}"
    );

    let missing = Path::new("/nonexistent/directory/fieldbridge.redb");
    let error = RedbStore::open(missing, Arc::new(ManualClock::at(beginning()))).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}

/// Where the databases of all released schema versions are kept.
fn fixture(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/store-v{version}.redb"))
}

/// A little of everything, as version 1 writes it.
async fn write_version_1(world: &World) {
    world
        .store
        .link(link("cw-main", "48213", 10))
        .await
        .unwrap();
    let mut new = world.inbound("cw-main", "48213");
    new.label = Some("Printer offline at the front desk".to_owned());
    let acceptance = Acceptance {
        body: Bytes::from_static(b"{\"ID\":48213}"),
        ..world.acceptance(vec![new])
    };
    world.store.accept(acceptance).await.unwrap();
    let claimed = world.claim_one("cw-main").await;
    let entry = JournalEntry {
        at: world.now(),
        attempt: 1,
        step: Step::Fetch,
        outcome: StepOutcome::Done,
        detail: "read the ticket".to_owned(),
        elapsed_us: 1200,
        exchanges: Vec::new(),
    };
    let step = StepRecord {
        entries: vec![entry],
        payloads: vec![(PayloadKind::Source, Bytes::from_static(b"{\"id\":48213}"))],
        ..StepRecord::default()
    };
    world
        .store
        .conclude(&token(&claimed), Outcome::Done, step)
        .await
        .unwrap();
    let dead = world
        .dead("cw-main", "48214", "site 17 was not found")
        .await;
    world
        .dead("cw-main", "48215", "site 99 was not found")
        .await;
    world
        .command(
            dead,
            PersonMove::Discard {
                reason: "duplicate".to_owned(),
            },
        )
        .await
        .unwrap();
    let hold = Hold {
        since: world.now(),
        failure: Some(failure("the key was refused")),
        by: None,
    };
    world
        .store
        .pause(&connector("fd-main"), hold)
        .await
        .unwrap();
    world.accept(world.inbound("fd-main", "11")).await;
    let watermark = Watermark {
        seen_until: world.now(),
        alive_at: world.now(),
    };
    world
        .store
        .set_watermark(&connector("fd-main"), watermark)
        .await
        .unwrap();
    world
        .store
        .put_secret("cw-key", Some(Bytes::from_static(b"sealed-not-a-secret")))
        .await
        .unwrap();
    world.accept(world.outbound("cw-main", 10)).await;
    world.accept(world.outbound("cw-main", 77)).await;
}

/// Writes the fixture of the present version. Run by hand when a version is released, never again after:
/// `cargo test --test store_conformance -- --ignored write_the_fixture`
#[tokio::test]
#[ignore = "writes a file that is kept for ever"]
async fn write_the_fixture_of_this_version() {
    let path = fixture(1);
    assert!(!path.exists(), "a released fixture is never rewritten");
    let clock = Arc::new(ManualClock::at(beginning()));
    let world = World::new(
        Arc::new(RedbStore::open(&path, clock.clone()).unwrap()),
        clock,
        None,
    );
    write_version_1(&world).await;
    drop(world);
    let mut database = redb::Database::open(&path).unwrap();
    database.compact().unwrap();
}

#[tokio::test]
async fn a_database_of_version_1_opens_and_reads_as_it_was_written() {
    let place = Place::new();
    fs::copy(fixture(1), place.path()).unwrap();
    let old = world(place.open().unwrap());
    let written = World::new(
        super::in_memory().store,
        Arc::new(ManualClock::at(beginning())),
        None,
    );
    write_version_1(&written).await;

    let rows = old.everything().await;
    assert_eq!(rows.len(), 6);
    assert_eq!(rows, written.everything().await);
    assert_eq!(
        old.store.counts().await.unwrap(),
        written.store.counts().await.unwrap()
    );
    let done = rows.iter().find(|row| row.state == State::Done).unwrap();
    assert_eq!(done.record, Some(RecordId::new("48213")));
    assert_eq!(done.work_order, Some(WorkOrderId(10)));
    assert_eq!(
        old.store.journal(done.id).await.unwrap()[0].detail,
        "read the ticket"
    );
    let trigger = old
        .store
        .payload(done.id, PayloadKind::Trigger)
        .await
        .unwrap();
    assert_eq!(trigger.as_deref(), Some(b"{\"ID\":48213}".as_slice()));
    let groups = fieldbridge::store::GroupQuery {
        connector: None,
        limit: 10,
    };
    assert_eq!(old.store.failure_groups(groups).await.unwrap()[0].count, 1);
    assert_eq!(old.store.secret_names().await.unwrap(), ["cw-key"]);
    assert_eq!(
        old.store.correlations_of(WorkOrderId(10)).await.unwrap(),
        vec![link("cw-main", "48213", 10)]
    );
    let status = old
        .store
        .connector_status(&connector("fd-main"))
        .await
        .unwrap();
    assert!(status.hold.is_some() && status.watermark.is_some());
    let trail = old.store.audit_trail(10, None).await.unwrap().items;
    assert_eq!(trail[0].action, "discarded it: duplicate");
    // And it goes on working.
    assert_eq!(old.claim(&["cw-main"]).await.len(), 2);
    let resumed = old
        .store
        .resume(&connector("fd-main"), beginning())
        .await
        .unwrap();
    assert_eq!(resumed, 1);
    assert_eq!(old.claim(&["fd-main"]).await.len(), 1);
}
