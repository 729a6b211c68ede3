//! What the store's tests share: a store with a clock to move, and short ways to say the usual.

mod file;
pub mod memory;
pub mod model;
pub mod suite;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fieldbridge::model::{
    Category, Clock, ConnectorId, Direction, Failure, ManualClock, Origin, OwnerId, Priority,
    Progress, RecordId, State, Step, Timestamp, Transaction, TransactionId, WorkOrderId,
};
use fieldbridge::store::redb::RedbStore;
use fieldbridge::store::{
    Acceptance, Accepted, ClaimRequest, Correlation, LeaseToken, ListOrder, ListQuery,
    NewTransaction, Outcome, PersonCommand, PersonMove, SharedStore, StepRecord, Store, StoreError,
};
use uuid::Uuid;

/// A store, the clock it goes by, and whatever has to live as long as it does.
pub struct World {
    pub store: SharedStore,
    pub clock: Arc<ManualClock>,
    owner: OwnerId,
    ids: AtomicU64,
    _directory: Option<tempfile::TempDir>,
}

/// The moment at which every test begins.
pub fn beginning() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

/// A world on redb, in a directory of its own.
pub fn on_redb() -> World {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(beginning()));
    let store = RedbStore::open(&directory.path().join("store.redb"), clock.clone()).unwrap();
    World::new(Arc::new(store), clock, Some(directory))
}

/// A world in memory: the model that says what a store means.
pub fn in_memory() -> World {
    let clock = Arc::new(ManualClock::at(beginning()));
    let store = memory::MemoryStore::new(clock.clone());
    World::new(Arc::new(store), clock, None)
}

impl World {
    fn new(
        store: SharedStore,
        clock: Arc<ManualClock>,
        directory: Option<tempfile::TempDir>,
    ) -> Self {
        Self {
            store,
            clock,
            owner: OwnerId::from_u128(7),
            ids: AtomicU64::new(1),
            _directory: directory,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn later(&self, seconds: u64) -> Timestamp {
        self.now() + Duration::from_secs(seconds)
    }

    pub fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// A new id, above all before it.
    pub fn id(&self) -> TransactionId {
        TransactionId::from_u128(u128::from(self.ids.fetch_add(1, Ordering::Relaxed)) << 64)
    }

    /// An inbound transaction of a record.
    pub fn inbound(&self, connector: &str, record: &str) -> NewTransaction {
        NewTransaction {
            id: self.id(),
            connector: self::connector(connector),
            direction: Direction::Inbound,
            origin: Origin::Trigger,
            priority: Priority::Live,
            record: Some(RecordId::new(record)),
            work_order: None,
            event: None,
            label: None,
            replays: None,
            payloads: Vec::new(),
            progress: Progress::default(),
        }
    }

    /// An outbound transaction of a work order.
    pub fn outbound(&self, connector: &str, work_order: u64) -> NewTransaction {
        NewTransaction {
            direction: Direction::Outbound,
            origin: Origin::Event,
            record: None,
            work_order: Some(WorkOrderId(work_order)),
            ..self.inbound(connector, "unused")
        }
    }

    /// Accepts one transaction without a delivery key; answers the id that stands for it.
    pub async fn accept(&self, new: NewTransaction) -> TransactionId {
        match self.store.accept(self.acceptance(vec![new])).await.unwrap() {
            Accepted::Stored(ids) => ids[0],
            Accepted::Duplicate => {
                panic!("a transaction without delivery key was taken for a duplicate")
            }
        }
    }

    pub fn acceptance(&self, transactions: Vec<NewTransaction>) -> Acceptance {
        Acceptance {
            at: self.now(),
            delivery: None,
            transactions,
            body: Bytes::new(),
        }
    }

    /// Claims up to ten of each connector, a minute's lease.
    pub async fn claim(&self, connectors: &[&str]) -> Vec<Transaction> {
        self.claim_at_most(connectors, 10, 100).await
    }

    pub async fn claim_at_most(
        &self,
        connectors: &[&str],
        each: usize,
        all: usize,
    ) -> Vec<Transaction> {
        let request = ClaimRequest {
            owner: self.owner,
            now: self.now(),
            lease: Duration::from_secs(60),
            wanted: connectors
                .iter()
                .map(|name| (connector(name), each))
                .collect(),
            at_most: all,
        };
        self.store.claim(request).await.unwrap()
    }

    /// Claims what must be exactly one transaction.
    pub async fn claim_one(&self, connector: &str) -> Transaction {
        let mut claimed = self.claim(&[connector]).await;
        assert_eq!(claimed.len(), 1, "{claimed:#?}");
        claimed.remove(0)
    }

    pub async fn conclude(&self, transaction: &Transaction, outcome: Outcome) {
        let token = token(transaction);
        self.store
            .conclude(&token, outcome, StepRecord::default())
            .await
            .unwrap();
    }

    pub async fn get(&self, id: TransactionId) -> Transaction {
        self.store.transaction(id).await.unwrap().unwrap()
    }

    pub async fn state(&self, id: TransactionId) -> State {
        self.get(id).await.state
    }

    /// A person's command on what stands there now.
    pub async fn command(
        &self,
        id: TransactionId,
        action: PersonMove,
    ) -> Result<Transaction, StoreError> {
        self.store.command(self.person(id, action)).await
    }

    pub fn person(&self, transaction: TransactionId, action: PersonMove) -> PersonCommand {
        PersonCommand {
            id: Uuid::from_u128(self.id().as_u128()),
            by: "casey".to_owned(),
            at: self.now(),
            transaction,
            seen: None,
            action,
        }
    }

    /// Accepts, claims and buries a transaction.
    pub async fn dead(&self, connector: &str, record: &str, cause: &str) -> TransactionId {
        let id = self.accept(self.inbound(connector, record)).await;
        let claimed = self.claim_one(connector).await;
        assert_eq!(claimed.id, id);
        self.conclude(&claimed, Outcome::Dead(Step::Deliver, failure(cause)))
            .await;
        id
    }

    /// Everything there is, oldest first.
    pub async fn everything(&self) -> Vec<Transaction> {
        everything(self.store.as_ref()).await
    }
}

/// Everything there is, oldest first.
pub async fn everything(store: &dyn Store) -> Vec<Transaction> {
    let mut all = Vec::new();
    let mut query = ListQuery {
        order: ListOrder::OldestFirst,
        limit: 100,
        ..ListQuery::default()
    };
    loop {
        let page = store.list(query.clone()).await.unwrap();
        all.extend(page.items);
        query.after = page.next;
        if query.after.is_none() {
            return all;
        }
    }
}

pub fn connector(name: &str) -> ConnectorId {
    ConnectorId::new(name).unwrap()
}

pub fn failure(cause: &str) -> Failure {
    Failure::new(Category::Server, cause)
}

pub fn retry_at(moment: Timestamp) -> Outcome {
    Outcome::RetryAt(moment, Step::Deliver, failure("the other side failed"))
}

pub fn token(transaction: &Transaction) -> LeaseToken {
    LeaseToken {
        transaction: transaction.id,
        owner: transaction.lease.as_ref().unwrap().owner,
        attempt: transaction.attempts,
    }
}

pub fn link(connector: &str, record: &str, work_order: u64) -> Correlation {
    Correlation {
        connector: self::connector(connector),
        record: RecordId::new(record),
        work_order: WorkOrderId(work_order),
        linked_at: beginning(),
        sent_to_work_order: std::collections::BTreeMap::new(),
        sent_to_record: std::collections::BTreeMap::new(),
        carried: std::collections::BTreeMap::new(),
    }
}

pub fn ids(transactions: &[Transaction]) -> Vec<TransactionId> {
    transactions
        .iter()
        .map(|transaction| transaction.id)
        .collect()
}
