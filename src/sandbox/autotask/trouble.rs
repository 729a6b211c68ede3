//! How Autotask refuses: `{"errors":["…"]}`, more often than not with 500.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::sandbox::faults::Refusal;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// 500 with sentences: the content, or a missing right.
    Said(Vec<String>),
    /// 401 without a body.
    Unauthorized,
    /// 404 without a body: no such address.
    NoRoute,
    /// 405.
    NotAllowed,
    /// The fourth call at once.
    Threads,
    /// The hour's calls are used up.
    Suspended { seconds: u64 },
    /// 5xx of the vendor's own.
    Server(StatusCode),
}

impl Trouble {
    pub(super) fn said(sentence: impl Into<String>) -> Self {
        Self::Said(vec![sentence.into()])
    }

    /// A reference to what is not there, or inactive.
    pub(super) fn reference(field: &str, noun: &str) -> String {
        format!("Reference value on field: {field} of type: {noun} does not exist or is invalid.")
    }

    pub(super) fn rights(noun: &str, verb: &str) -> Self {
        Self::said(format!(
            "The logged in Resource does not have the adequate permissions to {verb} this {noun}."
        ))
    }

    /// A change of what is not there.
    pub(super) fn no_records() -> Self {
        Self::said(
            "No message. No matching records found. The logged in Resource may not have the required permissions to access the data.",
        )
    }

    /// What the fault layer answers with.
    pub(super) fn of_refusal(refusal: Refusal) -> Response {
        let trouble = match refusal {
            Refusal::RateLimited {
                retry_after_seconds: seconds,
            } => Self::Suspended { seconds },
            Refusal::ServerError(status) => Self::Server(status),
            Refusal::Unauthorized => Self::Unauthorized,
        };
        trouble.into_response()
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let errors = |status: StatusCode, sentences: Vec<String>| {
            (status, Json(json!({ "errors": sentences }))).into_response()
        };
        match self {
            Self::Said(sentences) => errors(StatusCode::INTERNAL_SERVER_ERROR, sentences),
            Self::Unauthorized => StatusCode::UNAUTHORIZED.into_response(),
            Self::NoRoute => StatusCode::NOT_FOUND.into_response(),
            Self::NotAllowed => {
                let sentence = "The requested resource does not support the http method.";
                errors(StatusCode::METHOD_NOT_ALLOWED, vec![sentence.to_owned()])
            }
            Self::Threads => errors(
                StatusCode::TOO_MANY_REQUESTS,
                vec!["Thread Threshold Exceeded".to_owned()],
            ),
            Self::Suspended { seconds } => {
                let sentence = "The external request threshold of this database is exceeded.";
                let mut response = errors(StatusCode::TOO_MANY_REQUESTS, vec![sentence.to_owned()]);
                let value = HeaderValue::from(seconds);
                response.headers_mut().insert(header::RETRY_AFTER, value);
                response
            }
            Self::Server(status) => errors(status, vec!["An error has occurred.".to_owned()]),
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Said(sentences) => formatter.write_str(&sentences.join("; ")),
            other => write!(formatter, "{other:?}"),
        }
    }
}
