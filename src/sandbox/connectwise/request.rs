//! Request bodies: a JSON object, or the array of a PATCH.

use axum::extract::{FromRequest, Request};
use axum::http::header;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::trouble::{Fault, Trouble};

/// A JSON object.
pub(super) struct Object(pub(super) Map<String, Value>);

/// The operations of a PATCH: an array, never an object.
pub(super) struct Operations(pub(super) Vec<Value>);

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Value, Trouble> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_json = kind.eq_ignore_ascii_case("application/json")
        || (kind.starts_with("application/vnd.connectwise.com") && kind.ends_with("+json"));
    if !is_json {
        return Err(Trouble::MediaType("application/json"));
    }
    let bytes = Bytes::from_request(request, state).await;
    let bytes = bytes.map_err(|_| invalid("The request body is too large."))?;
    serde_json::from_slice(&bytes).map_err(|_| invalid("The request body is not valid JSON."))
}

fn invalid(message: &str) -> Trouble {
    Trouble::invalid("body", Fault::invalid("body", message))
}

impl<S: Send + Sync> FromRequest<S> for Object {
    type Rejection = Trouble;

    async fn from_request(request: Request, state: &S) -> Result<Self, Trouble> {
        match read(request, state).await? {
            Value::Object(body) => Ok(Self(body)),
            _ => Err(invalid("The request body must be an object.")),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Operations {
    type Rejection = Trouble;

    async fn from_request(request: Request, state: &S) -> Result<Self, Trouble> {
        match read(request, state).await? {
            Value::Array(operations) => Ok(Self(operations)),
            _ => Err(invalid("The request body must be an array of operations.")),
        }
    }
}
