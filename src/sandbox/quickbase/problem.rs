//! How Quickbase refuses: `{message, description, errors?}`, with a ray id in the headers.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::sandbox::faults::Refusal;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// 400 with a sentence.
    Bad(String),
    /// 400 with what is wrong in one member of the request.
    Invalid { member: &'static str, why: String },
    /// 401.
    Unauthorized,
    /// 403: the token was not assigned to the app.
    Unassigned,
    /// 403: the token's user lacks the right.
    Forbidden,
    /// 404.
    NotFound,
    /// 423: somebody is changing the table.
    Locked,
    /// 429.
    TooMany { seconds: u64 },
    /// 5xx.
    Server(StatusCode),
}

impl Problem {
    /// What the fault layer answers with.
    pub(super) fn of_refusal(refusal: Refusal) -> Response {
        let problem = match refusal {
            Refusal::RateLimited {
                retry_after_seconds: seconds,
            } => Self::TooMany { seconds },
            Refusal::ServerError(status) => Self::Server(status),
            Refusal::Unauthorized => Self::Unauthorized,
        };
        let mut response = problem.into_response();
        sign(response.headers_mut());
        response
    }

    fn parts(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::Bad(why) => (StatusCode::BAD_REQUEST, "Bad request", why.clone()),
            Self::Invalid { .. } => (
                StatusCode::BAD_REQUEST,
                "Invalid request",
                "The request body contains invalid data".to_owned(),
            ),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "Access denied",
                "User token is invalid or expired".to_owned(),
            ),
            Self::Unassigned => (
                StatusCode::FORBIDDEN,
                "Access denied",
                "User token is not assigned to this app".to_owned(),
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "Insufficient permissions",
                "Not enough rights to execute this request.".to_owned(),
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Not found",
                "The requested resource was not found".to_owned(),
            ),
            Self::Locked => (
                StatusCode::LOCKED,
                "Locked",
                "The table is being changed. Try again later.".to_owned(),
            ),
            Self::TooMany { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
                "You have exceeded the rate limit. Please wait before making more requests."
                    .to_owned(),
            ),
            Self::Server(status) => (
                *status,
                "Internal server error",
                "An unexpected error occurred. Please try again later.".to_owned(),
            ),
        }
    }
}

/// Puts the ids by which support finds a call on an answer; every answer has them.
pub(super) fn sign(headers: &mut HeaderMap) {
    let id = uuid::Uuid::now_v7().simple().to_string();
    for name in ["qb-api-ray", "cf-ray"] {
        if let Ok(value) = HeaderValue::from_str(&id) {
            headers.insert(name, value);
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, message, description) = self.parts();
        let mut body = json!({"message": message, "description": description});
        if let Self::Invalid { member, why } = &self {
            body["errors"] = json!([{"field": member, "message": why}]);
        }
        let mut response = (status, Json::<Value>(body)).into_response();
        if let Self::TooMany { seconds } = self {
            let value = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid { member, why } => write!(formatter, "{member}: {why}"),
            other => formatter.write_str(&other.parts().2),
        }
    }
}
