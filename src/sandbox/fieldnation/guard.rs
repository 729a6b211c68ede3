//! What stands before every REST call: the rate limit and the token.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::backend::Backend;
use super::problem::{ErrorBodies, Problem};
use super::request::parameter;
use crate::sandbox::quota::{Standing, whole_seconds};

/// Counts the call, checks its token, and says errors the way this stand-in is set to.
pub(super) async fn stand(
    State(backend): State<Arc<Backend>>,
    request: Request,
    next: Next,
) -> Response {
    let standing = backend.meter.as_ref().map(|meter| meter.spend(1));
    let refused = standing.and_then(|standing| standing.refused_for);
    let mut response = if let Some(wait) = refused {
        Problem::rate_limited(whole_seconds(wait)).into_response()
    } else if is_admitted(&backend, &request) {
        next.run(request).await
    } else {
        Problem::unauthenticated().into_response()
    };
    if backend.settings.error_bodies == ErrorBodies::Plain
        && let Some(problem) = response.extensions_mut().remove::<Problem>()
    {
        response = problem.plain();
    }
    if let Some(standing) = standing {
        announce(response.headers_mut(), standing);
    }
    response
}

/// The token comes as a query parameter or as a bearer header.
fn is_admitted(backend: &Backend, request: &Request) -> bool {
    let header = request.headers().get(header::AUTHORIZATION);
    let bearer = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if let Some(token) = bearer {
        return backend.tokens.admits(token);
    }
    let query = request.uri().query().unwrap_or_default();
    parameter(query, "access_token").is_some_and(|token| backend.tokens.admits(&token))
}

fn announce(headers: &mut HeaderMap, standing: Standing) {
    headers.insert("x-ratelimit-limit", HeaderValue::from(standing.limit));
    headers.insert(
        "x-ratelimit-remaining",
        HeaderValue::from(standing.remaining),
    );
    let reset = HeaderValue::from(standing.resets_at.as_second());
    headers.insert("x-ratelimit-reset", reset);
}
