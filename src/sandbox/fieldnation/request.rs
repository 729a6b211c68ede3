//! What a REST request brings: who acts, and a JSON object.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use axum::http::request::Parts;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::backend::Actor;
use super::problem::Problem;
use super::token;

/// The value of a query parameter that is not empty.
pub(super) fn parameter(query: &str, key: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let found = pairs.find(|(name, value)| name == key && !value.is_empty());
    found.map(|(_, value)| value.into_owned())
}

/// Who calls, and the raw query.
pub(super) struct Caller {
    pub(super) actor: Actor,
    pub(super) query: String,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let acting = parameter(&query, "acting_user_id").and_then(|id| id.parse().ok());
        Ok(Self {
            actor: Actor::api(acting),
            query,
        })
    }
}

/// A JSON object.
pub(super) struct Body(pub(super) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !token::is_json(kind) {
            return Err(Problem::media_type("application/json"));
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|_| Problem::invalid("The request body is too large."))?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(body)) => Ok(Self(body)),
            _ => Err(Problem::invalid("The request body must be a JSON object.")),
        }
    }
}
