//! How fast the store is on redb, every answer durable: acceptance alone and by many callers at once, the
//! shortest life of a transaction, and a page out of 100,000 rows.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fieldbridge::model::{
    ConnectorId, DeliveryKey, Direction, JournalEntry, Origin, OwnerId, PayloadKind, Priority,
    Progress, RecordId, State, Step, StepOutcome, Timestamp, TokioClock, TransactionId,
};
use fieldbridge::store::redb::RedbStore;
use fieldbridge::store::{
    Acceptance, ClaimRequest, LeaseToken, ListQuery, NewTransaction, Outcome, StepRecord, Store,
};
use tokio::runtime::Runtime;

/// A store in a directory of its own, and a supply of records that are all different.
struct Bench {
    store: Arc<RedbStore>,
    next: AtomicU64,
    runtime: Runtime,
    _directory: tempfile::TempDir,
}

fn connector() -> ConnectorId {
    ConnectorId::new("cw-main").expect("it is a slug")
}

impl Bench {
    fn new() -> Arc<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let directory = tempfile::tempdir().expect("a directory can be made");
        let store = {
            let _entered = runtime.enter();
            RedbStore::open(
                &directory.path().join("bench.redb"),
                Arc::new(TokioClock::start()),
            )
            .expect("the store opens")
        };
        Arc::new(Self {
            store: Arc::new(store),
            next: AtomicU64::new(0),
            runtime,
            _directory: directory,
        })
    }

    fn transaction(&self) -> NewTransaction {
        let record = self.next.fetch_add(1, Ordering::Relaxed);
        NewTransaction {
            id: TransactionId::generate(),
            connector: connector(),
            direction: Direction::Inbound,
            origin: Origin::Trigger,
            priority: Priority::Live,
            record: Some(RecordId::new(record.to_string())),
            work_order: None,
            event: None,
            label: None,
            replays: None,
            payloads: Vec::new(),
            progress: Progress::default(),
        }
    }

    /// A trigger as a webhook brings it: 300 bytes, with a delivery key.
    fn trigger(&self) -> Acceptance {
        let transaction = self.transaction();
        Acceptance {
            at: Timestamp::now(),
            delivery: Some(DeliveryKey::new(transaction.id.to_string())),
            transactions: vec![transaction],
            body: Bytes::from_static(&[b'x'; 300]),
        }
    }

    fn fill(&self, rows: usize) {
        self.runtime.block_on(async {
            for _ in 0..rows / 1000 {
                let transactions = (0..1000).map(|_| self.transaction()).collect();
                let all = Acceptance {
                    transactions,
                    delivery: None,
                    ..self.trigger()
                };
                self.store.accept(all).await.expect("it is stored");
            }
        });
    }

    /// Accepts so many triggers, so many callers at a time.
    async fn accept(self: &Arc<Self>, triggers: u64, callers: u64) {
        let left = Arc::new(AtomicU64::new(triggers));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..callers {
            let (bench, left) = (Arc::clone(self), Arc::clone(&left));
            tasks.spawn(async move {
                let more = |left: u64| left.checked_sub(1);
                while left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
                    .is_ok()
                {
                    bench
                        .store
                        .accept(bench.trigger())
                        .await
                        .expect("it is stored");
                }
            });
        }
        tasks.join_all().await;
    }

    /// Claims so many, lets each leave two steps, and concludes them; answers how many there were.
    async fn work(self: &Arc<Self>, at_most: usize) -> u64 {
        let request = ClaimRequest {
            owner: OwnerId::from_u128(1),
            now: Timestamp::now(),
            lease: Duration::from_secs(60),
            wanted: vec![(connector(), at_most)],
            at_most,
        };
        let claimed = self.store.claim(request).await.expect("it claims");
        let done = claimed.len() as u64;
        let mut tasks = tokio::task::JoinSet::new();
        for transaction in claimed {
            let bench = Arc::clone(self);
            tasks.spawn(async move {
                let token = LeaseToken {
                    transaction: transaction.id,
                    owner: OwnerId::from_u128(1),
                    attempt: transaction.attempts,
                };
                for kind in [PayloadKind::Source, PayloadKind::Output] {
                    bench
                        .store
                        .record(&token, step(kind))
                        .await
                        .expect("it records");
                }
                let last = StepRecord::default();
                bench
                    .store
                    .conclude(&token, Outcome::Done, last)
                    .await
                    .expect("it concludes");
            });
        }
        tasks.join_all().await;
        done
    }
}

fn step(kind: PayloadKind) -> StepRecord {
    StepRecord {
        entries: vec![JournalEntry {
            at: Timestamp::now(),
            attempt: 1,
            step: Step::Fetch,
            outcome: StepOutcome::Done,
            detail: "read the ticket".to_owned(),
            elapsed_us: 900,
            exchanges: Vec::new(),
        }],
        payloads: vec![(kind, Bytes::from_static(&[b'x'; 600]))],
        progress: Some(Progress {
            fetched: true,
            ..Progress::default()
        }),
        ..StepRecord::default()
    }
}

fn accepting(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("accept");
    group.throughput(Throughput::Elements(1));
    for callers in [1, 64] {
        let bench = Bench::new();
        group.bench_function(format!("{callers} at once"), |bencher| {
            bencher.iter_custom(|triggers| {
                let begun = Instant::now();
                bench.runtime.block_on(bench.accept(triggers, callers));
                begun.elapsed()
            });
        });
    }
    group.finish();
}

fn working(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("claim, two steps, conclude");
    group.throughput(Throughput::Elements(1));
    let bench = Bench::new();
    group.bench_function("sixteen at once", |bencher| {
        bencher.iter_custom(|transactions| {
            let rounds = transactions.div_ceil(1000);
            bench.fill(usize::try_from(rounds * 1000).unwrap_or(usize::MAX));
            let begun = Instant::now();
            bench.runtime.block_on(async {
                let mut left = transactions;
                while left > 0 {
                    left -= bench
                        .work(usize::try_from(left.min(16)).unwrap_or(16))
                        .await;
                }
            });
            begun.elapsed()
        });
    });
    group.finish();
}

fn listing(criterion: &mut Criterion) {
    let bench = Bench::new();
    bench.fill(100_000);
    let mut group = criterion.benchmark_group("list 50 of 100,000");
    let by_state = ListQuery {
        states: vec![State::Queued, State::Retrying, State::Dead],
        limit: 50,
        ..ListQuery::default()
    };
    let all = ListQuery {
        limit: 50,
        ..ListQuery::default()
    };
    for (name, query) in [("of three states", by_state), ("of all", all)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let page = bench
                    .runtime
                    .block_on(bench.store.list(query.clone()))
                    .expect("it lists");
                black_box(page.items.len())
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = store;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = accepting, working, listing
}
criterion_main!(store);
