//! `/v1/fieldnation/events`: Field Nation says that a work order changed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use tracing::{debug, info};

use super::refusal::Refusal;
use super::{accepted, read_body};
use crate::engine::connectors::Connector;
use crate::engine::shared::Shared;
use crate::fieldnation::{Event, EventRefusal, read_event};
use crate::model::{
    ConnectorId, DeliveryKey, Direction, Marker, Origin, Priority, Progress, RecordId,
    TransactionId,
};
use crate::store::{Acceptance, Accepted, NewTransaction, StoreError};

/// Verifies, routes and keeps an event.
pub(super) async fn receive(
    State(shared): State<Arc<Shared>>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let Some(field_nation) = shared.field_nation.load_full() else {
        return Err(Refusal::busy(
            StatusCode::SERVICE_UNAVAILABLE,
            "Field Nation is not configured",
        ));
    };
    let Some(secret) = field_nation.webhook_secret().cloned() else {
        return Err(Refusal::signature(
            "no webhook secret is configured, so no event can be trusted",
        ));
    };
    let headers = request.headers().clone();
    let body = read_body(&shared, request).await?;
    let event = read_event(&headers, &body, &secret).map_err(|refusal| refuse(&refusal))?;
    let busy = |refusal: &StoreError| {
        info!(%refusal, "an event could not be kept");
        Refusal::busy(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("nothing was kept ({refusal}); send it again"),
        )
    };
    let marker = field_nation
        .marker_of(&event.work_order_body)
        .or_else(|| event.marker.clone());
    let targets = route(&shared, &event, marker.as_ref())
        .await
        .map_err(|refusal| busy(&refusal))?;
    if targets.is_empty() {
        debug!(event = %event.name, work_order = %event.work_order, "an event concerns no connector");
        return Ok(accepted(StatusCode::OK, &[]));
    }
    let acceptance = Acceptance {
        at: shared.now(),
        delivery: Some(DeliveryKey::new(format!("field-nation|{}", event.delivery))),
        transactions: targets
            .into_iter()
            .map(|target| outbound(&event, target))
            .collect(),
        body,
    };
    match shared.store.accept(acceptance).await {
        Ok(Accepted::Stored(ids)) => {
            shared.wake();
            Ok(accepted(StatusCode::OK, &ids))
        }
        Ok(Accepted::Duplicate) => Ok(accepted(StatusCode::OK, &[])),
        Err(refusal) => Err(busy(&refusal)),
    }
}

fn refuse(refusal: &EventRefusal) -> Refusal {
    match refusal {
        EventRefusal::Signature => Refusal::signature(
            "the signature does not match: compare the webhook's secret with the configured one",
        ),
        EventRefusal::Malformed(why) => {
            Refusal::malformed(format!("the event can't be read: {why}"))
        }
        EventRefusal::UnknownEvent(name) => {
            Refusal::malformed(format!("`{name}` is no event that this version knows"))
        }
    }
}

/// A connector that an event concerns, and the record if it is linked.
struct Concerned {
    connector: ConnectorId,
    record: Option<RecordId>,
}

/// Whom an event concerns: those linked to the work order; else the one its marker names; else those that create.
async fn route(
    shared: &Shared,
    event: &Event,
    marker: Option<&Marker>,
) -> Result<Vec<Concerned>, StoreError> {
    let all = shared.connectors.all();
    let linked = shared.store.correlations_of(event.work_order).await?;
    let mut concerned: Vec<Concerned> = linked
        .into_iter()
        .filter(|correlation| {
            all.get(&correlation.connector)
                .is_some_and(|connector| connector.is_on())
        })
        .map(|correlation| Concerned {
            connector: correlation.connector,
            record: Some(correlation.record),
        })
        .collect();
    if let Some((connector, record)) = marker.and_then(Marker::record)
        && all
            .get(&connector)
            .is_some_and(|connector| connector.is_on())
    {
        if !concerned.iter().any(|known| known.connector == connector) {
            concerned.push(Concerned {
                connector,
                record: Some(record),
            });
        }
        return Ok(concerned);
    }
    for connector in all.values() {
        let is_known = concerned
            .iter()
            .any(|known| known.connector == connector.id);
        if !is_known && creates_for(connector) {
            concerned.push(Concerned {
                connector: connector.id.clone(),
                record: None,
            });
        }
    }
    Ok(concerned)
}

fn creates_for(connector: &Connector) -> bool {
    connector.is_on()
        && connector
            .active
            .as_ref()
            .is_some_and(|active| active.config.outbound_create)
}

fn outbound(event: &Event, concerned: Concerned) -> NewTransaction {
    let title = event.work_order_body["title"].as_str();
    NewTransaction {
        id: TransactionId::generate(),
        connector: concerned.connector,
        direction: Direction::Outbound,
        origin: Origin::Event,
        priority: Priority::Live,
        record: concerned.record,
        work_order: Some(event.work_order),
        event: Some(event.name),
        label: title.map(|title| title.chars().take(200).collect()),
        replays: None,
        payloads: Vec::new(),
        progress: Progress::default(),
    }
}
