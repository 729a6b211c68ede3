//! `kill -9` under load, again and again: what was acknowledged is delivered, once.
//!
//! The engine is the real binary in a process of its own; Field Nation and Freshdesk are stand-ins in this one, so
//! they outlive it and their journals are the judges.

mod rig;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rig::Rig;

/// How often the engine is killed.
const KILLS: u32 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_twenty_kills() {
    let mut rig = Rig::new().await;
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let dice = fieldbridge::sandbox::Dice::new(7);
    for _round in 0..KILLS {
        rig.start().await;
        let over = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> = (0..3)
            .map(|_| {
                let (over, acknowledged) = (over.clone(), acknowledged.clone());
                let (trigger, desk) = (rig.trigger_url().to_owned(), rig.freshdesk.clone());
                tokio::spawn(async move {
                    let client = rig::client();
                    while !over.load(Ordering::Relaxed) {
                        let ticket = rig::open(&desk);
                        let sent = client
                            .post(format!("{trigger}&external_id={ticket}"))
                            .send()
                            .await;
                        if sent.is_ok_and(|answer| answer.status().is_success()) {
                            acknowledged.lock().unwrap().insert(ticket);
                        }
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(60 + dice.roll() % 500)).await;
        rig.kill();
        over.store(true, Ordering::Relaxed);
        for sender in senders {
            sender.await.unwrap();
        }
    }
    rig.start().await;
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(
        acknowledged.len() > 100,
        "the test sent too little: {}",
        acknowledged.len()
    );
    let missing = rig.wait_for(&acknowledged, Duration::from_secs(40)).await;
    let states: Vec<_> = missing
        .iter()
        .map(|ticket| rig.states_of(*ticket))
        .collect();
    assert!(
        missing.is_empty(),
        "acknowledged and not delivered: {missing:?}, {states:?}"
    );
    let orders = rig.field_nation.work_orders_by_correlation_value();
    let doubled: Vec<_> = orders.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(doubled.is_empty(), "doubled: {doubled:?}");
}
