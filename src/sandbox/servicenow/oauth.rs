//! `POST /oauth_token.do`: form-encoded grants, tokens that run out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::backend::Backend;
use super::problem::asleep;
use crate::model::Timestamp;

/// The tokens that were given.
#[derive(Default)]
pub(super) struct Tokens(Mutex<Given>);

#[derive(Default)]
struct Given {
    count: u64,
    access: Option<(String, Timestamp)>,
    refresh: Option<String>,
}

impl Tokens {
    fn lock(&self) -> std::sync::MutexGuard<'_, Given> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an access token is good.
    pub(super) fn admits(&self, token: &str, now: Timestamp) -> bool {
        let given = self.lock();
        given
            .access
            .as_ref()
            .is_some_and(|(access, until)| access == token && now < *until)
    }

    /// Makes every token worthless.
    pub(super) fn revoke(&self) {
        let mut given = self.lock();
        given.access = None;
        given.refresh = None;
    }

    /// Makes the access token worthless; the refresh token stays good.
    pub(super) fn expire(&self) {
        self.lock().access = None;
    }

    /// How many access tokens were made.
    pub(super) fn made(&self) -> u64 {
        self.lock().count
    }

    /// The access token: within its life, the same one again.
    fn access(&self, now: Timestamp, lasts: Duration) -> (String, i64) {
        let mut given = self.lock();
        let good = given.access.clone().filter(|(_, until)| now < *until);
        let (token, until) = good.unwrap_or_else(|| {
            given.count += 1;
            let token = format!("not-a-real-token-{}", given.count);
            (token, now.checked_add(lasts).unwrap_or(Timestamp::MAX))
        });
        given.access = Some((token.clone(), until));
        (token, until.as_second() - now.as_second())
    }

    fn refresh(&self) -> String {
        let mut given = self.lock();
        let count = given.count;
        given
            .refresh
            .get_or_insert_with(|| format!("not-a-real-refresh-token-{count}"))
            .clone()
    }
}

/// Gives a token for a grant.
pub(super) async fn token(State(backend): State<Arc<Backend>>, request: Request) -> Response {
    if backend.is_asleep() {
        return asleep();
    }
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return refused("server_error");
    }
    let Ok(body) = axum::body::to_bytes(request.into_body(), 64 * 1024).await else {
        return refused("server_error");
    };
    let value = |wanted: &str| {
        let mut pairs = url::form_urlencoded::parse(&body);
        pairs
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let settings = &backend.settings;
    if value("client_id") != settings.client_id || value("client_secret") != settings.client_secret
    {
        return refused("invalid_client");
    }
    let known_refresh = backend.tokens.lock().refresh.clone();
    let gives_refresh = match value("grant_type").as_str() {
        "password"
            if value("username") == settings.user_name
                && value("password") == settings.password =>
        {
            true
        }
        "refresh_token" if known_refresh.is_some_and(|known| known == value("refresh_token")) => {
            true
        }
        "client_credentials" => false,
        "password" | "refresh_token" => return refused("access_denied"),
        _ => return refused("invalid_grant"),
    };
    let lasts = Duration::from_secs(settings.token_seconds);
    let (access, expires_in) = backend.tokens.access(backend.clock.now(), lasts);
    let mut answer = json!({
        "access_token": access,
        "scope": "useraccount",
        "token_type": "Bearer",
        "expires_in": expires_in,
    });
    if gives_refresh {
        answer["refresh_token"] = json!(backend.tokens.refresh());
    }
    Json(answer).into_response()
}

fn refused(error: &str) -> Response {
    let body = json!({"error": error, "error_description": "access_denied"});
    (StatusCode::UNAUTHORIZED, Json(body)).into_response()
}
