//! How ServiceNow refuses: `{"error":{"message","detail"},"status":"failure"}`, and how it answers while it sleeps.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

use crate::sandbox::faults::Refusal;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// 400: a header is missing or the body is no JSON.
    BadRequest(String),
    /// 400: there is no such table.
    NoTable(String),
    /// 401.
    Unauthorized,
    /// 403: an ACL refuses this operation (`Query`, `Insert`, `Update`, `Delete`).
    Acl(&'static str),
    /// 403: a data policy wants these fields, by label.
    Policy(Vec<&'static str>),
    /// 403: a business rule refuses it.
    Rule { table: String, name: String },
    /// 404: the record is missing or hidden.
    NoRecord,
    /// 404: there is nothing at this address.
    NoResource,
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
        problem.into_response()
    }

    fn told(&self) -> (StatusCode, String, Option<String>) {
        let failed = "Operation Failed".to_owned();
        match self {
            Self::BadRequest(why) => (StatusCode::BAD_REQUEST, why.clone(), None),
            Self::NoTable(name) => (
                StatusCode::BAD_REQUEST,
                format!("Invalid table {name}"),
                None,
            ),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "User Not Authenticated".to_owned(),
                Some("Required to provide Auth information".to_owned()),
            ),
            Self::Acl(operation) => (
                StatusCode::FORBIDDEN,
                failed,
                Some(format!(
                    "ACL Exception {operation} Failed due to security constraints"
                )),
            ),
            Self::Policy(fields) => (
                StatusCode::FORBIDDEN,
                failed,
                Some(format!(
                    "Data Policy Exception: The following fields are mandatory: {}",
                    fields.join(", ")
                )),
            ),
            Self::Rule { table, name } => (
                StatusCode::FORBIDDEN,
                failed,
                Some(format!(
                    "Operation against file '{table}' was aborted by Business Rule '{name}^b1d0'. Business Rule Stack:{name}"
                )),
            ),
            Self::NoRecord => (
                StatusCode::NOT_FOUND,
                "No Record found".to_owned(),
                Some("Record doesn't exist or ACL restricts the record retrieval".to_owned()),
            ),
            Self::NoResource => (
                StatusCode::NOT_FOUND,
                "Requested URI does not represent any resource".to_owned(),
                None,
            ),
            Self::TooMany { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "Rate limit exceeded".to_owned(),
                Some("Rate limit for Table API exceeded".to_owned()),
            ),
            Self::Server(status) => (*status, "Internal error".to_owned(), None),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, message, detail) = self.told();
        let body = json!({"error": {"message": message, "detail": detail}, "status": "failure"});
        let mut response = (status, Json(body)).into_response();
        if let Self::TooMany { seconds } = self {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (_, message, detail) = self.told();
        write!(formatter, "{message}: {}", detail.unwrap_or_default())
    }
}

/// The page of an instance that sleeps, whatever was asked.
pub(super) fn asleep() -> Response {
    Html("<!DOCTYPE html><html><head><title>Instance Hibernating</title></head><body>Your instance is hibernating.</body></html>").into_response()
}
