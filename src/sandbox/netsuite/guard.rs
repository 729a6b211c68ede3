//! What stands before every call: the account's pool of requests at once, then the login.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::backend::Backend;
use super::login::Call;
use super::problem::{Problem, ScriptProblem};
use super::{NetSuiteRight, REST};

/// Which of the two services is asked, by which refusals differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Rest,
    Restlet,
}

/// Takes a place in the pool and checks the login.
pub(super) async fn stand(
    State(backend): State<Arc<Backend>>,
    request: Request,
    next: Next,
) -> Response {
    let service = if request.uri().path().starts_with(REST) {
        Service::Rest
    } else {
        Service::Restlet
    };
    let mut response = answer(&backend, service, request, next).await;
    dated(&backend, &mut response);
    response
}

async fn answer(backend: &Backend, service: Service, request: Request, next: Next) -> Response {
    let Some(_place) = backend.take_place() else {
        return match service {
            Service::Rest => Problem::concurrency().into_response(),
            Service::Restlet => ScriptProblem::POOL_FULL.into_response(),
        };
    };
    let uri = request.uri();
    let call = Call {
        method: request.method(),
        base_url: &backend.base_url,
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        headers: request.headers(),
        now: backend.clock.now().as_second(),
    };
    let is_token_call = uri.path() == super::TOKEN;
    let admitted = is_token_call || backend.gate.admits(&backend.settings, &call);
    // A role for web services only logs in to REST and never to a RESTlet.
    let shut = service == Service::Restlet && backend.lacks(NetSuiteRight::Restlets);
    match (admitted && !shut, service) {
        (true, _) => next.run(request).await,
        (false, Service::Rest) => Problem::login().into_response(),
        (false, Service::Restlet) => ScriptProblem::LOGIN.into_response(),
    }
}

/// Puts the account's own time on an answer.
fn dated(backend: &Backend, response: &mut Response) {
    let now = backend.clock.now().to_zoned(jiff::tz::TimeZone::UTC);
    let text = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(header::DATE, value);
    }
}
