//! What stands before every call: the key, the account's rate limit and its headers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::backend::Backend;
use super::problem::Problem;
use crate::sandbox::quota::whole_seconds;

/// Counts a call and checks its key. Refused calls count as well.
pub(super) async fn stand(
    State(backend): State<Arc<Backend>>,
    request: Request,
    next: Next,
) -> Response {
    let cost = cost(request.uri().query().unwrap_or_default());
    let standing = backend.meter.as_ref().map(|meter| meter.spend(cost));
    let refused = standing.and_then(|standing| standing.refused_for);
    let mut response = if let Some(wait) = refused {
        let seconds = whole_seconds(wait);
        Problem::TooMany { seconds }.into_response()
    } else if is_admitted(&backend, request.headers()) {
        next.run(request).await
    } else {
        Problem::Unauthorized.into_response()
    };
    let headers = response.headers_mut();
    sign(headers);
    if let Some(standing) = standing {
        headers.insert("x-ratelimit-total", HeaderValue::from(standing.limit));
        headers.insert(
            "x-ratelimit-remaining",
            HeaderValue::from(standing.remaining),
        );
        headers.insert("x-ratelimit-used-currentrequest", HeaderValue::from(cost));
    }
    response
}

/// Puts the request id on an answer; every answer has one.
pub(super) fn sign(headers: &mut HeaderMap) {
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::now_v7().to_string()) {
        headers.insert("x-request-id", id);
    }
}

/// A call costs one, and one more for everything it includes.
fn cost(query: &str) -> u32 {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let include = pairs.find(|(key, _)| key == "include");
    let included = include.map_or(0, |(_, list)| list.split(',').count());
    1 + u32::try_from(included).unwrap_or(u32::MAX - 1)
}

/// Basic with the API key for a user name; the password does not matter.
fn is_admitted(backend: &Backend, headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let encoded = value.and_then(|value| value.strip_prefix("Basic "));
    let decoded = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
    let text = decoded.and_then(|decoded| String::from_utf8(decoded).ok());
    let user = text
        .as_deref()
        .and_then(|text| text.split_once(':'))
        .map(|(user, _)| user);
    user == Some(backend.settings.api_key.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_cost_extra() {
        assert_eq!(cost(""), 1);
        assert_eq!(cost("page=2"), 1);
        assert_eq!(cost("include=requester,company,stats"), 4);
    }
}
