//! What stands before every call: the token and its rate limit.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::backend::Backend;
use super::problem::Problem;

/// Counts a call and checks its token. Refused calls count as well.
pub(super) async fn stand(
    State(backend): State<Arc<Backend>>,
    request: Request,
    next: Next,
) -> Response {
    let cost = cost(request.method(), request.uri().path());
    let refused = backend
        .meter
        .as_ref()
        .and_then(|meter| meter.spend(cost).refused_for);
    if refused.is_some() {
        return Problem::too_many().into_response();
    }
    match objection(&backend, request.headers()) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

/// Uploads weigh ten calls.
fn cost(method: &Method, path: &str) -> u32 {
    if *method == Method::POST && path.ends_with("/attachments") {
        10
    } else {
        1
    }
}

fn objection(backend: &Backend, headers: &HeaderMap) -> Option<Problem> {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let Some(token) = value.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Some(Problem::no_token());
    };
    (token != backend.settings.access_token).then(Problem::wrong_token)
}
