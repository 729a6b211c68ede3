//! The addresses of the control API, by the role they ask for.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::de::DeserializeOwned;
use tower_http::catch_panic::CatchPanicLayer;

use super::hub::Hub;
use super::making_routes as making;
use super::people::Peer;
use super::wire::{
    AuditRequest, CommandRequest, Concerned, Hello, PROTOCOL, PROTOCOL_HEADER, PlanRequest,
    ReplayRequest, Role, SecretRequest, TriggerRequest, TriggerUrl, Triggered, status_of,
};
use super::workbench_routes as workbench;
use crate::config::Roles;
use crate::engine::{
    Control, ControlError, Overview, PreviewRequest, PreviewResult, ReplayPlan, TransactionDetail,
};
use crate::model::{
    Catalogue, Clock, ConnectorId, Direction, PayloadKind, Transaction, TransactionId,
};
use crate::platform::{Probe, Subscription, SubscriptionPlan};
use crate::store::{AuditEntry, FailureGroup, GroupQuery, ListQuery, Page, PersonCommand};

/// The largest body read: an edited payload or a mapping text.
const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// What the handlers share.
pub(super) struct Served {
    pub(super) control: Arc<dyn Control>,
    pub(super) hub: Hub,
    pub(super) roles: ArcSwap<Roles>,
    pub(super) name: String,
    pub(super) clock: Arc<dyn Clock>,
}

pub(super) type Shared = State<Arc<Served>>;
pub(super) type Answer<T> = Result<Json<T>, Refusal>;

/// The person who asks, known and allowed.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) name: String,
    role: Role,
}

/// An error on its way out.
pub(super) struct Refusal(ControlError);

impl From<ControlError> for Refusal {
    fn from(error: ControlError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (status_of(&self.0), Json(self.0)).into_response()
    }
}

/// All addresses.
pub(super) fn routes(served: Arc<Served>) -> Router {
    let guarded = |routes: Router<Arc<Served>>, role: Role| {
        let state = (Arc::clone(&served), role);
        routes.route_layer(middleware::from_fn_with_state(state, guard))
    };
    guarded(viewer().merge(workbench::viewer()), Role::Viewer)
        .merge(guarded(
            support().merge(workbench::support()),
            Role::Support,
        ))
        .merge(guarded(
            admin().merge(workbench::admin()).merge(making::admin()),
            Role::Admin,
        ))
        .fallback(async || {
            Refusal(ControlError::NotFound(
                "there is no such address".to_owned(),
            ))
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(|_| stumbled()))
        .with_state(served)
}

fn viewer() -> Router<Arc<Served>> {
    Router::new()
        .route("/hello", get(hello))
        .route("/v1/overview", get(overview))
        .route("/v1/updates", get(updates))
        .route("/v1/transactions/list", post(list))
        .route("/v1/transactions/{id}", get(transaction))
        .route("/v1/transactions/{id}/payloads/{kind}", get(payload))
        .route("/v1/groups", post(groups))
        .route("/v1/connectors/{connector}/fields/{direction}", get(fields))
        .route(
            "/v1/connectors/{connector}/subscription-plan",
            get(subscription_plan),
        )
        .route(
            "/v1/connectors/{connector}/subscriptions",
            get(subscriptions),
        )
        .route("/v1/webhooks", get(webhooks))
        .route("/v1/audit", post(audit))
        .route("/v1/secrets", get(secret_names))
        .route("/v1/metrics", get(metrics))
}

fn support() -> Router<Arc<Served>> {
    Router::new()
        .route("/v1/transactions/{id}/commands", post(command))
        .route("/v1/transactions/{id}/replay-plan", post(plan_replay))
        .route("/v1/transactions/{id}/replays", post(replay))
        .route("/v1/connectors/{connector}/triggers", post(trigger))
        .route("/v1/connectors/{connector}/probe", post(probe))
        .route("/v1/preview", post(preview))
}

fn admin() -> Router<Arc<Served>> {
    Router::new()
        .route("/v1/connectors/{connector}/pause", post(pause))
        .route("/v1/connectors/{connector}/resume", post(resume))
        .route(
            "/v1/connectors/{connector}/refresh-fields",
            post(refresh_fields),
        )
        // The address is a credential: whoever knows it can trigger.
        .route("/v1/connectors/{connector}/trigger-url", get(trigger_url))
        .route(
            "/v1/connectors/{connector}/rotate-token",
            post(rotate_token),
        )
        .route("/v1/connectors/{connector}/subscriptions", post(subscribe))
        .route(
            "/v1/connectors/{connector}/subscriptions/{id}",
            axum::routing::delete(unsubscribe),
        )
        .route("/v1/webhooks", post(register_webhook))
        .route("/v1/webhooks/{id}", axum::routing::delete(remove_webhook))
        .route(
            "/v1/secrets/{name}",
            post(keep_secret).delete(forget_secret),
        )
        .route("/v1/stop", post(stop))
}

/// Lets nobody by who speaks another version or has not the role.
async fn guard(
    State((served, needed)): State<(Arc<Served>, Role)>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    // The greeting is how versions are compared, so it is given to all.
    let greeting = request.uri().path() == "/hello";
    if let Some(theirs) = request.headers().get(PROTOCOL_HEADER)
        && !greeting
        && theirs.to_str().ok().and_then(|text| text.parse().ok()) != Some(PROTOCOL)
    {
        let message = format!(
            "the engine (version {}) speaks protocol {PROTOCOL} and this program another; start both from the same \
             version",
            env!("CARGO_PKG_VERSION")
        );
        return (StatusCode::UPGRADE_REQUIRED, message).into_response();
    }
    let name = peer.name().to_owned();
    let Some(role) = peer.role(&served.roles.load()) else {
        return Refusal(ControlError::Refused(format!(
            "{name} has no role here; an admin can add the name under [roles] in fieldbridge.toml"
        )))
        .into_response();
    };
    if role < needed {
        return Refusal(ControlError::Refused(format!(
            "this needs the role {}, and {name} has the role {}",
            needed.word(),
            role.word()
        )))
        .into_response();
    }
    request.extensions_mut().insert(Person { name, role });
    if needed == Role::Viewer {
        return next.run(request).await;
    }
    // What changes something is carried to its end even if the person hangs up halfway.
    let carried = tokio::spawn(next.run(request)).await;
    carried.unwrap_or_else(|_| stumbled())
}

/// The answer to a request whose handling panicked.
fn stumbled() -> Response {
    Refusal(ControlError::Failed(
        "the engine stumbled over this request; its log says where".to_owned(),
    ))
    .into_response()
}

/// A JSON body; what is wrong with it is answered in the form of every other error.
pub(super) struct Read<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Read<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let refused = |why: String| {
            Refusal(ControlError::Refused(format!(
                "the request can't be read: {why}"
            )))
        };
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|error| refused(error.body_text()))?;
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|error| refused(error.to_string()))
    }
}

pub(super) fn connector_named(text: &str) -> Result<ConnectorId, Refusal> {
    ConnectorId::new(text).map_err(|_| {
        Refusal(ControlError::NotFound(format!(
            "there is no connector `{text}`"
        )))
    })
}

fn transaction_named(text: &str) -> Result<TransactionId, Refusal> {
    text.parse().map_err(|_| {
        Refusal(ControlError::NotFound(format!(
            "there is no transaction `{text}`"
        )))
    })
}

async fn hello(State(served): Shared, Extension(person): Extension<Person>) -> Json<Hello> {
    Json(Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: served.name.clone(),
        pid: std::process::id(),
        user: person.name,
        role: person.role,
    })
}

async fn overview(State(served): Shared) -> Answer<Overview> {
    Ok(Json(served.control.overview().await?))
}

async fn updates(State(served): Shared) -> Response {
    let lines = Body::from_stream(served.hub.listen());
    ([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response()
}

async fn list(State(served): Shared, Read(query): Read<ListQuery>) -> Answer<Page<Transaction>> {
    Ok(Json(served.control.list(query).await?))
}

async fn groups(State(served): Shared, Read(query): Read<GroupQuery>) -> Answer<Vec<FailureGroup>> {
    Ok(Json(served.control.groups(query).await?))
}

async fn transaction(State(served): Shared, Path(id): Path<String>) -> Answer<TransactionDetail> {
    let id = transaction_named(&id)?;
    Ok(Json(served.control.transaction(id).await?))
}

async fn payload(
    State(served): Shared,
    Path((id, kind)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let id = transaction_named(&id)?;
    let kind = PayloadKind::ALL
        .into_iter()
        .find(|one| one.word() == kind)
        .ok_or_else(|| ControlError::NotFound(format!("there is no kind of payload `{kind}`")))?;
    Ok(match served.control.payload(id, kind).await? {
        Some(bytes) => {
            ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
        }
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn command(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path(id): Path<String>,
    Read(request): Read<CommandRequest>,
) -> Answer<Transaction> {
    let command = PersonCommand {
        id: request.id,
        by: person.name,
        at: served.clock.now(),
        transaction: transaction_named(&id)?,
        seen: request.seen,
        action: request.action,
    };
    Ok(Json(served.control.command(command).await?))
}

async fn plan_replay(
    State(served): Shared,
    Path(id): Path<String>,
    Read(request): Read<PlanRequest>,
) -> Answer<ReplayPlan> {
    let id = transaction_named(&id)?;
    Ok(Json(served.control.plan_replay(id, request.replay).await?))
}

async fn replay(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path(id): Path<String>,
    Read(request): Read<ReplayRequest>,
) -> Answer<Transaction> {
    let id = transaction_named(&id)?;
    let ReplayRequest {
        command,
        replay,
        output,
    } = request;
    let replayed = served
        .control
        .replay(id, replay, output, command, &person.name);
    Ok(Json(replayed.await?))
}

async fn trigger(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path(connector): Path<String>,
    Read(request): Read<TriggerRequest>,
) -> Answer<Triggered> {
    let connector = connector_named(&connector)?;
    let transaction = served
        .control
        .trigger(&connector, &request.record, &person.name)
        .await?;
    Ok(Json(Triggered { transaction }))
}

async fn preview(
    State(served): Shared,
    Read(request): Read<PreviewRequest>,
) -> Answer<PreviewResult> {
    Ok(Json(served.control.preview(request).await?))
}

async fn pause(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path(connector): Path<String>,
) -> Answer<Concerned> {
    let connector = connector_named(&connector)?;
    let transactions = served.control.pause(&connector, &person.name).await?;
    Ok(Json(Concerned { transactions }))
}

async fn resume(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path(connector): Path<String>,
) -> Answer<Concerned> {
    let connector = connector_named(&connector)?;
    let transactions = served.control.resume(&connector, &person.name).await?;
    Ok(Json(Concerned { transactions }))
}

async fn probe(State(served): Shared, Path(connector): Path<String>) -> Answer<Probe> {
    let connector = connector_named(&connector)?;
    Ok(Json(served.control.probe(&connector).await?))
}

async fn refresh_fields(State(served): Shared, Path(connector): Path<String>) -> Answer<()> {
    let connector = connector_named(&connector)?;
    Ok(Json(served.control.refresh_fields(&connector).await?))
}

async fn fields(
    State(served): Shared,
    Path((connector, direction)): Path<(String, String)>,
) -> Answer<Option<Catalogue>> {
    let connector = connector_named(&connector)?;
    let direction = Direction::ALL
        .into_iter()
        .find(|one| one.word() == direction)
        .ok_or_else(|| ControlError::NotFound(format!("there is no direction `{direction}`")))?;
    Ok(Json(served.control.fields(&connector, direction).await?))
}

async fn trigger_url(State(served): Shared, Path(connector): Path<String>) -> Answer<TriggerUrl> {
    let connector = connector_named(&connector)?;
    let url = served.control.trigger_url(&connector).await?;
    Ok(Json(TriggerUrl { url }))
}

async fn rotate_token(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path(connector): Path<String>,
) -> Answer<TriggerUrl> {
    let connector = connector_named(&connector)?;
    let url = served
        .control
        .rotate_token(&connector, &person.name)
        .await?;
    Ok(Json(TriggerUrl { url }))
}

async fn subscription_plan(
    State(served): Shared,
    Path(connector): Path<String>,
) -> Answer<SubscriptionPlan> {
    let connector = connector_named(&connector)?;
    Ok(Json(served.control.subscription_plan(&connector).await?))
}

async fn subscriptions(
    State(served): Shared,
    Path(connector): Path<String>,
) -> Answer<Vec<Subscription>> {
    let connector = connector_named(&connector)?;
    Ok(Json(served.control.subscriptions(&connector).await?))
}

async fn subscribe(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path(connector): Path<String>,
) -> Answer<Subscription> {
    let connector = connector_named(&connector)?;
    Ok(Json(
        served.control.subscribe(&connector, &person.name).await?,
    ))
}

async fn unsubscribe(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path((connector, id)): Path<(String, String)>,
) -> Answer<()> {
    let connector = connector_named(&connector)?;
    let removed = served.control.unsubscribe(&connector, &id, &person.name);
    Ok(Json(removed.await?))
}

async fn webhooks(State(served): Shared) -> Answer<Vec<Subscription>> {
    Ok(Json(served.control.webhooks().await?))
}

async fn register_webhook(
    State(served): Shared,
    Extension(person): Extension<Person>,
) -> Answer<Subscription> {
    Ok(Json(served.control.register_webhook(&person.name).await?))
}

async fn remove_webhook(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path(id): Path<String>,
) -> Answer<()> {
    Ok(Json(
        served.control.remove_webhook(&id, &person.name).await?,
    ))
}

async fn audit(
    State(served): Shared,
    Read(request): Read<AuditRequest>,
) -> Answer<Page<AuditEntry>> {
    let page = served.control.audit(request.limit, request.before);
    Ok(Json(page.await?))
}

async fn keep_secret(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path(name): Path<String>,
    Read(request): Read<SecretRequest>,
) -> Answer<()> {
    let kept = served
        .control
        .set_secret(&name, Some(request.value), &person.name);
    Ok(Json(kept.await?))
}

async fn forget_secret(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path(name): Path<String>,
) -> Answer<()> {
    let forgotten = served.control.set_secret(&name, None, &person.name);
    Ok(Json(forgotten.await?))
}

async fn secret_names(State(served): Shared) -> Answer<Vec<String>> {
    Ok(Json(served.control.secret_names().await?))
}

async fn metrics(State(served): Shared) -> Result<String, Refusal> {
    Ok(served.control.metrics().await?)
}

async fn stop(State(served): Shared, Extension(person): Extension<Person>) -> Json<()> {
    served.control.stop(&person.name);
    Json(())
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use tokio_util::sync::CancellationToken;
    use tower::ServiceExt;

    use super::*;
    use crate::api::fake_engine::{FakeEngine, moment};
    use crate::model::ManualClock;

    const VIEWER: u32 = 4_000_001;
    const SUPPORT: u32 = 4_000_002;
    const ADMIN: u32 = 4_000_003;
    const STRANGER: u32 = 4_000_004;

    fn served(engine: &Arc<FakeEngine>) -> Router {
        let control = Arc::clone(engine) as Arc<dyn Control>;
        let (hub, _never_run) = Hub::new(Arc::clone(&control), CancellationToken::new());
        let roles = Roles {
            viewer: vec![VIEWER.to_string()],
            support: vec![SUPPORT.to_string()],
            admin: vec!["ada".to_owned()],
        };
        routes(Arc::new(Served {
            control,
            hub,
            roles: ArcSwap::from_pointee(roles),
            name: "test".to_owned(),
            clock: Arc::new(ManualClock::at(moment(0))),
        }))
    }

    async fn status(router: &Router, uid: u32, method: &Method, path: &str) -> StatusCode {
        let body = match path {
            _ if path.ends_with("commands") => {
                r#"{"id":"00000000-0000-0000-0000-000000000001","action":{"move":"retry"}}"#
            }
            _ if path.ends_with("triggers") => r#"{"record":"1"}"#,
            _ if path.ends_with("secrets/key") => r#"{"value":"fake"}"#,
            _ if path.ends_with("descriptions") => r#"{"file":"a.yaml"}"#,
            _ if path.ends_with("v1/connectors") => {
                r#"{"connector":"new","file":"a.yaml","choice":{}}"#
            }
            _ if path.ends_with("list") => r#"{"limit":1}"#,
            _ => "null",
        };
        let name = if uid == ADMIN { "ada" } else { "somebody" };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .extension(ConnectInfo(Peer::named(uid, name)))
            .body(Body::from(body))
            .unwrap();
        router.clone().oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn each_role_reaches_what_it_may_and_nothing_above() {
        let transaction = "/v1/transactions/00000000-0000-0000-0000-000000000001";
        let engine = FakeEngine::new();
        let router = served(&engine);
        let cases = [
            (Role::Viewer, Method::GET, "/v1/overview".to_owned()),
            (
                Role::Viewer,
                Method::POST,
                "/v1/transactions/list".to_owned(),
            ),
            (Role::Viewer, Method::GET, transaction.to_owned()),
            (Role::Viewer, Method::GET, "/v1/webhooks".to_owned()),
            (Role::Viewer, Method::GET, "/v1/secrets".to_owned()),
            (
                Role::Support,
                Method::POST,
                format!("{transaction}/commands"),
            ),
            (
                Role::Support,
                Method::POST,
                "/v1/connectors/cw-main/triggers".to_owned(),
            ),
            (
                Role::Admin,
                Method::POST,
                "/v1/connectors/cw-main/pause".to_owned(),
            ),
            (
                Role::Admin,
                Method::GET,
                "/v1/connectors/cw-main/trigger-url".to_owned(),
            ),
            (Role::Admin, Method::POST, "/v1/descriptions".to_owned()),
            (Role::Admin, Method::POST, "/v1/connectors".to_owned()),
            (Role::Admin, Method::POST, "/v1/webhooks".to_owned()),
            (Role::Admin, Method::POST, "/v1/secrets/key".to_owned()),
            (Role::Admin, Method::DELETE, "/v1/secrets/key".to_owned()),
            (Role::Admin, Method::POST, "/v1/stop".to_owned()),
        ];
        let people = [
            (VIEWER, Some(Role::Viewer)),
            (SUPPORT, Some(Role::Support)),
            (ADMIN, Some(Role::Admin)),
            (STRANGER, None),
        ];
        for (needed, method, path) in &cases {
            for (uid, role) in people {
                let expected = if role >= Some(*needed) {
                    StatusCode::OK
                } else {
                    StatusCode::FORBIDDEN
                };
                let status = status(&router, uid, method, path).await;
                assert_eq!(status, expected, "{role:?} {method} {path}");
            }
        }
    }

    #[tokio::test]
    async fn a_refused_deed_never_reaches_the_engine() {
        let engine = FakeEngine::new();
        let router = served(&engine);
        let pause = "/v1/connectors/cw-main/pause";
        for uid in [VIEWER, SUPPORT, STRANGER] {
            for path in [pause, "/v1/descriptions", "/v1/connectors"] {
                status(&router, uid, &Method::POST, path).await;
            }
        }
        assert!(engine.deeds.lock().unwrap().is_empty());
        status(&router, ADMIN, &Method::POST, pause).await;
        assert_eq!(*engine.deeds.lock().unwrap(), ["ada pauses cw-main"]);
    }
}
