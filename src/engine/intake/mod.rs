//! Intake: triggers and events come in over HTTP and are answered once they are on disk.
//!
//! The token is checked before the body is read, signatures on the raw bytes. Nothing here maps, fetches or waits
//! for anything but the store.

mod event;
mod refusal;
mod token;
mod trigger;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use bytes::Bytes;
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;

use super::people;
use super::shared::Shared;
use refusal::Refusal;
pub(crate) use token::{TokenDigest, TokenKey};
pub(crate) use trigger::inbound;

/// The routes of the listener.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/broker/inbound", any(trigger::by_query))
        .route("/integrations/trigger/{token}", any(trigger::by_path))
        .route(
            "/v1/fieldnation/events",
            post(event::receive).put(event::receive),
        )
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(|| async { Refusal::not_found("there is nothing at this address") })
        .method_not_allowed_fallback(|| async {
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "this address takes another method",
            )
        })
        .layer(CatchPanicLayer::new())
        .with_state(shared)
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let problem = if !shared.is_accepting() {
        Some("the engine is stopping")
    } else if shared.field_nation.load().is_none() {
        Some("Field Nation is not configured")
    } else {
        shared
            .store
            .counts()
            .await
            .is_err()
            .then_some("the store can't be read")
    };
    match problem {
        None => (StatusCode::OK, "ready\n").into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    match people::metrics(&shared).await {
        Ok(text) => ([("content-type", "text/plain; version=0.0.4")], text).into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why.to_string()).into_response(),
    }
}

/// Reads a body up to the limit.
async fn read_body(shared: &Shared, request: Request<Body>) -> Result<Bytes, Refusal> {
    let limit = shared.settings.server.body_limit;
    let announced = request.headers().get(http::header::CONTENT_LENGTH);
    let announced = announced
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(Refusal::too_large(limit));
    }
    let encoding = request.headers().get(http::header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding != "identity") {
        return Err(Refusal::media_type(
            "send the body without Content-Encoding",
        ));
    }
    axum::body::to_bytes(request.into_body(), limit)
        .await
        .map_err(|error| Refusal::of_body(&error, limit))
}

/// The ordinary answer to an accepted trigger.
fn accepted(status: StatusCode, ids: &[crate::model::TransactionId]) -> Response {
    (
        status,
        axum::Json(json!({ "status": "accepted", "transactions": ids })),
    )
        .into_response()
}
