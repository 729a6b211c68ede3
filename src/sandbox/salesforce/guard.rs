//! What stands before every call of the REST API: the version, the session, the day's calls and their header.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::backend::Backend;
use super::problem::Problem;

/// The versions that the org has.
const VERSIONS: std::ops::RangeInclusive<u32> = 31..=64;

/// Checks a call, whose path begins with the version here, and counts it.
pub(super) async fn stand(
    State(backend): State<Arc<Backend>>,
    request: Request,
    next: Next,
) -> Response {
    let most = backend.settings.daily_calls;
    let mut response = match admit(&backend, request.uri().path(), request.headers(), most) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let used = backend.used_calls().min(most);
    if let Ok(value) = HeaderValue::from_str(&format!("api-usage={used}/{most}")) {
        response.headers_mut().insert("sforce-limit-info", value);
    }
    response
}

fn admit(backend: &Backend, path: &str, headers: &HeaderMap, most: u64) -> Result<(), Problem> {
    let version = path
        .strip_prefix("/v")
        .and_then(|rest| rest.split('/').next());
    let number = version
        .and_then(|text| text.strip_suffix(".0"))
        .and_then(|text| text.parse().ok());
    let Some(number) = number else {
        return Err(Problem::resource());
    };
    if number < *VERSIONS.start() {
        return Err(Problem::new(
            StatusCode::GONE,
            "UNSUPPORTED_API_VERSION",
            "This API version is no longer supported",
            &[],
        ));
    }
    if !VERSIONS.contains(&number) {
        return Err(Problem::resource());
    }
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if !token.is_some_and(|token| backend.is_session(token)) {
        return Err(Problem::session());
    }
    if !backend.settings.has_api {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "API_DISABLED_FOR_ORG",
            "API is not enabled for this Organization or Partner",
            &[],
        ));
    }
    if backend.count_call() > most {
        return Err(Problem::used_up());
    }
    Ok(())
}
