//! `/v1/broker/inbound` and its alias: a platform says that records changed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tracing::{debug, info};

use super::refusal::Refusal;
use super::{TokenDigest, accepted, read_body};
use crate::engine::connectors::{Active, Connector};
use crate::engine::shared::Shared;
use crate::model::{DeliveryKey, Direction, Origin, Priority, Progress, RecordId, TransactionId};
use crate::platform::{Answer, TriggerReading, TriggerRefusal, TriggerRequest};
use crate::store::{Acceptance, Accepted, NewTransaction, StoreError};

const TOKEN: &str = "client_token";

/// The hosted broker's shape: the token is a query parameter.
pub(super) async fn by_query(
    State(shared): State<Arc<Shared>>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let query = parameters(&request);
    let presented = query
        .iter()
        .find(|(name, _)| name == TOKEN)
        .map(|(_, value)| value.clone());
    let Some(presented) = presented else {
        return Err(Refusal::token("the address lacks its client_token"));
    };
    receive(shared, &presented, query, request).await
}

/// The alias: the token is a part of the path.
pub(super) async fn by_path(
    State(shared): State<Arc<Shared>>,
    Path(presented): Path<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let query = parameters(&request);
    receive(shared, &presented, query, request).await
}

fn parameters(request: &Request<Body>) -> Vec<(String, String)> {
    let query = request.uri().query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

async fn receive(
    shared: Arc<Shared>,
    presented: &str,
    mut query: Vec<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let connector = authorise(&shared, presented)?;
    let Some(active) = connector
        .active
        .clone()
        .filter(|active| active.config.enabled)
    else {
        return Err(Refusal::not_found(format!(
            "connector {} is switched off or its files are wrong",
            connector.id
        )));
    };
    query.retain(|(name, _)| name != TOKEN);
    let method = request.method().clone();
    let headers = request.headers().clone();
    let body = read_body(&shared, request).await?;
    let trigger = TriggerRequest {
        method,
        query,
        headers,
        body,
    };
    if !shared.is_accepting() {
        return Err(Refusal::busy(
            active.platform.busy_status(),
            "the engine is stopping; send it again",
        ));
    }
    match active.platform.read_trigger(&trigger).await {
        Ok(TriggerReading::Answer(answer)) => Ok(respond(answer)),
        Ok(TriggerReading::NotOurs { why }) => {
            debug!(connector = %connector.id, %why, "a trigger asks for nothing");
            Ok(accepted(StatusCode::OK, &[]))
        }
        Ok(TriggerReading::Records {
            ids,
            delivery,
            answer,
            ..
        }) => {
            let body = trigger.body;
            match accept(&shared, &connector, ids, delivery, body).await {
                Ok(ids) => Ok(match answer {
                    Some(answer) => respond(answer),
                    None => accepted(StatusCode::ACCEPTED, &ids),
                }),
                Err(refusal) => {
                    info!(connector = %connector.id, %refusal, "a trigger could not be kept");
                    let why = format!("nothing was kept ({refusal}); send it again");
                    Err(Refusal::busy(active.platform.busy_status(), why))
                }
            }
        }
        Err(refusal) => Err(refuse(&active, &refusal)),
    }
}

/// The connector whose token in force is the one presented.
fn authorise(shared: &Shared, presented: &str) -> Result<Arc<Connector>, Refusal> {
    let in_force = shared.tokens.load();
    if let Some(id) = in_force.get(&TokenDigest::of(presented))
        && let Some(connector) = shared.connectors.get(id)
    {
        return Ok(connector);
    }
    // Only for the sentence: a token of ours whose connector is gone is another mistake than a wrong one.
    let number = shared.token_key.number(presented);
    let all = shared.connectors.all();
    let is_of = |connector: &Connector| {
        let token = connector.live.standing().token;
        token.is_some_and(|token| Some(token.number) == number)
    };
    if number.is_some() && !all.values().any(|connector| is_of(connector)) {
        return Err(Refusal::not_found(
            "the connector of this address does not exist any more",
        ));
    }
    Err(Refusal::token(
        "this client_token is not (or no longer) valid; copy the connector's trigger URL anew",
    ))
}

async fn accept(
    shared: &Shared,
    connector: &Connector,
    ids: Vec<RecordId>,
    delivery: Option<DeliveryKey>,
    body: Bytes,
) -> Result<Vec<TransactionId>, StoreError> {
    let acceptance = Acceptance {
        at: shared.now(),
        delivery: delivery.map(|key| DeliveryKey::new(format!("{}|{key}", connector.id))),
        transactions: ids
            .into_iter()
            .map(|record| inbound(connector, record, Origin::Trigger))
            .collect(),
        body,
    };
    match shared.store.accept(acceptance).await? {
        Accepted::Stored(ids) => {
            shared.wake();
            Ok(ids)
        }
        Accepted::Duplicate => Ok(Vec::new()),
    }
}

/// A transaction for a record of a connector.
pub(crate) fn inbound(connector: &Connector, record: RecordId, origin: Origin) -> NewTransaction {
    NewTransaction {
        id: TransactionId::generate(),
        connector: connector.id.clone(),
        direction: Direction::Inbound,
        origin,
        priority: match origin {
            Origin::CatchUp => Priority::Background,
            Origin::Trigger | Origin::Event | Origin::Person => Priority::Live,
        },
        record: Some(record),
        work_order: None,
        event: None,
        label: None,
        replays: None,
        payloads: Vec::new(),
        progress: Progress::default(),
    }
}

fn refuse(active: &Active, refusal: &TriggerRefusal) -> Refusal {
    info!(connector = %active.config.id, %refusal, "a trigger was refused");
    match refusal {
        TriggerRefusal::Signature(_) => Refusal::signature(refusal.to_string()),
        TriggerRefusal::NoRecord(_) => Refusal::malformed(refusal.to_string()),
        TriggerRefusal::MediaType(_) => Refusal::media_type(refusal.to_string()),
        TriggerRefusal::NotNow(_) => {
            Refusal::busy(active.platform.busy_status(), refusal.to_string())
        }
    }
}

fn respond(answer: Answer) -> Response {
    let mut response = (
        answer.status,
        [("content-type", answer.media_type)],
        answer.body,
    )
        .into_response();
    for (name, value) in answer.headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
