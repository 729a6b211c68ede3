//! How Smartsheet refuses: `{errorCode, message, refId, detail}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::sandbox::faults::Refusal;

/// A refusal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    status: StatusCode,
    code: u64,
    message: String,
    detail: Option<Value>,
}

impl Problem {
    fn new(status: StatusCode, code: u64, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            detail: None,
        }
    }

    /// A request that is wrong in itself.
    pub(super) fn bad(code: u64, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn no_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            1001,
            "An Access Token is required.",
        )
    }

    pub(super) fn wrong_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            1002,
            "Your Access Token is invalid.",
        )
    }

    pub(super) fn not_allowed() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            1004,
            "You are not authorized to perform this action.",
        )
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, 1006, "Not Found.")
    }

    pub(super) fn method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            1010,
            "HTTP Method not supported.",
        )
    }

    pub(super) fn unreadable(why: &str) -> Self {
        Self::bad(
            1008,
            format!("Unable to parse request. The following error occurred: {why}"),
        )
    }

    pub(super) fn missing(attribute: &str) -> Self {
        Self::bad(
            1012,
            format!("A required object attribute is missing from your request: {attribute}."),
        )
    }

    pub(super) fn wrong_parameter(name: &str, value: &str) -> Self {
        Self::bad(
            1018,
            format!("The value {value} was not valid for the parameter {name}."),
        )
    }

    pub(super) fn wrong_attribute(name: &str, value: &Value) -> Self {
        Self::bad(
            1031,
            format!("The value {value} was not valid for the attribute {name}."),
        )
    }

    pub(super) fn not_here(attribute: &str) -> Self {
        Self::bad(
            1032,
            format!("The attribute(s) {attribute} are not allowed for this operation."),
        )
    }

    pub(super) fn locked_column(column: u64) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            1039,
            format!("Cannot edit a locked column {column}."),
        )
    }

    pub(super) fn media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            1124,
            "Invalid Content-Type header. Media type not supported.",
        )
    }

    pub(super) fn no_scope() -> Self {
        Self::new(StatusCode::NOT_FOUND, 1151, "Scope object not found.")
    }

    pub(super) fn switched_off_by_support() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            1154,
            "Webhook disabled by Smartsheet.",
        )
    }

    pub(super) fn too_many() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, 4003, "Rate limit exceeded.")
    }

    /// Two writers met on the same sheet.
    pub(super) fn collision() -> Self {
        let message = "An unexpected error has occurred. Please retry your request. If you encounter this error repeatedly, please contact api@smartsheet.com for assistance.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, 4004, message)
    }

    /// Which item of a bulk request is wrong.
    pub(super) fn at(mut self, index: usize, row: Option<u64>) -> Self {
        let mut detail = json!({"index": index});
        if let Some(row) = row {
            detail["rowId"] = json!(row);
        }
        self.detail = Some(detail);
        self
    }

    /// What the fault layer answers with. The vendor promises no `Retry-After`.
    pub(super) fn of_refusal(refusal: Refusal) -> Response {
        let problem = match refusal {
            Refusal::RateLimited { .. } => Self::too_many(),
            Refusal::Unauthorized => Self::new(
                StatusCode::UNAUTHORIZED,
                1003,
                "Your Access Token has expired.",
            ),
            Refusal::ServerError(StatusCode::SERVICE_UNAVAILABLE) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                4001,
                "Smartsheet.com is currently offline for system maintenance. Please check back again shortly.",
            ),
            Refusal::ServerError(status) => Self::new(
                status,
                4000,
                "An unexpected error has occurred. Please contact api@smartsheet.com for assistance.",
            ),
        };
        problem.into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let reference: String = uuid::Uuid::now_v7()
            .simple()
            .to_string()
            .chars()
            .take(12)
            .collect();
        let mut body = json!({"errorCode": self.code, "message": self.message, "refId": reference});
        if let Some(detail) = self.detail {
            body["detail"] = detail;
        }
        (self.status, Json(body)).into_response()
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({})", self.message, self.code)
    }
}
