//! Killed under load, again and again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldbridge::model::PlatformKind;
use fieldbridge::sandbox::{Deliveries, Dice};

use super::engine::http;
use super::rig::Rig;

/// How often the engine is killed.
const KILLS: u32 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_twenty_kills() {
    let mut rig = Rig::new(PlatformKind::Freshdesk, Deliveries::Off).await;
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let dice = Dice::new(7);
    let mut trigger = None;
    for _round in 0..KILLS {
        rig.engine.start().await;
        let trigger = match &trigger {
            Some(known) => String::clone(known),
            None => trigger.insert(rig.trigger_url().await).clone(),
        };
        let over = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> = (0..3)
            .map(|_| {
                let (over, acknowledged) = (over.clone(), acknowledged.clone());
                let (trigger, dispatcher) = (trigger.clone(), rig.dispatcher());
                tokio::spawn(async move {
                    let http = http();
                    while !over.load(Ordering::Relaxed) {
                        let (_, record) = dispatcher.dispatch();
                        let url = format!("{trigger}&external_id={record}");
                        let sent = http.post(url).send().await;
                        if sent.is_ok_and(|answer| answer.status().is_success()) {
                            acknowledged.lock().unwrap().insert(record);
                        }
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(60 + dice.roll() % 500)).await;
        rig.engine.kill();
        over.store(true, Ordering::Relaxed);
        for sender in senders {
            sender.await.unwrap();
        }
    }
    rig.engine.start().await;
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(
        acknowledged.len() > 100,
        "the test sent too little: {}",
        acknowledged.len()
    );
    let missing = rig.wait_for(&acknowledged, Duration::from_secs(40)).await;
    assert!(
        missing.is_empty(),
        "acknowledged and not delivered: {missing:?} of {:#?}",
        rig.transactions().await
    );
    let orders = rig.sandbox.field_nation.work_orders_by_correlation_value();
    let doubled: Vec<_> = orders.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(doubled.is_empty(), "doubled: {doubled:?}");
}
