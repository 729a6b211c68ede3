//! What stands before every call: the rate limit, the keys, the client id.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::WrongKeys;
use super::backend::Backend;
use super::paging::Base;
use super::trouble::{Trouble, WRONG_KEYS};
use crate::sandbox::quota::whole_seconds;

/// Through which base a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entrance {
    /// `v4_6_release/`, which every version has.
    Alias,
    /// The real codebase, e.g. `v2024_1/`.
    Codebase,
}

/// The guard of one entrance.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) backend: Arc<Backend>,
    pub(super) entrance: Entrance,
    pub(super) base: String,
}

/// Checks a call.
pub(super) async fn stand(
    State(guard): State<Guard>,
    mut request: Request,
    next: Next,
) -> Response {
    let backend = &guard.backend;
    let refused = backend
        .meter
        .as_ref()
        .and_then(|meter| meter.spend(1).refused_for);
    let mut response = if let Some(wait) = refused {
        let seconds = whole_seconds(wait);
        Trouble::TooMany { seconds }.into_response()
    } else if let Some(trouble) = guard.objection(request.headers()) {
        trouble.into_response()
    } else {
        request.extensions_mut().insert(Base(guard.base.clone()));
        next.run(request).await
    };
    if let Ok(version) = HeaderValue::from_str(&backend.settings.version_code) {
        response
            .headers_mut()
            .insert("api-current-version", version);
    }
    response
}

impl Guard {
    fn objection(&self, headers: &HeaderMap) -> Option<Trouble> {
        if !self.knows_keys(headers) {
            let hides = self.backend.settings.wrong_keys == WrongKeys::NotFoundOnAlias;
            return Some(if hides && self.entrance == Entrance::Alias {
                Trouble::NotFound("The resource could not be found.".to_owned())
            } else {
                Trouble::Unauthorized(WRONG_KEYS)
            });
        }
        let client = headers
            .get("clientid")
            .and_then(|client| client.to_str().ok());
        let wanted = &self.backend.settings.credentials.client_id;
        let is_known = client.is_some_and(|client| client.eq_ignore_ascii_case(wanted));
        (!is_known).then_some(Trouble::Unauthorized(
            "A valid clientId header is required.",
        ))
    }

    fn knows_keys(&self, headers: &HeaderMap) -> bool {
        let value = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let encoded = value.and_then(|value| value.strip_prefix("Basic "));
        let decoded = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
        let credentials = &self.backend.settings.credentials;
        let wanted = format!(
            "{}+{}:{}",
            credentials.company_id, credentials.public_key, credentials.private_key
        );
        decoded.is_some_and(|decoded| decoded == wanted.as_bytes())
    }
}
