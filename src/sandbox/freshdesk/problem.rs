//! How Freshdesk refuses: `{description, errors}`, `{code, message}`, or nothing at all.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::sandbox::faults::Refusal;

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldError {
    pub(super) field: String,
    pub(super) message: String,
    pub(super) code: &'static str,
}

impl FieldError {
    pub(super) fn new(
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
            code,
        }
    }

    /// A field that does not exist here.
    pub(super) fn unexpected(field: impl Into<String>) -> Self {
        Self::new(
            field,
            "invalid_field",
            "Unexpected/invalid field in request",
        )
    }

    /// A value of the wrong type.
    pub(super) fn mismatch(field: impl Into<String>, value: &Value, wanted: &str) -> Self {
        let actual = match value {
            Value::Null => "Null",
            Value::Bool(_) => "Boolean",
            Value::Number(number) if number.is_f64() => "Float",
            Value::Number(_) => "Integer",
            Value::String(_) => "String",
            Value::Array(_) => "Array",
            Value::Object(_) => "key/value pair",
        };
        let message = format!("Value set is of type {actual}.It should be a/an {wanted}");
        Self::new(field, "datatype_mismatch", message)
    }
}

/// A refusal.
#[derive(Clone, Debug)]
pub(super) enum Problem {
    /// 400 with everything that is wrong; 409 when all that is wrong is a duplicate.
    Invalid(Vec<FieldError>),
    /// 400: the body is no JSON.
    Unreadable,
    /// 401.
    Unauthorized,
    /// 404, without a body.
    NotFound,
    /// 405, without a body.
    NotAllowed,
    /// 415, without a body.
    MediaType,
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
        super::guard::sign(response.headers_mut());
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let said = |status: StatusCode, code: &str, message: &str| {
            (status, Json(json!({"code": code, "message": message}))).into_response()
        };
        match self {
            Self::Invalid(errors) => {
                let is_duplicate = errors.iter().all(|error| error.code == "duplicate_value");
                let status = if is_duplicate {
                    StatusCode::CONFLICT
                } else {
                    StatusCode::BAD_REQUEST
                };
                let error = |error: &FieldError| json!({"field": error.field, "message": error.message, "code": error.code});
                let errors: Vec<_> = errors.iter().map(error).collect();
                let body = json!({"description": "Validation failed", "errors": errors});
                (status, Json(body)).into_response()
            }
            Self::Unreadable => said(
                StatusCode::BAD_REQUEST,
                "invalid_json",
                "Request body has invalid json format.",
            ),
            Self::Unauthorized => said(
                StatusCode::UNAUTHORIZED,
                "invalid_credentials",
                "You have to be logged in to perform this action.",
            ),
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::NotAllowed => StatusCode::METHOD_NOT_ALLOWED.into_response(),
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response(),
            Self::TooMany { seconds } => {
                let message = "You have exceeded the limit of requests per minute.";
                let mut response = said(
                    StatusCode::TOO_MANY_REQUESTS,
                    "rate_limit_exceeded",
                    message,
                );
                let value = HeaderValue::from(seconds);
                response.headers_mut().insert(header::RETRY_AFTER, value);
                response
            }
            Self::Server(status) => {
                let message = "We're sorry, but something went wrong.";
                said(status, "internal_error", message)
            }
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid(errors) => {
                let text = |error: &FieldError| format!("{}: {}", error.field, error.message);
                let texts: Vec<_> = errors.iter().map(text).collect();
                formatter.write_str(&texts.join("; "))
            }
            other => write!(formatter, "{other:?}"),
        }
    }
}
