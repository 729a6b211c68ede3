//! The errors, in the vendor's own shapes.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::sandbox::faults::Refusal;

/// One field that was refused.
#[derive(Clone, Debug)]
pub(super) struct FieldProblem {
    field: String,
    message: String,
    code: &'static str,
}

impl FieldProblem {
    pub(super) fn new(
        field: impl Into<String>,
        message: impl Into<String>,
        code: &'static str,
    ) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
            code,
        }
    }

    pub(super) fn missing(field: &str) -> Self {
        Self::new(
            field,
            "It should not be blank as this is a mandatory field",
            "missing_field",
        )
    }

    pub(super) fn unexpected(field: impl Into<String>) -> Self {
        Self::new(
            field,
            "Unexpected/invalid field in request",
            "invalid_field",
        )
    }

    pub(super) fn not_a(field: impl Into<String>, wanted: &str, given: &str) -> Self {
        let message = format!("Value set is of type {given}.It should be a/an {wanted}");
        Self::new(field, message, "datatype_mismatch")
    }
}

/// Why a call is refused.
#[derive(Clone, Debug)]
pub(super) enum Problem {
    Unauthenticated,
    NotFound,
    MediaType,
    BrokenJson,
    RateLimited(u64),
    Server(StatusCode),
    Fields(Vec<FieldProblem>),
    Query(&'static str),
}

impl Problem {
    pub(super) fn of_refusal(refusal: Refusal) -> Response {
        match refusal {
            Refusal::RateLimited {
                retry_after_seconds,
            } => Self::RateLimited(retry_after_seconds),
            Refusal::ServerError(status) => Self::Server(status),
            Refusal::Unauthorized => Self::Unauthenticated,
        }
        .into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let coded = |status: StatusCode, code: &str, message: &str| {
            (status, Json(json!({ "code": code, "message": message }))).into_response()
        };
        match self {
            Self::Unauthenticated => coded(
                StatusCode::UNAUTHORIZED,
                "invalid_credentials",
                "You have to be logged in to perform this action.",
            ),
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::MediaType => coded(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "invalid_content_type",
                "Content-Type header is set to an unsupported value.",
            ),
            Self::BrokenJson => coded(
                StatusCode::BAD_REQUEST,
                "invalid_json",
                "Request body has invalid json format",
            ),
            Self::RateLimited(seconds) => {
                let mut response = coded(
                    StatusCode::TOO_MANY_REQUESTS,
                    "rate_limit_exceeded",
                    "You have exceeded the limit of requests per minute",
                );
                let headers = response.headers_mut();
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                response
            }
            Self::Server(status) => coded(
                status,
                "internal_error",
                "We're sorry, but something went wrong.",
            ),
            Self::Query(message) => {
                validation(vec![FieldProblem::new("query", message, "invalid_value")])
            }
            Self::Fields(fields) => validation(fields),
        }
    }
}

fn validation(fields: Vec<FieldProblem>) -> Response {
    let is_duplicate = fields.iter().any(|field| field.code == "duplicate_value");
    let status = if is_duplicate {
        StatusCode::CONFLICT
    } else {
        StatusCode::BAD_REQUEST
    };
    let errors: Vec<_> = fields
        .into_iter()
        .map(|field| json!({ "field": field.field, "message": field.message, "code": field.code }))
        .collect();
    let body = json!({ "description": "Validation failed", "errors": errors });
    (status, Json(body)).into_response()
}
