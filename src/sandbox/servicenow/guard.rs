//! What stands before every call: sleep, the credential, the rate limit rule, the headers the API insists on.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::backend::Backend;
use super::problem::{Problem, asleep};
use crate::sandbox::quota::whole_seconds;

/// The rate limit rule's own id, which stands on every answer that it counts.
const RULE: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";

/// Checks a call before it is handled.
pub(super) async fn stand(
    State(backend): State<Arc<Backend>>,
    request: Request,
    next: Next,
) -> Response {
    if backend.is_asleep() {
        return asleep();
    }
    if !is_admitted(&backend, request.headers()) {
        return Problem::Unauthorized.into_response();
    }
    let standing = backend.meter.as_ref().map(|meter| meter.spend(1));
    let refused = standing.and_then(|standing| standing.refused_for);
    let mut response = if let Some(wait) = refused {
        let seconds = whole_seconds(wait);
        Problem::TooMany { seconds }.into_response()
    } else if let Err(problem) = check_headers(&request) {
        problem.into_response()
    } else {
        next.run(request).await
    };
    if let Some(standing) = standing {
        // The vendor counts by the hour; here the window is a minute, so that a rehearsal need not wait.
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-limit", HeaderValue::from(standing.limit));
        headers.insert(
            "x-ratelimit-reset",
            HeaderValue::from(standing.resets_at.as_second()),
        );
        headers.insert("x-ratelimit-rule", HeaderValue::from_static(RULE));
    }
    response
}

/// `Accept` must take JSON, and a record's body must be declared as JSON.
fn check_headers(request: &Request) -> Result<(), Problem> {
    let text = |name: header::HeaderName| {
        let value = request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_ascii_lowercase()
    };
    let accept = text(header::ACCEPT);
    let is_file = request.uri().path().contains("/attachment/");
    if !is_file && !accept.contains("application/json") && !accept.contains("*/*") {
        return Err(Problem::BadRequest(
            "Invalid or missing Accept header".to_owned(),
        ));
    }
    let has_body = !request.method().is_safe() && request.method() != axum::http::Method::DELETE;
    if has_body && !is_file && !text(header::CONTENT_TYPE).starts_with("application/json") {
        return Err(Problem::BadRequest(
            "Invalid or missing Content-Type header".to_owned(),
        ));
    }
    Ok(())
}

/// Basic, a bearer token, or an API key.
fn is_admitted(backend: &Backend, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let settings = &backend.settings;
    if let Some(key) = text("x-sn-apikey") {
        return key == settings.api_key;
    }
    let Some(value) = text("authorization") else {
        return false;
    };
    if let Some(token) = value.strip_prefix("Bearer ") {
        return backend.tokens.admits(token, backend.clock.now());
    }
    let decoded = value
        .strip_prefix("Basic ")
        .and_then(|encoded| STANDARD.decode(encoded).ok());
    let pair = decoded.and_then(|decoded| String::from_utf8(decoded).ok());
    pair == Some(format!("{}:{}", settings.user_name, settings.password))
}
