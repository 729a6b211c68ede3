//! How Salesforce refuses: an array of `{message, errorCode, fields}`, an OAuth object, or a page.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::sandbox::faults::Refusal;

/// A refusal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    status: StatusCode,
    body: Body,
}

#[derive(Clone, Debug, PartialEq)]
enum Body {
    Json(Value),
    Page,
}

impl Problem {
    /// A refusal in the REST API's shape.
    pub(super) fn new(
        status: StatusCode,
        code: &str,
        message: impl Into<String>,
        fields: &[&str],
    ) -> Self {
        let mut error = json!({"message": message.into(), "errorCode": code});
        if !fields.is_empty() {
            error["fields"] = json!(fields);
        }
        Self {
            status,
            body: Body::Json(json!([error])),
        }
    }

    /// 400.
    pub(super) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message, &[])
    }

    /// 400 about one field.
    pub(super) fn field(code: &str, message: impl Into<String>, field: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message, &[field])
    }

    /// 401: the session is over.
    pub(super) fn session() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "INVALID_SESSION_ID",
            "Session expired or invalid",
            &[],
        )
    }

    /// 403: the day's calls are used up.
    pub(super) fn used_up() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "REQUEST_LIMIT_EXCEEDED",
            "TotalRequests Limit exceeded.",
            &[],
        )
    }

    /// 403: the profile does not allow it.
    pub(super) fn access(message: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "INSUFFICIENT_ACCESS_OR_READONLY",
            message,
            &[],
        )
    }

    /// 404: no such address.
    pub(super) fn resource() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "The requested resource does not exist",
            &[],
        )
    }

    /// 404: no such record.
    pub(super) fn record() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "Provided external ID field is not found or record is not accessible",
            &[],
        )
    }

    /// 404: it was there.
    pub(super) fn deleted() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ENTITY_IS_DELETED",
            "entity is deleted",
            &[],
        )
    }

    /// 405.
    pub(super) fn method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            "HTTP Method not allowed. Allowed are HEAD,GET,PATCH,POST,DELETE",
            &[],
        )
    }

    /// 300: several records have the key.
    pub(super) fn several(addresses: &[String]) -> Self {
        Self {
            status: StatusCode::MULTIPLE_CHOICES,
            body: Body::Json(json!(addresses)),
        }
    }

    /// 400 of the token endpoint.
    pub(super) fn oauth(error: &str, description: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            body: Body::Json(json!({"error": error, "error_description": description})),
        }
    }

    /// What the fault layer answers with. The vendor has no 429 and names no time to wait.
    pub(super) fn of_refusal(refusal: Refusal) -> Response {
        let problem = match refusal {
            Refusal::RateLimited { .. } => Self::new(
                StatusCode::FORBIDDEN,
                "REQUEST_LIMIT_EXCEEDED",
                "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
                &[],
            ),
            Refusal::ServerError(StatusCode::INTERNAL_SERVER_ERROR) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "UNKNOWN_EXCEPTION",
                "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1 (1)",
                &[],
            ),
            Refusal::ServerError(StatusCode::SERVICE_UNAVAILABLE) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "SERVER_UNAVAILABLE",
                "We are down for maintenance.",
                &[],
            ),
            Refusal::ServerError(status) => Self {
                status,
                body: Body::Page,
            },
            Refusal::Unauthorized => Self::session(),
        };
        problem.into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self.body {
            Body::Json(body) => (self.status, Json(body)).into_response(),
            Body::Page => {
                let page = "<html><head><title>Error</title></head><body>Service not available</body></html>";
                (self.status, [(header::CONTENT_TYPE, "text/html")], page).into_response()
            }
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.body {
            Body::Json(body) => write!(formatter, "{} {body}", self.status),
            Body::Page => write!(formatter, "{}", self.status),
        }
    }
}
