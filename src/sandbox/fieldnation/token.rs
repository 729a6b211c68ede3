//! OAuth: the password grant and its refresh, in JSON only.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::backend::Backend;
use crate::model::{Clock, Timestamp};

/// What a caller needs to get a token. All of it is made up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldNationCredentials {
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: String,
    /// The user's name.
    pub username: String,
    /// The user's password.
    pub password: String,
}

impl Default for FieldNationCredentials {
    fn default() -> Self {
        Self {
            client_id: "sandbox-client".to_owned(),
            client_secret: "not-a-real-client-secret".to_owned(),
            username: "integration@example.com".to_owned(),
            password: "not-a-real-password".to_owned(),
        }
    }
}

/// The tokens that were issued.
pub(super) struct Tokens {
    lifetime: Duration,
    clock: Arc<dyn Clock>,
    issued: Mutex<Issued>,
}

#[derive(Default)]
struct Issued {
    access: HashMap<String, Timestamp>,
    refresh: HashSet<String>,
    count: usize,
}

impl Tokens {
    pub(super) fn new(lifetime: Duration, clock: Arc<dyn Clock>) -> Self {
        Self {
            lifetime,
            clock,
            issued: Mutex::default(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Issued> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a token may be used now.
    pub(super) fn admits(&self, token: &str) -> bool {
        let now = self.clock.now();
        self.lock()
            .access
            .get(token)
            .is_some_and(|until| now < *until)
    }

    /// Ends every access token; refresh tokens stay good.
    pub(super) fn expire_all(&self) {
        self.lock().access.clear();
    }

    /// How many access tokens were ever issued.
    pub(super) fn count(&self) -> usize {
        self.lock().count
    }

    fn issue(&self) -> Value {
        let now = self.clock.now();
        let until = now.checked_add(self.lifetime).unwrap_or(Timestamp::MAX);
        let access = format!("fn-sandbox-{}", uuid::Uuid::now_v7().simple());
        let refresh = format!("fn-refresh-{}", uuid::Uuid::now_v7().simple());
        let mut issued = self.lock();
        issued.access.retain(|_, until| now < *until);
        issued.access.insert(access.clone(), until);
        issued.refresh.insert(refresh.clone());
        issued.count += 1;
        json!({
            "access_token": access,
            "expires_in": self.lifetime.as_secs(),
            "token_type": "Bearer",
            "scope": "api",
            "refresh_token": refresh,
        })
    }

    /// A refresh token is good for one use.
    fn redeem(&self, token: &str) -> bool {
        self.lock().refresh.remove(token)
    }
}

/// `POST /authentication/api/oauth/token`.
pub(super) async fn grant(
    State(backend): State<Arc<Backend>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if !content_type.is_some_and(is_json) {
        return refuse(
            StatusCode::BAD_REQUEST,
            "The request body must be application/json.",
        );
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "The request body is not valid JSON.",
        );
    };
    match answer(&backend, &body) {
        Ok(token) => Json(token).into_response(),
        Err((status, message)) => refuse(status, message),
    }
}

/// Whether a content type is JSON.
pub(super) fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

fn answer(backend: &Backend, body: &Value) -> Result<Value, (StatusCode, &'static str)> {
    let text = |key: &str| {
        body.get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let wanted = &backend.settings.credentials;
    let is = |key: &str, expected: &str| text(key) == Some(expected);
    let client_is_known =
        is("client_id", &wanted.client_id) && is("client_secret", &wanted.client_secret);
    match text("grant_type") {
        Some("password") => {
            let required = ["client_id", "client_secret", "username", "password"];
            if required.iter().any(|key| text(key).is_none()) {
                let message = "client_id, client_secret, username and password are required.";
                return Err((StatusCode::BAD_REQUEST, message));
            }
            if !client_is_known {
                return Err((StatusCode::UNAUTHORIZED, "Client authentication failed."));
            }
            if !(is("username", &wanted.username) && is("password", &wanted.password)) {
                return Err((
                    StatusCode::UNAUTHORIZED,
                    "The user credentials were incorrect.",
                ));
            }
            Ok(backend.tokens.issue())
        }
        Some("refresh_token") => {
            if !client_is_known {
                return Err((StatusCode::UNAUTHORIZED, "Client authentication failed."));
            }
            if !text("refresh_token").is_some_and(|token| backend.tokens.redeem(token)) {
                return Err((StatusCode::UNAUTHORIZED, "The refresh token is invalid."));
            }
            Ok(backend.tokens.issue())
        }
        _ => Err((StatusCode::BAD_REQUEST, "The grant type is not supported.")),
    }
}

/// `AuthErrorDto`.
fn refuse(status: StatusCode, message: &str) -> Response {
    let body = json!({"status_code": status.as_u16(), "message": message});
    (status, Json(body)).into_response()
}
