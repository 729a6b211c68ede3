//! Scripts that want everything, on one connector, while another works beside it: each costs its own transaction only.

use fieldbridge::model::{ConnectorId, PlatformKind, State, Transaction};
use fieldbridge::store::ListQuery;
use serde_json::json;

use super::rig::Rig;

const HOSTILE: [&str; 4] = [
    "std.foldl(function(a, b) a + b, std.range(1, 1e9), 0)",
    "std.repeat('x', 900000000)",
    "local f(x) = f(x + 1); f(0)",
    "std.foldl(function(text, i) std.trace(text, text), std.range(1, 1e7), 'again and again')",
];

async fn of_wild(rig: &Rig) -> Vec<Transaction> {
    let page = rig.store.list(ListQuery {
        connector: Some(ConnectorId::new("wild").unwrap()),
        limit: 50,
        ..ListQuery::default()
    });
    page.await.unwrap().items
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_scripts_of_one_connector_leave_another_alone() {
    let rig = Rig::start(PlatformKind::Freshdesk).await;
    let rules = HOSTILE.iter().map(|script| {
        let script = json!(script);
        format!("[[inbound]]\naction = \"custom\"\ntarget = \"title\"\nscript = {script}\n")
    });
    let trigger = rig.add("wild", &rules.collect::<String>()).await;
    let http = reqwest::Client::new();
    let mut tickets = Vec::new();
    for number in 1..=6 {
        let ticket = rig.dispatch(number);
        let record = rig.desk().record_id(ticket);
        let told = http.post(format!("{trigger}&external_id={record}"));
        assert!(told.send().await.unwrap().status().is_success());
        tickets.push(ticket);
    }
    for ticket in &tickets {
        rig.work_order_of(*ticket).await;
    }
    rig.until_quiet().await;
    for ticket in tickets {
        assert_eq!(rig.orders_of(ticket).len(), 1, "ticket {ticket}");
    }
    let wild = of_wild(&rig).await;
    assert_eq!(wild.len(), 6);
    for transaction in &wild {
        assert_eq!(transaction.state, State::Dead, "{transaction:?}");
        let (_, failure) = transaction.failure.as_ref().unwrap();
        assert!(failure.cause.starts_with("rule 1 (title): "), "{failure:?}");
        assert!(failure.cause.contains("was stopped"), "{failure:?}");
    }
    // A mapping that behaves finds workers that do.
    assert_eq!(rig.count(State::Dead).await, 6, "{}", rig.failures().await);
    let after = rig.dispatch(7);
    rig.work_order_of(after).await;
    rig.stop().await;
}
