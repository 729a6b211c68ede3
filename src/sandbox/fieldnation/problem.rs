//! How the REST API refuses: RFC 9457 problems (2026), or the older `{status, message}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::sandbox::faults::Refusal;

/// Which generation of error bodies the stand-in answers with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorBodies {
    /// `application/problem+json` with `code`, `errors`, `retryable` and `agent`.
    #[default]
    Problem,
    /// `DefaultResponseErrorDto`: `status` and `message`.
    Plain,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldProblem {
    pub(super) field: String,
    pub(super) message: String,
}

impl FieldProblem {
    pub(super) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// The sorts of refusal the vendor's error catalogue has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Invalid,
    NotFound,
    MediaType,
    Unauthenticated,
    RateLimited { seconds: u64 },
    Server(StatusCode),
}

impl Sort {
    fn status(self) -> StatusCode {
        match self {
            Self::Invalid => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Server(status) => status,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Invalid => "Validation Error",
            Self::NotFound => "Resource Not Found",
            Self::MediaType => "Unsupported Media Type",
            Self::Unauthenticated => "Authentication Required",
            Self::RateLimited { .. } => "Rate Limit Exceeded",
            Self::Server(_) => "Internal Error",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Invalid | Self::NotFound | Self::MediaType => "FIX_INPUT",
            Self::Unauthenticated => "REAUTHENTICATE",
            Self::RateLimited { .. } | Self::Server(_) => "RETRY",
        }
    }
}

/// A refusal of the REST API.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    sort: Sort,
    detail: String,
    fields: Vec<FieldProblem>,
}

impl Problem {
    fn new(sort: Sort, detail: impl Into<String>) -> Self {
        Self {
            sort,
            detail: detail.into(),
            fields: Vec::new(),
        }
    }

    /// 400: the input can't be taken.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Sort::Invalid, detail)
    }

    /// 400, with everything that is wrong.
    pub(super) fn fields(fields: Vec<FieldProblem>) -> Self {
        let texts: Vec<_> = fields.iter().map(|field| field.message.as_str()).collect();
        let mut problem = Self::invalid(texts.join("; "));
        problem.fields = fields;
        problem
    }

    /// 404.
    pub(super) fn not_found(what: impl Into<String>) -> Self {
        Self::new(Sort::NotFound, what)
    }

    /// 415.
    pub(super) fn media_type(wanted: &str) -> Self {
        Self::new(Sort::MediaType, format!("Content-Type must be {wanted}."))
    }

    /// 401.
    pub(super) fn unauthenticated() -> Self {
        let detail = "The access token is missing, invalid or expired.";
        Self::new(Sort::Unauthenticated, detail)
    }

    /// 429.
    pub(super) fn rate_limited(seconds: u64) -> Self {
        let detail = format!("Rate limit exceeded. Retry after {seconds} seconds.");
        Self::new(Sort::RateLimited { seconds }, detail)
    }

    /// 5xx.
    pub(super) fn server_error(status: StatusCode) -> Self {
        Self::new(Sort::Server(status), "Something went wrong on our side.")
    }

    /// What the fault layer answers with.
    pub(super) fn of_refusal(refusal: Refusal) -> Response {
        let problem = match refusal {
            Refusal::RateLimited {
                retry_after_seconds,
            } => Self::rate_limited(retry_after_seconds),
            Refusal::ServerError(status) => Self::server_error(status),
            Refusal::Unauthorized => Self::unauthenticated(),
        };
        problem.into_response()
    }

    fn body(&self) -> Value {
        let error = |field: &FieldProblem| json!({"field": field.field, "message": field.message});
        let errors: Vec<_> = self.fields.iter().map(error).collect();
        let action = self.sort.action();
        let is_retryable = action == "RETRY";
        let agent = if is_retryable {
            let backoff = self.retry_after().unwrap_or(1) * 1_000;
            json!({"action": action, "backoffMs": backoff, "maxAttempts": 3})
        } else {
            json!({"action": action})
        };
        let title = self.sort.title();
        let slug = title.to_lowercase().replace(' ', "-");
        json!({
            "type": format!("https://developer.fieldnation.com/error-codes/{slug}"),
            "title": title,
            "status": self.sort.status().as_u16(),
            "detail": self.detail,
            "code": title.to_uppercase().replace(' ', "_"),
            "errors": errors,
            "retryable": is_retryable,
            "correlationId": uuid::Uuid::now_v7().to_string(),
            "agent": agent,
        })
    }

    fn retry_after(&self) -> Option<u64> {
        match self.sort {
            Sort::RateLimited { seconds } => Some(seconds),
            _ => None,
        }
    }

    fn respond(&self, body: Value) -> Response {
        let mut response = (self.sort.status(), Json(body)).into_response();
        if let Some(seconds) = self.retry_after() {
            let value = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }

    /// The older form of the same refusal.
    pub(super) fn plain(&self) -> Response {
        let status = self.sort.status().as_u16();
        self.respond(json!({"status": status, "message": self.detail}))
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.detail)
    }
}

impl IntoResponse for Problem {
    /// As a problem document. The problem itself travels along, so that the guard can say it the older way.
    fn into_response(self) -> Response {
        let mut response = self.respond(self.body());
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.extensions_mut().insert(self);
        response
    }
}
