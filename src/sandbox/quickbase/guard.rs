//! What stands before every call: the realm, the token, the token's rate limit.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::backend::Backend;
use super::problem::{Problem, sign};
use crate::sandbox::quota::whole_seconds;

/// Counts a call and checks its headers. Refused calls count as well.
pub(super) async fn stand(
    State(backend): State<Arc<Backend>>,
    request: Request,
    next: Next,
) -> Response {
    let standing = backend.meter.as_ref().map(|meter| meter.spend(1));
    let refused = standing.and_then(|standing| standing.refused_for);
    let mut response = match refused {
        Some(wait) => Problem::TooMany {
            seconds: whole_seconds(wait),
        }
        .into_response(),
        None => match admit(&backend, request.headers()) {
            Ok(()) => next.run(request).await,
            Err(problem) => problem.into_response(),
        },
    };
    sign(response.headers_mut());
    response
}

fn admit(backend: &Backend, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("qb-realm-hostname") {
        None => {
            let why = "Required header 'QB-Realm-Hostname' not found.";
            return Err(Problem::Bad(why.to_owned()));
        }
        Some(realm) if realm != backend.settings.realm => return Err(Problem::Unauthorized),
        Some(_) => {}
    }
    let token = text("authorization").and_then(|value| value.strip_prefix("QB-USER-TOKEN "));
    if token != Some(backend.settings.user_token.as_str()) {
        return Err(Problem::Unauthorized);
    }
    if backend.books().unassigned {
        return Err(Problem::Unassigned);
    }
    Ok(())
}
