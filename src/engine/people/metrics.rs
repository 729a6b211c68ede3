//! Numbers for Prometheus.

use std::fmt::Write as _;

use super::{Answered, Shared, overview};
use crate::engine::view::ConnectorState;
use crate::model::State;

/// The text of `/metrics`.
pub(in crate::engine) async fn metrics(shared: &Shared) -> Answered<String> {
    let overview = overview::overview(shared).await?;
    let mut text = String::with_capacity(4096);
    head(
        &mut text,
        "fieldbridge_transactions",
        "gauge",
        "Transactions by connector, direction and state.",
    );
    for connector in &overview.connectors {
        for (direction, counts) in [
            ("inbound", connector.inbound),
            ("outbound", connector.outbound),
        ] {
            for state in State::ALL {
                let (id, word, count) = (&connector.id, state.word(), counts.of(state));
                let _ = writeln!(
                    text,
                    "fieldbridge_transactions{{connector=\"{id}\",direction=\"{direction}\",state=\"{word}\"}} {count}"
                );
            }
        }
    }
    head(
        &mut text,
        "fieldbridge_connector_live",
        "gauge",
        "1 when the connector works as far as is known.",
    );
    for connector in &overview.connectors {
        let live = u8::from(connector.state == ConnectorState::Live);
        let _ = writeln!(
            text,
            "fieldbridge_connector_live{{connector=\"{}\"}} {live}",
            connector.id
        );
    }
    head(
        &mut text,
        "fieldbridge_quota_left",
        "gauge",
        "Calls left of a quota.",
    );
    for connector in &overview.connectors {
        for quota in &connector.quota {
            let name = quota.name.replace(['"', '\\', '\n'], "_");
            let _ = writeln!(
                text,
                "fieldbridge_quota_left{{connector=\"{}\",quota=\"{name}\"}} {}",
                connector.id, quota.left
            );
        }
    }
    head(
        &mut text,
        "fieldbridge_queue_oldest_seconds",
        "gauge",
        "How long the oldest of a queue has waited.",
    );
    for queue in &overview.queues {
        let kind = format!("{:?}", queue.kind).to_lowercase();
        let seconds = queue.oldest.unwrap_or_default().as_secs_f64();
        let _ = writeln!(
            text,
            "fieldbridge_queue_oldest_seconds{{queue=\"{kind}\"}} {seconds}"
        );
    }
    Ok(text)
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}
