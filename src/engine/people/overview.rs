//! The views: what stands where, at one moment.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use super::{Answered, Connector, Shared};
use crate::engine::control::ControlError;
use crate::engine::flow::FlowCounter;
use crate::engine::view::{
    BreakerView, ConnectorState, ConnectorView, EngineView, FieldNationView, Flow, Overview,
    QueueKind, QueueView, TransactionDetail,
};
use crate::model::{
    ConnectorId, Direction, PayloadKind, PlatformKind, State, Timestamp, TransactionId,
};
use crate::store::{Counts, CountsOf, GroupQuery, ListOrder, ListQuery};

/// How many groups and failed transactions the first screen is given.
const SHOWN: usize = 100;

pub(super) async fn overview(shared: &Shared) -> Answered<Overview> {
    let now = shared.now();
    let counts = shared.store.counts().await?;
    let all = shared.connectors.all();
    let connectors: Vec<ConnectorView> = all
        .values()
        .filter_map(|connector| view(connector, &counts, now))
        .collect();
    let queues = queues(shared, &counts, now).await?;
    let groups = shared
        .store
        .failure_groups(GroupQuery {
            connector: None,
            limit: SHOWN,
        })
        .await?;
    let failed = shared
        .store
        .list(ListQuery {
            states: vec![State::Dead],
            limit: SHOWN,
            ..ListQuery::default()
        })
        .await?
        .items;
    Ok(Overview {
        engine: engine(shared, &connectors, now),
        connectors,
        queues,
        groups,
        failed,
    })
}

fn engine(shared: &Shared, connectors: &[ConnectorView], now: Timestamp) -> EngineView {
    EngineView {
        name: shared
            .settings
            .name
            .clone()
            .unwrap_or_else(|| "fieldbridge".to_owned()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        started_at: shared.started_at,
        now,
        accepting: shared.is_accepting() && !shared.stopping.is_cancelled(),
        workers: shared.settings.engine.workers,
        listening_on: shared.listening_on.clone(),
        inbound: sum(connectors.iter().map(|connector| &connector.inbound_flow)),
        outbound: sum(connectors.iter().map(|connector| &connector.outbound_flow)),
        field_nation: FieldNationView {
            quota: shared
                .field_nation
                .load()
                .as_ref()
                .map(|client| client.quota())
                .unwrap_or_default(),
            failure: shared
                .field_nation_failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        },
        problems: shared
            .problems
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone(),
    }
}

fn sum<'a>(flows: impl Iterator<Item = &'a Flow>) -> Flow {
    let mut total = Flow::default();
    for flow in flows {
        total
            .per_minute
            .resize(total.per_minute.len().max(flow.per_minute.len()), 0);
        for (sum, count) in total.per_minute.iter_mut().zip(&flow.per_minute) {
            *sum = sum.saturating_add(*count);
        }
    }
    if total.per_minute.is_empty() {
        total = FlowCounter::default().view(Timestamp::UNIX_EPOCH);
    }
    total
}

fn view(connector: &Connector, counts: &Counts, now: Timestamp) -> Option<ConnectorView> {
    let breaker = connector.live.breaker().view();
    let own = counts.by_connector.get(&connector.id);
    let of = |direction| {
        own.and_then(|own| own.get(&direction))
            .copied()
            .unwrap_or_default()
    };
    let (inbound, outbound): (CountsOf, CountsOf) =
        (of(Direction::Inbound), of(Direction::Outbound));
    let mut standing = connector.live.standing();
    let state = match &standing.hold {
        _ if !connector.is_on() => ConnectorState::Off,
        Some(hold) if hold.failure.is_some() => ConnectorState::Held,
        Some(_) => ConnectorState::Paused,
        None if breaker == BreakerView::Closed => ConnectorState::Live,
        None => ConnectorState::Failing,
    };
    let platform: PlatformKind = connector.platform?;
    Some(ConnectorView {
        id: connector.id.clone(),
        name: connector.name.clone(),
        platform,
        state,
        hold: standing.hold.clone(),
        next_probe_at: standing.hold.as_ref().and(standing.next_probe_at),
        breaker,
        inbound,
        outbound,
        inbound_flow: standing.inbound.view(now),
        outbound_flow: standing.outbound.view(now),
        last_success_at: standing.last_success_at,
        quota: connector
            .active
            .as_ref()
            .map(|active| active.platform.quota())
            .unwrap_or_default(),
        problems: connector.problems.clone(),
        warnings: standing.warnings.clone(),
        mapping: connector
            .active
            .as_ref()
            .map(|active| active.mapping.version().clone()),
        outbound_create: connector
            .active
            .as_ref()
            .is_some_and(|active| active.config.outbound_create),
    })
}

async fn queues(shared: &Shared, counts: &Counts, now: Timestamp) -> Answered<Vec<QueueView>> {
    const QUEUES: [(QueueKind, State, Option<Direction>); 6] = [
        (QueueKind::Inbound, State::Queued, Some(Direction::Inbound)),
        (
            QueueKind::Outbound,
            State::Queued,
            Some(Direction::Outbound),
        ),
        (QueueKind::Processing, State::Processing, None),
        (QueueKind::Retry, State::Retrying, None),
        (QueueKind::Held, State::Held, None),
        (QueueKind::Dead, State::Dead, None),
    ];
    let mut views = Vec::with_capacity(QUEUES.len());
    for (kind, state, direction) in QUEUES {
        let by_connector = depths(counts, state, direction);
        let depth = by_connector.values().sum();
        let oldest = if depth == 0 {
            None
        } else {
            oldest(shared, state, direction, now).await?
        };
        views.push(QueueView {
            kind,
            by_connector,
            depth,
            history: Vec::new(),
            oldest,
            next_due_at: None,
        });
    }
    if let Some(retry) = views
        .iter_mut()
        .find(|view| view.kind == QueueKind::Retry && view.depth > 0)
    {
        let ids: Vec<ConnectorId> = shared.connectors.all().keys().cloned().collect();
        retry.next_due_at = shared.store.next_due(&ids, now).await?;
    }
    let depths: Vec<(QueueKind, u64)> = views.iter().map(|view| (view.kind, view.depth)).collect();
    let mut history = shared
        .history
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    history.sample(now, &depths);
    for view in &mut views {
        view.history = history.of(view.kind);
    }
    Ok(views)
}

fn depths(
    counts: &Counts,
    state: State,
    direction: Option<Direction>,
) -> BTreeMap<ConnectorId, u64> {
    let depth = |by_direction: &BTreeMap<Direction, CountsOf>| {
        let wanted = by_direction
            .iter()
            .filter(|(own, _)| direction.is_none_or(|direction| direction == **own));
        wanted.map(|(_, counts)| counts.of(state)).sum::<u64>()
    };
    let all = counts
        .by_connector
        .iter()
        .map(|(id, by_direction)| (id.clone(), depth(by_direction)));
    all.filter(|(_, depth)| *depth > 0).collect()
}

async fn oldest(
    shared: &Shared,
    state: State,
    direction: Option<Direction>,
    now: Timestamp,
) -> Answered<Option<Duration>> {
    let query = ListQuery {
        states: vec![state],
        direction,
        order: ListOrder::OldestFirst,
        limit: 1,
        ..ListQuery::default()
    };
    let page = shared.store.list(query).await?;
    let received = page
        .items
        .first()
        .map(|transaction| transaction.received_at);
    Ok(received.map(|at| Duration::try_from(now.duration_since(at)).unwrap_or_default()))
}

pub(super) async fn detail(shared: &Shared, id: TransactionId) -> Answered<TransactionDetail> {
    let transaction = shared
        .store
        .transaction(id)
        .await?
        .ok_or_else(|| ControlError::NotFound(format!("there is no transaction {id}")))?;
    let journal = shared.store.journal(id).await?;
    let mut payloads = Vec::new();
    for kind in PayloadKind::ALL {
        if let Some(bytes) = shared.store.payload(id, kind).await? {
            payloads.push((kind, bytes.len()));
        }
    }
    let correlation = match &transaction.record {
        Some(record) => {
            shared
                .store
                .correlation(&transaction.connector, record)
                .await?
        }
        None => None,
    };
    let active = shared
        .connectors
        .get(&transaction.connector)
        .and_then(|connector| connector.active.clone());
    let record_url = transaction
        .record
        .as_ref()
        .zip(active)
        .and_then(|(record, active)| active.platform.record_url(record));
    let field_nation = shared.field_nation.load_full();
    let work_order_url = transaction
        .work_order
        .zip(field_nation)
        .and_then(|(work_order, client)| client.work_order_url(work_order));
    Ok(TransactionDetail {
        transaction,
        journal,
        payloads,
        correlation,
        record_url,
        work_order_url,
    })
}
