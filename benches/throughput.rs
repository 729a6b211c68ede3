//! How many triggers a second: accepted and on disk (intake alone), and carried through to a work order.
//!
//! Stand-ins, engine and load generator share the machine's cores, as they do in the figures this is compared with.
//! Run with `cargo bench --bench throughput`; the figures and the machine stand in `docs/benchmarks.md`.

#[path = "support/load.rs"]
mod load;
#[path = "../tests/bench_support/mod.rs"]
mod rig;

use std::time::{Duration, Instant};

use fieldbridge::engine::Control;
use fieldbridge::model::State;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // `cargo test --benches` runs this file too; it measures only when asked to.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        intake(64, 200_000).await;
        for run in 1..=3 {
            inbound(run, 50, 20_000).await;
        }
    });
}

/// Triggers accepted and on disk; the connector is paused, so nothing is worked on.
async fn intake(connections: usize, total: u64) {
    let rig = rig::Rig::start(rig::Work::Paused).await;
    let target = rig.trigger_target(Vec::new());
    let measured = load::run(rig.address(), connections, total, move |number| {
        target.request(number)
    })
    .await;
    println!(
        "intake, {connections} connections: {:.0}/s, p50 {:?}, p99 {:?}, refused {}",
        measured.per_second(),
        measured.percentile(0.5),
        measured.percentile(0.99),
        measured.refused
    );
    rig.stop().await;
}

/// Webhook, durable, fetch, map ten fields, create, link: until every work order exists.
async fn inbound(run: u32, connections: usize, total: u64) {
    let rig = rig::Rig::start(rig::Work::Running).await;
    let target = rig.trigger_target(rig.seed_tickets(total));
    let started = Instant::now();
    let measured = load::run(rig.address(), connections, total, move |number| {
        target.request(number)
    })
    .await;
    loop {
        let counts = rig.store.counts().await.expect("counts");
        if counts.total(State::Done) >= total || started.elapsed() > Duration::from_secs(120) {
            break;
        }
        assert_eq!(
            counts.total(State::Dead),
            0,
            "nothing may fail in a benchmark"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let elapsed = started.elapsed();
    let orders = rig.field_nation.work_orders_by_correlation_value();
    let doubled = orders.values().filter(|ids| ids.len() > 1).count();
    println!(
        "inbound run {run}, {connections} connections: {:.0}/s end to end, accepted {:.0}/s, ack p50 {:?}, p99 {:?}; {} work orders, {doubled} doubled",
        measured.accepted_per(elapsed),
        measured.per_second(),
        measured.percentile(0.5),
        measured.percentile(0.99),
        orders.len()
    );
    let _ = rig.engine.overview().await;
    rig.stop().await;
}
